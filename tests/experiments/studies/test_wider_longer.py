"""Wider and longer: rows by hand, and every verdict of the rule."""

import pytest

from companion.experiments import mean_interval
from companion.experiments.studies.wider_longer import (
    wider_longer as run,
)
from companion.experiments.training import engine

from ..made_up import trainer


def verdict(monkeypatch, gain, wide):
    """The last gain in the widest layers, and the error there with dropout."""

    def error(p, width, n, epoch):
        if width < 160 or epoch < 80:
            return 50
        return wide if p else wide + gain

    monkeypatch.setattr(engine, "train_networks", trainer(error))
    return run().verdict


def test_rows_are_paired_gains_over_widths_and_times():
    finding = run(range(4), widths=(4, 8), epochs=2, every=1, progress=False)
    raw = finding.raw
    assert raw["epochs"] == (1, 2)
    assert raw["error"].shape == raw["train_error"].shape == (2, 2, 4, 2)
    gains = raw["error"][:, 0] - raw["error"][:, 1]
    for i, width in enumerate((4, 8)):
        for t in range(2):
            name = f"{width} units, epoch {t + 1}"
            found = finding.interval("gain in test error, points", name)
            assert found == mean_interval(gains[i, :, t])
        name = f"{width} units, epoch 2 - epoch 1"
        found = finding.interval("gain in test error, points", name)
        assert found == mean_interval(gains[i, :, 1] - gains[i, :, 0])
        found = finding.interval("test loss, nats", f"{width} units, at the end")
        change = raw["loss"][i, 1] - raw["loss"][i, 0]
        assert found == mean_interval(change[:, 1])
    for j, p in enumerate((0, 0.3)):
        found = finding.interval("test error, points", f"p = {p}, 8 - 4 units")
        assert found == mean_interval((raw["error"][1, j] - raw["error"][0, j])[:, 1])
    found = finding.interval("test error, points", "p = 0.3 - p = 0, 8 - 4 units")
    assert found == mean_interval(gains[0, :, 1] - gains[1, :, 1])
    assert len(finding.rows) == 11


def test_a_gain_and_a_lower_error_in_the_widest_reproduce(monkeypatch):
    assert verdict(monkeypatch, gain=3, wide=48) == "reproduces"


@pytest.mark.parametrize("wide", [50, 55])
def test_a_gain_alone_is_weaker(monkeypatch, wide):
    assert verdict(monkeypatch, gain=3, wide=wide) == "weaker"


@pytest.mark.parametrize("gain", [0, -3])
def test_no_gain_does_not_reproduce(monkeypatch, gain):
    assert verdict(monkeypatch, gain=gain, wide=45) == "does not reproduce"


@pytest.mark.parametrize("widths", [(16,), (48, 16), (16, 16)])
def test_widths_that_are_too_few_or_out_of_order_are_refused(widths):
    with pytest.raises(ValueError, match="widths must be 2 or more that increase"):
        run(widths=widths)
