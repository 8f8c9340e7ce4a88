"""How the test error and the test loss run over the epochs, with and without dropout."""

from companion._arguments import check_holds
from companion.data import mnist1d
from companion.experiments.finding import (
    Finding,
    experiment,
    level_rows,
    paired_rows,
    verdict,
)
from companion.experiments.studies import PLAN
from companion.experiments.training.engine import train_networks

ERROR, LOSS = "test error, points", "test loss, nats"
GAP, RISE = "test - training loss, nats", "rise of the test loss, nats"


@experiment(
    question="Does dropout narrow the gap between training and test, and does training "
    "go on without harm?",
    prediction="The test error ends lower, and learning proceeds without a need to stop "
    "early.",
    source="Srivastava et al. (2014), figure 4; Hinton et al. (2012), appendix C",
    rule="By whole intervals, at p = 0.5 against p = 0 at the end: reproduces if the "
    "test error is lower, the gap between test loss and training loss narrower, and the "
    "rise of the test loss above its lowest value smaller; weaker if one or two hold; "
    "else it does not reproduce.",
    full_seeds=30,
)
def learning_curves(
    seeds=range(8), *, rates=(0.0, 0.3, 0.5), epochs=60, every=3, progress=True
):
    """Measure error and loss, on training and test examples, along the training.

    `seeds`, `rates` (with 0.5), `epochs`, `every` and `progress`: as `experiment`.
    Explained in chapter 5.

    Returns
    -------
    Finding
        For each rate above 0 the changes, against p = 0, of the test error and of
        losses; and for every rate how far the test loss ends above the training loss,
        and above its own lowest value. In the field `raw` the `Trained` networks.

    Examples
    --------
    >>> learning_curves.about.full_seeds
    30
    """
    rates = check_holds("rates", rates, (0.5,), first=0)
    runs = train_networks(
        mnist1d(), rates=rates, seeds=seeds, epochs=epochs, evaluate_every=every,
        progress=progress, **PLAN,
    )  # fmt: skip
    above = {
        GAP: (runs.test_loss - runs.train_loss)[..., -1],
        RISE: runs.test_loss[..., -1] - runs.test_loss.min(axis=-1),
    }
    measures = {ERROR: runs.test_error[..., -1], LOSS: runs.test_loss[..., -1], **above}
    rows = paired_rows(measures, rates)
    fell = [
        row.interval.high < 0
        for row in rows
        if row.setting == "p = 0.5 - p = 0" and row.measure != LOSS
    ]
    return Finding(
        rows + level_rows(above, rates),
        verdict(reproduces=all(fell), weaker=any(fell)),
        raw=runs,
    )
