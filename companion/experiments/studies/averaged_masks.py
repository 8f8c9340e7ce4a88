"""Is it the noise that slows training? Average each gradient over several masks."""

from companion.data import mnist1d
from companion.experiments.finding import Finding, Row, experiment
from companion.experiments.instruments.slow_down import (
    epochs_to_reach,
)
from companion.experiments.statistics import mean_interval
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

    Parameters
    ----------
    seeds : sequence of int
        At least 2.
    data : companion.data.Split, optional
        By default `mnist1d()`.

    Returns
    -------
    Finding
        Paired differences in epochs to a training loss of 1.2 nats; `raw` holds the
        epochs by rate and number of masks.

    Raises
    ------
    ValueError
        If there are fewer than 2 seeds, or one never comes down to that loss.

    Notes
    -----
    Source: Srivastava et al. (2014), section 11. Explained in chapter 9.

    Examples
    --------
    >>> averaged_masks.about.full_seeds
    12
    """
    data = mnist1d() if data is None else data
    settings = {"hidden": (128, 128), "batch_size": 64, "lr": 3e-3, "seeds": seeds}
    epochs = {}
    for p, copies, length in ((0.0, 1, 4), (0.3, 1, 7), (0.3, 8, 5)):
        losses = train_with_copies(data, p=p, copies=copies, epochs=length, **settings)
        epochs[p, copies] = epochs_to_reach(losses, range(1, length + 1), 1.2)
    lost = epochs[0.3, 1] - epochs[0.0, 1]
    left = epochs[0.3, 8] - epochs[0.0, 1]
    won = mean_interval(lost - left)
    rows = [
        Row("epochs lost to dropout", "one mask an example", mean_interval(lost)),
        Row("epochs lost to dropout", "eight masks an example", mean_interval(left)),
        Row("epochs won back", "eight masks", won),
    ]
    if mean_interval(lost / 2 - left).low > 0:
        return Finding(rows, "reproduces", raw=epochs)
    return Finding(rows, "weaker" if won.low > 0 else "does not reproduce", raw=epochs)
