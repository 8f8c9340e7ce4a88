"""What the NumPy functions check of their arrays."""

import numpy as np

from companion._arguments import check_mask, check_mask_fits, check_nothing_kept, check_p


def check_floats(x, name):
    """Return x as an array of real floating-point numbers, or raise."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(
            f"{name} must be a plain array; got a MaskedArray, whose mask would be lost. "
            f"Pass {name}.filled(value)."
        )
    if not isinstance(x, np.ndarray | np.generic) or not np.issubdtype(
        x.dtype, np.floating
    ):
        kind = getattr(x, "dtype", type(x).__name__)
        raise TypeError(
            f"{name} must be a NumPy array of floats; got {kind}. "
            f"Convert it first, for example numpy.asarray({name}, dtype=float)."
        )
    return np.asarray(x)


def check_masked(x, mask, p, name="x"):
    """Return x and p, or raise unless the mask is one of x, drawn with p."""
    p, x = check_p(p), check_floats(x, name)
    check_mask(mask)
    check_mask_fits(mask.shape, x.shape)
    if p == 1.0:
        check_nothing_kept(mask.any())
    return x, p


def check_float_dtype(dtype):
    """Return dtype as a NumPy dtype of real floats, or raise."""
    try:
        known = np.dtype("O" if dtype is None else dtype)  # None would be float64
    except TypeError:
        known = np.dtype("O")
    if not np.issubdtype(known, np.floating):
        raise TypeError(
            f"dtype must be a real floating-point type; got {dtype!r}. "
            "Pass numpy.float32 or numpy.float64."
        )
    return known
