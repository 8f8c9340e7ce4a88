"""Where does dropout hurt, and does a schedule for its rate help there?"""

from companion.data import mnist1d
from companion.experiments.finding import Finding, Row, experiment
from companion.experiments.statistics import mean_interval
from companion.experiments.training.engine import train_networks
from companion.schedules import early_rate, late_rate

KINDS = ("none", "standard", "early", "late")
# The same network in two situations: it cannot fit, or it fits everything.
SITUATIONS = {
    "8,000 curves, once": {"train_size": 8000, "epochs": 1, "batch_size": 16},
    "500 curves, 60 times": {"train_size": 500, "epochs": 60, "batch_size": 50},
}
ONCE, OFTEN = SITUATIONS
ACCURACY, LOSS, FIT = "accuracy, points", "test loss, nats", "training loss, nats"
LEVEL = "loss without dropout, nats"


def _rates(p, steps):
    """Return the four rates; early and late dropout change after 30 % of the steps."""
    turn = round(0.3 * steps)
    return 0.0, p, lambda t: early_rate(t, p, turn), lambda t: late_rate(t, p, turn)


@experiment(
    question="Where does dropout hurt, and does early dropout help there?",
    prediction="On networks that under-fit, standard dropout costs 2.7 to 6.0 points of "
    "accuracy, and early dropout gains 0.3 to 0.4 over none.",
    source="Liu et al. (2023), ImageNet results in the authors' repository",
    rule="Reproduces if, in one pass, standard dropout lowers the accuracy and early "
    "dropout raises it, by the whole intervals; weaker if only the first holds.",
    full_seeds=40,
)
def underfitting(seeds=range(16), *, p=0.2, data=None, progress=True):
    """Train one network in two situations, with four schedules for the drop rate.

    The network has two hidden layers of 64 units. In one situation it sees 8,000 curves
    once, in the other 500 curves 60 times. The rate is 0; p; p at first, then falling
    to 0 over the first 30 % of the steps; or 0 for these 30 % and p afterwards.

    Parameters
    ----------
    seeds : sequence of int
        0 or more each, at least 2.
    p : float
        Probability to **drop** at full rate, in [0, 1).
    data : companion.data.Split, optional
        At least 8,000 training examples; by default MNIST-1D.
    progress : bool
        Show a progress bar with the time left.

    Returns
    -------
    Finding
        The losses without dropout; each schedule against none, and the accuracy with
        early against standard dropout, paired by seed. Losses are measured without
        dropout. `raw` is a dict from the situation to its `Trained`, with the settings
        in the order of `KINDS`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Notes
    -----
    Source: Liu et al. (2023). Explained in chapter 8.

    Examples
    --------
    >>> underfitting.about.full_seeds
    40
    """
    data = mnist1d(10_000, 2000) if data is None else data
    raw, rows = {}, []
    for situation, plan in SITUATIONS.items():
        steps = plan["train_size"] // plan["batch_size"] * plan["epochs"]
        runs = raw[situation] = train_networks(
            data, rates=_rates(p, steps), seeds=seeds, hidden=(64, 64), lr=3e-3,
            progress=progress, **plan,
        )  # fmt: skip
        accuracy = 100 * runs.test_accuracy[..., -1]
        loss, fit = runs.test_loss[..., -1], runs.train_loss[..., -1]
        rows += [
            Row(LEVEL, f"{situation}: training", mean_interval(fit[0])),
            Row(LEVEL, f"{situation}: test", mean_interval(loss[0])),
        ]
        for name, values in ((ACCURACY, accuracy), (LOSS, loss), (FIT, fit)):
            rows += [
                Row(name, f"{situation}: {kind} - none", mean_interval(value - values[0]))
                for kind, value in zip(KINDS[1:], values[1:], strict=True)
            ]
        ahead = mean_interval(accuracy[2] - accuracy[1])
        rows.append(Row(ACCURACY, f"{situation}: early - standard", ahead))
    found = {row.setting: row.interval for row in rows if row.measure == ACCURACY}
    verdict = "does not reproduce"
    if found[f"{ONCE}: standard - none"].high < 0:
        gains = found[f"{ONCE}: early - none"].low > 0
        verdict = "reproduces" if gains else "weaker"
    return Finding(rows, verdict, raw=raw)
