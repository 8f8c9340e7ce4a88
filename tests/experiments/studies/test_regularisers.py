"""Regularisers: candidates, picking on validation data alone, each verdict."""

import math

import numpy as np
import pytest

from companion.data import mnist1d
from companion.experiments.studies import regularisers as module
from companion.experiments.studies.regularisers import (
    ERROR,
    LOSS,
    METHODS,
    regularisers,
)

from ..made_up import trained


def test_the_candidates():
    assert METHODS["none"] == [(0.0, 0.0, math.inf)]
    assert METHODS["dropout"] == [(0.5, 0.0, math.inf)]
    assert METHODS["L2"] == [(0.0, 1e-3, math.inf), (0.0, 1e-2, math.inf)]
    assert METHODS["dropout + max-norm"] == [(0.5, 0.0, 1.0), (0.5, 0.0, 2.5)]
    assert set(module.ORDER) < set(METHODS)


def fake(monkeypatch, errors, validation=None):
    """Give each method, and optionally each of its candidates, an error in per cent."""
    owners = [name for name, some in METHODS.items() for _ in some]
    test = np.array([errors[name] for name in owners], float)
    valid = test if validation is None else validation(owners)

    def train(_, *, rates, seeds, **__):
        return trained(rates, seeds, 1 - np.asarray(valid) / 100, valid)

    def scores(_weights, _x, _labels, shape):
        table = test[:, None] + 0.01 * np.random.default_rng(0).uniform(size=shape)
        if validation is not None:  # the first candidate of a method is the worse one
            first = [owners.index(name) == i for i, name in enumerate(owners)]
            table = table + 10.0 * np.array(first)[:, None]
        return {ERROR: table, LOSS: table / 10}

    monkeypatch.setattr(module, "train_networks", train)
    monkeypatch.setattr(module, "_scores", scores)
    return regularisers(range(4), data=mnist1d(100, 20))


BASE = {"none": 9, "dropout": 6, "L2": 8, "max-norm": 7}


@pytest.mark.parametrize(
    ("with_l2", "with_norm", "verdict"),
    [
        (6, 5, "reproduces"),
        (5, 6, "weaker"),
        (7.5, 5, "weaker"),
        (6, 7.5, "does not reproduce"),
        (8.5, 5, "does not reproduce"),
    ],
)
def test_verdicts(monkeypatch, with_l2, with_norm, verdict):
    errors = BASE | {"dropout + L2": with_l2, "dropout + max-norm": with_norm}
    assert fake(monkeypatch, errors).verdict == verdict


def test_max_norm_must_beat_l2_alone(monkeypatch):
    errors = BASE | {"max-norm": 8.5, "dropout + L2": 6, "dropout + max-norm": 5}
    assert fake(monkeypatch, errors).verdict == "weaker"


def test_the_strength_is_picked_on_validation_data(monkeypatch):
    """Validation prefers each method's first candidate, which is worse on the test."""
    errors = dict.fromkeys(METHODS, 20)

    def validation(owners):
        return [10 + (owners.index(name) != i) for i, name in enumerate(owners)]

    found = fake(monkeypatch, errors, validation)
    for measure, scale in ((ERROR, 1), (LOSS, 10)):
        for values in found.raw[measure].values():
            assert (values > 29.9 / scale).all()


def test_scores_are_those_of_the_engine():
    data = mnist1d(1100, 60)
    found = regularisers(range(2), data=data, epochs=1, progress=False)
    assert set(found.raw[ERROR]) == set(METHODS)
    runs = module.train_networks(
        data, rates=(0.0, 0.3), seeds=(0, 1), train_size=100, hidden=(8,), epochs=1,
        batch_size=50, lr=0.05, progress=False,
    )  # fmt: skip
    scores = module._scores(runs.weights, data.x_test, data.y_test, (2, 2))
    np.testing.assert_allclose(scores[ERROR], 100 * (1 - runs.test_accuracy[..., 0]))
    np.testing.assert_allclose(scores[LOSS], runs.test_loss[..., 0], rtol=1e-6)
