"""The learning curves: rows by hand, and every verdict of the rule."""

import pytest

from companion.experiments import mean_interval
from companion.experiments.studies import learning_curves
from companion.experiments.studies.learning_curves import (
    learning_curves as run,
)

from ..made_up import trainer

TINY = {"epochs": 4, "every": 1, "progress": False}


def verdict(monkeypatch, error, gap, rise):
    """Error, gap and rise of dropout, against 50 per cent, 5 nats and 4 nats without."""

    def test_error(p, *_):
        return error if p else 50

    def test_loss(p, width, n, epoch):  # lowest after the first evaluation
        return 1 + ((rise if p else 4) if epoch > 3 else 0)

    def train_loss(p, width, n, epoch):
        return test_loss(p, width, n, epoch) - (gap if p else 5)

    fake = trainer(test_error, test_loss, train_loss)
    monkeypatch.setattr(learning_curves, "train_networks", fake)
    return run().verdict


def test_rows_are_paired_changes_at_the_end():
    finding = run(range(4), **TINY)
    raw = finding.raw
    assert raw.epochs == (1, 2, 3, 4)
    values = {
        "test error, points": 100 * (1 - raw.test_accuracy[:, :, 3]),
        "test loss, nats": raw.test_loss[:, :, 3],
        "test - training loss, nats": raw.test_loss[:, :, 3] - raw.train_loss[:, :, 3],
        "rise of the test loss, nats": raw.test_loss[:, :, 3] - raw.test_loss.min(axis=2),
    }
    for name, value in values.items():
        for i, p in ((1, 0.3), (2, 0.5)):
            found = finding.interval(name, f"p = {p} - p = 0")
            assert found == mean_interval(value[i] - value[0])
    for i, p in enumerate(("0", "0.3", "0.5")):
        for name in ("test - training loss, nats", "rise of the test loss, nats"):
            found = finding.interval(name, f"p = {p}")
            assert found == mean_interval(values[name][i])
    assert len(finding.rows) == 14


def test_lower_narrower_and_smaller_reproduces(monkeypatch):
    assert verdict(monkeypatch, 40, 1, 1) == "reproduces"


@pytest.mark.parametrize("one_missing", [(50, 1, 1), (40, 5, 1), (40, 1, 4)])
def test_two_of_three_is_weaker(monkeypatch, one_missing):
    assert verdict(monkeypatch, *one_missing) == "weaker"


@pytest.mark.parametrize("one_holds", [(40, 5, 4), (50, 1, 4), (50, 5, 1)])
def test_one_of_three_is_weaker(monkeypatch, one_holds):
    assert verdict(monkeypatch, *one_holds) == "weaker"


def test_none_of_three_does_not_reproduce(monkeypatch):
    assert verdict(monkeypatch, 51, 6, 5) == "does not reproduce"


@pytest.mark.parametrize("rates", [(0.3, 0.5), (0.0, 0.3), ()])
def test_rates_that_the_rule_needs_must_be_there(rates):
    with pytest.raises(ValueError, match="rates must begin with 0 and hold"):
        run(rates=rates)
