"""How many more steps does a network with dropout need to reach the same loss?"""

from companion.data import mnist1d
from companion.experiments.finding import Finding, Row, experiment
from companion.experiments.instruments.slow_down import (
    epochs_to_reach,
)
from companion.experiments.statistics import mean_ratio
from companion.experiments.training.engine import (
    same_seeds,
    train_networks,
)

TARGETS = (1.3, 1.1)
# Widths with equal products of width and 1 - p, and the plain width with p = 0.2, 0.5.
SETTINGS = {
    "p = 0.2, 64 units": (0.2, 64),
    "p = 0.2, 80 units": (0.2, 80),
    "p = 0.5, 64 units": (0.5, 64),
    "p = 0.5, 128 units": (0.5, 128),
}


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

    Parameters
    ----------
    seeds : sequence of int
        0 or more each, at least 2.
    data : companion.data.Split, optional
        At least 2,000 training examples; by default MNIST-1D.
    epochs : int
        At least 1.
    progress : bool
        Show a progress bar with the time left.

    Returns
    -------
    Finding
        Ratios of steps to those of the plain network of the same seed: geometric
        means. A setting of which one seed never arrives has the interval "never".
        `raw` is a dict from the setting, "p = 0, 64 units" among them, to the
        training losses, shape (seeds, epochs).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Notes
    -----
    Source: Srivastava et al. (2014), section 11. Explained in chapters 5 and 9.

    Examples
    --------
    >>> convergence.about.full_seeds
    20
    """
    data, results, named = mnist1d() if data is None else data, [], []
    settings = {"p = 0, 64 units": (0.0, 64), **SETTINGS}
    for width in sorted({width for _, width in settings.values()}):
        names = [name for name, (_, units) in settings.items() if units == width]
        runs = train_networks(
            data, rates=[settings[name][0] for name in names], seeds=seeds,
            train_size=2000, hidden=(width, width), epochs=epochs, batch_size=50,
            lr=3e-3, evaluate_every=1, progress=progress,
        )  # fmt: skip
        results.append(runs)
        named += names
        seeds = runs.seeds  # fewer after an interrupt
    losses = (loss for runs in same_seeds(results) for loss in runs.train_loss)
    raw, rows = dict(zip(named, losses, strict=True)), []
    for target in TARGETS:
        reached = {
            name: epochs_to_reach(losses, runs.epochs, target)
            for name, losses in raw.items()
        }
        rows += [
            Row(f"steps to {target} nats, ratio", name, mean_ratio(reached[name], plain))
            for name in SETTINGS
            for plain in [reached["p = 0, 64 units"]]
        ]

    def holds(setting):
        found = [row.interval for row in rows if row.setting == setting]
        return all(i.low > 1 and 2 <= i.mean <= 3 for i in found)

    if holds("p = 0.5, 64 units"):
        verdict = "reproduces"
    else:
        wide = holds("p = 0.5, 128 units")
        verdict = "weaker" if wide else "does not reproduce"
    return Finding(rows, verdict, raw=raw)
