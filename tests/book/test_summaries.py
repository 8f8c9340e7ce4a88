"""Summaries are statements: each line names, in a comment, what carries it.

`<!-- by: c01-010, 08-outlook#c08-014, @liu2023dropout -->` at its end: cells that assert,
of this page or another, or references.
"""

import re

import pytest

from .pages import BIBLIOGRAPHY, BOOK, NOTEBOOKS, asserts, code_cells, prose, read

PAGES = {str(p.relative_to(BOOK).with_suffix("")): p for p in NOTEBOOKS}


def lines(path):
    """Return the lines of the summary of a page, each as one text."""
    found = re.search(r"^## Summary\n(.*?)(?=^## |\Z)", prose(read(path)), re.M | re.S)
    return re.split(r"^- ", found[1], flags=re.M)[1:] if found else []


def carried_by(line):
    """Return what a line names."""
    found = re.findall(r"<!-- by: (.*?) -->\s*\Z", line)
    return found[0].split(", ") if found else []


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_line_of_a_summary_names_what_carries_it(name):
    for line in lines(PAGES[name]):
        assert carried_by(line), f"no comment ends the line: {line}"
        for one in carried_by(line):
            if one.startswith("@"):
                assert one[1:] in BIBLIOGRAPHY.entries
                continue
            *other, id_ = one.split("#")
            page = read(PAGES[other[0] if other else name])
            (cell,) = [cell for cell in code_cells(page) if cell.id == id_]
            assert asserts(cell), f"cell {id_} asserts nothing"
