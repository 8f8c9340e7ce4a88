"""Print the built book into one PDF, with Chromium: `make pdf`.

The articles of all pages, in the order of the contents, become one document whose links
lead to places within it. Figures, mathematics and solutions are in it.
"""

import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import yaml
from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "_build"
PDF = BUILD / "dropout-verified.pdf"
FOOTER = """<p style="width: 100%; text-align: center; font: 8pt sans-serif">
<span class="pageNumber"></span></p>"""


def contents():
    """Return the pages in reading order, as paths below the built site."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))

    def files(node):
        for entry in node:
            yield entry["file"]
            yield from files(entry.get("sections", []))

    chapters = [name for part in toc["parts"] for name in files(part["chapters"])]
    return [f"{name}.html" for name in [toc["root"], *chapters]]


def place(page, anchor=""):
    """Return the id that a place has in the one document."""
    return f"{page}--{anchor}".replace("/", "-").replace(".html", "")


def article(page, pages):
    """Return the article of a page, with ids, links and pictures of the whole."""
    soup = BeautifulSoup((BUILD / "html" / page).read_text("utf-8"), "html.parser")
    found = soup.find("article")
    for element in found.select(".headerlink, .copybtn, script, link"):
        element.decompose()
    for element in found.find_all(id=True):
        element["id"] = place(page, element["id"])
    found["id"] = place(page)
    for link in found.find_all("a", href=True):
        path, anchor = urldefrag(urljoin(page, unquote(link["href"])))
        if path in pages:
            link["href"] = "#" + place(path, anchor)
    for picture in found.find_all("img"):
        picture["src"] = "html/" + urljoin(page, picture["src"])
        del picture["loading"]
    for details in found.find_all("details"):
        details["open"] = ""
    return found


def main():
    """Write the document, print it, and say where it is."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        sys.exit("pdf: no Chromium here: apt-get install chromium, and run it again.")
    pages = contents()
    body = "\n".join(str(article(page, pages)) for page in pages)
    whole = BUILD / "book.html"
    whole.write_text(
        '<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        "<title>Dropout, Verified</title>"
        '<link rel="stylesheet" href="html/_static/site.css"></head>'
        f"<body><main>{body}</main></body></html>",
        encoding="utf-8",
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"]
        )
        page = browser.new_page()
        page.goto(whole.as_uri(), wait_until="networkidle")
        page.pdf(
            path=PDF,
            format="A4",
            scale=0.8,
            margin={"top": "18mm", "bottom": "20mm", "left": "18mm", "right": "18mm"},
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
            outline=True,
            tagged=True,
            print_background=True,
        )
        browser.close()
    whole.unlink()
    print(f"Wrote {PDF.relative_to(ROOT)} ({PDF.stat().st_size / 1e6:.1f} MB).")


if __name__ == "__main__":
    main()
