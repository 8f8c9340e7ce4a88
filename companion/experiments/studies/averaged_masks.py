"""Is it the noise that slows training? Average each gradient over several masks."""

from companion.data import mnist1d
from companion.experiments.finding import Finding, experiment, mean_row, verdict
from companion.experiments.instruments.slow_down import epochs_to_reach
from companion.experiments.statistics import mean_interval
from companion.experiments.studies import LR
from companion.experiments.training.copies import train_with_copies


@experiment(
    question="Is it the noise of the masks that makes training with dropout slow?",
    prediction="A major cause of the slow training is that parameter updates are noisy.",
    source="Srivastava et al. (2014), section 11",
    rule="Reproduces if averaging each gradient over eight masks wins back more than "
    "half of the epochs lost, by the end of the interval; weaker if it wins back any.",
    full_seeds=12,
)
def averaged_masks(seeds=range(4), *, data=None):
    """Measure how many epochs dropout costs, and how many fewer with averaged masks.

    `seeds` and `data`: as `experiment`. Networks learn all training examples, in batches
    of 64. Explained in chapter 9.

    Returns
    -------
    Finding
        Differences in epochs to a training loss of 1.2 nats; `raw` holds the epochs by
        rate and number of masks.

    Raises
    ------
    ValueError
        If a seed never comes down to that loss.

    Examples
    --------
    >>> averaged_masks.about.full_seeds
    12
    """
    data = mnist1d() if data is None else data
    plan = {"hidden": (128, 128), "batch_size": 64, "lr": LR, "seeds": seeds}
    epochs = {}
    for p, copies, length in ((0.0, 1, 4), (0.3, 1, 7), (0.3, 8, 5)):
        losses = train_with_copies(data, p=p, copies=copies, epochs=length, **plan)
        epochs[p, copies] = epochs_to_reach(losses, range(1, length + 1), 1.2)
    lost = epochs[0.3, 1] - epochs[0.0, 1]
    left = epochs[0.3, 8] - epochs[0.0, 1]
    rows = [
        mean_row("epochs lost to dropout", "one mask an example", lost),
        mean_row("epochs lost to dropout", "eight masks an example", left),
        mean_row("epochs won back", "eight masks", lost - left),
    ]
    half_won = mean_interval(lost / 2 - left).low > 0
    won = rows[-1].interval.low > 0
    return Finding(rows, verdict(reproduces=half_won, weaker=won), raw=epochs)
