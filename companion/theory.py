"""Closed forms, and exhaustive sums over all 2^n masks that check them."""

import numbers

import numpy as np

from companion._arguments import check_p


def all_masks(n):
    """Return every keep mask over n units.

    Parameters
    ----------
    n : int
        Number of units, 0 to 20: there are 2^n masks.

    Returns
    -------
    numpy.ndarray
        Booleans, shape (2^n, n), True = keep. Row k holds the binary digits of
        k, unit 0 first; the last row keeps everything.

    Raises
    ------
    TypeError, ValueError
        If n is not an int or lies outside [0, 20].

    Notes
    -----
    Source: Srivastava et al. (2014), section 1. Explained in chapters 2 and 4.

    Examples
    --------
    >>> all_masks(2)
    array([[False, False],
           [ True, False],
           [False,  True],
           [ True,  True]])
    """
    if isinstance(n, bool) or not isinstance(n, numbers.Integral):
        raise TypeError(f"n must be an int; got {n!r}.")
    if not 0 <= n <= 20:
        raise ValueError(f"n must lie in [0, 20]; got {n!r}: there are 2^n masks.")
    return (np.arange(2**n)[:, None] >> np.arange(n)) % 2 == 1


def mask_probabilities(masks, p):
    """Return the probability of each mask.

    Parameters
    ----------
    masks : numpy.ndarray
        Booleans, shape (m, n), True = keep.
    p : float
        Probability to **drop**, in [0, 1].

    Returns
    -------
    numpy.ndarray
        float64, shape (m,). Over `all_masks(n)` they sum to 1.

    Raises
    ------
    TypeError
        If masks are not booleans or p not a real number.
    ValueError
        If masks do not have two axes or p lies outside [0, 1].

    Notes
    -----
    .. math:: P(m) = (1 - p)^{k} \\, p^{\\,n - k}, \\quad k = \\textstyle\\sum_i m_i

    Source: Srivastava et al. (2014), section 4. Explained in chapter 4.

    Examples
    --------
    >>> mask_probabilities(all_masks(2), 0.2).round(2)
    array([0.04, 0.16, 0.16, 0.64])
    """
    p = check_p(p)
    if not isinstance(masks, np.ndarray) or masks.dtype != bool:
        raise TypeError(f"masks must be an array of booleans; got {masks!r}.")
    if masks.ndim != 2:
        raise ValueError(f"masks must have shape (m, n); got {masks.shape}.")
    kept = masks.sum(axis=1)
    return (1.0 - p) ** kept * p ** (masks.shape[1] - kept)


def _check_scaling(p, inverted):
    p = check_p(p)
    if inverted and p == 1.0:
        raise ValueError(
            "p must be below 1 for inverted dropout; got 1: nothing is kept."
        )
    return p


def dropped_mean(x, p, *, inverted=True):
    """Return the expectation of a dropped activation over the masks.

    Parameters
    ----------
    x : numpy.ndarray or float
        Activations before dropout.
    p : float
        Probability to **drop**, in [0, 1); classic dropout also allows 1.
    inverted : bool
        True: kept values are divided by 1 - p. False: classic, not scaled.

    Returns
    -------
    numpy.ndarray or float
        Same shape as x.

    Raises
    ------
    TypeError, ValueError
        If p is not a real number or out of range.

    Notes
    -----
    .. math:: E[m x] = (1 - p) x, \\qquad E[m x / (1 - p)] = x

    Source: Srivastava et al. (2014), sections 4 and 10. Explained in chapter 4.

    Examples
    --------
    >>> dropped_mean(10.0, 0.75), dropped_mean(10.0, 0.75, inverted=False)
    (10.0, 2.5)
    """
    p = _check_scaling(p, inverted)
    return x if inverted else (1.0 - p) * x


def dropped_variance(x, p, *, inverted=True):
    """Return the variance of a dropped activation over the masks.

    Parameters
    ----------
    x : numpy.ndarray or float
        Activations before dropout.
    p : float
        Probability to **drop**, in [0, 1); classic dropout also allows 1.
    inverted : bool
        True: kept values are divided by 1 - p. False: classic, not scaled.

    Returns
    -------
    numpy.ndarray or float
        Same shape as x, 0 or more.

    Raises
    ------
    TypeError, ValueError
        If p is not a real number or out of range.

    Notes
    -----
    .. math:: \\mathrm{Var}[m x] = p (1 - p) x^2, \\qquad
        \\mathrm{Var}[m x / (1 - p)] = \\frac{p}{1 - p} x^2

    Source: follows from the variance of a Bernoulli variable; Srivastava et al.
    (2014), section 10, give the moments. Explained in chapter 4.

    Examples
    --------
    >>> dropped_variance(2.0, 0.2), round(dropped_variance(2.0, 0.2, inverted=False), 2)
    (1.0, 0.64)
    """
    p = _check_scaling(p, inverted)
    return (p / (1.0 - p) if inverted else p * (1.0 - p)) * x**2
