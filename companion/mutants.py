"""Faulty dropouts, each a few lines, with the bug of the real world behind it.

A test suite is worth what it catches. `make test` runs `companion.conformance` against
every mutant of this catalogue and fails if one of them passes. They are also material
for exercises: take one, and find out what is wrong with it.

Each mutant replaces one or more names of `companion.numpy`, or `keep_mask`.
"""

import contextlib
import copy
import functools
import math
import types
from typing import NamedTuple

import numpy as np

import companion.numpy as good
from companion import masks
from companion.theory import ALPHA_PRIME, alpha_affine, block_start_rate

__all__ = ["MUTANTS", "RIGHT", "Mutant", "mutant"]

RIGHT = types.SimpleNamespace(
    **{name: getattr(good, name) for name in good.__all__},
    keep_mask=masks.keep_mask,
    **{name: getattr(good.nn, name) for name in ("Module", "RDropLoss", "Sequential")},
)


class Mutant(NamedTuple):
    """One faulty dropout.

    Attributes
    ----------
    name : str
        Its name in the catalogue.
    replaces : tuple of str
        The names that are faulty.
    fault : str
        What is wrong, in a sentence.
    origin : str
        Where this kind of fault was found.
    subject : types.SimpleNamespace
        `companion.numpy` with the faulty parts in it, for `conformance.violations`.

    Notes
    -----
    Explained in chapter 9.

    Examples
    --------
    >>> MUTANTS["swapped_rates"].fault
    'Keeps with probability p, where it should drop.'
    """

    name: str
    replaces: tuple
    fault: str
    origin: str
    subject: types.SimpleNamespace


MUTANTS = {}


def mutant(*replaces, origin):
    """Add a faulty function or class to the catalogue.

    Parameters
    ----------
    *replaces : str
        The names of the right package that it takes the place of.
    origin : str
        Where this kind of fault was found.

    Returns
    -------
    callable
        Decorator; the first line of the docstring is the fault.

    Raises
    ------
    ValueError
        If a name is not one of the right package.

    Notes
    -----
    Explained in chapter 9.

    Examples
    --------
    >>> len(MUTANTS) >= 40
    True
    """
    unknown = [name for name in replaces if not hasattr(RIGHT, name)]
    if unknown or not replaces:
        raise ValueError(f"replaces must name parts of companion.numpy; got {replaces}.")

    def register(faulty):
        subject = types.SimpleNamespace(**vars(RIGHT) | dict.fromkeys(replaces, faulty))
        fault = faulty.__doc__.splitlines()[0]
        MUTANTS[faulty.__name__] = Mutant(
            faulty.__name__, replaces, fault, origin, subject
        )
        return faulty

    return register


def _size(shape):
    return math.prod(shape) if isinstance(shape, tuple) else shape


def _grown(shape, gamma, block_size, rng):
    """Return a DropBlock mask whose blocks start with probability gamma."""
    starts = ~masks.keep_mask(
        (*shape[:2], *(n - block_size + 1 for n in shape[2:])), gamma, rng
    )
    dropped = np.zeros(shape, bool)
    for index in np.argwhere(starts):
        dropped[(*index[:2], *(slice(i, i + block_size) for i in index[2:]))] = True
    return ~dropped


@contextlib.contextmanager
def _switched(model, switch, *, restore):
    """Do `switch`, give the model, and restore its modes if asked."""
    if not any(isinstance(module, good.Dropout) for module in model.modules()):
        raise ValueError("model must have a dropout layer")
    modes = [(module, module.training) for module in model.modules()]
    switch()
    yield model
    for module, training in modes if restore else ():
        module.training = training


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


# The function -------------------------------------------------------------------------


def _rule(faulty):
    """Make a dropout from a rule (x, mask, p) that is right in all other respects."""

    @functools.wraps(faulty)
    def dropout(x, p, rng, *, training=True, mask_shape=None):
        unchanged = good.dropout(x, p, rng, training=False, mask_shape=mask_shape)
        if not training or p == 0.0:
            return unchanged
        if p == 1.0:
            return good.dropout(x, p, rng)
        shape = x.shape if mask_shape is None else mask_shape
        return faulty(x, masks.keep_mask(shape, p, rng), float(p))

    return dropout


@mutant("dropout", origin="Dive into Deep Learning, TensorFlow: the flag never arrives")
def never_active(x, p, rng, *, training=True, mask_shape=None):
    """Returns x, also in training."""
    return good.dropout(x, p, rng, training=False, mask_shape=mask_shape)


