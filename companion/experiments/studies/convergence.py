"""How many more steps does a network with dropout need to reach the same loss?"""

from companion.data import mnist1d
from companion.experiments.finding import Finding, Row, experiment, verdict
from companion.experiments.instruments.slow_down import epochs_to_reach
from companion.experiments.statistics import mean_ratio
from companion.experiments.studies import PLAN
from companion.experiments.training.engine import train_each

TARGETS = (1.3, 1.1)
# Drop rates at each width: with 80 and 128 units, 64 are kept on average.
WIDTHS = {64: (0.0, 0.2, 0.5), 80: (0.2,), 128: (0.5,)}
NETWORKS = [(p, width) for width, rates in WIDTHS.items() for p in rates]
NAMES = [f"p = {p:g}, {width} units" for p, width in NETWORKS]
PLAIN, *OTHERS = [NAMES[NETWORKS.index(network)] for network in sorted(NETWORKS)]


@experiment(
    question="How many times more steps does dropout need to reach a training loss?",
    prediction="A dropout network takes two to three times longer to train than a "
    "standard one of the same architecture.",
    source="Srivastava et al. (2014), section 11; widths as in appendix A.1",
    rule="Reproduces if with p = 0.5 and the same units the mean ratio lies between 2 "
    "and 3 at both targets, its intervals above 1; weaker if it does with twice the "
    "units; else it does not reproduce.",
    full_seeds=20,
)
def convergence(seeds=range(8), *, data=None, epochs=26, progress=True):
    """Measure when the training loss, without masks, comes down to two targets.

    Plain networks have two hidden layers of 64 units. Networks with dropout have as
    many, or so many that 64 are kept on average. 2,000 curves, one evaluation an epoch.

    `seeds`, `data`, `epochs` and `progress`: as `experiment`. Source: Srivastava et al.
    (2014), section 11. Explained in chapter 5.

    Returns
    -------
    Finding
        Ratios of steps to those of the plain network of the same seed: geometric
        means. A setting of which one seed never arrives has the interval "never".
        `raw` is a dict from the setting, "p = 0, 64 units" among them, to the
        training losses, shape (seeds, epochs).

    Examples
    --------
    >>> convergence.about.full_seeds
    20
    """
    data = mnist1d() if data is None else data
    results = train_each(
        data,
        [{"rates": rates, "hidden": (width, width)} for width, rates in WIDTHS.items()],
        seeds=seeds, epochs=epochs, evaluate_every=1, progress=progress,
        **PLAN | {"train_size": 2000},
    )  # fmt: skip
    losses = [loss for runs in results for loss in runs.train_loss]
    raw, rows = dict(zip(NAMES, losses, strict=True)), []
    for target in TARGETS:
        reached = {
            name: epochs_to_reach(loss, results[0].epochs, target)
            for name, loss in raw.items()
        }
        rows += [
            Row(
                f"steps to {target} nats, ratio",
                name,
                mean_ratio(reached[name], reached[PLAIN]),
            )
            for name in OTHERS
        ]

    def holds(setting):
        found = [row.interval for row in rows if row.setting == setting]
        return all(i.low > 1 and 2 <= i.mean <= 3 for i in found)

    same, wide = holds("p = 0.5, 64 units"), holds("p = 0.5, 128 units")
    return Finding(rows, verdict(reproduces=same, weaker=wide), raw=raw)
