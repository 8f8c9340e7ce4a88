"""Dropout, weight decay, max-norm: which lowers the error, and which together?"""

import itertools
import math

import numpy as np
import torch

from companion.data import mnist1d
from companion.experiments._checks import check_split
from companion.experiments.finding import Finding, experiment, mean_row, verdict
from companion.experiments.studies import PLAN
from companion.experiments.training.engine import train_networks
from companion.experiments.training.forward import activations

RATE = 0.5
DECAYS, NORMS = (1e-3, 1e-2), (1.0, 2.5)
NO = ((0.0, math.inf),)
PENALTIES = {
    "": NO,
    "L2": tuple((decay, math.inf) for decay in DECAYS),
    "max-norm": tuple((0.0, norm) for norm in NORMS),
}
# Method -> its candidates: rate, weight decay, limit of the norm.
METHODS = {
    " + ".join(filter(None, (dropout, penalty))) or "none": [
        (p, *one) for one in candidates
    ]
    for p, dropout in ((0.0, ""), (RATE, "dropout"))
    for penalty, candidates in PENALTIES.items()
}
# What table 9 ranks; each step of its order, dropout beside each of the two, and
# each of them against dropout alone and beside it.
ORDER = ("L2", "max-norm", "dropout + L2", "dropout + max-norm")
PAIRS = (
    ("dropout", "none"),
    ("L2", "none"),
    ("max-norm", "none"),
    ("max-norm", "L2"),
    ("dropout + L2", "max-norm"),
    ("dropout + L2", "L2"),
    ("dropout + max-norm", "max-norm"),
    ("dropout + max-norm", "dropout + L2"),
    ("L2", "dropout"),
    ("max-norm", "dropout"),
    ("dropout + L2", "dropout"),
    ("dropout + max-norm", "dropout"),
)
ERROR, LOSS = "error, points", "test loss, nats"


def _scores(weights, x, labels, shape):
    """Return error in per cent and loss of each network, shape (candidates, seeds)."""
    *_, logits = activations(weights, x)
    log_p = torch.log_softmax(torch.from_numpy(logits), dim=2).numpy()
    loss = -log_p[:, np.arange(len(labels)), labels].mean(axis=1, dtype=float)
    error = 100 * (logits.argmax(axis=2) != labels).mean(axis=1)
    return {ERROR: error.reshape(shape), LOSS: loss.reshape(shape)}


@experiment(
    question="Which regulariser gives the lowest error, alone and with dropout?",
    prediction="Error on MNIST: L2 1.62 %, max-norm 1.35, dropout + L2 1.25, dropout + "
    "max-norm 1.05.",
    source="Srivastava et al. (2014), section 6.5 and table 9",
    rule="Reproduces if the error falls at each step of this order, by the whole "
    "intervals; weaker if dropout lowers it beside L2 and beside max-norm; else it does "
    "not reproduce.",
    full_seeds=20,
)
def regularisers(seeds=range(10), *, data=None, epochs=40, progress=True):
    """Give each method two strengths, pick one on validation data, compare on others.

    One hidden layer of 128 units, 1,000 curves, SGD with momentum 0.9 and learning rate
    0.05. Half of the held-out examples picks the strength, by the mean over the seeds,
    for each measure by that measure. The other half is the test.

    `seeds`, `data`, `epochs` and `progress`: as `experiment`. Source: Srivastava et al.
    (2014), table 9. Explained in chapter 5.

    Returns
    -------
    Finding
        Differences between methods. `raw` is a dict from a measure to a dict from the
        method to the values of its picked candidate, shape (seeds,).

    Examples
    --------
    >>> regularisers.about.full_seeds
    20
    """
    data = mnist1d(6000, 2000) if data is None else check_split(data)
    candidates = [one for some in METHODS.values() for one in some]
    owners = np.repeat(list(METHODS), [len(some) for some in METHODS.values()])
    rates, decays, norms = zip(*candidates, strict=True)
    half = len(data.y_test) // 2
    runs = train_networks(
        data._replace(x_test=data.x_test[:half], y_test=data.y_test[:half]),
        rates=rates, weight_decay=decays, max_norm=norms, seeds=seeds, epochs=epochs,
        progress=progress, **PLAN | {"hidden": (128,), "lr": 0.05, "momentum": 0.9},
    )  # fmt: skip
    validation = {
        ERROR: -runs.test_accuracy[..., -1].mean(axis=1),
        LOSS: runs.test_loss[..., -1].mean(axis=1),
    }
    shape = runs.test_loss.shape[:2]
    test = _scores(runs.weights, data.x_test[half:], data.y_test[half:], shape)
    raw = {
        measure: {
            method: values[min(np.flatnonzero(owners == method), key=score.__getitem__)]
            for method in METHODS
        }
        for measure, values in test.items()
        for score in [validation[measure]]
    }
    rows = [
        mean_row(measure, f"{a} - {b}", best[a] - best[b])
        for measure, best in raw.items()
        for a, b in PAIRS
    ]
    fell = {r.setting: r.interval.high < 0 for r in rows if r.measure == ERROR}
    steps = [fell[f"{b} - {a}"] for a, b in itertools.pairwise(ORDER)]
    beside = [fell[f"dropout + {one} - {one}"] for one in ("L2", "max-norm")]
    return Finding(rows, verdict(reproduces=all(steps), weaker=all(beside)), raw=raw)
