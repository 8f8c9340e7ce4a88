"""Does dropout change how sure a network is more than how often it is right?"""

import numpy as np
from scipy.special import softmax

from companion._arguments import check_holds
from companion.data import mnist1d
from companion.experiments.finding import (
    Finding,
    experiment,
    level_rows,
    mean_row,
    paired_rows,
    verdict,
)
from companion.experiments.instruments.confidence import calibration_error, confidence_gap
from companion.experiments.studies import PLAN
from companion.experiments.training.engine import train_networks
from companion.experiments.training.forward import activations

ERROR, GAP = "calibration error, points", "confidence - accuracy, points"


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

    `seeds`, `rates` (with 0.3), `epochs` and `progress`: as `experiment`. Explained in
    chapter 5.

    Returns
    -------
    Finding
        For each rate above 0 the changes of test error, test loss and calibration error
        (points), for every rate the calibration error and the confidence minus the
        accuracy (points), and the log ratios of the rule. In the field `raw` a dict of
        the "rates" and of the probabilities, (rates, seeds, 1000, 10), and "labels" of
        the test examples.

    Examples
    --------
    >>> calibration.about.question
    'Does dropout improve calibration more than accuracy?'
    """
    rates, data = check_holds("rates", rates, (0.3,), first=0), mnist1d()
    runs = train_networks(
        data, rates=rates, seeds=seeds, epochs=epochs, progress=progress, **PLAN
    )
    *_, logits = activations(runs.weights, data.x_test)
    probabilities = softmax(logits.astype(float), axis=-1)
    probabilities = probabilities.reshape(len(rates), -1, *logits.shape[1:])

    def points(measure):
        each = [[measure(p, data.y_test) for p in row] for row in probabilities]
        return 100 * np.array(each)

    error, ece = runs.test_error[..., -1], points(calibration_error)
    measures = {"test error, points": error, "test loss, nats": runs.test_loss[..., -1]}
    rows = paired_rows({**measures, ERROR: ece}, rates)
    rows += level_rows({ERROR: ece, GAP: points(confidence_gap)}, rates)
    some, pair = rates.index(0.3), "p = 0.3 to p = 0"
    of_ece, of_error = (np.log(values[some] / values[0]) for values in (ece, error))
    fell = mean_row("log ratio of calibration errors", pair, of_ece)
    more = mean_row("... minus that of test errors", pair, of_ece - of_error)
    lower = fell.interval.high < 0
    return Finding(
        [*rows, fell, more],
        verdict(reproduces=lower and more.interval.high < 0, weaker=lower),
        raw={"rates": rates, "probabilities": probabilities, "labels": data.y_test},
    )
