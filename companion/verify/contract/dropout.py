"""Properties of the function, of its backward pass, and of every kind of layer."""

import functools
import itertools
import math

import numpy as np

from companion.theory.networks import all_masks, mask_probabilities
from companion.verify.contract._assertions import (
    DRAWS,
    close,
    global_state_held,
    independent,
    like_dropout,
    plausible,
    raises,
    repeated,
    seeded,
    state,
)
from companion.verify.contract._register import (
    beyond,
    property_of,
    property_of_every_layer,
)
from companion.verify.properties import RATES, gradient_error


# The function -------------------------------------------------------------------------
@property_of("dropout")
@beyond
def dropout_drops_and_scales(subject, rng):
    """a value is 0 or exactly x / (1 - p), and both occur."""
    x = rng.normal(size=(100, 100))
    for p in (*RATES, 0.75):
        y = subject.dropout(x, p, rng)
        dropped = y == 0
        assert dropped.any() and not dropped.all()
        np.testing.assert_allclose(y[~dropped], x[~dropped] / (1 - p), rtol=1e-15)
        assert not np.signbit(y[dropped]).any()  # +0.0, also where x is negative


@property_of("dropout")
def dropout_has_the_rate(subject, rng):
    """Elements are dropped with probability p, each row and column alike."""
    x = np.ones((1000, 1000))
    for p in RATES:  # notices 0.004 for the whole, 0.1 for one row
        dropped = subject.dropout(x, p, rng) == 0
        plausible(dropped.sum(), dropped.size, p)
        plausible(dropped.sum(axis=0), 1000, p)
        plausible(dropped.sum(axis=1), 1000, p)


@property_of("dropout")
def dropout_is_independent(subject, rng):
    """Examples, units and calls have masks of their own."""
    x = np.ones((600, 400))
    for p in RATES:
        masks = [subject.dropout(x, p, rng) == 0 for _ in range(2)]
        like_dropout(np.array(masks), p, rng)


@property_of("dropout")
def dropout_ignores_the_values(subject, rng):
    """Which elements are dropped does not depend on what they hold."""
    again, x = seeded(rng), rng.normal(size=(50, 40)) + 0.01
    one = subject.dropout(x, 0.3, again()) == 0
    for other in (-x, x[::-1] ** 3, np.ones_like(x)):
        assert np.array_equal(subject.dropout(other, 0.3, again()) == 0, one)


@property_of("dropout")
@beyond
def dropout_ignores_the_layout(subject, rng):
    """One seed gives one mask for every dtype and memory layout."""
    again, x = seeded(rng), rng.uniform(1, 2, size=(40, 30))
    one = subject.dropout(x, 0.3, again())
    wide = np.zeros((40, 60))
    wide[:, ::2] = x
    for other in (np.asfortranarray(x), wide[:, ::2], x[::-1].copy()[::-1]):
        assert np.array_equal(subject.dropout(other, 0.3, again()), one)
    half = subject.dropout(x.astype(np.float16), 0.3, again())
    assert np.array_equal(half == 0, one == 0)


@property_of("dropout")
def dropout_uses_only_its_generator(subject, rng):
    """Equal seeds give equal results, and the global random state is left alone."""
    again, x = seeded(rng), np.ones(1000)
    with global_state_held(rng):
        one, other = (subject.dropout(x, 0.3, again()) for _ in range(2))
    assert np.array_equal(one, other)


@property_of("dropout")
def dropout_takes_every_layout(subject, rng):
    """Each value is 0 or x / (1 - p) and keeps its dtype, in every memory layout."""
    wide = rng.uniform(1, 2, (200, 90))
    for dtype, tolerance in (("f2", 1e-2), ("f4", 1e-5), ("f8", 1e-12)):
        rows = wide.astype(dtype)
        for x in (np.asfortranarray(rows), rows[:, ::2], rows[::-1], rows.T[3:]):
            y = subject.dropout(x, 0.3, rng)
            assert y.dtype == x.dtype
            np.testing.assert_allclose(y[y != 0], x[y != 0] / 0.7, rtol=tolerance)
            plausible((y == 0).sum(), y.size, 0.3)


