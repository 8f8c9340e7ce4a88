"""The verdict on averaged masks, and that its page can run it."""

import numpy as np
import pytest

from companion.experiments.studies import averaged_masks


@pytest.mark.parametrize(
    ("left", "verdict"),
    [(1.0, "reproduces"), (2.5, "weaker"), (4.1, "does not reproduce")],
)
def test_the_rule_decides(monkeypatch, left, verdict):
    """Four seeds lose about 4 epochs with one mask, and `left` with eight."""
    spread = np.array([-0.2, 0.0, 0.1, 0.2])
    made = iter([2 + spread, 6 - spread, 2 + left + 3 * spread])
    monkeypatch.setattr(averaged_masks, "train_with_copies", lambda *_, **__: None)
    monkeypatch.setattr(averaged_masks, "epochs_to_reach", lambda *_: next(made))
    finding = averaged_masks.averaged_masks(range(4), data=())
    assert finding.verdict == verdict
    lost, still, won = (row.interval for row in finding.rows)
    assert lost.mean == pytest.approx(4 - 2 * spread.mean())
    assert still.mean == pytest.approx(left + 2 * spread.mean())
    assert won.mean == pytest.approx(lost.mean - still.mean)
    assert set(finding.raw) == {(0.0, 1), (0.3, 1), (0.3, 8)}


def test_its_page_can_run_it():
    finding = averaged_masks.averaged_masks(range(2))
    assert all(np.isfinite(row.interval.mean) for row in finding.rows)
