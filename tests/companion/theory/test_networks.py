"""The masks, their probabilities and the averages, by their definitions."""

import numpy as np
import pytest

from companion.theory import all_masks, mask_probabilities, network_averages

RATES = [0.0, 0.1, 0.3, 0.5, 0.8, 0.999]


@pytest.mark.parametrize("n", range(11))
def test_every_mask_once(n):
    masks = all_masks(n)
    assert masks.shape == (2**n, n)
    assert len({row.tobytes() for row in masks}) == 2**n
    assert masks[-1].all()
    assert not masks[0].any() or n == 0


@pytest.mark.parametrize("p", [*RATES, 1.0])
def test_probabilities_sum_to_1(p):
    assert mask_probabilities(all_masks(12), p).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("p", [*RATES, 1.0])
def test_network_averages_are_those_of_the_definition(p, rng):
    """A loop over the masks, with powers and products: no logarithm, no softmax trick."""
    logits = rng.normal(size=(32, 5, 3))
    prob = mask_probabilities(all_masks(5), p)
    P = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    arithmetic, product = np.zeros((5, 3)), np.ones((5, 3))
    for chance, member in zip(prob, P, strict=True):
        arithmetic += chance * member
        product *= member**chance
    found = network_averages(logits, p)
    assert np.allclose(found[0], arithmetic, rtol=0, atol=1e-14)
    geometric = product / product.sum(axis=-1, keepdims=True)
    assert np.allclose(found[1], geometric, rtol=0, atol=1e-14)
    if 0 < p < 1:
        assert abs(found[0] - found[1]).max() > 1e-8


def test_network_averages_of_huge_logits_are_finite():
    logits = np.array([[1e4, 0.0], [0.0, 1e4]])
    for mean in network_averages(logits, 0.5):
        assert np.allclose(mean, 0.5, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_averages_are_computed_in_float64(dtype, rng):
    logits = rng.normal(size=(8, 3)).astype(dtype)
    found = network_averages(logits, 0.3)
    right = network_averages(logits.astype(float), 0.3)
    assert np.array_equal(found, right)
