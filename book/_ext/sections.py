"""The index of the search: what every section says, so that a symptom finds its place.

Sphinx's own search knows pages, and reads them again over the network; a chapter is
long, and a book opened from disk has no network. This index holds the text itself.
"""

import json
from pathlib import Path

from bs4 import BeautifulSoup


def sections(page, address):
    """Yield address, title, page title and text of each section of a page."""
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    article = soup.find("article")
    for link in article.select("a.headerlink, style, script, svg, button"):
        link.decompose()
    whole = article.find("h1").get_text(" ", strip=True)
    # The inner ones first: what they say is theirs, and not of the section around them.
    for section in reversed(article.find_all("section", id=True)):
        heading = section.find(["h1", "h2", "h3", "h4"])
        title = heading.get_text(" ", strip=True)
        heading.decompose()
        text = " ".join(section.get_text(" ", strip=True).split())
        yield f"{address}#{section['id']}", title, whole, text
        section.decompose()


def write_index(app, exception):
    """Write the index as a script, which a page can load from disk too."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    index = [
        entry
        for page in sorted(out.glob("book/**/*.html"))
        for entry in sections(page, page.relative_to(out).as_posix())
    ]
    (out / "_static" / "sections.js").write_text(
        f"window.SECTIONS = {json.dumps(index, ensure_ascii=False)};\n", encoding="utf-8"
    )


def setup(app):
    """Register with Sphinx."""
    app.connect("build-finished", write_index)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
