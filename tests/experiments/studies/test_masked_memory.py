"""The verdict on masked memory."""

import numpy as np
import pytest

from companion.experiments.studies import masked_memory
from companion.experiments.training import recurrent
from companion.experiments.training.recurrent import KINDS


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [
        ((1.0, 1.0, 0.98, 0.3), "reproduces"),
        ((1.0, 1.0, 0.6, 0.3), "weaker"),
        ((1.0, 1.0, 0.99, 0.9), "weaker"),
        ((1.0, 1.0, 0.99, 1.0), "does not reproduce"),
    ],
)
def test_the_rule_decides(monkeypatch, accuracies, verdict):
    jitter = np.array([-0.004, 0.0, 0.004])
    rows = np.array([a + k * jitter for k, a in enumerate(accuracies)])
    made = recurrent.Recall(KINDS, (0, 1, 2), rows, rows)
    monkeypatch.setattr(masked_memory, "train_recall", lambda **_: made)
    finding = masked_memory.masked_memory((0, 1, 2))
    assert finding.verdict == verdict
    assert [row.setting for row in finding.rows] == list(KINDS[1:])
    for row, accuracy in zip(finding.rows, accuracies[1:], strict=True):
        assert row.interval.mean == pytest.approx(100 - 100 * accuracy)
