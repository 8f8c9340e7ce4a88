"""Pages call a study; they don't train again what a study trains."""

import ast
import contextlib
import inspect
import itertools
import sys

import numpy as np
import pytest

from companion.data import mnist1d, mnist_digits
from companion.experiments import experiments, train_networks

from ..experiments.made_up import trainer
from .pages import NOTEBOOKS, code_cells, read

SHARED = ("data", "train_size", "hidden", "epochs", "batch_size")
EACH = ("rates", "input_rate", "noise", "lr", "momentum", "weight_decay", "max_norm")
TRAINING = "companion.experiments.training"


def networks(*arguments, **settings):
    """Return what a call of train_networks measures: networks, by settings, at epochs."""
    bound = inspect.signature(train_networks).bind(*arguments, **settings)
    bound.apply_defaults()
    given = bound.arguments
    given["data"] = given["data"].x_train.shape, given["data"].x_test.shape
    given["hidden"] = tuple(given["hidden"])
    rates = tuple(given["rates"])
    epochs, every = given["epochs"], given["evaluate_every"] or given["epochs"]
    times = {epochs, *range(every, epochs + 1, every)}
    each = [np.broadcast_to(np.array(given[name], object), len(rates)) for name in EACH]
    return {
        (*(given[name] for name in SHARED), *network)
        for network in itertools.product(zip(*each, strict=True), given["seeds"], times)
    }


def trained_by(study, monkeypatch):
    """Return what a study trains; nothing is trained, so it may fail at what is missing."""
    found, made_up = set(), trainer(lambda *_: 50)

    def train(data, **settings):
        found.update(networks(data, **settings))
        return made_up(data, **settings)

    def train_each(data, plans, **shared):
        return [train(data, **shared | plan) for plan in plans]

    module = sys.modules[study.__module__]
    for one in (train, train_each):
        name = "train_networks" if one is train else "train_each"
        monkeypatch.setattr(module, name, one, raising=False)
    with contextlib.suppress(AttributeError, IndexError, ValueError):
        study(progress=False)
    return found


def trained_on(page):
    """Return what each call of train_networks in the code of a page trains.

    Only plain assignments are run: those that call nothing but these.
    """
    found, calls = [], 0
    names = {"range": range, "mnist1d": mnist1d, "mnist_digits": mnist_digits}
    names["train_networks"] = lambda *a, **k: found.append(networks(*a, **k))
    for statement in ast.parse(page).body:
        called = [
            ast.unparse(node.func)
            for node in ast.walk(statement)
            if isinstance(node, ast.Call)
        ]
        calls += called.count("train_networks")
        if isinstance(statement, ast.Assign | ast.AugAssign) and {*called} <= {*names}:
            # What needs the outcome of another statement fails, and is not missed.
            with contextlib.suppress(Exception):
                exec(ast.unparse(statement), names)
    assert len(found) == calls, "give train_networks plain settings, in an assignment"
    return found


@pytest.fixture(scope="module")
def studies():
    """What every study trains, where it trains classifiers, by its name."""
    found = {}
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, study in experiments().items():
            source = inspect.getsource(sys.modules[study.__module__])
            if "train_networks(" in source or "train_each(" in source:
                found[name] = trained_by(study, monkeypatch)
    assert found and all(found.values())
    return found


def assert_repeats_nothing(page, studies):
    for mine in trained_on(page):
        for name, theirs in studies.items():
            assert not mine <= theirs, f"call {name} instead"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_page_trains_nothing_that_a_study_trains(path, studies):
    page = "\n".join(cell.source for cell in code_cells(read(path)))
    assert f"from {TRAINING}" not in page  # what else is trained, studies alone train
    assert_repeats_nothing(page, studies)


def test_a_repetition_is_noticed(studies):
    """Fewer rates, seeds and looks are a repetition; another rate or look is none."""
    page = """
data, settings = mnist1d(), {"seeds": range(3), "lr": 3e-3, "batch_size": 50}
settings |= {"hidden": (128, 128), "epochs": 60, "evaluate_every": 15}
runs = train_networks(data, rates=(0.0, RATE), train_size=1000, **settings)
"""
    assert_repeats_nothing(page.replace("RATE", "0.7"), studies)
    assert_repeats_nothing(page.replace("RATE", "0.5").replace("15", "7"), studies)
    with pytest.raises(AssertionError, match=r"call .* instead"):
        assert_repeats_nothing(page.replace("RATE", "0.5"), studies)


def test_a_call_whose_settings_cannot_be_read_is_refused():
    page = "runs = [train_networks(mnist1d(), lr=rate()) for rate in rates]"
    with pytest.raises(AssertionError, match="plain settings"):
        trained_on(page)
