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


def _check_array(name, value, shape=None):
    """Raise unless value is an array of floats, of this shape if one is given."""
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        raise TypeError(f"{name} must be a NumPy array of floats; got {value!r}.")
    if shape is not None and value.shape != shape:
        raise ValueError(f"{name} must have shape {shape}; got {value.shape}.")


def _check_rows(x, other):
    """Raise unless x has two axes and `other` = (name, value, axis) fits that axis."""
    _check_array("x", x)
    if x.ndim != 2:
        raise ValueError(f"x must have shape (N, n); got {x.shape}.")
    name, value, axis = other
    _check_array(name, value, (x.shape[axis],))


def network_averages(logits, p):
    """Return the arithmetic and the normalised geometric mean of all thinned networks.

    Parameters
    ----------
    logits : numpy.ndarray
        Floats, shape (2^n, ..., classes): row k holds the logits of the network
        with mask k of `all_masks(n)`, for one input or a batch of them.
    p : float
        Probability to **drop**, in [0, 1].

    Returns
    -------
    arithmetic, geometric : numpy.ndarray
        float64, shape (..., classes); over the classes each sums to 1.

    Raises
    ------
    TypeError
        If logits are not an array of floats or p not a real number.
    ValueError
        If the number of networks is not a power of 2 or p lies outside [0, 1].

    Notes
    -----
    With :math:`P_m = \\mathrm{softmax}(z_m)`,

    .. math:: A(c) = \\sum_m P(m) P_m(c), \\qquad
        G(c) = \\frac{\\prod_m P_m(c)^{P(m)}}{\\sum_{c'} \\prod_m P_m(c')^{P(m)}}

    Source: Hinton et al. (2012); Goodfellow et al. (2016), section 7.12.
    Explained in chapter 4, "Two to the n networks in one".

    Examples
    --------
    >>> masks = all_masks(2)
    >>> logits = np.stack([masks @ [2.5, -1.25], np.zeros(4)], axis=1)
    >>> arithmetic, geometric = network_averages(logits, 0.2)
    >>> arithmetic.round(4), geometric.round(4)
    (array([0.701, 0.299]), array([0.7311, 0.2689]))
    """
    _check_array("logits", logits)
    n = max(len(logits).bit_length() - 1, 0) if logits.ndim > 1 else 0
    if logits.ndim < 2 or len(logits) != 2**n:
        raise ValueError(
            "logits must have shape (2^n, ..., classes), one row for each mask of "
            f"all_masks(n); got {logits.shape}."
        )
    prob = mask_probabilities(all_masks(n), p)
    log_p = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    log_g = np.tensordot(prob, log_p, axes=1)
    geometric = np.exp(log_g - np.logaddexp.reduce(log_g, axis=-1, keepdims=True))
    return np.tensordot(prob, np.exp(log_p), axes=1), geometric


def ridge_weights(x, t, p):
    """Return the weights of linear regression that minimise the mean loss over all masks.

    Parameters
    ----------
    x : numpy.ndarray
        Inputs, floats, shape (N, n); inverted dropout acts on them.
    t : numpy.ndarray
        Targets, floats, shape (N,).
    p : float
        Probability to **drop**, in [0, 1).

    Returns
    -------
    numpy.ndarray
        float64, shape (n,).

    Raises
    ------
    TypeError, ValueError
        If x or t are not arrays of floats, their shapes do not fit, or p is out
        of range.
    numpy.linalg.LinAlgError
        If the weights are not unique: a feature is zero in all rows, or p = 0
        and the features depend on one another.

    Notes
    -----
    Each feature has its own penalty, its sum of squares times p / (1 - p):

    .. math:: \\Bigl(X^\\top X + \\frac{p}{1 - p} D\\Bigr) w = X^\\top t, \\quad
        D = \\mathrm{diag}(X^\\top X)

    Source: Srivastava et al. (2014), section 9.1. Explained in chapter 4,
    "Dropout is adaptive L2".

    Examples
    --------
    >>> ridge_weights(np.array([[1.0, 0.0], [0.0, 3.0]]), np.array([4.0, 6.0]), 0.2)
    array([3.2, 1.6])
    """
    p = _check_scaling(p, True)
    _check_rows(x, ("t", t, 0))
    gram = x.T @ x
    return np.linalg.solve(gram + p / (1.0 - p) * np.diag(np.diag(gram)), x.T @ t)


