"""The t interval: against scipy, and by its coverage."""

import numpy as np
import pytest
from scipy import stats

from companion.checks import count_is_plausible
from companion.experiments import mean_interval


def test_against_scipy(rng):
    values = rng.normal(3, 2, size=7)
    ours = mean_interval(values, level=0.9)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-12)
    assert ours.mean == pytest.approx(values.mean())
    assert ours.n == 7


def test_coverage(rng):
    """It covers the mean in 95 % of samples; notices a coverage off by 0.02."""
    n = 10_000
    covered = 0
    for sample in rng.normal(1.0, size=(n, 5)):
        interval = mean_interval(sample)
        covered += interval.low <= 1.0 <= interval.high
    assert count_is_plausible(covered, n, 0.95)


def test_no_spread_gives_a_point():
    assert mean_interval(np.full(4, 2.5))[:3] == (2.5, 2.5, 2.5)
