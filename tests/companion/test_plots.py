"""Figures: what is drawn is what was given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color, to_rgb

from companion import plots
from companion.experiments import Interval


@pytest.fixture
def ax():
    yield plt.subplots()[1]
    plt.close("all")


def boxes(collection):
    """Return centres and sizes of what a collection holds, in units of the axes."""
    extents = np.array(
        [path.get_extents().get_points() for path in collection.get_paths()]
    )
    return extents.mean(axis=1), np.diff(extents, axis=1)[:, 0]


def test_a_mask_has_a_square_for_each_element_in_its_place(ax, rng):
    mask = rng.random((6, 9)) >= 0.3
    mask[0, :2] = True, False
    plots.draw_mask(ax, mask)
    for squares, places, face in zip(
        ax.collections, (mask, ~mask), (plots.BLUE, "white"), strict=False
    ):
        centres, sizes = boxes(squares)
        np.testing.assert_allclose(centres, np.argwhere(places)[:, ::-1], atol=1e-12)
        np.testing.assert_allclose(sizes, sizes[0, 0])
        assert 0.5 < sizes[0, 0] < 1  # neighbours do not touch
        assert same_color(squares.get_facecolor(), face)
        assert same_color(squares.get_edgecolor(), plots.GREY)


def test_a_dropped_element_is_crossed_out_inside_its_square(ax, rng):
    mask = rng.random((6, 9)) >= 0.3
    mask[0, :2] = True, False
    plots.draw_mask(ax, mask)
    _, squares, crosses = ax.collections
    strokes = np.reshape(
        crosses.get_segments(), (-1, 2, 2, 2)
    )  # cross, stroke, end, axis
    places = np.repeat(np.argwhere(~mask)[:, None, ::-1], 2, axis=1)
    np.testing.assert_allclose(strokes.mean(axis=2), places, atol=1e-12)
    across, up = np.moveaxis(np.diff(strokes, axis=2)[:, :, 0], -1, 0)
    np.testing.assert_allclose(abs(across), abs(up))
    assert (np.sign(across * up).sum(axis=1) == 0).all()  # one rises, the other falls
    assert 0 < abs(across).max() < boxes(squares)[1].min()
    assert same_color(crosses.get_color(), plots.RED)


def test_the_whole_mask_is_seen_the_first_row_on_top(ax):
    plots.draw_mask(ax, np.ones((6, 9), bool), title="nothing dropped")
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    margins = [-0.5 - left, right - 8.5, bottom - 5.5, -0.5 - top]
    np.testing.assert_allclose(margins, margins[0])
    assert 0 < margins[0] < 0.5
    assert ax.get_aspect() == 1
    assert not ax.axison
    assert ax.get_title() == "nothing dropped"


def heights(n):
    """n units leave n + 1 equal gaps in a picture from 1 down to -1."""
    return 1 - 2 * (np.arange(n) + 1) / (n + 1)


KEEPS = [np.array([True, True, False]), np.array([False, True, True, True]),
         np.array([True, False])]  # fmt: skip


def test_a_network_has_a_line_between_kept_units_of_neighbouring_layers_only(ax):
    plots.draw_network(ax, KEEPS)
    expected = [
        ((layer, layer + 1), (y0, y1))
        for layer in range(2)
        for y0 in heights(len(KEEPS[layer]))[KEEPS[layer]]
        for y1 in heights(len(KEEPS[layer + 1]))[KEEPS[layer + 1]]
    ]
    drawn = [tuple(map(tuple, line.get_data())) for line in ax.lines]
    np.testing.assert_allclose(drawn, expected, atol=1e-12)
    for line in ax.lines:
        assert same_color(line.get_color(), plots.GREY)
        assert 0 < line.get_linewidth() < 1  # many of them


def test_every_unit_is_a_circle_and_the_dropped_ones_are_crossed_out(ax):
    plots.draw_network(ax, KEEPS, title="thinned")
    groups = np.reshape(ax.collections, (3, 3))
    for layer, (keep, (kept, dropped, crosses)) in enumerate(
        zip(KEEPS, groups, strict=True)
    ):
        y = heights(len(keep))
        for drawn, where in ((kept, keep), (dropped, ~keep), (crosses, ~keep)):
            places = [(layer, height) for height in y[where]]
            np.testing.assert_allclose(drawn.get_offsets(), places, atol=1e-12)
        assert kept.get_sizes() == dropped.get_sizes() > crosses.get_sizes() > [0]
        assert len(crosses.get_paths()[0]) == 4  # two strokes
        assert max(line.get_zorder() for line in ax.lines) < kept.get_zorder()
        assert kept.get_zorder() == dropped.get_zorder() < crosses.get_zorder()
        assert same_color(kept.get_facecolor(), plots.BLUE)
        assert same_color(dropped.get_facecolor(), "white")
        assert same_color(dropped.get_edgecolor(), plots.GREY)
        assert same_color(crosses.get_edgecolor(), plots.RED)
    left, right = ax.get_xlim()
    assert -left == pytest.approx(right - 2)
    assert 0 < -left < 0.5
    assert ax.get_ylim() == (-1, 1)
    assert not ax.axison
    assert ax.get_title() == "thinned"


@pytest.mark.parametrize(
    ("draw", "of"), [("draw_mask", np.ones((2, 2), bool)), ("draw_network", KEEPS)]
)
def test_without_a_title_there_is_none(draw, of, ax):
    getattr(plots, draw)(ax, of)
    assert ax.get_title() == ""


def test_intervals_reach_from_their_lower_to_their_upper_limit(ax):
    intervals = [Interval(1.0, 0.5, 3.0, 4), Interval(-2.0, -2.5, -1.0, 4)]
    plots.draw_intervals(ax, [0.5, 7.0], intervals, label="error", color=plots.RED)
    (drawn,) = ax.containers
    dots, caps, (bars,) = drawn
    assert np.array(dots.get_data()).tolist() == [[0.5, 7.0], [1.0, -2.0]]
    ends = np.array([[[0.5, 0.5], [0.5, 3.0]], [[7.0, -2.5], [7.0, -1.0]]])
    assert np.array_equal(bars.get_segments(), ends)
    assert np.array_equal([cap.get_ydata() for cap in caps], ends[..., 1].T)
    for part in (dots, *caps, bars):
        assert same_color(part.get_color(), plots.RED)
    assert dots.get_marker() == "o"
    assert dots.get_linestyle() == "None"  # nothing joins the dots
    assert ax.get_legend_handles_labels()[1] == ["error"]


def test_a_second_series_of_intervals_has_dots_of_its_own(ax):
    plots.draw_intervals(ax, [0.0], [Interval(1.0, 0.5, 3.0, 4)], marker="s")
    dots = ax.containers[0][0]
    assert dots.get_marker() == "s"
    assert same_color(dots.get_color(), plots.BLUE)


def test_the_palette_is_the_one_of_its_source():
    """Red, green and blue as Okabe and Ito print them; grey is none of theirs."""
    theirs = [(0, 114, 178), (230, 159, 0), (0, 158, 115), (213, 94, 0),
              (204, 121, 167), (86, 180, 233)]  # fmt: skip
    rgb = 255 * np.array([to_rgb(colour) for colour in plots.PALETTE])
    np.testing.assert_allclose(rgb[:-1], theirs, atol=1e-9)
    assert len(set(rgb[-1])) == 1


def test_a_band_reaches_from_low_to_high_around_the_means_in_one_colour(ax):
    ax.plot([0, 1], [0, 0])  # takes the first colour
    intervals = [Interval(3.0, 1.0, 4.0, 8), (2.5, 2.0, 4.5)]
    plots.draw_band(ax, [0.5, 2.0], intervals, label="p = 0.3", line="o:")
    line, (band,) = ax.lines[-1], ax.collections
    assert line.get_xydata().tolist() == [[0.5, 3.0], [2.0, 2.5]]
    assert (line.get_marker(), line.get_linestyle()) == ("o", ":")
    assert line.get_label() == "p = 0.3"
    ends = {(0.5, 1.0), (0.5, 4.0), (2.0, 2.0), (2.0, 4.5)}
    assert set(map(tuple, band.get_paths()[0].vertices.tolist())) == ends
    assert same_color(line.get_color(), "C1")  # the next one
    assert same_color(band.get_facecolor()[0][:3], "C1")
    assert 0 < band.get_facecolor()[0][3] < 1  # bands may cover one another


def test_palette_colours_differ_in_lightness():
    """Distinguishable in grey too, for the two colours that are used most."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    rgb = [np.array(to_rgb(c)) @ weights for c in plots.PALETTE[:2]]
    assert abs(rgb[0] - rgb[1]) > 0.2


def test_the_style_shows_in_a_figure():
    with plt.rc_context():
        plots.use_style()
        figure, ax = plt.subplots()
        drawn = [ax.plot([0, 1], label="a line")[0].get_color() for _ in plots.PALETTE]
        assert figure.get_size_inches().tolist() == [7.0, 3.5]
        assert figure.get_layout_engine() is not None  # nothing overlaps
        assert tuple(drawn) == plots.PALETTE
        assert not ax.legend().get_frame_on()
        assert ax.get_axisbelow() is True  # the grid lies below what is drawn
        assert ax.xaxis.get_gridlines()[0].get_visible()
        assert [s for s, spine in ax.spines.items() if spine.get_visible()] == [
            "left", "bottom",
        ]  # fmt: skip
        assert ax.set_title("title").get_size() == ax.set_xlabel("label").get_size()
        plt.close(figure)
