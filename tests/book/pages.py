"""What the tests of the book share: where the pages are and how to read them."""

import ast
import re
from pathlib import Path

import nbformat
import yaml
from pybtex.database import parse_file

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
HTML = ROOT / "_build" / "html"
NOTEBOOKS = sorted(
    p for p in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts
)
CHAPTERS = [p for p in NOTEBOOKS if p.parent == BOOK]
BELOW = [p for p in NOTEBOOKS if p.parent != BOOK]
SECTIONS = yaml.safe_load((BOOK / "claims.yml").read_text(encoding="utf-8"))
BIBLIOGRAPHY = parse_file(BOOK / "references.bib")  # which refuses a key given twice
CLAIMS = [claim | {"chapter": s["chapter"]} for s in SECTIONS for claim in s["claims"]]


def read(path):
    """Return a notebook."""
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    """Return the code cells of a notebook, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell):
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def prose(notebook):
    """Return all markdown of a notebook as one text."""
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def asserts(cell):
    """Say whether a code cell contains an assert statement."""
    return any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(cell.source)))


def calls(cell, *names):
    """Say whether the cell itself, outside of functions it defines, calls one of names."""
    body = [
        node
        for node in ast.parse(cell.source).body
        if not isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    found = (
        ast.unparse(node.func)
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
    )
    return any(name in names for name in found)


def defines(cell):
    """Return the functions, classes and constants that a cell defines at top level.

    A constant has two capitals at least; W, X and V0 are the matrices of one page.
    """
    found = set()
    for node in ast.parse(cell.source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            targets = [n for target in node.targets for n in ast.walk(target)]
            names = {n.id for n in targets if isinstance(n, ast.Name)}
            found |= {name for name in names if re.fullmatch("[A-Z][A-Z_]+", name)}
    return found


def claim_boxes(notebook):
    """Return the claim boxes of a notebook: pairs of id and body."""
    return re.findall(r"^:::+\{claim\} (\S+)\n(.*?)^:::+$", prose(notebook), re.M | re.S)
