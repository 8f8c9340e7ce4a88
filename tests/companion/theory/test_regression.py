"""The weights and penalties against sums over all masks."""

import numpy as np
import pytest

from companion.theory import (
    all_masks,
    fisher_penalty,
    logistic_penalty,
    mask_probabilities,
    ridge_weights,
)

RATES = [0.0, 0.1, 0.3, 0.5, 0.8, 0.999]


def masked_rows(x, p):
    """The inputs under each mask, shape (2^n, N, n)."""
    return all_masks(x.shape[1])[:, None, :] * x / (1 - p)


@pytest.mark.parametrize("p", RATES)
def test_ridge_weights_minimise_the_loss_over_all_masks(p, rng):
    x, t = rng.normal(size=(9, 4)) * [0.2, 1, 3, 10], rng.normal(size=9)
    root = np.sqrt(mask_probabilities(all_masks(4), p))
    rows = (root[:, None, None] * masked_rows(x, p)).reshape(-1, 4)
    best = np.linalg.lstsq(rows, np.outer(root, t).ravel())[0]
    assert np.allclose(ridge_weights(x, t, p), best, rtol=1e-9, atol=1e-12)


def test_ridge_weights_refuse_weights_that_are_not_unique():
    with pytest.raises(np.linalg.LinAlgError):
        ridge_weights(np.array([[1.0, 0.0], [2.0, 0.0]]), np.ones(2), 0.3)


@pytest.mark.parametrize("p", RATES)
def test_logistic_penalty_is_what_dropout_adds_for_any_labels(p, rng):
    x, w = rng.normal(size=(7, 5)), rng.normal(size=5)
    prob = mask_probabilities(all_masks(5), p)
    for labels in (np.zeros(7), np.ones(7), rng.integers(0, 2, 7)):
        sign = 1 - 2 * labels  # the loss is ln(1 + e^(sign z))
        noisy = prob @ np.logaddexp(0, sign * (masked_rows(x, p) @ w)).sum(axis=1)
        plain = np.logaddexp(0, sign * (x @ w)).sum()
        assert logistic_penalty(x, w, p) == pytest.approx(noisy - plain, abs=1e-9)


@pytest.mark.parametrize("p", [0.1, 0.3, 0.8])
def test_fisher_penalty_misses_by_the_third_moment_at_most(p, rng):
    """Taylor's theorem: the third derivative of ln(1 + e^z) is at most 1 / (6 sqrt 3)."""
    x, w = rng.normal(size=(7, 5)), rng.normal(size=5)
    off = abs(masked_rows(x, p) @ w - x @ w)
    for size in (1.0, 0.1):
        error = abs(fisher_penalty(x, size * w, p) - logistic_penalty(x, size * w, p))
        third = mask_probabilities(all_masks(5), p) @ ((size * off) ** 3).sum(axis=1)
        assert 0 < error <= third / (36 * 3**0.5)


def test_penalties_of_one_feature_by_hand():
    x, w, p = np.array([[1.0], [2.0]]), np.array([1.5]), 0.3
    z = x[:, 0] * w[0]
    by_hand = 0.7 * np.log1p(np.exp(z / 0.7)) + 0.3 * np.log(2) - np.log1p(np.exp(z))
    assert logistic_penalty(x, w, p) == pytest.approx(by_hand.sum(), rel=1e-12)
    curvature = np.exp(z) / (1 + np.exp(z)) ** 2
    quadratic = 0.3 / 0.7 / 2 * curvature * z**2
    assert fisher_penalty(x, w, p) == pytest.approx(quadratic.sum(), rel=1e-12)


def test_penalties_survive_huge_weights():
    x, w = np.array([[1.0], [-1.0]]), np.array([1e4])
    assert logistic_penalty(x, w, 0.3) == pytest.approx(0.6 * np.log(2), abs=1e-8)
    assert fisher_penalty(x, w, 0.3) == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_regression_is_computed_in_float64(dtype, rng):
    x = rng.normal(size=(9, 3)).astype(dtype)
    t, w = rng.normal(size=9).astype(dtype), rng.normal(size=3).astype(dtype)
    weights = ridge_weights(100 * x, t, 0.3)  # in float16 the sum of squares is infinite
    assert weights.dtype == np.float64
    assert np.array_equal(
        weights, ridge_weights((100 * x).astype(float), t.astype(float), 0.3)
    )
    for penalty in (logistic_penalty, fisher_penalty):
        assert penalty(x, w, 0.3) == penalty(x.astype(float), w.astype(float), 0.3)
