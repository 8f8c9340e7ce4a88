"""Is it the rate that harms at p = 0.8, or the few units that are left?"""

import numpy as np

from companion._arguments import check_holds
from companion.data import mnist1d
from companion.experiments.finding import (
    Finding,
    experiment,
    mean_row,
    paired_rows,
    verdict,
)
from companion.experiments.statistics import mean_interval
from companion.experiments.studies import PLAN
from companion.experiments.training.engine import train_each

KEPT, CLOSE = 32, 3  # units, points
ERROR = "test error, points"


def _against_none(way, errors, rates):
    """Return the changes of the error against p = 0."""
    rows = paired_rows({ERROR: errors}, rates)
    return [row._replace(setting=f"{way}, {row.setting}") for row in rows]


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

    `seeds`, `rates` (with 0.5 and 0.8), `epochs` and `progress`: as `experiment`; the
    width 32 / (1-p) must be a multiple of 4. Widened networks of one seed share the
    examples with the others, and neither their order nor the initial weights. Explained
    in chapter 1.

    Returns
    -------
    Finding
        Changes of the test error against p = 0, both ways; at p = 0.8 the widened layers
        against 32 units and against the midpoint of 32 units at p = 0 and at p = 0.8, so
        that below 0 more than half of the harm is removed; and p = 0.5 against every
        rate. In the field `raw` a dict of the arrays (rates, seeds) "fixed" and
        "widened", the errors in per cent, and the tuples "rates" and "widths".

    Examples
    --------
    >>> kept_units.about.source
    'Srivastava et al. (2014), section 7.3, figure 9b'
    """
    rates = check_holds("rates", rates, (0.5, 0.8), first=0)
    widths = tuple(round(KEPT / (1 - p)) for p in rates)
    plans = [{"rates": rates, "hidden": (KEPT, KEPT)}]
    plans += [
        {"rates": (p,), "hidden": (width, width)}
        for p, width in zip(rates[1:], widths[1:], strict=True)
    ]
    results = train_each(
        mnist1d(), plans, seeds=seeds, epochs=epochs, progress=progress, **PLAN
    )
    fixed, *wider = (runs.test_error[..., -1] for runs in results)
    widened = np.concatenate([fixed[:1], *wider])

    half, most = widened[rates.index(0.5)], rates.index(0.8)
    middle = (fixed[0] + fixed[most]) / 2
    name, wide = f"p = 0.8, {widths[most]}", widened[most]
    rows = [
        *_against_none(f"{KEPT} units", fixed, rates),
        *_against_none(f"{KEPT} kept units", widened, rates),
        mean_row(ERROR, f"{name} - {KEPT} units", wide - fixed[most]),
        mean_row(ERROR, f"{name} units - midpoint", wide - middle),
    ]
    mended = rows[-1].interval.high < 0
    against = [
        mean_row(ERROR, f"{KEPT} kept units, p = 0.5 - p = {p}", half - values)
        for p, values in zip(rates, widened, strict=True)
        if p not in (0.0, 0.5)
    ]
    close = mean_interval(half - fixed[0]).high < 0 and all(
        row.interval.high <= CLOSE for row in against
    )
    return Finding(
        rows + against,
        verdict(reproduces=mended and close, weaker=mended or close),
        raw={"rates": rates, "widths": widths, "fixed": fixed, "widened": widened},
    )
