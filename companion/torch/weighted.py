"""Layers with weights of their own: the twin of `companion.numpy.weighted`."""

import torch
from torch.nn import functional as F

from companion._arguments import (
    check_count,
    check_flag,
    check_generator,
    check_p,
)
from companion.torch._selection import select
from companion.torch._tensors import check_features, check_float_dtype, check_tokens
from companion.torch.dropout import Dropout
from companion.torch.granularity import TimeDropout
from companion.torch.nn import Linear


class DropConnect(Linear):
    """Affine layer whose weights are dropped, and not its units.

    As :class:`companion.numpy.weighted.DropConnect`: rng draws weights and is NumPy's,
    dtype is a torch.dtype. Explained in chapter 6.

    >>> import numpy, torch
    >>> layer = DropConnect(3, 2, 0.2, numpy.random.default_rng(0))
    >>> x = torch.ones(4, 3)
    >>> torch.equal(layer(x), layer(x)), torch.equal(layer.eval()(x), layer(x))
    (False, True)
    """

    def __init__(
        self, in_features, out_features, p, rng, *, per_example=False, dtype=torch.float32
    ):
        check_flag("per_example", per_example)
        dropout = Dropout(p, rng)  # first, so that a bad p is found before any draw
        super().__init__(in_features, out_features, rng, dtype)
        self.dropout, self.per_example = dropout, bool(per_example)

    def forward(self, x):
        """Return x times the dropped weights, plus bias, for x of shape (n, in)."""
        check_features(x, self.weight, (2,), "(n, in_features)")
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

    As :class:`companion.numpy.weighted.WordDropout`: rng draws the table and is NumPy's,
    dtype is a torch.dtype. Explained in chapter 6.

    >>> import numpy, torch
    >>> layer = WordDropout(4, 2, 0.3, numpy.random.default_rng(3))
    >>> (layer(torch.tensor([0, 1, 0, 2, 1])) != 0).all(dim=1)
    tensor([False,  True, False, False,  True])
    """

    def __init__(self, words, features, p, rng, *, dtype=torch.float32):
        super().__init__()
        words = check_count("words", words)
        features = check_count("features", features)
        check_generator(rng)
        self.dropout = _RowDropout(p, rng)
        check_float_dtype(dtype)
        table = rng.standard_normal((words, features))
        self.weight = torch.nn.Parameter(torch.as_tensor(table, dtype=dtype))

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

    As :class:`companion.numpy.weighted.VariationalRNN`: rng draws weights and is NumPy's,
    dtype is a torch.dtype. Explained in chapter 6.

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
        hidden_features = check_count("hidden_features", hidden_features)
        self.input_dropout = TimeDropout(check_p(input_p, "input_p"), rng)
        self.recurrent_dropout = Dropout(check_p(recurrent_p, "recurrent_p"), rng)
        self.input = Linear(in_features, hidden_features, rng, dtype)
        self.recurrent = Linear(hidden_features, hidden_features, rng, dtype)

    def forward(self, x):
        """Return the state after each step, shape (N, T, hidden)."""
        check_features(x, self.input.weight, (3,), "(N, T, in_features)")
        if x.shape[1] == 0:
            raise ValueError("x must have at least one step; got T = 0, for (N, T, D).")
        arriving = self.input(self.input_dropout(x))
        h = torch.zeros_like(arriving[:, 0])
        mask = self.recurrent_dropout.draw(h)  # one for all steps
        states = []
        for t in range(x.shape[1]):
            if mask is not None:
                h = select(h, mask, self.recurrent_dropout.p)
            h = torch.tanh(arriving[:, t] + self.recurrent(h))
            states.append(h)
        return torch.stack(states, dim=1)
