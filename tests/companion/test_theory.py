"""The closed forms against sums over all masks, exact to rounding."""

import numpy as np
import pytest

from companion._arithmetic import ALPHA_PRIME
from companion.theory import (
    all_masks,
    alpha_affine,
    block_drop_rate,
    block_start_rate,
    dropped_covariance,
    dropped_mean,
    dropped_variance,
    fisher_penalty,
    gradient_moments,
    kept_information,
    logistic_penalty,
    mask_posterior,
    mask_probabilities,
    network_averages,
    ridge_weights,
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


@pytest.mark.parametrize("p", [*RATES, 1.0])
def test_kept_information_is_that_of_the_joint_distribution(p, rng):
    """By the definition of mutual information, from the table of values and outputs."""
    joint = rng.dirichlet(np.ones(12)).reshape(2, 3, 2)
    masks = all_masks(3)
    table = {}  # output, values -> probability; a dropped unit shows None
    for mask, weight in zip(masks, mask_probabilities(masks, p), strict=True):
        for x in np.ndindex(joint.shape):
            y = tuple(v if keep else None for v, keep in zip(x, mask, strict=True))
            table[y, x] = table.get((y, x), 0.0) + weight * joint[x]
    of_y = {}
    for (y, _), f in table.items():
        of_y[y] = of_y.get(y, 0.0) + f
    exact = sum(f * np.log(f / of_y[y] / joint[x]) for (y, x), f in table.items() if f)
    assert kept_information(joint, p) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("p", RATES)
def test_kept_information_of_independent_units_and_of_copies(p, rng):
    one = rng.dirichlet(np.ones(4))
    entropy = -one @ np.log(one)
    independent = np.multiply.outer(np.multiply.outer(one, one), one)
    assert kept_information(independent, p) == pytest.approx((1 - p) * 3 * entropy)
    copies = np.zeros((4, 4, 4))
    copies[np.arange(4), np.arange(4), np.arange(4)] = one
    assert kept_information(copies, p) == pytest.approx((1 - p**3) * entropy)


def test_a_certain_value_tells_nothing():
    assert kept_information(np.array([[0.0, 1.0]]), 0.3) == 0


@pytest.mark.parametrize("p", [*RATES, 1.0])
@pytest.mark.parametrize("shift", [0.0, -5000.0, 5000.0])
def test_mask_posterior_is_bayes_rule(p, shift, rng):
    logs = rng.normal(size=16)
    prior = mask_probabilities(all_masks(4), p)
    product = prior * np.exp(logs)
    posterior, log_evidence = mask_posterior(logs + shift, p)
    assert np.allclose(posterior, product / product.sum(), rtol=0, atol=1e-11)
    assert log_evidence == pytest.approx(np.log(product.sum()) + shift, abs=1e-11)


def test_an_impossible_mask_stays_impossible():
    posterior, log_evidence = mask_posterior(np.array([2000.0, 0.0]), 0.0)
    assert posterior.tolist() == [0.0, 1.0]
    assert log_evidence == 0


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
