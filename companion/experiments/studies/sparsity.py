"""Are fewer hidden units active at once after training with dropout?"""

import numpy as np

from companion.experiments.finding import (
    Finding,
    experiment,
    level_rows,
    mean_row,
    verdict,
)
from companion.experiments.instruments.hidden_units import live_units
from companion.experiments.training.autoencoder import train_autoencoders

ACTIVE, ZERO = "mean activation", "zero activations, %"
HIGH, ERROR = "activations above 2, %", "squared error on test digits"


@experiment(
    question="Do the hidden units of an autoencoder become sparse?",
    prediction="The mean activation falls from 2.0 to 0.7, fewer units are highly "
    "active, and the test error is about the same.",
    source="Srivastava et al. (2014), section 7.2 and figure 8",
    rule="Reproduces if at p = 0.5 the mean activation is less than half of that at "
    "p = 0, more activations are zero, fewer are above 2, and the error is at most a "
    "tenth larger, by the whole intervals; weaker if all but the last hold; else it "
    "does not reproduce.",
    full_seeds=12,
)
def sparsity(seeds=range(5), *, units=100, steps=1000, progress=True):
    """Compare the activations of autoencoders trained with p = 0 and with p = 0.5.

    `seeds` and `progress`: as `experiment`; `units` and `steps`: as `train_autoencoders`.
    Source: Srivastava et al. (2014), figure 8. Explained in chapter 2.

    Returns
    -------
    Finding
        Levels, and p = 0.5 against p = 0, on test digits in evaluation mode. Units that
        are zero for all of them are left out. `raw` is the `Autoencoders`.

    Examples
    --------
    >>> sparsity.about.source
    'Srivastava et al. (2014), section 7.2 and figure 8'
    """
    trained = train_autoencoders(
        (0.0, 0.5), seeds, units=units, steps=steps, progress=progress
    )
    live = live_units(trained.hidden)

    def over_live(values):
        """Average over inputs and over the units in use; shape (rates, seeds)."""
        each = values.mean(axis=2, dtype=float)
        return np.nanmean(np.where(live, each, np.nan), axis=2)

    found = {
        ACTIVE: over_live(trained.hidden),
        ZERO: 100 * over_live(trained.hidden == 0),
        HIGH: 100 * over_live(trained.hidden > 2),
        ERROR: trained.error,
    }
    rows = []
    for measure, values in found.items():
        plain, dropped = values
        rows += level_rows({measure: values}, (0.0, 0.5))
        if measure in (ZERO, HIGH):
            rows.append(mean_row(measure, "p = 0.5 - p = 0", dropped - plain))
        else:
            rows.append(mean_row(measure, "p = 0.5 / p = 0", dropped / plain))
    active, zero, high, error = (row.interval for row in rows[2::3])
    sparse = active.high < 0.5 and zero.low > 0 and high.high < 0
    return Finding(
        rows, verdict(reproduces=sparse and error.high <= 1.1, weaker=sparse), raw=trained
    )
