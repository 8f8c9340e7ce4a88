"""Every notebook keeps the promises of the house: executed, compared, readable."""

import re
import statistics
from collections import defaultdict

import pytest

from .pages import (
    CHAPTERS,
    NOTEBOOKS,
    asserts,
    calls,
    code_cells,
    defines,
    prose,
    read,
    tags,
)

notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
FRAME = [
    "What the article says",
    "What goes wrong",
    "Exercises",
    "Summary",
    "Further reading",
]
MACHINE_PATH = re.compile(r"(/(home|root|tmp|work|Users)/|ipykernel_|C:\\\\Users)")


def test_nine_chapters():
    assert [p.stem[:2] for p in CHAPTERS] == [f"0{i}" for i in range(1, 10)]


# What nbval needs: a notebook that was never run compares nothing, and passes.


@notebooks
def test_every_code_cell_was_run(path):
    cells = code_cells(read(path))
    assert cells
    for cell in cells:
        assert cell.source.strip(), f"cell {cell.id} is empty"
        assert cell.execution_count is not None, f"cell {cell.id}: run `make outputs`"


@notebooks
def test_output_is_there_where_a_cell_prints(path):
    for cell in code_cells(read(path)):
        if calls(cell, "print", "plt.show"):
            assert cell.outputs, f"cell {cell.id} prints, but no output is stored"


@notebooks
def test_outputs_hold_nothing_of_one_machine(path):
    for cell in code_cells(read(path)):
        assert "execution" not in cell.metadata
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", f"cell {cell.id} warns"
            assert not any(kind.startswith("image/") for kind in output.get("data", {}))
            assert not MACHINE_PATH.search(str(output)), f"cell {cell.id} prints a path"
            assert "0x7f" not in str(output), f"cell {cell.id} prints an address"


@notebooks
def test_ignored_output_is_asserted(path):
    """What cannot be equal on two machines is a claim: asserted here or in the next cell."""
    cells = code_cells(read(path))
    for cell, following in zip(cells, [*cells[1:], None], strict=True):
        nbval = [tag for tag in tags(cell) if tag.startswith("nbval-")]
        assert set(nbval) <= {"nbval-ignore-output"}, f"cell {cell.id}: {nbval}"
        if nbval:
            near = [cell] + ([following] if following else [])
            assert any(map(asserts, near)), f"cell {cell.id} is ignored and not asserted"


@notebooks
def test_random_numbers_come_from_seeded_generators(path):
    for cell in code_cells(read(path)):
        assert "default_rng()" not in cell.source
        assert not re.search(
            r"np\.random\.(seed|rand|randn|uniform|normal)\(", cell.source
        )


# How a cell reads.


def chapter_of(path):
    """Return the two digits of a chapter, also for the pages below it."""
    return (path.stem if path in CHAPTERS else path.parent.name)[:2]


@notebooks
def test_lines_fit_a_narrow_page(path):
    for cell in code_cells(read(path)):
        for line in cell.source.splitlines():
            assert len(line) <= 70, f"cell {cell.id}: {line}"


def test_cells_are_short():
    lengths = [c.source.count("\n") + 1 for p in NOTEBOOKS for c in code_cells(read(p))]
    assert statistics.median(lengths) <= 5
    assert statistics.quantiles(lengths, n=10)[-1] <= 15


def test_no_two_pages_define_the_same_name():
    """What several pages need comes from the package; two things have two names."""
    pages = defaultdict(set)
    for path in NOTEBOOKS:
        for cell in code_cells(read(path)):
            for name in defines(cell):
                pages[name].add(path.stem)
    assert {name: on for name, on in pages.items() if len(on) > 1} == {}


@notebooks
def test_figures_say_what_they_show(path):
    names = []
    for cell in code_cells(read(path)):
        if not calls(cell, "plt.show"):
            continue
        shown = cell.metadata.get("mystnb", {})
        alt = shown.get("image", {}).get("alt", "")
        figure = shown.get("figure", {})
        assert len(alt.split()) >= 6, f"cell {cell.id}: alt text is no sentence: {alt!r}"
        assert alt.rstrip().endswith("."), f"cell {cell.id}: {alt!r}"
        assert len(figure.get("caption", "").split()) >= 5, f"cell {cell.id}: no caption"
        assert figure.get("name", "").startswith(f"fig-{chapter_of(path)}-"), cell.id
        assert len(cell.outputs) == 1, f"cell {cell.id}: a figure and nothing else"
        names.append(figure["name"])
    assert names, "no figure"
    assert len(names) == len(set(names))


@notebooks
def test_cell_ids_are_unique(path):
    ids = [cell.id for cell in read(path).cells]
    assert len(ids) == len(set(ids))


# The frame of a chapter.


@chapters
def test_frame(path):
    text = prose(read(path))
    code_free = re.sub(r"```.*?```", "", text, flags=re.S)
    assert len(re.findall(r"^# ", code_free, flags=re.M)) == 1
    assert read(path).cells[0].source.startswith("# ")
    headings = re.findall(r"^## (.+)$", text, flags=re.M)
    assert [h for h in headings if h in FRAME] == FRAME
    assert text.index("{admonition} Objectives") < text.index("## " + FRAME[0])
    assert headings[0] == FRAME[0]
    assert headings[-1] == FRAME[-1]


@chapters
def test_both_frameworks_side_by_side(path):
    cells = read(path).cells
    pairs = 0
    for i, cell in enumerate(cells):
        if "torch" in tags(cell):
            assert "numpy" in tags(cells[i - 1]), f"cell {cell.id} has no twin before it"
        if "numpy" in tags(cell):
            assert "torch" in tags(cells[i + 1]), f"cell {cell.id} has no twin after it"
            pairs += 1
    assert pairs >= 1


@chapters
def test_one_half_is_never_alone(path):
    """At p = 0.5 both 1/p and 1/(1-p) are 2, and wrong code looks right."""
    source = "\n".join(cell.source for cell in code_cells(read(path)))
    for p in ("0.1", "0.3", "0.8"):
        assert re.search(rf"(?<![\d.]){re.escape(p)}(?!\d)", source), (
            f"p = {p} is not shown"
        )


@chapters
def test_exercises_have_solutions(path):
    text = prose(read(path))
    exercises = re.findall(r"\{exercise\}.*?\n:label: (\S+)", text)
    solutions = re.findall(r"\{solution-start\} (\S+)", text)
    assert len(exercises) >= 3
    assert exercises == solutions
    assert text.count("{solution-end}") == len(solutions)
    assert all(label.startswith(f"ex-{path.stem[:2]}-") for label in exercises)


@chapters
def test_prose_has_no_filler(path):
    words = re.findall(
        r"\b(simply|obviously|basically|of course|easily)\b", prose(read(path))
    )
    assert words == []
