"""Every numbered equation and theorem of the mathematics is decided by a cell that runs.

The cell has the label as its tag and asserts something. What is exact is asserted
exactly or to 1e-12; what has an approximation sign, with a bound on its error and
with the finding that it is not exact.
"""

import ast
import re

import pytest

from .pages import BOOK, CHAPTERS, code_cells, prose, read, tags

PAGES = CHAPTERS[2:4] + sorted((BOOK / "04-mathematics").glob("*.ipynb"))
pages = pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)

EQUATION = re.compile(r"\$\$((?:(?!\$\$).)+?)\$\$ *\(([^\s()]+)\)", re.DOTALL)
THEOREM = re.compile(
    r"^([:`]{3,})\{prf:(?:theorem|lemma|corollary|proposition)\}[^\n]*\n(.*?)^\1$",
    re.DOTALL | re.MULTILINE,
)
LABEL = re.compile(r"(eq|thm|lem|cor|prop)-[a-z0-9-]+")
APPROXIMATE = re.compile(r"\\(approx|simeq|lesssim|gtrsim)")
BOUND = re.compile(r"\\(leq?|geq?|lt|gt|ll|gg)\b|[<>]")
ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
TOLERANCE = 1e-12


def statements(notebook):
    """Return what a page numbers: a dictionary of label and text."""
    text = prose(notebook)
    found = [(label, body) for body, label in EQUATION.findall(text)]
    for _, body in THEOREM.findall(text):
        label = re.match(r":label: (\S+)\n", body)
        found.append((label[1] if label else "a theorem without label", body))
    return dict(found)


def kind(statement):
    """Say whether a statement is an approximation, a bound or exact."""
    if APPROXIMATE.search(statement):
        return "approximate"
    if BOUND.search(statement) and "=" not in statement:
        return "bound"
    return "exact"


def assertions(source):
    """Return what a cell asserts, outside of the functions that it defines."""
    waiting, found = list(ast.parse(source).body), []
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            continue
        called = isinstance(node, ast.Call) and ast.unparse(node.func)
        if isinstance(node, ast.Assert) or (called and ".assert_" in called):
            found.append(node)
        waiting += ast.iter_child_nodes(node)
    return found


def inside(node, *kinds):
    """Return the nodes of some kinds within one."""
    return [n for n in ast.walk(node) if isinstance(n, kinds)]


def is_tiny(node):
    """Say whether a tolerance is written out and 1e-12 or tighter: 1e-14 * scale."""
    written = isinstance(node, ast.Constant | ast.BinOp)
    numbers = [n.value for n in inside(node, ast.Constant)]
    return written and any(isinstance(v, float) and 0 < v <= TOLERANCE for v in numbers)


def is_tight(call):
    """Say whether a call like allclose has only tolerances of 1e-12 or tighter.

    The default of `np.allclose` is 1e-8, whatever rtol says.
    """
    given = {
        k.arg: is_tiny(k.value) or ast.unparse(k.value) == "0"
        for k in call.keywords
        if "tol" in (k.arg or "")
    }
    name = ast.unparse(call.func)
    needed = {"math.isclose": {"rel_tol"}, "np.testing.assert_allclose": {"rtol"}}
    return needed.get(name, {"rtol", "atol"}) <= set(given) and all(given.values())


def close_calls(node):
    """Return the calls that compare with a tolerance."""
    return [c for c in inside(node, ast.Call) if "close" in ast.unparse(c.func)]


def orders(node):
    """Return the pairs (smaller, larger) that an assertion compares."""
    pairs = []
    for comparison in inside(node, ast.Compare):
        sides = [comparison.left, *comparison.comparators]
        for a, op, b in zip(sides[:-1], comparison.ops, sides[1:], strict=True):
            if isinstance(op, ORDER):
                pairs.append((a, b) if isinstance(op, ast.Lt | ast.LtE) else (b, a))
    return pairs


def is_exact(node):
    """Say whether an assertion would notice an error of more than 1e-12."""
    equal = [c for c in inside(node, ast.Compare) if isinstance(c.ops[0], ast.Eq)]
    names = [ast.unparse(c.func) for c in inside(node, ast.Call)]
    return bool(
        equal
        or any(name.endswith(("array_equal", ".any")) for name in names)
        or any(map(is_tight, close_calls(node)))
        or any(is_tiny(larger) for _, larger in orders(node))
    )


