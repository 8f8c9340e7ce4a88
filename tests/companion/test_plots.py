"""Figures: what is drawn is what was given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from companion import plots
from companion.experiments import mean_interval


@pytest.fixture
def ax():
    yield plt.subplots()[1]
    plt.close("all")


def test_mask_has_one_square_an_element_and_one_cross_a_drop(ax, rng):
    mask = rng.random((6, 9)) >= 0.3
    plots.draw_mask(ax, mask)
    kept, dropped, crosses = ax.collections
    assert len(kept.get_paths()) == mask.sum()
    assert len(dropped.get_paths()) == (~mask).sum()
    assert len(crosses.get_segments()) == 2 * (~mask).sum()


def test_network_has_a_line_between_kept_units_only(ax):
    keeps = [np.array([True, True, False]), np.array([False, True, True, True])]
    plots.draw_network(ax, keeps)
    assert len(ax.lines) == 2 * 3


def test_intervals(ax):
    interval = mean_interval([1.0, 2.0, 6.0])
    plots.draw_intervals(ax, [0.5], [interval])
    (segment,) = ax.collections[0].get_segments()
    assert segment[:, 1].tolist() == pytest.approx([interval.low, interval.high])


def test_palette_colours_differ_in_lightness():
    """Distinguishable in grey too, for the two colours that are used most."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    rgb = [np.array(plt.matplotlib.colors.to_rgb(c)) @ weights for c in plots.PALETTE[:2]]
    assert abs(rgb[0] - rgb[1]) > 0.2
