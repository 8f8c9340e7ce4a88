"""keep_mask: exact probabilities, independence, one seed one mask.

Random tests use exact binomial bounds with a false alarm of 1e-9 each. The
comment beside a test says what deviation it notices (in 999 of 1,000 runs).
"""

import os
import subprocess
import sys
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

from companion import masks
from companion.masks import (
    BLOCK,
    block_drop_rate,
    block_keep_mask,
    block_start_rate,
    draw_keep_mask,
    gaussian_noise,
    keep_mask,
    open_uniforms,
)
from companion.theory import all_masks, mask_probabilities
from companion.verify.properties import count_is_plausible

ABOVE_0, BELOW_1 = 2.0**-1074, 1 - 2.0**-53


class FixedBits(np.random.PCG64):
    """A bit generator whose raw stream is given; 64-bit words, then it is empty."""

    def __init__(self, words):
        super().__init__(0)
        self.words = list(words)

    def random_raw(self, size):
        drawn, self.words = self.words[:size], self.words[size:]
        assert len(drawn) == size, "more words were drawn than the test provides"
        return np.array(drawn, dtype=np.uint64)


def fixed(*words):
    return np.random.Generator(FixedBits(words))


@pytest.mark.parametrize("p", [0.001, 0.1, 0.25, 0.3, 0.5, 0.75, 0.8, 0.999])
def test_keep_rate(p, rng):
    n = 4_000_000  # notices a rate that is off by 0.0024 at p = 0.5, 0.0002 at 0.001
    assert count_is_plausible(int(keep_mask(n, p, rng).sum()), n, 1 - p)


