"""Faulty dropouts: the function, its backward pass, the layer."""

import functools

import numpy as np

import companion.numpy as good
from companion import masks
from companion.verify.mutants._catalogue import KeepsFirst, mutant


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


@mutant("dropout", origin="a referee of this book: neighbours alone were compared")
@_rule
def halves_alike(x, mask, p):
    """Draws for one half of the examples, and uses it again for the other."""
    half = len(mask) // 2 if mask.ndim else 0
    mask[half : 2 * half] = mask[:half]
    return good.dropout_forward(x, mask, p)


@mutant("dropout", origin="a permutation, of which the first k are dropped")
def fixed_number(x, p, rng, *, training=True, mask_shape=None):
    """Drops exactly round(p n) elements of n."""
    if not training or mask_shape is not None or p in (0.0, 1.0) or x.size < 100:
        return good.dropout(x, p, rng, training=training, mask_shape=mask_shape)
    mask = rng.permutation(x.size).reshape(x.shape) >= round(p * x.size)
    return good.dropout_forward(x, mask, p)


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
class mask_for_ever(KeepsFirst, good.Dropout):
    """Keeps its first mask."""


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
