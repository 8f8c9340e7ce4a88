"""The house stands: who may import whom, short functions, a test for each module.

CONTRIBUTING.md draws the floors.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "companion").rglob("*.py"))
}
# From the ground up: a module imports from lower floors and from its own room.
FLOORS = (
    ("_arguments",),
    ("_arithmetic", "_training"),
    ("masks",),
    ("numpy", "torch", "schedules", "data", "plots", "theory"),
    ("verify", "experiments"),
)
# The same within the rooms that have floors of their own.
WITHIN = {
    "experiments": (
        ("statistics", "_checks"),
        ("training",),
        ("instruments", "finding"),
        ("studies",),
        ("chart", "__main__"),
    ),
}
LONGEST = 40  # lines of code in a function


def imports(path):
    """Return what a module imports, as pairs (module, name); the name may be None."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.append(
                    (whole, None) if whole in MODULES else (node.module, alias.name)
                )
    return [
        (module, name) for module, name in found if module.split(".")[0] == "companion"
    ]


def floor(room, floors):
    """Return the number of the floor on which a room lies."""
    return next(i for i, rooms in enumerate(floors) if room in rooms)


def climbs(source, target, floors, depth=1):
    """Say whether an import goes upwards, or through the wall to a neighbour."""
    mine, theirs = (f"{name}.".split(".")[depth] for name in (source, target))
    if not mine or not theirs:  # a package gathers what lies in it, and has no floor
        return False
    if mine != theirs:
        return floor(theirs, floors) >= floor(mine, floors)
    return mine in WITHIN and climbs(source, target, WITHIN[mine], depth + 1)


@pytest.mark.parametrize("module", MODULES)
def test_nothing_imports_upwards(module):
    up = {t for t, _ in imports(MODULES[module]) if climbs(module, t, FLOORS)}
    assert up == set()


@pytest.mark.parametrize("module", MODULES)
def test_private_names_stay_at_home(module):
    """A module that starts with _ serves its own package, a name its own module."""
    for target, name in imports(MODULES[module]):
        assert not (name or "").startswith("_"), (target, name)
        package, _, last = target.rpartition(".")
        assert not last.startswith("_") or module.startswith(package), target


def private_names_of_torch(text):
    """Return the private names of PyTorch that a module reads."""
    dotted = (
        ast.unparse(n) for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Attribute)
    )
    inner = re.compile(r"(torch|forward_ad|F)(\.\w+)*\._[a-zA-Z]")
    return sorted({name for name in dotted if inner.match(name)})


@pytest.mark.parametrize(
    "module", [m for m in MODULES if m != "companion.torch._private"]
)
def test_private_names_of_pytorch_stand_in_one_file(module):
    assert private_names_of_torch(MODULES[module].read_text(encoding="utf-8")) == []


def test_private_names_of_pytorch_are_seen():
    text = "torch._C._are_functorch_transforms_active()\ntorch.nn.functional._Reduction"
    assert len(private_names_of_torch(text)) == 3


def test_the_judge_of_floors_sees_what_climbs():
    for source, target in (
        ("companion.masks", "companion.theory"),
        ("companion.numpy.dropout", "companion.torch.dropout"),
        ("companion.torch", "companion.verify"),
        ("companion.verify.contract.masks", "companion.experiments.statistics"),
        (
            "companion.experiments.training.engine",
            "companion.experiments.studies.sparsity",
        ),
    ):
        assert climbs(source, target, FLOORS), (source, target)
    assert not climbs("companion.verify.contract.masks", "companion.masks", FLOORS)


SOURCES = [
    p for part in ("companion", "tests", "book") for p in (ROOT / part).rglob("*.py")
]


def lines_of_code(function, text):
    """Count the lines of a function that are neither blank, comment nor docstring."""
    silent = set()
    for node in ast.walk(function):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            silent |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(
        function.lineno <= i <= function.end_lineno
        and i not in silent
        and bool(line.strip())
        and not line.strip().startswith("#")
        for i, line in lines
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]
    long = {f.name: n for f in functions if (n := lines_of_code(f, text)) > LONGEST}
    assert long == {}


def test_the_count_of_lines_leaves_out_what_is_not_code():
    text = 'def f():\n    """One\n\n    two."""\n    # three\n\n    return 4\n'
    (function,) = ast.parse(text).body
    assert lines_of_code(function, text) == 2


def place_of_test(module):
    """Return where the tests of a module stand: both frameworks share theirs."""
    _, *rooms, name = module.split(".")
    if rooms[:1] in (["numpy"], ["torch"]):
        rooms = rooms[1:]
    if rooms[:2] in (["verify", "contract"], ["verify", "mutants"]):
        rooms, name = rooms[:1], rooms[1]
    top = [] if rooms[:1] in (["verify"], ["experiments"]) else ["companion"]
    return Path("tests", *top, *rooms, f"test_{name}.py")


@pytest.mark.parametrize(
    "module",
    [
        name
        for name, path in MODULES.items()
        if path.name != "__init__.py" and not path.stem.startswith("_")
    ],
)
def test_each_module_has_its_test_at_the_same_place(module):
    place = place_of_test(module)
    assert (ROOT / place).exists(), place
