"""Properties of a keep mask."""

import itertools

import numpy as np

from companion.theory.networks import all_masks, mask_probabilities
from companion.verify.contract._assertions import (
    global_state_held,
    independent,
    like_dropout,
    plausible,
    raises,
    seeded,
    state,
)
from companion.verify.contract._register import beyond, property_of
from companion.verify.properties import RATES


# Keep masks ---------------------------------------------------------------------------
@property_of("keep_mask")
def masks_have_shape_and_type(subject, rng):
    """A mask holds booleans in the shape asked for: all True at p = 0, none at 1."""
    for shape in ((), (5,), (0,), (2, 3, 1, 1, 2, 2)):
        mask = subject.keep_mask(shape, 0.3, rng)
        assert mask.shape == shape and mask.dtype == bool
    assert subject.keep_mask((3, 4), 0.0, rng).all()
    assert not subject.keep_mask((3, 4), 1.0, rng).any()


@property_of("keep_mask")
@beyond
def certain_masks_draw_nothing(subject, rng):
    """p = 0, p = 1 and empty masks are certain and consume no randomness."""
    before = state(rng)
    assert subject.keep_mask((3, 4), 0.0, rng).all()
    assert not subject.keep_mask((3, 4), 1.0, rng).any()
    assert subject.keep_mask((3, 0, 2), 0.3, rng).shape == (3, 0, 2)
    assert state(rng) == before


@property_of("keep_mask")
def one_seed_one_mask(subject, rng):
    """The generator alone decides: equal seeds give equal masks."""
    again = seeded(rng)
    for shape in (1000, (30, 40)):
        one, other = (subject.keep_mask(shape, 0.3, again()) for _ in range(2))
        assert np.array_equal(one, other)


@property_of("keep_mask")
@beyond
def masks_are_nested(subject, rng):
    """With one seed, what is kept at a larger p is kept at a smaller one."""
    again = seeded(rng)
    rates = (0.05, 0.1, 0.3, 0.301, 0.5, 0.8, 0.95)
    masks = [subject.keep_mask(20_000, p, again()) for p in rates]
    for smaller, larger in itertools.pairwise(masks):
        assert not (larger & ~smaller).any()


@property_of("keep_mask")
def global_state_is_left_alone(subject, rng):
    """No call reads or changes the global random state of NumPy."""
    with global_state_held(rng):
        subject.keep_mask(1000, 0.3, rng)


@property_of("keep_mask")
def number_kept_is_binomial(subject, rng):
    """The number kept varies as it should: it is neither fixed nor bounded."""
    for p in RATES:
        whole = subject.keep_mask((20_000, 6), p, rng).sum(axis=1)
        calls = np.array([subject.keep_mask(6, p, rng).sum() for _ in range(2000)])
        by_count = mask_probabilities(all_masks(6), p)
        for kept in range(7):
            probability = by_count[all_masks(6).sum(axis=1) == kept].sum()
            for counts in (whole, calls):
                plausible((counts == kept).sum(), counts.size, probability)


@property_of("keep_mask")
def keep_rate(subject, rng):
    """An element is kept with probability 1 - p, also for p near 0 and 1."""
    # Notices a rate off by 0.0013 at p = 0.1 and by 0.00013 at p = 0.001.
    for p in (*RATES, 0.001, 0.999):
        plausible(subject.keep_mask(4_000_000, p, rng).sum(), 4_000_000, 1 - p)


@property_of("keep_mask")
def small_rates_are_not_rounded(subject, rng):
    """A rate of 2^-17 or 1e-10 is that rate, and not the nearest coarse number."""
    n = 8_000_000
    plausible((~subject.keep_mask(n, 2.0**-17, rng)).sum(), n, 2.0**-17)
    # Three drops happen with probability 2e-13, two with 5e-9.
    assert subject.keep_mask(1_000_000, 1e-10, rng).sum() >= 999_998


