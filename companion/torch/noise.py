"""Kinds of dropout in PyTorch that differ in their noise: Gaussian, alpha, concrete."""

import torch
from torch.nn import functional as F

from companion._arguments import (
    check_logit,
    check_nothing_kept,
    check_p,
    check_p_below_1,
    check_rate,
    check_temperature,
)
from companion._arithmetic import ALPHA_PRIME, alpha_affine
from companion.torch._drawing import (
    check_source,
    draw_noise,
    draw_uniforms,
)
from companion.torch._tensors import as_mask, check_floats, work_dtype
from companion.torch.dropout import Dropout
from companion.torch.granularity import ChannelDropout


class GaussianDropout(Dropout):
    """Multiplicative Gaussian noise with the mean and variance of dropout.

    Parameters
    ----------
    p : float
        Rate of the dropout whose variance the noise has, in [0, 1).
    rng : numpy.random.Generator or torch.Generator
        Source of the noise. Each forward pass in training draws new noise.

    Raises
    ------
    TypeError
        If p is not a real number, rng not a generator, or x not a float tensor.
    ValueError
        If p lies outside [0, 1).

    Notes
    -----
    .. math:: y_i = \\xi_i x_i, \\quad \\xi_i \\sim N\\left(1, \\frac{p}{1 - p}\\right)

    Nothing is dropped, and the sign of an activation may flip.

    Source: Srivastava et al. (2014), section 10. Explained in chapter 8.

    Examples
    --------
    >>> import numpy, torch
    >>> layer = GaussianDropout(0.2, numpy.random.default_rng(0))
    >>> y = layer(torch.ones(1_000_000))
    >>> round(y.mean().item(), 2), round(y.var().item(), 2)
    (1.0, 0.25)
    """

    def draw(self, x):
        """Return new noise for x, or None in evaluation mode and for p = 0."""
        p = check_p_below_1(self.p)
        if not self.training or p == 0.0:
            return None
        return draw_noise(self.mask_shape(x.shape), p, self.rng, x)

    @staticmethod
    def _masked(x, noise, p):
        return (x * noise).to(x.dtype)


def alpha_dropout_forward(x, mask, p):
    """Apply alpha dropout with a given mask: the dropped take the value of saturation.

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
        Same shape, dtype and device as x.

    Raises
    ------
    TypeError, ValueError
        As `dropout_forward`.

    Notes
    -----
    .. math:: y_i = a \\, (m_i x_i + (1 - m_i) \\alpha') + b, \\quad
        a = \\left((1 - p)(1 + p \\alpha'^2)\\right)^{-1/2}, \\quad b = -a p \\alpha'

    where :math:`\\alpha' = -1.7581` is the value towards which SELU falls. An x of
    mean 0 and variance 1 keeps both. For p = 1 the result is 0, the limit.

    Source: Klambauer et al. (2017), section 3. Explained in chapter 6.

    Examples
    --------
    >>> import torch
    >>> alpha_dropout_forward(torch.zeros(2), torch.tensor([True, False]), 0.2)
    tensor([ 0.3090, -1.2362])
    """
    p = check_p(p)
    check_floats(x, "x")
    mask = as_mask(mask, x)
    if p == 1.0:
        check_nothing_kept(mask.any())
        return torch.where(mask, x, 0.0)
    a, b = alpha_affine(p)
    y = torch.where(mask, a * x.to(work_dtype(x)) + b, a * ALPHA_PRIME + b)
    return y.to(x.dtype)


def alpha_dropout_backward(dy, mask, p):
    """Return the gradient of alpha dropout with respect to x.

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
        = a \\, m_i \\, \\frac{\\partial L}{\\partial y_i}

    Source: Klambauer et al. (2017), section 3. Explained in chapter 6.

    Examples
    --------
    >>> import torch
    >>> alpha_dropout_backward(torch.ones(2), torch.tensor([True, False]), 0.2)
    tensor([0.8789, 0.0000])
    """
    p = check_p(p)
    check_floats(dy, "dy")
    mask = as_mask(mask, dy)
    if p == 1.0:
        check_nothing_kept(mask.any())
        return torch.where(mask, dy, 0.0)
    scaled = alpha_affine(p)[0] * dy.to(work_dtype(dy))
    return torch.where(mask, scaled, 0.0).to(dy.dtype)


class AlphaDropout(Dropout):
    """Dropout for self-normalising networks: it keeps mean 0 and variance 1.

    Parameters
    ----------
    p : float
        Probability to **drop**, in [0, 1].
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
    See `alpha_dropout_forward` for the equation.

    Source: Klambauer et al. (2017), section 3. Explained in chapter 6.

    Examples
    --------
    >>> import numpy, torch
    >>> layer = AlphaDropout(0.2, numpy.random.default_rng(1))
    >>> layer(torch.zeros(5))
    tensor([ 0.3090,  0.3090, -1.2362,  0.3090,  0.3090])
    """

    _masked = staticmethod(alpha_dropout_forward)


