"""Which drop rate is best, and how wide is the plateau, at a fixed width?"""

from companion.data import mnist1d
from companion.experiments.finding import (
    Finding,
    Row,
    experiment,
    paired_rows,
)
from companion.experiments.statistics import mean_interval
from companion.experiments.training.engine import train_networks

PLATEAU, FLAT = (0.2, 0.4, 0.6), 3  # points


@experiment(
    question="How does the error depend on the drop rate when the width is fixed?",
    prediction="The error falls from p = 0, is flat from p = 0.2 to p = 0.6, and rises "
    "beyond.",
    source="Srivastava et al. (2014), section 7.3, figure 9a",
    rule="By whole intervals: reproduces if the error is below that at p = 0 for "
    "p = 0.2, 0.4 and 0.6, for 0.2 and 0.6 at most 3 points above that at p = 0.4, and "
    "for 0.8 above that at p = 0.4; weaker if it is below for one of the three at "
    "least; else it does not reproduce.",
    full_seeds=60,
)
def rate_sweep(
    seeds=range(24),
    *,
    rates=(0.0, 0.2, 0.4, 0.5, 0.6, 0.8),
    hidden=(128, 128),
    train_size=1000,
    epochs=60,
    progress=True,
):
    """Measure test error and test loss over drop rates, all else equal.

    Parameters
    ----------
    seeds : sequence of int
        0 or more each, at least 2, all different.
    rates : sequence of float
        Probabilities to **drop** hidden units, in [0, 1), 0 first; with 0.2, 0.4,
        0.6 and 0.8, by which the verdict goes.
    hidden : sequence of int
        Widths of the hidden layers.
    train_size : int
        Examples of MNIST-1D for each seed, 50 to 4,000.
    epochs : int
        At least 1.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Finding
        For each rate the paired change against p = 0, of the error in percentage
        points and of the loss in nats, and that of the error against p = 0.4. In the
        field `raw` the `Trained` networks.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, or a rate is missing.

    Notes
    -----
    Adam, learning rate 0.003, batches of 50; 1,000 test examples. Explained in
    chapter 1.

    Examples
    --------
    >>> rate_sweep.about.source
    'Srivastava et al. (2014), section 7.3, figure 9a'
    """
    rates = tuple(rates)
    if rates[:1] != (0.0,) or not {*PLATEAU, 0.8} <= set(rates):
        raise ValueError(
            f"rates must begin with 0 and hold 0.2, 0.4, 0.6 and 0.8; got {rates!r}."
        )
    runs = train_networks(
        mnist1d(),
        rates=rates,
        seeds=seeds,
        train_size=train_size,
        hidden=hidden,
        epochs=epochs,
        batch_size=50,
        lr=3e-3,
        progress=progress,
    )
    error = 100 * (1 - runs.test_accuracy[..., -1])
    loss = runs.test_loss[..., -1]
    rows = paired_rows({"test error, points": error, "test loss, nats": loss}, rates)
    at = rates.index
    above = {
        p: mean_interval(error[at(p)] - error[at(0.4)])
        for p in rates
        if p not in (0.0, 0.4)
    }
    rows += [Row("test error, points", f"p = {p} - p = 0.4", above[p]) for p in above]
    flat = all(above[p].high <= FLAT for p in PLATEAU if p in above)
    below = sum(mean_interval(error[at(p)] - error[0]).high < 0 for p in PLATEAU)
    if below == len(PLATEAU) and flat and above[0.8].low > 0:
        verdict = "reproduces"
    else:
        verdict = "weaker" if below else "does not reproduce"
    return Finding(rows, verdict, raw=runs)
