"""What every public function checks at its boundary: one clear message per mistake."""

import math
import numbers
from collections.abc import Mapping, Set
from itertools import filterfalse

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
    if not 0.0 <= p <= 1.0:  # nor is nan
        raise ValueError(
            f"{name} must lie in [0, 1]; got {p!r}. {name} is the probability to drop: "
            f"to keep 80 %, pass {name}=0.2."
        )
    return float(p)


def check_below_1(name, p):
    """Return a drop probability as a float, or raise: at 1 there is no finite scale."""
    value = check_p(p, name)
    if value == 1.0:
        raise ValueError(
            f"{name} must be below 1 here; got {p!r}: 1 / (1 - p) is infinite. "
            "Pass a smaller one, or Dropout(1.0, rng) to drop everything."
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


def check_int(name, value, low, high=math.inf, hint=""):
    """Return `value` as an int, or raise unless it is one in [low, high].

    NumPy's ints count around: numpy.uint8(255) + 1 is 0.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an int; got {value!r}. {hint}".rstrip())
    if not low <= value <= high:
        bounds = f"be at least {low}" if high == math.inf else f"lie in [{low}, {high}]"
        raise ValueError(f"{name} must {bounds}; got {value!r}. {hint}".rstrip())
    return int(value)


def check_count(name, value):
    """Return `value` as an int, or raise unless it is one of at least 1."""
    return check_int(name, value, 1, hint="Pass for example 64.")


def check_multiple(name, value, of):
    """Raise unless the int `value` is a multiple."""
    if value % of:
        raise ValueError(f"{name} must be a multiple of {of}; got {value!r}.")


def check_real(name, value):
    """Return `value` as a float, or raise: neither framework counts in fractions."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"{name} must be a real number; got {value!r}. Pass for example 0.1."
        )
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError(f"{name} must have the size of a float: {error}.") from error


def check_rate(name, value, upper=math.inf):
    """Return `value` as a float, or raise unless it is a real number in [0, upper)."""
    value = check_real(name, value)
    if not 0 <= value < upper:
        raise ValueError(f"{name} must lie in [0, {upper}); got {value!r}.")
    return value


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


def _is_symbolic(size):
    """Is size one that PyTorch's compilers leave open? PyTorch is not imported here."""
    return type(size).__name__ == "SymInt"


def check_shape(shape, name="shape"):
    """Return `shape` as a tuple of non-negative ints, or raise."""
    if isinstance(shape, numbers.Integral):
        shape = (shape,)
    ordered = isinstance(shape, (tuple, list)) or np.ndim(shape) == 1
    sizes = tuple(shape) if ordered else (None,)
    for size in filterfalse(_is_symbolic, sizes):
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
    known = [int(size) for size in filterfalse(_is_symbolic, sizes)]
    if len(sizes) > 64 or math.prod(size or 1 for size in known) >= 2**60:
        raise ValueError(
            f"{name} must have at most 64 axes, and fewer elements than memory can be "
            f"addressed for; got {shape!r}."
        )
    return tuple(size if _is_symbolic(size) else int(size) for size in sizes)


def check_maps(shape):
    """Return the shape of a batch of feature maps as a tuple, or raise."""
    sizes = check_shape(shape)
    if len(sizes) not in (3, 4):
        raise ValueError(
            "shape must be (N, C, L) or (N, C, H, W), with a batch axis first; "
            f"got {sizes!r}. Add the missing axes, for example x[None]."
        )
    return sizes


def check_block(block_size, map_shape):
    """Return the side of a block and the shape of a map, or raise unless it fits in."""
    block_size = check_count("block_size", block_size)
    shape = check_shape(map_shape, "map_shape")
    if not shape or block_size > min(shape):
        raise ValueError(
            f"block_size must not exceed the smallest side of the map; got {block_size} "
            f"for a map of shape {shape}. Choose a smaller block."
        )
    return block_size, shape


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


def check_mask(mask):
    """Return `mask`, or raise unless it is a plain array of booleans."""
    plain = isinstance(mask, np.ndarray) and not isinstance(mask, np.ma.MaskedArray)
    if not plain or mask.dtype != bool:
        kind = mask.dtype if plain else type(mask).__name__
        raise TypeError(
            f"mask must be a NumPy array of booleans, True = keep; got {kind}. "
            "Draw it with keep_mask(x.shape, p, rng)."
        )
    return mask


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
    values = as_array(name, values)
    if values.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, counted from 0; got {values.dtype}.")
    if values.size and not 0 <= values.min() <= values.max() < count:
        raise ValueError(
            f"{name} must lie in [0, {count}); got {values.min()}..{values.max()}."
        )
    return values


