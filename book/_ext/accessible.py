"""Mend the markup that extensions write: what axe-core finds, and what needs a script.

Each mending names the part that makes it necessary.
"""

from pathlib import Path
from urllib.parse import unquote

import imagesize
from bs4 import BeautifulSoup

# sphinx-exercise and sphinx-proof give these ids to every block alike.
REPEATED = {"exercise-content", "solution-content", "proof-content", "proof"}


def remove_repeated_ids(soup):
    """Nothing links to them, and an id must be unique on its page."""
    for element in soup.find_all(id=REPEATED):
        del element["id"]


def remove_inline_scripts(soup):
    """sphinx-thebe configures what this book does not use."""
    for script in soup.find_all("script", src=None):
        script.decompose()


def fold_natively(soup):
    """Make the theme's dropdown admonitions fold without a script."""
    for box in soup.select("div.admonition.dropdown"):
        box.name = "details"
        title = box.find("p", class_="admonition-title")
        title.name = "summary"


def drop_wrong_roles(soup):
    """Docutils marks the entries of a bibliography with roles that are deprecated."""
    for element in soup.select("[role=doc-biblioentry], .citation-list[role=list]"):
        del element["role"]


def name_table_headers(soup):
    """Markdown makes a header of an empty corner; axe-core hears no text in MathML."""
    for cell in soup.find_all("th"):
        text = cell.get_text(strip=True)
        if not text:
            cell.name = "td"
        elif cell.find("math") and text == cell.find("math").get_text(strip=True):
            cell.find("math")["aria-hidden"] = "true"
            spoken = soup.new_tag("span", attrs={"class": "visually-hidden"})
            spoken.string = " ".join(cell.find("math").stripped_strings)
            cell.append(spoken)


def delay_pictures(soup, app):
    """Pictures further down wait; their place is kept, so that nothing moves."""
    files = {name: Path(app.srcdir, uri) for uri, name in app.builder.images.items()}
    for picture in soup.find_all("img"):
        picture["loading"] = "lazy"
        width, height = imagesize.get(files[unquote(picture["src"]).rsplit("/", 1)[-1]])
        picture["width"], picture["height"] = str(width), str(height)


def name_menu_folds(app, pagename, templatename, context, doctree):
    """The theme gives the fold of a chapter with pages below it an icon and no name."""
    generate = context.get("generate_toctree_html")

    def named(*arguments, **options):
        menu = BeautifulSoup(str(generate(*arguments, **options)), "html.parser")
        for fold in menu.find_all("summary"):
            chapter = fold.find_parent("li").find("a").get_text(strip=True)
            fold["aria-label"] = f"Pages below {chapter}"
        return str(menu)

    if generate:
        context["generate_toctree_html"] = named


def mend(app, pagename, templatename, context, doctree):
    """Mend the body of a page."""
    if "body" not in context or app.builder.format != "html":
        return
    soup = BeautifulSoup(context["body"], "html.parser")
    for step in (
        remove_repeated_ids,
        remove_inline_scripts,
        fold_natively,
        drop_wrong_roles,
        name_table_headers,
    ):
        step(soup)
    delay_pictures(soup, app)
    context["body"] = str(soup)


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", mend, priority=800)
    app.connect("html-page-context", name_menu_folds, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
