"""Faulty kinds: draws shared along the wrong axes."""

import copy
import math

import numpy as np

import companion.numpy as good
from companion import masks
from companion.masks import block_start_rate
from companion.verify.mutants._catalogue import KeepsFirst, mutant


def _grown(shape, gamma, block_size, rng):
    """Return a DropBlock mask whose blocks start with probability gamma."""
    starts = ~masks.keep_mask(
        (*shape[:2], *(n - block_size + 1 for n in shape[2:])), gamma, rng
    )
    dropped = np.zeros(shape, bool)
    for index in np.argwhere(starts):
        dropped[(*index[:2], *(slice(i, i + block_size) for i in index[2:]))] = True
    return ~dropped


@mutant("ChannelDropout", origin="a popular tutorial's belief about nn.Dropout2d")
class channels_by_element(good.ChannelDropout):
    """Drops single elements."""

    def mask_shape(self, shape):
        return shape


@mutant(
    "ChannelDropout", origin="planted in PyTorch's own suite: noticed with 15 of 20 seeds"
)
class channels_by_example(good.ChannelDropout):
    """Drops all channels of an example together."""

    def mask_shape(self, shape):
        return (shape[0], *(1,) * (len(shape) - 1))


@mutant("ChannelDropout", origin="planted in PyTorch's own suite, which notices it")
class same_channels_for_all(good.ChannelDropout):
    """Drops the same channels in every example."""

    def mask_shape(self, shape):
        return (1, *super().mask_shape(shape)[1:])


@mutant("ChannelDropout", origin="PyTorch's own suite does not notice it")
class channels_never(good.ChannelDropout):
    """Does nothing in training."""

    def draw(self, x):
        return None


@mutant("ChannelDropout", origin="braindecode PR 1111: the layout is assumed")
class channels_always_first(good.ChannelDropout):
    """Ignores channels_last."""

    def __init__(self, p, rng, *, channels_last=False):
        super().__init__(p, rng)


@mutant("ChannelDropout", origin="planted in PyTorch's own suite, which notices it")
class channels_scaled_wrongly(good.ChannelDropout):
    """Scales by 0.98 / (1 - p)."""

    @staticmethod
    def _masked(x, mask, p):
        return (0.98 * good.dropout_forward(x, mask, p)).astype(x.dtype)


@mutant("TimeDropout", origin="keras #20276: a fresh mask at every step")
class time_not_shared(good.TimeDropout):
    """Draws for each time step."""

    def mask_shape(self, shape):
        return shape


@mutant(
    "TimeDropout", origin="locked dropout for (time, batch, feature), used batch first"
)
class locked_over_the_batch(good.TimeDropout):
    """Shares the mask over the examples, and not over time."""

    def mask_shape(self, shape):
        return (1, *shape[1:])


@mutant("DropPath", origin="timm #2118, dinov2 #442: one draw for the whole batch")
class path_for_the_batch(good.DropPath):
    """Drops the branch of all examples or of none."""

    def mask_shape(self, shape):
        return (1,) * len(shape)


@mutant("DropPath", origin="timm #887, Swin #366: the debate on the scale")
class path_never_scaled(good.DropPath):
    """Ignores scale_by_keep and never scales."""

    def __init__(self, p, rng, *, scale_by_keep=True):
        super().__init__(p, rng, scale_by_keep=False)


@mutant("DropPath", origin="the gradient of an unscaled branch")
class path_scales_the_gradient(good.DropPath):
    """Scales the gradient also where the forward pass does not."""

    def _masked_backward(self, dy, mask, p):
        return good.dropout_backward(dy, mask, p)


@mutant("DropBlock", origin="the paper's equation 1, which forgets that blocks overlap")
class blocks_too_rare(good.DropBlock):
    """Uses the paper's approximate rate and drops less than p."""

    def draw(self, x):
        if not self.training or self.p in (0.0, 1.0):
            return super().draw(x)
        area, size = math.prod(x.shape[2:]), self.block_size
        places = math.prod(n - size + 1 for n in x.shape[2:])
        gamma = self.p / size ** len(x.shape[2:]) * area / places
        return _grown(x.shape, min(gamma, 1.0), size, self.rng)


