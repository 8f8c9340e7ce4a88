"""The arithmetic of a given mask that both frameworks share."""

import numpy as np

from companion._arguments import check_below_1

# The value towards which SELU falls: minus its scale times its alpha.
ALPHA_PRIME = -1.0507009873554805 * 1.6732632423543772
INTEGER = {2: np.dtype("i2"), 4: np.dtype("i4"), 8: np.dtype("i8")}


def alpha_affine(p):
    """Return the two constants with which alpha dropout keeps mean 0 and variance 1.

    Alpha dropout returns a (m x + (1 - m) alpha') + b. For x of mean 0 and variance 1 the
    mixture has the mean p alpha' and the variance (1 - p)(1 + p alpha'^2). So

    .. math:: a = \\left((1 - p)(1 + p \\alpha'^2)\\right)^{-1/2}, \\quad
        b = -a p \\alpha'

    Source: Klambauer et al. (2017), section 3. Explained in chapter 6.

    Parameters
    ----------
    p : float
        Probability to **drop**, in [0, 1).

    Examples
    --------
    >>> a, b = alpha_affine(0.2)
    >>> round(a, 6), round(b, 6)
    (0.878904, 0.30904)
    """
    p = check_below_1("p", p)
    a = ((1.0 - p) * (1.0 + p * ALPHA_PRIME**2)) ** -0.5
    return a, -a * p * ALPHA_PRIME


def keep_scale(p):
    """Return 1 / (1 - p), the factor of what is kept, or 1 where nothing is."""
    return 1.0 / (1.0 - float(p)) if p < 1.0 else 1.0


def work_dtype(x):
    """Return the dtype to compute in: float16 would round twice, so it takes float32."""
    return np.promote_types(x.dtype, np.float32)


def select_and_scale(x, mask, p):
    """Return x / (1 - p) where the mask keeps and +0.0 elsewhere, without checks."""
    scale = work_dtype(x).type(keep_scale(p))
    if x.itemsize > 8:  # long double: no integer has its size
        return np.multiply(x, scale, out=np.zeros_like(x), where=mask)
    # 1 times the bits of a number are these bits, and 0 times them is +0.0. So this is a
    # selection, also where x is inf or nan, and as fast as a product of floats.
    y, bits = np.empty_like(x), INTEGER[x.itemsize]
    y_bits = y.view(bits)
    np.copyto(y_bits, mask)  # and then multiply: faster than a product of mixed types
    np.multiply(y_bits, x.view(bits), out=y_bits)
    return np.multiply(y, scale, out=y)  # the dtype of the scale is that of the work
