"""A cell that is run again says the same, and breaks nothing for the cells below it.

In JupyterLab people run cells twice. So every cell is, and both times it must print what
is stored, which the cells above, run twice too, must not have changed. A cell whose
output nbval ignores must not fail. What a study has trained is remembered for the second
run: that costs as much as running every notebook once.
"""

import functools
import os
import pickle
import types

import nbformat
import numpy as np
import pytest

from .pages import NOTEBOOKS, code_cells, read, tags
from .running import enter, processes, run
from .seeds import trains


def remembered(function):
    """Return a function that computes once for equal arguments."""
    results = {}

    @functools.wraps(function)
    def again(*args, **options):
        if any(isinstance(a, np.random.Generator) for a in (*args, *options.values())):
            return function(*args, **options)
        try:
            key = pickle.dumps((args, options))
        except (pickle.PicklingError, AttributeError, TypeError):  # a lambda
            return function(*args, **options)
        if key not in results:
            results[key] = function(*args, **options)
        return results[key]

    return again


def stored(cell):
    """Return the text that is stored below a cell."""
    texts = []
    for out in cell.outputs:
        if out.output_type == "stream" and out.name == "stdout":
            texts.append(out.text)
        elif "text/plain" in out.get("data", {}):
            texts.append(out.data["text/plain"] + "\n")
    return "".join(text for text in texts if not text.startswith("<Figure"))


def twice(path):
    """Run every cell of a notebook twice; return what is not as it should be."""
    names, wrong = enter(path), []
    for cell in code_cells(read(path)):
        for time in ("first", "second"):
            try:
                text = run(cell, names)
            except Exception as error:
                said = f"{type(error).__name__}: {error}".strip()
                wrong.append(f"{cell.id}, {time} run: {said}")
                continue
            if "nbval-ignore-output" not in tags(cell) and text != stored(cell):
                wrong.append(f"{cell.id}, {time} run: {text!r}, stored {stored(cell)!r}")
            for name, value in names.items():
                if isinstance(value, types.FunctionType) and trains(value):
                    names[name] = remembered(value)
    return wrong


@pytest.fixture(scope="module")
def pages(request):
    """Run the notebooks that are asked for, one on each core."""
    items = [item for item in request.session.items if item.module is request.module]
    asked = [item.callspec.params.get("path") for item in items]
    with processes(os.cpu_count()) as pool:
        yield {path: pool.submit(twice, path) for path in asked if path}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_says_the_same_again(path, pages):
    wrong = pages[path].result()
    assert wrong == [], "\n".join(wrong)


STUDY = """import numpy as np
calls = []
def study(x):
    calls.append(x)
    return len(calls)
study.__module__ = "companion.experiments.studies.made_up"
"""


@pytest.mark.parametrize(
    ("sources", "texts", "wrong"),
    [
        (
            ["import random\nr = random.Random(1)", "print(r.random() < 0)"],
            ["", "False\n"],
            0,
        ),
        (["x = []", "x.append(1)\nprint(len(x))"], ["", "1\n"], 1),
        (["x = [0]", "x[0] += 1", "print(x)"], ["", "", "[1]\n"], 2),
        (["x = [1.0]", "x = x[0]"], ["", ""], 1),
        ([STUDY, "print(study(3))"], ["", "1\n"], 0),
        ([STUDY, "print(study(np.random.default_rng(3)))"], ["", "1\n"], 1),
    ],
    ids=[
        "the same",
        "prints another",
        "silent until a later cell",
        "rebinds a name",
        "a study is remembered",
        "but not where it draws",
    ],
)
def test_what_cannot_be_run_twice_is_noticed(tmp_path, sources, texts, wrong):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    for cell, text in zip(cells, texts, strict=True):
        if text:
            cell.outputs = [nbformat.v4.new_output("stream", text=text)]
    page = tmp_path / "page.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), page)
    with processes(1) as pool:
        assert len(pool.submit(twice, page).result()) == wrong
