"""Layers with weights of their own: the twin of `companion.numpy.weighted`."""

import torch
from torch.nn import functional as F

from companion._arguments import check_axes, check_count, check_p
from companion.torch._tensors import check_float_dtype, check_tokens
from companion.torch.dropout import Dropout, dropout_forward
from companion.torch.granularity import TimeDropout
from companion.torch.nn import Linear


class DropConnect(Linear):
    """Affine layer whose weights are dropped, and not its units.

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the last axis of x and of y; at least 1.
    p : float
        Probability to **drop** a weight, in [0, 1].
    rng : numpy.random.Generator
        Source of the initial weights, as in `nn.Linear`, and then of the masks.
    per_example : bool
        False: one mask for the whole batch, which costs one mask. True: another
        mask for each example, as in the paper; that takes n times the memory of
        the weights.
    dtype : torch.dtype
        Floating-point type of weights and bias.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive int, p no probability, rng not a generator,
        or dtype not a real float.

    Notes
    -----
    .. math:: Y = X \\left(\\frac{M \\odot W}{1 - p}\\right) + b, \\qquad
        dW = \\frac{M \\odot X^T dY}{1 - p}

    The bias is never dropped. (The paper drops it too.) Evaluation uses W itself,
    the mean of the dropped weights; the paper samples from a normal distribution
    with the moments of the sum instead.

    Source: Wan et al. (2013), sections 3 and 4. Explained in chapter 6.

    Examples
    --------
    >>> import numpy, torch
    >>> layer = DropConnect(3, 2, 0.2, numpy.random.default_rng(0))
    >>> x = torch.ones(4, 3)
    >>> torch.equal(layer(x), layer(x)), torch.equal(layer.eval()(x), layer(x))
    (False, True)
    """

    def __init__(
        self, in_features, out_features, p, rng, *, per_example=False, dtype=torch.float32
    ):
        dropout = Dropout(p, rng)  # first, so that a bad p is found before any draw
        super().__init__(in_features, out_features, rng, dtype)
        self.dropout, self.per_example = dropout, bool(per_example)

    def forward(self, x):
        """Return x times the dropped weights, plus bias, for x of shape (n, in)."""
        check_axes("x", x.shape, (2,), "(n, in_features)")
        weight = self.weight.T
        if self.per_example:
            each = self.dropout(weight.expand(len(x), *weight.shape))
            return (x[:, None] @ each)[:, 0] + self.bias
        return x @ self.dropout(weight) + self.bias

    def extra_repr(self):
        """Show the sizes and the rate in the printed model."""
        return f"{self.in_features}, {self.out_features}, p={self.dropout.p}"


class _RowDropout(Dropout):
    """One draw for each row of a table."""

    def mask_shape(self, shape):
        return (shape[0], 1)


class WordDropout(torch.nn.Module):
    """Embedding table of which whole words are dropped (embedding dropout).

    Parameters
    ----------
    words, features : int
        Shape of the table, each at least 1.
    p : float
        Probability to **drop** a word, in [0, 1].
    rng : numpy.random.Generator
        Source of the table, standard normal, and then of the masks.
    dtype : torch.dtype
        Floating-point type of the table.

    Raises
    ------
    TypeError
        If a size is not an int, p not a real number, rng not a generator, dtype
        not a real float, or the tokens not integers.
    ValueError
        If a size is below 1, p lies outside [0, 1], or a token is not in the table.

    Notes
    -----
    Called with tokens, integers of any shape, it returns their rows of the table:
    shape (\\*tokens.shape, features). The mask has shape (words, 1): a dropped word
    is zero at all its places in the batch, and kept ones are divided by 1 - p.

    Source: Gal and Ghahramani (2016b), section 4.2. Explained in chapter 6.

    Examples
    --------
    >>> import numpy, torch
    >>> layer = WordDropout(4, 2, 0.3, numpy.random.default_rng(3))
    >>> (layer(torch.tensor([0, 1, 0, 2, 1])) != 0).all(dim=1)
    tensor([False,  True, False, False,  True])
    """

    def __init__(self, words, features, p, rng, *, dtype=torch.float32):
        super().__init__()
        check_count("words", words)
        check_count("features", features)
        self.dropout = _RowDropout(p, rng)
        check_float_dtype(dtype)
        table = torch.from_numpy(rng.standard_normal((words, features)))
        self.weight = torch.nn.Parameter(table.to(dtype))

    def forward(self, tokens):
        """Return the rows of the tokens, dropped by word."""
        check_tokens(tokens, len(self.weight))
        return F.embedding(tokens, self.dropout(self.weight))

    def extra_repr(self):
        """Show the sizes and the rate in the printed model."""
        words, features = self.weight.shape
        return f"{words}, {features}, p={self.dropout.p}"


class VariationalRNN(torch.nn.Module):
    """Recurrent layer with one input mask and one recurrent mask for a sequence.

    Parameters
    ----------
    in_features, hidden_features : int
        Sizes of the input and of the state, each at least 1.
    input_p, recurrent_p : float
        Probabilities to **drop** a feature of the input and of the carried state,
        in [0, 1].
    rng : numpy.random.Generator
        Source of the initial weights, as in two `nn.Linear`, and then of the
        masks: input first.
    dtype : torch.dtype
        Floating-point type of the weights.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive int, a rate no probability, rng not a
        Generator, dtype not a real float, or x does not have shape (N, T, in).

    Notes
    -----
    For x of shape (N, T, in_features) it returns the states, shape (N, T, hidden):

    .. math:: h_t = \\tanh\\left(\\frac{m \\odot x_t}{1 - p_x} W + b
        + \\frac{r \\odot h_{t-1}}{1 - p_h} V + c\\right), \\quad h_0 = 0

    m and r are drawn once for each example in each call: a call is a sequence.

    Source: Gal and Ghahramani (2016b), section 4.1. Explained in chapter 6.

    Examples
    --------
    >>> import numpy, torch
    >>> layer = VariationalRNN(3, 5, 0.1, 0.3, numpy.random.default_rng(0))
    >>> layer(torch.ones(2, 7, 3)).shape
    torch.Size([2, 7, 5])
    """

    def __init__(
        self,
        in_features,
        hidden_features,
        input_p,
        recurrent_p,
        rng,
        *,
        dtype=torch.float32,
    ):
        super().__init__()
        self.input_dropout = TimeDropout(check_p(input_p, "input_p"), rng)
        self.recurrent_dropout = Dropout(check_p(recurrent_p, "recurrent_p"), rng)
        self.input = Linear(in_features, hidden_features, rng, dtype)
        self.recurrent = Linear(hidden_features, hidden_features, rng, dtype)

    def forward(self, x):
        """Return the state after each step, shape (N, T, hidden)."""
        check_axes("x", x.shape, (3,), "(N, T, in_features)")
        arriving = self.input(self.input_dropout(x))
        h = torch.zeros_like(arriving[:, 0])
        mask = self.recurrent_dropout.draw(h)  # one for all steps
        states = []
        for t in range(x.shape[1]):
            if mask is not None:
                h = dropout_forward(h, mask, self.recurrent_dropout.p)
            h = torch.tanh(arriving[:, t] + self.recurrent(h))
            states.append(h)
        return torch.stack(states, dim=1)