@pytest.mark.parametrize("lag", [1, 2, 3, 4, 7, 8, 16, 64])
def test_neighbours_are_independent(lag, rng):
    # All four patterns of disjoint pairs at distance `lag`; notices 0.005.
    p = 0.3
    mask = keep_mask(2 * lag * (1_000_000 // lag), p, rng).reshape(-1, 2, lag)
    first, second = mask[:, 0].ravel(), mask[:, 1].ravel()
    for a, b in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        count = int(((first == a) & (second == b)).sum())
        probability = (1 - p if a else p) * (1 - p if b else p)
        assert count_is_plausible(count, first.size, probability)


def test_patterns_of_four_are_independent(rng):
    p, n = 0.3, 1_000_000
    codes = keep_mask((n, 4), p, rng) @ [1, 2, 4, 8]
    for code in range(16):
        kept = code.bit_count()
        probability = (1 - p) ** kept * p ** (4 - kept)
        assert count_is_plausible(int((codes == code).sum()), n, probability)


def test_calls_and_streams_are_independent(rng):
    p, n = 0.3, 1_000_000  # notices an agreement that is off by 0.005
    streams = [np.random.default_rng(s) for s in rng.spawn(1)[0].integers(2**63, size=4)]
    masks = [keep_mask(n, p, rng), keep_mask(n, p, rng)]
    masks += [keep_mask(n, p, stream) for stream in [*streams, *rng.spawn(2)]]
    for i, one in enumerate(masks):
        for other in masks[:i]:
            same = int((one == other).sum())
            assert count_is_plausible(same, n, p**2 + (1 - p) ** 2)


def test_one_seed_one_mask():
    same = [keep_mask((7, 5), 0.3, np.random.default_rng(3)) for _ in range(2)]
    assert np.array_equal(*same)


def test_masks_are_pinned_to_the_raw_stream():
    """The bytes of PCG64 decide; checked against a slow, exact reference."""
    n = 4001
    for p in (0.1, 0.3, 0.8):
        bits = np.random.PCG64(5)
        words = [int(w) for w in bits.random_raw(-(-n // 8))]
        first = [(w >> 8 * k) & 255 for w in words for k in range(8)][:n]
        expected = []
        for byte in first:
            low, high = Fraction(byte, 256), Fraction(byte + 1, 256)
            if high <= Fraction(p) or low >= Fraction(p):
                expected.append(low >= Fraction(p))
            else:
                expected.append(None)
        for i, value in enumerate(expected):
            if value is None:
                u = Fraction(first[i], 256) + Fraction(int(bits.random_raw()), 2**72)
                expected[i] = u >= Fraction(p)
        assert keep_mask(n, p, np.random.default_rng(5)).tolist() == expected


def test_masks_are_nested_in_p(rng):
    seed = int(rng.integers(2**63))
    rates = [0.1, 0.1001, 0.3, 0.5, 0.501, 0.8]
    masks = [keep_mask(100_000, p, np.random.default_rng(seed)) for p in rates]
    for larger, smaller in zip(masks[1:], masks[:-1], strict=True):
        assert not (larger & ~smaller).any()


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, BELOW_1, ABOVE_0])
def test_ends_of_the_interval(p):
    """All bits 0 is u = 0, dropped for every p > 0; all bits 1 is u just below 1, kept."""
    zeros, ones = [0] * 150, [2**64 - 1] * 150
    assert not keep_mask(8, p, fixed(*zeros)).any()
    # u = 0.111... in binary, to more digits than p has: at least p.
    assert keep_mask(8, p, fixed(*ones)).all()


def test_a_tie_is_decided_by_further_digits():
    # p = 0.3 starts with the byte 76; all eight elements tie and draw again.
    p = Fraction(0.3)
    rest = p * 256 - 76
    digit = int(rest * 2**64)
    tie = int.from_bytes(bytes([76] * 8), "little")
    words = [digit - 1, digit, digit + 1, 0, 2**64 - 1, digit, digit, digit - 1]
    expected = [False, True, True, False, True, True, True, False]
    assert keep_mask(8, 0.3, fixed(tie, *words)).tolist() == expected


def test_a_tie_with_the_last_digit_is_kept_and_draws_nothing():
    tie = int.from_bytes(bytes([128] * 8), "little")  # p = 0.5 is the byte 128, no more
    assert keep_mask(8, 0.5, fixed(tie)).all()


def test_nothing_is_drawn_for_certain_masks(rng):
    before = rng.bit_generator.state
    assert keep_mask((3, 4), 0, rng).all()
    assert not keep_mask((3, 4), 1, rng).any()
    assert keep_mask((3, 0), 0.5, rng).shape == (3, 0)
    assert rng.bit_generator.state == before


@pytest.mark.parametrize("shape", [(), 5, (0,), (3, 0, 2), (2, 3, 1, 1, 2, 2)])
def test_shapes(shape, rng):
    mask = keep_mask(shape, 0.3, rng)
    assert mask.dtype == bool
    assert mask.shape == (shape if isinstance(shape, tuple) else (shape,))


@pytest.mark.parametrize("shape", [(), 1, (1, 1)])
def test_a_mask_of_one_element_is_as_random_as_any(shape, rng):
    n, p = 10_000, 0.3  # notices 0.04
    kept = sum(int(keep_mask(shape, p, rng).sum()) for _ in range(n))
    assert count_is_plausible(kept, n, 1 - p)


def test_a_large_mask_takes_little_memory_beyond_itself(rng):
    tracemalloc.start()
    try:
        mask = keep_mask(2**22, 0.3, rng)
        assert tracemalloc.get_traced_memory()[1] < mask.nbytes + 1.5e6
    finally:
        tracemalloc.stop()


class BigEndianBits(np.random.PCG64):
    """A raw stream as a machine that stores numbers the other way holds it in memory."""

    def random_raw(self, size):
        return super().random_raw(size).astype(">u8")


def test_the_order_of_bytes_in_memory_changes_no_mask(monkeypatch):
    expected = [keep_mask(n, 0.3, np.random.default_rng(5)) for n in (4001, BLOCK + 5)]
    monkeypatch.setattr(sys, "byteorder", "big")
    for mask in expected:
        other = np.random.Generator(BigEndianBits(5))
        assert np.array_equal(keep_mask(mask.shape, 0.3, other), mask)


def test_global_random_state_is_left_alone(rng):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    keep_mask(100, 0.3, rng)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize(
    ("shape", "size"), [((7,), 3), ((4, 6), 2), ((5, 5), 5), ((6, 3), 3)]
)
def test_block_masks_are_exact_over_all_starts(shape, size):
    """Every set of starts is enumerated: the expected dropped fraction is p itself."""
    starts = tuple(n - size + 1 for n in shape)
    n, p = int(np.prod(starts)), 0.3
    gamma = block_start_rate(p, shape, size)
    chance, kept = mask_probabilities(all_masks(n), gamma), []
    for row in all_masks(n):
        dropped = np.zeros(shape, bool)
        for index in np.argwhere(~row.reshape(starts)):
            dropped[tuple(slice(i, i + size) for i in index)] = True
        kept.append(1 - dropped.mean())
    assert np.isclose(chance @ kept, 1 - p, rtol=1e-12)


def test_block_masks_of_one_are_keep_masks(rng):
    seed = int(rng.integers(2**63))
    a = block_keep_mask((2, 3, 4, 5), 0.3, 1, np.random.default_rng(seed))
    assert np.array_equal(a, keep_mask((2, 3, 4, 5), 0.3, np.random.default_rng(seed)))


def test_certain_block_masks_and_noise_draw_nothing(rng):
    before = rng.bit_generator.state
    assert block_keep_mask((2, 3, 4), 0.0, 2, rng).all()
    assert not block_keep_mask((2, 3, 4), 1.0, 2, rng).any()
    assert (gaussian_noise((2, 3), 0.0, rng) == 1).all()
    assert rng.bit_generator.state == before


def test_open_uniforms_avoid_both_ends(rng):
    zeros, ones = fixed(0), fixed(2**64 - 1)
    low, high = open_uniforms((), zeros), open_uniforms((), ones)
    assert 0 < low < 1e-15
    assert 1 - 1e-15 < high < 1
    u = open_uniforms((1000, 1000), rng)
    assert u.shape == (1000, 1000)
    for bound in (0.001, 0.3, 0.9):  # notices 0.003
        assert count_is_plausible(int((u < bound).sum()), u.size, bound)


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "Philox", "SFC64"])
@pytest.mark.parametrize("p", [0.1, 0.5, 1 / 3, ABOVE_0, BELOW_1])
def test_the_number_of_threads_changes_nothing(kind, p):
    """Mask and state afterwards, with a half word left over in the generator before."""
    for n in (2 * BLOCK, 3 * BLOCK + 5):
        results = []
        for threads in (1, 2, 3):
            rng = np.random.Generator(getattr(np.random, kind)(5))
            rng.integers(7, dtype=np.int32)
            mask = draw_keep_mask((n,), p, rng.bit_generator, threads)
            assert mask.dtype == bool
            results.append((mask, repr(rng.bit_generator.state), rng.integers(2**32)))
        for mask, state, following in results[1:]:
            assert np.array_equal(mask, results[0][0])
            assert (state, following) == results[0][1:]


@pytest.mark.parametrize(
    ("blocks", "threads", "others"), [(2, 2, [1]), (3, 3, [2]), (2, 9, [1]), (1, 2, [])]
)
def test_as_many_threads_draw_as_may(blocks, threads, others, monkeypatch):
    """The caller is one of them, and each has a whole block at least."""
    asked, pool = [], masks._pool
    monkeypatch.setattr(masks, "_pool", lambda *a: asked.append(a[0]) or pool(*a))
    draw_keep_mask((blocks * BLOCK,), 0.3, np.random.PCG64(5), threads)
    assert asked == others


FORKED = """
import os, signal
import numpy as np
from companion.masks import BLOCK, draw_keep_mask

def kept():
    return draw_keep_mask((2 * BLOCK,), 0.3, np.random.PCG64(1), threads=2).sum()

before, child = kept(), os.fork()
if not child:
    signal.alarm(30)  # without threads of its own it would wait for ever
    os._exit(int(kept() != before))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_draws_with_threads_of_its_own():
    """As the workers of a data loader do, after the parent has drawn."""
    subprocess.run([sys.executable, "-c", FORKED], check=True)


def test_blocks_change_nothing(rng):
    """A mask of several blocks is made of the same bytes as one drawn at a time."""
    n, p = 2 * BLOCK + 11, 0.3
    seed = int(rng.integers(2**63))
    words = np.random.default_rng(seed).bit_generator.random_raw(-(-n // 8))
    first = words.astype("<u8").view(np.uint8)[:n]
    mask = keep_mask(n, p, np.random.default_rng(seed))
    assert np.array_equal(mask[first != 76], (first >= 77)[first != 76])
    tied = mask[first == 76]  # kept with probability 0.2
    assert count_is_plausible(int(tied.sum()), tied.size, 1 - (p * 256 - 76))


def test_open_uniforms_use_the_upper_52_bits():
    word = 0x123456789ABCDEF0
    expected = Fraction(word >> 12, 2**52) + Fraction(1, 2**53)
    assert Fraction(float(open_uniforms(1, fixed(word))[0])) == expected


@pytest.mark.parametrize(
    ("side", "size", "p", "dropped"), [(28, 7, 0.1, 0.093942), (8, 5, 0.3, 0.250100)]
)
def test_the_papers_block_rate_drops_too_little(side, size, p, dropped):
    """Equation 1 of the paper: the exact fraction that it drops is below p."""
    gamma = p / size**2 * side**2 / (side - size + 1) ** 2
    assert block_drop_rate(gamma, (side, side), size) == pytest.approx(dropped, abs=5e-7)


@pytest.mark.parametrize("p", [1e-12, 0.1, 0.3, 0.8, 0.999])
@pytest.mark.parametrize("shape", [(7,), (28, 28), (8, 5), (3, 17)])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_block_start_rate_makes_the_stated_rate_true(p, shape, size):
    gamma = block_start_rate(p, shape, size)
    assert block_drop_rate(gamma, shape, size) == pytest.approx(p, rel=1e-12)
    assert 0 < gamma <= p


@pytest.mark.parametrize("p", [0.1, 0.3, 0.8])
def test_blocks_that_cannot_overlap_start_with_p(p):
    for shape, size in (((5, 6), 1), ((5, 5), 5), ((4,), 4)):
        assert block_start_rate(p, shape, size) == p
    assert block_drop_rate(1.0, (5, 6), 2) == 1.0
    assert block_drop_rate(0.0, (5, 6), 2) == 0.0
