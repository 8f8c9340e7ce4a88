"""The core of the test suite: what a correct implementation of dropout satisfies.

Each check takes a *subject* and a generator. A subject is anything with some of the
names of `companion.numpy` (and `keep_mask`), over NumPy arrays: the package itself, an
adapter around another framework, or your own code. Checks know the contract and not
the implementation. So the same ones judge both frameworks, and each faulty dropout of
`companion.mutants` must fail at least one.

Algebra is checked exactly. Randomness is checked by counts with exact binomial bounds;
each count gives a false alarm with probability 1e-9 or less, so its seed may be fresh.
"""

import contextlib
import copy
import itertools
import math
import warnings
from typing import NamedTuple

import numpy as np

from companion._arguments import check_generator
from companion.checks import FALSE_ALARM, RATES, gradient_error
from companion.masks import keep_mask
from companion.theory import (
    ALPHA_PRIME,
    all_masks,
    alpha_affine,
    block_start_rate,
    dropped_variance,
    mask_probabilities,
)

__all__ = ["CHECKS", "Check", "check", "violations"]


class Check(NamedTuple):
    """One property of a correct dropout.

    Attributes
    ----------
    name : str
        Name of the check.
    needs : tuple of str
        Names that the subject must have.
    property : str
        The property in a sentence.
    function : callable
        Takes (subject, rng); raises AssertionError where the property fails.

    Notes
    -----
    Explained in chapter 9.

    Examples
    --------
    >>> CHECKS[0].name, CHECKS[0].needs
    ('masks_have_shape_and_type', ('keep_mask',))
    """

    name: str
    needs: tuple
    property: str
    function: object


CHECKS = []


def check(*needs):
    """Register a check of the names it needs.

    Parameters
    ----------
    *needs : str
        Names that the subject must have.

    Returns
    -------
    callable
        Decorator for a function (subject, rng); the first line of its docstring
        is the property.

    Raises
    ------
    TypeError
        If no name is given.

    Notes
    -----
    Explained in chapter 9.

    Examples
    --------
    >>> {need for check in CHECKS for need in check.needs} > {"keep_mask", "dropout"}
    True
    """
    if not needs:
        raise TypeError("needs must not be empty: name what the check looks at.")

    def register(function):
        sentence = function.__doc__.splitlines()[0]
        CHECKS.append(Check(function.__name__, needs, sentence, function))
        return function

    return register


def violations(subject, rng, *, only=None, stop=False):
    """Return which properties a subject violates.

    Parameters
    ----------
    subject : object
        With some of the names of `companion.numpy`, or `keep_mask`, over NumPy
        arrays. Checks of names that it lacks are left out.
    rng : numpy.random.Generator
        Source of all randomness, here and in the subject.
    only : set of str, optional
        Run only checks that need one of these names.
    stop : bool
        True stops at the first violation.

    Returns
    -------
    list of str
        One line for each violated check: its name and the property, or the
        exception that it met. Empty for a correct subject.

    Raises
    ------
    TypeError
        If rng is not a Generator.
    ValueError
        If there is nothing to check.

    Notes
    -----
    Explained in chapter 9.

    Examples
    --------
    >>> import numpy as np, types, companion.numpy, companion.masks
    >>> rng = np.random.default_rng(0)
    >>> violations(companion.masks, rng)
    []
    >>> def never(x, p, rng, *, training=True, mask_shape=None):
    ...     return x
    >>> violations(types.SimpleNamespace(dropout=never), rng, stop=True)
    ['dropout_drops_and_scales: a value is 0 or exactly x / (1 - p), and both occur.']
    """
    check_generator(rng)
    chosen = [
        one
        for one in CHECKS
        if all(hasattr(subject, need) for need in one.needs)
        and (only is None or set(only) & set(one.needs))
    ]
    if not chosen:
        raise ValueError(
            f"subject must have one of the names of companion.numpy; got {subject!r}."
        )
    found = []
    for one in chosen:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                one.function(subject, rng)
        except AssertionError:
            found.append(f"{one.name}: {one.property}")
        except Exception as error:  # the subject may raise anything
            found.append(f"{one.name}: {type(error).__name__}: {error}")
        if stop and found:
            break
    return found


# What the checks share ----------------------------------------------------------------


def _plausible(counts, n, probability):
    """Assert that counts of n trials each fit a probability, 1e-9 for all together."""
    from scipy.stats import binom  # here, so that importing the companion stays quick

    counts = np.atleast_1d(counts)
    below, above = binom.cdf(counts, n, probability), binom.sf(counts - 1, n, probability)
    assert (np.minimum(below, above) > FALSE_ALARM / 2 / counts.size).all()


def _independent(one, other, p):
    """Assert that two boolean arrays of rate 1 - p agree as often as independent ones."""
    _plausible((one == other).sum(), one.size, p**2 + (1 - p) ** 2)


def _seeded(rng):
    """Return a function that makes one generator again and again."""
    seed = int(rng.integers(2**63))
    return lambda: np.random.default_rng(seed)


def _state(rng):
    return repr(rng.bit_generator.state)


@contextlib.contextmanager
def _global_state_held(rng):
    """Assert that NumPy's global random state, fresh, is the same afterwards."""
    before = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002
        fresh = np.random.get_state()  # noqa: NPY002
        yield
        after = np.random.get_state()  # noqa: NPY002
        assert np.array_equal(fresh[1], after[1]) and fresh[2:] == after[2:]
    finally:
        np.random.set_state(before)  # noqa: NPY002


def _raises(error, words, function, *arguments):
    """Assert that a call is refused with an error that says what is wrong."""
    message = None
    try:
        function(*arguments)
    except error as raised:
        message = str(raised)
    assert message is not None, "nothing was raised"
    assert all(word in message for word in words), message


# Gradients are checked on small arrays, with so many masks: in one small mask the part
# that shows a fault may happen to be dropped, or nothing may be.
DRAWS = 6


def _repeated(layer, rng):
    """Return a forward pass that draws the same randomness at every call."""
    state = rng.bit_generator.state

    def forward(x):
        rng.bit_generator.state = state
        return layer(x)

    return forward


def _close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


# Keep masks ---------------------------------------------------------------------------


