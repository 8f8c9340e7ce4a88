"""All 2^n thinned networks: their masks, their probabilities and their averages."""

import numpy as np

from companion._arguments import (
    check_finite,
    check_int,
    check_masks,
    check_one_for_each_mask,
    check_p,
)


def all_masks(n):
    """Return every keep mask over n units.

    Booleans of shape (2^n, n), True = keep. Row k holds the binary digits of k, unit 0
    first; the last row keeps everything. Source: Srivastava et al. (2014), section 1.
    Explained in chapters 2 and 4.

    Parameters
    ----------
    n : int
        Number of units, 0 to 20: there are 2^n masks.

    Examples
    --------
    >>> all_masks(2)
    array([[False, False],
           [ True, False],
           [False,  True],
           [ True,  True]])
    """
    n = check_int("n", n, 0, 20, "There are 2^n masks.")
    return (np.arange(2**n)[:, None] >> np.arange(n)) % 2 == 1


def mask_probabilities(masks, p):
    """Return the probability of each mask, float64 of shape (m,).

    .. math:: P(m) = (1 - p)^{k} \\, p^{\\,n - k}, \\quad k = \\textstyle\\sum_i m_i

    Over `all_masks(n)` they sum to 1. Source: Srivastava et al. (2014), section 4.
    Explained in chapter 4.

    Parameters
    ----------
    masks : numpy.ndarray
        Booleans, shape (m, n), True = keep.
    p : float
        Probability to **drop**, in [0, 1].

    Examples
    --------
    >>> mask_probabilities(all_masks(2), 0.2).round(2)
    array([0.04, 0.16, 0.16, 0.64])
    """
    p = check_p(p)
    check_masks(masks)
    kept = masks.sum(axis=1)
    return (1.0 - p) ** kept * p ** (masks.shape[1] - kept)


def network_averages(logits, p):
    """Return the arithmetic and the normalised geometric mean of all thinned networks.

    Both are float64 of shape (..., classes); over the classes each sums to 1. With
    :math:`P_m = \\mathrm{softmax}(z_m)`,

    .. math:: A(c) = \\sum_m P(m) P_m(c), \\qquad
        G(c) = \\frac{\\prod_m P_m(c)^{P(m)}}{\\sum_{c'} \\prod_m P_m(c')^{P(m)}}

    Source: Hinton et al. (2012); Goodfellow et al. (2016), section 7.12. Explained in
    chapter 4, "Two to the n networks in one".

    Parameters
    ----------
    logits : numpy.ndarray
        Finite floats, shape (2^n, ..., classes): row k holds the logits of the network
        with mask k of `all_masks(n)`, for one input or a batch of them.
    p : as `mask_probabilities`

    Examples
    --------
    >>> masks = all_masks(2)
    >>> logits = np.stack([masks @ [2.5, -1.25], np.zeros(4)], axis=1)
    >>> arithmetic, geometric = network_averages(logits, 0.2)
    >>> arithmetic.round(4), geometric.round(4)
    (array([0.701, 0.299]), array([0.7311, 0.2689]))
    """
    axes = range(2, 65)
    n = check_one_for_each_mask("logits", logits, axes, "(2^n, ..., classes)")
    check_finite("logits", logits)
    prob, logits = mask_probabilities(all_masks(n), p), logits.astype(float)
    log_p = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    log_g = np.tensordot(prob, log_p, axes=1)
    geometric = np.exp(log_g - np.logaddexp.reduce(log_g, axis=-1, keepdims=True))
    return np.tensordot(prob, np.exp(log_p), axes=1), geometric
