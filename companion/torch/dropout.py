"""Inverted dropout in PyTorch, with the masks of `companion.masks`.

PyTorch derives the backward pass itself; the tests compare it with the one that
`companion.numpy` writes by hand.
"""

import torch

from companion._arguments import check_flag, check_mask_shape, check_p
from companion.torch._drawing import check_source, draw_array, draw_mask, is_of_numpy
from companion.torch._selection import is_small, select, select_small
from companion.torch._tensors import check_floats, check_masked


def dropout(x, p, rng, *, training=True, mask_shape=None):
    """Drop elements of x at random and scale the others up: inverted dropout.

    Parameters
    ----------
    x : torch.Tensor
        Real floats of any shape. Left as it is.
    p : float
        Probability to **drop**, in [0, 1].
    rng : numpy.random.Generator or torch.Generator
        Source of the mask. A NumPy generator gives the mask that `companion.numpy` draws,
        on every platform; a torch generator draws on its own device.
    training : bool
        False returns x itself and draws nothing.
    mask_shape : tuple of int, optional
        Shape of the mask, with 1 for each axis along which one draw is shared; by default
        the shape of x. (N, C, 1, 1) drops whole channels.

    Returns
    -------
    torch.Tensor
        Same shape, dtype and device as x. It is x itself, not a copy, in evaluation and
        for p = 0.

    Raises
    ------
    TypeError
        If x is not a float tensor, p not a real number, or rng not a generator.
    ValueError
        If p lies outside [0, 1], mask_shape does not broadcast to x, or a torch generator
        lives on another device than x.

    Notes
    -----
    .. math:: y_i = \\frac{m_i x_i}{1 - p}, \\quad P(m_i = 1) = 1 - p,
        \\quad E[y_i] = x_i, \\quad \\mathrm{Var}[y_i] = \\frac{p}{1 - p} x_i^2

    Source: Srivastava et al. (2014), section 10. Explained in chapters 3 and 4.

    Examples
    --------
    >>> import numpy, torch
    >>> rng = numpy.random.default_rng(1)
    >>> dropout(torch.ones(5), 0.2, rng)
    tensor([1.2500, 1.2500, 0.0000, 1.2500, 1.2500])
    >>> dropout(torch.ones(5), 0.2, rng, training=False)
    tensor([1., 1., 1., 1., 1.])
    """
    p = check_p(p)
    check_source(rng)
    check_floats(x, "x")
    check_flag("training", training)
    shape = check_mask_shape(mask_shape, x.shape)
    if not training or p == 0.0:
        return x
    if is_of_numpy(rng) and p < 1.0 and is_small(x):
        return select_small(x, draw_array(x, shape, p, rng), p)  # the mask stays an array
    return select(x, draw_mask(x, shape, p, rng), p)


class Dropout(torch.nn.Module):
    """A layer that drops elements in training and does nothing in evaluation.

    Parameters
    ----------
    p : float
        Probability to **drop**, in [0, 1]. There is no default.
    rng : numpy.random.Generator or torch.Generator
        Source of the masks. Each forward pass in training draws a new one.

    Raises
    ------
    TypeError
        If p is not a real number, rng not a generator, or x not a float tensor.
    ValueError
        If p lies outside [0, 1].

    Notes
    -----
    See `dropout` for the equation. The layer has no parameters and no buffers.

    Source: Srivastava et al. (2014), sections 4 and 10. Explained in chapter 3.

    Examples
    --------
    >>> import numpy, torch
    >>> layer = Dropout(0.2, numpy.random.default_rng(1))
    >>> layer(torch.ones(5))
    tensor([1.2500, 1.2500, 0.0000, 1.2500, 1.2500])
    >>> layer.eval()(torch.ones(5))
    tensor([1., 1., 1., 1., 1.])
    """

    def __init__(self, p, rng):
        super().__init__()
        self.p = check_p(p)
        check_source(rng)
        self.rng = rng

    def mask_shape(self, shape):
        """Return the shape of the mask for an x of `shape`: the variants differ here."""
        return shape

    def draw(self, x):
        """Return a new mask for x, or None if nothing can be dropped now."""
        p = check_p(self.p)
        check_source(self.rng)
        return None if not self.training or p == 0.0 else self._draw(x, p)

    def _draw(self, x, p):
        return draw_mask(x, self.mask_shape(x.shape), p, self.rng)

    def forward(self, x):
        """Return x with elements dropped, or x itself in evaluation mode."""
        check_floats(x, "x")
        mask = self.draw(x)
        return x if mask is None else self._masked(x, mask, self.p)

    _masked = staticmethod(select)  # how a mask acts on x: the variants differ here, too

    def extra_repr(self):
        """Show p in the printed model."""
        return f"p={self.p}"


def dropout_forward(x, mask, p):
    """Apply inverted dropout with a given mask: keep and scale, or set to zero.

    As :func:`companion.numpy.dropout.dropout_forward`, for a tensor and a mask that is a
    tensor or an array. Autograd flows through it: the gradient of a dropped element is
    exactly +0.0 too. bfloat16 takes the scale in float32, as float16 does; an overflow
    warns nobody. Explained in chapter 3.

    >>> dropout_forward(torch.ones(4), torch.tensor([True, False, True, True]), 0.2)
    tensor([1.2500, 0.0000, 1.2500, 1.2500])
    """
    mask, p = check_masked(x, mask, p)
    return select(x, mask, p)


def dropout_backward(dy, mask, p):
    """Return the gradient with respect to x, given the gradient dy with respect to y.

    As :func:`companion.numpy.dropout.dropout_backward`; tensors: as `dropout_forward`.
    Autograd does this by itself; the function exists so that a reader can compare.
    Explained in chapter 3.

    >>> dropout_backward(torch.ones(3), torch.tensor([True, False, True]), 0.2)
    tensor([1.2500, 0.0000, 1.2500])
    """
    mask, p = check_masked(dy, mask, p, "dy")
    return select(dy, mask, p)
