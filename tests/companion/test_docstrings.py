"""Every public name says what it takes and gives, and which chapter explains it.

The most used names say it in full. Any other may refer to one that does: "as `Dropout`"
for some arguments in their list, or for all of them in the text.
"""

import importlib
import inspect
import pkgutil
import re
from typing import NamedTuple

import pytest

import companion

from ..book.pages import BOOK, NOTEBOOKS, ROOT, read
from .public import MODULES, PUBLIC

FULL = (
    "companion.masks.keep_mask",
    "companion.numpy.dropout.dropout",
    "companion.numpy.dropout.Dropout",
    "companion.torch.dropout.dropout",
    "companion.torch.dropout.Dropout",
)
AS = re.compile(r"\b[Aa]s (?:in )?(?:two )?(?::\w+:)?`~?([\w.]+)`")
RESULT = re.compile(r"^(Return|Draw|Generate|Train) |\b([Rr]eturns?|[Rr]esults?)\b")
names = pytest.mark.parametrize("name", PUBLIC)


class Docstring(NamedTuple):
    """The text of a docstring, and what it states in the form of a list."""

    prose: str
    entries: dict  # name -> what is said about it
    sections: set


def parse(doc):
    """Split a docstring; an entry is "name : type", with indented lines below."""
    head, *rest = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.cleandoc(doc), flags=re.M)
    sections = dict(zip(rest[::2], rest[1::2], strict=True))
    entries = {}
    for title in ("Parameters", "Attributes", "Notes"):
        kind = r"(?: : (.*))?" if title == "Parameters" else " : (.*)"
        found = re.findall(
            rf"^([*\w]+(?:, [*\w]+)*){kind}((?:\n    .*)*)$",
            sections.get(title, ""),
            flags=re.M,
        )
        for listed, first, more in found:
            for name in listed.split(", "):
                entries[name.lstrip("*")] = " ".join(f"{first} {more}".split())
    text = head + sections.get("Notes", "")
    return Docstring(" ".join(text.split()), entries, set(sections))


def resolve(reference, module):
    """Return the public object that a docstring of `module` calls by this name."""
    found = vars(importlib.import_module(module)).get(reference)
    if found is None and "." in reference:
        found = pkgutil.resolve_name(reference)
    if found is None:
        framework = module.rpartition(".")[0]
        (found,) = [
            value
            for name, value in PUBLIC.items()
            if name.startswith(framework) and name.endswith(f".{reference}")
        ]
    assert inspect.getdoc(found), reference
    return found


def states(public, argument):
    """Say whether the docstring of a public object states an argument, or one it names."""
    doc = parse(inspect.getdoc(public) or "")
    about = doc.entries.get(argument)
    if about is not None and not AS.match(about):
        return True
    return any(
        states(found, argument)
        for reference in AS.findall(doc.prose if about is None else about)
        if (found := resolve(reference, public.__module__)) is not public
    )


def unstated(public):
    """Return the arguments of a function or class that no docstring states."""
    return [a for a in inspect.signature(public).parameters if not states(public, a)]


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


def words(chapter):
    """Return the text and the code of a chapter and of the pages below it."""
    paths = [p for p in NOTEBOOKS if p.relative_to(BOOK).parts[0].startswith(chapter)]
    return "\n".join(cell.source for path in paths for cell in read(path).cells)


CHAPTERS = {str(n): words(f"0{n}-") for n in range(1, 10)}


@names
def test_the_chapter_that_it_names_explains_it(name):
    """By its name, or by that of another: "Explained in chapter 8, with `Dropout`."."""
    doc = " ".join(inspect.getdoc(PUBLIC[name]).split())
    said = re.search(
        r"Explained in chapters? (\d)(?:(?:,| and) (\d))*(?:,? with `(\w+)`)?", doc
    )
    assert said, "it names no chapter"
    explained = said[3] or name.rpartition(".")[2]
    for chapter in filter(None, said.group(1, 2)):
        assert re.search(rf"\b{explained}\b", CHAPTERS[chapter]), chapter


def test_errors_that_every_function_raises_are_stated_once():
    assert {"TypeError", "ValueError"} <= set(re.findall(r"\w+Error", companion.__doc__))


@names
def test_other_errors_are_stated_by_name(name):
    """Those that the code of the function or class raises itself."""
    raised = set(re.findall(r"\braise (\w+Error)\b", inspect.getsource(PUBLIC[name])))
    for error in raised - {"TypeError", "ValueError"}:
        assert error in inspect.getdoc(PUBLIC[name])


@names
def test_every_argument_is_stated(name):
    value = PUBLIC[name]
    if inspect.isfunction(value) or not issubclass(value, tuple):
        assert unstated(value) == []


@names
def test_every_result_is_stated(name):
    value = PUBLIC[name]
    if inspect.isfunction(value) and re.search(
        r"^    return \S", inspect.getsource(value), flags=re.M
    ):
        doc = parse(inspect.getdoc(value))
        stated = RESULT.search(doc.prose) or AS.search(doc.prose)
        assert "Returns" in doc.sections or stated


@pytest.mark.parametrize("name", FULL)
def test_the_most_used_names_are_documented_in_full(name):
    doc, arguments = parse(PUBLIC[name].__doc__), inspect.signature(PUBLIC[name])
    assert list(doc.entries)[: len(arguments.parameters)] == list(arguments.parameters)
    assert not any(AS.search(about) for about in doc.entries.values())
    assert {"Raises", "Notes", "Examples"} <= doc.sections
    assert inspect.isclass(PUBLIC[name]) or "Returns" in doc.sections


@names
def test_public_methods_are_documented(name):
    if inspect.isclass(PUBLIC[name]):
        for method, value in vars(PUBLIC[name]).items():
            if inspect.isfunction(value) and not method.startswith("_"):
                assert value.__doc__, method


def made_up(doc):
    def function(p, rng, depth): ...

    function.__doc__ = doc
    function.__module__ = "companion.numpy.noise"
    return function


@pytest.mark.parametrize(
    ("doc", "missing"),
    [
        ("Parameters: as `Dropout`.", ["depth"]),
        ("Of `Dropout`.", ["p", "rng", "depth"]),
        ("As :func:`companion.schedules.depth_rates`.", ["rng"]),
        ("Do.\n\nParameters\n----------\np, rng, depth : as `Dropout`", ["depth"]),
        ("As `Dropout`.\n\nParameters\n----------\ndepth : int\n    Of x.", []),
        ("Do.\n\nParameters\n----------\np, depth\n    Of x.\nrng : as `Dropout`", []),
        ("Do.\n\nRaises\n------\nValueError\n    As `Dropout`.", ["p", "rng", "depth"]),
    ],
)
def test_an_argument_that_nobody_states_is_seen(doc, missing):
    assert unstated(made_up(doc)) == missing
