"""Does dropout make the final validation error vary less from seed to seed?"""

from companion._arguments import check_holds, check_length, check_seeds
from companion.data import mnist1d
from companion.experiments.finding import (
    Finding,
    Row,
    experiment,
    paired_rows,
    verdict,
)
from companion.experiments.statistics import bootstrap_interval
from companion.experiments.studies import PLAN
from companion.experiments.training.engine import train_networks


def _sd_ratio(first, second, axis):
    """Return the standard deviation of the first over that of the second."""
    return first.std(axis=axis, ddof=1) / second.std(axis=axis, ddof=1)


@experiment(
    question="Does dropout make the final validation error vary less over seeds?",
    prediction="The validation error fluctuates less.",
    source="the article, section 9; no paper says so",
    rule="At p = 0.2 against p = 0, by the bootstrap interval of the ratio of standard "
    "deviations over seeds: reproduces if that of the error lies below 1; weaker if only "
    "that of the loss does; else it does not reproduce.",
    full_seeds=200,
)
def validation_spread(
    seeds=range(60), *, rates=(0.0, 0.2, 0.5), hidden=(32, 32), epochs=60, progress=True
):
    """Measure the spread over seeds of the final validation error and loss.

    A seed draws initial weights, training examples and their order; all share 1,000
    validation examples. `seeds` (at least 10; fewer than 40 decide little), `rates` (with
    0.2), `hidden`, `epochs` and `progress`: as `experiment`. Explained in chapter 8.

    Returns
    -------
    Finding
        For each rate above 0 against p = 0, and for each above 0.2 against 0.2: the
        ratio of standard deviations of the error, of the loss and of the loss over its
        mean, with bootstrap intervals; and the changes of the mean error and of the
        mean loss. In the field `raw` the `Trained` networks.

    Examples
    --------
    >>> validation_spread.about.prediction
    'The validation error fluctuates less.'
    """
    rates, seeds = check_holds("rates", rates, (0.2,), first=0), check_seeds(seeds)
    check_length("seeds", seeds, 10)  # a resample of one seed alone has no spread
    runs = train_networks(
        mnist1d(), rates=rates, seeds=seeds, epochs=epochs, progress=progress,
        **PLAN | {"hidden": hidden},
    )  # fmt: skip
    error, loss = runs.test_error[..., -1], runs.test_loss[..., -1]
    measures = {
        "SD of the error, ratio": error,
        "SD of the loss, ratio": loss,
        "SD of the loss over its mean, ratio": loss / loss.mean(axis=1, keepdims=True),
    }
    rows = [
        Row(name, f"p = {p} to p = {base:g}", bootstrap_interval(
            values[rates.index(p)], values[rates.index(base)], statistic=_sd_ratio
        ))
        for name, values in measures.items()
        for base in (0.0, 0.2)
        for p in rates
        if p > base
    ]  # fmt: skip
    below = [row.interval.high < 1 for row in rows if row.setting == "p = 0.2 to p = 0"]
    above = [0.2, *(p for p in rates if p > 0.2)]
    for name, values in (("mean error, points", error), ("mean loss, nats", loss)):
        rows += paired_rows({name: values}, rates)
        rows += paired_rows({name: values[[rates.index(p) for p in above]]}, above)
    return Finding(rows, verdict(reproduces=below[0], weaker=below[1]), raw=runs)
