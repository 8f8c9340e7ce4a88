"""Layers with weights of their own, in NumPy: dropout acts on or between the weights."""

import numpy as np

from companion._arguments import check_count, check_flag, check_numbers, check_p
from companion._arithmetic import select_and_scale
from companion.numpy._arrays import check_float_dtype
from companion.numpy.dropout import Dropout
from companion.numpy.granularity import TimeDropout
from companion.numpy.nn import Linear, Module, Parameter


class DropConnect(Linear):
    """Affine layer whose weights are dropped, and not its units.

    .. math:: Y = X \\left(\\frac{M \\odot W}{1 - p}\\right) + b, \\qquad
        dW = \\frac{M \\odot X^T dY}{1 - p}

    The bias is never dropped. (The paper drops it too.) Evaluation uses W itself, the
    mean of the dropped weights; the paper samples from a normal distribution with the
    moments of the sum instead. Source: Wan et al. (2013), sections 3 and 4. Explained in
    chapter 6.

    Parameters
    ----------
    in_features, out_features, dtype : as `Linear`
    p : as `Dropout`
    rng : numpy.random.Generator
        Source of the initial weights, as in `Linear`, and then of the masks.
    per_example : bool
        False: one mask for the whole batch, which costs one mask. True: another mask for
        each example, as in the paper; that takes n times the memory of the weights.

    Examples
    --------
    >>> layer = DropConnect(3, 2, 0.2, np.random.default_rng(0))
    >>> x = np.ones((4, 3), np.float32)
    >>> bool((layer(x) != layer(x)).any()), bool((layer.eval()(x) == layer(x)).all())
    (True, True)
    """

    def __init__(
        self, in_features, out_features, p, rng, *, per_example=False, dtype=np.float32
    ):
        check_flag("per_example", per_example)
        dropout = Dropout(p, rng)  # first, so that a bad p is found before any draw
        super().__init__(in_features, out_features, rng, dtype)
        self.dropout, self.per_example = dropout, bool(per_example)

    def forward(self, x):
        """Return x times the dropped weights, plus bias, for x of shape (n, in)."""
        x = self._check_features(x, (2,), "(n, in_features)")
        weight = self.weight.value
        if self.per_example:
            weight = np.broadcast_to(weight, (len(x), *weight.shape))
        self._x, self._dropped = x, self.dropout(weight)
        y = (x[:, None] @ self._dropped)[:, 0] if self.per_example else x @ self._dropped
        return self._went_forward(y + self.bias.value)

    def backward(self, dy):
        """Store the gradients of weight and bias; return the gradient of x."""
        dy = self._gradient(dy)
        self.bias.grad = dy.sum(axis=0)
        if self.per_example:
            each = self.dropout.backward(self._x[:, :, None] * dy[:, None, :])
            self.weight.grad = each.sum(axis=0)
            return (self._dropped @ dy[:, :, None])[..., 0]
        self.weight.grad = self.dropout.backward(self._x.T @ dy)
        return dy @ self._dropped.T

    def __repr__(self):
        inside, outside = self.weight.value.shape
        return f"DropConnect({inside}, {outside}, p={self.dropout.p})"


class _RowDropout(Dropout):
    """One draw for each row of a table."""

    def mask_shape(self, shape):
        return (shape[0], 1)


class WordDropout(Module):
    """Embedding table of which whole words are dropped (embedding dropout).

    Called with tokens, integers of any shape, it returns their rows of the table: shape
    (\\*tokens.shape, features). The mask has shape (words, 1): a dropped word is zero at
    all its places in the batch, and kept ones are divided by 1 - p. Source: Gal and
    Ghahramani (2016b), section 4.2. Explained in chapter 6.

    Parameters
    ----------
    words, features : int
        Shape of the table, each at least 1; tokens lie in [0, words).
    p : as `Dropout`
    rng : numpy.random.Generator
        Source of the table, standard normal, and then of the masks.
    dtype : as `Linear`

    Examples
    --------
    >>> layer = WordDropout(4, 2, 0.3, np.random.default_rng(3))
    >>> (layer(np.array([0, 1, 0, 2, 1])) != 0).all(axis=1)
    array([False,  True, False, False,  True])
    """

    def __init__(self, words, features, p, rng, *, dtype=np.float32):
        super().__init__()
        words = check_count("words", words)
        features = check_count("features", features)
        self.dropout = _RowDropout(p, rng)
        dtype = check_float_dtype(dtype)
        self.weight = Parameter(rng.standard_normal((words, features)).astype(dtype))

    def forward(self, tokens):
        """Return the rows of the tokens, dropped by word."""
        tokens = check_numbers("tokens", tokens, len(self.weight.value))
        rows = self.dropout(self.weight.value)[tokens]
        self._tokens = tokens
        return self._went_forward(rows)

    def backward(self, dy):
        """Store the gradient of the table. Tokens have none: return None."""
        dy, table = self._gradient(dy), np.zeros_like(self.weight.value)
        np.add.at(table, self._tokens, dy)
        self.weight.grad = self.dropout.backward(table)

    def __repr__(self):
        words, features = self.weight.value.shape
        return f"WordDropout({words}, {features}, p={self.dropout.p})"


