"""The ratio of two spreads, against its formula, its symmetry and its coverage."""

import numpy as np
import pytest

from companion.experiments.statistics import spread_ratio


def pairs(n, ratio, correlation, rng):
    """Draw n normal pairs whose standard deviations have the given ratio."""
    a, b = rng.standard_normal((2, n))
    return ratio * (correlation * b + np.sqrt(1 - correlation**2) * a), b


def test_the_ratio_is_that_of_the_sample_standard_deviations():
    a, b = pairs(30, 2.0, 0.3, np.random.default_rng(0))
    found = spread_ratio(a, b)
    assert found.mean == pytest.approx(a.std(ddof=1) / b.std(ddof=1), rel=1e-12)
    assert found.low < found.mean < found.high
    assert found.n == 30


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
    from scipy.stats import t

    a, b = pairs(15, 1.3, 0.4, np.random.default_rng(3))
    found = spread_ratio(a, b)
    for k in (found.low, found.high):
        r = np.corrcoef(a + k * b, a - k * b)[0, 1]
        statistic = abs(r) * np.sqrt(13 / (1 - r**2))
        assert statistic == pytest.approx(t.ppf(0.975, 13), rel=1e-9)


def test_it_covers_the_truth_as_often_as_it_says():
    from companion.verify.properties import count_is_plausible

    rng = np.random.default_rng(4)
    found = [spread_ratio(*pairs(10, 0.5, 0.6, rng), level=0.9) for _ in range(1000)]
    covered = sum(interval.low <= 0.5 <= interval.high for interval in found)
    assert count_is_plausible(covered, 1000, 0.9)


def test_equal_sides_have_a_ratio_of_one_without_doubt():
    values = [1.0, 2.0, 4.0, 8.0]
    assert spread_ratio(values, values)[:3] == pytest.approx((1, 1, 1), abs=1e-6)


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], "at least 4"),
        ([1.0, 2.0, 3.0, np.nan], [1.0, 2.0, 3.0, 4.0], "finite"),
        (np.ones((2, 4)), np.ones((2, 4)), "at least 4"),
        ([1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0], "constant"),
    ],
)
def test_bad_values_are_refused(first, second, word):
    with pytest.raises(ValueError, match=word):
        spread_ratio(first, second)


def test_sides_of_different_length_are_refused():
    with pytest.raises(ValueError, match=r"inhomogeneous|same number"):
        spread_ratio([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0, 5.0])


@pytest.mark.parametrize("level", [0, 1, 95, -0.1])
def test_a_bad_level_is_refused(level):
    with pytest.raises(ValueError, match="level"):
        spread_ratio([1.0, 2.0, 3.0, 5.0], [2.0, 1.0, 4.0, 3.0], level)