@check("keep_mask")
def masks_have_shape_and_type(subject, rng):
    """A mask holds booleans and has the shape asked for."""
    for shape in ((), (5,), (0,), (2, 3, 1, 1, 2, 2)):
        mask = subject.keep_mask(shape, 0.3, rng)
        assert mask.shape == shape and mask.dtype == bool


@check("keep_mask")
def certain_masks_draw_nothing(subject, rng):
    """p = 0, p = 1 and empty masks are certain and consume no randomness."""
    before = _state(rng)
    assert subject.keep_mask((3, 4), 0.0, rng).all()
    assert not subject.keep_mask((3, 4), 1.0, rng).any()
    assert subject.keep_mask((3, 0, 2), 0.3, rng).shape == (3, 0, 2)
    assert _state(rng) == before


@check("keep_mask")
def one_seed_one_mask(subject, rng):
    """The generator alone decides: equal seeds give equal masks."""
    again = _seeded(rng)
    for shape in (1000, (30, 40)):
        one, other = (subject.keep_mask(shape, 0.3, again()) for _ in range(2))
        assert np.array_equal(one, other)


@check("keep_mask")
def masks_are_nested(subject, rng):
    """With one seed, what is kept at a larger p is kept at a smaller one."""
    again = _seeded(rng)
    rates = (0.05, 0.1, 0.3, 0.301, 0.5, 0.8, 0.95)
    masks = [subject.keep_mask(20_000, p, again()) for p in rates]
    for smaller, larger in itertools.pairwise(masks):
        assert not (larger & ~smaller).any()


@check("keep_mask")
def global_state_is_left_alone(subject, rng):
    """No call reads or changes the global random state of NumPy."""
    with _global_state_held(rng):
        subject.keep_mask(1000, 0.3, rng)


@check("keep_mask")
def number_kept_is_binomial(subject, rng):
    """The number kept varies as it should: it is neither fixed nor bounded."""
    for p in RATES:
        whole = subject.keep_mask((20_000, 6), p, rng).sum(axis=1)
        calls = np.array([subject.keep_mask(6, p, rng).sum() for _ in range(2000)])
        by_count = mask_probabilities(all_masks(6), p)
        for kept in range(7):
            probability = by_count[all_masks(6).sum(axis=1) == kept].sum()
            for counts in (whole, calls):
                _plausible((counts == kept).sum(), counts.size, probability)


@check("keep_mask")
def keep_rate(subject, rng):
    """An element is kept with probability 1 - p, also for p near 0 and 1."""
    # Notices a rate off by 0.0013 at p = 0.1 and by 0.00013 at p = 0.001.
    for p in (*RATES, 0.001, 0.999):
        _plausible(subject.keep_mask(4_000_000, p, rng).sum(), 4_000_000, 1 - p)


@check("keep_mask")
def small_rates_are_not_rounded(subject, rng):
    """A rate of 2^-17 or 1e-10 is that rate, and not the nearest coarse number."""
    n = 8_000_000
    _plausible((~subject.keep_mask(n, 2.0**-17, rng)).sum(), n, 2.0**-17)
    # Three drops happen with probability 2e-13, two with 5e-9.
    assert subject.keep_mask(1_000_000, 1e-10, rng).sum() >= 999_998


@check("keep_mask")
def every_position_has_the_rate(subject, rng):
    """No row, no column and no end of the mask is special."""
    for p in RATES:  # notices one column whose rate is off by 0.03
        mask = subject.keep_mask((40_000, 30), p, rng)
        _plausible(mask.sum(axis=0), 40_000, 1 - p)
        mask = subject.keep_mask((30, 40_000), p, rng)
        _plausible(mask.sum(axis=1), 40_000, 1 - p)


@check("keep_mask")
def neighbours_are_independent(subject, rng):
    """The four elements of each block of four have all 16 patterns as often as due."""
    n, p = 1_000_000, 0.3
    codes = subject.keep_mask((n, 4), p, rng) @ [1, 2, 4, 8]
    probabilities = mask_probabilities(all_masks(4), p)
    for code, probability in enumerate(probabilities):
        _plausible((codes == code).sum(), n, probability)


