"""The sweep over training-set sizes: updates, rows by hand, every verdict."""

import numpy as np
import pytest

from companion.experiments import mean_interval
from companion.experiments.studies.data_size import data_size as run
from companion.experiments.training import engine

from ..made_up import trainer

SIZES = (40, 200, 1000, 4000, 8000)


def verdict(monkeypatch, *gains):
    gain = dict(zip(SIZES, gains, strict=True))

    def error(p, width, n, epoch):
        return 50 - gain[n] if p else 50

    monkeypatch.setattr(engine, "train_networks", trainer(error))
    return run().verdict


def test_rows_are_paired_gains():
    finding = run(range(4), sizes=(40, 80, 120), updates=2, hidden=(8,), progress=False)
    raw = finding.raw
    assert (
        raw["error"].shape == raw["loss"].shape == raw["train_error"].shape == (3, 2, 4)
    )
    gains = raw["error"][:, 0] - raw["error"][:, 1]
    points = "gain in test error, points"
    for i, n in enumerate((40, 80, 120)):
        assert finding.interval(points, f"n = {n}") == mean_interval(gains[i])
        found = finding.interval("rise of test loss, nats", f"n = {n}")
        assert found == mean_interval(raw["loss"][i, 1] - raw["loss"][i, 0])
    for i, n in ((0, 40), (2, 120)):
        found = finding.interval(points, f"n = 80 - n = {n}")
        assert found == mean_interval(gains[1] - gains[i])
    assert len(finding.rows) == 8


def test_every_size_gets_as_many_updates(monkeypatch):
    seen = []

    def train(*args, train_size, epochs, batch_size, **rest):
        seen.append((train_size, epochs * (train_size // batch_size)))
        return trainer(lambda *_: 50)(
            *args, train_size=train_size, epochs=epochs, batch_size=batch_size, **rest
        )

    monkeypatch.setattr(engine, "train_networks", train)
    run()
    assert [n for n, _ in seen] == list(SIZES)
    assert np.allclose([updates for _, updates in seen], 1200, rtol=0.001)


def test_a_rise_and_a_decline_from_nothing_reproduce(monkeypatch):
    assert verdict(monkeypatch, 0, 2, 3, 1, -5) == "reproduces"


def test_a_gain_at_the_small_end_is_weaker(monkeypatch):
    assert verdict(monkeypatch, 1, 2, 3, 1, -5) == "weaker"


@pytest.mark.parametrize(
    "gains", [(0, 1, 2, 3, 5), (5, 3, 2, 1, 0), (-9, -2, -1, -3, -9), (0, 0, 0, 0, 0)]
)
def test_anything_else_does_not_reproduce(monkeypatch, gains):
    assert verdict(monkeypatch, *gains) == "does not reproduce"


@pytest.mark.parametrize("sizes", [(40, 200), (200, 40, 1000), (40, 40, 80)])
def test_sizes_that_are_too_few_or_out_of_order_are_refused(sizes):
    with pytest.raises(ValueError, match="sizes must be 3 or more that increase"):
        run(sizes=sizes)
