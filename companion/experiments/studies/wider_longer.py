"""Does the benefit of dropout survive wider layers and longer training?"""

import numpy as np

from companion.data import mnist1d
from companion.experiments.finding import Finding, Row, experiment
from companion.experiments.statistics import mean_interval
from companion.experiments.training.engine import (
    same_seeds,
    train_networks,
)


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

    Parameters
    ----------
    seeds : sequence of int
        0 or more each, at least 2, all different.
    rate : float
        Probability to **drop** hidden units, in [0, 1).
    widths : sequence of int
        Units in each of two hidden layers, increasing, at least 2 widths.
    epochs, every : int
        Length of the training and the epochs between two measurements, at least 1.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Finding
        For each width and time the paired gain in test error, in percentage points
        (above 0: dropout helps), and what it grew from the first time to the last; at
        the end the change of the test loss in nats, and what the widest layers change
        against the narrowest, without dropout, with it, and the difference of the two.
        In the field `raw` a dict of "widths", "epochs" and the arrays (widths, 2,
        seeds, times) "error", "loss" and "train_error", without dropout and with.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Notes
    -----
    1,000 training and 2,000 test examples of MNIST-1D; Adam, learning rate 0.003,
    batches of 50. Explained in chapter 8.

    Examples
    --------
    >>> wider_longer.about.source
    'Srivastava et al. (2014), table 2 and figure 4'
    """
    widths = tuple(widths)
    if len(widths) < 2 or any(np.diff(widths) <= 0):
        raise ValueError(f"widths must be 2 or more that increase; got {widths!r}.")
    data, results = mnist1d(6000, 2000), []
    for width in widths:
        runs = train_networks(
            data,
            rates=(0.0, rate),
            seeds=seeds,
            train_size=1000,
            hidden=(width, width),
            epochs=epochs,
            batch_size=50,
            lr=3e-3,
            evaluate_every=every,
            progress=progress,
        )
        results.append(runs)
        seeds = runs.seeds  # fewer after an interrupt
    measured = [
        [100 * (1 - runs.test_accuracy), runs.test_loss, 100 * (1 - runs.train_accuracy)]
        for runs in same_seeds(results)
    ]
    error, loss, train_error = np.moveaxis(measured, 0, 1)
    gains = error[:, 0] - error[:, 1]  # (widths, seeds, times)
    rows = [
        Row(
            "gain in test error, points",
            f"{width} units, epoch {epoch}",
            mean_interval(gains[i, :, t]),
        )
        for i, width in enumerate(widths)
        for t, epoch in enumerate(runs.epochs)
    ]
    rows += [
        Row(
            "gain in test error, points",
            f"{width} units, epoch {runs.epochs[-1]} - epoch {runs.epochs[0]}",
            mean_interval(gain[:, -1] - gain[:, 0]),
        )
        for width, gain in zip(widths, gains, strict=True)
    ]
    rows += [
        Row("test loss, nats", f"{width} units, at the end", mean_interval(change))
        for width, change in zip(widths, (loss[:, 1] - loss[:, 0])[..., -1], strict=True)
    ]
    change = (error[-1] - error[0])[..., -1]  # (2, seeds)
    plain, dropped = map(mean_interval, change)
    ends = f"{widths[-1]} - {widths[0]} units"
    rows += [
        Row("test error, points", f"p = 0, {ends}", plain),
        Row("test error, points", f"p = {rate}, {ends}", dropped),
        Row(
            "test error, points",
            f"p = {rate} - p = 0, {ends}",
            mean_interval(change[1] - change[0]),
        ),
    ]
    verdict = "does not reproduce"
    if mean_interval(gains[-1, :, -1]).low > 0:
        verdict = "reproduces" if dropped.high < 0 else "weaker"
    raw = {
        "widths": widths,
        "epochs": runs.epochs,
        "error": error,
        "loss": loss,
        "train_error": train_error,
    }
    return Finding(rows, verdict, raw=raw)
