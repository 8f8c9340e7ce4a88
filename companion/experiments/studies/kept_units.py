"""Is it the rate that harms at p = 0.8, or the few units that are left?"""

import numpy as np

from companion.data import mnist1d
from companion.experiments.finding import Finding, Row, experiment
from companion.experiments.statistics import mean_interval
from companion.experiments.training.engine import (
    same_seeds,
    train_networks,
)

KEPT, CLOSE = 32, 3  # units, points


@experiment(
    question="How does the error depend on the drop rate when the layers are widened so "
    "that 32 units are kept on average?",
    prediction="Widening removes most of the harm of high rates, and p = 0.5 is close "
    "to the best rate.",
    source="Srivastava et al. (2014), section 7.3, figure 9b",
    rule="By whole intervals: reproduces if at p = 0.8 widening removes more than half "
    "of the harm of 32 units, and at p = 0.5 the error is below that at p = 0 and at "
    "most 3 points above that of any other rate; weaker if one of the two holds; else "
    "it does not reproduce.",
    full_seeds=60,
)
def kept_units(
    seeds=range(24), *, rates=(0.0, 0.2, 0.5, 0.6, 0.8), epochs=60, progress=True
):
    """Measure the test error over drop rates, with 32 units and with 32 kept units.

    Parameters
    ----------
    seeds : sequence of int
        0 or more each, at least 2, all different.
    rates : sequence of float
        Probabilities to **drop** hidden units, in [0, 1), 0 first; with 0.5 and
        0.8, by which the verdict goes. The width 32 / (1-p) must be a multiple of 4.
    epochs : int
        At least 1.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Finding
        Paired changes of the test error against p = 0, in percentage points, both
        ways; at p = 0.8 the widened layers against 32 units and against the midpoint
        of 32 units at p = 0 and at p = 0.8, so that below 0 more than half of the harm
        is removed; and p = 0.5 against every rate. In the field `raw` a dict of the
        arrays (rates, seeds) "fixed" and "widened", the errors in per cent, and the
        tuples "rates" and "widths".

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, or a rate is missing.

    Notes
    -----
    Two hidden layers; 1,000 training and 1,000 test examples of MNIST-1D; Adam,
    learning rate 0.003, batches of 50. Widened networks of one seed share the examples
    with the others, and neither their order nor the initial weights. Explained in
    chapter 1.

    Examples
    --------
    >>> kept_units.about.source
    'Srivastava et al. (2014), section 7.3, figure 9b'
    """
    rates = tuple(rates)
    if rates[:1] != (0.0,) or not {0.5, 0.8} <= set(rates):
        raise ValueError(f"rates must begin with 0 and hold 0.5 and 0.8; got {rates!r}.")

    data, widths = mnist1d(), tuple(round(KEPT / (1 - p)) for p in rates)
    plans = [(rates, KEPT), *(((p,), w) for p, w in zip(rates, widths, strict=True) if p)]
    results = []
    for some, width in plans:
        runs = train_networks(
            data,
            rates=some,
            seeds=seeds,
            train_size=1000,
            hidden=(width, width),
            epochs=epochs,
            batch_size=50,
            lr=3e-3,
            progress=progress,
        )
        results.append(runs)
        seeds = runs.seeds  # fewer after an interrupt
    fixed, *wider = (
        100 * (1 - runs.test_accuracy[..., -1]) for runs in same_seeds(results)
    )
    widened = np.concatenate([fixed[:1], *wider])

    half, most = rates.index(0.5), rates.index(0.8)
    rows = []
    for way, values in ((f"{KEPT} units", fixed), (f"{KEPT} kept units", widened)):
        rows += [
            Row("test error, points", f"{way}, p = {p} - p = 0", interval)
            for p, interval in zip(
                rates[1:], map(mean_interval, values[1:] - values[0]), strict=True
            )
        ]
    wins = mean_interval(widened[most] - fixed[most])
    rest = mean_interval(widened[most] - (fixed[0] + fixed[most]) / 2)
    rows += [
        Row("test error, points", f"p = 0.8, {widths[most]} - {KEPT} units", wins),
        Row("test error, points", f"p = 0.8, {widths[most]} units - midpoint", rest),
    ]
    rows += [
        Row(
            "test error, points",
            f"{KEPT} kept units, p = 0.5 - p = {p}",
            mean_interval(widened[half] - widened[i]),
        )
        for i, p in enumerate(rates)
        if p not in (0.0, 0.5)
    ]
    against = [mean_interval(widened[half] - row) for row in np.delete(widened, half, 0)]
    close = against[0].high < 0 and all(i.high <= CLOSE for i in against)
    verdict = ("does not reproduce", "weaker", "reproduces")[(rest.high < 0) + close]
    raw = {"rates": rates, "widths": widths, "fixed": fixed, "widened": widened}
    return Finding(rows, verdict, raw=raw)
