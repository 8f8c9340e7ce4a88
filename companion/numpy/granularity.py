"""Kinds of dropout in NumPy that differ in what shares a draw: the granularity.

Equation, p, rng and errors are those of `Dropout`, but for what a kind states.
"""

from companion._arguments import check_axes, check_count, check_flag
from companion._arithmetic import select_and_scale
from companion.masks import block_keep_mask
from companion.numpy._arrays import check_floats
from companion.numpy.dropout import Dropout
from companion.numpy.nn import softmax


class ChannelDropout(Dropout):
    """Dropout of whole channels: a feature map lives or dies as one.

    The mask has shape (N, C, 1, ...). A single example without a batch axis, (C, H, W),
    looks like (N, C, L): its rows would be dropped as channels. Write x[None]. Source:
    Tompson et al. (2015), section 3.2. Explained in chapter 6.

    Parameters
    ----------
    p, rng : as `Dropout`
    channels_last : bool
        False: x has shape (N, C, L), (N, C, H, W) or (N, C, D, H, W). True: the channels
        are the last axis. The batch axis always comes first.

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

    Parameters: as `Dropout`. For x of shape (N, T, D) the mask has shape (N, 1, D).
    `VariationalRNN` is a network that also drops its carried state. Source: Gal and
    Ghahramani (2016b), section 4. Explained in chapter 6.

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

    The mask has shape (N, 1, ...). Put the layer on the branch, before the sum:
    x + drop_path(f(x)). :func:`companion.schedules.depth_rates` gives the rates of a deep
    network.

    The paper draws once for a mini-batch, does not scale in training, and multiplies the
    branch by 1 - p at test time. With the scale, both agree in the mean; drawing for each
    example is the later practice. Source: Huang et al. (2016), section 3. Explained in
    chapter 6.

    Parameters
    ----------
    p, rng : as `Dropout`
    scale_by_keep : bool
        True divides kept branches by 1 - p. False leaves them as they are: then
        evaluation, which returns x, is 1/(1-p) times the mean of training.

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
        check_flag("scale_by_keep", scale_by_keep)
        self.scale_by_keep = bool(scale_by_keep)

    def mask_shape(self, shape):
        """Return (N, 1, ...)."""
        check_axes("x", shape, range(1, 65), "(N, ...)")
        return (shape[0], *(1,) * (len(shape) - 1))

    # With p = 0 the forward pass selects and does not scale.
    def _masked(self, x, mask, p):
        return select_and_scale(x, mask, p if self.scale_by_keep else 0.0)

    _masked_backward = _masked


class DropBlock(Dropout):
    """Dropout of contiguous blocks of a feature map.

    :func:`companion.masks.block_keep_mask` draws the mask; with block_size = 1 it is that
    of `Dropout`. Kept elements are divided by 1 - p. So the mean over a constant map is
    kept exactly, while one element near the border has a mean above x and one in the
    middle below. The paper divides by the fraction that was kept in this batch instead,
    which makes the noise of one example depend on the others. Source: Ghiasi, Lin and Le
    (2018), section 3. Explained in chapter 6.

    Parameters
    ----------
    p : float
        Expected fraction of a map that is **dropped**, in [0, 1].
    block_size : int
        Side of a block, 1 up to the smallest side of the maps in x, which has shape
        (N, C, L) or (N, C, H, W); even or odd.
    rng : as `Dropout`

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
        self.block_size = check_count("block_size", block_size)

    def _draw(self, x, p):
        check_axes("x", x.shape, (3, 4), "(N, C, L) or (N, C, H, W)")
        return block_keep_mask(x.shape, p, self.block_size, self.rng)

    def __repr__(self):
        return f"DropBlock(p={self.p}, block_size={self.block_size})"


class AttentionDropout(Dropout):
    """Softmax over keys, then dropout of single attention weights.

    Parameters: as `Dropout`. Called with scores of shape (..., queries, keys), the layer
    returns weights of the same shape:

    .. math:: y_{ij} = \\frac{m_{ij}}{1 - p} a_{ij}, \\quad
        a_i = \\mathrm{softmax}(s_i), \\quad
        ds_{ij} = a_{ij} \\Big(da_{ij} - \\sum_k da_{ik} a_{ik}\\Big)

    In evaluation and for p = 0 the result is the softmax. After dropout a row sums to 1
    only in the mean. A score of -inf hides a key, in both modes. Source: Vaswani et al.
    (2017), section 3.2.1, for the softmax; dropout of its result is common code, not in
    that paper. Explained in chapter 6.

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
        weights = softmax(scores)
        y = super().forward(weights)
        self._weights = weights
        return y

    def backward(self, dy):
        """Return the gradient with respect to the scores."""
        da, a = super().backward(dy), self._weights
        return a * (da - (da * a).sum(axis=-1, keepdims=True))
