"""Mathematics as MathML, written at build time: no script, and one small font.

Browsers draw MathML themselves. What they need is a font with the measures of
mathematics, which a phone may lack: the pages bring STIX Two Math, cut down to the
characters that the book uses. TeX that cannot be converted is a warning, and so
fails the build.
"""

import html
import importlib.resources
import re
from pathlib import Path

from docutils import nodes
from fontTools import subset
from math_core import LatexError, LatexToMathML
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)
CONVERTER = LatexToMathML(fancy_error=False)
FONT = "STIXTwoMath-Regular.ttf"  # SIL Open Font License 1.1
MATH = re.compile(r"<math.*?</math>", re.DOTALL)

# A strict content security policy forbids style attributes, so they become classes.
CLASSES = {
    "text-align: right;justify-items: end": "m-right",
    "text-align: left;justify-items: start": "m-left",
    "padding-left: 0": "m-no-left",
    "padding-right: 0": "m-no-right",
    "padding-left:1em": "m-gap",
    "padding-right:0.1667em": "m-prime",
    "width: 100%": "m-full",
    "width: 50%": "m-half",
}


def mathml(tex, node, display=False):
    """Return TeX as MathML; warn, and return the TeX, when that cannot be done."""
    try:
        made = CONVERTER.convert_with_local_state(tex, displaystyle=display)
    except LatexError as error:
        logger.warning("mathematics: %s in %r", error, tex, location=node)
        return html.escape(tex)
    return re.sub(r' style="([^"]*)"', lambda m: classes(m[1], node), made)


def classes(style, node):
    """Return a class attribute that says what this style attribute says."""
    left = style.rstrip(";")
    found = []
    for declaration, name in CLASSES.items():
        if declaration in left:
            left = left.replace(declaration, "")
            found.append(name)
    if left.strip("; "):
        logger.warning("mathematics: no class for the style %r", style, location=node)
    return f' class="{" ".join(found)}"'


def visit_math(self, node):
    """Write mathematics within a line."""
    self.body.append(self.starttag(node, "span", "", CLASS="math"))
    self.body.append(mathml(node.astext(), node) + "</span>")
    raise nodes.SkipNode


def visit_math_block(self, node):
    """Write mathematics on lines of its own, numbered where it has a label."""
    tex = node.astext().strip()
    if node["nowrap"]:  # an environment that would also number its lines
        tex = re.sub(r"(\\(?:begin|end)\{\w+)\}", r"\1*}", tex)
    elif r"\\" in tex and not tex.startswith(r"\begin"):
        tex = rf"\begin{{aligned}}{tex}\end{{aligned}}"
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(mathml(tex, node, display=True))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def write_font(app, exception):
    """Write the font with the characters that stand in the built pages."""
    if exception or app.builder.format != "html":
        return
    characters = set("0123456789√")  # a root is drawn without its sign in the text
    for page in Path(app.outdir).rglob("*.html"):
        for formula in MATH.findall(page.read_text(encoding="utf-8")):
            characters |= set(html.unescape(re.sub(r"<[^>]*>", "", formula)))
    options = subset.Options(flavor="woff", notdef_outline=True, layout_features=["*"])
    source = importlib.resources.files("ziamath") / "fonts" / FONT
    with importlib.resources.as_file(source) as path:
        font = subset.load_font(str(path), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=map(ord, characters))
    subsetter.subset(font)
    subset.save_font(font, str(Path(app.outdir, "_static", "math.woff")), options)


def setup(app):
    """Register with Sphinx."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    app.connect("build-finished", write_font)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
