"""Does dropout change how sure a network is more than how often it is right?"""

import numpy as np
from scipy.special import softmax

from companion._arguments import check_count
from companion.data import mnist1d
from companion.experiments.engine import activations, train_networks
from companion.experiments.intervals import mean_interval
from companion.experiments.registry import Finding, Row, experiment, paired_rows
from companion.numpy._arrays import check_numbers


def _checked(probabilities, labels):
    """Return both as arrays, or raise the error that says what is wrong."""
    probabilities, labels = np.asarray(probabilities, float), np.asarray(labels)
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

    Raises
    ------
    ValueError
        If the shapes do not fit or rows do not sum to 1.

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

    Parameters
    ----------
    probabilities : array_like
        Shape (n, classes), rows that sum to 1.
    labels : array_like
        The right classes, ints of shape (n,).
    bins : int
        Number of bins of equal width on [0, 1], at least 1.

    Returns
    -------
    float
        In [0, 1]; 0 is calibrated, bin by bin.

    Raises
    ------
    TypeError
        If bins is not an int.
    ValueError
        If the shapes do not fit, rows do not sum to 1, or bins is below 1.

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
    check_count("bins", bins)
    probabilities, labels = _checked(probabilities, labels)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(bin_of, confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


@experiment(
    question="Does dropout improve calibration more than accuracy?",
    prediction="A network that overfits grows over-confident while its accuracy still "
    "rises; so what curbs overfitting should mend confidence more than accuracy.",
    source="derived from Guo et al. (2017), section 3; no paper on dropout is tested",
    rule="By whole intervals, at p = 0.3 against p = 0: reproduces if the calibration "
    "error falls by a larger factor than the test error (mean log ratio over pairs); "
    "weaker if it falls, by no larger factor; else it does not reproduce.",
    full_seeds=30,
)
def calibration(seeds=range(8), *, rates=(0.0, 0.3, 0.5, 0.8), epochs=60, progress=True):
    """Measure accuracy, likelihood and calibration over drop rates.

    Parameters
    ----------
    seeds : sequence of int
        0 or more each, at least 2, all different.
    rates : sequence of float
        Probabilities to **drop** hidden units, in [0, 1): 0 first, and 0.3, by which
        the verdict goes.
    epochs : int
        At least 1.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Finding
        For each rate above 0 the paired changes of test error (points), test loss
        (nats) and calibration error (points), for every rate the calibration error
        and the confidence minus the accuracy (points), and the log ratios of the rule.
        In the field `raw` a dict of the "rates" and of the probabilities, (rates,
        seeds, 1000, 10), and "labels" of the test examples.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, or a rate is missing.

    Notes
    -----
    Two hidden layers of 128 units; 1,000 training and 1,000 test examples of
    MNIST-1D; Adam, learning rate 0.003, batches of 50. Explained in chapter 5.

    Examples
    --------
    >>> calibration.about.question
    'Does dropout improve calibration more than accuracy?'
    """
    rates = tuple(rates)
    if rates[:1] != (0.0,) or 0.3 not in rates:
        raise ValueError(f"rates must begin with 0 and hold 0.3; got {rates!r}.")
    data = mnist1d()
    runs = train_networks(
        data,
        rates=rates,
        seeds=seeds,
        train_size=1000,
        hidden=(128, 128),
        epochs=epochs,
        batch_size=50,
        lr=3e-3,
        progress=progress,
    )
    *_, logits = activations(runs.weights, data.x_test)
    probabilities = softmax(logits.astype(float), axis=-1)
    probabilities = probabilities.reshape(len(rates), -1, *logits.shape[1:])

    def points(measure):
        each = [[measure(p, data.y_test) for p in row] for row in probabilities]
        return 100 * np.array(each)

    error = 100 * (1 - runs.test_accuracy[..., -1])
    measures = {
        "test error, points": error,
        "test loss, nats": runs.test_loss[..., -1],
        "calibration error, points": (ece := points(calibration_error)),
    }
    rows = paired_rows(measures, rates)
    rows += [
        Row(name, f"p = {p:g}", mean_interval(values[i]))
        for name, values in (
            ("calibration error, points", ece),
            ("confidence - accuracy, points", points(confidence_gap)),
        )
        for i, p in enumerate(rates)
    ]
    some = rates.index(0.3)
    logs = [np.log(values[some] / values[0]) for values in (ece, error)]
    fell, more = mean_interval(logs[0]), mean_interval(logs[0] - logs[1])
    rows += [
        Row("log ratio of calibration errors", "p = 0.3 to p = 0", fell),
        Row("... minus that of test errors", "p = 0.3 to p = 0", more),
    ]
    verdict = "does not reproduce"
    if fell.high < 0:
        verdict = "reproduces" if more.high < 0 else "weaker"
    raw = {"rates": rates, "probabilities": probabilities, "labels": data.y_test}
    return Finding(rows, verdict, raw=raw)
