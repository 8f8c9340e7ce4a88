"""What a reference shows: a term of the glossary its meaning, a preprint its address.

The meaning stands in an attribute of the link, and the style shows it to the mouse and
to the keyboard: no script is needed.
"""

import html
import re

from docutils import nodes

TERM = re.compile(r'<a (class="reference internal" href="[^"]*#(term-[^"]+)")')
PREPRINT = re.compile(r"\barXiv:(\d{4}\.\d{4,5})\b")


def meanings(app):
    """Return the definition of every term of the glossary, by its id."""
    found = {}
    for item in app.env.get_doctree("book/glossary").findall(nodes.definition_list_item):
        text = " ".join(item[-1].astext().split())
        for term in item.findall(nodes.term):
            found |= dict.fromkeys(term["ids"], text)
    return found


def show(app, pagename, templatename, context, doctree):
    """Add the meanings of terms, and the links of preprints, to the body of a page."""
    if "body" not in context:
        return
    if pagename == "book/bibliography":
        context["body"] = PREPRINT.sub(
            r'<a href="https://arxiv.org/abs/\1">arXiv:\1</a>', context["body"]
        )
    elif pagename != "book/glossary":
        known = meanings(app)
        context["body"] = TERM.sub(
            lambda m: f'<a data-meaning="{html.escape(known[m[2]])}" {m[1]}',
            context["body"],
        )


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", show)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
