"""Does dropout make the final validation error vary less from seed to seed?"""

from companion.data import mnist1d
from companion.experiments.finding import (
    Finding,
    Row,
    experiment,
    paired_rows,
)
from companion.experiments.statistics import bootstrap_interval
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

    Parameters
    ----------
    seeds : sequence of int
        0 or more each, at least 10, all different. Fewer than 40 decide little.
    rates : sequence of float
        Probabilities to **drop** hidden units, in [0, 1): 0 first, and 0.2, by which
        the verdict goes.
    hidden : sequence of int
        Widths of the hidden layers.
    epochs : int
        At least 1.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Finding
        For each rate above 0 against p = 0, and for each above 0.2 against 0.2: the
        ratio of standard deviations of the error, of the loss and of the loss over its
        mean, with bootstrap intervals; and the paired changes of the mean error, in
        percentage points, and of the mean loss. In the field `raw` the `Trained`
        networks.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, seeds are too few, or a
        rate is missing.

    Notes
    -----
    A seed draws initial weights, 1,000 training examples of MNIST-1D and their order;
    all share 1,000 validation examples. Adam, learning rate 0.003, batches of 50.
    Explained in chapter 9.

    Examples
    --------
    >>> validation_spread.about.prediction
    'The validation error fluctuates less.'
    """
    rates, seeds = tuple(rates), tuple(seeds)
    if len(seeds) < 10:  # a resample of one seed alone has no spread
        raise ValueError(f"seeds must be 10 or more to compare spreads; got {seeds!r}.")
    if rates[:1] != (0.0,) or 0.2 not in rates:
        raise ValueError(f"rates must begin with 0 and hold 0.2; got {rates!r}.")
    runs = train_networks(
        mnist1d(),
        rates=rates,
        seeds=seeds,
        train_size=1000,
        hidden=hidden,
        epochs=epochs,
        batch_size=50,
        lr=3e-3,
        progress=progress,
    )
    error = 100 * (1 - runs.test_accuracy[..., -1])
    loss = runs.test_loss[..., -1]
    measures = {
        "SD of the error, ratio": error,
        "SD of the loss, ratio": loss,
        "SD of the loss over its mean, ratio": loss / loss.mean(axis=1, keepdims=True),
    }
    pairs = [(p, base) for base in (0.0, 0.2) for p in rates if p > base]
    ratios = {
        (name, p, base): bootstrap_interval(
            values[rates.index(p)], values[rates.index(base)], statistic=_sd_ratio
        )
        for name, values in measures.items()
        for p, base in pairs
    }
    rows = [
        Row(name, f"p = {p} to p = {base:g}", ratio)
        for (name, p, base), ratio in ratios.items()
    ]
    above = [0.2, *(p for p in rates if p > 0.2)]
    for name, values in (("mean error, points", error), ("mean loss, nats", loss)):
        rows += paired_rows({name: values}, rates)
        rows += paired_rows({name: values[[rates.index(p) for p in above]]}, above)
    below = [
        ratios[f"SD of the {name}, ratio", 0.2, 0.0].high < 1
        for name in ("error", "loss")
    ]
    verdict = "weaker" if below[1] else "does not reproduce"
    return Finding(rows, "reproduces" if below[0] else verdict, raw=runs)
