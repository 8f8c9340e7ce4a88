"""Under-fitting: the schedules, rows by hand, and each verdict."""

import pytest

from companion.data import mnist1d
from companion.experiments import mean_interval
from companion.experiments.studies import underfitting as module
from companion.experiments.studies.underfitting import (
    ACCURACY,
    FIT,
    LEVEL,
    ONCE,
    underfitting,
)

from ..made_up import trained


def test_schedules_turn_after_three_tenths():
    none, standard, early, late = module._rates(0.3, 100)
    assert (none, standard) == (0.0, 0.3)
    assert (early(0), early(30), early(99)) == (0.3, 0, 0)
    assert early(15) == pytest.approx(0.15)
    assert (late(29), late(30)) == (0, 0.3)


@pytest.mark.parametrize(
    ("standard", "early", "verdict"),
    [
        (-3, 1, "reproduces"),
        (-3, 0, "weaker"),
        (-3, -1, "weaker"),
        (0, 1, "does not reproduce"),
        (2, 2, "does not reproduce"),
    ],
)
def test_one_pass_decides(monkeypatch, standard, early, verdict):
    def train(_, *, rates, seeds, epochs, **__):
        change = (0, standard, early, 0) if epochs == 1 else (0, -9, 9, 0)
        return trained(rates, seeds, [0.5 + c / 100 for c in change])

    monkeypatch.setattr(module, "train_networks", train)
    assert underfitting(range(4), data=()).verdict == verdict


def test_rows_are_changes_against_none():
    data = mnist1d(8100, 100)
    found = underfitting(range(2), data=data, progress=False)
    runs = found.raw[ONCE]
    points = 100 * runs.test_accuracy[..., 0]
    name = f"{ONCE}: early - none"
    assert found.interval(ACCURACY, name) == mean_interval(points[2] - points[0])
    ahead = found.interval(ACCURACY, f"{ONCE}: early - standard")
    assert ahead == mean_interval(points[2] - points[1])
    fit = runs.train_loss[..., 0]
    assert found.interval(FIT, name) == mean_interval(fit[2] - fit[0])
    assert found.interval(LEVEL, f"{ONCE}: training") == mean_interval(fit[0])
    test = mean_interval(runs.test_loss[0, :, 0])
    assert found.interval(LEVEL, f"{ONCE}: test") == test
    assert len(found.rows) == 24
