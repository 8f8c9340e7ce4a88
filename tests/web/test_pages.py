"""Every page in a real browser: light and dark, wide and as narrow as a phone."""

import re
from itertools import pairwise

import pytest

from ..book.pages import HTML

WIDE, PHONE = 1280, 390  # pixels
# index.html only forwards to book/index.html.
PAGES = sorted(
    path.relative_to(HTML).as_posix()
    for path in [*HTML.glob("*.html"), *HTML.glob("book/**/*.html")]
    if path != HTML / "index.html"
)
every_page = pytest.mark.parametrize("path", PAGES)
LOOKS = [(theme, width) for width in (WIDE, PHONE) for theme in ("light", "dark")]
BUDGET = 1_500_000  # bytes: a page with its style, scripts, fonts and mathematics


def violations(axe, page, theme):
    """Return what axe-core finds, a line each. A dark page differs in its colours alone."""
    options = {"resultTypes": ["violations"]}
    if theme == "dark":
        options["runOnly"] = ["color-contrast", "link-in-text-block"]
    return [
        f"{found['id']}: {node['html'][:200]} ({node['failureSummary']})"
        for found in axe.run(page, options=options).response["violations"]
        for node in found["nodes"]
    ]


# Tokens of code and of signatures that stand alike look alike: one of each is enough for
# the contrast, and several times faster.
ONE_TOKEN_OF_EACH_KIND = """() => {
    const seen = new Set();
    const chain = (e) => e.matches("article") ? "" : e.tagName + e.className + chain(e.parentElement);
    for (const token of document.querySelectorAll(".highlight span, dl.py span, dl.py em, code span")) {
        if (!token.closest("article") || token.id || token.closest("math")) continue;
        const kind = chain(token);
        if (seen.has(kind)) token.replaceWith(...token.childNodes);
        seen.add(kind);
    }
}"""


@every_page
def test_accessible_and_never_wider_than_the_screen(visit, wait_until, path):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit(path)
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    page.evaluate(ONE_TOKEN_OF_EACH_KIND)
    for theme, width in LOOKS:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        wait_until(page, "document.documentElement.scrollWidth <= innerWidth")
        wait_until(page, f"document.documentElement.dataset.theme === '{theme}'")
        wait_until(page, "document.getAnimations().length === 0")  # cells fade in
        assert violations(axe, page, theme) == [], (theme, width)


@every_page
def test_structure(visit, path):
    page = visit(path)
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((h) => +h.tagName[1])"
    )
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.locator("html").get_attribute("lang") == "en"
    alts = page.evaluate(
        "[...document.querySelectorAll('article img')].map((i) => i.alt)"
    )
    for alt in alts:
        assert len(alt.split()) >= 6 and not re.search(r"\.(png|svg)\b", alt), alt
    page.set_viewport_size({"width": PHONE, "height": 900})
    squeezed = page.evaluate(
        """[...document.querySelectorAll("article .cell_output figure")].filter((f) =>
            f.checkVisibility() && f.getBoundingClientRect().width < 0.75 * innerWidth)
            .map((f) => f.textContent)"""
    )
    assert squeezed == []  # beside the text there is no room on a phone


@every_page
def test_mathematics_is_drawn(visit, path):
    page = visit(path)
    formulas = page.locator("article math").all()
    sizes = page.evaluate(
        """[...document.querySelectorAll("article .math")].filter((m) =>
            m.checkVisibility() && !(m.querySelector("math")?.getBoundingClientRect().width > 2))
            .map((m) => m.textContent)"""
    )
    assert sizes == []
    if formulas:
        assert page.evaluate(
            "document.fonts.load('1em \"Book Math\"').then((found) => found.length === 1)"
        )
    text = page.evaluate(
        """(() => { const copy = document.querySelector("article").cloneNode(true);
            for (const code of copy.querySelectorAll("pre, code, math")) code.remove();
            return copy.textContent; })()"""
    )
    assert not re.search(r"\\[(\[]|\$|\\(frac|sum|text)", text)


@every_page
def test_weight(visit, path):
    page = visit(path)
    page.wait_for_load_state("networkidle")
    sizes = page.evaluate(
        """[...performance.getEntriesByType("navigation"),
            ...performance.getEntriesByType("resource")]
            .filter((entry) => entry.initiatorType !== "img")
            .map((entry) => entry.decodedBodySize)"""
    )
    assert 0 < sum(sizes) <= BUDGET