@mutant(
    "dropout", origin="PyTorch #26338 and #124464: a functional call forgets the mode"
)
def always_active(x, p, rng, *, training=True, mask_shape=None):
    """Drops in evaluation, too."""
    return good.dropout(x, p, rng, training=True, mask_shape=mask_shape)


@mutant("dropout", origin="classic dropout in training, inverted dropout in evaluation")
@_rule
def unscaled(x, mask, p):
    """Forgets the factor 1 / (1 - p)."""
    return np.where(mask, x, x.dtype.type(0))


@mutant("dropout", origin="kaldi #2814, apex PR 816, LLMs-from-scratch #431: 1/p")
@_rule
def scaled_by_the_rate(x, mask, p):
    """Divides by p and not by 1 - p."""
    return np.where(mask, x / p, x.dtype.type(0))


@mutant("dropout", origin="planted in PyTorch's own suite, which notices it")
@_rule
def scale_two_percent_off(x, mask, p):
    """Scales by 0.98 / (1 - p)."""
    return np.where(mask, 0.98 * x / (1 - p), x.dtype.type(0))


@mutant("dropout", origin="TensorFlow's tutorial on overfitting: scaled at test time")
def scaled_in_evaluation(x, p, rng, *, training=True, mask_shape=None):
    """Scales down in evaluation as well as up in training."""
    y = good.dropout(x, p, rng, training=training, mask_shape=mask_shape)
    return y if training else x * (1 - p)


@mutant("dropout", origin="neural-fortran PR 195; Keras's docstring promises this")
@_rule
def sum_preserving(x, mask, p):
    """Scales by what was kept in this call, so that the sum stays and not its mean."""
    kept = np.broadcast_to(mask, x.shape).mean() or 1.0
    return np.where(mask, (x / kept).astype(x.dtype), x.dtype.type(0))


@mutant("dropout", origin="PyTorch #59421, closed as intended: nan on the CPU")
@_rule
def multiplies(x, mask, p):
    """Multiplies by the mask, where it should select: 0 times inf is nan."""
    with np.errstate(invalid="ignore"):
        return x * mask.astype(x.dtype) / x.dtype.type(1 - p)


@mutant("dropout", origin="PyTorch on the CPU: a dropped -1 becomes -0")
@_rule
def negative_zeros(x, mask, p):
    """Lets a dropped negative number become -0."""
    finite = np.where(np.isfinite(x), x, x.dtype.type(1))
    return np.where(mask, x / (1 - p), finite * x.dtype.type(0))


@mutant("dropout", origin="planted in PyTorch's own suite, which notices it")
def gaussian_instead(x, p, rng, *, training=True, mask_shape=None):
    """Multiplies by Gaussian noise of the right mean and variance."""
    if not training or p in (0.0, 1.0) or not isinstance(p, float):
        return good.dropout(x, p, rng, training=training, mask_shape=mask_shape)
    return (x * masks.gaussian_noise(x.shape, p, rng)).astype(x.dtype)


@mutant("dropout", origin="an in-place trick to save memory")
def overwrites_its_input(x, p, rng, *, training=True, mask_shape=None):
    """Writes the result into x."""
    y = good.dropout(x, p, rng, training=training, mask_shape=mask_shape)
    if x.flags.writeable:
        x[...] = y
    return y


@mutant("dropout", origin="keras PR 22312, shainet PR 106: 1/0 at rate 1")
def nan_at_one(x, p, rng, *, training=True, mask_shape=None):
    """Has no case for p = 1, and gives 0 times infinity."""
    if training and p == 1.0 and not isinstance(p, bool):
        with np.errstate(all="ignore"):
            return np.zeros_like(x) * (np.float64(1.0) / (1.0 - p)).astype(x.dtype)
    return good.dropout(x, p, rng, training=training, mask_shape=mask_shape)


@mutant("dropout", origin="an early exit for p = 1 that keeps everything")
def keeps_all_at_one(x, p, rng, *, training=True, mask_shape=None):
    """Returns x at p = 1."""
    if p == 1.0 and not isinstance(p, bool):
        return x
    return good.dropout(x, p, rng, training=training, mask_shape=mask_shape)


@mutant("dropout", origin="integer activations cast in silence")
def accepts_integers(x, p, rng, *, training=True, mask_shape=None):
    """Turns integers into floats without a word."""
    return good.dropout(
        x.astype(float) if x.dtype.kind in "bi" else x,
        p,
        rng,
        training=training,
        mask_shape=mask_shape,
    )


@mutant("dropout", origin="a mask of float64 that widens the activations")
@_rule
def widens(x, mask, p):
    """Returns float64, whatever x is."""
    return np.where(mask, x / np.float64(1 - p), 0.0)


