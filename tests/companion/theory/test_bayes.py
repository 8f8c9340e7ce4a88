"""Information and posterior by their definitions, over all masks."""

import numpy as np
import pytest

from companion.theory import (
    all_masks,
    kept_information,
    mask_posterior,
    mask_probabilities,
)

RATES = [0.0, 0.1, 0.3, 0.5, 0.8, 0.999]


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


def test_information_is_computed_in_float64():
    joint = np.array([[1, 3], [5, 7]], np.float32) / np.float32(16)  # exact in both
    assert kept_information(joint, 0.3) == kept_information(joint.astype(float), 0.3)
