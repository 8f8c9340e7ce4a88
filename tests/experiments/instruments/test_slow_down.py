"""The epoch at which a loss is reached: straight lines, first crossings, never."""

import numpy as np
import pytest

from companion.experiments.instruments.slow_down import (
    epochs_to_reach,
)


def test_a_straight_line_is_read_exactly():
    epochs = np.array([2, 4, 8])
    found = epochs_to_reach(10.0 - epochs, epochs, 5.0)
    assert float(found) == 5.0


def test_the_first_crossing_counts():
    found = epochs_to_reach([3.0, 1.0, 3.0, 0.5], [1, 2, 3, 4], 2.0)
    assert float(found) == 1.5


def test_reaching_the_target_exactly_counts():
    assert float(epochs_to_reach([3.0, 2.0, 2.0], [1, 2, 3], 2.0)) == 2.0


def test_a_curve_that_never_gets_there_is_nan():
    assert np.isnan(epochs_to_reach([3.0, 2.0], [1, 2], 1.0))
    assert np.isnan(epochs_to_reach([[3.0], [4.0]], [1], 1.0)).all()


def test_leading_axes_are_kept():
    losses = np.linspace(3, 0, 7) + np.zeros((2, 4, 1))
    found = epochs_to_reach(losses, np.arange(1, 8), 1.75)
    assert found.shape == (2, 4)
    np.testing.assert_allclose(found, 3.5)


@pytest.mark.parametrize(
    ("losses", "epochs", "word"),
    [
        ([3.0, 2.0], [1, 2, 3], "one entry"),
        (3.0, [1], "one entry"),
        ([3.0, 2.0], [2, 1], "increase"),
        ([0.5, 2.0], [1, 2], "first loss"),
    ],
)
def test_bad_input_is_refused(losses, epochs, word):
    with pytest.raises(ValueError, match=word):
        epochs_to_reach(losses, epochs, 1.0)
