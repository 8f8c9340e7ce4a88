"""The classic bugs of a dropout, and the forms in which a reader may write one."""

import numpy as np
import torch


def textbook(x, p, rng, *, training=True):
    """A correct dropout that shares no line with the companion's."""
    if not training or p == 0:
        return x
    keep = rng.random(x.shape) >= p
    return np.where(keep, x / (1 - p) if p < 1 else 0.0, 0.0)


def wrong(change):
    """Make a faulty dropout: `change(x, keep, p)` replaces the last line."""

    def faulty(x, p, rng, *, training=True):
        if not training or p in (0, 1):
            return x if p < 1 else np.zeros_like(x)
        return change(x, rng.random(x.shape) >= p, p)

    return faulty


def same_mask_every_call(x, p, rng, *, training=True):
    return textbook(x, p, np.random.default_rng(0), training=training)


def never_active(x, p, rng, *, training=True):
    return textbook(x, p, rng, training=False) if p < 1 else np.zeros_like(x)


def always_active(x, p, rng, *, training=True):
    return textbook(x, p, rng)


def changes_its_input(x, p, rng, *, training=True):
    x *= 1.0 if not training else textbook(np.ones_like(x), p, rng)
    return x.copy()


def shared_by_the_batch(x, p, rng, *, training=True):
    return x * textbook(np.ones((1, x.shape[1])), p, rng) if training else x


def shared_by_the_units(x, p, rng, *, training=True):
    return x * textbook(np.ones((x.shape[0], 1)), p, rng) if training else x


def rate_off_by_five_points(x, p, rng, *, training=True):
    if not training or p in (0, 1):
        return textbook(x, p, rng, training=training)
    return np.where(rng.random(x.shape) >= p + 0.05, x / (1 - p), 0.0)


def raises_at_1(x, p, rng, *, training=True):
    keep = rng.random(x.shape) >= p
    return np.where(keep, x / np.float64(1.0 / (1.0 / (1 - p))), 0.0) if training else x


def keeps_all_at_1(x, p, rng, *, training=True):
    return textbook(x, p if p < 1 else 0.0, rng, training=training)


def drops_at_0(x, p, rng, *, training=True):
    return textbook(x, p or 0.1, rng, training=training)


# The bug, the property that must notice it, and words of its sentence.
multiplies = wrong(lambda x, keep, p: x * keep / (1 - p))
BUGS = {
    "unscaled": (
        wrong(lambda x, keep, p: np.where(keep, x, 0)),
        *("kept_values", "p=0.1: kept values are not x / (1 - p)"),
    ),
    "scaled by 1/p": (
        wrong(lambda x, keep, p: np.where(keep, x / p, 0)),
        *("kept_values", "p=0.1: kept values are not x / (1 - p)"),
    ),
    "scaled by 0.98": (
        wrong(lambda x, keep, p: np.where(keep, 0.98 * x / (1 - p), 0)),
        *("kept_values", "(also at p=0.3; p=0.8"),
    ),
    "scaled to keep the sum": (
        wrong(lambda x, keep, p: np.where(keep, x * x.sum() / x[keep].sum(), 0)),
        *("kept_values", "kept values are not"),
    ),
    "rates swapped": (
        wrong(lambda x, keep, p: np.where(~keep, x / (1 - p), 0)),
        *("rate", "of the elements were dropped"),
    ),
    "rate off": (rate_off_by_five_points, "rate", "of the elements were dropped"),
    "never active": (never_active, "something_dropped", "nothing was dropped"),
    "always active": (always_active, "evaluation", "must return x unchanged"),
    "one mask for ever": (same_mask_every_call, "calls", "two calls do not have"),
    "one mask a batch": (shared_by_the_batch, "examples", "examples of one batch do not"),
    "one draw an example": (shared_by_the_units, "units", "units of one example do not"),
    "one draw for two units": (
        wrong(lambda x, keep, p: x * np.repeat(keep[:, ::2], 2, axis=1) / (1 - p)),
        *("units", "units of one example do not have independent masks"),
    ),
    "changes its input": (changes_its_input, "input", "the input was changed"),
    "divides by 0": (raises_at_1, "it_runs", "it raised ZeroDivisionError"),
    "keeps all at 1": (keeps_all_at_1, "p_1", "p=1: the result must be all zeros"),
    "drops at 0": (drops_at_0, "p_0", "p=0: x must come back unchanged"),
    "another shape": (
        wrong(lambda x, keep, p: x[keep] / (1 - p)),
        *("result", "must be an array of the shape and dtype of x"),
    ),
}


# A function of NumPy in the other forms -----------------------------------------------
def as_layer(function):
    class Mine:
        def __init__(self, p, rng):
            self.p, self.rng, self.training = p, rng, True

        def __call__(self, x):
            return function(x, self.p, self.rng, training=self.training)

        def train(self):
            self.training = True

        def eval(self):
            self.training = False

    return Mine


class Through(torch.autograd.Function):
    """Calls a function over arrays, and scales the gradient as it scaled x."""

    @staticmethod
    def forward(ctx, x, call):
        y = torch.from_numpy(call(x.numpy()))
        ctx.save_for_backward(y / x if y.shape == x.shape else y)
        return y

    @staticmethod
    def backward(ctx, dy):
        return dy * ctx.saved_tensors[0], None


