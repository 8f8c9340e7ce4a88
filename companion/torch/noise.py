"""Kinds of dropout in PyTorch that differ in their noise: Gaussian, alpha, concrete."""

import torch
from torch.nn import functional as F

from companion._arguments import (
    check_above_0,
    check_axes,
    check_below_1,
    check_logit,
    check_rate,
)
from companion._arithmetic import ALPHA_PRIME, alpha_affine
from companion.torch._drawing import check_source, source
from companion.torch._private import can_be_read
from companion.torch._tensors import check_floats, check_masked, work_dtype
from companion.torch.dropout import Dropout
from companion.torch.granularity import ChannelDropout


class GaussianDropout(Dropout):
    """Multiplicative Gaussian noise with the mean and variance of dropout.

    As :class:`companion.numpy.noise.GaussianDropout`, for tensors; rng: as `Dropout`.
    Explained in chapter 8.

    >>> import numpy, torch
    >>> layer = GaussianDropout(0.2, numpy.random.default_rng(0))
    >>> y = layer(torch.ones(1_000_000))
    >>> round(y.mean().item(), 2), round(y.var().item(), 2)
    (1.0, 0.25)
    """

    def draw(self, x):
        """Return new noise for x, or None in evaluation mode and for p = 0."""
        check_below_1("p", self.p)
        return super().draw(x)

    def _draw(self, x, p):
        return source(self.rng, x).noise(self.mask_shape(x.shape), p)

    @staticmethod
    def _masked(x, noise, p):
        return (x * noise).to(x.dtype)


def alpha_dropout_forward(x, mask, p):
    """Apply alpha dropout with a given mask: the dropped take the value of saturation.

    As :func:`companion.numpy.noise.alpha_dropout_forward`, for a tensor and a mask that
    is a tensor or an array; autograd flows through it. Explained in chapter 6.

    >>> alpha_dropout_forward(torch.zeros(2), torch.tensor([True, False]), 0.2)
    tensor([ 0.3090, -1.2362])
    """
    mask, p = check_masked(x, mask, p)
    return _alpha(x, mask, p)


def alpha_dropout_backward(dy, mask, p):
    """Return the gradient of alpha dropout with respect to x.

    As :func:`companion.numpy.noise.alpha_dropout_backward`; tensors: as
    `alpha_dropout_forward`. Autograd does this by itself; the function exists so that a
    reader can compare. Explained in chapter 6, with `alpha_dropout_forward`.

    >>> alpha_dropout_backward(torch.ones(2), torch.tensor([True, False]), 0.2)
    tensor([0.8789, 0.0000])
    """
    mask, p = check_masked(dy, mask, p, "dy")
    if p == 1.0:
        return torch.where(mask, dy, 0.0)
    scaled = alpha_affine(p)[0] * dy.to(work_dtype(dy))
    return torch.where(mask, scaled, 0.0).to(dy.dtype)


def _alpha(x, mask, p):
    if p == 1.0:  # a is infinite, and 0 the limit
        return torch.where(mask, x, 0.0)
    a, b = alpha_affine(p)
    y = torch.where(mask, a * x.to(work_dtype(x)) + b, a * ALPHA_PRIME + b)
    return y.to(x.dtype)


class AlphaDropout(Dropout):
    """Dropout for self-normalising networks: it keeps mean 0 and variance 1.

    As :class:`companion.numpy.noise.AlphaDropout`, for tensors; rng: as `Dropout`.
    Explained in chapter 6, with `alpha_dropout_forward`.

    >>> import numpy, torch
    >>> layer = AlphaDropout(0.2, numpy.random.default_rng(1))
    >>> layer(torch.zeros(5))
    tensor([ 0.3090,  0.3090, -1.2362,  0.3090,  0.3090])
    """

    _masked = staticmethod(_alpha)


class ChannelAlphaDropout(AlphaDropout, ChannelDropout):
    """Alpha dropout of whole channels.

    As :class:`companion.numpy.noise.ChannelAlphaDropout`, for tensors; rng: as `Dropout`.
    Explained in chapter 6, with `alpha_dropout_forward`.

    >>> import numpy, torch
    >>> layer = ChannelAlphaDropout(0.2, numpy.random.default_rng(1))
    >>> layer(torch.zeros(1, 4, 2))[0].T
    tensor([[ 0.3090,  0.3090, -1.2362,  0.3090],
            [ 0.3090,  0.3090, -1.2362,  0.3090]])
    """


class ConcreteDropout(torch.nn.Module):
    """Dropout whose rate is learned, by a smooth stand-in for the mask.

    As :class:`companion.numpy.noise.ConcreteDropout`, for tensors; rng: as `Dropout`;
    `logit` is a float64 tensor of shape (). Explained in chapter 8.

    >>> import numpy, torch
    >>> layer = ConcreteDropout(0.2, numpy.random.default_rng(1), temperature=0.5)
    >>> layer(torch.ones(5)).detach()
    tensor([1.1696, 0.0521, 1.2478, 0.0560, 1.2342])
    >>> round(layer.p, 3)
    0.2
    """

    def __init__(self, p, rng, *, temperature=0.1):
        super().__init__()
        self.logit = torch.nn.Parameter(torch.tensor(check_logit(p), dtype=torch.float64))
        check_source(rng)
        self.rng, self.temperature = rng, check_above_0("temperature", temperature)

    @property
    def p(self):
        """The present rate, a float in (0, 1)."""
        return torch.sigmoid(self.logit).item()

    def draw(self, x):
        """Return uniforms for x, or None in evaluation mode."""
        check_source(self.rng)
        return source(self.rng, x).uniforms(x.shape) if self.training else None

    def forward(self, x):
        """Return x times the smooth noise, or x itself in evaluation mode."""
        check_floats(x, "x")
        u = self.draw(x)
        if u is None:
            return x
        z = (self.logit + u.log() - torch.log1p(-u)) / self.temperature
        # (1 - sigmoid(z)) / (1 - p): of logarithms, since near p = 1 both are lost in 1.
        scale = torch.exp(F.logsigmoid(-z) - F.logsigmoid(-self.logit))
        return (x * scale).to(x.dtype)

    def penalty(self, weight, *, weight_scale, rate_scale):
        """Return the regulariser of the layer that follows, for the loss.

        As :meth:`companion.numpy.noise.ConcreteDropout.penalty`, a float64 scalar through
        which autograd flows; weight has shape (out_features, in_features).
        """
        weight_scale = check_rate("weight_scale", weight_scale)
        rate_scale = check_rate("rate_scale", rate_scale)
        check_floats(weight, "weight")
        p, q = torch.sigmoid(self.logit), torch.sigmoid(-self.logit)
        entropy = -p * F.logsigmoid(self.logit) - q * F.logsigmoid(-self.logit)
        check_axes("weight", weight.shape, (2,), "(out_features, in_features)")
        square = weight.double().square().sum()
        # 1 + odds is 1 / q, whose gradient would be lost where q is 1 but for rounding.
        decay = weight_scale * square * (1.0 + self.logit.exp())
        return decay - rate_scale * weight.shape[1] * entropy

    def extra_repr(self):
        """Show the present rate and the temperature in the printed model."""
        p = f"{self.p:.3f}" if can_be_read(self.logit) else "unknown"
        return f"p={p}, temperature={self.temperature}"
