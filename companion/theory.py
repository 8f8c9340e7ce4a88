"""Closed forms, and exhaustive sums over all 2^n masks that check them."""

import functools
import numbers

import numpy as np

from companion._arguments import check_count, check_p, check_shape

# The value towards which SELU falls: minus its scale times its alpha.
ALPHA_PRIME = -1.0507009873554805 * 1.6732632423543772


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


def _check_array(name, value, shape):
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        raise TypeError(f"{name} must be a NumPy array of floats; got {value!r}.")
    if value.shape != shape:
        raise ValueError(f"{name} must have shape {shape}; got {value.shape}.")


def dropped_covariance(mean, covariance, p, *, inverted=True):
    """Return the covariance of dropped activations that are random themselves.

    Parameters
    ----------
    mean : numpy.ndarray
        Mean of the activations before dropout, floats, shape (n,).
    covariance : numpy.ndarray
        Their covariance, floats, shape (n, n); zeros if they are fixed.
    p : float
        Probability to **drop**, in [0, 1); classic dropout also allows 1.
    inverted : bool
        True: kept values are divided by 1 - p. False: classic, not scaled.

    Returns
    -------
    numpy.ndarray
        float64, shape (n, n): over the activations and over the masks.

    Raises
    ------
    TypeError
        If mean or covariance are not arrays of floats or p not a real number.
    ValueError
        If the shapes do not fit or p is out of range.

    Notes
    -----
    For x with mean :math:`\\mu` and covariance :math:`\\Sigma`, inverted dropout
    adds to the diagonal; classic dropout is 1 - p times the inverted one:

    .. math:: \\mathrm{Cov}[y] = \\Sigma + \\frac{p}{1 - p}
        \\mathrm{diag}(\\mu_i^2 + \\Sigma_{ii}), \\qquad
        \\mathrm{Cov}[a] = (1 - p)^2 \\, \\mathrm{Cov}[y]

    Source: derived in chapter 4; Srivastava et al. (2014), section 10, give the
    moments of one unit. Explained in chapter 4, "Mean, variance, covariance".

    Examples
    --------
    >>> dropped_covariance(np.array([4.0, 2.0]), np.zeros((2, 2)), 0.2)
    array([[4., 0.],
           [0., 1.]])
    """
    p = _check_scaling(p, inverted)
    _check_array("mean", mean, np.shape(mean)[:1] or (1,))
    _check_array("covariance", covariance, 2 * mean.shape)
    square = mean**2 + np.diag(covariance)
    if inverted:
        return covariance + p / (1.0 - p) * np.diag(square)
    return (1.0 - p) ** 2 * covariance + p * (1.0 - p) * np.diag(square)


def gradient_moments(x, t, w, p):
    """Return mean and variance, over the masks, of the gradient of a squared loss.

    Parameters
    ----------
    x : numpy.ndarray
        Inputs of one example before inverted dropout, floats, shape (n,).
    t : float
        Its target.
    w : numpy.ndarray
        Weights of the linear unit above the mask, floats, shape (n,).
    p : float
        Probability to **drop**, in [0, 1).

    Returns
    -------
    mean, variance : numpy.ndarray
        float64, shape (n,): one of each for each weight.

    Raises
    ------
    TypeError
        If x or w are not arrays of floats, or t or p not real numbers.
    ValueError
        If the shapes do not fit or p is out of range.

    Notes
    -----
    For :math:`L = \\frac12 (w \\cdot y - t)^2` let :math:`e = w \\cdot x - t` be the
    error without dropout and :math:`a_i = w_i x_i`. Then

    .. math:: \\mathrm{E}[g_i] = x_i \\left(e + \\tfrac{p}{1 - p} a_i\\right), \\quad
        \\mathrm{Var}[g_i] = \\tfrac{p}{1 - p} x_i^2 \\Bigl[
        \\bigl(e + \\tfrac{p}{1 - p} a_i\\bigr)^2
        + \\tfrac{1}{1 - p} \\sum_{j \\ne i} a_j^2 \\Bigr]

    Source: derived in chapter 4. Explained in chapter 4, "Gradients".

    Examples
    --------
    >>> mean, variance = gradient_moments(np.ones(2), 2.0, np.array([3.0, 1.0]), 0.2)
    >>> mean.round(4), variance.round(4)
    (array([2.75, 2.25]), array([2.2031, 4.0781]))
    """
    p = _check_scaling(p, True)
    if isinstance(t, bool) or not isinstance(t, numbers.Real):
        raise TypeError(f"t must be a real number; got {t!r}.")
    _check_array("x", x, np.shape(x)[:1] or (1,))
    _check_array("w", w, x.shape)
    odds, a = p / (1.0 - p), w * x
    kept = a.sum() - t + odds * a  # the mean error while the unit is kept
    others = (a**2).sum() - a**2
    return x * kept, odds * x**2 * (kept**2 + others / (1.0 - p))


