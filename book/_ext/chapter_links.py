"""Make "Explained in chapter 6" in a docstring a link to that chapter."""

import pathlib
import re


def link_chapters(app, what, name, obj, options, lines):
    chapters = {
        str(int(path.name[:2])): path.stem
        for path in pathlib.Path(app.srcdir, "book").glob("[0-9][0-9]-*.ipynb")
    }

    def link(number):
        return f":doc:`{number[0]} </book/{chapters[number[0]]}>`"

    text = re.sub(
        r"(Explained\s+in\s+chapters?\s+)([\d,\sand]+)",
        lambda found: found[1] + re.sub(r"\d", link, found[2]),
        "\n".join(lines),
    )
    lines[:] = text.split("\n")


def setup(app):
    # After napoleon, which turns the sections of a docstring into markup.
    app.connect("autodoc-process-docstring", link_chapters, priority=900)
    return {"version": "1", "parallel_read_safe": True}