@check("keep_mask")
def distant_elements_are_independent(subject, rng):
    """Elements at a distance of 1 to 65,536 are independent."""
    p = 0.3
    for lag in (1, 2, 3, 5, 7, 8, 16, 64, 100, 256, 1000, 1024, 4096, 65_536):
        mask = subject.keep_mask(2 * lag * (200_000 // lag), p, rng).reshape(-1, 2, lag)
        _independent(mask[:, 0], mask[:, 1], p)


@check("keep_mask")
def axes_are_independent(subject, rng):
    """Rows, columns, examples and channels have masks of their own."""
    for p in RATES:
        mask = subject.keep_mask((40, 30, 20, 10), p, rng)
        for axis in range(4):
            first, second = np.split(mask, 2, axis)
            _independent(first, second, p)


@check("keep_mask")
def calls_and_streams_are_independent(subject, rng):
    """Two calls, two seeds and two spawned streams have nothing in common."""
    p, n = 0.3, 200_000
    streams = [np.random.default_rng(seed) for seed in rng.integers(2**63, size=3)]
    streams += [rng, rng, *rng.spawn(3)]
    masks = [subject.keep_mask(n, p, stream) for stream in streams]
    for i, one in enumerate(masks):
        for other in masks[:i]:
            _independent(one, other, p)


@check("keep_mask")
def large_masks_are_independent(subject, rng):
    """No part of a large mask repeats another, whatever blocks or threads drew it."""
    n, p = 2**22 + 100, 0.3  # notices an agreement off by 0.015, in the smallest part
    mask = subject.keep_mask(n, p, rng)
    for size in (n // 2, n // 3, n // 4, 2**21, 2**20, 2**18, 2**16):
        _independent(mask[:size], mask[size : 2 * size], p)
        _independent(mask[:size], mask[-size:], p)
    _plausible(mask[-100:].sum(), 100, 1 - p)


@check("keep_mask")
def rare_drops_are_independent(subject, rng):
    """At p = 0.001 a neighbour of a dropped element is dropped as rarely as any."""
    # Notices random bits that two neighbours share in the one case of 256 that
    # needs more than a byte: 80 pairs would both be dropped, in place of 20.
    pairs = 20_000_000
    mask = subject.keep_mask(2 * pairs, 0.001, rng)
    _plausible((~mask[::2] & ~mask[1::2]).sum(), pairs, 1e-6)


@check("keep_mask")
def ends_of_the_interval(subject, rng):
    """The uniform number 0 is dropped by every p > 0, the largest one by p = 1 only."""

    def words(first, third):  # a generator that starts with two given 64-bit words
        bits = np.random.SFC64()
        inside = np.array([first, 0, third, 0], np.uint64)
        bits.state = bits.state | {"state": {"state": inside}}
        return np.random.Generator(bits)

    def zeros():
        return words(0, 0)

    def ones():  # the second word of this generator is 9 times the third state, plus 1
        return words(2**64 - 1, (2**64 - 2) * pow(9, -1, 2**64) % 2**64)

    for p in (0.1, 0.5, 1 - 2.0**-53):
        assert not subject.keep_mask(1, p, zeros()).any()
        assert subject.keep_mask(1, p, ones()).all()
    assert subject.keep_mask(1, 0.0, zeros()).all()
    assert not subject.keep_mask(1, 1.0, ones()).any()


@check("keep_mask")
def masks_refuse_nonsense(subject, rng):
    """A p that is no probability, and a seed in place of a generator, are refused."""
    for p in (-0.1, 1.1, float("nan"), float("inf")):
        _raises(ValueError, ("p", repr(p)), subject.keep_mask, 3, p, rng)
    for p in ("0.5", None, True, [0.5]):
        _raises(TypeError, ("p", repr(p)), subject.keep_mask, 3, p, rng)
    for seed in (0, None):
        _raises(TypeError, ("rng", repr(seed)), subject.keep_mask, 3, 0.3, seed)


# The function -------------------------------------------------------------------------


@check("dropout")
def dropout_drops_and_scales(subject, rng):
    """a value is 0 or exactly x / (1 - p), and both occur."""
    x = rng.normal(size=(100, 100))
    for p in (*RATES, 0.75):
        y = subject.dropout(x, p, rng)
        dropped = y == 0
        assert dropped.any() and not dropped.all()
        np.testing.assert_allclose(y[~dropped], x[~dropped] / (1 - p), rtol=1e-15)
        assert not np.signbit(y[dropped]).any()  # +0.0, also where x is negative


@check("dropout")
def dropout_has_the_rate(subject, rng):
    """Elements are dropped with probability p, each row and column alike."""
    x = np.ones((1000, 1000))
    for p in RATES:  # notices 0.004 for the whole, 0.1 for one row
        dropped = subject.dropout(x, p, rng) == 0
        _plausible(dropped.sum(), dropped.size, p)
        _plausible(dropped.sum(axis=0), 1000, p)
        _plausible(dropped.sum(axis=1), 1000, p)


@check("dropout")
def dropout_is_independent(subject, rng):
    """Examples, units and calls have masks of their own."""
    x = np.ones((600, 400))
    for p in RATES:
        one, other = (subject.dropout(x, p, rng) != 0 for _ in range(2))
        _independent(one, other, p)
        _independent(one[::2], one[1::2], p)
        _independent(one[:, ::2], one[:, 1::2], p)
        _independent(one[:300], one[300:], p)


@check("dropout")
def dropout_ignores_the_values(subject, rng):
    """Which elements are dropped does not depend on what they hold."""
    again, x = _seeded(rng), rng.normal(size=(50, 40)) + 0.01
    one = subject.dropout(x, 0.3, again()) == 0
    for other in (-x, x[::-1] ** 3, np.ones_like(x)):
        assert np.array_equal(subject.dropout(other, 0.3, again()) == 0, one)


@check("dropout")
def dropout_ignores_the_layout(subject, rng):
    """One seed gives one mask for every dtype and memory layout."""
    again, x = _seeded(rng), rng.uniform(1, 2, size=(40, 30))
    one = subject.dropout(x, 0.3, again())
    wide = np.zeros((40, 60))
    wide[:, ::2] = x
    for other in (np.asfortranarray(x), wide[:, ::2], x[::-1].copy()[::-1]):
        assert np.array_equal(subject.dropout(other, 0.3, again()), one)
    half = subject.dropout(x.astype(np.float16), 0.3, again())
    assert np.array_equal(half == 0, one == 0)


@check("dropout")
def dropout_uses_only_its_generator(subject, rng):
    """Equal seeds give equal results, and the global random state is left alone."""
    again, x = _seeded(rng), np.ones(1000)
    with _global_state_held(rng):
        one, other = (subject.dropout(x, 0.3, again()) for _ in range(2))
    assert np.array_equal(one, other)


@check("dropout")
def dropout_is_off_in_evaluation(subject, rng):
    """Evaluation and p = 0 return x and draw nothing."""
    x, before = rng.normal(size=(30, 20)), _state(rng)
    for p in (0.0, *RATES, 1.0):
        assert np.array_equal(subject.dropout(x, p, rng, training=False), x)
    assert np.array_equal(subject.dropout(x, 0.0, rng), x)
    assert _state(rng) == before


@check("dropout")
def dropout_at_1_is_zero(subject, rng):
    """p = 1 returns zeros, also for inf and nan, without a warning or a draw."""
    x, before = np.array([1.0, -1.0, np.inf, -np.inf, np.nan]), _state(rng)
    y = subject.dropout(x, 1.0, rng)
    assert np.array_equal(y, np.zeros(5)) and not np.signbit(y).any()
    assert _state(rng) == before


@check("dropout")
def dropout_selects(subject, rng):
    """A dropped inf or nan is 0; a kept one stays."""
    for value in (np.inf, -np.inf, np.nan):
        y = subject.dropout(np.full(2000, value), 0.3, rng)
        kept = y != 0
        assert 0 < kept.sum() < 2000
        assert np.array_equal(y[kept], np.full(kept.sum(), value), equal_nan=True)


@check("dropout")
def dropout_leaves_its_input(subject, rng):
    """The input is not changed, and may be read-only."""
    x = rng.normal(size=1000)
    before = x.copy()
    x.flags.writeable = False
    subject.dropout(x, 0.3, rng)
    assert np.array_equal(x, before)


@check("dropout")
def dropout_keeps_dtype_and_rounds_once(subject, rng):
    """The dtype of x is kept, and a kept value is the correctly scaled one."""
    for dtype, work in (("f2", "f4"), ("f4", "f4"), ("f8", "f8")):
        x = rng.uniform(1, 2, 5000).astype(dtype)
        for p in (np.float64(0.1), 0.3, 0.7):
            y = subject.dropout(x, p, rng)
            exact = (x.astype(work) * np.dtype(work).type(1 / (1 - p))).astype(dtype)
            assert y.dtype == x.dtype
            assert np.array_equal(y[y != 0], exact[y != 0])


@check("dropout")
def dropout_on_large_arrays(subject, rng):
    """A large array is treated to its last element, in every dtype."""
    for dtype, n in (("f4", 2**20 + 17), ("f8", 2**19 + 3), ("f2", 2**18 + 1)):
        x, p = rng.uniform(1, 2, n).astype(dtype), 0.3
        work = np.promote_types(dtype, "f4").type
        exact = (x.astype(work) * work(1 / (1 - p))).astype(dtype)
        y = subject.dropout(x, p, rng)
        dropped = y == 0
        assert np.array_equal(y, np.where(dropped, x.dtype.type(0), exact))
        for part in (dropped, dropped[-1000:]):
            _plausible(part.sum(), part.size, p)
        _independent(dropped[: n // 2], dropped[-(n // 2) :], p)


@check("dropout")
def dropout_takes_every_shape(subject, rng):
    """Scalars, empty arrays and many axes work."""
    for shape in ((), (0,), (3, 0, 2), (2, 1, 2, 1, 2, 2)):
        assert subject.dropout(np.ones(shape), 0.3, rng).shape == shape


@check("dropout")
def mask_shape_shares_draws(subject, rng):
    """Along an axis of size 1 in mask_shape one draw is shared, and nowhere else."""
    x, p = np.ones((40, 30, 20)), 0.3
    for shape in ((40, 30, 1), (40, 1, 20), (1, 30, 20), (40, 1, 1), (30, 1), (20,), ()):
        dropped = subject.dropout(x, p, rng, mask_shape=shape) == 0
        full = (1,) * (3 - len(shape)) + shape
        draws = dropped[tuple(slice(size) for size in full)]
        assert np.array_equal(dropped, np.broadcast_to(draws, x.shape))
        _plausible(draws.sum(), draws.size, p)
        for axis, size in enumerate(full):
            if size > 1:
                first, second = np.split(draws, 2, axis)
                _independent(first, second, p)
    _raises(
        ValueError, ("mask_shape",), lambda: subject.dropout(x, p, rng, mask_shape=(3,))
    )


@check("dropout")
def dropout_refuses_nonsense(subject, rng):
    """Integers, booleans, complex numbers, a bad p and a seed are refused."""
    for x in (np.arange(4), np.ones(4, bool), np.ones(4, complex)):
        _raises(TypeError, ("x", str(x.dtype)), subject.dropout, x, 0.3, rng)
    for p in (-0.1, 1.1, float("nan")):
        _raises(ValueError, ("p", repr(p)), subject.dropout, np.ones(4), p, rng)
    for p in ("0.5", None, True, [0.5]):
        _raises(TypeError, ("p", repr(p)), subject.dropout, np.ones(4), p, rng)
    _raises(TypeError, ("rng",), subject.dropout, np.ones(4), 0.3, 7)


# Forward and backward with a given mask -----------------------------------------------


@check("dropout_forward")
def forward_selects_and_scales(subject, rng):
    """With a given mask the result is x / (1 - p) where it keeps and +0.0 elsewhere."""
    x, mask = rng.normal(size=(20, 10)), rng.random((20, 10)) < 0.6
    x[0, :3] = np.inf, -np.inf, np.nan
    for p in (*RATES, 0.75):
        y = subject.dropout_forward(x, mask, p)
        assert np.array_equal(y, np.where(mask, x * (1 / (1 - p)), 0.0), equal_nan=True)
        assert not np.signbit(y[~mask]).any()


@check("dropout_forward")
def forward_keeps_mean_and_has_the_variance(subject, rng):
    """Over all masks the mean is x and the variance is x^2 p / (1 - p)."""
    x, masks = rng.normal(size=8), all_masks(8)
    for p in RATES:
        weight = mask_probabilities(masks, p)
        y = subject.dropout_forward(np.tile(x, (256, 1)), masks, p)
        _close(weight @ y, x)
        _close(weight @ (y - x) ** 2, dropped_variance(x, p))


@check("dropout_forward")
def forward_broadcasts_the_mask(subject, rng):
    """A mask of size 1 along an axis acts on all of it."""
    x, mask = rng.normal(size=(4, 5, 6)), rng.random((4, 1, 6)) < 0.5
    y = subject.dropout_forward(x, mask, 0.3)
    assert np.array_equal(y, np.where(mask, x * (1 / 0.7), 0.0))


@check("dropout_forward")
def forward_refuses_a_wrong_mask(subject, rng):
    """Masks of numbers, of another shape, or with survivors at p = 1 are refused."""
    x = np.ones((2, 3))
    _raises(TypeError, ("mask",), subject.dropout_forward, x, np.ones((2, 3)), 0.3)
    _raises(ValueError, ("mask",), subject.dropout_forward, x, np.ones((3, 3), bool), 0.3)
    _raises(ValueError, ("mask",), subject.dropout_forward, x, np.ones((2, 3), bool), 1.0)


@check("dropout_backward")
def backward_is_the_same_selection(subject, rng):
    """The gradient is dy / (1 - p) where the mask keeps and 0 elsewhere."""
    dy, mask = rng.normal(size=(20, 10)), rng.random((20, 10)) < 0.6
    for p in (*RATES, 0.75):
        dx = subject.dropout_backward(dy, mask, p)
        assert np.array_equal(dx, np.where(mask, dy * (1 / (1 - p)), 0.0))
    assert not subject.dropout_backward(dy, np.zeros((20, 10), bool), 1.0).any()
    for dtype in (np.float16, np.float32):
        assert subject.dropout_backward(dy.astype(dtype), mask, 0.3).dtype == dtype


@check("dropout_forward", "dropout_backward")
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


# Layers: what all of them share -------------------------------------------------------


class _Layer(NamedTuple):
    """How to build a layer, the shape of its input, and that of its independent draws."""

    build: object
    shape: tuple
    draws: tuple
    unscaled: bool


def _layers(subject):
    """Return the layers on activations that a subject has, with shapes to try."""
    kinds = {
        "Dropout": [((), {}, (12, 30), (12, 30))],
        "ChannelDropout": [
            ((), {}, (12, 30, 4), (12, 30, 1)),
            ((), {}, (12, 30, 2, 3), (12, 30, 1, 1)),
            ((), {}, (12, 30, 2, 3, 2), (12, 30, 1, 1, 1)),
            ((), {"channels_last": True}, (12, 4, 30), (12, 1, 30)),
            ((), {"channels_last": True}, (12, 2, 3, 30), (12, 1, 1, 30)),
            ((), {"channels_last": True}, (12, 2, 3, 2, 30), (12, 1, 1, 1, 30)),
        ],
        "TimeDropout": [((), {}, (12, 5, 30), (12, 1, 30))],
        "DropPath": [
            ((), {}, (300,), (300,)),
            ((), {}, (300, 3, 2), (300, 1, 1)),
            ((), {"scale_by_keep": False}, (300, 3, 2, 2), (300, 1, 1, 1)),
        ],
        "DropBlock": [
            ((1,), {}, (12, 5, 6), (12, 5, 6)),
            ((4,), {}, (12, 30, 4, 4), (12, 30, 1, 1)),
        ],
        "AlphaDropout": [((), {}, (12, 30), (12, 30))],
        "ChannelAlphaDropout": [
            ((), {}, (12, 30, 2, 3), (12, 30, 1, 1)),
            ((), {"channels_last": True}, (12, 4, 30), (12, 1, 30)),
        ],
    }
    for name, cases in kinds.items():
        for arguments, options, shape, draws in cases:
            if hasattr(subject, name):

                def build(p, rng, name=name, arguments=arguments, options=options):
                    return getattr(subject, name)(p, *arguments, rng, **options)

                unscaled = options.get("scale_by_keep") is False
                yield name, _Layer(build, shape, draws, unscaled)


ON_ACTIVATIONS = (
    "Dropout",
    "ChannelDropout",
    "TimeDropout",
    "DropPath",
    "DropBlock",
    "AlphaDropout",
    "ChannelAlphaDropout",
)


def _check_layer(name):
    """Register the checks that every layer on activations must pass."""

    def mine(subject):
        return [layer for n, layer in _layers(subject) if n == name]

    def factors(layer, p):
        """Return what a kept and what a dropped x = 1 become."""
        if "Alpha" in name:
            a, b = alpha_affine(p)
            return a + b, a * ALPHA_PRIME + b
        return (1.0 if layer.unscaled else 1 / (1 - p)), 0.0

    def granularity(subject, rng):
        for layer in mine(subject):
            for p in RATES:
                runs = max(1, 20_000 // math.prod(layer.draws))
                kept_value, dropped_value = factors(layer, p)
                module, masks = layer.build(p, rng), []
                for _ in range(runs):
                    y = module(np.ones(layer.shape))
                    mask = np.isclose(y, kept_value, rtol=1e-14, atol=0)
                    assert (mask | np.isclose(y, dropped_value, rtol=1e-14, atol=0)).all()
                    one = mask[tuple(slice(size) for size in layer.draws)]
                    assert np.array_equal(mask, np.broadcast_to(one, layer.shape))
                    masks.append(one)
                masks = np.array(masks)  # (runs, *draws)
                _plausible(masks.sum(), masks.size, 1 - p)
                for axis, size in enumerate(masks.shape):
                    if size > 1:
                        pairs = np.moveaxis(masks, axis, 0)[: size // 2 * 2]
                        _independent(pairs[::2], pairs[1::2], p)

    def modes(subject, rng):
        for layer in mine(subject):
            x = rng.normal(size=layer.shape)
            for p in RATES:
                module = layer.build(p, rng)
                assert module.training
                assert not np.array_equal(module(x), x)
                before = _state(rng)
                assert module.eval() is module and not module.training
                assert np.array_equal(module(x), x)
                assert np.array_equal(module.backward(x), x)
                assert _state(rng) == before
                assert module.train() is module and module.training
                assert not np.array_equal(module(x), x)
            before = _state(rng)
            assert np.array_equal(layer.build(0.0, rng)(x), x)
            everything = layer.build(1.0, rng)
            assert not everything(np.where(x > 0, x, np.inf)).any()
            assert not everything.backward(x).any()
            assert _state(rng) == before

    def derivative(subject, rng):
        for layer in mine(subject):
            shape = tuple(min(size, 4) for size in layer.shape)
            x, dy = rng.normal(size=(2, *shape))
            x[0] = 0.0  # a mask that is read off the output fails here
            module = layer.build(0.3, rng)
            for _ in range(DRAWS):
                forward = _repeated(module, rng)
                assert gradient_error(forward, module.backward, x, dy) < 1e-6

    def care(subject, rng):
        for layer in mine(subject):
            again = _seeded(rng)
            x = rng.uniform(1, 2, layer.shape)
            before = x.copy()
            x.flags.writeable = False
            results = [layer.build(0.3, again())(x) for _ in range(2)]
            assert np.array_equal(*results) and np.array_equal(x, before)
            assert layer.build(0.3, rng)(x.astype(np.float32)).dtype == np.float32
            assert layer.build(0.3, rng)(x.astype(np.float16)).dtype == np.float16
            _raises(TypeError, ("x",), layer.build(0.3, rng), x.astype(int))
            _raises(ValueError, ("p", "1.5"), layer.build, 1.5, rng)
            _raises(TypeError, ("p", "None"), layer.build, None, rng)
            _raises(TypeError, ("rng",), layer.build, 0.3, 0)
            module = layer.build(0.3, rng)
            module.p = 0.9  # a schedule may change the rate between two passes
            y = module(x)
            module.p = 0.1
            kept = np.isclose(y, factors(layer, 0.9)[0] * x, rtol=1e-13)
            if "Alpha" not in name:
                assert np.array_equal(module.backward(x), np.where(kept, y, 0.0))

    def siblings(subject, rng):
        for layer in mine(subject):
            p, runs = 0.3, max(1, 20_000 // math.prod(layer.draws))
            first, second = (layer.build(p, rng) for _ in range(2))
            pairs = [(first(x), second(x)) for x in [np.ones(layer.shape)] * runs]
            own = tuple(slice(size) for size in layer.draws)
            kept_value = factors(layer, p)[0]
            one, other = (
                np.array([np.isclose(pair[k][own], kept_value) for pair in pairs])
                for k in (0, 1)
            )
            _independent(one, other, p)

    sentences = {
        granularity: "Draws are shared along the right axes, with right rate and scale.",
        modes: "Training drops, evaluation and p = 0 return x, p = 1 gives zeros.",
        derivative: "The backward pass is the derivative of the forward pass.",
        care: "Seeds repeat, inputs and dtypes stay, p may change, nonsense is refused.",
        siblings: "Two layers with one generator have masks of their own.",
    }
    for function, sentence in sentences.items():
        CHECKS.append(Check(f"{name}_{function.__name__}", (name,), sentence, function))


for _name in ON_ACTIVATIONS:
    _check_layer(_name)


# Kinds with other noise ---------------------------------------------------------------


@check("alpha_dropout_forward")
def alpha_keeps_mean_and_variance(subject, rng):
    """Over all masks an x of mean 0 and variance 1 keeps both, exactly."""
    x, masks = np.array([1.0, -1.0] * 4), all_masks(8)
    for p in RATES:
        y = subject.alpha_dropout_forward(np.tile(x, (256, 1)), masks, p)
        weight = mask_probabilities(masks, p)
        _close(weight @ y.mean(axis=1), 0.0)
        _close(weight @ (y**2).mean(axis=1), 1.0)
        a, b = alpha_affine(p)
        _close(y, np.where(masks, a * x + b, a * ALPHA_PRIME + b))


@check("alpha_dropout_forward", "alpha_dropout_backward")
def alpha_backward_is_the_derivative(subject, rng):
    """The backward pass of alpha dropout agrees with finite differences."""
    x, dy = rng.normal(size=(2, 8, 6))  # a mask of 4 x 5 drops all in one of 1e8 runs
    mask = rng.random((8, 6)) < 0.6
    for p in RATES:
        error = gradient_error(
            lambda x, p=p: subject.alpha_dropout_forward(x, mask, p),
            lambda dy, p=p: subject.alpha_dropout_backward(dy, mask, p),
            x,
            dy,
        )
        assert error < 1e-6


@check("GaussianDropout")
def gaussian_has_mean_1_and_the_variance(subject, rng):
    """The noise is normal with mean 1 and variance p / (1 - p), and multiplies x."""
    from scipy.stats import chi2, norm

    n = 1_000_000
    for p in RATES:
        noise = subject.GaussianDropout(p, rng)(np.ones(n))
        variance = p / (1 - p)
        z = (noise.mean() - 1) * math.sqrt(n / variance)
        assert abs(z) < norm.isf(FALSE_ALARM / 2)
        squares = ((noise - 1) ** 2).sum() / variance
        assert chi2.isf(1 - FALSE_ALARM / 2, n) < squares < chi2.isf(FALSE_ALARM / 2, n)
        for width in (
            1,
            2,
        ):  # a normal variable lies within 1 and 2 deviations that often
            inside = (abs(noise - 1) < width * math.sqrt(variance)).sum()
            _plausible(inside, n, math.erf(width / math.sqrt(2)))
        _independent(noise[::2] > 1, noise[1::2] > 1, 0.5)
        again = subject.GaussianDropout(p, rng)(np.ones(n))
        _independent(noise > 1, again > 1, 0.5)


@check("GaussianDropout")
def gaussian_modes_and_derivative(subject, rng):
    """Evaluation and p = 0 return x, p = 1 is refused, the gradient is dy times noise."""
    x, dy = rng.normal(size=(2, 4, 5))
    layer = subject.GaussianDropout(0.3, rng)
    forward = _repeated(layer, rng)
    assert gradient_error(forward, layer.backward, x, dy) < 1e-6
    assert np.allclose(forward(2 * x), 2 * forward(x))
    assert np.array_equal(layer.eval()(x), x)
    assert not np.array_equal(layer.train()(x), x)
    assert np.array_equal(subject.GaussianDropout(0.0, rng)(x), x)
    _raises(ValueError, ("p", "below 1"), subject.GaussianDropout(1.0, rng), x)
    assert layer(x.astype(np.float16)).dtype == np.float16


@check("DropBlock")
def blocks_drop_the_stated_fraction(subject, rng):
    """Each element of a map is dropped as often as the blocks that cover it demand."""
    maps, p = 12_000, 0.3  # the paper's rate survives with probability below 1e-9
    for size, shape in ((2, (5,)), (3, (7, 5)), (2, (4, 6)), (4, (4, 9)), (5, (5, 5))):
        gamma = block_start_rate(p, shape, size)
        x = np.ones((maps // 3, 3, *shape))
        dropped = subject.DropBlock(p, size, rng)(x) == 0
        covers = np.ones(())
        for n in shape:
            along = [
                sum(max(0, i - size + 1) <= s <= min(i, n - size) for s in range(n))
                for i in range(n)
            ]
            covers = covers[..., None] * np.array(along)
        _plausible_each(dropped.sum(axis=(0, 1)), maps, 1 - (1 - gamma) ** covers)
        np.testing.assert_allclose((1 - (1 - gamma) ** covers).mean(), p, rtol=1e-12)


def _plausible_each(counts, n, probabilities):
    for count, probability in zip(counts.ravel(), probabilities.ravel(), strict=True):
        _plausible(count, n, probability)


@check("DropBlock")
def blocks_are_whole(subject, rng):
    """What is dropped is a union of whole blocks, drawn anew for each map."""
    for size, shape in ((2, (9,)), (3, (6, 9)), (2, (7, 5))):
        x = np.ones((50, 4, *shape))
        layer = subject.DropBlock(0.2, size, rng)
        dropped = layer(x) == 0
        windows = np.lib.stride_tricks.sliding_window_view(
            dropped, (size,) * len(shape), tuple(range(2, 2 + len(shape)))
        )
        whole = windows.all(axis=tuple(range(-len(shape), 0)))
        covered = np.zeros_like(dropped)
        for index in np.argwhere(whole):
            place = tuple(slice(i, i + size) for i in index[2:])
            covered[(*index[:2], *place)] = True
        assert np.array_equal(covered, dropped) and dropped.any()
        # Of 200 maps 40 or more differ, give or take 3.4 in the smallest case.
        assert len(np.unique(dropped.reshape(200, -1), axis=0)) > 12
        _raises(ValueError, ("block_size",), subject.DropBlock(0.2, 20, rng), x)
    _raises(TypeError, ("block_size",), subject.DropBlock, 0.2, 1.5, rng)


@check("DropBlock")
def blocks_of_one_are_dropout(subject, rng):
    """With block_size = 1 the mask is that of dropout, bit for bit."""
    again, x = _seeded(rng), np.ones((3, 4, 5, 6))
    for p in RATES:
        y = subject.DropBlock(p, 1, again())(x)
        assert np.array_equal(y != 0, keep_mask(x.shape, p, again()))


@check("AttentionDropout")
def attention_drops_after_the_softmax(subject, rng):
    """A weight is 0 or a / (1 - p), where a is the softmax; evaluation gives a."""
    scores = rng.normal(size=(40, 6, 5))
    scores[:, :, 4] = -np.inf  # a hidden key stays hidden
    e = np.exp(scores)
    a = e / e.sum(axis=-1, keepdims=True)
    for p in RATES:
        layer = subject.AttentionDropout(p, rng)
        y = layer(scores)
        kept = y != 0
        np.testing.assert_allclose(y[kept], (a / (1 - p))[kept], rtol=1e-12)
        visible = kept[..., :4]
        _plausible(visible.sum(), visible.size, 1 - p)
        _independent(visible[:, :, :2], visible[:, :, 2:], p)
        np.testing.assert_allclose(layer.eval()(scores), a, rtol=1e-12)
    np.testing.assert_allclose(subject.AttentionDropout(0.0, rng)(scores), a, rtol=1e-12)
    assert not subject.AttentionDropout(1.0, rng)(scores).any()


@check("AttentionDropout")
def attention_backward_is_the_derivative(subject, rng):
    """The gradient of the scores agrees with finite differences."""
    scores, dy = rng.normal(size=(2, 3, 4))
    for p in (0.0, *RATES) * 2:
        layer = subject.AttentionDropout(p, rng)
        forward = _repeated(layer, rng)
        assert gradient_error(forward, layer.backward, scores, dy) < 1e-6
        assert gradient_error(layer.eval(), layer.backward, scores, dy) < 1e-6


@check("ConcreteDropout")
def concrete_is_the_relaxed_mask(subject, rng):
    """The noise is (1 - z) / (1 - p); the logit of z is logistic with the scale 1/t."""
    for p in RATES:
        for temperature in (0.1, 0.5, 1.0):
            layer = subject.ConcreteDropout(p, rng, temperature=temperature)
            noise, again = layer(np.ones(100_000)), layer(np.ones(100_000))
            for k in (-1.0, 0.0, 1.0):  # P(logit p + logit u > k)
                below = noise * (1 - p) < 1 / (1 + math.exp(k / temperature))
                _plausible(below.sum(), below.size, 1 / (1 + (1 - p) / p * math.exp(k)))
            _independent(noise < 0.5 / (1 - p), again < 0.5 / (1 - p), p)
        x = rng.normal(size=20)
        assert np.array_equal(layer.eval()(x), x)
        assert abs(layer.p - p) < 1e-15
    for p in (0.0, 1.0):
        _raises(ValueError, ("p", "strictly"), subject.ConcreteDropout, p, rng)


@check("ConcreteDropout")
def concrete_learns_its_rate(subject, rng):
    """The gradients of x and of the rate agree with finite differences."""
    x, dy = rng.normal(size=(2, 4, 5))
    for p in RATES:
        layer = subject.ConcreteDropout(p, rng, temperature=0.5)
        forward = _repeated(layer, rng)
        assert gradient_error(forward, layer.backward, x, dy) < 1e-6
        forward(x)
        layer.backward(dy)
        found = float(layer.logit.grad)

        def loss(logit, layer=layer, forward=forward):
            layer.logit.value = np.array(logit)
            return float((dy * forward(x)).sum())

        start = math.log(p / (1 - p))
        slope = (loss(start + 1e-6) - loss(start - 1e-6)) / 2e-6
        assert abs(found - slope) < 1e-6 * max(1, abs(slope))


# Layers with weights ------------------------------------------------------------------


@check("DropConnect")
def dropconnect_drops_weights(subject, rng):
    """A weight is 0 or W / (1 - p); masks per batch or per example; the bias stays."""
    n, out = 60, 40
    for p in RATES:
        layer = subject.DropConnect(n, out, p, rng, dtype=np.float64)
        w, bias = layer.weight.value, layer.bias.value
        twice = np.vstack([np.eye(n), np.eye(n)])  # y - bias shows the dropped weights
        y = layer(twice) - bias
        kept = abs(y) > 1e-9
        _close(y[kept], np.vstack([w, w])[kept] / (1 - p))
        assert np.array_equal(kept[:n], kept[n:])
        _plausible(kept[:n].sum(), w.size, 1 - p)
        _independent(kept[:n:2], kept[1:n:2], p)
        _independent(kept[:n, ::2], kept[:n, 1::2], p)
        _independent(kept[:n], abs(layer(np.eye(n)) - bias) > 1e-9, p)
        _close(layer.eval()(twice), twice @ w + bias)
        each = subject.DropConnect(n, out, p, rng, per_example=True, dtype=np.float64)
        y = abs(each(twice) - each.bias.value) > 1e-9
        _independent(y[:n], y[n:], p)
        everything = subject.DropConnect(n, out, 1.0, rng, dtype=np.float64)
        assert np.array_equal(
            everything(twice), np.tile(everything.bias.value, (2 * n, 1))
        )


@check("DropConnect")
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
        forward = _repeated(layer, rng)
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


@check("WordDropout")
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
        _plausible(kept[0].sum(), words, 1 - p)
        _independent(kept[0, ::2], kept[0, 1::2], p)
        _independent(kept[0], (layer(tokens) != 0).all(axis=2)[0], p)
        assert np.array_equal(layer.eval()(tokens), table[tokens])
    layer = subject.WordDropout(5, 3, 0.3, rng, dtype=np.float64)
    tokens, dy = rng.permutation(np.repeat(np.arange(5), 2)), rng.normal(size=(10, 3))
    _weights_have_right_gradients(layer, ("weight",), tokens, dy, rng)
    _raises(ValueError, ("tokens",), layer, np.array([5]))
    _raises(TypeError, ("tokens",), layer, np.array([0.0]))


@check("VariationalRNN")
def recurrent_masks_live_for_a_sequence(subject, rng):
    """One input mask and one state mask a call, each at its own rate, for all steps."""
    n, steps, size, hidden = 8, 6, 5, 7
    x = rng.normal(size=(n, steps, size))
    for input_p, recurrent_p in (
        (0.3, 0.0),
        (0.0, 0.3),
        (0.1, 0.8),
        (0.8, 0.1),
        (1.0, 1.0),
    ):
        layer = subject.VariationalRNN(
            size, hidden, input_p, recurrent_p, rng, dtype=np.float64
        )
        twin = copy.deepcopy(rng)  # the documented order: input mask, then state mask
        m = keep_mask((n, 1, size), input_p, twin)
        r = keep_mask((n, hidden), recurrent_p, twin)
        expected, h = [], np.zeros((n, hidden))
        into = np.where(m, x / max(1 - input_p, 1e-300), 0.0)
        for t in range(steps):
            carried = np.where(r, h / max(1 - recurrent_p, 1e-300), 0.0)
            arriving = into[:, t] @ layer.input.weight.value + layer.input.bias.value
            back = carried @ layer.recurrent.weight.value + layer.recurrent.bias.value
            h = np.tanh(arriving + back)
            expected.append(h)
        _close(layer(x), np.stack(expected, axis=1))
        if 0 < input_p + recurrent_p < 2:
            assert not np.array_equal(layer(x), layer(x))  # a new sequence, new masks
        layer.eval()
        assert np.array_equal(layer(x), layer(x))


@check("VariationalRNN")
def recurrent_backward_is_the_derivative(subject, rng):
    """Gradients through time agree with finite differences, for input and weights."""
    x, dy = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4, 2))
    layer = subject.VariationalRNN(3, 2, 0.3, 0.3, rng, dtype=np.float64)
    names = ("input.weight", "input.bias", "recurrent.weight", "recurrent.bias")
    _weights_have_right_gradients(layer, names, x, dy, rng)


# Models and losses --------------------------------------------------------------------


@check("dropout_active", "Dropout", "Sequential", "Module")
def only_dropout_is_switched_on(subject, rng):
    """Monte Carlo mode touches dropout layers alone, and every mode comes back."""
    layers = [subject.Module(), subject.Dropout(0.3, rng), subject.Module()]
    model = subject.Sequential(*layers)
    layers[0].training, layers[1].training, layers[2].training = False, False, True
    model.training = True
    before = [module.training for module in (model, *layers)]
    with subject.dropout_active(model):
        assert [m.training for m in (model, *layers)] == [False, False, True, False]
    assert [m.training for m in (model, *layers)] == before
    try:
        with subject.dropout_active(model):
            raise KeyError
    except KeyError:
        assert [m.training for m in (model, *layers)] == before
    _raises(
        ValueError, ("dropout",), lambda: subject.dropout_active(layers[0]).__enter__()
    )


@check("monte_carlo", "Dropout")
def passes_give_mean_and_variance(subject, rng):
    """Mean and unbiased variance are those of passes with fresh masks."""
    layer, x = subject.Dropout(0.3, rng).eval(), rng.normal(size=(3, 4))
    twin, loop = copy.deepcopy(rng), []
    other = subject.Dropout(0.3, twin)
    for _ in range(7):
        loop.append(other(x))
    mean, variance = subject.monte_carlo(layer, x, 7)
    _close(mean, np.mean(loop, axis=0))
    _close(variance, np.var(loop, axis=0, ddof=1))
    assert variance.max() > 0 and not layer.training
    _raises(ValueError, ("passes",), subject.monte_carlo, layer, x, 1)


@check("set_rate", "Dropout", "Sequential")
def rates_can_be_set(subject, rng):
    """set_rate reaches every dropout layer, and only a probability is accepted."""
    layers = [subject.Dropout(0.3, rng), subject.Dropout(0.8, rng)]
    assert subject.set_rate(subject.Sequential(*layers), 0.1) == 2
    assert [layer.p for layer in layers] == [0.1, 0.1]
    _raises(ValueError, ("p", "1.5"), subject.set_rate, layers[0], 1.5)


@check("RDropLoss")
def rdrop_adds_the_symmetric_distance(subject, rng):
    """The loss is both cross-entropies plus weight / 2 times both divergences."""
    first, second = rng.normal(size=(2, 5, 3))
    labels = rng.integers(0, 3, 5)

    def log_softmax(z):
        return z - np.log(np.exp(z).sum(axis=1, keepdims=True))

    p, q = log_softmax(first), log_softmax(second)
    entropy = -(p + q)[np.arange(5), labels].mean()
    divergence = (np.exp(p) * (p - q) + np.exp(q) * (q - p)).sum(axis=1).mean()
    for weight in (0.0, 1.0, 5.0):
        loss = subject.RDropLoss(weight)
        _close(loss(first, second, labels), entropy + weight / 2 * divergence)
        one = np.ones(())
        for k in (0, 1):

            def forward(z, k=k, loss=loss):
                return np.array(loss(*((z, second) if k == 0 else (first, z)), labels))

            def backward(dy, k=k, loss=loss):
                loss(first, second, labels)
                return loss.backward()[k]

            assert gradient_error(forward, backward, (first, second)[k], one) < 1e-6
    _raises(ValueError, ("weight",), subject.RDropLoss, -1.0)
