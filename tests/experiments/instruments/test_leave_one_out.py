import itertools

import numpy as np
import pytest
import torch

from companion.experiments.instruments.leave_one_out import (
    leave_one_out,
    unit_correlation,
)


@pytest.fixture
def networks():
    """Two random networks, 5-4-3-2, in float64."""
    rng = np.random.default_rng(0)
    sizes = (5, 4, 3, 2)
    return [
        (
            torch.tensor(rng.normal(size=(2, a, b))),
            torch.tensor(rng.normal(size=(2, 1, b))),
        )
        for a, b in itertools.pairwise(sizes)
    ]


@pytest.fixture
def examples():
    rng = np.random.default_rng(1)
    return rng.normal(size=(20, 5)), rng.integers(0, 2, 20)


def slow_loss(weights, network, x, labels, layer=None, unit=None):
    """The loss of one network by hand, in NumPy, with one unit taken out."""
    h = x
    for i, (weight, bias) in enumerate(weights):
        h = h @ weight[network].numpy() + bias[network].numpy()
        if i < len(weights) - 1:
            h = np.maximum(h, 0)
        if i == layer:
            h[:, unit] = 0
    h = h - np.log(np.exp(h).sum(axis=1, keepdims=True))
    return -h[np.arange(len(labels)), labels].mean()


def test_it_agrees_with_a_loop_by_hand(networks, examples):
    damages = leave_one_out(networks, *examples)
    assert [d.shape for d in damages] == [(2, 4), (2, 3)]
    for layer, damage in enumerate(damages):
        for (network, unit), found in np.ndenumerate(damage):
            expected = slow_loss(networks, network, *examples, layer, unit)
            expected -= slow_loss(networks, network, *examples)
            assert found == pytest.approx(expected, abs=1e-12)


def test_a_unit_that_nobody_reads_is_not_missed(networks, examples):
    networks[1][0][:, 2] = 0.0
    first, second = leave_one_out(networks, *examples)
    assert (first[:, 2] == 0).all()
    assert (first[:, 0] != 0).all()
    assert second.any()


def test_it_leaves_the_networks_alone(networks, examples):
    before = [w.clone() for pair in networks for w in pair]
    leave_one_out(networks, *examples)
    unit_correlation(networks, examples[0])
    after = [w for pair in networks for w in pair]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_correlation_of_copies_is_one_and_of_strangers_small():
    x = np.random.default_rng(0).uniform(1, 2, (5000, 2))
    eye, zero = torch.eye(2, dtype=torch.float64), torch.zeros(1, 1, 2).double()
    same = torch.tensor([[1.0, 2.0], [0.0, 0.0]], dtype=torch.float64)
    weights = torch.stack([eye, same])
    [found] = unit_correlation([(weights, zero.expand(2, 1, 2))] * 2, x)
    assert found[0] < 5 / 5000**0.5
    assert found[1] == pytest.approx(1)


def test_units_that_never_change_are_left_out():
    x = np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.0]])
    eye, zero = torch.eye(2).double()[None], torch.zeros(1, 1, 2).double()
    [found] = unit_correlation([(eye, zero)] * 2, x)
    assert np.isnan(found).all()


@pytest.mark.parametrize(
    "measure", [leave_one_out, lambda w, x, _: unit_correlation(w, x)]
)
def test_without_a_hidden_layer_there_is_nothing_to_leave_out(
    measure, networks, examples
):
    with pytest.raises(ValueError, match="weights must hold at least 2; got 1"):
        measure(networks[:1], *examples)


def test_bad_examples_are_refused(networks, examples):
    x, labels = examples
    with pytest.raises(ValueError, match="same length"):
        leave_one_out(networks, x, labels[:-1])
    with pytest.raises(ValueError, match=r"labels must lie in.*got -1..-1"):
        leave_one_out(networks, x, np.full_like(labels, -1))
    with pytest.raises(ValueError, match="x must hold at least 1; got 0"):
        leave_one_out(networks, x[:0], labels[:0])
    with pytest.raises(ValueError, match="x must hold at least 2; got 1"):
        unit_correlation(networks, x[:1])
