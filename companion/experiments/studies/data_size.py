"""With how much training data does dropout help?"""

import numpy as np

from companion._arguments import check_count, check_increasing
from companion.data import mnist1d
from companion.experiments.finding import Finding, experiment, mean_row, verdict
from companion.experiments.studies import PLAN
from companion.experiments.training.engine import train_each

GAIN, RISE = "gain in test error, points", "rise of test loss, nats"


def _rows(sizes, gains, rises):
    """Return the rows, and whether the best middle gain is above 0 and both ends."""
    names = [f"n = {size}" for size in sizes]
    best = 1 + gains[1:-1].mean(axis=1).argmax()
    rows = [
        mean_row(measure, name, values)
        for measure, table in ((GAIN, gains), (RISE, rises))
        for name, values in zip(names, table, strict=True)
    ]
    ends = [
        mean_row(GAIN, f"{names[best]} - {names[end]}", gains[best] - gains[end])
        for end in (0, -1)
    ]
    peak = [rows[best], *ends]
    return rows + ends, all(row.interval.low > 0 for row in peak)


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

    Every size gets about as many steps, so the small sets are seen more often; batches
    of 40, 2,000 test examples. `seeds`, `hidden` and `progress`: as `experiment`.
    Explained in chapter 1.

    Parameters
    ----------
    sizes : sequence of int
        Training examples of MNIST-1D, increasing, at least 3 sizes from 40 to 8,000.
    rate : float
        Probability to **drop** hidden units, in [0, 1).
    updates : int
        Steps of training, at least 1.

    Returns
    -------
    Finding
        For each size the gain in test error (above 0: dropout helps), and the rise of
        the test loss; and the gain at the best middle size against those at both ends.
        In the field `raw` a dict of "sizes" and of the arrays (sizes, 2, seeds)
        "error", "loss" and "train_error", without dropout and with.

    Examples
    --------
    >>> data_size.about.source
    'Srivastava et al. (2014), section 7.4, figure 10'
    """
    sizes = check_increasing("sizes", sizes, 3)
    updates = check_count("updates", updates)
    plans = [
        {"train_size": n, "epochs": max(1, round(updates / max(1, n // 40)))}
        for n in sizes
    ]
    results = train_each(
        mnist1d(10_000, 2000), plans, rates=(0.0, rate), seeds=seeds, progress=progress,
        **PLAN | {"hidden": hidden, "batch_size": 40},
    )  # fmt: skip
    error, loss, train_error = (
        np.array([getattr(runs, name)[..., -1] for runs in results])
        for name in ("test_error", "test_loss", "train_error")
    )
    rows, peak = _rows(sizes, error[:, 0] - error[:, 1], loss[:, 1] - loss[:, 0])
    at_smallest = rows[0].interval.low > 0
    return Finding(
        rows,
        verdict(reproduces=peak and not at_smallest, weaker=peak),
        raw={"sizes": sizes, "error": error, "loss": loss, "train_error": train_error},
    )
