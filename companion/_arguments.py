"""What every public function checks at its boundary: one clear message per mistake."""

import math
import numbers

import numpy as np


def check_p(p, name="p"):
    """Return the drop probability `p` as a float, or raise.

    Booleans, strings, arrays and None are refused: none of them is a
    probability that somebody meant to write.
    """
    # A float first: to ask for an abstract type takes as long as to draw a small mask.
    if type(p) is not float and (
        isinstance(p, (bool, np.bool_)) or not isinstance(p, numbers.Real)
    ):
        raise TypeError(
            f"{name} must be a real number, the probability to drop; got {p!r} of type "
            f"{type(p).__name__}. Pass a float such as {name}=0.3."
        )
    value = float(p)
    if not 0.0 <= value <= 1.0:  # nor is nan
        raise ValueError(
            f"{name} must lie in [0, 1]; got {p!r}. {name} is the probability to drop: "
            f"to keep 80 %, pass {name}=0.2."
        )
    return value


def check_p_below_1(p):
    """Return `p` as a float, or raise: the variance of noise is infinite at 1."""
    value = check_p(p)
    if value == 1.0:
        raise ValueError(
            f"p must be below 1 here; got {p!r}: the variance p / (1 - p) is infinite. "
            "Pass a smaller p, or Dropout(1.0, rng) to drop everything."
        )
    return value


def check_logit(p):
    """Return log(p / (1 - p)) of a rate that can be learned, or raise."""
    value = check_p(p)
    if value in (0.0, 1.0):
        raise ValueError(
            f"p must lie strictly between 0 and 1 to be learned; got {p!r}: its logit is "
            "infinite. Start from a rate such as 0.1, or take Dropout for a fixed one."
        )
    return math.log(value) - math.log1p(-value)


def check_temperature(temperature):
    """Raise unless `temperature` is a real number above 0."""
    check_rate("temperature", temperature)
    if temperature == 0:
        raise ValueError(
            "temperature must be above 0; got 0: there the noise has no gradient. "
            "Pass for example 0.1."
        )


def check_count(name, value):
    """Raise unless `value` is an int of at least 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an int; got {value!r}. Pass for example 64.")
    if value < 1:
        raise ValueError(f"{name} must be at least 1; got {value!r}.")


def check_passes(passes):
    """Raise unless `passes` is an int of at least 2: one pass has no variance."""
    check_count("passes", passes)
    if passes < 2:
        raise ValueError(
            f"passes must be at least 2; got {passes!r}: one pass has no variance. "
            "Pass for example 20."
        )


def check_step(name, value):
    """Raise unless `value` is an int of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an int; got {value!r}. Count steps from 0.")
    if value < 0:
        raise ValueError(f"{name} must be 0 or more; got {value!r}.")


def check_rate(name, value, upper=math.inf):
    """Raise unless `value` is a real number in [0, upper)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"{name} must be a real number; got {value!r}. Pass for example 0.1."
        )
    if not 0 <= value < upper:
        raise ValueError(f"{name} must lie in [0, {upper}); got {value!r}.")


def check_axes(name, shape, allowed, layout):
    """Raise unless an array of `shape` has one of the `allowed` numbers of axes."""
    if len(shape) not in allowed:
        raise ValueError(
            f"{name} must have shape {layout}; got {tuple(shape)}. The batch axis "
            f"comes first: write {name}[None] for a single example."
        )


def check_generator(rng):
    """Raise unless `rng` is a NumPy Generator whose raw stream is 64 bits wide."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng must be a numpy.random.Generator; got {rng!r} of type "
            f"{type(rng).__name__}. Build it once with "
            "rng = numpy.random.default_rng(seed) and pass the same object to every "
            "call: an integer here would repeat one mask for ever."
        )
    if isinstance(rng.bit_generator, np.random.MT19937):
        raise TypeError(
            "rng must draw 64-bit words; got a Generator over MT19937, which draws 32. "
            "Use numpy.random.default_rng(seed) instead."
        )


def check_shape(shape, name="shape"):
    """Return `shape` as a tuple of non-negative ints, or raise."""
    if isinstance(shape, numbers.Integral):
        shape = (shape,)
    try:
        sizes = tuple(shape)
    except TypeError:
        sizes = (None,)
    for size in sizes:
        if isinstance(size, (bool, np.bool_)) or not isinstance(size, numbers.Integral):
            raise TypeError(
                f"{name} must be an int or a tuple of ints; got {shape!r}. "
                "Pass for example x.shape."
            )
        if size < 0:
            raise ValueError(
                f"{name} must have sizes of 0 or more; got {shape!r}. "
                "Pass for example x.shape."
            )
    return tuple(int(size) for size in sizes)


def check_mask_shape(mask_shape, shape):
    """Return the mask's shape for an x of `shape`; None means one draw an element."""
    if mask_shape is None:
        return tuple(shape)
    sizes = check_shape(mask_shape, "mask_shape")
    fits = len(sizes) <= len(shape) and all(
        m in (1, n) for m, n in zip(sizes[::-1], tuple(shape)[::-1], strict=False)
    )
    if not fits:
        raise ValueError(
            f"mask_shape must broadcast to the shape of x; got {mask_shape!r} for x of "
            f"shape {tuple(shape)}. Write 1 for each axis along which a draw is shared."
        )
    return sizes


