"""How the test error and the test loss run over the epochs, with and without dropout."""

import numpy as np

from companion.data import mnist1d
from companion.experiments.finding import (
    Finding,
    Row,
    experiment,
    paired_rows,
)
from companion.experiments.statistics import mean_interval
from companion.experiments.training.engine import train_networks


@experiment(
    question="Does dropout narrow the gap between training and test, and does training "
    "go on without harm?",
    prediction="The test error ends lower, and learning proceeds without a need to stop "
    "early.",
    source="Srivastava et al. (2014), figure 4; Hinton et al. (2012), appendix C",
    rule="By whole intervals, at p = 0.5 against p = 0 at the end: reproduces if the "
    "test error is lower, the gap between test loss and training loss narrower, and the "
    "rise of the test loss above its lowest value smaller; weaker if one or two hold; "
    "else it does not reproduce.",
    full_seeds=30,
)
def learning_curves(
    seeds=range(8), *, rates=(0.0, 0.3, 0.5), epochs=60, every=3, progress=True
):
    """Measure error and loss, on training and test examples, along the training.

    Parameters
    ----------
    seeds : sequence of int
        0 or more each, at least 2, all different.
    rates : sequence of float
        Probabilities to **drop** hidden units, in [0, 1): 0 first, and 0.5, by which
        the verdict goes.
    epochs, every : int
        Length of the training and the epochs between two measurements, at least 1.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Finding
        For each rate above 0 the paired changes, against p = 0, of the test error in
        percentage points and of losses in nats; and for every rate how far the test
        loss ends above the training loss, and above its own lowest value. In the
        field `raw` the `Trained` networks.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, or a rate is missing.

    Notes
    -----
    Two hidden layers of 128 units; 1,000 training and 1,000 test examples of
    MNIST-1D; Adam, learning rate 0.003, batches of 50. Explained in chapter 5.

    Examples
    --------
    >>> learning_curves.about.full_seeds
    30
    """
    rates = tuple(rates)
    if rates[:1] != (0.0,) or 0.5 not in rates:
        raise ValueError(f"rates must begin with 0 and hold 0.5; got {rates!r}.")
    runs = train_networks(
        mnist1d(),
        rates=rates,
        seeds=seeds,
        train_size=1000,
        hidden=(128, 128),
        epochs=epochs,
        batch_size=50,
        lr=3e-3,
        evaluate_every=every,
        progress=progress,
    )
    rise = runs.test_loss[..., -1] - runs.test_loss.min(axis=-1)
    measures = {
        "test error, points": 100 * (1 - runs.test_accuracy[..., -1]),
        "test loss, nats": runs.test_loss[..., -1],
        "test - training loss, nats": (runs.test_loss - runs.train_loss)[..., -1],
        "rise of the test loss, nats": rise,
    }
    rows = paired_rows(measures, rates)
    rows += [
        Row(name, f"p = {p:g}", mean_interval(measures[name][i]))
        for name in ("test - training loss, nats", "rise of the test loss, nats")
        for i, p in enumerate(rates)
    ]
    half = rates.index(0.5)
    fell = [
        mean_interval(values[half] - values[0]).high < 0
        for name, values in measures.items()
        if name != "test loss, nats"
    ]
    verdict = "weaker" if np.any(fell) else "does not reproduce"
    return Finding(rows, "reproduces" if np.all(fell) else verdict, raw=runs)
