"""Kinds of dropout in NumPy that differ in their noise: Gaussian, alpha, concrete."""

import numpy as np

from companion._arguments import (
    check_above_0,
    check_axes,
    check_below_1,
    check_generator,
    check_logit,
    check_rate,
)
from companion._arithmetic import ALPHA_PRIME, alpha_affine, work_dtype
from companion.masks import gaussian_noise, open_uniforms
from companion.numpy._arrays import check_floats, check_masked
from companion.numpy.dropout import Dropout
from companion.numpy.granularity import ChannelDropout
from companion.numpy.nn import Module, Parameter


class GaussianDropout(Dropout):
    """Multiplicative Gaussian noise with the mean and variance of dropout.

    .. math:: y_i = \\xi_i x_i, \\quad \\xi_i \\sim N\\left(1, \\frac{p}{1 - p}\\right)

    Nothing is dropped, and the sign of an activation may flip. `mask` holds the noise,
    float64. Source: Srivastava et al. (2014), section 10. Explained in chapter 8.

    Parameters
    ----------
    p : float
        Rate of the dropout whose variance the noise has, in [0, 1).
    rng : as `Dropout`

    Examples
    --------
    >>> layer = GaussianDropout(0.2, np.random.default_rng(0))
    >>> y = layer(np.ones(1_000_000))
    >>> round(float(y.mean()), 2), round(float(y.var()), 2)
    (1.0, 0.25)
    """

    def draw(self, x):
        """Return new noise for x, or None in evaluation mode and for p = 0."""
        check_below_1("p", self.p)
        return super().draw(x)

    def _draw(self, x, p):
        return gaussian_noise(self.mask_shape(x.shape), p, self.rng)

    @staticmethod
    def _masked(x, noise, p):
        return (x * noise).astype(x.dtype)

    _masked_backward = _masked


def alpha_dropout_forward(x, mask, p):
    """Apply alpha dropout with a given mask: the dropped take the value of saturation.

    Parameters and result: as `dropout_forward`.

    .. math:: y_i = a \\, (m_i x_i + (1 - m_i) \\alpha') + b, \\quad
        a = \\left((1 - p)(1 + p \\alpha'^2)\\right)^{-1/2}, \\quad b = -a p \\alpha'

    where :math:`\\alpha' = -1.7581` is the value towards which SELU falls. An x of mean 0
    and variance 1 keeps both. For p = 1 the result is 0, the limit. Source: Klambauer et
    al. (2017), section 3. Explained in chapter 6.

    >>> alpha_dropout_forward(np.zeros(2), np.array([True, False]), 0.2).round(3)
    array([ 0.309, -1.236])
    """
    x, p = check_masked(x, mask, p)
    return _alpha(x, mask, p)


def alpha_dropout_backward(dy, mask, p):
    """Return the gradient of alpha dropout with respect to x.

    Parameters and result: as `dropout_backward`.

    .. math:: \\frac{\\partial L}{\\partial x_i}
        = a \\, m_i \\, \\frac{\\partial L}{\\partial y_i}

    Source: Klambauer et al. (2017), section 3. Explained in chapter 6, with
    `alpha_dropout_forward`.

    >>> alpha_dropout_backward(np.ones(2), np.array([True, False]), 0.2).round(3)
    array([0.879, 0.   ])
    """
    dy, p = check_masked(dy, mask, p, "dy")
    return _alpha_backward(dy, mask, p)


def _alpha(x, mask, p):
    if p == 1.0:  # a is infinite, and 0 the limit
        return np.zeros_like(x)
    (a, b), work = alpha_affine(p), work_dtype(x)
    y = np.where(mask, work.type(a) * x.astype(work) + work.type(b), a * ALPHA_PRIME + b)
    return y.astype(x.dtype)


def _alpha_backward(dy, mask, p):
    if p == 1.0:
        return np.zeros_like(dy)
    work = work_dtype(dy)
    scaled = work.type(alpha_affine(p)[0]) * dy.astype(work)
    return np.where(mask, scaled, work.type(0)).astype(dy.dtype)


class AlphaDropout(Dropout):
    """Dropout for self-normalising networks: it keeps mean 0 and variance 1.

    Parameters: as `Dropout`; equation: as `alpha_dropout_forward`. Source: Klambauer et
    al. (2017), section 3. Explained in chapter 6, with `alpha_dropout_forward`.

    >>> layer = AlphaDropout(0.2, np.random.default_rng(1))
    >>> layer(np.zeros(5)).round(3)
    array([ 0.309,  0.309, -1.236,  0.309,  0.309])
    """

    _masked = staticmethod(_alpha)
    _masked_backward = staticmethod(_alpha_backward)


class ChannelAlphaDropout(AlphaDropout, ChannelDropout):
    """Alpha dropout of whole channels.

    Parameters: as `ChannelDropout`; equation: as `alpha_dropout_forward`, with a mask of
    shape (N, C, 1, ...). Source: Klambauer et al. (2017), section 3; PyTorch's name for
    it is feature alpha dropout. Explained in chapter 6, with `alpha_dropout_forward`.

    >>> layer = ChannelAlphaDropout(0.2, np.random.default_rng(1))
    >>> layer(np.zeros((1, 4, 2)))[0].T.round(3)
    array([[ 0.309,  0.309, -1.236,  0.309],
           [ 0.309,  0.309, -1.236,  0.309]])
    """


