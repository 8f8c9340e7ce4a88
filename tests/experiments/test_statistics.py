"""Intervals of means, ratios and spreads: against scipy, by their coverage and by hand."""

import numpy as np
import pytest
from scipy import stats

from companion.experiments import Interval, bootstrap_interval, mean_interval
from companion.experiments.statistics import mean_ratio, spread_ratio
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
        (([1.0, 2.0, 3.0],), 0.95, "4 or more"),
        (([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0]), 0.95, "same number"),
        (([1.0, 2.0, 3.0, np.nan],), 0.95, "finite"),
        ((np.ones((4, 4)),), 0.95, "samples must be"),
        (([1.0, 2.0, 3.0, 4.0],), 1.0, "level must lie in"),
        (([2.0, 2.0, 2.0, 2.0],), 0.95, "samples must vary"),
        (([2.0, 2.0, 2.0, 2.0], [3.0, 3.0, 3.0, 3.0]), 0.95, "samples must vary"),
    ],
)
def test_what_cannot_be_resampled_is_refused(samples, level, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(*samples, statistic=np.mean, level=level)


def pairs(n, ratio, correlation, rng):
    """Draw n normal pairs whose standard deviations have the given ratio."""
    a, b = rng.standard_normal((2, n))
    return ratio * (correlation * b + np.sqrt(1 - correlation**2) * a), b


def test_the_ratio_is_that_of_the_sample_standard_deviations():
    a, b = pairs(30, 2.0, 0.3, np.random.default_rng(0))
    found = spread_ratio(a, b)
    assert found.mean == pytest.approx(a.std(ddof=1) / b.std(ddof=1), rel=1e-12)
    assert found.low < found.mean < found.high
    assert (found.n, found.method) == (30, "Pitman-Morgan")


def test_shift_and_scale_do_what_they_must():
    a, b = pairs(20, 1.0, 0.5, np.random.default_rng(1))
    one, other = spread_ratio(a, b), spread_ratio(3 * a + 7, -b + 2)
    np.testing.assert_allclose(other[:3], 3 * np.array(one[:3]), rtol=1e-12)


def test_exchanging_the_sides_inverts_the_interval():
    a, b = pairs(20, 1.5, 0.5, np.random.default_rng(2))
    one, other = spread_ratio(a, b), spread_ratio(b, a)
    np.testing.assert_allclose([1 / one.high, 1 / one.low], other[1:3], rtol=1e-12)


def test_the_interval_is_the_set_of_ratios_that_the_test_accepts():
    # Pitman and Morgan: Var a = k² Var b  <=>  a + k b and a - k b do not correlate.
    a, b = pairs(15, 1.3, 0.4, np.random.default_rng(3))
    found = spread_ratio(a, b)
    for k in (found.low, found.high):
        r = np.corrcoef(a + k * b, a - k * b)[0, 1]
        statistic = abs(r) * np.sqrt(13 / (1 - r**2))
        assert statistic == pytest.approx(stats.t.ppf(0.975, 13), rel=1e-9)


def test_it_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(4)
    found = [spread_ratio(*pairs(10, 0.5, 0.6, rng), level=0.9) for _ in range(1000)]
    covered = sum(interval.low <= 0.5 <= interval.high for interval in found)
    assert count_is_plausible(covered, 1000, 0.9)


def test_equal_sides_have_a_ratio_of_one_without_doubt():
    values = [1.0, 2.0, 4.0, 8.0]
    found = spread_ratio(values, values)
    assert found[:3] == pytest.approx((1, 1, 1), abs=1e-6)
    assert (found.n, found.method) == (4, "Pitman-Morgan")


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], "4 or more"),
        ([1.0, 2.0, 3.0, np.nan], [1.0, 2.0, 3.0, 4.0], "finite"),
        (np.ones((2, 4)), np.ones((2, 4)), "4 or more"),
        ([1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0], "constant"),
    ],
)
def test_bad_values_are_refused(first, second, word):
    with pytest.raises(ValueError, match=word):
        spread_ratio(first, second)


def test_sides_of_different_length_are_refused():
    with pytest.raises(ValueError, match="same number"):
        spread_ratio([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0, 5.0])


@pytest.mark.parametrize("level", [0, 1, 95, -0.1])
def test_a_bad_level_is_refused(level):
    with pytest.raises(ValueError, match="level"):
        spread_ratio([1.0, 2.0, 3.0, 5.0], [2.0, 1.0, 4.0, 3.0], level)


def test_a_mean_ratio_is_geometric_and_its_interval_that_of_the_logarithms():
    found = mean_ratio([2.0, 0.4, 9.0], [1.0, 0.1, 3.0])
    logs = mean_interval(np.log([2.0, 4.0, 3.0]))
    np.testing.assert_allclose(found[:3], np.exp(logs[:3]))
    assert (found.n, found.method) == (3, "t")


def test_one_curve_that_never_arrives_makes_the_ratio_infinite():
    found = mean_ratio([2.0, np.nan], [1.0, 1.0])
    assert found == Interval(np.inf, np.inf, np.inf, 2, "never")


@pytest.mark.parametrize(
    ("values", "base", "message"),
    [
        ([2.0, 3.0], [1.0, np.nan], "base must be above 0"),
        ([np.nan, 3.0], [np.nan, 1.0], "base must be above 0"),
        ([2.0, -3.0], [1.0, 1.0], "values and base must be above 0"),
        ([2.0, 0.0], [1.0, 1.0], "values and base must be above 0"),
        ([2.0, 3.0], [1.0, 0.0], "base must be above 0"),
        ([np.nan], [1.0], "values and base must be 2 or more"),
        ([2.0, 3.0], [1.0], "the same number in each"),
    ],
)
def test_what_has_no_ratio_is_refused(values, base, message):
    with pytest.raises(ValueError, match=message):
        mean_ratio(values, base)
