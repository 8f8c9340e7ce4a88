"""Backward passes of the NumPy half: each belongs to the last forward pass, or is refused.

A layer keeps what one backward pass needs. A fault here gives wrong gradients, silently.
"""

import copy
import pickle

import numpy as np
import pytest

import companion.numpy as cn
from companion.numpy import nn
from companion.verify.properties import gradient_error

from .kinds import KINDS, PARAMETERS, an_input, build, parameter

PLAIN = {
    "Linear": lambda rng: nn.Linear(5, 3, rng, float),
    "ReLU": lambda rng: nn.ReLU(),
    "Sequential": lambda rng: nn.Sequential(nn.Linear(5, 3, rng, float), nn.ReLU()),
    "empty": lambda rng: nn.Sequential(nn.Sequential(nn.ReLU())),
}
LAYERS = [*KINDS, *PLAIN]
NO_CALL = (
    r"^backward needs a forward pass of \w+, and there was none. Call the layer first"
)
LOST = "backward was called again after 2 forward passes.*build a layer for each place"


def make(kind, rng):
    return PLAIN[kind](rng) if kind in PLAIN else build("numpy", kind, 0.3, rng)


def draw_x(kind, rng):
    return rng.normal(size=(6, 5)) if kind in PLAIN else an_input(kind, rng)


def gradients(layer, kind, dy):
    """Return the gradients of x and of all weights."""
    dx = layer.backward(dy)
    owners = [parameter(layer, path) for path in PARAMETERS.get(kind.split()[0], ())]
    return [np.array(g) for g in (dx, *(owner.grad for owner in owners)) if g is not None]


def same(one, other):
    """Equal but for rounding: the memory of a copy may have another layout."""
    return len(one) == len(other) and all(
        np.allclose(a, b, rtol=1e-12, atol=1e-12) for a, b in zip(one, other, strict=True)
    )


@pytest.fixture(params=LAYERS)
def kind(request):
    return request.param


@pytest.fixture(params=[True, False], ids=["training", "evaluation"])
def layer(request, kind, rng):
    return make(kind, rng).train(request.param)


def test_a_backward_pass_before_any_call_is_refused_alike(layer):
    with pytest.raises(RuntimeError, match=NO_CALL):
        layer.backward(np.ones((6, 3)))


def test_a_layer_at_two_places_is_refused(layer, kind, rng):
    """The last call gets its gradient, and the first one no other layer's."""
    x, last = draw_x(kind, rng), draw_x(kind, rng)
    twin = copy.deepcopy(layer)  # with a generator in the same state
    layer(x), twin(x)
    dy = rng.normal(size=layer(last).shape)
    twin.backward(np.ones_like(dy))  # so that twin(last) is a pass of its own
    twin(last)
    assert same(gradients(layer, kind, dy), gradients(twin, kind, dy))
    with pytest.raises(RuntimeError, match=LOST):
        layer.backward(dy)
    layer(last)
    for _ in range(2):  # a new forward pass mends it
        layer.backward(dy)


def test_one_call_can_be_gone_back_twice(layer, kind, rng):
    dy = rng.normal(size=layer(draw_x(kind, rng)).shape)
    assert same(gradients(layer, kind, dy), gradients(layer, kind, dy))


def test_calls_without_a_backward_pass_keep_no_memory(layer, kind, rng):
    x, sizes = draw_x(kind, rng), []
    for calls in (1, 30):
        for _ in range(calls):
            layer(x)
        sizes.append(len(pickle.dumps(layer)))
    assert sizes[1] < sizes[0] + 20


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))]
)
def test_a_copy_goes_back_like_the_original(layer, kind, copied, rng):
    dy = rng.normal(size=layer(draw_x(kind, rng)).shape)
    assert same(gradients(copied(layer), kind, dy), gradients(layer, kind, dy))


def test_a_rate_that_moves_between_the_passes_changes_no_gradient(kind, rng):
    layer = make(kind, rng)
    dy = rng.normal(size=layer(draw_x(kind, rng)).shape)
    twin = copy.deepcopy(layer)
    if isinstance(layer, cn.ConcreteDropout):
        layer.logit.value = layer.logit.value + 2.0
    elif kind in KINDS:
        cn.set_rate(layer, 0.9)
    assert same(gradients(layer, kind, dy), gradients(twin, kind, dy))