class ChannelAlphaDropout(AlphaDropout, ChannelDropout):
    """Alpha dropout of whole channels.

    Parameters
    ----------
    p : float
        Probability to **drop** a channel, in [0, 1].
    rng : numpy.random.Generator or torch.Generator
        Source of the masks. Each forward pass in training draws a new one.
    channels_last : bool
        As in `ChannelDropout`.

    Raises
    ------
    TypeError, ValueError
        As `ChannelDropout`.

    Notes
    -----
    See `alpha_dropout_forward` for the equation; the mask has shape (N, C, 1, ...).

    Source: Klambauer et al. (2017), section 3; PyTorch's name for it is feature
    alpha dropout. Explained in chapter 6.

    Examples
    --------
    >>> import numpy, torch
    >>> layer = ChannelAlphaDropout(0.2, numpy.random.default_rng(1))
    >>> layer(torch.zeros(1, 4, 2))[0].T
    tensor([[ 0.3090,  0.3090, -1.2362,  0.3090],
            [ 0.3090,  0.3090, -1.2362,  0.3090]])
    """


class ConcreteDropout(torch.nn.Module):
    """Dropout whose rate is learned, by a smooth stand-in for the mask.

    Parameters
    ----------
    p : float
        Rate to start from, the probability to **drop**, strictly inside (0, 1).
    rng : numpy.random.Generator or torch.Generator
        Source of the uniforms. Each forward pass in training draws new ones.
    temperature : float
        Above 0; the smaller, the closer the noise is to 0 and 1.

    Attributes
    ----------
    logit : Parameter
        log(p / (1 - p)), a float64 tensor of shape (); what an optimiser changes.

    Raises
    ------
    TypeError
        If p or temperature is not a real number, rng not a generator, or x not a
        float tensor.
    ValueError
        If p lies outside (0, 1) or temperature is not above 0.

    Notes
    -----
    With u uniform on (0, 1), the temperature t, the sigmoid :math:`\\sigma` and its
    inverse :math:`\\ell(p) = \\log p - \\log(1 - p)`,

    .. math:: z_i = \\sigma\\left(\\frac{\\ell(p) + \\ell(u_i)}{t}\\right),
        \\qquad y_i = \\frac{1 - z_i}{1 - p} \\, x_i .

    z is near 1 with probability p; nothing is exactly 0, so nothing is dropped in
    full, and E[y] is x only in the limit of temperature 0. Add `penalty` to the
    loss: without it the rate falls towards 0.

    Source: Gal, Hron and Kendall (2017), section 3. Explained in chapter 8.

    Examples
    --------
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
        check_temperature(temperature)
        self.rng, self.temperature = rng, temperature

    @property
    def p(self):
        """The present rate, a float in (0, 1)."""
        return torch.sigmoid(self.logit).item()

    def draw(self, x):
        """Return uniforms for x, or None in evaluation mode."""
        return draw_uniforms(x.shape, self.rng, x) if self.training else None

    def forward(self, x):
        """Return x times the smooth noise, or x itself in evaluation mode."""
        check_floats(x, "x")
        u = self.draw(x)
        if u is None:
            return x
        z = torch.sigmoid((self.logit + u.log() - torch.log1p(-u)) / self.temperature)
        return (x * ((1.0 - z) / torch.sigmoid(-self.logit))).to(x.dtype)

    def penalty(self, weight, *, weight_scale, rate_scale):
        """Return the regulariser of the layer that follows, for the loss.

        Parameters
        ----------
        weight : Parameter
            Weights after the noise, shape (out_features, in_features).
        weight_scale, rate_scale : float
            Strength of the two terms, 0 or more.

        Returns
        -------
        torch.Tensor
            float64 scalar, through which autograd flows,

            .. math:: \\lambda_w \\frac{\\lVert W \\rVert^2}{1 - p}
                - \\lambda_p \\, K \\, H(p), \\quad
                H(p) = -p \\log p - (1 - p) \\log(1 - p)

            with K = in_features.
        """
        check_rate("weight_scale", weight_scale)
        check_rate("rate_scale", rate_scale)
        p, q = torch.sigmoid(self.logit), torch.sigmoid(-self.logit)
        entropy = -p * F.logsigmoid(self.logit) - q * F.logsigmoid(-self.logit)
        square = weight.double().square().sum()
        return weight_scale * square / q - rate_scale * weight.shape[1] * entropy

    def extra_repr(self):
        """Show the present rate and the temperature in the printed model."""
        return f"p={self.p:.3f}, temperature={self.temperature}"