def logistic_penalty(x, w, p):
    """Return what dropout adds to the loss of logistic regression, summed over all masks.

    Parameters
    ----------
    x : numpy.ndarray
        Inputs, floats, shape (N, n) with n up to 20; inverted dropout acts on them.
    w : numpy.ndarray
        Weights, floats, shape (n,).
    p : float
        Probability to **drop**, in [0, 1).

    Returns
    -------
    float
        0 or more, in nats, summed over the rows.

    Raises
    ------
    TypeError, ValueError
        If x or w are not arrays of floats, their shapes do not fit, or p is out
        of range.

    Notes
    -----
    With :math:`A(z) = \\ln(1 + e^z)`, and whatever the labels are,

    .. math:: R(w) = \\sum_r \\Bigl(\\sum_m P(m) \\,
        A\\bigl(\\textstyle\\sum_j w_j m_j x_{rj} / (1 - p)\\bigr)
        - A\\bigl(\\textstyle\\sum_j w_j x_{rj}\\bigr)\\Bigr)

    Source: Wager et al. (2013), section 2. Explained in chapter 4, "Dropout is
    adaptive L2".

    Examples
    --------
    One feature and a large weight: the penalty approaches p ln 2, and not infinity.

    >>> x = np.array([[1.0]])
    >>> [round(logistic_penalty(x, np.array([w]), 0.3), 4) for w in (1.0, 9.0)]
    [0.0451, 0.2078]
    """
    p = _check_scaling(p, True)
    _check_rows(x, ("w", w, 1))
    masks = all_masks(x.shape[1])
    z = (masks / (1.0 - p)) @ (w * x).T
    noisy = mask_probabilities(masks, p) @ np.logaddexp(0.0, z)
    return float((noisy - np.logaddexp(0.0, x @ w)).sum())


def fisher_penalty(x, w, p):
    """Return the quadratic approximation of `logistic_penalty`.

    Parameters
    ----------
    x : numpy.ndarray
        Inputs, floats, shape (N, n).
    w : numpy.ndarray
        Weights, floats, shape (n,).
    p : float
        Probability to **drop**, in [0, 1).

    Returns
    -------
    float
        0 or more, in nats, summed over the rows.

    Raises
    ------
    TypeError, ValueError
        If x or w are not arrays of floats, their shapes do not fit, or p is out
        of range.

    Notes
    -----
    With :math:`\\pi_r` the probability that the full network gives to label 1,

    .. math:: R(w) \\approx \\frac{p}{2 (1 - p)} \\sum_j w_j^2
        \\sum_r \\pi_r (1 - \\pi_r) \\, x_{rj}^2

    The inner sum is a diagonal entry of the Fisher information. The error is small
    where the noise in each logit is. Source: Wager et al. (2013), section 2.
    Explained in chapter 4, "Dropout is adaptive L2".

    Examples
    --------
    >>> x = np.array([[1.0]])
    >>> [round(fisher_penalty(x, np.array([w]), 0.3), 4) for w in (1.0, 9.0)]
    [0.0421, 0.0021]
    """
    p = _check_scaling(p, True)
    _check_rows(x, ("w", w, 1))
    pi = np.exp(-np.logaddexp(0.0, -(x @ w)))
    return float(p / (1.0 - p) / 2 * (pi * (1.0 - pi)) @ x**2 @ w**2)


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


