"""Calibration: rows by hand, and every verdict of the rule."""

import numpy as np
import pytest

from companion.experiments import mean_interval
from companion.experiments.instruments.confidence import calibration_error
from companion.experiments.studies import calibration
from companion.experiments.studies.calibration import (
    calibration as run,
)

from ..made_up import trainer


def test_rows_are_those_of_the_networks():
    finding = run(range(4), rates=(0.0, 0.3), epochs=1, progress=False)
    raw, labels = finding.raw, finding.raw["labels"]
    P = raw["probabilities"]
    assert P.shape == (2, 4, 1000, 10)
    error = 100 * (P.argmax(axis=-1) != labels).mean(axis=-1)
    loss = -np.log(P[..., np.arange(1000), labels]).mean(axis=-1)
    ece = 100 * np.array([[calibration_error(p, labels) for p in row] for row in P])
    gap = 100 * (P.max(axis=-1).mean(axis=-1) - 1) + error
    name = "p = 0.3 - p = 0"
    for measure, values in (
        ("test error, points", error),
        ("test loss, nats", loss),
        ("calibration error, points", ece),
    ):
        found = finding.interval(measure, name)
        wanted = mean_interval(values[1] - values[0])
        assert found[:3] == pytest.approx(wanted[:3], abs=1e-5)
    for i, p in enumerate(("0", "0.3")):
        found = finding.interval("confidence - accuracy, points", f"p = {p}")
        assert found[:3] == pytest.approx(mean_interval(gap[i])[:3], abs=1e-5)
        found = finding.interval("calibration error, points", f"p = {p}")
        assert found[:3] == pytest.approx(mean_interval(ece[i])[:3], abs=1e-5)
    logs = np.log(ece[1] / ece[0])
    found = finding.interval("log ratio of calibration errors", "p = 0.3 to p = 0")
    assert found[:3] == pytest.approx(mean_interval(logs)[:3], abs=1e-5)
    found = finding.interval("... minus that of test errors", "p = 0.3 to p = 0")
    more = mean_interval(logs - np.log(error[1] / error[0]))
    assert found[:3] == pytest.approx(more[:3], abs=1e-5)


def verdict(monkeypatch, ece, error):
    """Calibration error and test error at p = 0.3, in per cent; 40 and 50 without."""
    rates, seeds = (0.0, 0.3, 0.5, 0.8), 8
    rng, networks = np.random.default_rng(0), []
    for p in rates:
        networks += list((ece if p == 0.3 else 40) + rng.uniform(-0.1, 0.1, seeds))
    values = iter(networks)
    fake = trainer(lambda p, *_: error if p == 0.3 else 50)
    monkeypatch.setattr(calibration, "train_networks", fake)
    flat = np.zeros((len(networks), 1000, 10), np.float32)
    monkeypatch.setattr(calibration, "activations", lambda *_: [flat])
    monkeypatch.setattr(calibration, "calibration_error", lambda *_: next(values) / 100)
    return run().verdict


def test_a_larger_fall_reproduces(monkeypatch):
    assert verdict(monkeypatch, ece=20, error=45) == "reproduces"


@pytest.mark.parametrize("ece", [36, 32])  # error falls by as much, or by more
def test_a_fall_that_is_no_larger_is_weaker(monkeypatch, ece):
    assert verdict(monkeypatch, ece=ece, error=40 if ece == 32 else 43) == "weaker"


def test_no_fall_does_not_reproduce(monkeypatch):
    assert verdict(monkeypatch, ece=41, error=60) == "does not reproduce"


@pytest.mark.parametrize("rates", [(0.3, 0.5), (0.0, 0.5), ()])
def test_rates_that_the_rule_needs_must_be_there(rates):
    with pytest.raises(ValueError, match="rates must begin with 0 and hold"):
        run(rates=rates)