@mutant("dropout", origin="PyTorch in bfloat16 and Paddle PR 39501: rounded twice")
@_rule
def rounds_twice(x, mask, p):
    """Rounds the scale to the dtype of x before it multiplies."""
    return np.where(mask, x * x.dtype.type(1 / (1 - p)), x.dtype.type(0))


@mutant(
    "dropout", origin="PyTorch #47176 and its CPU path: bits are used in stride order"
)
def depends_on_the_layout(x, p, rng, *, training=True, mask_shape=None):
    """Draws in the order of the memory, so one seed has several masks."""
    options = {"training": training, "mask_shape": mask_shape}
    if x.ndim == 2 and mask_shape is None and x.flags.f_contiguous:
        return good.dropout(x.T, p, rng, **options).T
    return good.dropout(x, p, rng, **options)


@mutant("dropout", origin="noise drawn in the dtype of the activation, as in boltz #553")
def depends_on_the_dtype(x, p, rng, *, training=True, mask_shape=None):
    """Draws other masks for half precision."""
    if x.dtype == np.float16 and training:
        rng.random()
    return good.dropout(x, p, rng, training=training, mask_shape=mask_shape)


@mutant("dropout", origin="a standout: units are dropped by their activation")
def drops_the_small(x, p, rng, *, training=True, mask_shape=None):
    """Drops the smallest values, at the right rate and in random order of ties."""
    if (
        not training
        or p in (0.0, 1.0)
        or mask_shape is not None
        or not isinstance(p, float)
    ):
        return good.dropout(x, p, rng, training=training, mask_shape=mask_shape)
    mask = masks.keep_mask(x.shape, p, rng)
    order = np.argsort(x + 0.0, axis=None, kind="stable")
    sorted_mask = np.empty(x.size, bool)
    sorted_mask[order] = np.sort(mask.ravel())
    return good.dropout_forward(x, sorted_mask.reshape(x.shape), p)


@mutant("dropout", origin="noise_shape without effect")
def ignores_mask_shape(x, p, rng, *, training=True, mask_shape=None):
    """Draws for each element, whatever mask_shape says."""
    return good.dropout(x, p, rng, training=training)


@mutant(
    "dropout",
    origin="keras #19395 and braindecode PR 1111: the layout of another library",
)
def shares_the_wrong_axis(x, p, rng, *, training=True, mask_shape=None):
    """Shares draws along the first axis where the second was meant."""
    if mask_shape is not None and len(mask_shape) == 3 and x.ndim == 3:
        first, second, third = (size == 1 for size in mask_shape)
        turned = tuple(
            1 if shared else size
            for shared, size in zip((second, first, third), x.shape, strict=True)
        )
        return good.dropout(x, p, rng, training=training, mask_shape=turned)
    return good.dropout(x, p, rng, training=training, mask_shape=mask_shape)


@mutant("dropout", origin="a convenience: an int seeds a generator in every call")
def accepts_a_seed(x, p, rng, *, training=True, mask_shape=None):
    """Accepts an int for rng and then repeats one mask for ever."""
    rng = np.random.default_rng(rng)
    return good.dropout(x, p, rng, training=training, mask_shape=mask_shape)


# Forward and backward -----------------------------------------------------------------


@mutant(
    "dropout_backward", origin="the MNIST tutorial of NumPy, whose mask is scaled once"
)
def unscaled_gradient(dy, mask, p):
    """Applies the mask to the gradient, but not the scale."""
    return np.where(mask, dy, 0.0)


@mutant("dropout_backward", origin="numpy-ml #94: the gradient ignores the mask")
def unmasked_gradient(dy, mask, p):
    """Scales the gradient and forgets the mask."""
    return dy / (1 - p) if p < 1 else np.zeros_like(dy)


@mutant("dropout_backward", origin="a straight-through gradient by accident")
def identity_gradient(dy, mask, p):
    """Passes the gradient on as it is."""
    return dy


@mutant("dropout_backward", origin="a scale applied by two layers of one library")
def twice_scaled_gradient(dy, mask, p):
    """Scales the gradient by 1 / (1 - p) squared."""
    return np.where(mask, dy / (1 - p) ** 2, 0.0) if p < 1 else np.zeros_like(dy)


@mutant("dropout_backward", origin="a mask of float64 in the backward pass")
def widened_gradient(dy, mask, p):
    """Returns float64, whatever dy is."""
    return good.dropout_backward(dy.astype(float), mask, p)