def check_logits(logits, labels):
    """Raise unless the shapes are (n, classes) and (n,), with n of 1 or more."""
    if len(logits) != 2 or tuple(labels) != tuple(logits[:1]) or not logits[0]:
        raise ValueError(
            "logits must have shape (n, classes) and labels shape (n,), n > 0; got "
            f"{tuple(logits)} and {tuple(labels)}."
        )


def check_same_logits(first, second):
    """Raise unless the logits of two passes have one shape."""
    if tuple(first) != tuple(second):
        raise ValueError(
            "the logits of both passes must have one shape; got "
            f"{tuple(first)} and {tuple(second)}. Pass the same batch twice."
        )


def check_array(name, value, shape=None):
    """Raise unless value is an array of floats, of this shape if one is given.

    In subclasses of arrays signs mean other things: * is a product of matrices.
    """
    if type(value) is not np.ndarray or value.dtype.kind != "f":
        raise TypeError(
            f"{name} must be a NumPy array of floats; got {value!r} of type "
            f"{type(value).__name__}. Pass numpy.asarray({name}, float)."
        )
    if shape is not None and value.shape != shape:
        raise ValueError(f"{name} must have shape {shape}; got {value.shape}.")


def check_vector(name, value):
    """Raise unless value is an array of floats with one axis."""
    check_array(name, value)
    if value.ndim != 1:
        raise ValueError(f"{name} must have shape (n,); got {value.shape}.")


def check_table(x, name, value, axis):
    """Raise unless x has shape (N, n) and `value` the length of one of its axes."""
    check_array("x", x)
    if x.ndim != 2:
        raise ValueError(f"x must have shape (N, n); got {x.shape}.")
    check_array(name, value, (x.shape[axis],))


def check_masks(masks):
    """Raise unless masks are booleans, one mask in each row."""
    if type(masks) is not np.ndarray or masks.dtype != bool:
        raise TypeError(f"masks must be an array of booleans; got {masks!r}.")
    if masks.ndim != 2:
        raise ValueError(f"masks must have shape (m, n); got {masks.shape}.")


def check_one_for_each_mask(name, value, axes, layout):
    """Return n of an array with 2^n rows, in the order of `all_masks(n)`, or raise."""
    check_array(name, value)
    n = max(len(value).bit_length() - 1, 0) if value.ndim in axes else 0
    if value.ndim not in axes or len(value) != 2**n:
        raise ValueError(
            f"{name} must have shape {layout}, one row for each mask of all_masks(n); "
            f"got {value.shape}."
        )
    return n


def check_finite(name, value):
    """Raise unless all numbers of an array are finite."""
    if not np.isfinite(value).all():
        raise ValueError(f"{name} must be finite; got {value!r}.")


def check_covariance(covariance):
    """Raise unless a matrix is symmetric, with variances of 0 or more."""
    if not np.allclose(covariance, covariance.T) or (np.diag(covariance) < 0).any():
        raise ValueError(
            "covariance must be symmetric, with a diagonal of 0 or more; got "
            f"{covariance!r}."
        )


def check_joint(joint):
    """Raise unless joint holds probabilities that sum to 1, one axis for each unit."""
    check_array("joint", joint)
    if joint.ndim == 0:
        raise ValueError("joint must have one axis for each unit; got none.")
    total, rounding = joint.sum(dtype=float), float(np.finfo(joint.dtype).eps)
    if not (joint >= 0).all() or not abs(total - 1.0) < max(1e-9, rounding):
        raise ValueError(
            "joint must hold probabilities that sum to 1; got a smallest entry of "
            f"{joint.min(initial=1.0)} and a sum of {total}."
        )


def check_scaling(p, inverted=True):
    """Return `p` as a float, or raise: only classic dropout, unscaled, allows 1."""
    check_flag("inverted", inverted)
    return check_below_1("p", p) if inverted else check_p(p)


