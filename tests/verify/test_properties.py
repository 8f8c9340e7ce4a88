"""The checks pass correct dropouts and notice each classic bug, with fresh seeds."""

import numpy as np
import pytest
from scipy.stats import binom

from companion.numpy import dropout
from companion.verify.properties import (
    FALSE_ALARM,
    count_is_plausible,
    dropout_violations,
    gradient_error,
)


def textbook(x, p, rng, *, training=True):
    """A correct dropout that shares no line with the companion's."""
    if not training or p == 0:
        return x
    keep = rng.random(x.shape) >= p
    return np.where(keep, x / (1 - p) if p < 1 else 0.0, 0.0)


def wrong(change):
    """Make a faulty dropout: `change(x, keep, p)` replaces the last line."""

    def faulty(x, p, rng, *, training=True):
        if not training or p in (0, 1):
            return x if p < 1 else np.zeros_like(x)
        return change(x, rng.random(x.shape) >= p, p)

    return faulty


def same_mask_every_call(x, p, rng, *, training=True):
    return textbook(x, p, np.random.default_rng(0), training=training)


def never_active(x, p, rng, *, training=True):
    return textbook(x, p, rng, training=False) if p < 1 else np.zeros_like(x)


def always_active(x, p, rng, *, training=True):
    return textbook(x, p, rng)


def changes_its_input(x, p, rng, *, training=True):
    x *= 1.0 if not training else textbook(np.ones_like(x), p, rng)
    return x


def mask_shared_by_the_batch(x, p, rng, *, training=True):
    if not training:
        return x
    return textbook(np.ones((1, x.shape[1])), p, rng) * x


def mask_shared_by_the_units(x, p, rng, *, training=True):
    if not training:
        return x
    return textbook(np.ones((x.shape[0], 1)), p, rng) * x


def rate_off_by_two_points(x, p, rng, *, training=True):
    if not training or p in (0, 1):
        return textbook(x, p, rng, training=training)
    return np.where(rng.random(x.shape) >= p + 0.02, x / (1 - p), 0.0)


def raises_at_1(x, p, rng, *, training=True):
    keep = rng.random(x.shape) >= p
    return np.where(keep, x / np.float64(1.0 / (1.0 / (1 - p))), 0.0) if training else x


FAULTS = {
    "kept values are not": [
        wrong(lambda x, keep, p: np.where(keep, x, 0)),
        wrong(lambda x, keep, p: np.where(keep, x / p, 0)),
        wrong(lambda x, keep, p: np.where(keep, 0.98 * x / (1 - p), 0)),
        wrong(
            lambda x, keep, p: np.where(keep, x, 0) * x.sum() / np.where(keep, x, 0).sum()
        ),
    ],
    "of the elements were dropped": [
        wrong(lambda x, keep, p: np.where(~keep, x / (1 - p), 0)),
        rate_off_by_two_points,
    ],
    "nothing was dropped": [never_active],
    "evaluation must return x unchanged": [always_active],
    "two calls": [same_mask_every_call],
    "examples of one batch": [mask_shared_by_the_batch],
    "units of one example": [
        mask_shared_by_the_units,
        wrong(
            lambda x, keep, p: np.where(
                np.repeat(keep[:, ::2], 2, axis=1), x / (1 - p), 0
            )
        ),
    ],
    "the input was changed": [changes_its_input],
    "select instead|so select": [wrong(lambda x, keep, p: x * keep / (1 - p))],
    "it raised ZeroDivisionError": [raises_at_1],
    "array of the shape": [wrong(lambda x, keep, p: x[keep] / (1 - p))],
}
CASES = [(message, fault) for message, faults in FAULTS.items() for fault in faults]


@pytest.mark.parametrize("correct", [dropout, textbook])
def test_a_correct_dropout_passes(correct, rng):
    assert dropout_violations(correct, rng) == []


@pytest.mark.parametrize(("message", "fault"), CASES)
def test_a_faulty_dropout_is_noticed(message, fault, rng):
    found = dropout_violations(fault, rng)
    assert any(part in sentence for sentence in found for part in message.split("|")), (
        found
    )


def test_the_faults_that_p_one_half_hides(rng):
    """1/p instead of 1/(1-p) is right at one half: why the checks never use it alone."""
    swapped = wrong(lambda x, keep, p: np.where(keep, x / p, 0))
    y = swapped(np.ones(1000), 0.5, rng)
    assert set(y) == {0.0, 2.0}
    assert len(dropout_violations(swapped, rng)) == 3


@pytest.mark.parametrize("n", [1, 10, 1000])
@pytest.mark.parametrize("q", [0.0, 0.1, 0.5, 1.0])
def test_false_alarm_is_as_stated(n, q):
    counts = np.arange(n + 1)
    refused = [k for k in counts if not count_is_plausible(int(k), n, q)]
    assert binom.pmf(refused, n, q).sum() <= FALSE_ALARM


def test_the_stated_power():
    """A million trials at q = 0.7 notice a rate that is off by 0.005."""
    n, q, off = 1_000_000, 0.7, 0.005
    low = min(k for k in range(690_000, 700_001) if count_is_plausible(k, n, q))
    assert binom.cdf(low - 1, n, q - off) > 0.999


def test_gradient_error_notices_a_missing_scale(rng):
    x, dy = rng.normal(size=(2, 10, 6))  # one small mask may drop everything
    mask = rng.random(x.shape) >= 0.3

    def forward(x):
        return np.where(mask, x / 0.7, 0)

    assert gradient_error(forward, lambda dy: np.where(mask, dy / 0.7, 0), x, dy) < 1e-7
    assert gradient_error(forward, lambda dy: np.where(mask, dy, 0), x, dy) > 1e-3
