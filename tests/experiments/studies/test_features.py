"""Features: each verdict. Its rows are computed again in test_rows."""

import numpy as np
import pytest

from companion.experiments.studies import features as module
from companion.experiments.studies.features import features

from ..made_up import autoencoders


@pytest.mark.parametrize(
    ("rough", "wide", "verdict"),
    [
        (-1, -1, "reproduces"),
        (1, -1, "weaker"),
        (-1, 1, "weaker"),
        (1, 1, "does not reproduce"),
    ],
)
def test_verdicts_ignore_dead_units(monkeypatch, rough, wide, verdict):
    values = np.array([5.0, 5.0])[:, None, None] + np.zeros((2, 3, 4))

    def measure(change):
        changed = values + np.linspace(0, 0.01, 3)[:, None]
        changed[1, :, :2] += change
        changed[1, :, 2:] -= 100 * change  # of the dead units
        return lambda _: changed

    pictures = np.ones((2, 3, 4, 28, 28))
    monkeypatch.setattr(module, "roughness", measure(rough))
    monkeypatch.setattr(module, "pixels_in_use", measure(wide))
    monkeypatch.setattr(
        module,
        "train_autoencoders",
        lambda *_, **__: autoencoders(pictures=pictures),
    )
    assert features().verdict == verdict
