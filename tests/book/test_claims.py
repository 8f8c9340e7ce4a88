"""The ledger, the boxes and the asserting cells are one truth."""

import re
import subprocess
import sys
from collections import Counter

import pytest

from .pages import (
    BELOW,
    BIBLIOGRAPHY,
    BOOK,
    CHAPTERS,
    CLAIMS,
    asserts,
    claim_boxes,
    code_cells,
    read,
    tags,
)

claims = pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c["id"])


def chapter(claim):
    return read(BOOK / f"{claim['chapter']}.ipynb")


def test_forty_one_claims_in_the_order_of_the_article():
    assert [c["id"] for c in CLAIMS] == [f"C{i:02d}" for i in range(1, 42)]
    assert [c["chapter"] for c in CLAIMS] == sorted(c["chapter"] for c in CLAIMS)


def test_verdicts_are_those_of_the_judged_claims():
    counts = Counter(c["verdict"] for c in CLAIMS)
    assert counts == {
        "true": 9,
        "partly": 17,
        "false": 8,
        "not testable": 2,
        "missing": 5,
    }


def test_verdicts_that_no_run_can_reach_have_no_evidence():
    """Opinions and predictions; all else is judged in its plainest reading."""
    for claim in CLAIMS:
        if claim["verdict"] == "not testable":
            assert claim["shown"] == "source"
            assert claim["why"] in ("an opinion", "a prediction")


@claims
def test_entry_is_complete(claim):
    assert claim["claim"].endswith(".")
    assert claim["truth"].endswith(".")
    assert claim["shown"] in ("evidence", "illustration", "source")
    assert (claim["shown"] == "evidence") is not bool(claim.get("why"))
    assert {s["key"] for s in claim["sources"]} <= set(BIBLIOGRAPHY.entries)
    assert claim["sources"]


@claims
def test_one_box_in_its_chapter_with_the_same_verdict(claim):
    boxes = [body for id_, body in claim_boxes(chapter(claim)) if id_ == claim["id"]]
    assert len(boxes) == 1
    verdict = re.search(r"^\*\*([^*]+)", boxes[0], flags=re.M)
    assert verdict, "the box has no verdict in bold at the start of a line"
    assert verdict[1].lower().startswith(claim["verdict"])


@claims
def test_box_cites_a_source_of_the_ledger(claim):
    (body,) = [body for id_, body in claim_boxes(chapter(claim)) if id_ == claim["id"]]
    cited = {
        k for keys in re.findall(r"\{cite:\w+\}`([^`]+)`", body) for k in keys.split(",")
    }
    assert cited & {s["key"] for s in claim["sources"]}


@claims
def test_claim_that_is_shown_has_an_asserting_cell(claim):
    """In its chapter, or on a page below one: an experiment may show several claims."""
    tag = f"claim-{claim['id']}"
    pages = [chapter(claim), *map(read, BELOW)]
    cells = [c for page in pages for c in code_cells(page) if tag in tags(c)]
    if claim["shown"] == "source":
        assert not cells, f"{claim['id']} rests on a source, yet a cell is tagged"
    else:
        assert any(map(asserts, cells)), f"no cell tagged {tag} asserts anything"


def test_tags_and_boxes_name_known_claims_of_their_chapter():
    known = {(c["chapter"], c["id"]) for c in CLAIMS}
    for path in CHAPTERS:
        notebook = read(path)
        named = {id_ for id_, _ in claim_boxes(notebook)}
        for cell in code_cells(notebook):
            named |= {
                t.removeprefix("claim-") for t in tags(cell) if t.startswith("claim-")
            }
        assert {(path.stem, id_) for id_ in named} <= known


def test_pages_below_a_chapter_tag_known_claims_and_hold_no_box():
    for page in map(read, BELOW):
        assert not claim_boxes(page)
        named = {t for c in code_cells(page) for t in tags(c) if t.startswith("claim-")}
        assert named <= {f"claim-{claim['id']}" for claim in CLAIMS}


def test_citations_are_in_the_bibliography():
    for path in [*BOOK.rglob("*.ipynb"), *BOOK.rglob("*.md")]:
        if ".ipynb_checkpoints" in path.parts:
            continue
        for cited in re.findall(
            r"\{cite:\w+\}`([^`]+)`", path.read_text(encoding="utf-8")
        ):
            for key in cited.split(","):
                assert key.strip() in BIBLIOGRAPHY.entries, f"{path.name} cites {key}"


def test_papers_come_in_the_right_order():
    """C03: the preprint precedes the journal paper."""
    keys = "hinton2012improving", "srivastava2014dropout"
    years = [BIBLIOGRAPHY.entries[key].fields["year"] for key in keys]
    assert years == ["2012", "2014"]


def test_outlook_dates_papers_as_the_bibliography_does():
    """The years of the timeline and of the table in chapter 8 are typed."""
    # A letter may follow, for two papers of the same authors and year: 2016a.
    years = {k: entry.fields["year"][:4] for k, entry in BIBLIOGRAPHY.entries.items()}
    source = "\n".join(cell.source for cell in read(BOOK / "08-outlook.ipynb").cells)
    timeline = re.findall(r'^    \((\d{4}), ".*", "(\w+)"\),$', source, flags=re.M)
    table = re.findall(r"^\| (\d{4}) \|.*\{cite:p\}`(\w+)` \|", source, flags=re.M)
    assert (len(timeline), len(table)) == (11, 10)
    for rows in (timeline, table):
        assert [year for year, _ in rows] == [years[key] for _, key in rows]
        assert rows == sorted(rows, key=lambda row: row[0])


def test_no_two_papers_share_a_label():
    """Two papers of the same authors and year are 2016a and 2016b."""
    labels = Counter()
    for entry in BIBLIOGRAPHY.entries.values():
        names = [" ".join(person.last_names) for person in entry.persons["author"]]
        shown = tuple(names) if len(names) < 3 else names[0]
        labels[shown, entry.fields["year"]] += 1
    assert max(labels.values()) == 1, labels.most_common(1)


CONFIGURATION = f"""
import sys

sys.path.insert(0, {str(BOOK / "_ext")!r})
extensions = ["claims"]

from docutils import nodes
from docutils.parsers.rst import Directive


class Cell(Directive):
    def run(self):
        return [nodes.container("", classes=["tag_claim-C01"])]


def setup(app):
    app.add_directive("cell", Cell)
"""
PAGES = """
Pages
=====

:ref:`to it <evidence-c01>`

.. toctree::

   a
   b
"""


def test_evidence_may_move_to_a_page_that_is_read_earlier(tmp_path):
    """A second build still knows the pages of the first."""
    (tmp_path / "conf.py").write_text(CONFIGURATION)
    (tmp_path / "claims.yml").write_text("[]")
    (tmp_path / "index.rst").write_text(PAGES)
    html = tmp_path / "html"
    for at in "ba":
        for page in "ab":
            text = f"Page\n====\n\nIt is on {at}.\n\n" + ".. cell::\n" * (page == at)
            (tmp_path / f"{page}.rst").write_text(text)
        command = [sys.executable, "-m", "sphinx", "-W", "-q", tmp_path, html]
        subprocess.run(command, check=True, timeout=60)
        assert f'href="{at}.html#evidence-c01"' in (html / "index.html").read_text()
