"""Are fewer hidden units active at once after training with dropout?"""

import numpy as np

from companion.experiments.finding import Finding, Row, experiment
from companion.experiments.instruments.hidden_units import live_units
from companion.experiments.statistics import mean_interval
from companion.experiments.training.autoencoder import (
    train_autoencoders,
)

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

    Parameters
    ----------
    seeds : sequence of int
        0 or more each, at least 2.
    units, steps : int
        Hidden units and training steps, at least 1.
    progress : bool
        Show a progress bar with the time left.

    Returns
    -------
    Finding
        Levels, and p = 0.5 against p = 0, paired by seed, on test digits in evaluation
        mode. Units that are zero for all of them are left out. `raw` is the
        `Autoencoders`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Notes
    -----
    Source: Srivastava et al. (2014), figure 8. Explained in chapter 2.

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
    for measure, (plain, dropped) in found.items():
        share = measure in (ZERO, HIGH)
        versus = dropped - plain if share else dropped / plain
        rows += [
            Row(measure, "p = 0", mean_interval(plain)),
            Row(measure, "p = 0.5", mean_interval(dropped)),
            Row(measure, f"p = 0.5 {'-' if share else '/'} p = 0", mean_interval(versus)),
        ]
    active, zero, high, error = (row.interval for row in rows[2::3])
    if active.high < 0.5 and zero.low > 0 and high.high < 0:
        verdict = "reproduces" if error.high <= 1.1 else "weaker"
    else:
        verdict = "does not reproduce"
    return Finding(rows, verdict, raw=trained)
