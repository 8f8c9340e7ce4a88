"""Everything that needs the site's address, which is written in `_config.yml` alone.

`html: baseurl` gives the canonical addresses, the social cards, the 404 page and, where
it is one of GitHub Pages, the repository: from it come the buttons for Colab and Binder.
"""

from html import escape
from urllib.parse import quote, urlsplit

from docutils import nodes

LONGEST = 200  # characters: what search engines show


def repository(baseurl):
    """Return owner/name of the repository of https://OWNER.github.io/NAME, or None."""
    parts = urlsplit(baseurl)
    owner, _, host = parts.netloc.partition(".")
    if host != "github.io":
        return None
    return f"{owner}/{parts.path.strip('/') or parts.netloc}"


def configure(app, config):
    """Hand the address to the extensions that need it."""
    address = config.html_baseurl.rstrip("/")
    config.ogp_site_url = address + "/"
    config.ogp_social_cards = {
        "enable": bool(address),
        "line_color": "#0072b2",
        "image_mini": "book/_static/card-mark.png",  # favicon.svg as a picture of dots
    }
    config.notfound_urls_prefix = urlsplit(address).path + "/"


def add_launch_buttons(app, pagename, templatename, context, doctree):
    """Offer to run a notebook: the copy that the site carries, on Colab and on Binder."""
    name = repository(app.config.html_baseurl)
    if name and pagename in app.env.found_docs:
        page = quote(pagename)
        context["launch"] = [
            (
                "Colab",
                f"https://colab.research.google.com/github/{name}"
                f"/blob/gh-pages/_sources/{page}.ipynb",
            ),
            (
                "Binder",
                f"https://mybinder.org/v2/gh/{name}/HEAD?urlpath=lab/tree/{page}.ipynb",
            ),
        ]


def describe(app, pagename, templatename, context, doctree):
    """Describe a chapter by its objectives, as many as fit into a search result."""
    boxes = doctree.findall(nodes.admonition) if doctree else []
    for box in (b for b in boxes if "admonition-objectives" in b["classes"]):
        text = "How to"
        for item in box.findall(nodes.list_item):
            aim = " " + " ".join(item.astext().split()).rstrip(".")
            if len(text + aim) > LONGEST:
                break
            text += aim
        text = text.rstrip(";") + "."
        context["metatags"] += f'<meta name="description" content="{escape(text)}" />\n'
        context["meta"] = (context["meta"] or {}) | {"og:description": text}


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", configure)
    app.connect("html-page-context", describe, priority=400)  # before sphinxext.opengraph
    app.connect("html-page-context", add_launch_buttons)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
