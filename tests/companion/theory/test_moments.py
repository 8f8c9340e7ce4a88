"""The closed forms against sums over all masks, exact to rounding."""

import numpy as np
import pytest

from companion.theory import (
    all_masks,
    dropped_covariance,
    dropped_mean,
    dropped_variance,
    gradient_moments,
    mask_probabilities,
)

RATES = [0.0, 0.1, 0.3, 0.5, 0.8, 0.999]


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


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_moments_are_computed_in_float64(dtype, rng):
    """Of numbers that the dtype holds, whose squares it does not."""
    x, w = rng.normal(0, 300, size=(2, 3)).astype(dtype)
    covariance = np.diag(abs(w))
    cases = [
        lambda x, w, c: [dropped_mean(x, 0.3), dropped_variance(x, 0.3)],
        lambda x, w, c: [
            f(x, 0.3, inverted=False) for f in (dropped_mean, dropped_variance)
        ],
        lambda x, w, c: [dropped_covariance(x, c, 0.3)],
        lambda x, w, c: [dropped_covariance(x, c, 0.3, inverted=False)],
        lambda x, w, c: list(gradient_moments(x, dtype(2.5), w, 0.3)),
    ]
    for case in cases:
        for found, right in zip(
            case(x, w, covariance),
            case(x.astype(float), w.astype(float), covariance.astype(float)),
            strict=True,
        ):
            assert found.dtype == np.float64
            assert np.array_equal(found, right)


@pytest.mark.parametrize("moment", [dropped_mean, dropped_variance])
@pytest.mark.parametrize(
    "x", [[1.0], "1", None, True, 1j, np.array([100], np.int8), np.array(["1"])]
)
def test_what_is_no_activation_is_named(moment, x):
    """The square of 100 in eight bits is 16."""
    with pytest.raises(TypeError, match="x must be a "):
        moment(x, 0.3)


def test_moments_of_single_numbers():
    for number in (2, np.float32(2), np.float64(2), np.int8(2)):
        assert dropped_mean(number, 0.2) == 2
        assert dropped_variance(number, 0.2) == 1
