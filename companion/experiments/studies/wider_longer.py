"""Does the benefit of dropout survive wider layers and longer training?"""

import numpy as np

from companion._arguments import check_increasing
from companion.data import mnist1d
from companion.experiments.finding import Finding, experiment, mean_row, verdict
from companion.experiments.studies import PLAN
from companion.experiments.training.engine import train_each

MEASURES = {"error": "test_error", "loss": "test_loss", "train_error": "train_error"}
GAIN, ERROR, LOSS = "gain in test error, points", "test error, points", "test loss, nats"


def _rows(widths, epochs, rate, error, loss):
    """Return the gains, then what changes at the end, within and between the widths."""
    gains = error[:, 0] - error[:, 1]  # (widths, seeds, times)
    each = [f"{width} units" for width in widths]
    ends, change = f"{widths[-1]} - {widths[0]} units", (error[-1] - error[0])[..., -1]
    last = f"epoch {epochs[-1]} - epoch {epochs[0]}"
    return [
        *(
            mean_row(GAIN, f"{name}, epoch {epoch}", gain[:, t])
            for name, gain in zip(each, gains, strict=True)
            for t, epoch in enumerate(epochs)
        ),
        *(
            mean_row(GAIN, f"{name}, {last}", gain[:, -1] - gain[:, 0])
            for name, gain in zip(each, gains, strict=True)
        ),
        *(
            mean_row(LOSS, f"{name}, at the end", (dropped - plain)[:, -1])
            for name, (plain, dropped) in zip(each, loss, strict=True)
        ),
        mean_row(ERROR, f"p = 0, {ends}", change[0]),
        mean_row(ERROR, f"p = {rate}, {ends}", change[1]),
        mean_row(ERROR, f"p = {rate} - p = 0, {ends}", change[1] - change[0]),
    ]


@experiment(
    question="Does the benefit survive wider layers and longer training?",
    prediction="With dropout wider layers do better still, and the gain does not go away "
    "with training.",
    source="Srivastava et al. (2014), table 2 and figure 4",
    rule="The gain is the fall of the test error. By whole intervals: reproduces if, "
    "after the whole training, the gain in the widest layers is above 0 and the error "
    "with dropout is lower there than in the narrowest; weaker if only the gain is "
    "above 0; else it does not reproduce.",
    full_seeds=30,
)
def wider_longer(
    seeds=range(6),
    *,
    rate=0.3,
    widths=(16, 48, 160),
    epochs=80,
    every=20,
    progress=True,
):
    """Measure the gain from dropout for several widths along the training.

    `seeds`, `epochs`, `every` and `progress`: as `experiment`. 2,000 test examples.
    Explained in chapter 8.

    Parameters
    ----------
    rate : float
        Probability to **drop** hidden units, in [0, 1).
    widths : sequence of int
        Units in each of two hidden layers, increasing, at least 2 widths.

    Returns
    -------
    Finding
        For each width and time the gain in test error (above 0: dropout helps), and
        what it grew from the first time to the last; at the end the change of the test
        loss, and what the widest layers change against the narrowest, without dropout,
        with it, and the difference of the two. In the field `raw` a dict of "widths",
        "epochs" and the arrays (widths, 2, seeds, times) "error", "loss" and
        "train_error", without dropout and with.

    Examples
    --------
    >>> wider_longer.about.source
    'Srivastava et al. (2014), table 2 and figure 4'
    """
    widths = check_increasing("widths", widths, 2)
    results = train_each(
        mnist1d(6000, 2000), [{"hidden": (width, width)} for width in widths],
        rates=(0.0, rate), seeds=seeds, epochs=epochs, evaluate_every=every,
        progress=progress, **PLAN,
    )  # fmt: skip
    raw = {"widths": widths, "epochs": results[0].epochs} | {
        name: np.array([getattr(runs, measure) for runs in results])
        for name, measure in MEASURES.items()
    }
    rows = _rows(widths, raw["epochs"], rate, raw["error"], raw["loss"])
    *_, dropped, _ = (row.interval for row in rows)
    widest = rows[len(widths) * len(raw["epochs"]) - 1].interval
    gains = widest.low > 0
    lower = gains and dropped.high < 0
    return Finding(rows, verdict(reproduces=lower, weaker=gains), raw=raw)
