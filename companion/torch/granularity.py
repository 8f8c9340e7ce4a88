"""Kinds of dropout in PyTorch that differ in what shares a draw: the granularity."""

from torch.nn import functional as F

from companion._arguments import check_axes, check_block, check_count, check_flag
from companion.torch._drawing import draw_mask
from companion.torch._selection import select
from companion.torch._tensors import check_floats
from companion.torch.dropout import Dropout
from companion.torch.nn import softmax


class ChannelDropout(Dropout):
    """Dropout of whole channels: a feature map lives or dies as one.

    As :class:`companion.numpy.granularity.ChannelDropout`, for tensors; rng: as
    `Dropout`. Explained in chapter 6.

    >>> import numpy, torch
    >>> layer = ChannelDropout(0.2, numpy.random.default_rng(1))
    >>> layer(torch.ones(1, 4, 2))[0].T
    tensor([[1.2500, 1.2500, 0.0000, 1.2500],
            [1.2500, 1.2500, 0.0000, 1.2500]])
    """

    def __init__(self, p, rng, *, channels_last=False):
        super().__init__(p, rng)
        check_flag("channels_last", channels_last)
        self.channels_last = bool(channels_last)

    def mask_shape(self, shape):
        """Return (N, C, 1, ...), or (N, 1, ..., C) with channels last."""
        check_axes("x", shape, (3, 4, 5), "(N, C, L), (N, C, H, W) or (N, C, D, H, W)")
        ones = (1,) * (len(shape) - 2)
        if self.channels_last:
            return (shape[0], *ones, shape[-1])
        return (*shape[:2], *ones)


class TimeDropout(Dropout):
    """Dropout with one mask for all time steps of a sequence (variational dropout).

    As :class:`companion.numpy.granularity.TimeDropout`, for tensors; rng: as `Dropout`.
    Explained in chapter 6.

    >>> import numpy, torch
    >>> layer = TimeDropout(0.2, numpy.random.default_rng(1))
    >>> layer(torch.ones(1, 2, 4))[0]
    tensor([[1.2500, 1.2500, 0.0000, 1.2500],
            [1.2500, 1.2500, 0.0000, 1.2500]])
    """

    def mask_shape(self, shape):
        """Return (N, 1, D)."""
        check_axes("x", shape, (3,), "(N, T, D)")
        return (shape[0], 1, shape[2])


class DropPath(Dropout):
    """Dropout of a whole residual branch, drawn for each example (stochastic depth).

    As :class:`companion.numpy.granularity.DropPath`, for tensors; rng: as `Dropout`.
    Explained in chapter 6.

    >>> import numpy, torch
    >>> layer = DropPath(0.2, numpy.random.default_rng(1))
    >>> layer(torch.ones(4, 2)).T
    tensor([[1.2500, 1.2500, 0.0000, 1.2500],
            [1.2500, 1.2500, 0.0000, 1.2500]])
    """

    def __init__(self, p, rng, *, scale_by_keep=True):
        super().__init__(p, rng)
        check_flag("scale_by_keep", scale_by_keep)
        self.scale_by_keep = bool(scale_by_keep)

    def mask_shape(self, shape):
        """Return (N, 1, ...)."""
        check_axes("x", shape, range(1, 65), "(N, ...)")
        return (shape[0], *(1,) * (len(shape) - 1))

    # With p = 0 the forward pass selects and does not scale.
    def _masked(self, x, mask, p):
        return select(x, mask, p if self.scale_by_keep else 0.0)


class DropBlock(Dropout):
    """Dropout of contiguous blocks of a feature map.

    As :class:`companion.numpy.granularity.DropBlock`, for tensors; rng: as `Dropout`.
    Explained in chapter 6.

    >>> import numpy, torch
    >>> layer = DropBlock(0.3, 2, numpy.random.default_rng(3))
    >>> layer(torch.ones(1, 1, 3, 5))[0, 0]
    tensor([[1.4286, 1.4286, 1.4286, 1.4286, 1.4286],
            [1.4286, 0.0000, 0.0000, 0.0000, 0.0000],
            [1.4286, 0.0000, 0.0000, 0.0000, 0.0000]])
    """

    def __init__(self, p, block_size, rng):
        super().__init__(p, rng)
        self.block_size = check_count("block_size", block_size)

    def _draw(self, x, p):
        check_axes("x", x.shape, (3, 4), "(N, C, L) or (N, C, H, W)")
        size, sides = self.block_size, tuple(x.shape[2:])
        fits = tuple(n - size + 1 for n in sides)
        if min(fits) < 1:
            check_block(size, sides)
        if p == 1.0:  # no block need grow
            return draw_mask(x, x.shape, p, self.rng)
        starts = ~draw_mask(x, (*x.shape[:2], *fits), p, self.rng, (size, *sides))
        # Grow each start to a block: a maximum over the places whose block covers one.
        around = F.pad(starts.float(), (size - 1, size - 1) * len(fits))
        pool = F.max_pool1d if len(fits) == 1 else F.max_pool2d
        return pool(around, size, stride=1) == 0

    def extra_repr(self):
        """Show the rate and the block size in the printed model."""
        return f"p={self.p}, block_size={self.block_size}"


class AttentionDropout(Dropout):
    """Softmax over keys, then dropout of single attention weights.

    As :class:`companion.numpy.granularity.AttentionDropout`, for tensors; rng: as
    `Dropout`. Explained in chapter 6.

    >>> import numpy, torch
    >>> layer = AttentionDropout(0.2, numpy.random.default_rng(1))
    >>> layer(torch.zeros(1, 4))
    tensor([[0.3125, 0.3125, 0.0000, 0.3125]])
    >>> layer.eval()(torch.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """

    def forward(self, scores):
        """Return dropped attention weights, or the softmax in evaluation mode."""
        check_floats(scores, "scores")
        check_axes("scores", scores.shape, range(1, 65), "(..., queries, keys)")
        return super().forward(softmax(scores))
