"""What dropout adds to the loss of linear and logistic regression."""

import numpy as np

from companion._arguments import check_scaling, check_table
from companion.theory.networks import all_masks, mask_probabilities


def ridge_weights(x, t, p):
    """Return the weights of linear regression that minimise the mean loss over all masks.

    float64 of shape (n,); a numpy.linalg.LinAlgError where they are not unique: a feature
    is zero in all rows, or p = 0 and the features depend on one another. Each feature has
    its own penalty, its sum of squares times p / (1 - p):

    .. math:: \\Bigl(X^\\top X + \\frac{p}{1 - p} D\\Bigr) w = X^\\top t, \\quad
        D = \\mathrm{diag}(X^\\top X)

    Source: Srivastava et al. (2014), section 9.1. Explained in chapter 4, "Dropout is
    adaptive L2".

    Parameters
    ----------
    x : numpy.ndarray
        Inputs, floats, shape (N, n); inverted dropout acts on them.
    t : numpy.ndarray
        Targets, floats, shape (N,).
    p : float
        Probability to **drop**, in [0, 1).

    Examples
    --------
    >>> ridge_weights(np.array([[1.0, 0.0], [0.0, 3.0]]), np.array([4.0, 6.0]), 0.2)
    array([3.2, 1.6])
    """
    p = check_scaling(p)
    check_table(x, "t", t, 0)
    x, t = x.astype(float), t.astype(float)
    gram = x.T @ x
    return np.linalg.solve(gram + p / (1.0 - p) * np.diag(np.diag(gram)), x.T @ t)


def logistic_penalty(x, w, p):
    """Return what dropout adds to the loss of logistic regression, summed over all masks.

    A float of 0 or more, in nats, summed over the rows; the sum over masks takes n up to
    20. With :math:`A(z) = \\ln(1 + e^z)`, and whatever the labels are,

    .. math:: R(w) = \\sum_r \\Bigl(\\sum_m P(m) \\,
        A\\bigl(\\textstyle\\sum_j w_j m_j x_{rj} / (1 - p)\\bigr)
        - A\\bigl(\\textstyle\\sum_j w_j x_{rj}\\bigr)\\Bigr)

    Source: Wager et al. (2013), section 2. Explained in chapter 4, "Dropout is adaptive
    L2".

    Parameters
    ----------
    x, p : as `ridge_weights`
    w : numpy.ndarray
        Weights, floats, shape (n,).

    Examples
    --------
    One feature and a large weight: the penalty approaches p ln 2, and not infinity.

    >>> x = np.array([[1.0]])
    >>> [round(logistic_penalty(x, np.array([w]), 0.3), 4) for w in (1.0, 9.0)]
    [0.0451, 0.2078]
    """
    p = check_scaling(p)
    check_table(x, "w", w, 1)
    x, w = x.astype(float), w.astype(float)
    masks = all_masks(x.shape[1])
    z = (masks / (1.0 - p)) @ (w * x).T
    noisy = mask_probabilities(masks, p) @ np.logaddexp(0.0, z)
    return float((noisy - np.logaddexp(0.0, x @ w)).sum())


def fisher_penalty(x, w, p):
    """Return the quadratic approximation of `logistic_penalty`.

    Parameters and result: as `logistic_penalty`, with any n. With :math:`\\pi_r` the
    probability that the full network gives to label 1,

    .. math:: R(w) \\approx \\frac{p}{2 (1 - p)} \\sum_j w_j^2
        \\sum_r \\pi_r (1 - \\pi_r) \\, x_{rj}^2

    The inner sum is a diagonal entry of the Fisher information. The error is small where
    the noise in each logit is. Source: Wager et al. (2013), section 2. Explained in
    chapter 4, "Dropout is adaptive L2".

    >>> x = np.array([[1.0]])
    >>> [round(fisher_penalty(x, np.array([w]), 0.3), 4) for w in (1.0, 9.0)]
    [0.0421, 0.0021]
    """
    p = check_scaling(p)
    check_table(x, "w", w, 1)
    x, w = x.astype(float), w.astype(float)
    pi = np.exp(-np.logaddexp(0.0, -(x @ w)))
    return float(p / (1.0 - p) / 2 * (pi * (1.0 - pi)) @ x**2 @ w**2)
