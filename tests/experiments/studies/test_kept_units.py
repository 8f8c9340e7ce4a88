"""The sweep with the kept units fixed: widths, rows by hand, every verdict."""

import numpy as np
import pytest

from companion.experiments import mean_interval
from companion.experiments.studies.kept_units import (
    kept_units as run,
)
from companion.experiments.training import engine

from ..made_up import trainer

FIXED = {0.0: 58, 0.2: 55, 0.5: 60, 0.6: 63, 0.8: 69}
WIDENED = {0.0: 58, 0.2: 54.5, 0.5: 54, 0.6: 54.5, 0.8: 63}


def verdict(monkeypatch, **changes):
    widened = WIDENED | {float("0." + p[1:]): e for p, e in changes.items()}

    def error(p, width, *_):
        return FIXED[p] if width == 32 else widened[p]

    monkeypatch.setattr(engine, "train_networks", trainer(error))
    return run().verdict


def test_the_kept_units_are_32_at_every_rate_and_rows_are_paired():
    finding = run(range(4), epochs=1, progress=False)
    raw = finding.raw
    assert raw["widths"] == (32, 40, 64, 80, 160)
    assert np.allclose(32, np.multiply(raw["widths"], 1 - np.array(raw["rates"])))
    assert (raw["fixed"][0] == raw["widened"][0]).all()
    assert (raw["fixed"][1:] != raw["widened"][1:]).any(axis=1).all()
    points = "test error, points"
    for way, values in (("32 units", raw["fixed"]), ("32 kept units", raw["widened"])):
        for i, p in enumerate(raw["rates"][1:], 1):
            found = finding.interval(points, f"{way}, p = {p} - p = 0")
            assert found == mean_interval(values[i] - values[0])
    found = finding.interval(points, "p = 0.8, 160 - 32 units")
    assert found == mean_interval(raw["widened"][4] - raw["fixed"][4])
    middle = (raw["fixed"][0] + raw["fixed"][4]) / 2
    found = finding.interval(points, "p = 0.8, 160 units - midpoint")
    assert found == mean_interval(raw["widened"][4] - middle)
    for i, p in ((1, 0.2), (3, 0.6), (4, 0.8)):
        found = finding.interval(points, f"32 kept units, p = 0.5 - p = {p}")
        assert found == mean_interval(raw["widened"][2] - raw["widened"][i])
    assert len(finding.rows) == 13


@pytest.mark.parametrize("change", [{}, {"_2": 52}])
def test_wide_layers_that_mend_most_of_the_harm_reproduce(monkeypatch, change):
    assert verdict(monkeypatch, **change) == "reproduces"


@pytest.mark.parametrize(
    "change",
    [
        {"_8": 70},
        {"_8": 64},
        {"_5": 59},
        {"_2": 50},
        {"_6": 50},
        {"_2": 59, "_5": 58, "_6": 59},
    ],
)
def test_one_half_of_the_rule_is_weaker(monkeypatch, change):
    assert verdict(monkeypatch, **change) == "weaker"


def test_neither_half_does_not_reproduce(monkeypatch):
    assert verdict(monkeypatch, _8=70, _5=59) == "does not reproduce"


@pytest.mark.parametrize("rates", [(0.5, 0.8), (0.0, 0.5), ()])
def test_rates_that_the_rule_needs_must_be_there(rates):
    with pytest.raises(ValueError, match="rates must begin with 0 and hold"):
        run(rates=rates)
