"""`make seeds` finds what holds for the author's seed only, and nothing else."""

import nbformat
import pytest

from .pages import NOTEBOOKS, code_cells, read, tags
from .running import processes
from .seeds import has_seed, try_set

START = "import numpy as np\nimport torch\nfrom companion import data"


def tried(tmp_path, *sources, number=0, own=()):
    """Try a page of these cells; return those that train, and what broke."""
    cells = [nbformat.v4.new_code_cell(s, id=str(i)) for i, s in enumerate(sources)]
    for i in own:
        cells[i].metadata["tags"] = ["own-seed"]
    page = tmp_path / "page.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), page)
    with processes(1) as pool:
        job = pool.submit(try_set, page, number, master=5, trained=1)
        dependent, broken = job.result()
    return dependent, {(cell, line): said for (cell, line, _), said in broken.items()}


@pytest.mark.parametrize(
    "draw",
    [
        "np.random.default_rng(3).random()",
        "np.random.default_rng(seed=3).random()",
        "np.random.default_rng([3, 1]).random()",
        "torch.rand(1, generator=torch.Generator().manual_seed(3)).item()",
        "torch.rand(1, generator=torch.manual_seed(3)).item()",
        "torch.rand(1).item()",  # after the seed of another cell
    ],
)
def test_a_value_of_one_seed_breaks_and_equal_seeds_stay_equal(tmp_path, draw):
    names = {}
    exec(f"{START}\ntorch.manual_seed(3)\nx = {draw}", names)
    page = [START + "\ntorch.manual_seed(3)", f"x = {draw}\nassert x == {names['x']!r}"]
    if "rand(1).item" not in draw:
        page[1] += f"\nassert x == {draw}"
    _, broken = tried(tmp_path, *page)
    assert list(broken) == [("1", 2)]
    assert f"== {names['x']:.4f}"[:5] in broken["1", 2]


def test_the_same_set_gives_the_same_and_another_one_does_not(tmp_path):
    page = START, "x = np.random.default_rng(3).random()\nassert x == 0"
    runs = [tried(tmp_path, *page, number=number)[1]["1", 2] for number in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]


def test_an_own_seed_stays_but_what_is_said_of_it_is_judged(tmp_path):
    first = "x = np.random.default_rng(3).random()"
    page = START, first, f"assert x == __import__('numpy').{first[7:]}\nassert x < 0"
    _, broken = tried(tmp_path, *page, own=[1])
    assert set(broken) == {("2", 1), ("2", 2)}  # there the same seed is a fresh one
    _, broken = tried(tmp_path, *page, own=[1, 2])
    assert set(broken) == {("2", 2)}


def test_a_cell_goes_on_after_what_breaks(tmp_path):
    page = (
        START,
        "x = 1\nassert x > 1\nnp.testing.assert_equal(x, 2)\ny = 3",
        "assert y > 3",
    )
    _, broken = tried(tmp_path, *page)
    assert set(broken) == {("1", 2), ("1", 3), ("2", 1)}
    assert broken["1", 2] == "1 > 1"
    assert "ACTUAL: 1" in broken["1", 3]


def test_data_stay_as_they_are(tmp_path):
    digits = "data.mnist_digits().y_train[:20].tolist()"
    names = {}
    exec(f"{START}\nx = {digits}", names)
    assert tried(tmp_path, START, f"assert {digits} == {names['x']}") == ([], {})


def test_cells_that_train_and_those_that_read_them_get_the_first_sets_only(tmp_path):
    page = (
        "def study():\n    return 1\nstudy.__module__ = 'companion.experiments.studies.x'",
        "def work():\n    return study()",
        "made = work()\nother = 1",
        "read = made + 1\nassert read < 2",
        "made = 2\nassert made < 2",
        "assert made < 3 and other == 1",
        "def fit_it(model):\n    model.fit()",
        "fit_it",
    )
    for number, broken in ((0, [("3", 2), ("4", 2)]), (1, [("4", 2)])):
        found = tried(tmp_path, *page, number=number)
        assert (found[0], list(found[1])) == (["2", "3", "5", "7"], broken)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("rng = np.random.default_rng(3)", True),
        ("g = torch.Generator().manual_seed(3)", True),
        ("runs = train_networks(data, seeds=range(5))", True),
        ("rng = default_rng([seed, 1])", True),
        ("rng = default_rng(seed)", False),
        ("keep = keep_mask(6, 0.3, rng)", False),
        ("runs = study(seeds=seeds, epochs=3)", False),
    ],
)
def test_a_seed_is_recognised(source, expected):
    assert has_seed(nbformat.v4.new_code_cell(source)) is expected


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_cell_that_speaks_of_its_own_seed_has_one(path):
    for cell in code_cells(read(path)):
        if "own-seed" in tags(cell):
            assert has_seed(cell), f"{cell.id}: own-seed, but there is no seed"
