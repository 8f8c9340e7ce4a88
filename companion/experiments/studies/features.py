"""Do hidden units learn strokes and spots with dropout, and less clear things without?"""

import numpy as np

from companion.data import mnist_digits
from companion.experiments.finding import (
    Finding,
    experiment,
    level_rows,
    paired_rows,
    verdict,
)
from companion.experiments.instruments.hidden_units import (
    live_units,
    pixels_in_use,
    roughness,
)
from companion.experiments.training.autoencoder import train_autoencoders

ROUGH, PIXELS = "roughness", "pixels in use"


def _seen(features):
    """Return weights times the pixels' standard deviation: what a unit responds to.

    A pixel that is always 0 never moves its weights, which stay random.
    """
    return features * mnist_digits().x_train.std(axis=0).reshape(28, 28)


@experiment(
    question="Do single hidden units learn clearer features with dropout?",
    prediction="Without it a unit alone detects nothing meaningful; with it units "
    "detect edges, strokes and spots.",
    source="Srivastava et al. (2014), section 7.1 and figure 7",
    rule="Reproduces if the features at p = 0.5 are smoother and on fewer pixels, "
    "by the whole intervals; weaker if only one holds; else it does not reproduce.",
    full_seeds=12,
)
def features(seeds=range(5), *, units=100, steps=1000, progress=True):
    """Measure the incoming weights of autoencoders trained with p = 0 and p = 0.5.

    `seeds` and `progress`: as `experiment`; `units` and `steps`: as `train_autoencoders`.
    Source: Srivastava et al. (2014), figure 7, shows pictures; the two measures are
    ours. Explained in chapter 2.

    Returns
    -------
    Finding
        Levels, and p = 0.5 minus p = 0: medians over the units that answer to at least
        one test digit, of the weights times the standard deviation of their pixels.
        `raw` is the `Autoencoders`.

    Examples
    --------
    >>> features.about.full_seeds
    12
    """
    trained = train_autoencoders(
        (0.0, 0.5), seeds, units=units, steps=steps, progress=progress
    )
    seen, live = _seen(trained.features), live_units(trained.hidden)
    rows, lower = [], []
    for name, measure in ((ROUGH, roughness), (PIXELS, pixels_in_use)):
        each = np.where(live, measure(seen), np.nan)
        measured = {name: np.nanmedian(each, axis=2)}
        rows += level_rows(measured, (0.0, 0.5)) + paired_rows(measured, (0.0, 0.5))
        lower.append(rows[-1].interval.high < 0)
    return Finding(rows, verdict(reproduces=all(lower), weaker=any(lower)), raw=trained)
