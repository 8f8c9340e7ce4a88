"""Averages over masks: the means by hand, rows, and every verdict of the rule."""

import itertools

import numpy as np
import pytest
import torch
from scipy.special import softmax

from companion.experiments import (
    activations,
    draw_factors,
    mean_interval,
)
from companion.experiments.studies import monte_carlo
from companion.experiments.studies.monte_carlo import (
    monte_carlo as run,
)

from ..made_up import trainer

RULE = {"rates": (0.5,), "sizes": (1, 50), "progress": False}


def network(rng, networks=3):
    widths = (4, 8, 8, 5)
    return [
        (
            torch.tensor(rng.normal(size=(networks, a, b)), dtype=torch.float32),
            torch.tensor(rng.normal(size=(networks, 1, b)), dtype=torch.float32),
        )
        for a, b in itertools.pairwise(widths)
    ]


def streams(*seeds):
    return [np.random.default_rng(seed) for seed in seeds]


def test_averages_are_those_of_the_sampled_predictions():
    rng = np.random.default_rng(0)
    weights, x = network(rng), rng.normal(size=(6, 4)).astype(np.float32)
    found = {
        k: means
        for k, *means in monte_carlo._averages(weights, x, 0.3, (1, 4), streams(7, 8, 9))
    }
    again, P = streams(7, 8, 9), []
    for _ in range(4):
        factors = [
            np.stack([draw_factors((6, 8), 0.3, own) for own in again]) for _ in range(2)
        ]
        *_, logits = activations(weights, x, [None, *factors])
        P.append(softmax(logits.astype(float), axis=-1))
    for k in (1, 4):
        arithmetic, geometric = map(np.exp, found[k])
        assert np.allclose(arithmetic, np.mean(P[:k], axis=0))
        product = np.prod(P[:k], axis=0) ** (1 / k)
        assert np.allclose(geometric, product / product.sum(axis=-1, keepdims=True))
    assert not np.allclose(*found[4], atol=1e-3)
    assert not np.allclose(P[0], P[1], atol=1e-3)


def test_networks_and_examples_draw_masks_of_their_own():
    rng = np.random.default_rng(1)
    weights = [(w[:1].repeat(3, 1, 1), b[:1].repeat(3, 1, 1)) for w, b in network(rng)]
    x = np.ones((6, 4), np.float32)
    ((_, found, _),) = monte_carlo._averages(weights, x, 0.5, (1,), streams(1, 2, 3))
    assert len(np.unique(found[..., 0])) > 12  # 18 draws, few of which agree


def test_scores_are_error_and_loss():
    P = np.array([[[0.7, 0.3], [0.6, 0.4]], [[0.7, 0.3], [0.1, 0.9]]])
    error, loss = monte_carlo._scores(np.log(P), np.array([0, 1]))
    assert np.allclose(error, [50, 0])
    assert np.allclose(loss, -np.log([0.7 * 0.4, 0.7 * 0.9]) / 2)


def test_rows_are_paired_differences_to_weight_scaling():
    finding = run(range(4), rates=(0.3, 0.5), sizes=(1, 3, 50), epochs=1, progress=False)
    raw = finding.raw
    assert raw["error"].shape == raw["loss"].shape == (2, 3, 4)
    for i, p in enumerate((0.3, 0.5)):
        for j, k in enumerate((1, 3, 50)):
            found = finding.interval("test error, points", f"p = {p}, k = {k}")
            assert found == mean_interval(raw["error"][i, j])
        found = finding.interval("test loss, nats", f"p = {p}, k = 50, arithmetic")
        assert found == mean_interval(raw["loss"][i, 2])
        geometric = finding.interval("test loss, nats", f"p = {p}, k = 50, geometric")
        assert geometric.mean != found.mean
    assert len(finding.rows) == 10


def test_a_network_draws_the_same_masks_whatever_runs_beside_it_and_in_any_order():
    few = run(range(3), epochs=1, sizes=(50, 1), progress=False).raw
    more = run(range(4), epochs=1, sizes=(1, 50), progress=False).raw
    assert few["sizes"] == more["sizes"] == (1, 50)
    assert np.array_equal(few["error"], more["error"][..., :3])


def verdict(monkeypatch, scaled, always, changing):
    """Of 10 examples, how many are wrong: scaled; in every sample; in one sample only."""
    draws = iter(range(1000))

    def made_up(weights, x, factors=None):
        turn, wrong = 0 if factors is None else next(draws), np.zeros(10, bool)
        wrong[: scaled if factors is None else always] = True
        if factors is not None:
            wrong[always + (turn + np.arange(changing)) % (10 - always)] = True
        wrong = np.tile(wrong, 100)
        logits = np.zeros((8, 1000, 10), np.float32)
        logits[:, np.arange(1000), np.where(wrong, (labels + 1) % 10, labels)] = 3
        return [logits]

    labels = monte_carlo.mnist1d().y_test
    monkeypatch.setattr(
        monte_carlo, "train_networks", with_weights(trainer(lambda *_: 5))
    )
    monkeypatch.setattr(monte_carlo, "activations", made_up)
    return run(range(8), **RULE).verdict


def with_weights(train):
    weights = [(torch.zeros(8, 40, 4), torch.zeros(8, 1, 4))] * 2
    return lambda *args, **rest: train(*args, **rest)._replace(weights=weights)


def test_one_worse_and_fifty_not_reproduces(monkeypatch):
    assert verdict(monkeypatch, scaled=1, always=1, changing=3) == "reproduces"


def test_fifty_still_worse_is_weaker(monkeypatch):
    assert verdict(monkeypatch, scaled=1, always=2, changing=3) == "weaker"


@pytest.mark.parametrize(("scaled", "always", "changing"), [(1, 4, 0), (6, 1, 3)])
def test_no_gain_or_no_need_does_not_reproduce(monkeypatch, scaled, always, changing):
    found = verdict(monkeypatch, scaled, always, changing)
    assert found == "does not reproduce"


@pytest.mark.parametrize(
    "change",
    [
        {"rates": (0.3,)},
        {"sizes": (1, 20)},
        {"sizes": (50,)},
    ],
)
def test_what_the_rule_needs_must_be_there(change):
    with pytest.raises(ValueError, match=r"rates must hold 0\.5|sizes must hold 1, 50"):
        run(**RULE | change)


def test_no_average_is_over_nothing():
    with pytest.raises(ValueError, match="sizes must be at least 1; got 0"):
        run(**RULE | {"sizes": (0, 1, 50)})
