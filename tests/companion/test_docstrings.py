"""Every public name says what it takes, gives and raises, and which chapter explains it."""

import importlib
import inspect
import re

import pytest

from ..book.pages import ROOT
from .public import MODULES, PUBLIC

names = pytest.mark.parametrize("name", PUBLIC)


@pytest.mark.parametrize("name", [m.__name__ for m in MODULES])
def test_every_module_is_in_the_reference(name):
    package = hasattr(importlib.import_module(name), "__path__")
    assert package or f":: {name}\n" in (ROOT / "book/api.md").read_text(encoding="utf-8")


@names
def test_first_line_is_a_sentence(name):
    first = inspect.getdoc(PUBLIC[name]).splitlines()[0]
    assert first[0].isupper()
    assert first.endswith((".", ":"))


@names
def test_it_has_a_doctest(name):
    assert ">>> " in inspect.getdoc(PUBLIC[name])


@names
def test_it_names_the_chapter_that_explains_it(name):
    doc = " ".join(inspect.getdoc(PUBLIC[name]).split())
    assert re.search(r"Explained in chapters? \d", doc)


@names
def test_functions_state_arguments_results_and_errors(name):
    if not inspect.isfunction(PUBLIC[name]):
        return
    doc, signature = inspect.getdoc(PUBLIC[name]), inspect.signature(PUBLIC[name])
    if signature.parameters:
        listed = doc[doc.index("Parameters\n-----") :].split("Returns\n---")[0]
        for argument in signature.parameters:
            assert argument in listed, argument
        assert "Raises\n-----" in doc or "plots.draw" in name


@names
def test_public_methods_are_documented(name):
    if inspect.isclass(PUBLIC[name]):
        for method, value in vars(PUBLIC[name]).items():
            if inspect.isfunction(value) and not method.startswith("_"):
                assert value.__doc__, method