def fault(statement, sources):
    """Return what is missing in the cells that decide a statement, or None."""
    asserted = [node for source in sources for node in assertions(source)]
    if not asserted:
        return "no cell with its tag asserts anything"
    compared = sum(len(orders(node)) for node in asserted)
    if kind(statement) == "approximate":
        if compared < 2:
            return "assert a bound on the error, and that it is not exact"
    elif kind(statement) == "bound":
        if compared < 1:
            return "assert the order of the two sides"
    elif not any(map(is_exact, asserted)):
        return "assert equality, or an error of at most 1e-12"
    elif not all(is_tight(call) for node in asserted for call in close_calls(node)):
        return "a tolerance is wider than 1e-12, or left to its default"
    return None


@pages
def test_each_statement_is_decided(path):
    notebook = read(path)
    found = statements(notebook)
    assert found, "no numbered equation"
    for label, statement in found.items():
        assert LABEL.fullmatch(label), label
        cells = [c.source for c in code_cells(notebook) if label in tags(c)]
        found[label] = fault(statement, cells)
    assert {label: wrong for label, wrong in found.items() if wrong} == {}


@pages
def test_each_tag_has_its_label(path):
    notebook = read(path)
    used = {t for c in code_cells(notebook) for t in tags(c) if LABEL.fullmatch(t)}
    assert used <= set(statements(notebook))


# The judge itself: what it must refuse, and what it must let pass.

EXACT, NEARLY, LESS = "a = b", r"a \approx b", r"a \le b"


@pytest.mark.parametrize(
    ("statement", "source"),
    [
        (EXACT, "print(a - b)"),
        (EXACT, "def f():\n    assert a == b"),
        (EXACT, "assert abs(a - b) < 1e-9"),
        (EXACT, "assert abs(a - b) > 1e-12"),
        (EXACT, "assert abs(a - b) - c < 0"),
        (EXACT, "assert np.allclose(a, b)"),
        (EXACT, "assert np.allclose(a, b, rtol=1e-12)"),  # atol is 1e-8
        (EXACT, "assert np.allclose(a, b, rtol=1e-6, atol=0)"),
        (EXACT, "assert math.isclose(a, b)"),
        (EXACT, "np.testing.assert_allclose(a, b)"),
        (EXACT, "assert c == d\nassert np.allclose(a, b)"),
        (NEARLY, "assert abs(a - b) < 0.1"),
        (NEARLY, "assert a == b"),
        (LESS, "assert a == b"),
    ],
)
def test_weak_assertions_are_refused(statement, source):
    assert fault(statement, [source])


@pytest.mark.parametrize(
    ("statement", "source"),
    [
        (EXACT, "assert a == b"),
        (EXACT, "assert np.array_equal(a, b)"),
        (EXACT, "for p in RATES:\n    assert abs(a - b).max() < 1e-12"),
        (EXACT, "assert 1e-14 * scale > abs(a - b)"),
        (EXACT, "assert np.allclose(a, b, rtol=0, atol=1e-15)"),
        (EXACT, "assert math.isclose(a, b, rel_tol=1e-12)"),
        (EXACT, "np.testing.assert_allclose(a, b, rtol=1e-13)"),
        (NEARLY, "assert 0 < abs(a - b) < 0.1"),
        (NEARLY, "assert abs(a - b) < 0.1\nassert abs(a - b) > 1e-6"),
        (LESS, "assert a <= b"),
    ],
)
def test_good_assertions_pass(statement, source):
    assert fault(statement, [source]) is None


def test_statements_are_found():
    """In each form in which the book writes them."""
    text = "$$\na = b\n$$ (eq-one)\n\n$$ x $$ and $$ y\\approx z $$ (eq-two)\n\n"
    text += ":::{prf:theorem} Name\n:label: thm-three\n\n$a = b$.\n:::\n"
    text += "```{prf:lemma}\n:label: lem-four\n\nText.\n```\n"
    text += ":::{prf:corollary}\nNo label.\n:::\n"
    cell = type("Cell", (), {"cell_type": "markdown", "source": text})
    found = statements(type("Notebook", (), {"cells": [cell]}))
    labels = ["eq-one", "eq-two", "thm-three", "lem-four", "a theorem without label"]
    assert list(found) == labels
    assert [kind(found[label]) for label in labels[:2]] == ["exact", "approximate"]
