"""The rate sweep: its rows by hand, and every verdict of its rule."""

import numpy as np
import pytest

from companion.experiments import mean_interval
from companion.experiments.studies import rate_sweep
from companion.experiments.studies.rate_sweep import (
    rate_sweep as run,
)

from ..made_up import trainer

TINY = {"seeds": range(4), "epochs": 1, "train_size": 60, "progress": False}
U = {0.0: 50, 0.2: 46, 0.4: 45, 0.5: 45, 0.6: 47, 0.8: 60}


def verdict(monkeypatch, **changes):
    errors = U | {float("0." + p[1:]): e for p, e in changes.items()}
    monkeypatch.setattr(rate_sweep, "train_networks", trainer(lambda p, *_: errors[p]))
    return run().verdict


def test_rows_are_paired_changes_against_no_dropout():
    finding = run(hidden=(8,), **TINY)
    error = 100 * (1 - finding.raw.test_accuracy[..., -1])
    loss = finding.raw.test_loss[..., -1]
    for i, p in enumerate(finding.raw.rates[1:], 1):
        name = f"p = {p} - p = 0"
        found = finding.interval("test error, points", name)
        assert found == mean_interval(error[i] - error[0])
        found = finding.interval("test loss, nats", name)
        assert found == mean_interval(loss[i] - loss[0])
    for i, p in ((1, 0.2), (3, 0.5), (4, 0.6), (5, 0.8)):
        found = finding.interval("test error, points", f"p = {p} - p = 0.4")
        assert found == mean_interval(error[i] - error[2])
    assert len(finding.rows) == 14
    assert np.isfinite([row.interval[:3] for row in finding.rows]).all()


def test_a_plateau_between_two_slopes_reproduces(monkeypatch):
    assert verdict(monkeypatch) == "reproduces"


@pytest.mark.parametrize("edge", ["_2", "_4", "_6"])
def test_a_plateau_with_one_bad_rate_is_weaker(monkeypatch, edge):
    assert verdict(monkeypatch, **{edge: 50}) == "weaker"


@pytest.mark.parametrize("edge", ["_2", "_6"])
def test_a_valley_that_is_not_flat_is_weaker(monkeypatch, edge):
    assert verdict(monkeypatch, **{edge: 48.5}) == "weaker"


def test_without_a_rise_it_is_weaker(monkeypatch):
    assert verdict(monkeypatch, _8=44) == "weaker"


def test_no_rate_below_none_does_not_reproduce(monkeypatch):
    assert verdict(monkeypatch, _2=51, _4=51, _6=51) == "does not reproduce"


@pytest.mark.parametrize("rates", [(0.2, 0.4, 0.6, 0.8), (0.0, 0.2, 0.4, 0.8), ()])
def test_rates_that_the_rule_needs_must_be_there(rates):
    with pytest.raises(ValueError, match="rates must begin with 0 and hold"):
        run(rates=rates)
