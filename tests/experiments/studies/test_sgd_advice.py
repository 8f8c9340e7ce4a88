"""The advice on SGD: rows by hand, and each verdict."""

import numpy as np
import pytest

from companion.data import mnist1d
from companion.experiments import mean_interval
from companion.experiments.studies.sgd_advice import (
    DROPOUT,
    ERROR,
    FACTOR,
    LIMITED,
    LRS,
    PLAIN,
    sgd_advice,
)
from companion.experiments.training import engine

from ..made_up import trained


def fake(monkeypatch, plain=0, dropout=0, gains=0.0):
    """Put the valleys at given indices of LRS; higher momenta gain so many points."""

    def train(_, *, rates, lr, seeds, momentum, max_norm, **__):
        np.testing.assert_allclose(np.divide(lr, LRS), (1 - momentum) / 0.1)
        assert (max_norm < np.inf) >= (rates[0] > 0)
        best = dropout if rates[0] else plain
        error = 40 + 5.0 * abs(np.arange(len(LRS)) - best)
        error -= gains * (momentum > 0.9)
        return trained(rates, seeds, 1 - error / 100)

    monkeypatch.setattr(engine, "train_networks", train)
    return sgd_advice(range(4), data=())


@pytest.mark.parametrize(
    ("plain", "dropout", "gains", "verdict"),
    [
        (0, 2, 3, "reproduces"),
        (0, 2, 0, "weaker"),
        (0, 1, 3, "weaker"),
        (0, 1, 0, "weaker"),
        (0, 0, 3, "weaker"),
        (2, 2, -3, "does not reproduce"),
        (2, 1, 0, "does not reproduce"),
    ],
)
def test_verdicts(monkeypatch, plain, dropout, gains, verdict):
    assert fake(monkeypatch, plain, dropout, gains).verdict == verdict


def test_rows_compare_ten_times_the_plain_rate(monkeypatch):
    found = fake(monkeypatch, plain=1, dropout=1)
    lost = found.interval(ERROR, "dropout, 10 times plain's best rate")
    assert lost.mean == pytest.approx(10, abs=0.1)  # two steps of the grid: 0.01 to 0.1
    ratio = found.interval(FACTOR, f"{DROPOUT} / plain")
    assert ratio.mean == pytest.approx(1)


def test_rows_of_real_networks():
    data = mnist1d(1200, 100)
    found = sgd_advice(range(4), data=data, epochs=1, progress=False)
    errors = found.raw
    own = [
        errors[n][errors[n].mean(axis=1).argmin()] for n in (DROPOUT[:-1] + "99", DROPOUT)
    ]
    name = "dropout + max-norm, 0.99 - 0.9"
    assert found.interval(ERROR, name) == mean_interval(own[0] - own[1])
    limited = errors[LIMITED][errors[LIMITED].mean(axis=1).argmin()]
    found_change = found.interval(ERROR, f"{DROPOUT} - {LIMITED}")
    assert found_change == mean_interval(own[1] - limited)
    assert errors[PLAIN].shape == (len(LRS), 4)
