"""Does dropout change how sure a network is more than how often it is right?"""

import numpy as np
from scipy.special import softmax

from companion.data import mnist1d
from companion.experiments.finding import (
    Finding,
    Row,
    experiment,
    paired_rows,
)
from companion.experiments.instruments.confidence import calibration_error, confidence_gap
from companion.experiments.statistics import mean_interval
from companion.experiments.training.engine import (
    activations,
    train_networks,
)


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
