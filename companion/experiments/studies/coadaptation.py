"""Do the hidden units of a network trained with dropout stand on their own feet?"""

import numpy as np

from companion.data import mnist1d
from companion.experiments.finding import (
    Finding,
    experiment,
    level_rows,
    paired_rows,
    verdict,
)
from companion.experiments.instruments.leave_one_out import (
    leave_one_out,
    unit_correlation,
)
from companion.experiments.instruments.robustness import damaged_accuracy
from companion.experiments.studies import PLAN
from companion.experiments.training.engine import train_networks

RATES = (0.0, 0.2, 0.5)
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
LOST, WORST = "points lost without 30 % of the units", "worst unit / own loss"
SHARE, ALIKE = "worst unit, share of all damage", "correlation of units"
NOISE = "points lost to input noise"


def _measured(runs, data):
    """Return each measure, shape (rates, seeds), and the accuracies under damage."""
    shape, test = runs.test_loss.shape[:2], (data.x_test, data.y_test)

    def points(**damage):
        return 100 * damaged_accuracy(runs, *test, np.random.default_rng(7), **damage)

    units = np.array([points(drop=share) for share in SHARES])
    damage = np.concatenate(leave_one_out(runs.weights, *test), axis=1)
    worst, harm = damage.max(axis=1), damage.clip(min=0).sum(axis=1)
    found = {
        LOST: units[0] - units[SHARES.index(0.3)],
        WORST: worst.reshape(shape) / runs.test_loss[..., -1],
        SHARE: (worst / harm).reshape(shape),
        ALIKE: unit_correlation(runs.weights, data.x_test)[-1].reshape(shape),
        NOISE: units[0] - points(noise=0.5),
    }
    return found, units


@experiment(
    question="Do units trained with dropout depend less on one another?",
    prediction="A unit cannot rely on others being present, so that losing some does "
    "less harm.",
    source="Srivastava et al. (2014), sections 2 and 7.1",
    rule="Reproduces if at p = 0.5 a network loses fewer points without 30 % of its "
    "units, and its worst unit costs a smaller part of its own loss, by the whole "
    "intervals; weaker if only one does; else it does not reproduce.",
    full_seeds=30,
)
def coadaptation(seeds=range(8), *, data=None, epochs=40, progress=True):
    """Take units away from networks trained with and without dropout.

    Two hidden layers of 64 units learn 1,000 examples. Then, in evaluation: a share of
    the hidden units is dropped at random, survivors scaled up; each unit alone is taken
    away, nothing scaled; Gaussian noise with a standard deviation of 0.5 is added to
    the inputs, a kind of damage that training did not include.

    `seeds`, `data`, `epochs` and `progress`: as `experiment`. Source: Srivastava et al.
    (2014), sections 2 and 7.1. Explained in chapter 2.

    Returns
    -------
    Finding
        The levels at p = 0, and for p = 0.2 and p = 0.5 the differences to it. "Worst
        unit" is the largest rise of the loss when one unit alone is taken away: over
        the loss of the full network, and over the sum of the rises of all units, where
        a fall counts as 0. The correlation is the mean absolute one between units of
        the last hidden layer, over the test inputs. `raw` holds the accuracies in per
        cent, shape (shares of `SHARES`, rates, seeds).

    Examples
    --------
    >>> coadaptation.about.full_seeds
    30
    """
    data = mnist1d() if data is None else data
    runs = train_networks(
        data, rates=RATES, seeds=seeds, epochs=epochs, progress=progress,
        **PLAN | {"hidden": (64, 64)},
    )  # fmt: skip
    found, units = _measured(runs, data)
    rows = []
    for measure, values in found.items():
        rows += level_rows({measure: values[:1]}, RATES[:1])
        rows += paired_rows({measure: values}, RATES)
    better = [
        row.interval.high < 0
        for row in rows
        if row.measure in (LOST, WORST) and row.setting == "p = 0.5 - p = 0"
    ]
    return Finding(rows, verdict(reproduces=all(better), weaker=any(better)), raw=units)
