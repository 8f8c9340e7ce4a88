"""Summaries are statements: each line names, in a comment, what carries it.

`<!-- by: c01-010, 08-outlook#c08-014, @liu2023dropout -->` at its end: cells that assert,
of this page or another, or references. So does the first paragraph of an answer in chapter
9, after the sentences that answer. A figure's cell asserts, or names these in its metadata,
as `by`. A verdict names nothing: its cells wear the claim's tag, the ledger has its sources.
"""

import re

import pytest

from .pages import (
    BELOW,
    BIBLIOGRAPHY,
    BOOK,
    CLAIMS,
    NOTEBOOKS,
    asserts,
    code_cells,
    prose,
    read,
    tags,
)

PAGES = {str(p.relative_to(BOOK).with_suffix("")): p for p in NOTEBOOKS}
pages = pytest.mark.parametrize("name", sorted(PAGES))


def lines(path):
    """Return the lines of the summary of a page, each as one text."""
    found = re.search(r"^## Summary\n(.*?)(?=^## |\Z)", prose(read(path)), re.M | re.S)
    return re.split(r"^- ", found[1], flags=re.M)[1:] if found else []


def answers(path):
    """Return the first paragraph of each answer, without what follows it."""
    found = re.findall(r"^### .*\?\n+((?:.+\n)+)", prose(read(path)) + "\n", re.M)
    return found if path.stem == "09-faq" else []


def figures(path):
    """Return the cells of a page that draw a figure with a caption."""
    return [c for c in code_cells(read(path)) if "figure" in c.metadata.get("mystnb", {})]


def carried_by(text, end=r"\s*\Z"):
    """Return what a text names."""
    found = re.findall(r"<!-- by: (.*?) -->" + end, text)
    return found[0].split(", ") if found else []


def assert_carried(names, page):
    """Assert that each name is that of a reference or of a cell that asserts."""
    for one in names:
        if one.startswith("@"):
            assert one[1:] in BIBLIOGRAPHY.entries, f"no reference is called {one}"
            continue
        *other, id_ = one.split("#")
        notebook = read(PAGES[other[0] if other else page])
        (cell,) = [cell for cell in code_cells(notebook) if cell.id == id_]
        assert asserts(cell), f"cell {id_} asserts nothing"


@pages
def test_every_line_of_a_summary_names_what_carries_it(name):
    for line in lines(PAGES[name]):
        assert carried_by(line), f"no comment ends the line: {line}"
        assert_carried(carried_by(line), name)


def test_every_answer_names_what_carries_it():
    assert len(answers(PAGES["09-faq"])) > 30
    for first in answers(PAGES["09-faq"]):
        names = carried_by(first, end="")
        assert names, f"no comment in the answer: {first}"
        assert_carried(names, "09-faq")


@pages
def test_every_caption_is_carried_by_its_cell_or_by_those_that_it_names(name):
    for cell in figures(PAGES[name]):
        by = cell.metadata.get("by", "")
        assert by or asserts(cell), f"what carries {cell.id}?"
        assert_carried(by.split(", ") if by else [], name)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c["id"])
def test_every_verdict_is_carried_by_tagged_cells_or_by_the_sources_of_the_ledger(claim):
    chapter, tag = claim["chapter"], f"claim-{claim['id']}"
    where = [chapter, *(n for n, path in PAGES.items() if path in BELOW)]
    names = [
        f"{n}#{c.id}"
        for n in where
        for c in code_cells(read(PAGES[n]))
        if tag in tags(c) and asserts(c)
    ]
    assert names or claim["shown"] == "source"
    if claim["shown"] != "evidence":
        names += [f"@{source['key']}" for source in claim["sources"]]
    assert names
    assert_carried(names, chapter)
