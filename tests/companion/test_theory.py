"""The closed forms against sums over all masks, exact to rounding."""

import numpy as np
import pytest

from companion.theory import (
    ALPHA_PRIME,
    all_masks,
    alpha_affine,
    block_drop_rate,
    block_start_rate,
    dropped_covariance,
    dropped_mean,
    dropped_variance,
    gradient_moments,
    mask_probabilities,
)

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


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("inverted", [True, False])
def test_covariance_over_values_and_masks(p, inverted, rng):
    """Six equally probable values of four units, each under all sixteen masks."""
    x, masks = rng.normal(1, 2, size=(6, 4)), all_masks(4)
    q = 1 - p
    y = (masks[:, None] * x / (q if inverted else 1)).reshape(-1, 4)
    weights = np.repeat(mask_probabilities(masks, p) / 6, 6)
    off = y - weights @ y
    mean, covariance = x.mean(axis=0), np.cov(x.T, bias=True)
    found = dropped_covariance(mean, covariance, p, inverted=inverted)
    assert np.allclose(found, (weights * off.T) @ off, rtol=0, atol=1e-12 / q**2)


def test_covariance_of_fixed_values_is_the_variance():
    x = np.array([4.0, -2.0, 0.5])
    found = dropped_covariance(x, np.zeros((3, 3)), 0.3)
    assert np.allclose(found, np.diag(dropped_variance(x, 0.3)), rtol=1e-15, atol=0)
    assert not dropped_covariance(x, np.eye(3), 1.0, inverted=False).any()


@pytest.mark.parametrize("p", RATES)
def test_gradient_moments(p, rng):
    x, w, t = rng.normal(size=6), rng.normal(size=6), 0.7
    masks = all_masks(6)
    y = masks * x / (1 - p)
    gradients = (y @ w - t)[:, None] * y
    prob = mask_probabilities(masks, p)
    mean = prob @ gradients
    variance = prob @ (gradients - mean) ** 2
    found = gradient_moments(x, t, w, p)
    scale = (1 - p) ** -4
    assert np.allclose(found[0], mean, rtol=0, atol=1e-12 * scale)
    assert np.allclose(found[1], variance, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize(
    ("side", "size", "p", "dropped"), [(28, 7, 0.1, 0.093942), (8, 5, 0.3, 0.250100)]
)
def test_the_papers_block_rate_drops_too_little(side, size, p, dropped):
    """Equation 1 of the paper: the exact fraction that it drops is below p."""
    gamma = p / size**2 * side**2 / (side - size + 1) ** 2
    assert block_drop_rate(gamma, (side, side), size) == pytest.approx(dropped, abs=5e-7)


@pytest.mark.parametrize("p", [1e-12, 0.1, 0.3, 0.8, 0.999])
@pytest.mark.parametrize("shape", [(7,), (28, 28), (8, 5), (3, 17)])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_block_start_rate_makes_the_stated_rate_true(p, shape, size):
    gamma = block_start_rate(p, shape, size)
    assert block_drop_rate(gamma, shape, size) == pytest.approx(p, rel=1e-12)
    assert 0 < gamma <= p


@pytest.mark.parametrize("p", [0.1, 0.3, 0.8])
def test_blocks_that_cannot_overlap_start_with_p(p):
    for shape, size in (((5, 6), 1), ((5, 5), 5), ((4,), 4)):
        assert block_start_rate(p, shape, size) == p
    assert block_drop_rate(1.0, (5, 6), 2) == 1.0
    assert block_drop_rate(0.0, (5, 6), 2) == 0.0


def test_alpha_prime_is_where_selu_falls():
    torch = pytest.importorskip("torch")
    far = torch.nn.functional.selu(torch.tensor(-1e6, dtype=torch.float64)).item()
    assert far == pytest.approx(ALPHA_PRIME, rel=1e-15)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.3, 0.8, 0.999])
def test_alpha_affine_keeps_mean_and_variance(p):
    """Of the two-point mixture: x = 1 or -1, kept or replaced by alpha'."""
    a, b = alpha_affine(p)
    values = a * np.array([1.0, -1.0, ALPHA_PRIME]) + b
    weights = np.array([(1 - p) / 2, (1 - p) / 2, p])
    assert weights @ values == pytest.approx(0, abs=1e-12)
    assert weights @ values**2 == pytest.approx(1, rel=1e-12)
