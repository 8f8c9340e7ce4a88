"""Does the spread over seeds shrink? The ratio of two standard deviations."""

import numpy as np

from companion.experiments.intervals import Interval


def spread_ratio(first, second, level=0.95):
    """Return the ratio of two standard deviations over paired values.

    Parameters
    ----------
    first, second : array_like
        Finite numbers, shape (n,), n at least 4: one pair for each seed.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    Interval
        SD of `first` over SD of `second`, its limits, and n. The field `mean`
        holds the ratio. A ratio below 1 says that `first` is less spread.

    Raises
    ------
    ValueError
        If the shapes differ or n is below 4, a value is not finite, one side
        does not vary, or level is out of range.

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
    from scipy.stats import t  # here, so that importing the experiments stays quick

    pairs = np.asarray([first, second], dtype=float)
    if pairs.ndim != 2 or pairs.shape[1] < 4 or not np.isfinite(pairs).all():
        raise ValueError(
            "first and second must each hold the same number of finite values, at "
            f"least 4; got {first!r} and {second!r}."
        )
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1); got {level!r}.")
    n = pairs.shape[1]
    variances = pairs.var(axis=1, ddof=1)
    if not variances.all():
        raise ValueError("first and second must each vary; one of them is constant.")
    w, r = variances[0] / variances[1], np.corrcoef(pairs)[0, 1]
    quantile = t.ppf((1 + level) / 2, n - 2)
    k = 1 + 2 * max(1 - r**2, 0.0) * quantile**2 / (n - 2)
    upper = k + np.sqrt(k**2 - 1)  # the lower factor is its reciprocal
    low, high = np.sqrt([w / upper, w * upper])
    return Interval(float(np.sqrt(w)), float(low), float(high), n, "Pitman-Morgan")
