"""Co-adaptation: the rows by hand, and each verdict of the rule."""

import numpy as np
import pytest

from companion.data import mnist1d
from companion.experiments import mean_interval, train_networks
from companion.experiments.instruments.robustness import (
    damaged_accuracy,
)
from companion.experiments.studies import coadaptation as module


def test_rows_are_the_damage_of_the_networks_that_were_trained():
    data = mnist1d(1200, 100)
    found = module.coadaptation(range(2), data=data, epochs=1, progress=False)
    runs = train_networks(
        data, rates=module.RATES, seeds=range(2), train_size=1000, hidden=(64, 64),
        epochs=1, batch_size=50, lr=3e-3, progress=False,
    )  # fmt: skip

    def points(**damage):
        rng = np.random.default_rng(7)
        return 100 * damaged_accuracy(runs, data.x_test, data.y_test, rng, **damage)

    np.testing.assert_array_equal(found.raw[3], points(drop=0.3))
    for name, damage in ((module.LOST, {"drop": 0.3}), (module.NOISE, {"noise": 0.5})):
        lost = points() - points(**damage)
        expected = mean_interval(lost[2] - lost[0])
        assert found.interval(name, "p = 0.5 - p = 0") == expected
        assert found.interval(name, "p = 0") == mean_interval(lost[0])
    assert len(found.rows) == 15


@pytest.mark.parametrize(
    ("lost", "worst", "verdict"),
    [
        (-3, -0.1, "reproduces"),
        (-3, 0.1, "weaker"),
        (3, -0.1, "weaker"),
        (3, 0.1, "does not reproduce"),
    ],
)
def test_the_rule_asks_for_both_at_one_half(monkeypatch, lost, worst, verdict):
    noise = np.random.default_rng(0).normal(0, 0.01, (3, 6))
    at_half = np.array([[0.0], [-50.0], [1.0]])  # p = 0.2 must not decide
    found = {
        name: noise * value + np.where(at_half == 1, value, at_half)
        for name, value in ((module.LOST, lost), (module.WORST, worst))
    }
    found |= dict.fromkeys((module.SHARE, module.ALIKE, module.NOISE), noise)
    monkeypatch.setattr(module, "train_networks", lambda *_, **__: None)
    monkeypatch.setattr(module, "_measured", lambda *_: (found, None))
    assert module.coadaptation(data=()).verdict == verdict
