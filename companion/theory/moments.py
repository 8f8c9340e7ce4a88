"""Mean, variance and covariance of what dropout returns, and of the gradient."""

import numpy as np

from companion._arguments import (
    check_array,
    check_covariance,
    check_real,
    check_scaling,
    check_vector,
)


def dropped_mean(x, p, *, inverted=True):
    """Return the expectation of a dropped activation over the masks, of the shape of x.

    float64, or a float for a float.

    .. math:: E[m x] = (1 - p) x, \\qquad E[m x / (1 - p)] = x

    Source: Srivastava et al. (2014), sections 4 and 10. Explained in chapter 4.

    Parameters
    ----------
    x : numpy.ndarray or float
        Activations before dropout.
    p : float
        Probability to **drop**, in [0, 1); classic dropout also allows 1.
    inverted : bool
        True: kept values are divided by 1 - p. False: classic, not scaled.

    Examples
    --------
    >>> dropped_mean(10.0, 0.75), dropped_mean(10.0, 0.75, inverted=False)
    (10.0, 2.5)
    """
    p, x = check_scaling(p, inverted), _values(x)
    return x if inverted else (1.0 - p) * x


def _values(x):
    """Return activations in float64: an array of floats, or one real number."""
    if isinstance(x, np.ndarray):
        check_array("x", x)
        return x.astype(float)
    return check_real("x", x)


def dropped_variance(x, p, *, inverted=True):
    """Return the variance of a dropped activation over the masks: 0 or more.

    Parameters and result: as `dropped_mean`.

    .. math:: \\mathrm{Var}[m x] = p (1 - p) x^2, \\qquad
        \\mathrm{Var}[m x / (1 - p)] = \\frac{p}{1 - p} x^2

    Source: follows from the variance of a Bernoulli variable; Srivastava et al. (2014),
    section 10, give the moments. Explained in chapter 4.

    >>> dropped_variance(2.0, 0.2), round(dropped_variance(2.0, 0.2, inverted=False), 2)
    (1.0, 0.64)
    """
    p, x = check_scaling(p, inverted), _values(x)
    return (p / (1.0 - p) if inverted else p * (1.0 - p)) * x**2


def dropped_covariance(mean, covariance, p, *, inverted=True):
    """Return the covariance of dropped activations that are random themselves.

    float64 of shape (n, n), over the activations and over the masks. For x with mean
    :math:`\\mu` and covariance :math:`\\Sigma`, inverted dropout adds to the diagonal;
    classic dropout is 1 - p times the inverted one:

    .. math:: \\mathrm{Cov}[y] = \\Sigma + \\frac{p}{1 - p}
        \\mathrm{diag}(\\mu_i^2 + \\Sigma_{ii}), \\qquad
        \\mathrm{Cov}[a] = (1 - p)^2 \\, \\mathrm{Cov}[y]

    Source: derived in chapter 4; Srivastava et al. (2014), section 10, give the moments
    of one unit. Explained in chapter 4, "Mean, variance, covariance".

    Parameters
    ----------
    mean : numpy.ndarray
        Mean of the activations before dropout, floats, shape (n,).
    covariance : numpy.ndarray
        Their covariance, floats, shape (n, n); zeros if they are fixed.
    p, inverted : as `dropped_mean`

    Examples
    --------
    >>> dropped_covariance(np.array([4.0, 2.0]), np.zeros((2, 2)), 0.2)
    array([[4., 0.],
           [0., 1.]])
    """
    p = check_scaling(p, inverted)
    check_vector("mean", mean)
    check_array("covariance", covariance, 2 * mean.shape)
    mean, covariance = mean.astype(float), covariance.astype(float)
    check_covariance(covariance)
    square = mean**2 + np.diag(covariance)
    if inverted:
        return covariance + p / (1.0 - p) * np.diag(square)
    return (1.0 - p) ** 2 * covariance + p * (1.0 - p) * np.diag(square)


def gradient_moments(x, t, w, p):
    """Return mean and variance, over the masks, of the gradient of a squared loss.

    Both are float64 of shape (n,), one entry for each weight. For
    :math:`L = \\frac12 (w \\cdot y - t)^2` let :math:`e = w \\cdot x - t` be the error
    without dropout and :math:`a_i = w_i x_i`. Then

    .. math:: \\mathrm{E}[g_i] = x_i \\left(e + \\tfrac{p}{1 - p} a_i\\right), \\quad
        \\mathrm{Var}[g_i] = \\tfrac{p}{1 - p} x_i^2 \\Bigl[
        \\bigl(e + \\tfrac{p}{1 - p} a_i\\bigr)^2
        + \\tfrac{1}{1 - p} \\sum_{j \\ne i} a_j^2 \\Bigr]

    Source: derived in chapter 4. Explained in chapter 4, "Gradients".

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

    Examples
    --------
    >>> mean, variance = gradient_moments(np.ones(2), 2.0, np.array([3.0, 1.0]), 0.2)
    >>> mean.round(4), variance.round(4)
    (array([2.75, 2.25]), array([2.2031, 4.0781]))
    """
    p = check_scaling(p)
    t = check_real("t", t)
    check_vector("x", x)
    check_array("w", w, x.shape)
    x, odds = x.astype(float), p / (1.0 - p)
    a = w.astype(float) * x
    kept = a.sum() - t + odds * a  # the mean error while the unit is kept
    others = (a**2).sum() - a**2
    return x * kept, odds * x**2 * (kept**2 + others / (1.0 - p))
