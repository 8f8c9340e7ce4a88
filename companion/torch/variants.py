"""Kinds of dropout in PyTorch: the twin of `companion.numpy.variants`.

Most of them are `Dropout` with another `mask_shape`. The others differ in how
the mask acts (`_masked`) or in how it is drawn. Autograd derives them all.
"""

import torch
from torch.nn import functional as F

from companion._arguments import (
    check_axes,
    check_count,
    check_logit,
    check_nothing_kept,
    check_p,
    check_p_below_1,
    check_rate,
    check_temperature,
)
from companion.theory import ALPHA_PRIME, alpha_affine, block_start_rate
from companion.torch._drawing import (
    check_source,
    draw_mask,
    draw_noise,
    draw_uniforms,
)
from companion.torch._tensors import as_mask, check_floats, work_dtype
from companion.torch.dropout import Dropout, dropout_forward


class ChannelDropout(Dropout):
    """Dropout of whole channels: a feature map lives or dies as one.

    Parameters
    ----------
    p : float
        Probability to **drop** a channel, in [0, 1].
    rng : numpy.random.Generator or torch.Generator
        Source of the masks. Each forward pass in training draws a new one.
    channels_last : bool
        False: x has shape (N, C, L), (N, C, H, W) or (N, C, D, H, W). True: the
        channels are the last axis. The batch axis always comes first.

    Raises
    ------
    TypeError
        If p is not a real number, rng not a generator, or x not a float tensor.
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
    >>> import numpy, torch
    >>> layer = ChannelDropout(0.2, numpy.random.default_rng(1))
    >>> layer(torch.ones(1, 4, 2))[0].T
    tensor([[1.2500, 1.2500, 0.0000, 1.2500],
            [1.2500, 1.2500, 0.0000, 1.2500]])
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
    rng : numpy.random.Generator or torch.Generator
        Source of the masks. Each forward pass in training draws a new one.

    Raises
    ------
    TypeError
        If p is not a real number, rng not a generator, or x not a float tensor.
    ValueError
        If p lies outside [0, 1] or x does not have shape (N, T, D).

    Notes
    -----
    The mask has shape (N, 1, D). See `dropout` for the equation, and
    `VariationalRNN` for a network that also drops its carried state.

    Source: Gal and Ghahramani (2016b), section 4. Explained in chapter 6.

    Examples
    --------
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

    Parameters
    ----------
    p : float
        Probability to **drop** the branch of an example, in [0, 1].
        `companion.schedules.depth_rates` gives the rates of a deep network.
    rng : numpy.random.Generator or torch.Generator
        Source of the masks. Each forward pass in training draws a new one.
    scale_by_keep : bool
        True divides kept branches by 1 - p. False leaves them as they are: then
        evaluation, which returns x, is 1/(1-p) times the mean of training.

    Raises
    ------
    TypeError
        If p is not a real number, rng not a generator, or x not a float tensor.
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
    >>> import numpy, torch
    >>> layer = DropPath(0.2, numpy.random.default_rng(1))
    >>> layer(torch.ones(4, 2)).T
    tensor([[1.2500, 1.2500, 0.0000, 1.2500],
            [1.2500, 1.2500, 0.0000, 1.2500]])
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


# A compiler need not follow the search for this number: it depends on sizes alone.
_start_rate = torch.compiler.assume_constant_result(block_start_rate)


class DropBlock(Dropout):
    """Dropout of contiguous blocks of a feature map.

    Parameters
    ----------
    p : float
        Expected fraction of a map that is **dropped**, in [0, 1].
    block_size : int
        Side of a block, at least 1; even or odd.
    rng : numpy.random.Generator or torch.Generator
        Source of the masks. Each forward pass in training draws a new one.

    Raises
    ------
    TypeError
        If p is not a real number, block_size not an int, rng not a generator, or
        x not a float tensor.
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
    >>> import numpy, torch
    >>> layer = DropBlock(0.3, 2, numpy.random.default_rng(3))
    >>> layer(torch.ones(1, 1, 3, 5))[0, 0]
    tensor([[1.4286, 1.4286, 1.4286, 1.4286, 1.4286],
            [1.4286, 0.0000, 0.0000, 0.0000, 0.0000],
            [1.4286, 0.0000, 0.0000, 0.0000, 0.0000]])
    """

    def __init__(self, p, block_size, rng):
        super().__init__(p, rng)
        check_count("block_size", block_size)
        self.block_size = block_size

    def draw(self, x):
        """Return a new mask for x, or None if nothing can be dropped now."""
        check_axes("x", x.shape, (3, 4), "(N, C, L) or (N, C, H, W)")
        p, size = check_p(self.p), self.block_size
        gamma = _start_rate(p, x.shape[2:], size)
        if not self.training or p == 0.0:
            return None
        if p == 1.0:  # nothing to draw
            return torch.zeros((), dtype=torch.bool, device=x.device)
        fits = tuple(n - size + 1 for n in x.shape[2:])
        starts = ~draw_mask((*x.shape[:2], *fits), gamma, self.rng, x)
        # Grow each start to a block: a maximum over the places whose block covers one.
        around = F.pad(starts.float(), (size - 1, size - 1) * len(fits))
        pool = F.max_pool1d if len(fits) == 1 else F.max_pool2d
        return pool(around, size, stride=1) == 0

    def extra_repr(self):
        """Show the rate and the block size in the printed model."""
        return f"p={self.p}, block_size={self.block_size}"


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


class AttentionDropout(Dropout):
    """Softmax over keys, then dropout of single attention weights.

    Parameters
    ----------
    p : float
        Probability to **drop** a weight, in [0, 1].
    rng : numpy.random.Generator or torch.Generator
        Source of the masks. Each forward pass in training draws a new one.

    Raises
    ------
    TypeError
        If p is not a real number, rng not a generator, or scores not a float tensor.
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
        return super().forward(torch.softmax(scores, dim=-1))


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