def _blocks_over(map_shape, block_size):
    """Return for each element of a map how many blocks cover it, as float64."""
    check_count("block_size", block_size)
    shape = check_shape(map_shape, "map_shape")
    if not shape or block_size > min(shape):
        raise ValueError(
            f"block_size must not exceed the smallest side of the map; got {block_size} "
            f"for a map of shape {shape}. Choose a smaller block."
        )
    counts = np.ones(())
    for n in shape:
        i = np.arange(n)
        along = np.minimum(i, n - block_size) - np.maximum(i - block_size + 1, 0) + 1
        counts = counts[..., None] * along
    return counts


def block_drop_rate(gamma, map_shape, block_size):
    """Return the expected fraction of a map that DropBlock drops.

    Parameters
    ----------
    gamma : float
        Probability that a block starts at a place where it fits, in [0, 1].
    map_shape : tuple of int
        (L,) or (H, W).
    block_size : int
        Side of a block, 1 up to the smallest side of the map.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    TypeError, ValueError
        If gamma is no probability or the block does not fit.

    Notes
    -----
    An element is kept if none of the :math:`c` blocks that cover it starts:

    .. math:: 1 - \\frac{1}{HW} \\sum_{ij} (1 - \\gamma)^{c_{ij}}

    Source: follows from Ghiasi, Lin and Le (2018), algorithm 1. Explained in
    chapter 6.

    Examples
    --------
    The paper's gamma for p = 0.1 on a map of 28 by 28 with blocks of 7 drops less:

    >>> gamma = 0.1 / 7**2 * 28**2 / (28 - 7 + 1) ** 2
    >>> round(block_drop_rate(gamma, (28, 28), 7), 6)
    0.093942
    """
    gamma = check_p(gamma, "gamma")
    covers = _blocks_over(map_shape, block_size)
    if gamma == 1.0:
        return 1.0
    return float(-np.expm1(covers * np.log1p(-gamma)).mean())


@functools.lru_cache
def _solve_start_rate(p, map_shape, block_size):
    low, high = 0.0, p  # blocks only add: gamma is at most p
    while low < (middle := (low + high) / 2) < high:
        if block_drop_rate(middle, map_shape, block_size) < p:
            low = middle
        else:
            high = middle
    return high


def block_start_rate(p, map_shape, block_size):
    """Return the gamma with which DropBlock drops the fraction p: the exact inverse.

    Parameters
    ----------
    p : float
        Expected fraction of the map that is **dropped**, in [0, 1].
    map_shape : tuple of int
        (L,) or (H, W).
    block_size : int
        Side of a block, 1 up to the smallest side of the map.

    Returns
    -------
    float
        In [0, 1]; p itself where no two blocks overlap in a way that matters:
        block_size = 1, or a block as large as the map.

    Raises
    ------
    TypeError, ValueError
        If p is no probability or the block does not fit.

    Notes
    -----
    Bisection of `block_drop_rate`, which grows with gamma, down to neighbouring
    floats. Source: derived here; Ghiasi, Lin and Le (2018), equation 1, give an
    approximation. Explained in chapter 6.

    Examples
    --------
    >>> gamma = block_start_rate(0.1, (28, 28), 7)
    >>> round(block_drop_rate(gamma, (28, 28), 7), 12)
    0.1
    """
    p = check_p(p)
    covers = _blocks_over(map_shape, block_size)
    if p in (0.0, 1.0) or covers.max() == 1:
        return p
    return _solve_start_rate(p, tuple(map_shape), block_size)


def alpha_affine(p):
    """Return the two constants with which alpha dropout keeps mean 0 and variance 1.

    Parameters
    ----------
    p : float
        Probability to **drop**, in [0, 1).

    Returns
    -------
    a, b : float
        Alpha dropout returns a (m x + (1 - m) alpha') + b.

    Raises
    ------
    TypeError, ValueError
        If p is not a real number or lies outside [0, 1).

    Notes
    -----
    For x of mean 0 and variance 1 the mixture m x + (1 - m) alpha' has the mean
    p alpha' and the variance (1 - p)(1 + p alpha'^2). So

    .. math:: a = \\left((1 - p)(1 + p \\alpha'^2)\\right)^{-1/2}, \\quad
        b = -a p \\alpha'

    Source: Klambauer et al. (2017), section 3. Explained in chapter 6.

    Examples
    --------
    >>> a, b = alpha_affine(0.2)
    >>> round(a, 6), round(b, 6)
    (0.878904, 0.30904)
    """
    p = check_p(p)
    if p == 1.0:
        raise ValueError("p must be below 1; got 1: nothing is left of x.")
    a = ((1.0 - p) * (1.0 + p * ALPHA_PRIME**2)) ** -0.5
    return a, -a * p * ALPHA_PRIME
