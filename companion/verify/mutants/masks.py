"""Faulty keep masks."""

import math

import numpy as np

from companion import masks
from companion.verify.mutants._catalogue import mutant


def _size(shape):
    return math.prod(shape) if isinstance(shape, tuple) else shape


# Masks --------------------------------------------------------------------------------
@mutant("keep_mask", origin="tiny-dnn #961, which was right at p = 0.5 and nowhere else")
def swapped_rates(shape, p, rng):
    """Keeps with probability p, where it should drop."""
    return masks.keep_mask(shape, 1 - p, rng)


@mutant("keep_mask", origin="planted in PyTorch's own suite, which notices it")
def two_points_too_many(shape, p, rng):
    """Drops with probability p + 0.02."""
    return masks.keep_mask(shape, min(p + 0.02, 1.0) if 0 < p < 1 else p, rng)


@mutant("keep_mask", origin="planted in PyTorch's own suite: noticed with 6 of 20 seeds")
def five_percent_too_many(shape, p, rng):
    """Drops with probability 1.05 p."""
    return masks.keep_mask(shape, min(1.05 * p, 1.0), rng)


@mutant("keep_mask", origin="flash-attention and apex PR 1614: thresholds of 8 bits")
def eight_bit_rate(shape, p, rng):
    """Compares one byte with the rate, rounded to 1/256."""
    if p in (0.0, 1.0):
        return masks.keep_mask(shape, p, rng)
    return rng.integers(0, 256, shape) >= round(256 * p)


@mutant(
    "keep_mask", origin="boltz #553: in bfloat16 a uniform is 0 with probability 0.2 %"
)
def coarse_uniforms(shape, p, rng):
    """Draws uniforms in half precision, where 0 is frequent."""
    if p == 0.0 or p == 1.0:
        return masks.keep_mask(shape, p, rng)
    return np.floor(rng.random(shape) * 512) / 512 >= p


@mutant(
    "keep_mask", origin="the English Dive into Deep Learning, which lost its case p = 0"
)
def strict_at_zero(shape, p, rng):
    """Keeps where u > p, so that p = 0 may drop and p = 1 draws."""
    return np.asarray(rng.random(shape) > p)


@mutant("keep_mask", origin="mxnet #9816: the interval's wrong end")
def dropped_at_the_end(shape, p, rng):
    """Takes 1 - u, which is never 0 and may be 1: it keeps where 1 - u > p."""
    if p in (0.0, 1.0):
        return masks.keep_mask(shape, p, rng)
    return np.asarray(1 - rng.random(shape) > p)


