"""Are fewer hidden units active at once after training with dropout?"""

import numpy as np

from companion.experiments.autoencoder import train_autoencoders
from companion.experiments.features import live_units
from companion.experiments.intervals import mean_interval
from companion.experiments.registry import Finding, Row, experiment

ACTIVE, ZERO = "mean activation, ratio", "zero activations, points"
ERROR = "squared error on test digits, ratio"


@experiment(
    question="Do the hidden units of an autoencoder become sparse?",
    prediction="The mean activation falls from 2.0 to 0.7, few units are highly active "
    "for any one input, and the test error is about the same.",
    source="Srivastava et al. (2014), section 7.2 and figure 8",
    rule="Reproduces if at p = 0.5 the mean activation is less than half of that at "
    "p = 0, more activations are zero, and the error is at most a tenth larger, by "
    "the whole intervals; weaker if only the first two hold.",
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
        p = 0.5 against p = 0, paired by seed, on test digits in evaluation mode. Units
        that are zero for all of them are left out of the share of zeros. `raw` is the
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
    plain, dropped = trained.hidden.mean(axis=(2, 3), dtype=float)
    live = live_units(trained.hidden)
    silent = (trained.hidden == 0).mean(axis=2)  # of each unit: how often it is zero
    zeros = 100 * np.nanmean(np.where(live, silent, np.nan), axis=2)
    active = mean_interval(dropped / plain)
    zero = mean_interval(zeros[1] - zeros[0])
    error = mean_interval(trained.error[1] / trained.error[0])
    rows = [
        Row(ACTIVE, "p = 0.5 / p = 0", active),
        Row(ZERO, "p = 0.5 - p = 0", zero),
        Row(ERROR, "p = 0.5 / p = 0", error),
    ]
    if active.high < 0.5 and zero.low > 0:
        verdict = "reproduces" if error.high <= 1.1 else "weaker"
    else:
        verdict = "does not reproduce"
    return Finding(rows, verdict, raw=trained)
