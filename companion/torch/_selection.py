"""Selection and scale: y = x / (1 - p) where the mask keeps, and +0.0 elsewhere."""

import numpy as np
import torch

from companion._arithmetic import keep_scale, select_and_scale
from companion.torch._private import is_in_eager_memory

TINY = 2**12  # elements below which autograd's own operations are the quickest
SMALL = 2**14  # elements below which calls cost more than the work
BLOCK = 2**21  # elements whose input, mask and result stay in the cache
INTEGER = {
    torch.float16: torch.int16,
    torch.bfloat16: torch.int16,
    torch.float32: torch.int32,
    torch.float64: torch.int64,
}
EXACTLY = {torch.Tensor, torch.nn.Parameter}  # a subclass may mean something else
NUMPY = {torch.float16: "f2", torch.float32: "f4", torch.float64: "f8"}


def select(x, mask, p):
    """Apply a mask that fits x, without checks, the fastest way known to be right.

    Autograd keeps the mask for the backward pass, one byte an element.
    """
    if not is_plain(x) or (x.numel() < TINY and _needs_gradient(x)):
        return torch.where(mask, x * keep_scale(p), 0.0)
    if _needs_gradient(x):
        return _Select.apply(x, mask, p)
    return _select_plain(x, mask, p)


def select_small(x, mask, p):
    """Do the same for a small x with a mask that is an array: NumPy's calls cost half."""
    return torch.from_numpy(select_and_scale(x.numpy(), mask, p))


def is_plain(x):
    """Is x nothing but numbers in memory, which may be taken apart? All else is not."""
    return is_in_eager_memory(x) and type(x) in EXACTLY and x.dtype in INTEGER


def is_small(x):
    """Is x plain, without a gradient to come, and so small that NumPy is faster?"""
    return is_plain(x) and _suits_numpy(x) and not _needs_gradient(x)


def _suits_numpy(x):
    return x.numel() < SMALL and x.element_size() > 2  # it is slow in half precision


def _needs_gradient(x):
    return x.requires_grad and torch.is_grad_enabled()


class _Select(torch.autograd.Function):
    """Selection of a plain x; its gradient may be anything that autograd hands on."""

    @staticmethod
    def forward(ctx, x, mask, p):
        ctx.save_for_backward(mask)
        ctx.p = p
        return _select_plain(x, mask, p)

    @staticmethod
    def backward(ctx, dy):
        return select(dy, *ctx.saved_tensors, ctx.p), None, None


def _select_plain(x, mask, p):
    if _suits_numpy(x):
        return select_small(x, mask.numpy(), p)
    y, scale, integer = _empty_like(x), keep_scale(p), INTEGER[x.dtype]
    blocks = [(y, x, mask)]
    if x.numel() > BLOCK and x.is_contiguous():
        flat = (y.view(-1), x.view(-1), mask.expand(x.shape).reshape(-1))
        blocks = zip(*(part.split(BLOCK) for part in flat), strict=True)
    # 1 times the bits of a number are these bits, and 0 times them is +0.0. So this is a
    # selection, also where x is inf or nan; torch.where is five to ten times slower.
    for y_block, x_block, mask_block in blocks:
        y_block.view(integer).copy_(mask_block).mul_(x_block.view(integer))
        y_block.mul_(scale)
    return y


def _empty_like(x):
    """Return torch.empty_like(x), in huge pages of memory if it is large.

    NumPy asks the system for huge pages and PyTorch does not. To touch small pages for
    the first time takes longer than all of dropout.
    """
    if x.is_contiguous() and x.dtype in NUMPY:
        return torch.from_numpy(np.empty(x.shape, NUMPY[x.dtype]))
    return torch.empty_like(x)
