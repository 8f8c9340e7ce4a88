"""What the ledger calls evidence: the cell passes, and fails with the opposite put in.

The cell itself is run, after the cells above it that make what it reads, and no others.
"""

import ast
from typing import NamedTuple

import pytest

from .opposites import OPPOSITES
from .pages import BOOK, CLAIMS, code_cells, read, tags
from .running import enter, processes, run
from .seeds import uses

EACH = [
    pytest.param(id_, one, id=f"{id_}-{one.cell}-{i}")
    for id_, opposites in OPPOSITES.items()
    for i, one in enumerate(opposites)
]


class Ends(NamedTuple):
    mean: float
    low: float
    high: float


class Stored:
    """A table as it is stored below the cell of a study; no network is trained."""

    def __init__(self, rows, verdict):
        self.rows, self.verdict = rows, verdict

    def interval(self, measure, setting):
        return self.rows[measure, setting]

    def but(self, measure, setting, low, high):
        """Return the table with one row replaced, which it must have."""
        assert (measure, setting) in self.rows
        new = {(measure, setting): Ends((low + high) / 2, low, high)}
        return Stored(self.rows | new, self.verdict)


def stored_table(cell):
    """Return the table that is stored below a cell."""
    (text,) = [out.data["text/plain"] for out in cell.outputs if "data" in out]
    lines = text.splitlines()
    head = next(line for line in lines if line.startswith("measure "))
    at = [head.index(name) for name in ("setting", " n ", "mean", "low", "high")]
    rows = {}
    for line in lines[lines.index(head) + 1 : -1]:
        numbers = line[at[1] :].split()
        rows[line[: at[0]].strip(), line[at[0] : at[1]].strip()] = Ends(
            *map(float, numbers[1:4])
        )
    return Stored(rows, lines[-1].removeprefix("Verdict: "))


def loads(source):
    """Return the names that code reads before it binds them, and those it binds."""
    return uses(compile(source, "cell", "exec"), definitions=True)


def fills(source):
    """Return the names of which code sets an entry or an attribute."""
    return {
        node.value.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Subscript | ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
    }


def needed(cells, wanted, known):
    """Return the cells that bind or fill what is wanted, what these read, and so on."""
    chosen, wanted = [], wanted - known
    for cell in reversed(cells):
        reads, binds = loads(cell.source)
        if (binds | fills(cell.source)) & wanted:
            chosen.append(cell)
            wanted = (wanted - binds) | (reads - known)
    return chosen[::-1]


def outcome(path, opposite):
    """Say what happens to the cell: as the page has it, and with the opposite."""
    names, cells = enter(path), code_cells(read(path))
    by_id = {cell.id: cell for cell in cells}
    names["stored"] = lambda id_: stored_table(by_id[id_])
    target = by_id[opposite.cell]
    above = cells[: cells.index(target)]
    ready, known = loads(opposite.known)
    for cell in needed(above, ready, set()):
        run(cell, names)
    exec(opposite.known, names)
    wanted = loads(target.source)[0] | loads(opposite.put_in)[0]
    for cell in needed(above, wanted, known):
        run(cell, names)
    said = []
    for code in ("", opposite.put_in):
        exec(code, names)
        try:
            run(target, names)
            said.append("passes")
        except Exception as error:
            said.append(type(error).__name__)
    return said


@pytest.fixture(scope="module")
def outcomes(request):
    """Put in what is asked for, each in a process of its own."""
    asked = [
        item.callspec.params["opposite"]
        for item in request.session.items
        if item.module is request.module and hasattr(item, "callspec")
    ]
    with processes(2) as pool:
        yield {
            one: pool.submit(outcome, BOOK / f"{one.page}.ipynb", one) for one in asked
        }


def test_every_claim_with_evidence_has_an_opposite():
    evidence = {claim["id"] for claim in CLAIMS if claim["shown"] == "evidence"}
    assert set(OPPOSITES) == evidence


@pytest.mark.parametrize(("id_", "opposite"), EACH)
def test_cell_fails_with_the_opposite(id_, opposite, outcomes):
    page = read(BOOK / f"{opposite.page}.ipynb")
    (cell,) = [cell for cell in page.cells if cell.id == opposite.cell]
    assert f"claim-{id_}" in tags(cell)
    assert outcomes[opposite].result() == ["passes", "AssertionError"]


def test_only_what_is_needed_is_run():
    cell = type("Cell", (), {})
    cells = [cell() for _ in range(4)]
    lines = ("a = {}", "a[0] = 1", "c = train()", "d = a")
    for one, line in zip(cells, lines, strict=True):
        one.source = line
    assert needed(cells, {"d"}, set()) == [cells[0], cells[1], cells[3]]
    assert needed(cells, {"c", "a"}, {"c"}) == cells[:2]
