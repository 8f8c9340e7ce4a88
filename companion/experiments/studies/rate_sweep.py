"""Which drop rate is best, and how wide is the plateau, at a fixed width?"""

from companion._arguments import check_holds
from companion.data import mnist1d
from companion.experiments.finding import (
    Finding,
    experiment,
    mean_row,
    paired_rows,
    verdict,
)
from companion.experiments.studies import PLAN
from companion.experiments.training.engine import train_networks

PLATEAU, FLAT = (0.2, 0.4, 0.6), 3  # points
ERROR, LOSS = "test error, points", "test loss, nats"


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

    `seeds`, `rates` (with 0.2, 0.4, 0.6 and 0.8), `hidden`, `epochs` and `progress`: as
    `experiment`; `train_size`: as `train_networks`, 50 to 4,000. Explained in chapter 1.

    Returns
    -------
    Finding
        For each rate the changes against p = 0, of the error and of the loss, and that
        of the error against p = 0.4. In the field `raw` the `Trained` networks.

    Examples
    --------
    >>> rate_sweep.about.source
    'Srivastava et al. (2014), section 7.3, figure 9a'
    """
    rates = check_holds("rates", rates, (*PLATEAU, 0.8), first=0)
    runs = train_networks(
        mnist1d(), rates=rates, seeds=seeds, epochs=epochs, progress=progress,
        **PLAN | {"hidden": hidden, "train_size": train_size},
    )  # fmt: skip
    error, loss = runs.test_error[..., -1], runs.test_loss[..., -1]
    rows = paired_rows({ERROR: error, LOSS: loss}, rates)
    middle = error[rates.index(0.4)]
    above = {
        p: mean_row(ERROR, f"p = {p} - p = 0.4", values - middle)
        for p, values in zip(rates, error, strict=True)
        if p not in (0.0, 0.4)
    }
    flat = all(above[p].interval.high <= FLAT for p in PLATEAU if p in above)
    below = [runs.paired("test_error", p).high < 0 for p in PLATEAU]
    valley = all(below) and flat and above[0.8].interval.low > 0
    return Finding(
        [*rows, *above.values()],
        verdict(reproduces=valley, weaker=any(below)),
        raw=runs,
    )