class ConcreteDropout(Module):
    """Dropout whose rate is learned, by a smooth stand-in for the mask.

    With u uniform on (0, 1), the temperature t, the sigmoid :math:`\\sigma` and its
    inverse :math:`\\ell(p) = \\log p - \\log(1 - p)`,

    .. math:: z_i = \\sigma\\left(\\frac{\\ell(p) + \\ell(u_i)}{t}\\right),
        \\qquad y_i = \\frac{1 - z_i}{1 - p} \\, x_i .

    z is near 1 with probability p; nothing is exactly 0, so nothing is dropped in full,
    and E[y] is x only in the limit of temperature 0. What an optimiser changes is the
    `Parameter` `logit`, log(p / (1 - p)), a float64 array of shape (). Add `penalty` to
    the loss: without it the rate falls towards 0. Source: Gal, Hron and Kendall (2017),
    section 3. Explained in chapter 8.

    Parameters
    ----------
    p : float
        Rate to start from, the probability to **drop**, strictly inside (0, 1).
    rng : as `Dropout`
    temperature : float
        Above 0; the smaller, the closer the noise is to 0 and 1.

    Examples
    --------
    >>> layer = ConcreteDropout(0.2, np.random.default_rng(1), temperature=0.5)
    >>> layer(np.ones(5)).round(2)
    array([1.17, 0.05, 1.25, 0.06, 1.23])
    >>> round(layer.p, 3)
    0.2
    """

    def __init__(self, p, rng, *, temperature=0.1):
        super().__init__()
        self.logit = Parameter(np.array(check_logit(p)))
        check_generator(rng)
        self.rng, self.temperature = rng, check_above_0("temperature", temperature)

    @property
    def p(self):
        """The present rate, a float in (0, 1)."""
        return float(_sigmoid(self.logit.value))

    def draw(self, x):
        """Return uniforms for x, or None in evaluation mode."""
        return open_uniforms(x.shape, self.rng) if self.training else None

    def forward(self, x):
        """Return x times the smooth noise, or x itself in evaluation mode."""
        x = check_floats(x, "x")
        self._u, self._x = self.draw(x), x
        if self._u is None:
            return self._went_forward(x)
        logit, u = self.logit.value, self._u
        z = (logit + np.log(u) - np.log1p(-u)) / self.temperature
        # (1 - sigmoid(z)) / (1 - p): of logarithms, since near p = 1 both are lost in 1.
        softplus = np.logaddexp(0.0, z)
        self._scale = np.exp(np.logaddexp(0.0, logit) - softplus)
        self._z, self._forward_p = np.exp(z - softplus), self.p
        return self._went_forward((x * self._scale).astype(x.dtype))

    def backward(self, dy):
        """Store the gradient of the rate's logit; return that of x."""
        dy = self._gradient(dy)
        if self._u is None:
            self.logit.grad = np.zeros(())
            return dy
        slope = self._scale * (self._forward_p - self._z / self.temperature)
        self.logit.grad = np.asarray((dy * self._x * slope).sum())
        return (dy * self._scale).astype(dy.dtype)

    def penalty(self, weight, *, weight_scale, rate_scale):
        """Return the regulariser of the layer that follows, a float, for the loss.

        .. math:: \\lambda_w \\frac{\\lVert W \\rVert^2}{1 - p}
            - \\lambda_p \\, K \\, H(p), \\quad
            H(p) = -p \\log p - (1 - p) \\log(1 - p)

        with K = in_features.

        Parameters
        ----------
        weight : nn.Parameter
            Weights after the noise, shape (in_features, out_features). Its `grad` and
            that of `logit` grow by the gradient of the result, so call this after
            `backward`.
        weight_scale, rate_scale : float
            Strength of the two terms, 0 or more.
        """
        weight_scale = check_rate("weight_scale", weight_scale)
        rate_scale = check_rate("rate_scale", rate_scale)
        if not isinstance(weight, Parameter):
            raise TypeError(f"weight must be a Parameter of a layer; got {weight!r}.")
        check_axes("weight", weight.value.shape, (2,), "(in_features, out_features)")
        logit, k = self.logit.value, weight.value.shape[0]
        p, q = self.p, _sigmoid(-logit)  # q is 1 - p
        square = float((weight.value.astype(float) ** 2).sum())
        entropy = p * np.logaddexp(0.0, -logit) + q * np.logaddexp(0.0, logit)
        weight.grad = weight.grad + weight_scale * 2.0 / q * weight.value
        # dp/dlogit = p (1 - p), and H'(p) = -logit.
        self.logit.grad = self.logit.grad + (
            weight_scale * square * p / q + rate_scale * k * logit * p * q
        )
        return float(weight_scale * square / q - rate_scale * k * entropy)

    def __repr__(self):
        return f"ConcreteDropout(p={self.p:.3f}, temperature={self.temperature})"


def _sigmoid(z):
    """Return 1 / (1 + exp(-z)) without overflow."""
    return np.exp(-np.logaddexp(0.0, -z))
