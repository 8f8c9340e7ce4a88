"""What hangs on the site's address, and the notebooks that readers take away."""

import os

import nbformat
import pytest
from downloads import first_cell
from pybtex.database import parse_file
from sharing import add_launch_buttons, configure, repository

from .pages import BIBLIOGRAPHY, HTML, NOTEBOOKS, ROOT, read


class Configuration:
    def __init__(self, address):
        self.html_baseurl = address


class Application:
    """As much of Sphinx as the buttons need."""

    def __init__(self, address):
        self.config = Configuration(address)
        self.env = type("Environment", (), {"found_docs": {"book/03-algorithm"}})


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://somebody.github.io/dropout/", "somebody/dropout"),
        ("https://somebody.github.io", "somebody/somebody.github.io"),
        ("https://books.example.org/dropout", None),
        ("", None),
    ],
)
def test_buttons_appear_with_the_address(address, name):
    assert repository(address) == name
    context = {}
    add_launch_buttons(Application(address), "book/03-algorithm", "", context, None)
    assert ("launch" in context) is (name is not None)
    if name:
        (colab, colab_url), (binder, binder_url) = context["launch"]
        assert (colab, binder) == ("Colab", "Binder")
        assert colab_url.endswith(
            f"/github/{name}/blob/gh-pages/_sources/book/03-algorithm.ipynb"
        )
        assert f"/gh/{name}/HEAD" in binder_url


def test_the_address_is_handed_on():
    config = Configuration("https://somebody.github.io/dropout/")
    configure(None, config)
    assert config.ogp_site_url == "https://somebody.github.io/dropout/"
    assert config.notfound_urls_prefix == "/dropout/"
    assert config.ogp_social_cards["enable"]
    config = Configuration("")
    configure(None, config)
    assert config.notfound_urls_prefix == "/"
    assert not config.ogp_social_cards["enable"]


def test_first_cell_installs_from_the_repository():
    cell = first_cell(read(NOTEBOOKS[0]), "somebody/dropout", BIBLIOGRAPHY)
    assert "%pip install" in cell
    assert "git+https://github.com/somebody/dropout" in cell


@pytest.mark.skipif(not HTML.exists(), reason="there is no built book: run make book")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_downloaded_notebook_stands_alone(path, tmp_path, monkeypatch):
    """In an empty folder the first cell brings all that the other cells read there."""
    loaded = nbformat.read(HTML / "_sources" / path.relative_to(ROOT), as_version=4)
    nbformat.validate(loaded)
    assert [c.source for c in loaded.cells if c.get("id") != "away"] == [
        c.source for c in read(path).cells
    ]
    first = next(c for c in loaded.cells if c.cell_type == "code")
    assert first.id == "away"
    monkeypatch.chdir(tmp_path)
    exec(first.source, {})
    code = "\n".join(c.source for c in read(path).cells if c.cell_type == "code")
    present = os.listdir()
    assert present == (["references.bib"] if "references.bib" in code else [])
    for name in present:
        brought = parse_file(tmp_path / name).entries
        assert brought
        for key, entry in brought.items():
            assert key in code and entry == BIBLIOGRAPHY.entries[key]
    assert not any(word in code for word in ("open(", "read_csv(", "np.load("))
