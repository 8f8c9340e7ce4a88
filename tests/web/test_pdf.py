"""`make pdf`: every page of the one PDF, looked at as a picture."""

import re
import subprocess
import sys

import numpy as np
import pypdfium2
import pytest

from ..book.pages import CHAPTERS, HTML, ROOT


@pytest.fixture(scope="module")
def book(chromium, site):  # both are there, or the test is skipped
    subprocess.run([sys.executable, ROOT / "book/make_pdf.py"], check=True)
    with pypdfium2.PdfDocument(HTML.parent / "dropout-verified.pdf") as document:
        yield document


def test_all_chapters_are_in_it(book):
    titles = [entry.get_title() for entry in book.get_toc()]
    for number in range(1, len(CHAPTERS) + 1):
        assert any(re.match(rf"{number}\.\s", title) for title in titles), number
    assert "Bibliography" in titles


def test_pages_are_drawn(book):
    """Ink on every page, within its margins; figures and formulas somewhere."""
    colours = 0
    for number, page in enumerate(book, start=1):
        picture = page.render(scale=0.5).to_numpy().astype(int)
        ink = (picture < 160).any(axis=2)
        assert ink[: int(0.93 * len(ink))].mean() > 0.0005, f"page {number} is blank"
        assert not ink[:, :12].any() and not ink[:, -12:].any(), f"page {number} is cut"
        colours += (np.ptp(picture, axis=2) > 100).mean() > 0.004
        text = page.get_textpage().get_text_range()
        assert not re.search(r"\\frac|\\sum|\\\(|Show code cell source$", text), number
    assert colours > 20