def check_choice(name, value, choices):
    """Return `value`, or raise unless it is one of the `choices`."""
    if np.ndim(value) or value not in choices:
        raise ValueError(f"{name} must be among {choices}; got {value!r}.")
    return value


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
    """Return `seeds` as a tuple, or raise unless they are different ints of 0 or more."""
    seeds = check_sequence("seeds", seeds)
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or seed < 0:
            raise ValueError(f"seeds must be ints of 0 or more; got {seed!r}.")
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must all be different; got {seeds!r}.")
    return seeds


def check_sequence(name, values):
    """Return `values` as a tuple, or raise: text is none, and a set has no order."""
    if not np.iterable(values) or isinstance(values, (str, bytes, Set, Mapping)):
        raise TypeError(f"{name} must be a sequence; got {values!r}. Pass a tuple.")
    return tuple(values)


def check_increasing(name, values, at_least):
    """Return `values` as a tuple of `at_least` numbers that increase, or raise."""
    values = check_sequence(name, values)
    if len(values) < at_least or not np.all(np.diff(as_reals(name, values)) > 0):
        raise ValueError(
            f"{name} must be {at_least} or more that increase; got {values!r}."
        )
    return values


def check_holds(name, values, needed, first=None):
    """Return `values` as a tuple, or raise: a rule needs some, and one to begin with."""
    values = check_sequence(name, values)
    as_reals(name, values)
    if not set(needed) <= set(values) or first not in (None, *values[:1]):
        begin = "" if first is None else f"begin with {first} and "
        raise ValueError(
            f"{name} must {begin}hold {', '.join(map(str, needed))}; got {values!r}."
        )
    return values


def check_samples(name, samples, at_least, finite=True):
    """Return samples of one length as an array, shape (samples, n), or raise."""
    try:
        rows = np.stack([as_reals(name, sample) for sample in samples])
    except (TypeError, ValueError):  # no numbers, or their lengths differ
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


def as_reals(name, values):
    """Return numbers as an array of floats, or raise: text and complex ones are none."""
    found = as_array(name, values)
    if found.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold real numbers, unmasked; got {values!r}.")
    return found.astype(float)


def as_array(name, values):
    """Return values as a plain array, or raise where that loses or means nothing."""
    each = values if isinstance(values, (list, tuple)) else [values]
    if any(isinstance(value, np.ma.MaskedArray) for value in each):
        raise TypeError(f"{name} must not be masked; got {values!r}. Fill it first.")
    try:
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged, or of PyTorch
        raise TypeError(
            f"{name} must be an array of numbers, with data; got {values!r}: {error}"
        ) from error


def check_between_0_and_1(name, value):
    """Return `value` as a float, or raise unless it is a real number in (0, 1)."""
    value = check_real(name, value)
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie in (0, 1); got {value!r}.")
    return value


def check_flag(name, value):
    """Raise unless `value` is True or False: "False" and [False] would count as true."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False; got {value!r}.")


def missing(package, extra, error):
    """Return the error that says how to install an optional package."""
    return ModuleNotFoundError(
        f"{package} is needed here, and cannot be imported ({error}). "
        f'Install it with: python -m pip install "dropout-verified-companion[{extra}]"',
        name=package,
    )


def check_model(model, base):
    """Raise unless `model` is a module of this framework."""
    if not isinstance(model, base):
        raise TypeError(
            f"model must be a {base.__module__}.{base.__name__}; got {model!r} of type "
            f"{type(model).__name__}."
        )


def check_output(output, kind):
    """Raise unless a model returned one array or tensor."""
    if not isinstance(output, kind):
        raise TypeError(
            f"model must return one array or tensor here; got {type(output).__name__}. "
            "Wrap it in a module that returns the part whose variance you want."
        )


def no_dropout(model, which):
    """Return the error that a model has no dropout layer of this sort."""
    return ValueError(
        f"model must have a dropout layer {which}; got {type(model).__name__} without "
        "one. A function such as `dropout`, called in a forward method, cannot be found: "
        "write it as a layer."
    )


def check_above_0(name, value):
    """Return `value` as a float, or raise unless it is above 0; it may be infinite."""
    value = check_real(name, value)
    if not value > 0:
        raise ValueError(f"{name} must be above 0; got {value!r}.")
    return value


def check_optimizer(optimizer):
    """Raise unless `optimizer` is an object, and no class, that makes steps."""
    if isinstance(optimizer, type) or not callable(getattr(optimizer, "step", None)):
        raise TypeError(
            f"optimizer must have a method step; got {optimizer!r}. Pass for example "
            "nn.SGD(model.parameters(), lr=0.1)."
        )
