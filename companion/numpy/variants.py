"""Kinds of dropout in NumPy: the same mask and scale at another granularity.

Most of them are `Dropout` with another `mask_shape`. The others differ in how
the mask acts (`_masked`, with its derivative `_masked_backward`) or in how it is drawn.
"""

import numpy as np

from companion._arguments import (
    check_axes,
    check_count,
    check_generator,
    check_logit,
    check_nothing_kept,
    check_p,
    check_p_below_1,
    check_rate,
    check_temperature,
)
from companion.masks import block_keep_mask, gaussian_noise, open_uniforms
from companion.numpy._arrays import check_floats, check_mask, sigmoid, work_dtype
from companion.numpy.dropout import Dropout, dropout_backward, dropout_forward
from companion.numpy.nn import Module, Parameter
from companion.theory import ALPHA_PRIME, alpha_affine


class ChannelDropout(Dropout):
    """Dropout of whole channels: a feature map lives or dies as one.

    Parameters
    ----------
    p : float
        Probability to **drop** a channel, in [0, 1].
    rng : numpy.random.Generator
        Source of the masks. Each forward pass in training draws a new one.
    channels_last : bool
        False: x has shape (N, C, L), (N, C, H, W) or (N, C, D, H, W). True: the
        channels are the last axis. The batch axis always comes first.

    Raises
    ------
    TypeError
        If p is not a real number, rng not a Generator, or x not a float array.
    ValueError
        If p lies outside [0, 1] or x has another number of axes.

    Notes
    -----
    The mask has shape (N, C, 1, ...). See `dropout` for the equation.

    A single example without a batch axis, (C, H, W), looks like (N, C, L): its
    rows would be dropped as channels. Write x[None].

    Source: Tompson et al. (2015), section 3.2. Explained in chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> layer = ChannelDropout(0.2, np.random.default_rng(1))
    >>> layer(np.ones((1, 4, 2)))[0].T
    array([[1.25, 1.25, 0.  , 1.25],
           [1.25, 1.25, 0.  , 1.25]])
    """

    def __init__(self, p, rng, *, channels_last=False):
        super().__init__(p, rng)
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

    Parameters
    ----------
    p : float
        Probability to **drop** a feature for a whole sequence, in [0, 1].
    rng : numpy.random.Generator
        Source of the masks. Each forward pass in training draws a new one.

    Raises
    ------
    TypeError
        If p is not a real number, rng not a Generator, or x not a float array.
    ValueError
        If p lies outside [0, 1] or x does not have shape (N, T, D).

    Notes
    -----
    The mask has shape (N, 1, D). See `dropout` for the equation, and
    `VariationalRNN` for a network that also drops its carried state.

    Source: Gal and Ghahramani (2016b), section 4. Explained in chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> layer = TimeDropout(0.2, np.random.default_rng(1))
    >>> layer(np.ones((1, 2, 4)))[0]
    array([[1.25, 1.25, 0.  , 1.25],
           [1.25, 1.25, 0.  , 1.25]])
    """

    def mask_shape(self, shape):
        """Return (N, 1, D)."""
        check_axes("x", shape, (3,), "(N, T, D)")
        return (shape[0], 1, shape[2])


class DropPath(Dropout):
    """Dropout of a whole residual branch, drawn for each example (stochastic depth).

    Parameters
    ----------
    p : float
        Probability to **drop** the branch of an example, in [0, 1].
        `companion.schedules.depth_rates` gives the rates of a deep network.
    rng : numpy.random.Generator
        Source of the masks. Each forward pass in training draws a new one.
    scale_by_keep : bool
        True divides kept branches by 1 - p. False leaves them as they are: then
        evaluation, which returns x, is 1/(1-p) times the mean of training.

    Raises
    ------
    TypeError
        If p is not a real number, rng not a Generator, or x not a float array.
    ValueError
        If p lies outside [0, 1] or x is a scalar.

    Notes
    -----
    The mask has shape (N, 1, ...). Put the layer on the branch, before the sum:
    x + drop_path(f(x)).

    The paper draws once for a mini-batch, does not scale in training, and
    multiplies the branch by 1 - p at test time. With the scale, both agree in
    the mean; drawing for each example is the later practice.

    Source: Huang et al. (2016), section 3. Explained in chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> layer = DropPath(0.2, np.random.default_rng(1))
    >>> layer(np.ones((4, 2))).T
    array([[1.25, 1.25, 0.  , 1.25],
           [1.25, 1.25, 0.  , 1.25]])
    """

    def __init__(self, p, rng, *, scale_by_keep=True):
        super().__init__(p, rng)
        self.scale_by_keep = bool(scale_by_keep)

    def mask_shape(self, shape):
        """Return (N, 1, ...)."""
        check_axes("x", shape, range(1, 65), "(N, ...)")
        return (shape[0], *(1,) * (len(shape) - 1))

    # With p = 0 the forward pass selects and does not scale.
    def _masked(self, x, mask, p):
        return dropout_forward(x, mask, p if self.scale_by_keep else 0.0)

    def _masked_backward(self, dy, mask, p):
        return dropout_backward(dy, mask, p if self.scale_by_keep else 0.0)


class DropBlock(Dropout):
    """Dropout of contiguous blocks of a feature map.

    Parameters
    ----------
    p : float
        Expected fraction of a map that is **dropped**, in [0, 1].
    block_size : int
        Side of a block, at least 1; even or odd.
    rng : numpy.random.Generator
        Source of the masks. Each forward pass in training draws a new one.

    Raises
    ------
    TypeError
        If p is not a real number, block_size not an int, rng not a Generator, or
        x not a float array.
    ValueError
        If p lies outside [0, 1], x does not have shape (N, C, L) or (N, C, H, W),
        or a block does not fit into the map.

    Notes
    -----
    `companion.masks.block_keep_mask` draws the mask; with block_size = 1 it is
    that of `Dropout`. Kept elements are divided by 1 - p. So the mean over a
    constant map is kept exactly, while one element near the border has a mean
    above x and one in the middle below. The paper divides by the fraction that
    was kept in this batch instead, which makes the noise of one example depend
    on the others.

    Source: Ghiasi, Lin and Le (2018), section 3. Explained in chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> layer = DropBlock(0.3, 2, np.random.default_rng(3))
    >>> layer(np.ones((1, 1, 3, 5)))[0, 0].round(2)
    array([[1.43, 1.43, 1.43, 1.43, 1.43],
           [1.43, 0.  , 0.  , 0.  , 0.  ],
           [1.43, 0.  , 0.  , 0.  , 0.  ]])
    """

    def __init__(self, p, block_size, rng):
        super().__init__(p, rng)
        check_count("block_size", block_size)
        self.block_size = block_size

    def draw(self, x):
        """Return a new mask for x, or None if nothing can be dropped now."""
        check_axes("x", x.shape, (3, 4), "(N, C, L) or (N, C, H, W)")
        p = check_p(self.p)
        if not self.training or p == 0.0:
            return None
        return block_keep_mask(x.shape, p, self.block_size, self.rng)

    def __repr__(self):
        return f"DropBlock(p={self.p}, block_size={self.block_size})"


class GaussianDropout(Dropout):
    """Multiplicative Gaussian noise with the mean and variance of dropout.

    Parameters
    ----------
    p : float
        Rate of the dropout whose variance the noise has, in [0, 1).
    rng : numpy.random.Generator
        Source of the noise. Each forward pass in training draws new noise.

    Attributes
    ----------
    mask : numpy.ndarray or None
        Noise of the last forward pass, float64; None if there was none.

    Raises
    ------
    TypeError
        If p is not a real number, rng not a Generator, or x not a float array.
    ValueError
        If p lies outside [0, 1).

    Notes
    -----
    .. math:: y_i = \\xi_i x_i, \\quad \\xi_i \\sim N\\left(1, \\frac{p}{1 - p}\\right)

    Nothing is dropped, and the sign of an activation may flip.

    Source: Srivastava et al. (2014), section 10. Explained in chapter 8.

    Examples
    --------
    >>> import numpy as np
    >>> layer = GaussianDropout(0.2, np.random.default_rng(0))
    >>> y = layer(np.ones(1_000_000))
    >>> round(float(y.mean()), 2), round(float(y.var()), 2)
    (1.0, 0.25)
    """

    def draw(self, x):
        """Return new noise for x, or None in evaluation mode and for p = 0."""
        p = check_p_below_1(self.p)
        if not self.training or p == 0.0:
            return None
        return gaussian_noise(self.mask_shape(x.shape), p, self.rng)

    @staticmethod
    def _masked(x, noise, p):
        return (x * noise).astype(x.dtype)

    _masked_backward = _masked


def alpha_dropout_forward(x, mask, p):
    """Apply alpha dropout with a given mask: the dropped take the value of saturation.

    Parameters
    ----------
    x : numpy.ndarray
        Real floats of any shape. Left as it is.
    mask : numpy.ndarray
        Booleans, True = keep, of a shape that broadcasts to that of x.
    p : float
        Probability to **drop** with which the mask was drawn, in [0, 1].

    Returns
    -------
    numpy.ndarray
        Same shape and dtype as x.

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
    >>> import numpy as np
    >>> alpha_dropout_forward(np.zeros(2), np.array([True, False]), 0.2).round(3)
    array([ 0.309, -1.236])
    """
    p = check_p(p)
    x = check_floats(x, "x")
    check_mask(mask, x.shape)
    if p == 1.0:
        check_nothing_kept(mask.any())
        return np.zeros_like(x)
    a, b = alpha_affine(p)
    work = work_dtype(x)
    y = np.where(mask, work.type(a) * x.astype(work) + work.type(b), a * ALPHA_PRIME + b)
    return y.astype(x.dtype)


def alpha_dropout_backward(dy, mask, p):
    """Return the gradient of alpha dropout with respect to x.

    Parameters
    ----------
    dy : numpy.ndarray
        Gradient of the loss with respect to the output; real floats.
    mask : numpy.ndarray
        The mask of the forward pass: booleans that broadcast to dy.
    p : float
        Probability to **drop** of the forward pass, in [0, 1].

    Returns
    -------
    numpy.ndarray
        Same shape and dtype as dy.

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
    >>> import numpy as np
    >>> alpha_dropout_backward(np.ones(2), np.array([True, False]), 0.2).round(3)
    array([0.879, 0.   ])
    """
    p = check_p(p)
    dy = check_floats(dy, "dy")
    check_mask(mask, dy.shape)
    if p == 1.0:
        check_nothing_kept(mask.any())
        return np.zeros_like(dy)
    work = work_dtype(dy)
    scaled = work.type(alpha_affine(p)[0]) * dy.astype(work)
    return np.where(mask, scaled, work.type(0)).astype(dy.dtype)


class AlphaDropout(Dropout):
    """Dropout for self-normalising networks: it keeps mean 0 and variance 1.

    Parameters
    ----------
    p : float
        Probability to **drop**, in [0, 1].
    rng : numpy.random.Generator
        Source of the masks. Each forward pass in training draws a new one.

    Raises
    ------
    TypeError
        If p is not a real number, rng not a Generator, or x not a float array.
    ValueError
        If p lies outside [0, 1].

    Notes
    -----
    See `alpha_dropout_forward` for the equation.

    Source: Klambauer et al. (2017), section 3. Explained in chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> layer = AlphaDropout(0.2, np.random.default_rng(1))
    >>> layer(np.zeros(5)).round(3)
    array([ 0.309,  0.309, -1.236,  0.309,  0.309])
    """

    _masked = staticmethod(alpha_dropout_forward)
    _masked_backward = staticmethod(alpha_dropout_backward)


class ChannelAlphaDropout(AlphaDropout, ChannelDropout):
    """Alpha dropout of whole channels.

    Parameters
    ----------
    p : float
        Probability to **drop** a channel, in [0, 1].
    rng : numpy.random.Generator
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
    >>> import numpy as np
    >>> layer = ChannelAlphaDropout(0.2, np.random.default_rng(1))
    >>> layer(np.zeros((1, 4, 2)))[0].T.round(3)
    array([[ 0.309,  0.309, -1.236,  0.309],
           [ 0.309,  0.309, -1.236,  0.309]])
    """


class AttentionDropout(Dropout):
    """Softmax over keys, then dropout of single attention weights.

    Parameters
    ----------
    p : float
        Probability to **drop** a weight, in [0, 1].
    rng : numpy.random.Generator
        Source of the masks. Each forward pass in training draws a new one.

    Raises
    ------
    TypeError
        If p is not a real number, rng not a Generator, or scores not a float array.
    ValueError
        If p lies outside [0, 1] or the scores are a scalar.

    Notes
    -----
    Called with scores of shape (..., queries, keys), returns weights of the same
    shape:

    .. math:: y_{ij} = \\frac{m_{ij}}{1 - p} a_{ij}, \\quad
        a_i = \\mathrm{softmax}(s_i), \\quad
        ds_{ij} = a_{ij} \\Big(da_{ij} - \\sum_k da_{ik} a_{ik}\\Big)

    In evaluation and for p = 0 the result is the softmax. After dropout a row
    sums to 1 only in the mean. A score of -inf hides a key, in both modes.

    Source: Vaswani et al. (2017), section 3.2.1, for the softmax; dropout of its
    result is common code, not in that paper. Explained in chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> layer = AttentionDropout(0.2, np.random.default_rng(1))
    >>> layer(np.zeros((1, 4)))
    array([[0.3125, 0.3125, 0.    , 0.3125]])
    >>> layer.eval()(np.zeros((1, 4)))
    array([[0.25, 0.25, 0.25, 0.25]])
    """

    def forward(self, scores):
        """Return dropped attention weights, or the softmax in evaluation mode."""
        scores = check_floats(scores, "scores")
        check_axes("scores", scores.shape, range(1, 65), "(..., queries, keys)")
        work = scores.astype(work_dtype(scores))
        e = np.exp(work - work.max(axis=-1, keepdims=True, initial=-np.inf))
        self._weights = (e / e.sum(axis=-1, keepdims=True)).astype(scores.dtype)
        return super().forward(self._weights)

    def backward(self, dy):
        """Return the gradient with respect to the scores."""
        da, a = super().backward(dy), self._weights
        return a * (da - (da * a).sum(axis=-1, keepdims=True))


class ConcreteDropout(Module):
    """Dropout whose rate is learned, by a smooth stand-in for the mask.

    Parameters
    ----------
    p : float
        Rate to start from, the probability to **drop**, strictly inside (0, 1).
    rng : numpy.random.Generator
        Source of the uniforms. Each forward pass in training draws new ones.
    temperature : float
        Above 0; the smaller, the closer the noise is to 0 and 1.

    Attributes
    ----------
    logit : Parameter
        log(p / (1 - p)), a float64 array of shape (); what an optimiser changes.

    Raises
    ------
    TypeError
        If p or temperature is not a real number, rng not a Generator, or x not a
        float array.
    ValueError
        If p lies outside (0, 1) or temperature is not above 0.
    RuntimeError
        If `backward` is called before `forward`.

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
    >>> import numpy as np
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
        check_temperature(temperature)
        self.rng, self.temperature = rng, temperature
        self._x = None

    @property
    def p(self):
        """The present rate, a float in (0, 1)."""
        return float(sigmoid(self.logit.value))

    def draw(self, x):
        """Return uniforms for x, or None in evaluation mode."""
        return open_uniforms(x.shape, self.rng) if self.training else None

    def forward(self, x):
        """Return x times the smooth noise, or x itself in evaluation mode."""
        self._x = check_floats(x, "x")
        self._u = self.draw(x)
        if self._u is None:
            return self._x
        z = (self.logit.value + np.log(self._u) - np.log1p(-self._u)) / self.temperature
        self._z = sigmoid(z)
        self._scale = (1.0 - self._z) / (1.0 - self.p)
        return (self._x * self._scale).astype(x.dtype)

    def backward(self, dy):
        """Store the gradient of the rate's logit; return that of x."""
        if self._x is None:
            raise RuntimeError("backward needs a forward pass. Call the layer first.")
        dy = check_floats(dy, "dy")
        if self._u is None:
            self.logit.grad = np.zeros(())
            return dy
        p, z = self.p, self._z
        slope = ((1.0 - z) * p - z * (1.0 - z) / self.temperature) / (1.0 - p)
        self.logit.grad = np.asarray((dy * self._x * slope).sum())
        return (dy * self._scale).astype(dy.dtype)

    def penalty(self, weight, *, weight_scale, rate_scale):
        """Return the regulariser of the layer that follows, for the loss.

        Parameters
        ----------
        weight : Parameter
            Weights after the noise, shape (in_features, out_features). Its `grad`
            and that of `logit` grow by the gradient of the result, so call this
            after `backward`.
        weight_scale, rate_scale : float
            Strength of the two terms, 0 or more.

        Returns
        -------
        float
            .. math:: \\lambda_w \\frac{\\lVert W \\rVert^2}{1 - p}
                - \\lambda_p \\, K \\, H(p), \\quad
                H(p) = -p \\log p - (1 - p) \\log(1 - p)

            with K = in_features.
        """
        check_rate("weight_scale", weight_scale)
        check_rate("rate_scale", rate_scale)
        p, logit, k = self.p, self.logit.value, weight.value.shape[0]
        square = float((weight.value.astype(np.float64) ** 2).sum())
        entropy = -p * np.log(p) - (1.0 - p) * np.log1p(-p)
        weight.grad = weight.grad + weight_scale * 2.0 / (1.0 - p) * weight.value
        # dp/dlogit = p (1 - p), and H'(p) = -logit.
        self.logit.grad = self.logit.grad + (
            weight_scale * square * p / (1.0 - p) + rate_scale * k * logit * p * (1.0 - p)
        )
        return float(weight_scale * square / (1.0 - p) - rate_scale * k * entropy)

    def __repr__(self):
        return f"ConcreteDropout(p={self.p:.3f}, temperature={self.temperature})"