class VariationalRNN(Module):
    """Recurrent layer with one input mask and one recurrent mask for a sequence.

    For x of shape (N, T, in_features) it returns the states, shape (N, T, hidden):

    .. math:: h_t = \\tanh\\left(\\frac{m \\odot x_t}{1 - p_x} W + b
        + \\frac{r \\odot h_{t-1}}{1 - p_h} V + c\\right), \\quad h_0 = 0

    m and r are drawn once for each example in each call: a call is a sequence. Source:
    Gal and Ghahramani (2016b), section 4.1. Explained in chapter 6.

    Parameters
    ----------
    in_features, hidden_features : int
        Sizes of the input and of the state, each at least 1.
    input_p, recurrent_p : float
        Probabilities to **drop** a feature of the input and of the carried state, in [0,
        1].
    rng : numpy.random.Generator
        Source of the initial weights, as in two `Linear`, and then of the masks: input
        first.
    dtype : as `Linear`

    Examples
    --------
    >>> layer = VariationalRNN(3, 5, 0.1, 0.3, np.random.default_rng(0))
    >>> layer(np.ones((2, 7, 3), np.float32)).shape
    (2, 7, 5)
    """

    def __init__(
        self, in_features, hidden_features, input_p, recurrent_p, rng, *, dtype=np.float32
    ):
        super().__init__()
        hidden_features = check_count("hidden_features", hidden_features)
        self.input_dropout = TimeDropout(check_p(input_p, "input_p"), rng)
        self.recurrent_dropout = Dropout(check_p(recurrent_p, "recurrent_p"), rng)
        self.input = Linear(in_features, hidden_features, rng, dtype)
        self.recurrent = Linear(hidden_features, hidden_features, rng, dtype)

    def forward(self, x):
        """Return the state after each step, shape (N, T, hidden)."""
        x = self.input._check_features(x, (3,), "(N, T, in_features)")
        if not x.shape[1]:
            raise ValueError(f"x must have T of 1 or more; got shape {x.shape}.")
        self._x = self.input_dropout(x)
        arriving = self.input(self._x)
        h = np.zeros_like(arriving[:, 0])
        self.recurrent_dropout(h)  # draws the mask that all steps use
        self._carried, self._states = [], []
        for t in range(x.shape[1]):
            self._carried.append(self._drop_state(h))
            h = np.tanh(arriving[:, t] + self.recurrent(self._carried[t]))
            self._states.append(h)
        return self._went_forward(np.stack(self._states, axis=1))

    def _drop_state(self, h):
        drop = self.recurrent_dropout
        if drop.mask is None:
            return h
        return select_and_scale(h, drop.mask, drop._forward_p)

    def backward(self, dy):
        """Store the gradients of all weights, back through time; return that of x."""
        dy = self._gradient(dy)
        da, dh = np.empty_like(dy), 0.0
        for t in reversed(range(dy.shape[1])):
            da[:, t] = (dy[:, t] + dh) * (1 - self._states[t] ** 2)
            dh = self._drop_state(da[:, t] @ self.recurrent.weight.value.T)
        steps = da.reshape(-1, da.shape[-1])
        carried = np.stack(self._carried, axis=1).reshape(steps.shape)
        self.recurrent.weight.grad = carried.T @ steps
        self.input.weight.grad = self._x.reshape(len(steps), -1).T @ steps
        self.input.bias.grad = self.recurrent.bias.grad = steps.sum(axis=0)
        return self.input_dropout.backward(da @ self.input.weight.value.T)

    def __repr__(self):
        inside, hidden = self.input.weight.value.shape
        rates = f"input_p={self.input_dropout.p}, recurrent_p={self.recurrent_dropout.p}"
        return f"VariationalRNN({inside}, {hidden}, {rates})"