@mutant("dropout_forward", origin="polarity: the mask of ONNX changed its meaning once")
def inverted_mask(x, mask, p):
    """Drops where the mask says keep."""
    return good.dropout_forward(x, ~mask, p)


@mutant("dropout_forward", origin="a mask of numbers accepted, and multiplied")
def accepts_number_masks(x, mask, p):
    """Takes any array for a mask."""
    return good.dropout_forward(x, np.asarray(mask, bool), p)


@mutant("dropout_forward", origin="a mask from another p")
def survivors_at_one(x, mask, p):
    """Accepts survivors at p = 1, where no scale is finite."""
    return np.zeros_like(x) if p == 1 else good.dropout_forward(x, mask, p)


# Layers -------------------------------------------------------------------------------


@mutant(
    "Dropout", origin="PyTorch PR 14253, OLMo-core PR 828: recomputed with a new mask"
)
class fresh_mask_backward(good.Dropout):
    """Draws a new mask in the backward pass."""

    def backward(self, dy):
        self.mask = self.draw(dy)
        return super().backward(dy)


@mutant(
    "Dropout", origin="candle PR 82: memory saved, zeros of a ReLU mistaken for dropped"
)
class mask_from_the_output(good.Dropout):
    """Reads the mask off the output: a kept 0 looks dropped."""

    def forward(self, x):
        y = super().forward(x)
        if self.mask is not None:
            self.mask = y != 0
        return y


@mutant("Dropout", origin="Nielsen's network3.py: RandomState(0) in every layer")
class one_seed_for_all_layers(good.Dropout):
    """Makes a generator of its own from a constant: all layers draw alike."""

    def __init__(self, p, rng):
        super().__init__(p, rng)
        self.rng = np.random.default_rng(985772)


@mutant("Dropout", origin="PyTorch #184 of old: a mask kept from batch to batch")
class mask_for_ever(good.Dropout):
    """Keeps its first mask."""

    def draw(self, x):
        if not self.training or self.mask is None or self.mask.shape != x.shape:
            return super().draw(x)
        return self.mask


@mutant("Dropout", origin="a schedule that moves p between the passes")
class rate_of_the_backward_pass(good.Dropout):
    """Scales the gradient with the p of now, not with that of the forward pass."""

    def backward(self, dy):
        self._forward_p = self.p
        return super().backward(dy)


@mutant("Dropout", origin="Dive into Deep Learning #1093: eval() without effect")
class eval_without_effect(good.Dropout):
    """Ignores evaluation mode."""

    def draw(self, x):
        return masks.keep_mask(x.shape, self.p, self.rng) if self.p else None


@mutant("Dropout", origin="the forgotten train() of many training loops")
class stays_in_evaluation(good.Dropout):
    """Does not come back from evaluation mode."""

    def train(self, mode=True):
        super().train(mode and self.training)
        return self


@mutant("Dropout", origin="PyTorch #69801: examples read as something else")
class whole_examples(good.Dropout):
    """Drops whole examples."""

    def mask_shape(self, shape):
        return (shape[0], *(1,) * (len(shape) - 1))


@mutant("Dropout", origin="a mask that outlives its forward pass")
class old_mask_in_evaluation(good.Dropout):
    """Goes back through the last training mask after a pass in evaluation."""

    def draw(self, x):
        self._last = super().draw(x) if self.training else getattr(self, "_last", None)
        return self._last

    def _masked(self, x, mask, p):
        return good.dropout_forward(x, mask, p) if self.training else x


@mutant("Dropout", origin="a rate copied when the layer is built")
class rate_of_construction(good.Dropout):
    """Ignores that p was changed, so a schedule has no effect."""

    def __init__(self, p, rng):
        super().__init__(p, rng)
        self._first = self.p

    def forward(self, x):
        self.p, now = self._first, self.p
        y = super().forward(x)
        self.p = now
        return y


@mutant("Dropout", origin="fastbook, chapter 12: never called in training, never tested")
class raises_in_training(good.Dropout):
    """Raises a NameError in training."""

    def forward(self, x):
        if self.training:
            raise NameError("name 'p' is not defined")
        return x


@mutant("ChannelDropout", origin="a popular tutorial's belief about nn.Dropout2d")
class channels_by_element(good.ChannelDropout):
    """Drops single elements."""

    def mask_shape(self, shape):
        return shape


@mutant(
    "ChannelDropout", origin="planted in PyTorch's own suite: noticed with 15 of 20 seeds"
)
class channels_by_example(good.ChannelDropout):
    """Drops all channels of an example together."""

    def mask_shape(self, shape):
        return (shape[0], *(1,) * (len(shape) - 1))


