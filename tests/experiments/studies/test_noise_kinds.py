"""Gaussian against Bernoulli noise: rows by hand, and each verdict."""

import pytest

from companion.data import mnist1d
from companion.experiments import mean_interval
from companion.experiments.studies import noise_kinds as module
from companion.experiments.studies.noise_kinds import (
    ERROR,
    LOSS,
    SETTINGS,
    noise_kinds,
)

from ..made_up import trained


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ((1, 1, 1), "reproduces"),
        ((0, 1, 1), "weaker"),
        ((1, -1, 1), "weaker"),
        ((0, 0, 1), "does not reproduce"),
        ((-1, -1, -1), "does not reproduce"),
    ],
)
def test_verdicts(monkeypatch, gains, verdict):
    gain = iter(gains)

    def train(_, *, rates, noise, seeds, **__):
        assert noise == ("bernoulli", "gaussian")
        return trained(rates, seeds, [0.5, 0.5 + next(gain) / 100])

    monkeypatch.setattr(module, "train_networks", train)
    assert noise_kinds(range(4)).verdict == verdict


def test_rows_are_gaussian_minus_bernoulli():
    plan = {"train_size": 100, "hidden": (8,), "epochs": 1, "lr": 1e-2}
    settings = {"small": (lambda: mnist1d(200, 50), 0.3, plan)}
    found = noise_kinds(range(3), settings=settings, progress=False)
    runs = found.raw["small"]
    error, loss = -100 * runs.test_accuracy[..., 0], runs.test_loss[..., 0]
    assert found.interval(ERROR, "small") == mean_interval(error[1] - error[0])
    assert found.interval(LOSS, "small") == mean_interval(loss[1] - loss[0])
    assert (loss[1] != loss[0]).all()


def test_the_digits_are_there():
    assert [name.split(",")[0] for name in SETTINGS] == ["curves", "curves", "digits"]
