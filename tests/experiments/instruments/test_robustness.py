"""Damage to trained networks: exact where it can be, refused where it makes no sense."""

import numpy as np
import pytest

from companion.data import Split
from companion.experiments import train_networks
from companion.experiments.instruments.robustness import (
    damaged_accuracy,
)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    x = (np.eye(3)[y] * 4 + rng.standard_normal((300, 3))).astype(np.float32)
    return Split(x[:200], y[:200], x[200:], y[200:])


@pytest.fixture(scope="module")
def trained(data):
    return train_networks(
        data,
        rates=(0.0, 0.3),
        seeds=(0, 1, 2),
        train_size=100,
        hidden=(16, 8),
        epochs=10,
        batch_size=20,
        lr=1e-2,
        progress=False,
    )


def damage(trained, data, seed=0, **kinds):
    rng = np.random.default_rng(seed)
    return damaged_accuracy(trained, data.x_test, data.y_test, rng, **kinds)


def test_no_damage_gives_the_test_accuracy(trained, data):
    np.testing.assert_array_equal(damage(trained, data), trained.test_accuracy[:, :, -1])


@pytest.mark.parametrize("kind", [{"drop": 0.8}, {"noise": 4.0}])
def test_damage_costs_accuracy(trained, data, kind):
    assert damage(trained, data, **kind).mean() < damage(trained, data).mean() - 0.1


def test_with_every_unit_dropped_only_the_bias_answers(trained, data):
    bias = trained.weights[-1][1].numpy().argmax(axis=2)[:, 0]
    expected = [(data.y_test == answer).mean() for answer in bias]
    np.testing.assert_allclose(damage(trained, data, drop=1.0).ravel(), expected)


def test_all_networks_meet_the_same_damage(trained, data):
    twins = trained._replace(
        weights=[
            (w[:1].repeat(6, 1, 1), b[:1].repeat(6, 1, 1)) for w, b in trained.weights
        ]
    )
    accuracy = damage(twins, data, drop=0.5, noise=1.0)
    assert np.unique(accuracy).size == 1


def test_one_seed_gives_one_answer_and_the_input_is_left_alone(trained, data):
    before = data.x_test.copy()
    first, again = (damage(trained, data, drop=0.5, noise=1.0) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(data.x_test, before)
    assert (damage(trained, data, seed=1, drop=0.5, noise=1.0) != first).any()


@pytest.mark.parametrize("drop", [-0.1, 1.5, float("nan")])
def test_impossible_drop_rates_are_refused(trained, data, drop):
    with pytest.raises(ValueError, match="drop must lie in"):
        damage(trained, data, drop=drop)


@pytest.mark.parametrize("noise", [-1.0, float("nan"), float("inf")])
def test_impossible_noise_is_refused(trained, data, noise):
    with pytest.raises(ValueError, match=r"noise must lie in \[0, inf\)"):
        damage(trained, data, noise=noise)


def test_a_seed_in_place_of_a_generator_is_refused(trained, data):
    with pytest.raises(TypeError, match="rng must be"):
        damaged_accuracy(trained, data.x_test, data.y_test, 0)


def test_different_lengths_are_refused(trained, data):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="same length"):
        damaged_accuracy(trained, data.x_test, data.y_test[:-1], rng)
