"""Inverted dropout in PyTorch, with the masks of `companion.masks`.

PyTorch derives the backward pass itself; the tests compare it with the one that
`companion.numpy` writes by hand.
"""

import numpy as np
import torch

from companion._arguments import check_mask_shape, check_nothing_kept, check_p
from companion.numpy._arrays import select_and_scale
from companion.torch._drawing import check_source, draw_array, draw_mask, is_transformed
from companion.torch._tensors import as_mask, check_floats

SMALL = 2**14  # elements below which calls cost more than the work
BLOCK = 2**21  # elements whose input, mask and result stay in the cache
INTEGER = {2: torch.int16, 4: torch.int32, 8: torch.int64}
NUMPY = {torch.float16: "f2", torch.float32: "f4", torch.float64: "f8"}


def _empty_like(x):
    """Return torch.empty_like(x), in huge pages of memory if it is large.

    NumPy asks the system for huge pages and PyTorch does not. To touch small pages for
    the first time takes longer than all of dropout.
    """
    if x.is_contiguous() and x.dtype in NUMPY:
        return torch.from_numpy(np.empty(x.shape, NUMPY[x.dtype]))
    return torch.empty_like(x)


def _is_small(x):
    """Is x a CPU tensor for which NumPy is faster? Its calls cost half as much."""
    return x.numel() < SMALL and x.is_cpu and x.dtype in NUMPY


def _select_and_scale_small(x, mask, p):
    """As `_select_and_scale`, for a mask that is a NumPy array."""
    return torch.from_numpy(select_and_scale(x.numpy(), mask, p))


def _select_and_scale(x, mask, p):
    """Return x / (1 - p) where the mask keeps and +0.0 elsewhere; on the CPU."""
    if _is_small(x):
        return _select_and_scale_small(x, mask.numpy(), p)
    y, scale = _empty_like(x), 1.0 / (1.0 - p)
    blocks = [(y, x, mask)]
    if x.numel() > BLOCK and x.is_contiguous():
        flat = (y.view(-1), x.view(-1), mask.expand(x.shape).reshape(-1))
        blocks = zip(*(part.split(BLOCK) for part in flat), strict=True)
    # 1 times the bits of a number are these bits, and 0 times them is +0.0. So this is a
    # selection, also where x is inf or nan; torch.where is five to ten times slower.
    integer = INTEGER[x.element_size()]
    for y_block, x_block, mask_block in blocks:
        y_block.view(integer).copy_(mask_block).mul_(x_block.view(integer))
        y_block.mul_(scale)
    return y


class _Select(torch.autograd.Function):
    """Selection and scale with a given mask; keeps the mask, one byte an element."""

    @staticmethod
    def forward(ctx, x, mask, p):
        ctx.save_for_backward(mask)
        ctx.p = p
        return _select_and_scale(x, mask, p)

    @staticmethod
    def backward(ctx, dy):
        return _apply(dy, *ctx.saved_tensors, ctx.p), None, None


def _apply(x, mask, p):
    """Apply a mask to x, p < 1, without checks: the fastest way that fits x."""
    if not x.is_cpu or is_transformed():
        return torch.where(mask, x * (1.0 / (1.0 - p)), 0.0)
    if x.requires_grad and torch.is_grad_enabled():
        return _Select.apply(x, mask, p)
    return _select_and_scale(x, mask, p)


def dropout_forward(x, mask, p):
    """Apply inverted dropout with a given mask: keep and scale, or set to zero.

    Parameters
    ----------
    x : torch.Tensor
        Real floats of any shape. Left as it is.
    mask : torch.Tensor or numpy.ndarray
        Booleans, True = keep, of a shape that broadcasts to that of x.
    p : float
        Probability to **drop** with which the mask was drawn, in [0, 1].

    Returns
    -------
    torch.Tensor
        Same shape, dtype and device as x. Autograd flows through it.

    Raises
    ------
    TypeError
        If x is not a float tensor, mask not boolean, or p not a real number.
    ValueError
        If p lies outside [0, 1], the mask does not broadcast to x, or it keeps
        something although p = 1.

    Notes
    -----
    .. math:: y_i = \\begin{cases} x_i / (1 - p) & m_i = 1 \\\\ 0 & m_i = 0 \\end{cases}

    The mask selects and does not multiply: a dropped element is exactly +0.0
    even where x is inf or nan, and so is its gradient. The scale 1/(1-p) is
    computed in float64 and rounded once, to the dtype of x (to float32 where x
    is float16 or bfloat16). A kept value that then overflows becomes inf.

    Source: Srivastava et al. (2014), section 10. Explained in chapter 3.

    Examples
    --------
    >>> import torch
    >>> dropout_forward(torch.ones(4), torch.tensor([True, False, True, True]), 0.2)
    tensor([1.2500, 0.0000, 1.2500, 1.2500])
    """
    p = check_p(p)
    check_floats(x, "x")
    mask = as_mask(mask, x)
    if p == 1.0:
        check_nothing_kept(mask.any())
        return torch.where(mask, x, 0.0)
    return _apply(x, mask, p)