@property_of("keep_mask")
def every_position_has_the_rate(subject, rng):
    """No row, no column and no end of the mask is special."""
    for p in RATES:  # notices one column whose rate is off by 0.03
        mask = subject.keep_mask((40_000, 30), p, rng)
        plausible(mask.sum(axis=0), 40_000, 1 - p)
        mask = subject.keep_mask((30, 40_000), p, rng)
        plausible(mask.sum(axis=1), 40_000, 1 - p)


@property_of("keep_mask")
def neighbours_are_independent(subject, rng):
    """The four elements of each block of four have all 16 patterns as often as due."""
    n, p = 1_000_000, 0.3
    codes = subject.keep_mask((n, 4), p, rng) @ [1, 2, 4, 8]
    probabilities = mask_probabilities(all_masks(4), p)
    for code, probability in enumerate(probabilities):
        plausible((codes == code).sum(), n, probability)


@property_of("keep_mask")
def distant_elements_are_independent(subject, rng):
    """Elements at a distance of 1 to 65,536 are independent."""
    p = 0.3
    for lag in (1, 2, 3, 5, 7, 8, 16, 64, 100, 256, 1000, 1024, 4096, 65_536):
        mask = subject.keep_mask(2 * lag * (200_000 // lag), p, rng).reshape(-1, 2, lag)
        independent(mask[:, 0], mask[:, 1], p)


@property_of("keep_mask")
def axes_are_independent(subject, rng):
    """Rows, columns, examples and channels have masks of their own."""
    for p in RATES:
        like_dropout(~subject.keep_mask((40, 30, 20, 10), p, rng), p, rng)


@property_of("keep_mask")
def calls_and_streams_are_independent(subject, rng):
    """Two calls, two seeds and two spawned streams have nothing in common."""
    p, n = 0.3, 200_000
    streams = [np.random.default_rng(seed) for seed in rng.integers(2**63, size=3)]
    streams += [rng, rng, *rng.spawn(3)]
    masks = [subject.keep_mask(n, p, stream) for stream in streams]
    for i, one in enumerate(masks):
        for other in masks[:i]:
            independent(one, other, p)


@property_of("keep_mask")
def large_masks_are_independent(subject, rng):
    """No part of a large mask repeats another, whatever blocks or threads drew it."""
    n, p = 2**22 + 100, 0.3  # notices an agreement off by 0.015, in the smallest part
    mask = subject.keep_mask(n, p, rng)
    for size in (n // 2, n // 3, n // 4, 2**21, 2**20, 2**18, 2**16):
        independent(mask[:size], mask[size : 2 * size], p)
        independent(mask[:size], mask[-size:], p)
    plausible(mask[-100:].sum(), 100, 1 - p)


@property_of("keep_mask")
def rare_drops_are_independent(subject, rng):
    """At p = 0.001 a neighbour of a dropped element is dropped as rarely as any."""
    # Notices random bits that two neighbours share in the one case of 256 that
    # needs more than a byte: 80 pairs would both be dropped, in place of 20.
    pairs = 20_000_000
    mask = subject.keep_mask(2 * pairs, 0.001, rng)
    plausible((~mask[::2] & ~mask[1::2]).sum(), pairs, 1e-6)


@property_of("keep_mask")
@beyond
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


@property_of("keep_mask")
@beyond
def masks_refuse_nonsense(subject, rng):
    """A p that is no probability, and a seed in place of a generator, are refused."""
    for p in (-0.1, 1.1, float("nan"), float("inf")):
        raises(ValueError, ("p", repr(p)), subject.keep_mask, 3, p, rng)
    for p in ("0.5", None, True, [0.5]):
        raises(TypeError, ("p", repr(p)), subject.keep_mask, 3, p, rng)
    for seed in (0, None):
        raises(TypeError, ("rng", repr(seed)), subject.keep_mask, 3, 0.3, seed)