@mutant("ChannelDropout", origin="planted in PyTorch's own suite, which notices it")
class same_channels_for_all(good.ChannelDropout):
    """Drops the same channels in every example."""

    def mask_shape(self, shape):
        return (1, *super().mask_shape(shape)[1:])


@mutant("ChannelDropout", origin="PyTorch's own suite does not notice it")
class channels_never(good.ChannelDropout):
    """Does nothing in training."""

    def draw(self, x):
        return None


@mutant("ChannelDropout", origin="braindecode PR 1111: the layout is assumed")
class channels_always_first(good.ChannelDropout):
    """Ignores channels_last."""

    def __init__(self, p, rng, *, channels_last=False):
        super().__init__(p, rng)


@mutant("ChannelDropout", origin="planted in PyTorch's own suite, which notices it")
class channels_scaled_wrongly(good.ChannelDropout):
    """Scales by 0.98 / (1 - p)."""

    @staticmethod
    def _masked(x, mask, p):
        return (0.98 * good.dropout_forward(x, mask, p)).astype(x.dtype)


@mutant("TimeDropout", origin="keras #20276: a fresh mask at every step")
class time_not_shared(good.TimeDropout):
    """Draws for each time step."""

    def mask_shape(self, shape):
        return shape


@mutant(
    "TimeDropout", origin="locked dropout for (time, batch, feature), used batch first"
)
class locked_over_the_batch(good.TimeDropout):
    """Shares the mask over the examples, and not over time."""

    def mask_shape(self, shape):
        return (1, *shape[1:])


@mutant("DropPath", origin="timm #2118, dinov2 #442: one draw for the whole batch")
class path_for_the_batch(good.DropPath):
    """Drops the branch of all examples or of none."""

    def mask_shape(self, shape):
        return (1,) * len(shape)


@mutant("DropPath", origin="timm #887, Swin #366: the debate on the scale")
class path_never_scaled(good.DropPath):
    """Ignores scale_by_keep and never scales."""

    def __init__(self, p, rng, *, scale_by_keep=True):
        super().__init__(p, rng, scale_by_keep=False)


@mutant("DropPath", origin="the gradient of an unscaled branch")
class path_scales_the_gradient(good.DropPath):
    """Scales the gradient also where the forward pass does not."""

    def _masked_backward(self, dy, mask, p):
        return good.dropout_backward(dy, mask, p)


@mutant("DropBlock", origin="the paper's equation 1, which forgets that blocks overlap")
class blocks_too_rare(good.DropBlock):
    """Uses the paper's approximate rate and drops less than p."""

    def draw(self, x):
        if not self.training or self.p in (0.0, 1.0):
            return super().draw(x)
        area, size = math.prod(x.shape[2:]), self.block_size
        places = math.prod(n - size + 1 for n in x.shape[2:])
        gamma = self.p / size ** len(x.shape[2:]) * area / places
        return _grown(x.shape, min(gamma, 1.0), size, self.rng)


@mutant(
    "DropBlock", origin="timm @aa4b585: 92.9 % dropped at p = 0.1 for a whole-map block"
)
class blocks_start_anywhere(good.DropBlock):
    """Lets blocks start where they do not fit, and cuts them off."""

    def draw(self, x):
        if not self.training or self.p in (0.0, 1.0):
            return super().draw(x)
        wide = tuple(n + self.block_size - 1 for n in x.shape[2:])
        gamma = 1 - (1 - self.p) ** (self.block_size ** -len(wide))
        whole = _grown((*x.shape[:2], *wide), gamma, self.block_size, self.rng)
        return whole[tuple(slice(n) for n in x.shape)]


@mutant("DropBlock", origin="timm #2569: height and width mixed up for H != W")
class blocks_for_square_maps(good.DropBlock):
    """Takes the height for the width when it sets the rate."""

    def draw(self, x):
        if not self.training or self.p in (0.0, 1.0) or x.ndim < 4:
            return super().draw(x)
        side = min(x.shape[2:])
        gamma = block_start_rate(self.p, (side, side), self.block_size)
        return _grown(x.shape, gamma, self.block_size, self.rng)


@mutant("DropBlock", origin="one mask for all channels, an option of the paper")
class blocks_shared_by_channels(good.DropBlock):
    """Drops the same blocks in every channel."""

    def draw(self, x):
        mask = super().draw(x[:, :1])
        return mask if mask is None else np.broadcast_to(mask, x.shape)


@mutant("DropBlock", origin="miguelvr/dropblock #14: the block of an even size")
class even_blocks_grow(good.DropBlock):
    """Makes blocks of even size one wider."""

    def draw(self, x):
        if self.block_size % 2 or self.block_size + 1 > min(x.shape[2:]):
            return super().draw(x)
        wider = copy.copy(self)
        wider.block_size += 1
        return good.DropBlock.draw(wider, x)