def dropout_backward(dy, mask, p):
    """Return the gradient with respect to x, given the gradient dy with respect to y.

    Autograd does this by itself; the function exists so that the two frameworks
    hold the same names and a reader can compare.

    Parameters
    ----------
    dy : torch.Tensor
        Gradient of the loss with respect to the output; real floats.
    mask : torch.Tensor or numpy.ndarray
        The mask of the forward pass: booleans that broadcast to dy.
    p : float
        Probability to **drop** of the forward pass, in [0, 1].

    Returns
    -------
    torch.Tensor
        Same shape, dtype and device as dy.

    Raises
    ------
    TypeError, ValueError
        As `dropout_forward`.

    Notes
    -----
    .. math:: \\frac{\\partial L}{\\partial x_i}
        = \\frac{m_i}{1 - p} \\, \\frac{\\partial L}{\\partial y_i}

    Source: Srivastava et al. (2014), section 5.1. Explained in chapter 3.

    Examples
    --------
    >>> import torch
    >>> dropout_backward(torch.ones(3), torch.tensor([True, False, True]), 0.2)
    tensor([1.2500, 0.0000, 1.2500])
    """
    check_floats(dy, "dy")
    return dropout_forward(dy, mask, p)


def dropout(x, p, rng, *, training=True, mask_shape=None):
    """Drop elements of x at random and scale the others up: inverted dropout.

    Parameters
    ----------
    x : torch.Tensor
        Real floats of any shape. Left as it is.
    p : float
        Probability to **drop**, in [0, 1].
    rng : numpy.random.Generator or torch.Generator
        Source of the mask. A NumPy generator gives the mask that
        `companion.numpy` draws, on every platform; a torch generator draws on
        its own device.
    training : bool
        False returns x itself and draws nothing.
    mask_shape : tuple of int, optional
        Shape of the mask, with 1 for each axis along which one draw is shared;
        by default the shape of x. (N, C, 1, 1) drops whole channels.

    Returns
    -------
    torch.Tensor
        Same shape, dtype and device as x. It is x itself, not a copy, in
        evaluation and for p = 0.

    Raises
    ------
    TypeError
        If x is not a float tensor, p not a real number, or rng not a generator.
    ValueError
        If p lies outside [0, 1], mask_shape does not broadcast to x, or a torch
        generator lives on another device than x.

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
    shape = check_mask_shape(mask_shape, x.shape)
    if not training or p == 0.0:
        return x
    if p == 1.0:  # nothing to draw
        return dropout_forward(x, torch.zeros((), dtype=torch.bool), p)
    if (
        _is_small(x)
        and isinstance(rng, np.random.Generator)
        and not is_transformed()
        and not (x.requires_grad and torch.is_grad_enabled())
    ):  # the mask need not become a tensor
        return _select_and_scale_small(x, draw_array(shape, p, rng), p)
    return _apply(x, draw_mask(shape, p, rng, x), p)


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
        If p is not a real number or rng not a generator.
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
        if not self.training or p == 0.0:
            return None
        shape = self.mask_shape(x.shape)
        if p == 1.0:  # nothing to draw
            return torch.zeros((), dtype=torch.bool, device=x.device)
        return draw_mask(shape, p, self.rng, x)

    def forward(self, x):
        """Return x with elements dropped, or x itself in evaluation mode."""
        check_floats(x, "x")
        mask = self.draw(x)
        return x if mask is None else self._masked(x, mask, self.p)

    @staticmethod
    def _masked(x, mask, p):
        """Apply a mask of this layer, which needs no check; variants replace this."""
        return dropout_forward(x, mask, p) if p == 1.0 else _apply(x, mask, p)

    def extra_repr(self):
        """Show p in the printed model."""
        return f"p={self.p}"
