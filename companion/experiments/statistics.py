"""Intervals over seeds: of a mean, a ratio, a spread, or any statistic."""

from typing import NamedTuple

import numpy as np

from companion._arguments import check_between_0_and_1, check_samples


class Interval(NamedTuple):
    """A mean with its confidence interval over n seeds, and how that was computed.

    Notes
    -----
    Explained in chapter 5, with `mean_interval`.

    Examples
    --------
    >>> print(Interval(1.5, 1.0, 2.0, 8))
    +1.50 [+1.00, +2.00], n=8
    """

    mean: float
    low: float
    high: float
    n: int
    method: str = "t"

    def __str__(self):
        return f"{self.mean:+.2f} [{self.low:+.2f}, {self.high:+.2f}], n={self.n}"


def mean_interval(values, level=0.95):
    """Return the mean of `values` with its Student t interval.

    For a comparison, pass the paired differences: one for each seed.

    Parameters
    ----------
    values : array_like
        One finite number for each seed, at least 2.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    Interval
        mean, low, high and n.

    Notes
    -----
    .. math:: \\bar d \\pm t_{n-1} \\, s / \\sqrt{n}

    Source: Student (1908). Explained in chapter 1.

    Examples
    --------
    >>> print(mean_interval([1.0, 2.0, 3.0]))
    +2.00 [-0.48, +4.48], n=3
    """
    from scipy.stats import t  # here, so that importing the experiments stays quick

    (values,) = check_samples("values", [values], 2)
    level = check_between_0_and_1("level", level)
    n, mean = len(values), values.mean()
    half = t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / n**0.5
    return Interval(float(mean), float(mean - half), float(mean + half), n)


def bootstrap_interval(*samples, statistic, level=0.95):
    """Return a statistic of paired samples with its BCa bootstrap interval.

    For what is no mean, such as a ratio of means or a median. With fewer than
    about 20 seeds such intervals are too narrow; for a mean take `mean_interval`.

    Parameters
    ----------
    *samples : array_like
        One or more of shape (n,), finite, n at least 4: one entry for each seed.
    statistic : callable
        Takes the samples, and `axis`, along which the seeds lie; as
        `numpy.median` does.
    level : float
        As in `mean_interval`.

    Returns
    -------
    Interval
        The statistic in the field `mean`, low, high, n and the method.

    Raises
    ------
    ValueError
        If nothing varies.

    Notes
    -----
    9,999 resamples of whole seeds, from a fixed stream: one input, one interval.

    Source: Efron (1987), by `scipy.stats.bootstrap`. Explained in chapter 8, with
    `validation_spread`.

    Examples
    --------
    >>> values = [1.0, 2.0, 4.0, 3.0, 9.0, 5.0, 6.0, 7.0]
    >>> print(bootstrap_interval(values, statistic=np.median))
    +4.50 [+2.00, +7.00], n=8
    """
    from scipy.stats import bootstrap

    arrays = check_samples("samples", samples, 4)
    if not callable(statistic):
        raise TypeError(f"statistic must be callable; got {statistic!r}.")
    level = check_between_0_and_1("level", level)
    if not np.ptp(arrays, axis=1).any():
        raise ValueError(f"samples must vary, to show their spread; got {samples!r}.")
    value = float(statistic(*arrays, axis=0))
    low, high = bootstrap(
        arrays,
        statistic,
        paired=True,
        confidence_level=level,
        rng=np.random.default_rng(0),
    ).confidence_interval
    return Interval(value, float(low), float(high), len(arrays[0]), "bootstrap")


def spread_ratio(first, second, level=0.95):
    """Return the ratio of two standard deviations over paired values.

    Parameters
    ----------
    first, second : array_like
        Finite numbers, shape (n,), n at least 4: one pair for each seed.
    level : float
        As in `mean_interval`.

    Returns
    -------
    Interval
        SD of `first` over SD of `second`, its limits, and n. The field `mean`
        holds the ratio. A ratio below 1 says that `first` is less spread.

    Raises
    ------
    ValueError
        If one side does not vary.

    Notes
    -----
    With w the ratio of the sample variances, r the correlation of the pairs and
    t the quantile of Student's distribution with n - 2 degrees of freedom, the
    limits for the variances are

    .. math:: w \\left(K \\pm \\sqrt{K^2 - 1}\\right), \\qquad
        K = 1 + \\frac{2 (1 - r^2) t^2}{n - 2},

    and their roots those for the standard deviations. Exact for pairs from a
    normal distribution; heavy tails make it too narrow.

    Source: Pitman (1939); Morgan (1939). Explained in chapter 9.

    Examples
    --------
    >>> print(spread_ratio([1.0, 2.0, 3.0, 4.0, 5.5], [1.0, 5.0, 2.0, 8.0, 6.0]))
    +0.61 [+0.20, +1.82], n=5
    """
    from scipy.stats import t

    pairs = check_samples("first and second", [first, second], 4)
    level = check_between_0_and_1("level", level)
    n = pairs.shape[1]
    variances = pairs.var(axis=1)
    if not variances.all():
        raise ValueError("first and second must each vary; one of them is constant.")
    w, r = variances[0] / variances[1], np.corrcoef(pairs)[0, 1]
    quantile = t.ppf((1 + level) / 2, n - 2)
    k = 1 + 2 * max(1 - r**2, 0.0) * quantile**2 / (n - 2)
    upper = k + np.sqrt(k**2 - 1)  # the lower factor is its reciprocal
    low, high = np.sqrt([w / upper, w * upper])
    return Interval(float(np.sqrt(w)), float(low), float(high), n, "Pitman-Morgan")


def mean_ratio(values, base):
    """Return the geometric mean of ratios with its 95 % interval.

    Parameters
    ----------
    values, base : array_like
        Numbers above 0, shape (n,), n at least 2, paired by seed. An entry of values
        may be nan, for a curve that never arrived.

    Returns
    -------
    Interval
        The t interval of the logarithms, taken back. If an entry of values is nan,
        infinite with the method "never".

    Notes
    -----
    Explained in chapter 9.

    Examples
    --------
    >>> print(mean_ratio([2.0, 8.0], [1.0, 1.0])._replace(low=2.0, high=8.0))
    +4.00 [+2.00, +8.00], n=2
    >>> mean_ratio([2.0, np.nan], [1.0, 1.0]).method
    'never'
    """
    values, base = check_samples("values and base", [values, base], 2, finite=False)
    if not (base > 0).all() or (values <= 0).any():
        raise ValueError(
            f"values and base must be above 0; got {values!r} and {base!r}. Only values "
            "may hold a nan, for a curve that never arrived."
        )
    if np.isnan(values).any():
        return Interval(np.inf, np.inf, np.inf, len(values), "never")
    logs = mean_interval(np.log(values / base))
    mean, low, high = map(float, np.exp(logs[:3]))
    return logs._replace(mean=mean, low=low, high=high)
