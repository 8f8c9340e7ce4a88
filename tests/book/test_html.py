"""The built pages: self-contained, linked, described. `make test` builds first."""

import functools
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from fontTools.ttLib import TTFont

from ..companion.public import PUBLIC
from .pages import CLAIMS, HTML

PAGES = sorted(HTML.glob("book/**/*.html"))
pytestmark = pytest.mark.skipif(not PAGES, reason="there is no built book: run make book")
pages = pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
MACHINE_PATH = re.compile(r"(/(home|root|tmp|work)/[\w.-]+|ipykernel_\d|C:\\Users)")


class Page(HTMLParser):
    """The tags of one page, with their attributes."""

    def __init__(self, path):
        super().__init__()
        self.tags = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def ids(self):
        return [a["id"] for _, a in self.tags if a.get("id")]

    def loaded(self):
        """Addresses that a browser fetches with the page."""
        for name in ("script", "img", "iframe", "source", "video"):
            yield from (a["src"] for a in self.all(name) if a.get("src"))
        for a in self.all("link"):
            if {"stylesheet", "preload", "icon", "preconnect"} & set(
                a.get("rel", "").split()
            ):
                yield a["href"]


@functools.cache
def page_at(path):
    """Return the page at a path, read once."""
    return Page(path)


@pages
def test_nothing_is_loaded_from_another_host(path):
    for address in Page(path).loaded():
        assert not urlsplit(address).netloc, address
        assert (path.parent / unquote(urlsplit(address).path)).exists(), address


def test_styles_and_scripts_load_nothing_from_another_host():
    for style in HTML.glob("_static/**/*.css"):
        remote = re.findall(
            r"(?:url\(|@import )['\"]?(?:https?:)?//", style.read_text("utf-8")
        )
        assert not remote, style


def test_the_font_of_the_mathematics_draws_roots():
    """The sign of a root stands in no text, so it must be asked for."""
    font = TTFont(HTML / "_static" / "math.woff")
    assert ord("√") in font.getBestCmap()


@pages
def test_internal_links_and_anchors_resolve(path):
    for anchor in Page(path).all("a"):
        parts = urlsplit(anchor.get("href", ""))
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        assert target.exists(), anchor["href"]
        if parts.fragment and target.suffix == ".html":
            assert unquote(parts.fragment) in page_at(target).ids, anchor["href"]


@pages
def test_structure(path):
    page = Page(path)
    assert len(page.all("h1")) == 1
    assert len(page.ids) == len(set(page.ids))
    (html,) = page.all("html")
    assert html["lang"] == "en"


@pages
def test_pictures_are_described(path):
    for image in Page(path).all("img"):
        alt = image.get("alt", "")
        if "logo" not in image.get("class", ""):
            assert alt, image
            assert not re.search(r"\.(png|svg|jpe?g)$", alt), image


@pages
def test_no_path_of_this_machine_is_published(path):
    assert not MACHINE_PATH.search(path.read_text(encoding="utf-8"))


@pages
def test_page_says_what_it_is_about(path):
    descriptions = {
        a.get("name") or a.get("property"): a["content"]
        for a in Page(path).all("meta")
        if a.get("name") or a.get("property")
    }
    assert len(descriptions["description"].split()) >= 5
    assert descriptions["og:title"]
    assert descriptions["og:site_name"] == "Dropout, Verified"


def test_ledger_shows_every_claim_with_verdict_and_evidence():
    path = HTML / "book/claims.html"
    text, page = path.read_text(encoding="utf-8"), Page(path)
    links = [a.get("href", "") for a in page.all("a")]
    for claim in CLAIMS:
        low = claim["id"].lower()
        assert f"ledger-{low}" in page.ids
        assert f"{claim['chapter']}.html#claim-{low}" in links
        # In its chapter, or on a page below one.
        evidence = [link for link in links if link.endswith(f".html#evidence-{low}")]
        assert bool(evidence) is (claim["shown"] != "source")
    assert len(re.findall(r'class="verdict verdict-', text)) == len(CLAIMS) + 5


@pages
def test_names_of_the_package_link_to_the_reference(path):
    text = path.read_text(encoding="utf-8")
    assert not re.findall(
        r'(?<!">)<code class="xref py [^>]*>(?:<span[^>]*>)?[^<]*', text
    )


def test_the_reference_documents_every_public_name_and_links_its_chapter():
    text = (HTML / "book/api.html").read_text(encoding="utf-8")
    parts = re.split(r'<dt class="sig[^>]* id="([^"]+)"', text)[1:]
    ids, bodies = parts[::2], parts[1::2]
    for name in PUBLIC:
        module, _, own = name.rpartition(".")
        if name not in ids:  # a package shows it as its own
            name = f"{module.rpartition('.')[0]}.{own}"
        assert ids.count(name) == 1, name
        pairs = zip(ids, bodies, strict=True)
        mine = [body for i, body in pairs if f"{i}.".startswith(f"{name}.")]
        assert re.search(r"Explained\s+in\s+chapters? <a ", "".join(mine)), name


def test_the_font_of_mathematics_has_the_root_sign():
    """No page writes it as a character, and without it a browser draws no root."""
    font = TTFont(HTML / "_static" / "math.woff")
    assert ord("√") in font.getBestCmap()