def as_torch_function(function):
    def mine(x, p, rng, *, training=True):
        return Through.apply(x, lambda x: function(x, p, rng, training=training))

    return mine


def as_module(function):
    class Mine(torch.nn.Module):
        def __init__(self, p, rng):
            super().__init__()
            self.p, self.rng = p, rng

        def forward(self, x):
            on_tensors = as_torch_function(function)
            return on_tensors(x, self.p, self.rng, training=self.training)

    return Mine


FORMS = {
    "function": lambda function: function,
    "class of a layer": as_layer,
    "layer": lambda function: as_layer(function)(0.3, np.random.default_rng()),
    "function of tensors": as_torch_function,
    "class of a module": as_module,
    "module": lambda function: as_module(function)(0.3, np.random.default_rng()),
}


# Faults that most users never see -----------------------------------------------------
def rule(change):
    """Make a faulty dropout whose mask is `change(x, keep, p, rng)`."""

    def faulty(x, p, rng, *, training=True):
        if not training or p in (0, 1):
            return textbook(x, p, rng, training=training)
        keep = change(x, rng.random(x.shape) >= p, p, rng)
        return np.where(keep, x / (1 - p), 0).astype(x.dtype)

    return faulty


def halves_of_the_batch(x, keep, p, rng):
    half = len(x) // 2
    keep[half : 2 * half] = keep[:half]
    return keep


def halves_of_the_units(x, keep, p, rng):
    half = x.shape[-1] // 2
    keep[..., half : 2 * half] = keep[..., :half]
    return keep


def rows_rolled(x, keep, p, rng):
    even = keep[: len(x) // 2 * 2 : 2]
    keep[1::2] = np.roll(even, 1, axis=-1)
    return keep


def every(n):
    """Keep everything at each n-th call."""
    calls = []

    def change(x, keep, p, rng):
        calls.append(0)
        return keep | (len(calls) % n == 0)

    return change


def cycle(x, keep, p, rng, masks={}):  # noqa: B006
    kept = masks.setdefault((x.shape, p), [])
    kept.append(keep if len(kept) < 3 else kept[-3])
    return kept[-1]


def exactly(x, keep, p, rng):
    return rng.permutation(x.size).reshape(x.shape) >= round(p * x.size)


def exactly_in_each_row(x, keep, p, rng):
    ranks = rng.random(x.shape).argsort(-1).argsort(-1)
    return ranks >= round(p * x.shape[-1])


def first_is_safe(x, keep, p, rng):
    keep.flat[0] = True
    return keep


def by_sign(x, keep, p, rng):
    return rng.random(x.shape) >= p * (1 + 0.15 * np.sign(x))


def each_example_its_rate(x, keep, p, rng):
    off = 0.09 * rng.uniform(-1, 1, (len(x), *(1,) * (x.ndim - 1)))
    return rng.random(x.shape) >= p + off


def shared(axes, axis):
    """Share the mask along an axis where x has so many axes."""

    def change(x, keep, p, rng):
        return keep.take([0], axis) if x.ndim == axes else keep

    return change


# The fault, and the property that must notice it.
SUBTLE = {
    "half the batch again": (rule(halves_of_the_batch), "examples"),
    "half the units again": (rule(halves_of_the_units), "units"),
    "tiled": (
        rule(lambda x, keep, p, rng: np.resize(keep.flat[:4096], x.shape)),
        "examples",
    ),
    "rows rolled": (rule(rows_rolled), "examples"),
    "every 50th call keeps all": (rule(every(50)), "rate"),
    "a cycle of three": (rule(cycle), "calls"),
    "exactly k": (rule(exactly), "spread"),
    "exactly k in each row": (rule(exactly_in_each_row), "spread"),
    "the first is safe": (rule(first_is_safe), "rate"),
    "by the sign": (rule(by_sign), "values"),
    "each example its rate": (rule(each_example_its_rate), "spread"),
    "three axes share": (rule(shared(3, 0)), "examples"),
    "four axes share": (rule(shared(4, 3)), "units"),
    "one example is kept": (
        rule(lambda x, keep, p, rng: keep | (len(x) == 1)),
        "rate",
    ),
    "right at three rates": (
        rule(lambda x, keep, p, rng: keep | (p not in (0.1, 0.3, 0.8))),
        "something_dropped",
    ),
    "another generator": (
        rule(lambda x, keep, p, rng: np.random.default_rng().random(x.shape) >= p),
        "seed",
    ),
    "nan made finite": (
        wrong(lambda x, keep, p: np.where(keep, np.nan_to_num(x) / (1 - p), 0)),
        "inf",
    ),
    "dropped to 1e-12": (
        wrong(lambda x, keep, p: np.where(keep, x / (1 - p), 1e-12)),
        "kept_values",
    ),
    "widens": (
        wrong(lambda x, keep, p: np.where(keep, x.astype(float) / (1 - p), 0)),
        "result",
    ),
}
