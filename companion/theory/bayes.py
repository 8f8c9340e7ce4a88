"""What the masks tell about the data, and the data about the masks."""

import numpy as np

from companion._arguments import (
    check_finite,
    check_joint,
    check_one_for_each_mask,
    check_p,
)
from companion.theory.networks import all_masks, mask_probabilities


def kept_information(joint, p):
    """Return what the dropped values of some units tell about the values themselves.

    The mutual information in nats, 0 up to the entropy of the values. The mask is visible
    and tells nothing about the values, so it is the entropy H of what is kept, averaged
    over all masks:

    .. math:: I(x; y) = \\sum_m P(m) \\, H(x_m)

    Source: derived in chapter 4. Explained in chapter 4, on the page on noise.

    Parameters
    ----------
    joint : numpy.ndarray
        Floats of 0 or more that sum to 1: joint probabilities of the values of n units, n
        from 1 to 20, with one axis for each unit and one entry for each combination of
        their values. No value is 0, so that a dropped unit can be told from a kept one.
    p : float
        Probability to **drop**, in [0, 1].

    Examples
    --------
    Two copies of one fair coin, p = 0.1: both are lost in one case of a hundred.

    >>> coin = np.diag([0.5, 0.5])
    >>> round(float(kept_information(coin, 0.1) / np.log(2)), 12)
    0.99
    """
    p = check_p(p)
    check_joint(joint)
    masks, joint = all_masks(joint.ndim), joint.astype(float)
    kept = (joint.sum(axis=tuple(np.flatnonzero(~mask))) for mask in masks)
    entropies = [-np.sum(t[t > 0] * np.log(t[t > 0])) for t in map(np.atleast_1d, kept)]
    return float(mask_probabilities(masks, p) @ entropies)


def mask_posterior(log_likelihood, p):
    """Return the probability of each mask given data, and the evidence for the model.

    The posterior is float64 of shape (2^n,) and sums to 1; with it comes the logarithm of
    the evidence, the probability of the data averaged over the masks, in nats. It is
    Bayes' rule with the masks as the unknown, summed over all of them:

    .. math:: P(m \\mid D) = \\frac{P(m) \\, P(D \\mid m)}{P(D)}, \\quad
        P(D) = \\sum_m P(m) \\, P(D \\mid m)

    Source: Bayes' rule; Noh et al. (2017) treat the noise as hidden variables. Explained
    in chapter 4, on the page on the Bayesian reading.

    Parameters
    ----------
    log_likelihood : numpy.ndarray
        Finite floats, shape (2^n,): the logarithm of the probability of the data under
        each mask, in the order of `all_masks(n)`.
    p : float
        Probability to **drop** before the data, in [0, 1].

    Examples
    --------
    One unit. The data are three times as probable if it is kept:

    >>> posterior, log_evidence = mask_posterior(np.log([0.1, 0.3]), 0.2)
    >>> posterior.round(4), round(float(np.exp(log_evidence)), 12)
    (array([0.0769, 0.9231]), 0.26)
    """
    p = check_p(p)
    n = check_one_for_each_mask("log_likelihood", log_likelihood, (1,), "(2^n,)")
    check_finite("log_likelihood", log_likelihood)
    prior = mask_probabilities(all_masks(n), p)
    logs = np.where(prior > 0, log_likelihood.astype(float), -np.inf)
    top = logs.max()  # so that the largest exponential is 1
    weights = prior * np.exp(logs - top)
    return weights / weights.sum(), float(top + np.log(weights.sum()))
