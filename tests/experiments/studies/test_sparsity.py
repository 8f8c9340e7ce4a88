"""Sparsity: the rows by hand, and each verdict."""

import numpy as np
import pytest

from companion.experiments import mean_interval
from companion.experiments.studies import sparsity as module
from companion.experiments.studies.sparsity import ACTIVE, ERROR, HIGH, ZERO, sparsity

from ..made_up import autoencoders


def test_rows_by_hand():
    found = sparsity(range(2), steps=30, units=5, progress=False)
    run = found.raw

    def assert_row(measure, setting, values):
        interval = found.interval(measure, setting)
        np.testing.assert_allclose(interval[:3], mean_interval(values)[:3], rtol=1e-6)

    used = [[h[:, h.max(axis=0) > 0].astype(float) for h in rate] for rate in run.hidden]
    for measure, share in ((ZERO, lambda h: h == 0), (HIGH, lambda h: h > 2)):
        plain, dropped = ([100 * share(h).mean() for h in rate] for rate in used)
        assert_row(measure, "p = 0", plain)
        assert_row(measure, "p = 0.5 - p = 0", np.subtract(dropped, plain))
    plain, dropped = ([h.mean() for h in rate] for rate in used)
    assert_row(ACTIVE, "p = 0.5", dropped)
    assert_row(ACTIVE, "p = 0.5 / p = 0", np.divide(dropped, plain))
    expected = mean_interval(run.error[1] / run.error[0])
    assert found.interval(ERROR, "p = 0.5 / p = 0") == expected


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"active": 0.5}, "reproduces"),
        ({"active": 0.5, "error": 1.3}, "weaker"),
        ({"active": 1.5}, "does not reproduce"),
        ({"active": 0.9}, "reproduces"),
        ({"active": 0.9, "high": 5}, "does not reproduce"),
        ({"active": 0.2, "zeros": (0.3, 0.3)}, "does not reproduce"),
        ({"active": 1.5, "error": 1.3}, "does not reproduce"),
    ],
)
def test_verdicts(monkeypatch, changes, verdict):
    monkeypatch.setattr(
        module, "train_autoencoders", lambda *_, **__: autoencoders(**changes)
    )
    assert sparsity().verdict == verdict
