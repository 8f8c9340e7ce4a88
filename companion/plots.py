"""Every figure style of the book, in one place.

Colours are from the palette of Okabe and Ito, which colour-blind readers can
tell apart. Meaning never rests on colour alone: kept units are filled, dropped
ones crossed out.
"""

import numpy as np

from companion._arguments import as_reals, check_sequence, missing

try:
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection, PatchCollection
    from matplotlib.patches import Rectangle
except ModuleNotFoundError as error:
    raise missing("matplotlib", "plots", error) from error

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY = "#CC79A7", "#56B4E9", "#6E6E6E"
PALETTE = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY)


def use_style():
    """Set matplotlib's defaults to the style of the book, for this process.

    Figures are 7 by 3.5 inches on white; the pages of the book turn their lightness over
    in the dark theme. Source: Okabe and Ito (2008) for the palette. Explained in
    chapter 1.

    >>> use_style()
    >>> plt.rcParams["axes.grid"]
    True
    """
    plt.rcParams.update(
        {
            "figure.figsize": (7.0, 3.5),
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": plt.cycler(color=PALETTE),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#DDDDDD",
            "font.size": 11.0,
            "axes.titlesize": 11.0,
            "legend.frameon": False,
            "lines.linewidth": 2.0,
        }
    )


def draw_mask(ax, mask, *, title=""):
    """Draw a keep mask as a grid: a filled square is kept, a cross is dropped.

    Explained in chapter 3.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    mask : numpy.ndarray
        Booleans, shape (rows, columns), True = keep; all else is a ValueError.
    title : str
        Title of the axes.

    Examples
    --------
    >>> figure, ax = plt.subplots()
    >>> draw_mask(ax, np.array([[True, False]]))
    >>> plt.close(figure)
    """
    _check_axes(ax)
    if type(mask) is not np.ndarray or mask.dtype != bool or mask.ndim != 2:
        raise ValueError(f"mask must be a 2-D array of booleans; got {mask!r}.")
    rows, columns = mask.shape
    side = 0.84
    for keep, face in ((True, BLUE), (False, "white")):
        corners = np.argwhere(mask == keep)[:, ::-1] - side / 2
        squares = [Rectangle(corner, side, side) for corner in corners]
        ax.add_collection(PatchCollection(squares, facecolor=face, edgecolor=GREY))
    dropped = np.argwhere(~mask)[:, ::-1]
    arm = 0.22 * np.array([[[-1, -1], [1, 1]], [[-1, 1], [1, -1]]])
    strokes = (dropped[:, None, None, :] + arm).reshape(-1, 2, 2)
    ax.add_collection(LineCollection(strokes, colors=RED))
    ax.set(xlim=(-0.7, columns - 0.3), ylim=(rows - 0.3, -0.7), title=title)
    ax.set_aspect("equal")
    ax.axis("off")


def draw_network(ax, keeps, *, title=""):
    """Draw a fully connected network with its dropped units crossed out.

    Source: the idea is figure 1 of Srivastava et al. (2014). Explained in chapter 1.

    Parameters
    ----------
    ax, title : as `draw_mask`
    keeps : sequence of numpy.ndarray
        One array of booleans for each layer, at least one, True = the unit is kept; all
        else is a ValueError. A line is drawn where both ends are kept.

    Examples
    --------
    >>> figure, ax = plt.subplots()
    >>> draw_network(ax, [np.array([True, False]), np.array([True])])
    >>> plt.close(figure)
    """
    _check_axes(ax)
    keeps = check_sequence("keeps", keeps)
    plain = all(type(keep) is np.ndarray and keep.dtype == bool for keep in keeps)
    if not keeps or not plain or any(keep.ndim != 1 for keep in keeps):
        raise ValueError(f"keeps must hold 1-D arrays of booleans; got {keeps!r}.")
    heights = [np.linspace(1, -1, len(k) + 2)[1:-1] for k in keeps]
    for layer in range(len(keeps) - 1):
        for y0 in heights[layer][keeps[layer]]:
            for y1 in heights[layer + 1][keeps[layer + 1]]:
                ax.plot([layer, layer + 1], [y0, y1], color=GREY, linewidth=0.7, zorder=1)
    for layer, (keep, y) in enumerate(zip(keeps, heights, strict=True)):
        at = np.full(len(y), layer)
        ax.scatter(at[keep], y[keep], s=150, color=BLUE, zorder=2)
        ax.scatter(at[~keep], y[~keep], s=150, color="white", edgecolor=GREY, zorder=2)
        ax.scatter(at[~keep], y[~keep], s=60, marker="x", color=RED, zorder=3)
    ax.set(title=title, xlim=(-0.3, len(keeps) - 0.7), ylim=(-1, 1))
    ax.axis("off")


def draw_intervals(ax, positions, intervals, *, label=None, color=BLUE, marker="o"):
    """Draw means with their confidence intervals as dots with bars.

    Explained in chapter 1.

    Parameters
    ----------
    ax : as `draw_mask`
    positions : sequence of float
        Where each interval stands on the horizontal axis.
    intervals : sequence of companion.experiments.Interval
        As many as positions. A tuple of mean, low and high is one too.
    label, color, marker : str
        Entry in the legend; colour of dots and bars; shape of the dots, another one for a
        second series.

    Examples
    --------
    >>> from companion.experiments import mean_interval
    >>> figure, ax = plt.subplots()
    >>> draw_intervals(ax, [0.0], [mean_interval([1.0, 2.0])])
    >>> plt.close(figure)
    """
    _check_axes(ax)
    positions, mean, low, high = _columns(positions, intervals)
    # Lists: with NumPy before 2.4 matplotlib warns of arrays of one number.
    bars = (mean - low).tolist(), (high - mean).tolist()
    ax.errorbar(
        positions, mean, yerr=bars, fmt=marker, capsize=4, color=color, label=label
    )


def draw_band(ax, positions, intervals, *, label=None, color=None, line="-"):
    """Draw means as a line, with their confidence intervals as a band around it.

    Explained in chapter 5.

    Parameters
    ----------
    ax, positions, intervals : as `draw_intervals`
    label, color : str
        Entry in the legend; colour of line and band, by default the next of the palette.
    line : str
        Style of the line and shape of its dots, as matplotlib writes them: "o--".

    Examples
    --------
    >>> figure, ax = plt.subplots()
    >>> draw_band(ax, [0.0, 1.0], [(1.5, 1.0, 2.0), (1.2, 0.8, 1.6)])
    >>> plt.close(figure)
    """
    _check_axes(ax)
    positions, mean, low, high = _columns(positions, intervals)
    (drawn,) = ax.plot(positions, mean, line, color=color, label=label)
    ax.fill_between(positions, low, high, color=drawn.get_color(), alpha=0.2)


def _columns(positions, intervals):
    """Return positions, and the means, lower and upper ends of as many intervals."""
    positions = check_sequence("positions", positions)
    as_reals("positions", positions)
    intervals = check_sequence("intervals", intervals)
    for interval in intervals:
        if not isinstance(interval, tuple) or len(interval) < 3:
            raise TypeError(f"intervals must be Intervals; got {interval!r}.")
    if len(positions) != len(intervals):
        raise ValueError(
            "positions and intervals must have the same length; got "
            f"{len(positions)} and {len(intervals)}."
        )
    numbers = as_reals("intervals", [interval[:3] for interval in intervals])
    return positions, *numbers.reshape(-1, 3).T


def _check_axes(ax):
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be axes of matplotlib; got {ax!r}. Pass plt.gca().")
