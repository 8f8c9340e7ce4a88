"""The spread over seeds: rows by hand, and every verdict of the rule."""

import numpy as np
import pytest

from companion.experiments import (
    Trained,
    bootstrap_interval,
    mean_interval,
)
from companion.experiments.studies import validation_spread
from companion.experiments.studies.validation_spread import _sd_ratio
from companion.experiments.studies.validation_spread import (
    validation_spread as run,
)


def test_the_ratio_is_that_of_sample_deviations():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7, 5))
    wanted = [np.std(x, ddof=1) / np.std(y, ddof=1) for x, y in zip(a, b, strict=True)]
    assert np.allclose(_sd_ratio(a, b, axis=1), wanted)


def test_rows_are_ratios_and_paired_changes():
    finding = run(range(10), hidden=(8,), epochs=1, progress=False)
    error = 100 * (1 - finding.raw.test_accuracy[..., -1])
    loss = finding.raw.test_loss[..., -1]
    for i, j, pair in (
        (1, 0, "0.2 {} p = 0"),
        (2, 0, "0.5 {} p = 0"),
        (2, 1, "0.5 {} p = 0.2"),
    ):
        to, minus = (f"p = {pair}".format(word) for word in ("to", "-"))
        for name, values, unit in (("error", error, "points"), ("loss", loss, "nats")):
            found = finding.interval(f"SD of the {name}, ratio", to)
            wanted = bootstrap_interval(values[i], values[j], statistic=_sd_ratio)
            assert found == wanted
            found = finding.interval(f"mean {name}, {unit}", minus)
            assert found == mean_interval(values[i] - values[j])
        of_loss, relative = (
            finding.interval(name, to).mean
            for name in ("SD of the loss, ratio", "SD of the loss over its mean, ratio")
        )
        assert relative == pytest.approx(of_loss * loss[j].mean() / loss[i].mean())
    assert len(finding.rows) == 15


def verdict(monkeypatch, error, loss):
    """Spreads with dropout, relative to those without."""
    rng = np.random.default_rng(1)

    def train(data, *, rates, seeds, **_):
        tables = []
        for mean, unit, ratio in ((0.5, 0.02, error), (2.0, 0.1, loss)):
            values = mean + unit * rng.normal(size=(3, 60, 1))
            values[1] = mean + ratio * (values[1] - mean)
            tables.append(values)
        return Trained(rates, seeds, (1,), *(tables[1], 1 - tables[0]) * 2, weights=[])

    monkeypatch.setattr(validation_spread, "train_networks", train)
    return run().verdict


def test_an_error_that_varies_less_reproduces(monkeypatch):
    assert verdict(monkeypatch, error=0.3, loss=0.3) == "reproduces"


def test_a_loss_alone_that_varies_less_is_weaker(monkeypatch):
    assert verdict(monkeypatch, error=1.0, loss=0.3) == "weaker"


@pytest.mark.parametrize("spread", [1.0, 3.0])
def test_no_smaller_spread_does_not_reproduce(monkeypatch, spread):
    assert verdict(monkeypatch, error=spread, loss=spread) == "does not reproduce"


@pytest.mark.parametrize("rates", [(0.2, 0.5), (0.0, 0.5), ()])
def test_rates_that_the_rule_needs_must_be_there(rates):
    with pytest.raises(ValueError, match="rates must begin with 0 and hold"):
        run(rates=rates)


def test_too_few_seeds_are_refused():
    with pytest.raises(ValueError, match="seeds must hold at least 10; got 4"):
        run(range(4))