def kept_information(joint, p):
    """Return what the dropped values of some units tell about the values themselves.

    Parameters
    ----------
    joint : numpy.ndarray
        Joint probabilities of the values of n units, n at least 1: one axis for each
        unit, one entry for each combination of their values. Sums to 1. No value is 0,
        so that a dropped unit can be told from a kept one.
    p : float
        Probability to **drop**, in [0, 1].

    Returns
    -------
    float
        The mutual information in nats, 0 up to the entropy of the values.

    Raises
    ------
    TypeError
        If joint is no array of floats or p not a real number.
    ValueError
        If joint has no axis or more than 20, an entry is negative, the sum is not 1,
        or p lies outside [0, 1].

    Notes
    -----
    The mask is visible and tells nothing about the values, so the information is the
    entropy H of what is kept, averaged over all masks:

    .. math:: I(x; y) = \\sum_m P(m) \\, H(x_m)

    Source: derived in chapter 4. Explained in chapter 4, on the page on noise.

    Examples
    --------
    Two copies of one fair coin, p = 0.1: both are lost in one case of a hundred.

    >>> coin = np.diag([0.5, 0.5])
    >>> round(float(kept_information(coin, 0.1) / np.log(2)), 12)
    0.99
    """
    p = check_p(p)
    if not isinstance(joint, np.ndarray) or joint.dtype.kind != "f":
        raise TypeError(f"joint must be an array of floats; got {joint!r}.")
    if joint.ndim == 0:
        raise ValueError("joint must have one axis for each unit; got none.")
    if not (joint >= 0).all() or not abs(joint.sum() - 1.0) < 1e-9:
        raise ValueError(
            "joint must hold probabilities that sum to 1; got a smallest entry of "
            f"{joint.min(initial=1.0)} and a sum of {joint.sum()}."
        )
    masks = all_masks(joint.ndim)
    kept = (joint.sum(axis=tuple(np.flatnonzero(~mask))) for mask in masks)
    entropies = [-np.sum(t[t > 0] * np.log(t[t > 0])) for t in map(np.atleast_1d, kept)]
    return float(mask_probabilities(masks, p) @ entropies)


def mask_posterior(log_likelihood, p):
    """Return the probability of each mask given data, and the evidence for the model.

    Parameters
    ----------
    log_likelihood : numpy.ndarray
        Floats, shape (2^n,): the logarithm of the probability of the data under each
        mask, in the order of `all_masks(n)`.
    p : float
        Probability to **drop** before the data, in [0, 1].

    Returns
    -------
    posterior : numpy.ndarray
        float64, shape (2^n,), sums to 1.
    log_evidence : float
        Logarithm of the probability of the data, averaged over the masks, in nats.

    Raises
    ------
    TypeError
        If log_likelihood is no array of floats or p not a real number.
    ValueError
        If log_likelihood does not have 2^n finite entries or p lies outside [0, 1].

    Notes
    -----
    Bayes' rule with the masks as the unknown, summed over all of them:

    .. math:: P(m \\mid D) = \\frac{P(m) \\, P(D \\mid m)}{P(D)}, \\quad
        P(D) = \\sum_m P(m) \\, P(D \\mid m)

    Source: Bayes' rule; Noh et al. (2017) treat the noise as hidden variables.
    Explained in chapter 4, on the page on the Bayesian reading.

    Examples
    --------
    One unit. The data are three times as probable if it is kept:

    >>> posterior, log_evidence = mask_posterior(np.log([0.1, 0.3]), 0.2)
    >>> posterior.round(4), round(float(np.exp(log_evidence)), 12)
    (array([0.0769, 0.9231]), 0.26)
    """
    p = check_p(p)
    if not isinstance(log_likelihood, np.ndarray) or log_likelihood.dtype.kind != "f":
        raise TypeError(
            f"log_likelihood must be an array of floats; got {log_likelihood!r}."
        )
    n = log_likelihood.size.bit_length() - 1
    if log_likelihood.shape != (2**n if n >= 0 else None,):
        raise ValueError(
            "log_likelihood must have shape (2^n,), one entry for each mask; got "
            f"{log_likelihood.shape}."
        )
    if not np.isfinite(log_likelihood).all():
        raise ValueError(f"log_likelihood must be finite; got {log_likelihood!r}.")
    prior = mask_probabilities(all_masks(n), p)
    logs = np.where(prior > 0, log_likelihood.astype(float), -np.inf)
    top = logs.max()  # so that the largest exponential is 1
    weights = prior * np.exp(logs - top)
    return weights / weights.sum(), float(top + np.log(weights.sum()))
