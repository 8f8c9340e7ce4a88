"""The kinds of dropout that mask activations: how to build them, what shares a draw."""

import math
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

# The properties state constants, and take none from the code that they judge.
ALPHA_PRIME = -1.7580993408473766  # minus SELU's scale times its alpha


def inverted(p):
    """Return (a, b, d): a kept x becomes a x + b, a dropped one d."""
    return 1 / (1 - p), 0.0, 0.0


def unscaled(p):
    return 1.0, 0.0, 0.0


def alpha(p):
    """Klambauer et al. (2017): a x + b, where x is alpha' if dropped, has variance 1."""
    a = ((1 - p) * (1 + p * ALPHA_PRIME**2)) ** -0.5
    b = -a * p * ALPHA_PRIME
    return a, b, a * ALPHA_PRIME + b


class Case(NamedTuple):
    """A way to build a layer and call it; draws is shape with 1 where one is shared."""

    shape: tuple
    draws: tuple
    options: dict = MappingProxyType({})
    act: object = inverted

    def with_draws(self, n):
        """Return the case with a batch that makes about n draws."""
        batch = n // math.prod(self.draws[1:])
        batch += batch % 2
        return self._replace(
            shape=(batch, *self.shape[1:]), draws=(batch, *self.draws[1:])
        )


# What an elementwise dropout is looked at with.
ELEMENTS = Case((1000, 100), (1000, 100))

LAST = {"channels_last": True}
DEFAULTS = {"channels_last": False, "scale_by_keep": True}
CASES = {
    "Dropout": [
        Case((12, 30), (12, 30)),
        Case((12, 5, 6), (12, 5, 6)),
        Case((12, 5, 2, 3), (12, 5, 2, 3)),
    ],
    "ChannelDropout": [
        Case((12, 30, 4), (12, 30, 1)),
        Case((12, 30, 2, 3), (12, 30, 1, 1)),
        Case((12, 30, 2, 3, 2), (12, 30, 1, 1, 1)),
        Case((12, 4, 30), (12, 1, 30), LAST),
        Case((12, 2, 3, 30), (12, 1, 1, 30), LAST),
        Case((12, 2, 3, 2, 30), (12, 1, 1, 1, 30), LAST),
    ],
    "TimeDropout": [Case((12, 5, 30), (12, 1, 30))],
    "DropPath": [
        Case((300,), (300,)),
        Case((300, 3, 2), (300, 1, 1)),
        Case((300, 3, 2, 2), (300, 1, 1, 1), {"scale_by_keep": False}, unscaled),
    ],
    "DropBlock": [
        Case((12, 5, 6), (12, 5, 6), {"block_size": 1}),
        Case((12, 30, 4, 4), (12, 30, 1, 1), {"block_size": 4}),
    ],
    "AlphaDropout": [Case((12, 30), (12, 30), act=alpha)],
    "ChannelAlphaDropout": [
        Case((12, 30, 2, 3), (12, 30, 1, 1), act=alpha),
        Case((12, 4, 30), (12, 1, 30), LAST, alpha),
    ],
}

# Other layers by name: their arguments before and after p, and what they are handed.
X = np.random.default_rng(0).normal(size=(16, 10)).astype(np.float32)
OTHERS = {
    "GaussianDropout": ((), (), X),
    "AttentionDropout": ((), (), X.reshape(2, 8, 10)),
    "ConcreteDropout": ((), (), X),
    "DropConnect": ((10, 8), (), X),
    "WordDropout": ((160, 3), (), np.arange(160)),
    "VariationalRNN": ((10, 6), (0.3,), X.reshape(8, 2, 10)),
}
