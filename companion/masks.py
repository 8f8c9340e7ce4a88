"""Randomness becomes keep masks: which elements live.

The mask is the only random thing in dropout. Everything else in this package
is arithmetic with a given mask, and can be tested exactly.
"""

import functools
import itertools
import math
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from companion._arguments import (
    check_below_1,
    check_block,
    check_generator,
    check_maps,
    check_p,
    check_shape,
)

__all__ = [
    "block_drop_rate",
    "block_keep_mask",
    "block_start_rate",
    "gaussian_noise",
    "keep_mask",
    "open_uniforms",
]

# Elements drawn at a time: random bytes, comparison and result stay in the cache, and
# the memory beyond the result stays below 1.5 MB.
BLOCK = 2**19
NOWHERE = np.empty(0, int)
BYTES = np.arange(256, dtype=np.uint8)


def _places(equal):
    """Return where `equal` is True. That is rare: look at eight bytes at a time first."""
    if len(equal) < BLOCK:
        return equal.nonzero()[0]
    words = equal.view(np.uint64)
    hits = (words != 0).nonzero()[0]
    inside = words[hits].view(bool).nonzero()[0]
    return 8 * hits[inside >> 3] + (inside & 7)


def _draw_bytes(n, bits):
    """Return n random bytes, as whole words from the raw stream.

    The raw stream of a NumPy bit generator is guaranteed to stay the same from
    version to version; the methods of `Generator` are not. Little-endian order
    makes the bytes the same on every platform.
    """
    words = bits.random_raw(-(-n // 8))
    if sys.byteorder == "big":
        words = words.byteswap()
    return words.view(np.uint8)[:n]


def _compare(drawn, p, keep):
    """Set keep to [first byte of u >= that of p]; return where the two bytes tie.

    keep may be the memory of `drawn`.
    """
    digit, rest = divmod(p * 256.0, 1.0)
    digit = BYTES[int(digit), ...]  # an array is compared with more quickly than a number
    tied = _places(drawn == digit) if rest else NOWHERE
    np.greater_equal(drawn, digit, out=keep)
    return tied


def _fill(keep, p, bits):
    """Fill a mask of many blocks; return where the first bytes tie."""
    tied = []
    for start in range(0, len(keep), BLOCK):
        block = keep[start : start + BLOCK]
        tied.append(start + _compare(_draw_bytes(len(block), bits), p, block))
    return np.concatenate(tied)


def _split_stream(bits, words, share):
    """Move PCG64 `bits` on by `words`; return a copy for each `share` of these words."""
    streams = [np.random.PCG64(0) for _ in range(0, words + share, share)]
    with bits.lock:  # nobody else may draw between reading the state and writing it
        state = bits.state
        for start, stream in zip([*range(0, words, share), words], streams, strict=True):
            stream.state = state
            stream.advance(start)
        # Not bits.advance, which forgets a buffered half word; raw words do not.
        bits.state = state | {"state": streams.pop().state["state"]}
    return streams


@functools.cache
def _pool(threads, process):
    """Return threads that wait for work; to start them takes as long as a large mask.

    A forked process has none of them, so each process gets its own.
    """
    return ThreadPoolExecutor(threads)


def draw_keep_mask(shape, p, bits, threads=1):
    """Return a keep mask, without checks; `keep_mask` says how it is drawn.

    Neither the mask nor the state of `bits` afterwards depends on the number of
    threads: each draws its own part of the one stream, if bits can jump ahead.
    """
    n = math.prod(shape)
    if p == 0.0 or p == 1.0 or n == 0:
        return np.full(shape, p == 0.0)
    if n <= BLOCK:  # the random bytes become the mask, and no other memory is touched
        drawn = _draw_bytes(n, bits)
        keep = drawn.view(bool)
        tied = _compare(drawn, p, keep)
    elif min(threads, n // BLOCK) < 2 or type(bits) is not np.random.PCG64:
        keep = np.empty(n, bool)
        tied = _fill(keep, p, bits)
    else:
        keep = np.empty(n, bool)
        words, threads = -(-n // 8), min(threads, n // BLOCK)
        share = -(-words // threads)
        streams = _split_stream(bits, words, share)
        starts = range(0, n, 8 * share)
        parts = [keep[start : start + 8 * share] for start in starts]
        others = _pool(threads - 1, os.getpid()).map(
            _fill, parts[1:], itertools.repeat(p), streams[1:]
        )
        ties = [_fill(parts[0], p, streams[0]), *others]
        tied = np.concatenate([s + t for s, t in zip(starts, ties, strict=True)])

    rest = p * 256.0 % 1.0
    while len(tied):
        digit, rest = divmod(rest * 2.0**64, 1.0)
        digit, drawn = int(digit), bits.random_raw(len(tied))
        keep[tied] = drawn >= digit
        tied = tied[drawn == digit] if rest else ()
    return keep.reshape(shape)


def keep_mask(shape, p, rng):
    """Draw a keep mask: True where an element is kept, False where it is dropped.

    Entries are independent and P(keep) = 1 - p exactly.

    Parameters
    ----------
    shape : int or tuple of int
        Shape of the mask; sizes of 0 or more.
    p : float
        Probability to **drop**, in [0, 1].
    rng : numpy.random.Generator
        Source of the randomness, with 64-bit words. Its state advances, except for p = 0,
        p = 1 and empty masks, which draw nothing.

    Returns
    -------
    numpy.ndarray
        Boolean array of the given shape.

    Raises
    ------
    TypeError
        If p is not a real number, shape not made of ints, or rng not a Generator with
        64-bit words.
    ValueError
        If p lies outside [0, 1] or a size is negative.

    Notes
    -----
    An element is kept if u >= p, where u is uniform on [0, 1):

    .. math:: m_i = [u_i \\ge p], \\qquad P(m_i = 1) = 1 - p.

    Write u and p in base 256. The first byte of u decides unless it equals the first byte
    of p, which happens for one element in 256; only those elements draw further digits,
    until a digit differs or p has none left. Both the digit of p and the rest after it
    are exact in floating point, since they come from a multiplication by a power of two
    and a subtraction without rounding. So P(keep) = 1 - p holds for every float, and not
    merely to the resolution of one uniform number.

    For one seed the masks are nested: what is kept at a larger p is kept at a smaller
    one. Masks depend on the seed, p and the shape, and on nothing else.

    A forked process, such as a worker of a DataLoader, copies the generator and draws the
    same masks as its siblings: give each a stream of its own, as chapter 9 shows.

    Source:
    Srivastava et al. (2014), section 4, where p is the probability to keep. Explained in
    chapter 3.

    Examples
    --------
    >>> keep_mask(6, 0.3, np.random.default_rng(2))
    array([ True,  True,  True,  True, False, False])
    >>> float(keep_mask((1000, 1000), 0.3, np.random.default_rng(0)).mean().round(2))
    0.7
    """
    shape = check_shape(shape)
    p = check_p(p)
    check_generator(rng)
    return draw_keep_mask(shape, p, rng.bit_generator)


def _blocks_over(map_shape, block_size):
    """Return for each element of a map how many blocks cover it, as float64."""
    block_size, shape = check_block(block_size, map_shape)
    counts = np.ones(())
    for n in shape:
        i = np.arange(n)
        along = np.minimum(i, n - block_size) - np.maximum(i - block_size + 1, 0) + 1
        counts = counts[..., None] * along
    return counts


def block_drop_rate(gamma, map_shape, block_size):
    """Return the expected fraction of a map that DropBlock drops.

    An element is kept if none of the :math:`c` blocks that cover it starts:

    .. math:: 1 - \\frac{1}{HW} \\sum_{ij} (1 - \\gamma)^{c_{ij}}

    Source: follows from Ghiasi, Lin and Le (2018), algorithm 1. Explained in chapter 6.

    Parameters
    ----------
    gamma : float
        Probability that a block starts at a place where it fits, in [0, 1].
    map_shape : tuple of int
        (L,) or (H, W).
    block_size : int
        Side of a block, 1 up to the smallest side of the map; even or odd.

    Examples
    --------
    The paper's gamma for p = 0.1 on a map of 28 by 28 with blocks of 7 drops less:

    >>> gamma = 0.1 / 7**2 * 28**2 / (28 - 7 + 1) ** 2
    >>> round(block_drop_rate(gamma, (28, 28), 7), 6)
    0.093942
    """
    gamma = check_p(gamma, "gamma")
    covers = _blocks_over(map_shape, block_size)
    if gamma == 1.0:
        return 1.0
    return float(-np.expm1(covers * np.log1p(-gamma)).mean())


@functools.lru_cache
def _solve_start_rate(p, map_shape, block_size):
    low, high = 0.0, p  # blocks only add: gamma is at most p
    while low < (middle := (low + high) / 2) < high:
        if block_drop_rate(middle, map_shape, block_size) < p:
            low = middle
        else:
            high = middle
    return high


def block_start_rate(p, map_shape, block_size):
    """Return the gamma with which DropBlock drops the fraction p: the exact inverse.

    Bisection of `block_drop_rate`, which grows with gamma, down to neighbouring floats.
    It is p itself where no two blocks overlap in a way that matters: block_size = 1, or a
    block as large as the map. Source: derived here; Ghiasi, Lin and Le (2018),
    equation 1, give an approximation. Explained in chapter 6.

    Parameters
    ----------
    p : float
        Expected fraction of a map that is **dropped**, in [0, 1].
    map_shape, block_size : as `block_drop_rate`

    Examples
    --------
    >>> gamma = block_start_rate(0.1, (28, 28), 7)
    >>> round(block_drop_rate(gamma, (28, 28), 7), 12)
    0.1
    """
    p = check_p(p)
    block_size, map_shape = check_block(block_size, map_shape)
    if p == 1.0 or _blocks_over(map_shape, block_size).max() == 1:
        return p
    return _solve_start_rate(p, map_shape, block_size)


def block_keep_mask(shape, p, block_size, rng):
    """Draw a keep mask whose dropped elements form blocks: DropBlock's mask.

    Booleans of the given shape, True = keep; the dropped elements are a union of whole
    blocks. Every element is dropped with probability p on average over the map, exactly.
    Each place where a whole block fits starts one with probability :math:`\\gamma`, which
    `block_start_rate` computes from p. The paper's formula for :math:`\\gamma` ignores
    that blocks overlap and drops less than p. Elements near the border lie in fewer
    blocks and are dropped less often than those in the middle. Source: Ghiasi, Lin and Le
    (2018), algorithm 1. Explained in chapter 6.

    Parameters
    ----------
    shape : tuple of int
        (N, C, L) or (N, C, H, W). Each map of each example is drawn independently.
    p, block_size : as `block_start_rate`
    rng : as `keep_mask`

    Examples
    --------
    >>> block_keep_mask((1, 1, 4, 6), 0.3, 2, np.random.default_rng(0))[0, 0].astype(int)
    array([[1, 1, 1, 1, 1, 1],
           [1, 0, 0, 0, 0, 1],
           [1, 0, 0, 0, 0, 0],
           [1, 1, 1, 1, 0, 0]])
    """
    shape = check_maps(shape)
    block_size, _ = check_block(block_size, shape[2:])
    gamma = block_start_rate(p, shape[2:], block_size)
    starts = tuple(n - block_size + 1 for n in shape[2:])
    dropped = ~keep_mask((*shape[:2], *starts), gamma, rng)
    for axis in range(2, len(shape)):  # grow each start to a block, axis by axis
        grown = np.zeros(
            (*dropped.shape[:axis], shape[axis], *dropped.shape[axis + 1 :]), bool
        )
        for offset in range(block_size):
            window = np.moveaxis(grown, axis, 0)[offset : offset + dropped.shape[axis]]
            window |= np.moveaxis(dropped, axis, 0)
        dropped = grown
    return ~dropped


def gaussian_noise(shape, p, rng):
    """Draw float64 noise of mean 1 and the variance of dropout; for p = 0 draw nothing.

    .. math:: \\xi_i \\sim N\\left(1, \\frac{p}{1 - p}\\right)

    Unlike masks, normal numbers are not guaranteed to be the same in every version of
    NumPy. Source: Srivastava et al. (2014), section 10. Explained in chapter 8, with
    `GaussianDropout`.

    Parameters
    ----------
    shape, rng : as `keep_mask`
    p : float
        The rate of the dropout whose variance the noise has, in [0, 1).

    Examples
    --------
    >>> noise = gaussian_noise(1_000_000, 0.2, np.random.default_rng(0))
    >>> round(float(noise.mean()), 2), round(float(noise.var()), 2)
    (1.0, 0.25)
    """
    shape = check_shape(shape)
    p = check_below_1("p", p)
    check_generator(rng)
    if p == 0.0:
        return np.ones(shape)
    return 1.0 + math.sqrt(p / (1.0 - p)) * rng.standard_normal(shape)


def open_uniforms(shape, rng):
    """Draw uniform numbers strictly between 0 and 1.

    They are float64, odd multiples of 2^-53, so a logarithm of u or of 1 - u is finite.
    The raw stream of the bit generator decides, so they are the same everywhere.
    Explained in chapter 8, with `ConcreteDropout`, which uses them.

    Parameters
    ----------
    shape, rng : as `keep_mask`

    Examples
    --------
    >>> open_uniforms(3, np.random.default_rng(0)).round(3)
    array([0.637, 0.27 , 0.041])
    """
    shape = check_shape(shape)
    check_generator(rng)
    words = rng.bit_generator.random_raw(math.prod(shape))
    return ((words >> np.uint64(12)) * 2.0**-52 + 2.0**-53).reshape(shape)
