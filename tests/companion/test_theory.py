"""The closed forms against sums over all masks, exact to rounding."""

import numpy as np
import pytest

from companion.theory import all_masks, dropped_mean, dropped_variance, mask_probabilities

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


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("inverted", [True, False])
def test_moments(p, inverted, rng):
    x = rng.normal(size=8)
    masks = all_masks(8)
    w = mask_probabilities(masks, p)
    y = masks * x / (1 - p if inverted else 1)
    mean = w @ y
    assert np.allclose(dropped_mean(x, p, inverted=inverted), mean, rtol=0, atol=1e-12)
    variance = w @ (y - mean) ** 2
    scale = 1 / (1 - p)
    assert np.allclose(
        dropped_variance(x, p, inverted=inverted), variance, rtol=0, atol=1e-12 * scale**2
    )


def test_classic_dropout_at_p_1_is_zero():
    assert dropped_mean(3.0, 1.0, inverted=False) == 0
    assert dropped_variance(3.0, 1.0, inverted=False) == 0