@mutant("GaussianDropout", origin="a standard deviation taken for a variance")
class gaussian_deviation(good.GaussianDropout):
    """Uses p / (1 - p) as standard deviation."""

    def draw(self, x):
        noise = super().draw(x)
        if noise is None:
            return None
        return 1 + (noise - 1) * math.sqrt(self.p / (1 - self.p))


@mutant("GaussianDropout", origin="additive noise under the same name")
class gaussian_added(good.GaussianDropout):
    """Adds the noise, and does not multiply."""

    @staticmethod
    def _masked(x, noise, p):
        return (x + noise - 1).astype(x.dtype)


@mutant("GaussianDropout", origin="a clip that keeps the noise positive")
class gaussian_clipped(good.GaussianDropout):
    """Clips negative noise to 0."""

    def draw(self, x):
        noise = super().draw(x)
        return noise if noise is None else np.maximum(noise, 0)


@mutant("GaussianDropout", origin="uniform noise of the same variance")
class gaussian_uniform(good.GaussianDropout):
    """Draws uniform noise of the right mean and variance."""

    def draw(self, x):
        if not self.training or self.p in (0.0, 1.0):
            return super().draw(x)
        width = math.sqrt(3 * self.p / (1 - self.p))
        return self.rng.uniform(1 - width, 1 + width, x.shape)


@mutant("AlphaDropout", origin="planted in PyTorch's own suite, which notices it")
class alpha_without_affine(good.AlphaDropout):
    """Leaves out the affine correction."""

    @staticmethod
    def _masked(x, mask, p):
        return np.where(mask, x, ALPHA_PRIME).astype(x.dtype)


@mutant(
    "AlphaDropout", origin="planted in PyTorch's own suite; its operator checks notice"
)
class alpha_to_zero(good.AlphaDropout):
    """Drops to 0 and not to alpha'."""

    @staticmethod
    def _masked(x, mask, p):
        if p == 1.0:
            return np.zeros_like(x)
        a, b = alpha_affine(p)
        return (np.where(mask, a * x, 0.0) + b).astype(x.dtype)


@mutant("AlphaDropout", origin="PyTorch's own suite does not notice it")
class alpha_identity(good.AlphaDropout):
    """Does nothing in training."""

    def draw(self, x):
        return None


@mutant("AlphaDropout", origin="PyTorch's own suite does not notice it")
class alpha_pure_noise(good.AlphaDropout):
    """Returns normal noise of mean 0 and variance 1, whatever the input."""

    def forward(self, x):
        y = super().forward(x)
        if self.mask is None or self.p == 1.0:
            return y
        return self.rng.standard_normal(x.shape).astype(x.dtype)


@mutant(
    "alpha_dropout_forward", origin="PyTorch PR 87989: a wrong constant, found in review"
)
def alpha_wrong_constant(x, mask, p):
    """Forgets the factor 1 - p under the root."""
    if p == 1.0:
        return good.alpha_dropout_forward(x, mask, p)
    a = (1 + p * ALPHA_PRIME**2) ** -0.5
    return np.where(mask, a * x, a * ALPHA_PRIME) - a * p * ALPHA_PRIME


@mutant("alpha_dropout_backward", origin="the gradient of inverted dropout, copied")
def alpha_gradient_of_dropout(dy, mask, p):
    """Scales the gradient by 1 / (1 - p) and not by a."""
    return good.dropout_backward(dy, mask, p)


@mutant("ChannelAlphaDropout", origin="feature alpha dropout that drops elements")
class alpha_by_element(good.ChannelAlphaDropout):
    """Drops single elements and not channels."""

    def mask_shape(self, shape):
        return shape


@mutant("AttentionDropout", origin="dropout of the scores, before the softmax")
class attention_before_softmax(good.AttentionDropout):
    """Drops scores: a score of 0 has a weight, and hidden keys appear."""

    def forward(self, scores):
        self.mask = self.draw(scores)
        if self.mask is not None and self.p < 1.0:
            scores = good.dropout_forward(scores, self.mask, self.p)
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)


@mutant("AttentionDropout", origin="the gradient of the softmax left out")
class attention_half_gradient(good.AttentionDropout):
    """Forgets that the weights of a row depend on each other."""

    def backward(self, dy):
        return self._weights * good.Dropout.backward(self, dy)


