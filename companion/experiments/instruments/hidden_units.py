"""What single hidden units answer to."""

import numpy as np

from companion._arguments import as_reals


def roughness(features):
    """Return how much pictures change from pixel to pixel.

    Parameters
    ----------
    features : array_like
        Pictures, none of them all zero, shape (..., height, width).

    Returns
    -------
    numpy.ndarray
        Shape (...): 0 for an even area, about 4 for white noise.

    Notes
    -----
    The squared differences of neighbours, over the squared values. Explained in
    chapter 2.

    Examples
    --------
    >>> float(roughness([[1.0, 1.0], [1.0, 1.0]])), float(roughness([[1.0, -1.0]]))
    (0.0, 2.0)
    """
    features = _pictures("features", features)
    steps = [(np.diff(features, axis=axis) ** 2).sum(axis=(-2, -1)) for axis in (-2, -1)]
    return sum(steps) / (features**2).sum(axis=(-2, -1))


def pixels_in_use(features):
    """Return over how many pixels the weight of a picture is spread.

    `features`: as `roughness`.

    Returns
    -------
    numpy.ndarray
        Shape (...): 1 for a single pixel, height times width for an even area.

    Notes
    -----
    .. math:: \\frac{\\left(\\sum_i w_i^2\\right)^2}{\\sum_i w_i^4}

    Explained in chapter 2, with `roughness`.

    Examples
    --------
    >>> float(pixels_in_use([[0.0, 3.0]])), float(pixels_in_use([[2.0, -2.0]]))
    (1.0, 2.0)
    """
    squares = _pictures("features", features) ** 2
    return squares.sum(axis=(-2, -1)) ** 2 / (squares**2).sum(axis=(-2, -1))


def _pictures(name, values):
    values = as_reals(name, values)
    if values.ndim < 2 or not values.size:
        raise ValueError(
            f"{name} must have two axes or more, none of them empty; got {values.shape}."
        )
    return values


def live_units(hidden):
    """Return which units answer to at least one input.

    Parameters
    ----------
    hidden : array_like
        Activations after a ReLU, shape (..., inputs, units).

    Returns
    -------
    numpy.ndarray
        Booleans, shape (..., units).

    Notes
    -----
    Explained in chapter 2.

    Examples
    --------
    >>> live_units(np.array([[0.0, 1.0], [0.0, 0.0]]))
    array([False,  True])
    """
    return _pictures("hidden", hidden).max(axis=-2) > 0
