"""Seconds to train 24 networks: at once, in a loop, and for the matrix products alone."""

import os

import pytest
import torch

from .contestants import many_networks


@pytest.mark.skipif(os.environ["OMP_NUM_THREADS"] != "2", reason="goals for two threads")
@pytest.mark.parametrize("width", [64, 128, 256])
def test_many_networks(race, width):
    torch.set_num_threads(2)
    race(f"24 networks, width {width}", width, many_networks(width), (0.5,), rounds=5)