@mutant("AttentionDropout", origin="rows made to sum to 1 again")
class attention_renormalised(good.AttentionDropout):
    """Divides each row by its sum after dropout."""

    def forward(self, scores):
        y = super().forward(scores)
        total = y.sum(axis=-1, keepdims=True)
        return np.divide(y, total, out=np.zeros_like(y), where=total > 0)


@mutant("AttentionDropout", origin="PyTorch #99293: the rate given to a fused function")
class attention_always_drops(good.AttentionDropout):
    """Drops in evaluation, too."""

    def draw(self, x):
        return masks.keep_mask(x.shape, self.p, self.rng) if self.p else None


@mutant("DropConnect", origin="awd-lstm #8: the weight is dropped once and stays so")
class connect_once(good.DropConnect):
    """Draws its mask at the first call and keeps it."""

    def forward(self, x):
        if self.training and not self.per_example and hasattr(self, "_dropped"):
            self._x = x
            return x @ self._dropped + self.bias.value
        return super().forward(x)


@mutant("DropConnect", origin="fastai #2591: weight drop silently off")
class connect_never(good.DropConnect):
    """Never drops a weight."""

    def forward(self, x):
        self.dropout.eval()
        return super().forward(x)


@mutant("DropConnect", origin="KerasDropconnect #1: the scale")
class connect_unscaled(good.DropConnect):
    """Does not scale the kept weights."""

    def forward(self, x):
        y = super().forward(x)
        return (y - self.bias.value) * (1 - self.dropout.p) + self.bias.value


@mutant("DropConnect", origin="awd-lstm PR 5: the raw weight never gets its gradient")
class connect_plain_gradient(good.DropConnect):
    """Gives all weights a gradient, dropped or not."""

    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad = self._x.T @ dy
        return dx


@mutant("DropConnect", origin="masks of the batch under the name of masks of the example")
class connect_ignores_per_example(good.DropConnect):
    """Ignores per_example."""

    def __init__(self, *arguments, per_example=False, **options):
        super().__init__(*arguments, **options)


@mutant("WordDropout", origin="dropout of embeddings, place by place")
class words_by_place(good.WordDropout):
    """Drops places of the text, so that a word is both dropped and kept."""

    def forward(self, tokens):
        self._tokens = np.asarray(tokens)
        rows = self.weight.value[self._tokens]
        return good.dropout(
            rows,
            self.dropout.p,
            self.dropout.rng,
            training=self.training,
            mask_shape=(*self._tokens.shape, 1),
        )


@mutant("WordDropout", origin="a table whose gradient keeps the last occurrence only")
class words_overwrite_gradients(good.WordDropout):
    """Assigns gradients where it should add them: a repeated word counts once."""

    def backward(self, dy):
        table = np.zeros_like(self.weight.value)
        table[self._tokens] = dy
        self.weight.grad = self.dropout.backward(table)


@mutant("VariationalRNN", origin="keras #20276: the state loses a little at every step")
class recurrent_mask_each_step(good.VariationalRNN):
    """Draws a new state mask at every step."""

    def _drop_state(self, function, h):
        if function is good.dropout_forward:
            self.recurrent_dropout(h)
        return super()._drop_state(function, h)


@mutant("VariationalRNN", origin="keras #19395: recurrent_dropout is ignored")
class recurrent_rate_ignored(good.VariationalRNN):
    """Never drops the carried state."""

    def _drop_state(self, function, h):
        return h


@mutant("VariationalRNN", origin="two rates in the wrong order")
class recurrent_rates_swapped(good.VariationalRNN):
    """Uses each rate in the place of the other."""

    def __init__(self, inside, hidden, input_p, recurrent_p, rng, **options):
        super().__init__(inside, hidden, recurrent_p, input_p, rng, **options)


@mutant("VariationalRNN", origin="tensorflow #29391: the mask is never reset")
class recurrent_mask_never_reset(good.VariationalRNN):
    """Keeps its masks from sequence to sequence."""

    def forward(self, x):
        if not hasattr(self, "_start"):
            self._start = self.input_dropout.rng.bit_generator.state
        self.input_dropout.rng.bit_generator.state = self._start
        return super().forward(x)


@mutant("VariationalRNN", origin="the backward pass through an unmasked state")
class recurrent_gradient_unmasked(good.VariationalRNN):
    """Sends the gradient back past the state mask."""

    def _drop_state(self, function, h):
        return (
            h if function is good.dropout_backward else super()._drop_state(function, h)
        )


@mutant("ConcreteDropout", origin="a rate that is a buffer: nothing learns it")
class concrete_rate_frozen(good.ConcreteDropout):
    """Gives the rate no gradient."""

    def backward(self, dy):
        dx = super().backward(dy)
        self.logit.grad = np.zeros(())
        return dx


