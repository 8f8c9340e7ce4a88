"""Make the notebooks that readers download work on their own.

The copy that the site offers gets one cell after its title. It installs the companion
where it is absent, and writes what the notebook reads beside itself.
"""

from pathlib import Path

import nbformat
from pybtex.database import BibliographyData, parse_file
from sharing import repository

PACKAGE = "dropout-verified-companion[torch,data,verify,plots]"
INSTALL = '    %pip install -q "{package} @ git+https://github.com/{name}"{more}'
EXPLAIN = """    raise ModuleNotFoundError(
        "this notebook needs the companion package of its book: "
        "run pip install -e '.[torch,data,verify,plots]'{more} in the folder of the book"
    )"""
BESIDE = '''
from pathlib import Path

# Of the bibliography of the book, what this notebook reads.
if not Path("references.bib").exists():
    Path("references.bib").write_text(r"""{entries}
""", encoding="utf-8")'''


def first_cell(notebook, name, bibliography):
    """Return the source of the cell that lets a notebook run away from the book."""
    code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    reads = "references.bib" in code
    more = " pybtex" if reads else ""
    get = INSTALL if name else EXPLAIN
    lines = [
        "# Away from the book, this notebook needs the package that comes with it.",
        "import importlib.util",
        "",
        'if importlib.util.find_spec("companion") is None:',
        get.format(package=PACKAGE, name=name, more=more),
    ]
    if reads:
        used = {k: e for k, e in bibliography.entries.items() if k in code}
        text = BibliographyData(used).to_string("bibtex")
        lines.append(BESIDE.format(entries=text.strip()))
    return "\n".join(lines)


def complete(app, exception):
    """Add the cell to every notebook that the site offers."""
    if exception or app.builder.format != "html":
        return
    name = repository(app.config.html_baseurl)
    bibliography = parse_file(Path(app.srcdir, "book", "references.bib"))
    for source in sorted(Path(app.outdir, "_sources").rglob("*.ipynb")):
        original = Path(app.srcdir, source.relative_to(Path(app.outdir, "_sources")))
        notebook = nbformat.read(original, as_version=4)
        source_of = first_cell(notebook, name, bibliography)
        cell = nbformat.v4.new_code_cell(source_of, id="away")
        notebook.cells.insert(1, cell)
        nbformat.write(notebook, source)


def setup(app):
    """Register with Sphinx."""
    app.connect("build-finished", complete)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
