"""Take away the ids that sphinx-exercise and sphinx-proof give to every block alike.

Nothing links to them, and an id must be unique on its page.
"""

from docutils import nodes

REPEATED = {"exercise-content", "solution-content", "proof-content", "proof"}


def remove_repeated_ids(app, doctree, docname):
    """Remove the repeated ids from every element of a page."""
    for element in doctree.findall(nodes.Element):
        if REPEATED & set(element.get("ids", [])):
            element["ids"] = [id_ for id_ in element["ids"] if id_ not in REPEATED]


def setup(app):
    """Register with Sphinx."""
    app.connect("doctree-resolved", remove_repeated_ids)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
