"""Properties of layers with weights of their own."""

import copy
import itertools

import numpy as np

from companion.verify.contract._assertions import (
    DRAWS,
    close,
    independent,
    like_dropout,
    raises,
    repeated,
    seeded,
)
from companion.verify.contract._register import (
    beyond,
    property_of,
    property_of_other_layers,
)
from companion.verify.properties import RATES, gradient_error


# Layers with weights ------------------------------------------------------------------
@property_of("DropConnect")
def dropconnect_drops_weights(subject, rng):
    """A weight is 0 or W / (1 - p); masks per batch or per example; the bias stays."""
    n, out = 60, 40
    for p in RATES:
        layer = subject.DropConnect(n, out, p, rng, dtype=np.float64)
        w, bias = layer.weight.value, layer.bias.value
        twice = np.vstack([np.eye(n), np.eye(n)])  # y - bias shows the dropped weights
        y = layer(twice) - bias
        kept = abs(y) > 1e-9
        close(y[kept], np.vstack([w, w])[kept] / (1 - p))
        assert np.array_equal(kept[:n], kept[n:])
        again = abs(layer(np.eye(n)) - bias) > 1e-9
        like_dropout(~np.array([kept[:n], again]), p, rng)
        close(layer.eval()(twice), twice @ w + bias)
        each = subject.DropConnect(n, out, p, rng, per_example=True, dtype=np.float64)
        y = abs(each(twice) - each.bias.value) > 1e-9
        independent(y[:n], y[n:], p)
        everything = subject.DropConnect(n, out, 1.0, rng, dtype=np.float64)
        assert np.array_equal(
            everything(twice), np.tile(everything.bias.value, (2 * n, 1))
        )


@property_of("DropConnect")
def dropconnect_backward_is_the_derivative(subject, rng):
    """Gradients of input, weight and bias agree with finite differences."""
    x, dy = rng.normal(size=(3, 4)), rng.normal(size=(3, 2))
    for per_example in (False, True):
        layer = subject.DropConnect(
            4, 2, 0.3, rng, per_example=per_example, dtype=np.float64
        )
        _weights_have_right_gradients(layer, ("weight", "bias"), x, dy, rng)


def _weights_have_right_gradients(layer, names, x, dy, rng):
    """Assert that dx and the gradients of the named parameters are the derivatives."""
    for _ in range(DRAWS):
        forward = repeated(layer, rng)
        if np.issubdtype(x.dtype, np.floating):
            assert gradient_error(forward, layer.backward, x, dy) < 1e-6
        for name in names:
            owner = layer
            for part in name.split("."):
                owner = getattr(owner, part)
            start = owner.value.copy()

            def through(value, owner=owner, forward=forward):
                owner.value = value
                return forward(x)

            def gradient(dy, owner=owner, start=start, forward=forward):
                owner.value = start
                forward(x)
                layer.backward(dy)
                return owner.grad

            assert gradient_error(through, gradient, start, dy) < 1e-6
            owner.value = start


@property_of("WordDropout")
def words_are_dropped_everywhere(subject, rng):
    """A dropped word is zero at all its places, a kept one is divided by 1 - p."""
    words = 2000
    for p in RATES:
        layer = subject.WordDropout(words, 3, p, rng, dtype=np.float64)
        table = layer.weight.value
        tokens = np.concatenate([np.arange(words), np.arange(words)]).reshape(2, words)
        y = layer(tokens)
        kept = (y != 0).all(axis=2)
        assert np.array_equal(
            y, np.where(kept[..., None], table[tokens] * (1 / (1 - p)), 0)
        )
        assert np.array_equal(kept[0], kept[1])
        again = (layer(tokens) != 0).all(axis=2)
        like_dropout(~np.array([kept[0], again[0]]), p, rng)
        assert np.array_equal(layer.eval()(tokens), table[tokens])
    layer = subject.WordDropout(5, 3, 0.3, rng, dtype=np.float64)
    tokens, dy = rng.permutation(np.repeat(np.arange(5), 2)), rng.normal(size=(10, 3))
    _weights_have_right_gradients(layer, ("weight",), tokens, dy, rng)


@property_of("WordDropout")
@beyond
def words_refuse_nonsense(subject, rng):
    """A token outside the table, or one that is no integer, is refused."""
    layer = subject.WordDropout(5, 3, 0.3, rng)
    raises(ValueError, ("tokens",), layer, np.array([5]))
    raises(TypeError, ("tokens",), layer, np.array([0.0]))


@property_of("VariationalRNN", "Dropout")
def recurrent_masks_live_for_a_sequence(subject, rng):
    """One input mask and one state mask a call, each at its own rate, for all steps."""
    n, steps, size, hidden = 8, 6, 5, 7
    x = rng.normal(size=(n, steps, size))
    for rates in ((0.3, 0.0), (0.0, 0.3), (0.1, 0.8), (0.8, 0.1), (1.0, 1.0)):
        layer = subject.VariationalRNN(size, hidden, *rates, rng, dtype=np.float64)
        twin = copy.deepcopy(rng)  # the documented order: input mask, then state mask
        into, carried = (
            subject.Dropout(p, twin)(np.ones(shape))
            for p, shape in zip(rates, ((n, 1, size), (n, hidden)), strict=True)
        )
        close(layer(x), _recurrence(layer, x * into, carried))
        if 0 < sum(rates) < 2:
            assert not np.array_equal(layer(x), layer(x))  # a new sequence, new masks
        layer.eval()
        assert np.array_equal(layer(x), layer(x))


def _recurrence(layer, x, carried):
    """Return the states of a tanh network whose state is multiplied at each step."""
    states, h = [], np.zeros(carried.shape)
    for t in range(x.shape[1]):
        arriving = x[:, t] @ layer.input.weight.value + layer.input.bias.value
        back = (h * carried) @ layer.recurrent.weight.value
        h = np.tanh(arriving + back + layer.recurrent.bias.value)
        states.append(h)
    return np.stack(states, axis=1)


@property_of("VariationalRNN")
def recurrent_backward_is_the_derivative(subject, rng):
    """Gradients through time agree with finite differences, for input and weights."""
    x, dy = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4, 2))
    layer = subject.VariationalRNN(3, 2, 0.3, 0.3, rng, dtype=np.float64)
    names = ("input.weight", "input.bias", "recurrent.weight", "recurrent.bias")
    _weights_have_right_gradients(layer, names, x, dy, rng)


# What every layer must have that does not mask its input ------------------------------
@property_of_other_layers
def draws(made, rng):
    """Each call in training draws anew from its generator, and none in evaluation."""
    build, x = made
    again, layer = seeded(rng), build(0.3, rng)
    first, second = layer(x), layer(x)
    layer.eval()
    still = layer(x)
    assert np.array_equal(still, layer(x))
    layer.train()
    for one, other in itertools.combinations((first, second, still, layer(x)), 2):
        assert not np.array_equal(one, other)
    assert np.array_equal(build(0.3, again())(x), build(0.3, again())(x))
    other = np.random.default_rng(int(rng.integers(2**63)))
    assert not np.array_equal(build(0.3, again())(x), build(0.3, other)(x))


@property_of_other_layers
def dtypes(made, rng):
    """Single precision stays: in the result, and in the gradient."""
    build, x = made
    layer = build(0.3, rng)
    y = layer(x)
    assert y.dtype == np.float32
    if hasattr(layer, "backward"):
        dx = layer.backward(np.ones_like(y))
        assert dx is None or dx.dtype == np.float32
