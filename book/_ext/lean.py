"""Send with a page only what it uses: one style sheet, and the scripts that work here.

The theme and the extensions bring 550 kB of style, of which the book uses a fifth, and
scripts for features that it does not have. The rules whose classes occur on no page
are left out, the rest becomes one file; icons are drawn in the templates.
"""

import re
import shutil
from pathlib import Path

import tinycss2

# In the order in which a browser must read them.
SHEETS = (
    "basic.css",
    "styles/bootstrap.css",
    "styles/pydata-sphinx-theme.css",
    "pygments.css",
    "styles/sphinx-book-theme.css",
    "copybutton.css",
    "mystnb.*.css",
    "exercise.css",
    "proof.css",
    "sphinx-design.min.css",
    "book.css",
)
SCRIPTS = {
    "_static/documentation_options.js",  # copybutton reads it
    "_static/clipboard.min.js",
    "_static/copybutton.js",
    "_static/book.js",
}
UNUSED = ("vendor", "scripts")  # folders of the theme
CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")


def notice_new_style(app, env, added, changed, removed):
    """Sphinx copies style and scripts only when it writes a page: make it write one."""
    built = Path(app.outdir, "_static", "site.css")
    if not built.exists():
        return []
    sources = Path(app.srcdir, "book", "_static").rglob("*.*")
    newest = max(path.stat().st_mtime for path in sources)
    return [app.config.root_doc] if newest > built.stat().st_mtime else []


def choose_files(app, pagename, templatename, context, doctree):
    """Leave to a page the bundle and the scripts of this book."""
    context["css_files"] = ["_static/site.css"]
    context["script_files"] = [
        js for js in context["script_files"] if str(js.filename).split("?")[0] in SCRIPTS
    ]


def is_used(selector, words):
    """Say whether every class of a selector occurs on some page."""
    wanted = re.sub(r":not\([^)]*\)", "", selector)
    return all(name in words for name in CLASS.findall(wanted))


def selectors(prelude):
    """Split the prelude of a rule at its commas, those within brackets apart."""
    parts = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return [tinycss2.serialize(part).strip() for part in parts]


def purge(rules, words):
    """Return the rules that some page can use, as text."""
    kept = []
    for rule in rules:
        if rule.type == "qualified-rule":
            used = [s for s in selectors(rule.prelude) if is_used(s, words)]
            if used:
                body = tinycss2.serialize(rule.content).strip()
                kept.append(f"{','.join(used)}{{{body}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            inner = tinycss2.parse_rule_list(
                rule.content, skip_comments=True, skip_whitespace=True
            )
            if body := purge(inner, words):
                condition = tinycss2.serialize(rule.prelude)
                kept.append(f"@{rule.at_keyword}{condition}{{{body}}}")
        elif rule.type == "at-rule" and "vendor/" not in rule.serialize():
            kept.append(rule.serialize())
    return "\n".join(kept)


def bundle(app, exception):
    """Write the one style sheet, and remove what no page loads."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    words = set()
    for page in Path(app.outdir).rglob("*.html"):
        for names in re.findall(r'class="([^"]*)"', page.read_text(encoding="utf-8")):
            words.update(names.split())
    for name in ["search.js", *(s.removeprefix("_static/") for s in SCRIPTS)]:
        words.update(re.findall(r"[\w-]+", (static / name).read_text(encoding="utf-8")))
    text = ""
    for pattern in SHEETS:
        (path,) = static.glob(pattern)  # a missing one must not pass unseen
        text += path.read_text(encoding="utf-8") + "\n"
    rules = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
    (static / "site.css").write_text(purge(rules, words), encoding="utf-8")
    for folder in UNUSED:
        shutil.rmtree(static / folder, ignore_errors=True)


def setup(app):
    """Register with Sphinx."""
    app.add_js_file("book.js", loading_method="defer")
    app.connect("env-get-outdated", notice_new_style)
    app.connect("html-page-context", choose_files, priority=900)
    app.connect("build-finished", bundle, priority=900)  # after the theme's pygments.css
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
