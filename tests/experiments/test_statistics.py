"""The t interval: against scipy, and by its coverage."""

import numpy as np
import pytest
from scipy import stats

from companion.experiments import bootstrap_interval, mean_interval
from companion.verify.properties import count_is_plausible


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


def test_the_bootstrap_finds_the_ratio_of_two_means(rng):
    """Paired samples whose ratio is 2; the interval of 200 pairs is narrow and holds it."""
    b = rng.uniform(1.0, 2.0, 200)
    a = 2 * b + rng.normal(0, 0.1, 200)

    def ratio(a, b, axis):
        return a.mean(axis=axis) / b.mean(axis=axis)

    found = bootstrap_interval(a, b, statistic=ratio)
    assert found.method == "bootstrap"
    assert found.n == 200
    assert found.low < found.mean < found.high < found.low + 0.05
    assert found.mean == pytest.approx(a.mean() / b.mean())
    assert abs(found.mean - 2) < 7 * 0.1 / 1.5 / 200**0.5
    assert bootstrap_interval(a, b, statistic=ratio) == found
    narrow = bootstrap_interval(a, b, statistic=ratio, level=0.5)
    assert found.low < narrow.low < narrow.high < found.high


def test_the_bootstrap_of_a_mean_is_near_student(rng):
    values = rng.normal(0, 1, 400)
    ours, theirs = bootstrap_interval(values, statistic=np.mean), mean_interval(values)
    assert ours.low == pytest.approx(theirs.low, abs=0.02)
    assert ours.high == pytest.approx(theirs.high, abs=0.02)


@pytest.mark.parametrize(
    ("samples", "level", "message"),
    [
        (([1.0, 2.0, 3.0],), 0.95, "at least 4"),
        (([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0]), 0.95, "same number"),
        (([1.0, 2.0, 3.0, np.nan],), 0.95, "finite"),
        ((np.ones((4, 4)),), 0.95, "samples must be"),
        (([1.0, 2.0, 3.0, 4.0],), 1.0, "level must lie in"),
        (([2.0, 2.0, 2.0, 2.0],), 0.95, "samples must vary"),
    ],
)
def test_what_cannot_be_resampled_is_refused(samples, level, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(*samples, statistic=np.mean, level=level)