@property_of("dropout")
@beyond
def dropout_is_off_in_evaluation(subject, rng):
    """Evaluation and p = 0 return x and draw nothing."""
    x, before = rng.normal(size=(30, 20)), state(rng)
    for p in (0.0, *RATES, 1.0):
        assert np.array_equal(subject.dropout(x, p, rng, training=False), x)
    assert np.array_equal(subject.dropout(x, 0.0, rng), x)
    assert state(rng) == before


@property_of("dropout")
@beyond
def dropout_at_1_is_zero(subject, rng):
    """p = 1 returns zeros, also for inf and nan, without a warning or a draw."""
    x, before = np.array([1.0, -1.0, np.inf, -np.inf, np.nan]), state(rng)
    y = subject.dropout(x, 1.0, rng)
    assert np.array_equal(y, np.zeros(5)) and not np.signbit(y).any()
    assert state(rng) == before


@property_of("dropout")
@beyond
def dropout_selects(subject, rng):
    """A dropped inf or nan is 0; a kept one stays."""
    for value in (np.inf, -np.inf, np.nan):
        y = subject.dropout(np.full(2000, value), 0.3, rng)
        kept = y != 0
        assert 0 < kept.sum() < 2000
        assert np.array_equal(y[kept], np.full(kept.sum(), value), equal_nan=True)


@property_of("dropout")
def dropout_leaves_its_input(subject, rng):
    """The input is not changed, and may be read-only."""
    x = rng.normal(size=1000)
    before = x.copy()
    for x.flags.writeable in (True, False):
        subject.dropout(x, 0.3, rng)
        assert np.array_equal(x, before)


@property_of("dropout")
@beyond
def dropout_keeps_dtype_and_rounds_once(subject, rng):
    """The dtype of x is kept, and a kept value is the correctly scaled one."""
    for dtype, work in (("f2", "f4"), ("f4", "f4"), ("f8", "f8")):
        x = rng.uniform(1, 2, 5000).astype(dtype)
        for p in (np.float64(0.1), 0.3, 0.7):
            y = subject.dropout(x, p, rng)
            exact = (x.astype(work) * np.dtype(work).type(1 / (1 - p))).astype(dtype)
            assert y.dtype == x.dtype
            assert np.array_equal(y[y != 0], exact[y != 0])


