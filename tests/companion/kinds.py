"""One layer of every kind, built by name in both frameworks."""

import numpy as np
import torch

from companion.verify.adapters import SUBJECTS

FLOATS = (6, 5, 4, 4)
# name: arguments before and after p, options, shape of x (None: x holds tokens)
KINDS = {
    "Dropout": ((), (), {}, FLOATS),
    "ChannelDropout": ((), (), {}, FLOATS),
    "ChannelDropout last": ((), (), {"channels_last": True}, FLOATS),
    "TimeDropout": ((), (), {}, (6, 5, 4)),
    "DropPath": ((), (), {}, FLOATS),
    "DropPath unscaled": ((), (), {"scale_by_keep": False}, FLOATS),
    "DropBlock": ((), (2,), {}, FLOATS),
    "DropBlock 1-D": ((), (3,), {}, (6, 5, 8)),
    "GaussianDropout": ((), (), {}, FLOATS),
    "AlphaDropout": ((), (), {}, FLOATS),
    "ChannelAlphaDropout": ((), (), {}, FLOATS),
    "AttentionDropout": ((), (), {}, (6, 5, 4)),
    "ConcreteDropout": ((), (), {"temperature": 0.5}, FLOATS),
    "DropConnect": ((5, 3), (), {"dtype": np.float64}, (6, 5)),
    "DropConnect each": ((5, 3), (), {"dtype": np.float64, "per_example": True}, (6, 5)),
    "WordDropout": ((9, 3), (), {"dtype": np.float64}, None),
    "VariationalRNN": ((5, 3), (0.4,), {"dtype": np.float64}, (6, 7, 5)),
}
PARAMETERS = {
    "ConcreteDropout": ("logit",),
    "DropConnect": ("weight", "bias"),
    "WordDropout": ("weight",),
    "VariationalRNN": (
        "input.weight",
        "input.bias",
        "recurrent.weight",
        "recurrent.bias",
    ),
}


def build(framework, kind, p, rng):
    before, after, options, _ = KINDS[kind]
    name = kind.split()[0]
    return getattr(SUBJECTS[framework], name)(*before, p, *after, rng, **options)


def an_input(kind, rng):
    shape = KINDS[kind][3]
    return rng.integers(0, 9, (6, 5)) if shape is None else rng.normal(size=shape)


def parameter(layer, path):
    for part in path.split("."):
        layer = getattr(layer, part)
    return layer


class Given:
    """Make a layer of either framework use the masks it is handed, one after the other."""

    def __init__(self, layer, masks):
        self.layer, self.masks = layer, iter(masks)
        inner = getattr(layer, "module", layer)
        inner.draw = self.draw

    def draw(self, x):
        mask = next(self.masks)
        return torch.from_numpy(mask) if isinstance(x, torch.Tensor) else mask


def generator_of(source, rng):
    """Return a generator of one of the two frameworks, with a seed from rng."""
    seed = int(rng.integers(2**62))
    if source == "numpy":
        return np.random.default_rng(seed)
    return torch.Generator().manual_seed(seed)
