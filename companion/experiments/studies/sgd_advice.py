"""Does dropout want a learning rate ten times larger, and more momentum?"""

import math

import numpy as np

from companion.data import mnist1d
from companion.experiments.finding import Finding, Row, experiment
from companion.experiments.statistics import mean_interval, mean_ratio
from companion.experiments.training.engine import (
    same_seeds,
    train_networks,
)

LRS = (0.003, 0.01, 0.03, 0.1, 0.3)
# Name -> drop rate, limit of the norm, momentum.
SETTINGS = {
    "plain, momentum 0.9": (0.0, math.inf, 0.9),
    "plain + max-norm, 0.9": (0.0, 2.0, 0.9),
    "dropout + max-norm, 0.9": (0.5, 2.0, 0.9),
    "dropout + max-norm, 0.95": (0.5, 2.0, 0.95),
    "dropout + max-norm, 0.99": (0.5, 2.0, 0.99),
}
PLAIN, LIMITED, DROPOUT = [name for name in SETTINGS if name.endswith("0.9")]
FACTOR, ERROR = "best learning rate, ratio", "error, points"


@experiment(
    question="Does dropout want a larger learning rate and more momentum?",
    prediction="10 to 100 times the learning rate that is best without dropout, momentum "
    "0.95 to 0.99 instead of 0.9, and a limit on the norm of the weights.",
    source="Srivastava et al. (2014), appendices A.2 and A.3",
    rule="Reproduces if dropout's best learning rate is at least 10 times the plain "
    "network's and a higher momentum lowers its error, by the whole intervals; weaker if "
    "one holds, or if the rate is larger at all; else it does not reproduce.",
    full_seeds=20,
)
def sgd_advice(seeds=range(6), *, data=None, epochs=30, progress=True):
    """Train with five learning rates, with and without dropout, at three momenta.

    Two hidden layers of 64 units, 1,000 curves. The step is divided among the momenta:
    with momentum m the learning rate is multiplied by (1 - m) / 0.1, so that lr / (1 -
    m), the length of a step in the long run, is the same in a column of the grid.

    Parameters
    ----------
    seeds : sequence of int
        0 or more each, at least 2.
    data : companion.data.Split, optional
        At least 1,000 training examples; by default MNIST-1D.
    epochs : int
        At least 1.
    progress : bool
        Show a progress bar with the time left.

    Returns
    -------
    Finding
        Ratios of the learning rates with the lowest error of a seed, and differences of
        the error, paired by seed: what a limit on the norm spares the plain network at
        ten times its best rate; what dropout loses there against its own best; what
        dropout, and higher momenta with it, change, each at the rate that is best for
        the mean over the seeds. `raw` is a dict from the setting to the errors in
        per cent, shape (learning rates, seeds).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Notes
    -----
    The learning rates are picked on the examples that measure the error; that favours
    all settings alike. Source: Srivastava et al. (2014), appendix A. Explained in
    chapter 5.

    Examples
    --------
    >>> sgd_advice.about.source
    'Srivastava et al. (2014), appendices A.2 and A.3'
    """
    data, lrs, results = mnist1d() if data is None else data, np.array(LRS), []
    for p, norm, momentum in SETTINGS.values():
        runs = train_networks(
            data, rates=[p] * len(lrs), lr=[*(lrs * (1 - momentum) / 0.1)], seeds=seeds,
            train_size=1000, hidden=(64, 64), epochs=epochs, batch_size=50,
            momentum=momentum, max_norm=norm, progress=progress,
        )  # fmt: skip
        results.append(runs)
        seeds = runs.seeds  # fewer after an interrupt
    raw = {
        name: 100 * (1 - runs.test_accuracy[..., -1])
        for name, runs in zip(SETTINGS, same_seeds(results), strict=True)
    }
    best = {name: lrs[error.argmin(axis=0)] for name, error in raw.items()}
    rows = [
        Row(FACTOR, f"{name} / plain", mean_ratio(best[name], best[PLAIN]))
        for name in (LIMITED, DROPOUT)
    ]
    errors = raw[DROPOUT]
    at = np.abs(np.log(lrs / 10 / lrs[raw[PLAIN].mean(axis=1).argmin()])).argmin()
    spared = raw[LIMITED][at] - raw[PLAIN][at]
    rows.append(
        Row(ERROR, "plain, 10 times its best rate: max-norm", mean_interval(spared))
    )
    rows.append(
        Row(
            ERROR,
            "dropout, 10 times plain's best rate",
            mean_interval(errors[at] - errors[errors.mean(axis=1).argmin()]),
        )
    )
    own = {name: e[e.mean(axis=1).argmin()] for name, e in raw.items()}
    change = mean_interval(own[DROPOUT] - own[LIMITED])
    rows.append(Row(ERROR, f"{DROPOUT} - {LIMITED}", change))
    higher = [
        Row(ERROR, f"{name} - 0.9", mean_interval(own[name] - own[DROPOUT]))
        for name in SETTINGS
        if name.startswith("dropout") and name != DROPOUT
    ]
    rows += higher
    larger = mean_ratio(best[DROPOUT], best[PLAIN])
    calmer = any(row.interval.high < 0 for row in higher)
    if larger.low >= 10 and calmer:
        verdict = "reproduces"
    else:
        verdict = "weaker" if larger.low > 1 or calmer else "does not reproduce"
    return Finding(rows, verdict, raw=raw)