@mutant(
    "keep_mask", origin="PyTorch #198333: after a transpose four neighbours share a bit"
)
def four_share_a_bit(shape, p, rng):
    """Gives four adjacent elements one draw."""
    n = _size(shape)
    return np.repeat(masks.keep_mask(-(-n // 4), p, rng), 4)[:n].reshape(shape)


@mutant("keep_mask", origin="planted in PyTorch's own suite, which notices it")
def first_row_is_safe(shape, p, rng):
    """Never drops in the first row."""
    mask = masks.keep_mask(shape, p, rng)
    if mask.ndim > 1:
        mask[0] = p < 1.0
    return mask


@mutant("keep_mask", origin="off-by-one in a block loop")
def last_element_is_safe(shape, p, rng):
    """Never drops the last element along the last axis."""
    mask = masks.keep_mask(shape, p, rng)
    if mask.ndim and mask.size:
        mask[..., -1] |= p < 1.0
    return mask


@mutant("keep_mask", origin="a mask for the batch in place of the example")
def batch_shares_a_mask(shape, p, rng):
    """Draws one mask for all examples; PyTorch's own suite does not notice."""
    if not isinstance(shape, tuple) or len(shape) < 2:
        return masks.keep_mask(shape, p, rng)
    return np.broadcast_to(masks.keep_mask(shape[1:], p, rng), shape)


@mutant("keep_mask", origin="Dive into Deep Learning, JAX: a key as default argument")
def frozen_mask(shape, p, rng, key=12345):
    """Draws the same mask at every call; PyTorch's own suite does not notice."""
    return masks.keep_mask(shape, p, np.random.default_rng(key))


@mutant("keep_mask", origin="a random device read in place of the generator")
def ignores_the_seed(shape, p, rng):
    """One seed gives different masks."""
    return masks.keep_mask(shape, p, np.random.default_rng())


@mutant("keep_mask", origin="cs249r #1869: global, unseeded randomness")
def global_randomness(shape, p, rng):
    """Draws from NumPy's global state and not from the generator."""
    if p in (0.0, 1.0):
        return masks.keep_mask(shape, p, rng)
    return np.asarray(np.random.random_sample(shape) >= p)  # noqa: NPY002


@mutant(
    "keep_mask", origin="a seed set inside the layer; PyTorch's suite does not notice"
)
def reseeds_the_world(shape, p, rng):
    """Sets the global seed at every call."""
    np.random.seed(0)  # noqa: NPY002
    return masks.keep_mask(shape, p, rng)


@mutant("keep_mask", origin="the explainer that guarantees two survivors and two dropped")
def at_least_one_lives(shape, p, rng):
    """Redraws a row in which nothing was kept, so rows are not independent trials."""
    mask = masks.keep_mask(shape, p, rng)
    rows = mask.reshape(-1, mask.shape[-1]) if mask.ndim and mask.size else mask[None]
    if 0 < p < 1 and mask.ndim and mask.size:
        rows[~rows.any(axis=1), 0] = True
    return mask


@mutant("keep_mask", origin="exactly p n units dropped, by a permutation")
def fixed_number(shape, p, rng):
    """Drops the same number of elements every time."""
    n = _size(shape)
    return (rng.permutation(n) >= round(p * n)).reshape(shape)


@mutant("keep_mask", origin="a table of random bits that is used again and again")
def short_period(shape, p, rng):
    """Repeats its mask after 256 elements."""
    n = _size(shape)
    return np.resize(masks.keep_mask(min(n, 256), p, rng), n).reshape(shape)


@mutant("keep_mask", origin="work in blocks of 64 thousand, each with the same bits")
def block_period(shape, p, rng):
    """Repeats its mask after 65,536 elements."""
    n = _size(shape)
    return np.resize(masks.keep_mask(min(n, 65_536), p, rng), n).reshape(shape)


@mutant("keep_mask", origin="two threads that start from one state")
def threads_draw_alike(shape, p, rng):
    """Repeats the first half of a mask of a million elements or more."""
    n = _size(shape)
    if n < 2**20:
        return masks.keep_mask(shape, p, rng)
    half = masks.keep_mask(-(-n // 2), p, rng)
    return np.concatenate([half, half])[:n].reshape(shape)


def _by_bytes(shape, p, rng, decide):
    """Draw a mask by bytes; `decide` says which of the tied elements live."""
    n = _size(shape)
    if p in (0.0, 1.0) or n == 0 or not isinstance(p, float):
        return masks.keep_mask(shape, p, rng)
    digit, rest = divmod(p * 256, 1.0)
    drawn = rng.integers(0, 256, n, dtype=np.uint8)
    keep, tied = drawn > digit, np.flatnonzero(drawn == digit)
    keep[tied] = decide(drawn, tied, rest, rng)
    return keep.reshape(shape)


@mutant("keep_mask", origin="our own method, one byte an element, done carelessly")
def ties_live(shape, p, rng):
    """Keeps every element whose byte equals that of p: nearly right."""
    return _by_bytes(shape, p, rng, lambda drawn, tied, rest, rng: True)


@mutant("keep_mask", origin="our own method, one byte an element, done carelessly")
def ties_by_a_coin(shape, p, rng):
    """Throws a fair coin for a tie: the rate is off by less than 1/512."""
    return _by_bytes(
        shape, p, rng, lambda drawn, tied, rest, rng: rng.random(tied.size) < 0.5
    )


@mutant("keep_mask", origin="our own method, one byte an element, done carelessly")
def ties_by_one_byte_more(shape, p, rng):
    """Decides a tie by one more byte, so the rate is rounded to 2^-16."""
    return _by_bytes(
        shape,
        p,
        rng,
        lambda drawn, tied, rest, rng: (
            rng.integers(0, 256, tied.size) >= round(rest * 256)
        ),
    )


@mutant("keep_mask", origin="our own method, one byte an element, done carelessly")
def ties_take_the_neighbours_byte(shape, p, rng):
    """Decides a tie by the byte of the next element: the rate is nearly right."""
    return _by_bytes(
        shape,
        p,
        rng,
        lambda drawn, tied, rest, rng: (
            drawn[(tied + 1) % drawn.size] >= np.uint8(rest * 256)
        ),
    )


@mutant("keep_mask", origin="our own method, one byte an element, done carelessly")
def ties_share_a_draw(shape, p, rng):
    """Draws once for all ties of a mask."""
    return _by_bytes(shape, p, rng, lambda drawn, tied, rest, rng: rng.random() >= rest)


@mutant("keep_mask", origin="antithetic pairs, a trick to lower the variance of a mean")
def antithetic_pairs(shape, p, rng):
    """Makes the second half of the draws the mirror of the first."""
    n = _size(shape)
    if p in (0.0, 1.0) or n == 0:
        return masks.keep_mask(shape, p, rng)
    u = rng.random(-(-n // 2))
    return (np.concatenate([u, 1 - u])[:n] >= p).reshape(shape)


@mutant("keep_mask", origin="a stratified sampler: every stratum of u has its element")
def stratified(shape, p, rng):
    """Spreads the uniforms evenly, so that the count hardly varies."""
    n = _size(shape)
    if p in (0.0, 1.0) or n == 0:
        return masks.keep_mask(shape, p, rng)
    u = (rng.permutation(n) + rng.random(n)) / n
    return (u >= p).reshape(shape)


@mutant("keep_mask", origin="veScale #52: the two halves of a split tensor, one seed")
def halves_are_equal(shape, p, rng):
    """Draws the first half and uses it for the second, too."""
    n = _size(shape)
    half = masks.keep_mask(-(-n // 2), p, rng)
    return np.concatenate([half, half])[:n].reshape(shape)


@mutant("keep_mask", origin="keras #17548: seed + 1 in place of a stream")
def next_seed(shape, p, rng):
    """Starts each call at the generator's first number, moved on by one."""
    fresh = np.random.default_rng(7)
    fresh.random(int(rng.integers(2)))
    return masks.keep_mask(shape, p, fresh)


@mutant("keep_mask", origin="a wish to draw always: equal consumption for every p")
def draws_at_zero(shape, p, rng):
    """Consumes randomness where nothing is random."""
    rng.random()
    return masks.keep_mask(shape, p, rng)


@mutant("keep_mask", origin="a percentage taken for a probability")
def clips_the_rate(shape, p, rng):
    """Accepts a rate above 1 and silently clips it."""
    p = float(np.clip(p, 0, 1)) if isinstance(p, float) and p == p else p
    return masks.keep_mask(shape, p, rng)
