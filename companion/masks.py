"""Randomness becomes keep masks: which elements live.

The mask is the only random thing in dropout. Everything else in this package
is arithmetic with a given mask, and can be tested exactly.
"""

import math

import numpy as np

from companion._arguments import check_generator, check_p, check_shape


def _raw_bytes(n, rng):
    """Return n random bytes from the bit generator's raw stream.

    The raw stream of a NumPy bit generator is guaranteed to stay the same from
    version to version; the methods of `Generator` are not. Little-endian order
    makes the bytes the same on every platform.
    """
    words = rng.bit_generator.random_raw(-(-n // 8))
    return words.astype("<u8", copy=False).view(np.uint8)[:n]


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
        Source of the randomness. Its state advances, except for p = 0, p = 1
        and empty masks, which draw nothing.

    Returns
    -------
    numpy.ndarray
        Boolean array of the given shape.

    Raises
    ------
    TypeError
        If p is not a real number, shape not made of ints, or rng not a
        Generator with 64-bit words.
    ValueError
        If p lies outside [0, 1] or a size is negative.

    Notes
    -----
    An element is kept if u >= p, where u is uniform on [0, 1):

    .. math:: m_i = [u_i \\ge p], \\qquad P(m_i = 1) = 1 - p.

    Write u and p in base 256. The first byte of u decides unless it equals the
    first byte of p, which happens for one element in 256; only those elements
    draw further digits, until a digit differs or p has none left. Both the
    digit of p and the rest after it are exact in floating point, since they
    come from a multiplication by a power of two and a subtraction without
    rounding. So P(keep) = 1 - p holds for every float, and not merely to the
    resolution of one uniform number.

    For one seed the masks are nested: what is kept at a larger p is kept at a
    smaller one. Masks depend on the seed, p and the shape, and on nothing else.

    Source: Srivastava et al. (2014), section 4, where p is the probability to
    keep. Explained in chapter 3.

    Examples
    --------
    >>> import numpy as np
    >>> keep_mask(6, 0.3, np.random.default_rng(2))
    array([ True,  True,  True,  True, False, False])
    >>> float(keep_mask((1000, 1000), 0.3, np.random.default_rng(0)).mean().round(2))
    0.7
    """
    shape = check_shape(shape)
    p = check_p(p)
    check_generator(rng)
    n = math.prod(shape)
    if p == 0.0 or p == 1.0 or n == 0:
        return np.full(shape, p == 0.0)

    digit, rest = divmod(p * 256.0, 1.0)
    drawn = _raw_bytes(n, rng)
    keep = drawn >= np.uint8(digit)
    tied = np.flatnonzero(drawn == np.uint8(digit)) if rest else ()
    while len(tied):
        digit, rest = divmod(rest * 2.0**64, 1.0)
        drawn = rng.bit_generator.random_raw(len(tied))
        keep[tied] = drawn >= np.uint64(digit)
        tied = tied[drawn == np.uint64(digit)] if rest else ()
    return keep.reshape(shape)
