"""What single hidden units answer to: known pictures, dead units."""

import numpy as np
import pytest

from companion.experiments.instruments.hidden_units import (
    live_units,
    pixels_in_use,
    roughness,
)


def test_roughness_and_pixels_of_known_pictures():
    checker = np.indices((6, 6)).sum(axis=0) % 2 * 2.0 - 1
    assert roughness(np.ones((6, 6))) == 0
    assert roughness(checker) == 60 * 4 / 36
    assert roughness(5 * checker) == roughness(checker)
    spot = np.zeros((6, 6))
    spot[2, 3] = -4.0
    assert pixels_in_use(spot) == 1
    assert pixels_in_use(checker) == 36
    assert pixels_in_use(np.stack([spot, checker])).shape == (2,)


@pytest.mark.parametrize("measure", [roughness, pixels_in_use])
def test_a_row_is_no_picture(measure):
    with pytest.raises(ValueError, match="features must have two axes"):
        measure([1.0, 2.0])


def test_a_unit_is_live_if_one_input_moves_it():
    assert live_units(np.array([[0, 0, 3], [0, 1, 0]])).tolist() == [False, True, True]
