"""Convergence: ratios by hand, a target that is never reached, each verdict."""

import numpy as np
import pytest

from companion.experiments import mean_interval
from companion.experiments.studies import convergence as module
from companion.experiments.studies.convergence import (
    NAMES,
    convergence,
)
from companion.experiments.training import engine

from ..made_up import trained


def curves(monkeypatch, factors):
    """Let each setting need `factors` times the steps of the plain network."""

    def train(_, *, rates, seeds, hidden, epochs, **__):
        times = np.arange(1, epochs + 1)
        losses = []
        for p in rates:
            factor = factors.get((p, hidden[0]), 1.0)
            pace = factor * (1 + 0.001 * np.arange(len(seeds)) * (p > 0))
            losses.append(2 - times / (4 * pace[:, None]))
        result = trained(rates, seeds, 0.5)
        return result._replace(train_loss=np.stack(losses), epochs=tuple(times))

    monkeypatch.setattr(engine, "train_networks", train)


def run():
    return convergence(range(5), data=(), epochs=20)


def test_ratios_are_those_of_the_steps(monkeypatch):
    curves(monkeypatch, {(0.2, 64): 1.5, (0.5, 128): 2.5})
    found = run()
    for target in module.TARGETS:
        name = f"steps to {target} nats, ratio"
        half = found.interval(name, "p = 0.5, 128 units")
        logs = mean_interval(np.log(2.5 * (1 + 0.001 * np.arange(5))))
        np.testing.assert_allclose(half[:3], np.exp(logs[:3]), rtol=1e-6)
        assert found.interval(name, "p = 0.2, 64 units").mean == pytest.approx(1.503)
        assert found.interval(name, "p = 0.2, 80 units").mean == pytest.approx(1.002)
    assert list(found.raw) == NAMES


@pytest.mark.parametrize(
    ("same", "wide", "verdict"),
    [
        (2.5, 1.5, "reproduces"),
        (4.0, 2.5, "weaker"),
        (40.0, 2.5, "weaker"),
        (1.5, 2.5, "weaker"),
        (4.0, 1.5, "does not reproduce"),
        (4.0, 3.5, "does not reproduce"),
    ],
)
def test_verdicts(monkeypatch, same, wide, verdict):
    curves(monkeypatch, {(0.5, 64): same, (0.5, 128): wide, (0.2, 80): 2.5})
    assert run().verdict == verdict


def test_a_target_out_of_reach_is_never_and_infinite(monkeypatch):
    curves(monkeypatch, {(0.5, 64): 40.0})
    found = run().interval("steps to 1.1 nats, ratio", "p = 0.5, 64 units")
    assert found.method == "never"
    assert found.low == np.inf


def test_real_networks_are_slower_with_dropout():
    found = convergence(range(2), epochs=12, progress=False)
    plain = found.raw["p = 0, 64 units"]
    assert plain.shape == (2, 12)
    assert (found.raw["p = 0.5, 64 units"][:, -1] > plain[:, -1]).all()