def test_a_gradient_that_does_not_fit_is_refused(layer, kind, rng):
    """Some shapes would broadcast: the result would be wrong, and nothing be said."""
    y = layer(draw_x(kind, rng))
    for dy in (np.ones(y.shape[-1:]), np.ones((1, *y.shape)), np.ones(())):
        with pytest.raises(ValueError, match="dy must have the shape of what"):
            layer.backward(dy)
    for dy in (np.ones(y.shape, int), y.tolist(), np.ma.masked_array(y)):
        with pytest.raises(TypeError, match="dy must be a"):
            layer.backward(dy)
    layer.backward(np.ones_like(y))


def test_a_refused_call_leaves_the_last_one_as_it_was(layer, kind, rng):
    dy = rng.normal(size=layer(draw_x(kind, rng)).shape)
    twin = copy.deepcopy(layer)
    for bad in (np.ones((2, 2), object), "x", None, np.ones((2, 5), complex)):
        with pytest.raises(TypeError, match=r"(x|scores|tokens) must be"):
            layer(bad)
    if kind in KINDS and "Concrete" not in kind:
        for part in layer.modules():
            if isinstance(part, cn.Dropout):
                part.p = 1.5
        with pytest.raises(ValueError, match=r"got 1\.5"):
            layer(draw_x(kind, rng) if "Word" in kind else 2 * draw_x(kind, rng))
    assert same(gradients(layer, kind, dy), gradients(twin, kind, dy))


def networks(kind, rng):
    """Return a network with one layer at two places, and one with a layer for each."""
    first, last = (nn.Linear(6, 6, rng, float) for _ in range(2))
    one, other = kind(0.3, rng), kind(0.3, rng)
    return nn.Sequential(first, one, last, one), nn.Sequential(first, one, last, other)


@pytest.mark.parametrize("kind", [cn.Dropout, cn.DropPath, cn.GaussianDropout,
                                  cn.AlphaDropout, cn.AttentionDropout])  # fmt: skip
def test_a_network_has_its_gradient_or_none(kind, rng):
    shared, apart = networks(kind, rng)
    x, state = rng.normal(size=(4, 6)), rng.bit_generator.state

    def forward(net, x):
        rng.bit_generator.state = state
        return net(x)

    def backward(net, dy):
        forward(net, x)
        return net.backward(dy)

    dy = np.ones((4, 6)) * np.arange(6)
    error = gradient_error(
        lambda x: forward(apart, x), lambda dy: backward(apart, dy), x, dy
    )
    assert error < 1e-6
    with pytest.raises(RuntimeError, match="build a layer for each place"):
        backward(shared, dy)
    assert np.array_equal(shared.eval()(x), apart.eval()(x))


def test_monte_carlo_passes_and_evaluation_leave_training_alone(rng):
    model = nn.Sequential(nn.Linear(5, 3, rng, float), nn.ReLU(), cn.Dropout(0.3, rng))
    x = rng.normal(size=(6, 5))
    cn.monte_carlo(model, x, 20)
    nn.evaluate(model, x, np.zeros(6, int))
    model(x)
    model.backward(np.ones((6, 3)))
    assert model[0].weight.grad.any()


LOGITS = np.array([[2.0, 0.0], [0.5, 1.0]])
LABELS = np.array([0, 1])


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.RDropLoss(1.0)])
def test_losses_keep_to_the_same_rule(loss):
    logits = [LOGITS] * (2 if isinstance(loss, nn.RDropLoss) else 1)
    with pytest.raises(RuntimeError, match=NO_CALL):
        loss.backward()
    loss(*logits, LABELS)
    assert same(np.array(loss.backward()), np.array(loss.backward()))
    loss(*logits, LABELS), loss(*logits, 1 - LABELS)
    loss.backward()
    with pytest.raises(RuntimeError, match=LOST):
        loss.backward()
