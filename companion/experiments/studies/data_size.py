"""With how much training data does dropout help?"""

import numpy as np

from companion.data import mnist1d
from companion.experiments.finding import Finding, Row, experiment
from companion.experiments.statistics import mean_interval
from companion.experiments.training.engine import (
    same_seeds,
    train_networks,
)


@experiment(
    question="How does the gain from dropout depend on the size of the training set?",
    prediction="No gain with 100 or 500 examples of MNIST; it rises with the size, and "
    "then declines.",
    source="Srivastava et al. (2014), section 7.4, figure 10",
    rule="The gain is the fall of the test error. By whole intervals of paired "
    "differences: reproduces if the gain at one middle size is above 0, above that at "
    "the smallest and above that at the largest size, and the gain at the smallest is "
    "not above 0; weaker if only the last part fails; else it does not reproduce.",
    full_seeds=30,
)
def data_size(
    seeds=range(6),
    *,
    sizes=(40, 200, 1000, 4000, 8000),
    rate=0.3,
    hidden=(128, 128),
    updates=1200,
    progress=True,
):
    """Measure the gain from dropout for training sets of several sizes.

    Parameters
    ----------
    seeds : sequence of int
        0 or more each, at least 2, all different.
    sizes : sequence of int
        Training examples of MNIST-1D, increasing, at least 3 sizes from 40 to 8,000.
    rate : float
        Probability to **drop** hidden units, in [0, 1).
    hidden : sequence of int
        Widths of the hidden layers.
    updates : int
        Steps of training, about the same for every size; at least 1.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Finding
        For each size the paired gain in test error, in percentage points (above 0:
        dropout helps), and the rise of the test loss in nats; and the gain at the
        best middle size against those at both ends. In the field `raw` a dict of
        "sizes" and of the arrays (sizes, 2, seeds) "error", "loss" and "train_error",
        without dropout and with.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Notes
    -----
    Every size gets as many updates, so the small sets are seen more often. Adam,
    learning rate 0.003, batches of 40; 2,000 test examples. Explained in chapter 1.

    Examples
    --------
    >>> data_size.about.source
    'Srivastava et al. (2014), section 7.4, figure 10'
    """
    sizes = tuple(sizes)
    if len(sizes) < 3 or any(np.diff(sizes) <= 0):
        raise ValueError(f"sizes must be 3 or more that increase; got {sizes!r}.")
    data, results = mnist1d(10_000, 2000), []
    for size in sizes:
        runs = train_networks(
            data,
            rates=(0.0, rate),
            seeds=seeds,
            train_size=size,
            hidden=hidden,
            epochs=max(1, round(updates / max(1, size // 40))),
            batch_size=40,
            lr=3e-3,
            progress=progress,
        )
        results.append(runs)
        seeds = runs.seeds  # fewer after an interrupt
    measured = [
        [
            100 * (1 - runs.test_accuracy[..., -1]),
            runs.test_loss[..., -1],
            100 * (1 - runs.train_accuracy[..., -1]),
        ]
        for runs in same_seeds(results)
    ]
    error, loss, train_error = np.moveaxis(measured, 0, 1)
    gains = error[:, 0] - error[:, 1]  # (sizes, seeds)
    best = 1 + gains[1:-1].mean(axis=1).argmax()
    rows = [
        Row(measure, f"n = {size}", mean_interval(values))
        for measure, rows in (
            ("gain in test error, points", gains),
            ("rise of test loss, nats", loss[:, 1] - loss[:, 0]),
        )
        for size, values in zip(sizes, rows, strict=True)
    ]
    ends = [mean_interval(gains[best] - gains[end]) for end in (0, -1)]
    rows += [
        Row(
            "gain in test error, points",
            f"n = {sizes[best]} - n = {sizes[end]}",
            interval,
        )
        for end, interval in zip((0, -1), ends, strict=True)
    ]
    verdict = "does not reproduce"
    if mean_interval(gains[best]).low > 0 and all(end.low > 0 for end in ends):
        verdict = "weaker" if mean_interval(gains[0]).low > 0 else "reproduces"
    raw = {"sizes": sizes, "error": error, "loss": loss, "train_error": train_error}
    return Finding(rows, verdict, raw=raw)