@mutant("ConcreteDropout", origin="the scale 1/(1-p) treated as a constant")
class concrete_scale_constant(good.ConcreteDropout):
    """Forgets that the scale depends on the rate, too."""

    def backward(self, dy):
        dx = super().backward(dy)
        if self._u is not None:
            self.logit.grad = (
                self.logit.grad - (dy * self._x * self._scale * self.p).sum()
            )
        return dx


@mutant("ConcreteDropout", origin="z and 1 - z mixed up")
class concrete_keeps_with_p(good.ConcreteDropout):
    """Keeps where it should drop."""

    def draw(self, x):
        u = super().draw(x)
        if u is None:
            return None
        odds = (1 - u) / u * ((1 - self.p) / self.p) ** 2
        return np.clip(odds / (1 + odds), 1e-16, 1 - 1e-16)


# Models and losses --------------------------------------------------------------------


@mutant("dropout_active", origin="model.train() for Monte Carlo dropout: SalsaNext #40")
def everything_in_training(model):
    """Switches the whole model to training, batch normalisation included."""
    return _switched(model, lambda: model.train(), restore=True)


@mutant("dropout_active", origin="modes not given back after the passes")
def modes_left_behind(model):
    """Leaves the dropout layers in training mode."""

    def switch():
        model.eval()
        for module in model.modules():
            module.training = isinstance(module, good.Dropout)

    return _switched(model, switch, restore=False)


@mutant("dropout_active", origin="no finally: an exception leaves the modes behind")
def modes_lost_after_an_error(model):
    """Gives the modes back only if nothing went wrong."""

    def switch():
        model.eval()
        for module in model.modules():
            module.training = isinstance(module, good.Dropout)

    return _switched(model, switch, restore=True)


@mutant("monte_carlo", origin="neon #266: the passes are made in evaluation mode")
def passes_without_masks(model, x, passes):
    """Makes its passes in evaluation mode."""
    model.eval()
    outputs = np.stack([model(x) for _ in range(passes)])
    return outputs.mean(axis=0), outputs.var(axis=0, ddof=1)


@mutant("monte_carlo", origin="np.var with its default, ddof = 0")
def biased_variance(model, x, passes):
    """Divides by the number of passes, which makes the variance too small."""
    mean, variance = good.monte_carlo(model, x, passes)
    return mean, variance * (passes - 1) / passes


@mutant("monte_carlo", origin="one seed for every pass")
def one_mask_for_all_passes(model, x, passes):
    """Uses the same masks in every pass."""
    mean, _ = good.monte_carlo(model, x, passes)
    return mean, np.zeros_like(mean)


@mutant("set_rate", origin="a loop over the direct children only, or over the first hit")
def first_layer_only(model, p):
    """Sets the first dropout layer only."""
    for module in model.modules():
        if isinstance(module, good.Dropout):
            return good.set_rate(module, p)
    return good.set_rate(model, p)


class _RDrop(good.nn.RDropLoss):
    """R-Drop with another rule for the distance of the log-softmaxes p and q."""

    def distance(self, p, q):
        return (np.exp(p) * (p - q) + np.exp(q) * (q - p)).sum(axis=1).mean()

    def __call__(self, first, second, labels):
        right = super().__call__(first, second, labels)
        p, q = (entropy._log_softmax for entropy in self._entropies)
        correct = (np.exp(p) * (p - q) + np.exp(q) * (q - p)).sum(axis=1).mean()
        return right + self.weight / 2 * (self.distance(p, q) - correct)


@mutant("RDropLoss", origin="one divergence in place of both")
class rdrop_one_sided(_RDrop):
    """Counts the divergence in one direction, twice."""

    def distance(self, p, q):
        return 2 * (np.exp(p) * (p - q)).sum(axis=1).mean()


@mutant(
    "RDropLoss", origin="the authors' example code, which takes the mean of the entropies"
)
class rdrop_half_entropy(good.nn.RDropLoss):
    """Takes the mean of the two cross-entropies, where the paper adds them."""

    def __call__(self, first, second, labels):
        total = super().__call__(first, second, labels)
        return (
            total
            - sum(
                e(z, labels)
                for e, z in zip(self._entropies, (first, second), strict=True)
            )
            / 2
        )


@mutant("RDropLoss", origin="one side of the divergence detached")
class rdrop_detached(good.nn.RDropLoss):
    """Sends no gradient of the distance to the second pass."""

    def backward(self):
        first, _ = super().backward()
        return first, self._entropies[1].backward()
