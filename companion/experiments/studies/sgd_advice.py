"""Does dropout want a learning rate ten times larger, and more momentum?"""

import math

import numpy as np

from companion.data import mnist1d
from companion.experiments.finding import Finding, Row, experiment, mean_row, verdict
from companion.experiments.statistics import mean_ratio
from companion.experiments.studies import PLAN
from companion.experiments.training.engine import train_each

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
HIGHER = list(SETTINGS)[3:]  # momenta
FACTOR, ERROR = "best learning rate, ratio", "error, points"


def _rows(raw):
    """Return the ratios of learning rates, and the changes of the error."""
    lrs = np.array(LRS)
    best = {name: lrs[error.argmin(axis=0)] for name, error in raw.items()}
    lowest = {name: error.mean(axis=1).argmin() for name, error in raw.items()}
    own = {name: error[lowest[name]] for name, error in raw.items()}
    ten = np.abs(np.log(lrs / 10 / lrs[lowest[PLAIN]])).argmin()
    ratios = [
        Row(FACTOR, f"{name} / plain", mean_ratio(best[name], best[PLAIN]))
        for name in (LIMITED, DROPOUT)
    ]
    changes = {
        "plain, 10 times its best rate: max-norm": raw[LIMITED][ten] - raw[PLAIN][ten],
        "dropout, 10 times plain's best rate": raw[DROPOUT][ten] - own[DROPOUT],
        f"{DROPOUT} - {LIMITED}": own[DROPOUT] - own[LIMITED],
        **{f"{name} - 0.9": own[name] - own[DROPOUT] for name in HIGHER},
    }
    return ratios + [mean_row(ERROR, name, change) for name, change in changes.items()]


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

    The learning rates are picked on the examples that measure the error; that favours
    all settings alike. `seeds`, `data`, `epochs` and `progress`: as `experiment`. Source:
    Srivastava et al. (2014), appendix A. Explained in chapter 5.

    Returns
    -------
    Finding
        Ratios of the learning rates with the lowest error of a seed, and differences of
        the error: what a limit on the norm spares the plain network at ten times its
        best rate; what dropout loses there against its own best; what dropout, and
        higher momenta with it, change, each at the rate that is best for the mean over
        the seeds. `raw` is a dict from the setting to the errors in per cent, shape
        (learning rates, seeds).

    Examples
    --------
    >>> sgd_advice.about.source
    'Srivastava et al. (2014), appendices A.2 and A.3'
    """
    data = mnist1d() if data is None else data
    plans = [
        {
            "rates": [p] * len(LRS), "max_norm": norm, "momentum": momentum,
            "lr": np.array(LRS) * (1 - momentum) / 0.1,
        }
        for p, norm, momentum in SETTINGS.values()
    ]  # fmt: skip
    shared = PLAN | {"hidden": (64, 64)}
    results = train_each(
        data, plans, seeds=seeds, epochs=epochs, progress=progress, **shared
    )
    raw = {
        name: runs.test_error[..., -1]
        for name, runs in zip(SETTINGS, results, strict=True)
    }
    rows = _rows(raw)
    _, larger, *_ = (row.interval for row in rows)
    calmer = any(row.interval.high < 0 for row in rows[-len(HIGHER) :])
    return Finding(
        rows,
        verdict(reproduces=larger.low >= 10 and calmer, weaker=larger.low > 1 or calmer),
        raw=raw,
    )
