"""How sure a classifier is, beside how often it is right."""

import numpy as np

from companion._arguments import as_array, as_reals, check_count, check_numbers


def _checked(probabilities, labels):
    """Return both as arrays, or raise the error that says what is wrong."""
    probabilities = as_reals("probabilities", probabilities)
    labels = as_array("labels", labels)
    if (
        probabilities.ndim != 2
        or labels.shape != probabilities.shape[:1]
        or not len(labels)
    ):
        raise ValueError(
            "probabilities must have shape (n, classes), with one row for each of the "
            f"labels; got {probabilities.shape} and {labels.shape}."
        )
    if not (probabilities >= 0).all() or not np.allclose(probabilities.sum(axis=1), 1):
        raise ValueError(
            "probabilities must be 0 or more and sum to 1 in each row; got "
            f"{probabilities!r}. Pass them through a softmax."
        )
    return probabilities, check_numbers("labels", labels, probabilities.shape[1])


def confidence_gap(probabilities, labels):
    """Return the mean confidence minus the accuracy: above 0 is over-confident.

    Parameters
    ----------
    probabilities : array_like
        Shape (n, classes), rows that sum to 1.
    labels : array_like
        The right classes, ints of shape (n,).

    Returns
    -------
    float
        In [-1, 1].

    Notes
    -----
    The confidence is the largest probability of a row. Explained in chapter 5.

    Examples
    --------
    >>> confidence_gap([[0.9, 0.1], [0.7, 0.3]], [0, 1]).__round__(2)
    0.3
    """
    probabilities, labels = _checked(probabilities, labels)
    right = probabilities.argmax(axis=1) == labels
    return float(probabilities.max(axis=1).mean() - right.mean())


def calibration_error(probabilities, labels, bins=15):
    """Return the expected calibration error: the gap within bins of equal confidence.

    `probabilities` and `labels`: as `confidence_gap`.

    Parameters
    ----------
    bins : int
        Number of bins of equal width on [0, 1], at least 1.

    Returns
    -------
    float
        In [0, 1]; 0 is calibrated, bin by bin.

    Notes
    -----
    .. math:: \\mathrm{ECE} = \\sum_b \\frac{n_b}{n}
        \\left| \\mathrm{conf}_b - \\mathrm{acc}_b \\right|

    Source: Guo et al. (2017), section 2. Explained in chapter 5.

    Examples
    --------
    >>> calibration_error([[0.9, 0.1], [0.3, 0.7]], [0, 0]).__round__(2)
    0.4
    """
    bins = check_count("bins", bins)
    probabilities, labels = _checked(probabilities, labels)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(bin_of, confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))
