"""Where does dropout hurt, and does a schedule for its rate help there?"""

from companion.data import mnist1d
from companion.experiments.finding import Finding, experiment, mean_row, verdict
from companion.experiments.studies import LR
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


def _rows(situation, runs):
    """Return the losses without dropout, and what each schedule changes."""
    accuracy = 100 * runs.test_accuracy[..., -1]
    loss, fit = runs.test_loss[..., -1], runs.train_loss[..., -1]
    return [
        mean_row(LEVEL, f"{situation}: training", fit[0]),
        mean_row(LEVEL, f"{situation}: test", loss[0]),
        *(
            mean_row(name, f"{situation}: {kind} - none", value - values[0])
            for name, values in ((ACCURACY, accuracy), (LOSS, loss), (FIT, fit))
            for kind, value in zip(KINDS[1:], values[1:], strict=True)
        ),
        mean_row(ACCURACY, f"{situation}: early - standard", accuracy[2] - accuracy[1]),
    ]


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

    `seeds`, `data` and `progress`: as `experiment`. Source: Liu et al. (2023). Explained
    in chapter 8.

    Parameters
    ----------
    p : float
        Probability to **drop** at full rate, in [0, 1).

    Returns
    -------
    Finding
        The losses without dropout; each schedule against none, and the accuracy with
        early against standard dropout. Losses are measured without dropout. `raw` is a
        dict from the situation to its `Trained`, with the settings in the order of
        `KINDS`.

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
            data, rates=_rates(p, steps), seeds=seeds, hidden=(64, 64), lr=LR,
            progress=progress, **plan,
        )  # fmt: skip
        rows += _rows(situation, runs)
    found = {row.setting: row.interval for row in rows if row.measure == ACCURACY}
    hurts = found[f"{ONCE}: standard - none"].high < 0
    gains = found[f"{ONCE}: early - none"].low > 0
    return Finding(rows, verdict(reproduces=hurts and gains, weaker=hurts), raw=raw)
