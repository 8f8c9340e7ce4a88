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
BUGS = {
    "unscaled": (
        wrong(lambda x, keep, p: np.where(keep, x, 0)),
        *("kept_values", "p=0.1: kept values are not x / (1 - p)"),
    ),
    "scaled by 1/p": (
        wrong(lambda x, keep, p: np.where(keep, x / p, 0)),
        *("kept_values", "p=0.3: kept values are not x / (1 - p)"),
    ),
    "scaled by 0.98": (
        wrong(lambda x, keep, p: np.where(keep, 0.98 * x / (1 - p), 0)),
        *("kept_values", "p=0.8: kept values are not x / (1 - p)"),
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
    "multiplies": (
        wrong(lambda x, keep, p: x * keep / (1 - p)),
        *("inf", "0 * inf is nan, so select"),
    ),
    "divides by 0": (raises_at_1, "it_runs", "it raised ZeroDivisionError"),
    "keeps all at 1": (keeps_all_at_1, "p_1", "p=1: the result must be all zeros"),
    "drops at 0": (drops_at_0, "p_0", "p=0: x must come back unchanged"),
    "another shape": (
        wrong(lambda x, keep, p: x[keep] / (1 - p)),
        *("result", "must be an array of the shape of x"),
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


def as_torch_function(function):
    def mine(x, p, rng, *, training=True):
        y = function(x.detach().numpy(), p, rng, training=training)
        return torch.from_numpy(y)

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
