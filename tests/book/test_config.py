"""Jupyter Book does not validate its configuration: a misspelt key is silent."""

import yaml

from .pages import BOOK, ROOT

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
ALLOWED = {
    "": {
        "title", "author", "copyright", "only_build_toc_files", "exclude_patterns",
        "execute", "parse", "bibtex_bibfiles", "html", "sphinx",
    },
    "execute": {"execute_notebooks", "timeout", "stderr_output", "run_in_temp"},
    "parse": {"myst_enable_extensions", "myst_dmath_double_inline"},
    "html": {
        "favicon", "baseurl", "use_issues_button", "use_repository_button", "home_page_in_navbar",
    },
    "sphinx": {"recursive_update", "local_extensions", "extra_extensions", "config"},
    "sphinx.config": {
        "project", "language", "templates_path", "html_static_path", "html_math_renderer", "html_domain_indices", "html_use_index", "notfound_context",
        "nb_execution_raise_on_error", "nb_execution_show_tb", "nb_merge_streams", "claims_file",
        "exercise_style", "bibtex_reference_style", "bibtex_default_style",
        "autodoc_member_order", "autodoc_typehints", "napoleon_google_docstring",
        "napoleon_use_rtype", "napoleon_custom_sections",
    },
}  # fmt: skip


def test_only_known_keys():
    for section, allowed in ALLOWED.items():
        keys = CONFIG
        for part in filter(None, section.split(".")):
            keys = keys[part]
        assert set(keys) <= allowed, section


def test_what_must_not_be_lost():
    assert CONFIG["only_build_toc_files"] is True
    assert CONFIG["execute"]["stderr_output"] == "error"
    options = CONFIG["sphinx"]["config"]
    assert options["nb_execution_raise_on_error"] is True
    assert options["html_math_renderer"] == "mathml"  # the default loads a script
    assert "hide_solutions" not in options  # it aborts the build


def pages(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("file", "root"):
                yield value
            else:
                yield from pages(value)
    elif isinstance(node, list):
        for item in node:
            yield from pages(item)


def test_every_page_is_in_the_contents_and_exists():
    listed = list(pages(TOC))
    assert len(listed) == len(set(listed))
    files = {
        p.relative_to(ROOT).with_suffix("").as_posix()
        for p in BOOK.rglob("*")
        if p.suffix in (".md", ".ipynb")
        and not {"_static", "_ext", "_templates", ".ipynb_checkpoints"} & set(p.parts)
    }
    assert set(listed) == files
