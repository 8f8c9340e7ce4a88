"""Inverted dropout in NumPy, with its backward pass written by hand."""

from companion._arguments import (
    check_flag,
    check_generator,
    check_mask_shape,
    check_p,
)
from companion._arithmetic import select_and_scale
from companion.masks import draw_keep_mask
from companion.numpy._arrays import check_floats, check_masked
from companion.numpy.nn import Module


def dropout(x, p, rng, *, training=True, mask_shape=None):
    """Drop elements of x at random and scale the others up: inverted dropout.

    Parameters
    ----------
    x : numpy.ndarray
        Real floats of any shape. Left as it is.
    p : float
        Probability to **drop**, in [0, 1].
    rng : numpy.random.Generator
        Source of the mask.
    training : bool
        False returns x itself and draws nothing.
    mask_shape : tuple of int, optional
        Shape of the mask, with 1 for each axis along which one draw is shared; by default
        the shape of x. (N, C, 1, 1) drops whole channels.

    Returns
    -------
    numpy.ndarray
        Same shape and dtype as x. It is x itself, not a copy, in evaluation and for
        p = 0.

    Raises
    ------
    TypeError
        If x is not a float array, p not a real number, or rng not a Generator.
    ValueError
        If p lies outside [0, 1] or mask_shape does not broadcast to x.

    Notes
    -----
    .. math:: y_i = \\frac{m_i x_i}{1 - p}, \\quad P(m_i = 1) = 1 - p,
        \\quad E[y_i] = x_i, \\quad \\mathrm{Var}[y_i] = \\frac{p}{1 - p} x_i^2

    Source: Srivastava et al. (2014), section 10. Explained in chapters 3 and 4.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> dropout(np.ones(5), 0.2, rng)
    array([1.25, 1.25, 0.  , 1.25, 1.25])
    >>> dropout(np.ones(5), 0.2, rng, training=False)
    array([1., 1., 1., 1., 1.])
    """
    p = check_p(p)
    check_generator(rng)
    check_flag("training", training)
    x = check_floats(x, "x")
    shape = check_mask_shape(mask_shape, x.shape)
    if not training or p == 0.0:
        return x
    return select_and_scale(x, draw_keep_mask(shape, p, rng.bit_generator), p)


class Dropout(Module):
    """A layer that drops elements in training and does nothing in evaluation.

    Parameters
    ----------
    p : float
        Probability to **drop**, in [0, 1]. There is no default.
    rng : numpy.random.Generator
        Source of the masks. Each forward pass in training draws a new one.

    Attributes
    ----------
    mask : numpy.ndarray or None
        Keep mask of the last forward pass; None if nothing could be dropped.

    Raises
    ------
    TypeError
        If p is not a real number, rng not a Generator, or x not a float array.
    ValueError
        If p lies outside [0, 1].
    RuntimeError
        If `backward` is called before `forward`, or twice after several: see `nn.Module`.

    Notes
    -----
    See `dropout` for the equation. Source: Srivastava et al. (2014), sections 4 and 10.
    Explained in chapter 3.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Dropout(0.2, np.random.default_rng(1))
    >>> layer(np.ones(5))
    array([1.25, 1.25, 0.  , 1.25, 1.25])
    >>> layer.backward(np.ones(5))
    array([1.25, 1.25, 0.  , 1.25, 1.25])
    >>> layer.eval()(np.ones(5))
    array([1., 1., 1., 1., 1.])
    """

    def __init__(self, p, rng):
        super().__init__()
        self.p = check_p(p)
        check_generator(rng)
        self.rng = rng
        self.mask = None

    def mask_shape(self, shape):
        """Return the shape of the mask for an x of `shape`: the variants differ here."""
        return shape

    def draw(self, x):
        """Return a new mask for x, or None if nothing can be dropped now."""
        p = check_p(self.p)
        check_generator(self.rng)
        return None if not self.training or p == 0.0 else self._draw(x, p)

    def _draw(self, x, p):
        return draw_keep_mask(self.mask_shape(x.shape), p, self.rng.bit_generator)

    def forward(self, x):
        """Return x with elements dropped, or x itself in evaluation mode."""
        x = check_floats(x, "x")
        p, mask = self.p, self.draw(x)
        y = x if mask is None else self._masked(x, mask, p)
        self._forward_p, self.mask = p, mask  # a schedule may change p before backward
        return self._went_forward(y)

    def backward(self, dy):
        """Return the gradient with respect to the last input of `forward`."""
        dy, mask = self._gradient(dy), self.mask
        return dy if mask is None else self._masked_backward(dy, mask, self._forward_p)

    # How a mask acts on x, and on the gradient: the variants differ here, too.
    _masked = _masked_backward = staticmethod(select_and_scale)

    def __repr__(self):
        return f"{type(self).__name__}(p={self.p})"


def dropout_forward(x, mask, p):
    """Apply inverted dropout with a given mask: keep and scale, or set to zero.

    .. math:: y_i = \\begin{cases} x_i / (1 - p) & m_i = 1 \\\\ 0 & m_i = 0 \\end{cases}

    The result has the shape and dtype of x. The mask selects and does not multiply: a
    dropped element is exactly +0.0 even where x is inf or nan. The scale 1/(1-p) is
    computed in float64 and rounded once, to the dtype of x (to float32 where x is
    float16). A kept value that then overflows becomes inf, with NumPy's RuntimeWarning.
    Source: Srivastava et al. (2014), section 10. Explained in chapter 3.

    Parameters
    ----------
    x : numpy.ndarray
        Real floats of any shape. Left as it is.
    mask : numpy.ndarray
        Booleans, True = keep, of a shape that broadcasts to that of x. For p = 1 it must
        keep nothing.
    p : float
        Probability to **drop** with which the mask was drawn, in [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> dropout_forward(np.ones(4), np.array([True, False, True, True]), 0.2)
    array([1.25, 0.  , 1.25, 1.25])
    """
    x, p = check_masked(x, mask, p)
    return select_and_scale(x, mask, p)


def dropout_backward(dy, mask, p):
    """Return the gradient with respect to x, given the gradient dy with respect to y.

    Dropout with a fixed mask is linear and acts on each element alone, so its derivative
    is the same selection with the same scale:

    .. math:: \\frac{\\partial L}{\\partial x_i}
        = \\frac{m_i}{1 - p} \\, \\frac{\\partial L}{\\partial y_i}

    Source: Srivastava et al. (2014), section 5.1. Explained in chapter 3.

    Parameters
    ----------
    dy : numpy.ndarray
        Gradient with respect to the output; real floats. The result is alike.
    mask, p : as `dropout_forward`

    Examples
    --------
    >>> import numpy as np
    >>> dropout_backward(np.ones(3), np.array([True, False, True]), 0.2)
    array([1.25, 0.  , 1.25])
    """
    dy, p = check_masked(dy, mask, p, "dy")
    return select_and_scale(dy, mask, p)