def check_mask_fits(mask_shape, shape, name="mask"):
    """Raise unless a mask of `mask_shape` broadcasts to `shape`."""
    try:
        fits = np.broadcast_shapes(tuple(mask_shape), tuple(shape)) == tuple(shape)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{name} must broadcast to the shape of x; got {name} of shape "
            f"{tuple(mask_shape)} for x of shape {tuple(shape)}. "
            "Draw it with keep_mask(x.shape, p, rng)."
        )


def check_nothing_kept(any_kept):
    """Raise if a mask keeps something although p = 1: there is no finite scale for it."""
    if any_kept:
        raise ValueError(
            "mask must be all False when p = 1, since nothing is kept then; got a mask "
            "that keeps elements. Pass the p with which the mask was drawn."
        )


def check_same_length(x, labels):
    """Raise unless there is one label for each example."""
    if len(x) != len(labels):
        raise ValueError(
            f"x and labels must have the same length; got {len(x)} and {len(labels)}."
        )


def check_numbers(name, values, count):
    """Return values, numbers of words or classes, as integers in [0, count), or raise."""
    values = np.asarray(values)
    if not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"{name} must be integers, counted from 0; got {values.dtype}.")
    if values.size and not 0 <= values.min() <= values.max() < count:
        raise ValueError(
            f"{name} must lie in [0, {count}); got {values.min()}..{values.max()}."
        )
    return values


def check_same_logits(first, second):
    """Raise unless the logits of two passes have one shape."""
    if tuple(first) != tuple(second):
        raise ValueError(
            "the logits of both passes must have one shape; got "
            f"{tuple(first)} and {tuple(second)}. Pass the same batch twice."
        )


def check_array(name, value, shape=None):
    """Raise unless value is an array of floats, of this shape if one is given."""
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        raise TypeError(f"{name} must be a NumPy array of floats; got {value!r}.")
    if shape is not None and value.shape != shape:
        raise ValueError(f"{name} must have shape {shape}; got {value.shape}.")


def check_rows(x, other):
    """Raise unless x has two axes and `other` = (name, value, axis) fits that axis."""
    check_array("x", x)
    if x.ndim != 2:
        raise ValueError(f"x must have shape (N, n); got {x.shape}.")
    name, value, axis = other
    check_array(name, value, (x.shape[axis],))


def check_scaling(p, inverted):
    p = check_p(p)
    if inverted and p == 1.0:
        raise ValueError(
            "p must be below 1 for inverted dropout; got 1: nothing is kept."
        )
    return p


def check_below_1(name, p):
    """Return a drop probability as a float, or raise: at 1 there is nothing to train."""
    value = check_p(p, name)
    if value == 1.0:
        raise ValueError(f"{name} must be below 1, which keeps nothing; got {p!r}.")
    return value


def check_choice(name, value, choices):
    """Raise unless `value` is one of the `choices`."""
    if value not in choices:
        raise ValueError(f"{name} must be among {choices}; got {value!r}.")


def check_not_empty(**sequences):
    """Raise unless each of the named sequences holds something."""
    if not all(map(len, sequences.values())):
        got = " and ".join(map(repr, sequences.values()))
        raise ValueError(f"{' and '.join(sequences)} must not be empty; got {got}.")


def check_length(name, values, at_least):
    """Raise unless `values` holds at least so many."""
    if len(values) < at_least:
        raise ValueError(f"{name} must hold at least {at_least}; got {len(values)}.")


def check_seeds(seeds):
    """Raise unless `seeds` are different ints of 0 or more."""
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or seed < 0:
            raise ValueError(f"seeds must be ints of 0 or more; got {seed!r}.")
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must all be different; got {seeds!r}.")


def check_increasing(name, values, at_least):
    """Return `values` as a tuple of `at_least` numbers that increase, or raise."""
    values = tuple(values)
    if len(values) < at_least or not np.all(np.diff(values) > 0):
        raise ValueError(
            f"{name} must be {at_least} or more that increase; got {values!r}."
        )
    return values


def check_holds(name, values, needed, first=None):
    """Return `values` as a tuple, or raise: a rule needs some, and one to begin with."""
    values = tuple(values)
    if not set(needed) <= set(values) or first not in (None, *values[:1]):
        begin = "" if first is None else f"begin with {first} and "
        raise ValueError(
            f"{name} must {begin}hold {', '.join(map(str, needed))}; got {values!r}."
        )
    return values


def check_samples(name, samples, at_least, finite=True):
    """Return samples of one length as an array, shape (samples, n), or raise."""
    try:
        rows = np.asarray(samples, dtype=float)
    except ValueError:  # their lengths differ
        rows = np.empty(0)
    if (
        rows.ndim != 2
        or rows.shape[1] < at_least
        or (finite and not np.isfinite(rows).all())
    ):
        several = len(samples) != 1
        raise ValueError(
            f"{name} must be {at_least} or more finite numbers"
            f"{', the same number in each' * several}; got "
            f"{samples if several else samples[0]!r}."
        )
    return rows


def check_level(level):
    """Raise unless a confidence level lies in (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1); got {level!r}.")


def check_above_0(name, value):
    """Raise unless `value` is a real number above 0; it may be infinite."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"{name} must be a real number; got {value!r}. Pass for example 2.0."
        )
    if not value > 0:
        raise ValueError(f"{name} must be above 0; got {value!r}.")