@mutant(
    "DropBlock", origin="timm @aa4b585: 92.9 % dropped at p = 0.1 for a whole-map block"
)
class blocks_start_anywhere(good.DropBlock):
    """Lets blocks start where they do not fit, and cuts them off."""

    def draw(self, x):
        if not self.training or self.p in (0.0, 1.0):
            return super().draw(x)
        wide = tuple(n + self.block_size - 1 for n in x.shape[2:])
        gamma = 1 - (1 - self.p) ** (self.block_size ** -len(wide))
        whole = _grown((*x.shape[:2], *wide), gamma, self.block_size, self.rng)
        return whole[tuple(slice(n) for n in x.shape)]


@mutant("DropBlock", origin="timm #2569: height and width mixed up for H != W")
class blocks_for_square_maps(good.DropBlock):
    """Takes the height for the width when it sets the rate."""

    def draw(self, x):
        if not self.training or self.p in (0.0, 1.0) or x.ndim < 4:
            return super().draw(x)
        side = min(x.shape[2:])
        gamma = block_start_rate(self.p, (side, side), self.block_size)
        return _grown(x.shape, gamma, self.block_size, self.rng)


@mutant("DropBlock", origin="one mask for all channels, an option of the paper")
class blocks_shared_by_channels(good.DropBlock):
    """Drops the same blocks in every channel."""

    def draw(self, x):
        mask = super().draw(x[:, :1])
        return mask if mask is None else np.broadcast_to(mask, x.shape)


@mutant("DropBlock", origin="miguelvr/dropblock #14: the block of an even size")
class even_blocks_grow(good.DropBlock):
    """Makes blocks of even size one wider."""

    def draw(self, x):
        if self.block_size % 2 or self.block_size + 1 > min(x.shape[2:]):
            return super().draw(x)
        wider = copy.copy(self)
        wider.block_size += 1
        return good.DropBlock.draw(wider, x)


@mutant("AttentionDropout", origin="dropout of the scores, before the softmax")
class attention_before_softmax(good.AttentionDropout):
    """Drops scores: a score of 0 has a weight, and hidden keys appear."""

    def forward(self, scores):
        self.mask = self.draw(scores)
        if self.mask is not None and self.p < 1.0:
            scores = good.dropout_forward(scores, self.mask, self.p)
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)


@mutant("AttentionDropout", origin="the gradient of the softmax left out")
class attention_half_gradient(good.AttentionDropout):
    """Forgets that the weights of a row depend on each other."""

    def backward(self, dy):
        return self._weights * good.Dropout.backward(self, dy)


@mutant("AttentionDropout", origin="rows made to sum to 1 again")
class attention_renormalised(good.AttentionDropout):
    """Divides each row by its sum after dropout."""

    def forward(self, scores):
        y = super().forward(scores)
        total = y.sum(axis=-1, keepdims=True)
        return np.divide(y, total, out=np.zeros_like(y), where=total > 0)


@mutant("AttentionDropout", origin="PyTorch #99293: the rate given to a fused function")
class attention_always_drops(good.AttentionDropout):
    """Drops in evaluation, too."""

    def draw(self, x):
        return masks.keep_mask(x.shape, self.p, self.rng) if self.p else None


@mutant("AttentionDropout", origin="a mask of one row, broadcast over the queries")
class attention_whole_keys(good.AttentionDropout):
    """Drops a key for all queries of an example."""

    def mask_shape(self, shape):
        return (*shape[:-2], 1, shape[-1])


@mutant("AttentionDropout", origin="a mask kept from call to call")
class attention_frozen(KeepsFirst, good.AttentionDropout):
    """Keeps its first mask."""
