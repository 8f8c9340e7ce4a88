"""Intervals for a mean over seeds."""

from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    """A mean with its confidence interval over n seeds.

    Notes
    -----
    Explained in chapter 5.

    Examples
    --------
    >>> print(Interval(1.5, 1.0, 2.0, 8))
    +1.50 [+1.00, +2.00], n=8
    """

    mean: float
    low: float
    high: float
    n: int

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

    Raises
    ------
    ValueError
        If there are fewer than 2 values, one is not finite, or level is out of
        range.

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

    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"values must be 2 or more finite numbers; got {values!r}.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1); got {level!r}.")
    n, mean = len(values), values.mean()
    half = t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / n**0.5
    return Interval(float(mean), float(mean - half), float(mean + half), n)
