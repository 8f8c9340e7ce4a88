"""How sure, beside how often right: the two measures by hand."""

import numpy as np
import pytest

from companion.experiments.instruments.confidence import (
    calibration_error,
    confidence_gap,
)


def test_the_error_weighs_the_gap_of_each_bin():
    # Confidences .55, .58 in one bin of ten, .95 in another; right, wrong, right.
    rows = [[0.55, 0.45], [0.42, 0.58], [0.05, 0.95]]
    error = calibration_error(rows, [0, 0, 1], bins=10)
    assert error == pytest.approx(2 / 3 * abs(0.565 - 0.5) + 1 / 3 * (1 - 0.95))


def test_bins_lie_within_their_limits():
    # .5 opens the sixth bin of ten; 1 belongs to the last one and is not lost.
    rows = [[0.5, 0.25, 0.25], [0.49, 0.3, 0.21], [1.0, 0.0, 0.0]]
    error = calibration_error(rows, [0, 1, 0], bins=10)
    assert error == pytest.approx((0.5 + 0.49 + 0) / 3)


def test_it_equals_a_loop_over_bins():
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(5) / 2, 400)
    labels = rng.integers(0, 5, 400)
    confidence, right = rows.max(axis=1), rows.argmax(axis=1) == labels
    total = 0.0
    for b in range(7):
        inside = (confidence * 7 >= b) & (confidence * 7 < b + 1)
        if inside.any():
            gap = abs(confidence[inside].mean() - right[inside].mean())
            total += inside.mean() * gap
    assert calibration_error(rows, labels, bins=7) == pytest.approx(total)
    gap = confidence.mean() - right.mean()
    assert confidence_gap(rows, labels) == pytest.approx(gap)
    assert calibration_error(rows, labels, bins=1) == pytest.approx(abs(gap))


def test_signs_of_the_gap():
    sure = [[0.9, 0.1]] * 4
    assert confidence_gap(sure, [0, 1, 1, 1]) == pytest.approx(0.65)
    assert confidence_gap(sure, [0, 0, 0, 0]) == pytest.approx(-0.1)


@pytest.mark.parametrize("measure", [confidence_gap, calibration_error])
def test_bad_probabilities_and_labels_are_refused(measure):
    with pytest.raises(ValueError, match=r"one row for each of the labels.*\(2, 2\)"):
        measure([[0.5, 0.5], [1.0, 0.0]], [0])
    with pytest.raises(ValueError, match="probabilities must have shape"):
        measure([0.5, 0.5], [0, 1])
    with pytest.raises(ValueError, match="probabilities must have shape"):
        measure(np.ones((0, 2)), [])
    rows = [[0.5, 0.5], [1.0, 0.0]]
    with pytest.raises(ValueError, match=r"one row for each.*\(2, 1\)"):
        measure(rows, [[0], [1]])
    with pytest.raises(ValueError, match=r"labels must lie in \[0, 2\); got 0..2"):
        measure(rows, [0, 2])
    with pytest.raises(TypeError, match="labels must be integers"):
        measure(rows, [0.0, 1.0])
    for rows in ([[0.5, 0.4]], [[1.5, -0.5]], [[np.nan, 0.5]]):
        with pytest.raises(ValueError, match=r"sum to 1.*softmax"):
            measure(rows, [0])


def test_bad_bins_are_refused():
    with pytest.raises(ValueError, match="bins must be at least 1; got 0"):
        calibration_error([[1.0, 0.0]], [0], bins=0)
    with pytest.raises(TypeError, match=r"bins must be an int; got 2\.5"):
        calibration_error([[1.0, 0.0]], [0], bins=2.5)


def test_full_confidence_shares_the_last_bin():
    # Confidences 1, wrong, and .95, right: within one bin their gaps cancel in part.
    error = calibration_error([[1.0, 0.0], [0.95, 0.05]], [1, 0], bins=10)
    assert error == pytest.approx((1 - 0.05) / 2)