@property_of("dropout")
def dropout_on_large_arrays(subject, rng):
    """A large array is treated to its last element, in every dtype."""
    for dtype, n in (("f4", 2**20 + 17), ("f8", 2**19 + 3), ("f2", 2**18 + 1)):
        x, p = rng.uniform(1, 2, n).astype(dtype), 0.3
        y = subject.dropout(x, p, rng)
        dropped = y == 0
        right = x[~dropped] / (1 - p)
        np.testing.assert_allclose(y[~dropped], right, rtol=4 * np.finfo(dtype).eps)
        for part in (dropped, dropped[-1000:]):
            plausible(part.sum(), part.size, p)
        independent(dropped[: n // 2], dropped[-(n // 2) :], p)


@property_of("dropout")
def dropout_takes_every_shape(subject, rng):
    """One axis, many axes and empty arrays work."""
    for shape in ((7,), (0,), (3, 0, 2), (2, 1, 2, 1, 2, 2)):
        assert subject.dropout(np.ones(shape), 0.3, rng).shape == shape


@property_of("dropout")
def mask_shape_shares_draws(subject, rng):
    """Along an axis of size 1 in mask_shape one draw is shared, and nowhere else."""
    x, p = np.ones((40, 30, 20)), 0.3
    for shape in ((40, 30, 1), (40, 1, 20), (1, 30, 20), (40, 1, 1), (30, 1), (20,), ()):
        dropped = subject.dropout(x, p, rng, mask_shape=shape) == 0
        full = (1,) * (3 - len(shape)) + shape
        draws = dropped[tuple(slice(size) for size in full)]
        assert np.array_equal(dropped, np.broadcast_to(draws, x.shape))
        like_dropout(draws, p, rng)


@property_of("dropout")
@beyond
def dropout_refuses_nonsense(subject, rng):
    """Integers, booleans, complex numbers, a bad p and a seed are refused."""
    for x in (np.arange(4), np.ones(4, bool), np.ones(4, complex)):
        raises(TypeError, ("x", str(x.dtype)), subject.dropout, x, 0.3, rng)
    for p in (-0.1, 1.1, float("nan")):
        raises(ValueError, ("p", repr(p)), subject.dropout, np.ones(4), p, rng)
    for p in ("0.5", None, True, [0.5]):
        raises(TypeError, ("p", repr(p)), subject.dropout, np.ones(4), p, rng)
    raises(TypeError, ("rng",), subject.dropout, np.ones(4), 0.3, 7)
    wrong = functools.partial(subject.dropout, mask_shape=(3,))
    raises(ValueError, ("mask_shape",), wrong, np.ones((4, 2)), 0.3, rng)
    assert subject.dropout(np.ones(()), 0.3, rng).shape == ()  # a scalar is none


# Forward and backward with a given mask -----------------------------------------------
@property_of("dropout_forward")
@beyond
def forward_selects_and_scales(subject, rng):
    """With a given mask the result is x / (1 - p) where it keeps and +0.0 elsewhere."""
    x, mask = rng.normal(size=(20, 10)), rng.random((20, 10)) < 0.6
    x[0, :3] = np.inf, -np.inf, np.nan
    for p in (*RATES, 0.75):
        y = subject.dropout_forward(x, mask, p)
        assert np.array_equal(y, np.where(mask, x * (1 / (1 - p)), 0.0), equal_nan=True)
        assert not np.signbit(y[~mask]).any()


@property_of("dropout_forward")
def forward_keeps_mean_and_has_the_variance(subject, rng):
    """Over all masks the mean is x and the variance is x^2 p / (1 - p)."""
    x, masks = rng.normal(size=8), all_masks(8)
    for p in RATES:
        weight = mask_probabilities(masks, p)
        y = subject.dropout_forward(np.tile(x, (256, 1)), masks, p)
        close(weight @ y, x)
        close(weight @ (y - x) ** 2, x**2 * p / (1 - p))


@property_of("dropout_forward")
def forward_broadcasts_the_mask(subject, rng):
    """A mask of size 1 along an axis acts on all of it."""
    x, mask = rng.normal(size=(4, 5, 6)), rng.random((4, 1, 6)) < 0.5
    close(subject.dropout_forward(x, mask, 0.3), np.where(mask, x / 0.7, 0.0))


@property_of("dropout_forward")
@beyond
def forward_refuses_a_wrong_mask(subject, rng):
    """Masks of numbers, of another shape, or with survivors at p = 1 are refused."""
    x = np.ones((2, 3))
    raises(TypeError, ("mask",), subject.dropout_forward, x, np.ones((2, 3)), 0.3)
    raises(ValueError, ("mask",), subject.dropout_forward, x, np.ones((3, 3), bool), 0.3)
    raises(ValueError, ("mask",), subject.dropout_forward, x, np.ones((2, 3), bool), 1.0)


@property_of("dropout_backward")
def backward_is_the_same_selection(subject, rng):
    """The gradient is dy / (1 - p) where the mask keeps and 0 elsewhere."""
    dy, mask = rng.normal(size=(20, 10)), rng.random((20, 10)) < 0.6
    for p in (*RATES, 0.75):
        dx = subject.dropout_backward(dy, mask, p)
        close(dx, np.where(mask, dy / (1 - p), 0.0))
    assert not subject.dropout_backward(dy, np.zeros((20, 10), bool), 1.0).any()
    for dtype in (np.float16, np.float32):
        assert subject.dropout_backward(dy.astype(dtype), mask, 0.3).dtype == dtype


@property_of("dropout_backward", "dropout_forward")
def backward_is_the_derivative(subject, rng):
    """The backward pass agrees with finite differences of the forward pass."""
    x, dy = rng.normal(size=(2, 4, 5))
    x[0] = 0.0  # a backward pass that reads the mask off the output fails here
    mask = rng.random((4, 5)) < 0.6
    for p in RATES:
        error = gradient_error(
            lambda x, p=p: subject.dropout_forward(x, mask, p),
            lambda dy, p=p: subject.dropout_backward(dy, mask, p),
            x,
            dy,
        )
        assert error < 1e-6


# What every layer on activations must have -------------------------------------------
def _values(layer, p):
    """Return what a kept and what a dropped x = 1 become."""
    a, b, dropped = layer.act(p)
    return a + b, dropped


def _own(layer, y):
    """Return the part of y that holds each draw once."""
    return y[tuple(slice(size) for size in layer.draws)]


@property_of_every_layer
def granularity(layers, rng):
    """Draws are shared along the right axes, with right rate and scale."""
    for layer, p in itertools.product(layers, RATES):
        kept, dropped = _values(layer, p)
        module, masks = layer.build(p, rng), []
        for _ in range(max(1, 20_000 // math.prod(layer.draws))):
            y = module(np.ones(layer.shape))
            mask = np.isclose(y, kept, rtol=1e-14, atol=0)
            assert (mask | np.isclose(y, dropped, rtol=1e-14, atol=0)).all()
            assert np.array_equal(mask, np.broadcast_to(_own(layer, mask), layer.shape))
            masks.append(_own(layer, mask))
        like_dropout(~np.array(masks), p, rng)  # (runs, *draws)


@property_of_every_layer
def dtypes(layers, rng):
    """The result and the gradient have the dtype of x."""
    for layer, dtype in itertools.product(layers, ("f2", "f4", "f8")):
        x, module = np.ones(layer.shape, dtype), layer.build(0.3, rng)
        assert module(x).dtype == x.dtype
        assert not hasattr(module, "backward") or module.backward(x).dtype == x.dtype


@property_of_every_layer
@beyond
def modes(layers, rng):
    """Training drops, evaluation and p = 0 return x, p = 1 gives zeros."""
    for layer in layers:
        x = rng.normal(size=layer.shape)
        for p in RATES:
            module = layer.build(p, rng)
            assert module.training
            assert not np.array_equal(module(x), x)
            before = state(rng)
            assert module.eval() is module and not module.training
            assert np.array_equal(module(x), x)
            assert np.array_equal(module.backward(x), x)
            assert state(rng) == before
            assert module.train() is module and module.training
            assert not np.array_equal(module(x), x)
        before = state(rng)
        assert np.array_equal(layer.build(0.0, rng)(x), x)
        everything = layer.build(1.0, rng)
        assert not everything(np.where(x > 0, x, np.inf)).any()
        assert not everything.backward(x).any()
        assert state(rng) == before


@property_of_every_layer
def derivative(layers, rng):
    """The backward pass is the derivative of the forward pass."""
    for layer in layers:
        shape = tuple(min(size, 4) for size in layer.shape)
        x, dy = rng.normal(size=(2, *shape))
        x[0] = 0.0  # a mask that is read off the output fails here
        module = layer.build(0.3, rng)
        for _ in range(DRAWS):
            forward = repeated(module, rng)
            assert gradient_error(forward, module.backward, x, dy) < 1e-6


@property_of_every_layer
@beyond
def care(layers, rng):
    """Seeds repeat, inputs and dtypes stay, p may change, nonsense is refused."""
    for layer in layers:
        again = seeded(rng)
        x = rng.uniform(1, 2, layer.shape)
        before = x.copy()
        x.flags.writeable = False
        results = [layer.build(0.3, again())(x) for _ in range(2)]
        assert np.array_equal(*results) and np.array_equal(x, before)
        assert layer.build(0.3, rng)(x.astype(np.float32)).dtype == np.float32
        assert layer.build(0.3, rng)(x.astype(np.float16)).dtype == np.float16
        raises(TypeError, ("x",), layer.build(0.3, rng), x.astype(int))
        raises(ValueError, ("p", "1.5"), layer.build, 1.5, rng)
        raises(TypeError, ("p", "None"), layer.build, None, rng)
        raises(TypeError, ("rng",), layer.build, 0.3, 0)
        module = layer.build(0.3, rng)
        module.p = 0.9  # a schedule may change the rate between two passes
        y = module(x)
        module.p = 0.1
        a, b, dropped = layer.act(0.9)
        kept = np.isclose(y, a * x + b, rtol=1e-13)
        assert np.isclose(y[~kept], dropped, rtol=1e-13, atol=0).all()
        assert np.array_equal(module.backward(x), np.where(kept, x * a, 0.0))


@property_of_every_layer
def siblings(layers, rng):
    """Two layers with one generator have masks of their own."""
    p = 0.3
    for layer in layers:
        kept, _ = _values(layer, p)
        pair = [layer.build(p, rng) for _ in range(2)]
        masks = []
        for _ in range(max(1, 20_000 // math.prod(layer.draws))):
            results = [module(np.ones(layer.shape)) for module in pair]
            masks.append([np.isclose(_own(layer, y), kept) for y in results])
        independent(*np.moveaxis(masks, 1, 0), p)
