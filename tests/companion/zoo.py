"""Models of every sort that a walk over a model meets, in both frameworks.

Each is built with the rates p, and says how many rates it has and how many parameters.
"""

from collections import OrderedDict, UserList, deque
from dataclasses import dataclass
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

import companion.numpy as cn
import companion.torch as ct

SIZE = 4


class Animal(NamedTuple):
    """A model whose training is random through `rates` layers with a rate."""

    model: object
    x: object
    rates: int
    parameters: int


class Pair(NamedTuple):
    first: object
    second: object


@dataclass
class Held:
    first: object
    others: list


# NumPy: a module with its layers in some container -------------------------------------
class Net(cn.nn.Module):
    """Hold layers in any container; call them in the order given."""

    def __init__(self, inside, *order):
        super().__init__()
        self.inside = inside
        self.order = lambda: order  # not an attribute that a walk could look into

    def forward(self, x):
        for layer in self.order():
            x = layer(x)
        return x


class LooseNet(cn.nn.Module):
    """Drop by a call of the function, which no walk can find."""

    def __init__(self, p, rng):
        super().__init__()
        self.p, self.rng = p, rng

    def forward(self, x):
        return cn.dropout(x, self.p, self.rng, training=self.training)


def held_by_itself(first, second):
    inside = [first, [second]]
    inside.append(inside)
    return inside


def array_of(first, second):
    inside = np.empty(2, object)
    inside[:] = first, second
    return inside


CONTAINERS = {
    "list": lambda a, b: [a, b],
    "tuple": lambda a, b: (a, b),
    "named tuple": Pair,
    "dict": lambda a, b: {"a": a, "b": b},
    "ordered dict": lambda a, b: OrderedDict(a=a, b=b),
    "dict of lists": lambda a, b: {"a": [a], "b": [None, (b,)]},
    "list of dicts": lambda a, b: [{0: a}, {0: {1: [b, "text", 3.0]}}],
    "set": lambda a, b: {a, b},
    "frozen set": lambda a, b: frozenset([a, b]),
    "deque": lambda a, b: deque([a, b]),
    "object array": array_of,
    "list that holds itself": held_by_itself,
    "user list": lambda a, b: UserList([a, b]),
    "dataclass": lambda a, b: Held(a, [b]),
    "namespace": lambda a, b: SimpleNamespace(a=a, b={"b": b}),
}


def _in(container, p, rng):
    linear, drop = cn.nn.Linear(SIZE, SIZE, rng, float), cn.Dropout(p, rng)
    return Animal(Net(CONTAINERS[container](linear, drop), linear, drop), ones(), 1, 2)


def _with_link(p, rng):
    linear, drop = cn.nn.Linear(SIZE, SIZE, rng, float), cn.Dropout(p, rng)
    model = Net([linear, drop], linear, drop)
    drop.parent, linear.family = model, {"parent": [model]}
    return Animal(model, ones(), 1, 2)


def _chain(p, rng):
    """A module that holds the next one, and so on: deeper than Python recurses."""
    drop = model = cn.Dropout(p, rng)
    for _ in range(3000):
        model = Net([model], drop)
    return Animal(model, ones(), 1, 0)


def _shared(p, rng):
    linear, drop = cn.nn.Linear(SIZE, SIZE, rng, float), cn.Dropout(p, rng)
    inner = cn.nn.Sequential(linear, drop)
    return Animal(cn.nn.Sequential(inner, cn.nn.Sequential(linear), inner), ones(), 1, 2)


def ones(*shape):
    return np.ones(shape or (50, SIZE))


def _layer(build, x, rates, parameters):
    return lambda p, rng: Animal(cn.nn.Sequential(build(p, rng)), x, rates, parameters)


NUMPY = {name: lambda p, rng, n=name: _in(n, p, rng) for name in CONTAINERS} | {
    "link to its parent": _with_link,
    "long chain": _chain,
    "shared": _shared,
    "attention": _layer(cn.AttentionDropout, ones(), 1, 0),
    "weights": _layer(lambda p, r: cn.DropConnect(SIZE, 9, p, r, dtype=float), ones(), 1, 2),
    "words": _layer(lambda p, r: cn.WordDropout(50, 3, p, r), np.arange(50), 1, 1),
    "recurrent": _layer(
        lambda p, r: cn.VariationalRNN(SIZE, 9, p, p, r, dtype=float), ones(8, 3, 4), 2, 4
    ),
}  # fmt: skip


# PyTorch ---------------------------------------------------------------------------------
class Torch(nn.Module):
    """Hold layers by names; call them by a function of the module and x."""

    def __init__(self, call, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.call = call

    def forward(self, x):
        return self.call(self, x)


def _drop(p, rng):
    return ct.Dropout(p, rng)


def _torch(rates, build, *shape):
    x = torch.linspace(1, 2, int(np.prod(shape or (50, SIZE)))).view(shape or (50, SIZE))

    def animal(p, rng):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = build(p, rng)
        return Animal(model, x, rates, len({id(p) for p in model.parameters()}))

    return animal


def _linked(p, rng):
    model = Torch(lambda self, x: self.drop(self.linear(x)),
                  linear=nn.Linear(SIZE, SIZE), drop=_drop(p, rng))  # fmt: skip
    model.drop.parent = model
    return model


def _attention(p, rng):
    attention = nn.MultiheadAttention(SIZE, 2, dropout=p, batch_first=True)
    return Torch(lambda self, x: self.a(x, x, x, need_weights=False)[0], a=attention)


ENCODER = {"dim_feedforward": 8, "batch_first": True}
SEQUENCES = (6, 5, SIZE)
TORCH = {
    "sequential": _torch(1, lambda p, r: nn.Sequential(nn.Sequential(_drop(p, r)))),
    "module list": _torch(2, lambda p, r: Torch(
        lambda self, x: self.parts[1](self.parts[0](x)),
        parts=nn.ModuleList([_drop(p, r), nn.Dropout(p)]))),
    "dict of lists": _torch(1, lambda p, r: Torch(
        lambda self, x: self.parts["a"][0](x),
        parts=nn.ModuleDict({"a": nn.ModuleList([_drop(p, r)])}))),
    "shared": _torch(1, lambda p, r: nn.Sequential(*[_drop(p, r)] * 2)),
    "link to its parent": _torch(1, _linked),
    "compiled": _torch(2, lambda p, r: torch.compile(
        nn.Sequential(_drop(p, r), nn.Dropout(p)), backend="eager")),
    "alpha": _torch(2, lambda p, r: nn.Sequential(
        nn.AlphaDropout(p), nn.FeatureAlphaDropout(p)), 50, 4, 3),
    "channels": _torch(3, lambda p, r: nn.Sequential(
        nn.Dropout1d(p), nn.Unflatten(1, (4, 1)), nn.Dropout2d(p), nn.Unflatten(1, (4, 1)),
        nn.Dropout3d(p)), 50, 4, 3),
    "LSTM": _torch(1, lambda p, r: Torch(lambda self, x: self.rnn(x)[0],
                                         rnn=nn.LSTM(SIZE, 9, 2, dropout=p)), *SEQUENCES),
    "GRU": _torch(1, lambda p, r: Torch(lambda self, x: self.rnn(x)[0],
                                        rnn=nn.GRU(SIZE, 9, 2, dropout=p)), *SEQUENCES),
    "RNN": _torch(1, lambda p, r: Torch(lambda self, x: self.rnn(x)[0],
                                        rnn=nn.RNN(SIZE, 9, 3, dropout=p)), *SEQUENCES),
    "attention": _torch(1, _attention, *SEQUENCES),
    "encoder layer": _torch(4, lambda p, r: nn.TransformerEncoderLayer(
        SIZE, 2, dropout=p, **ENCODER), *SEQUENCES),
    "encoder": _torch(8, lambda p, r: nn.TransformerEncoder(
        nn.TransformerEncoderLayer(SIZE, 2, dropout=p, **ENCODER), 2), *SEQUENCES),
    "decoder layer": _torch(6, lambda p, r: Torch(
        lambda self, x: self.d(x, x),
        d=nn.TransformerDecoderLayer(SIZE, 2, dropout=p, **ENCODER)), *SEQUENCES),
    "transformer": _torch(10, lambda p, r: Torch(
        lambda self, x: self.t(x, x),
        t=nn.Transformer(SIZE, 2, 1, 1, dropout=p, **ENCODER)), *SEQUENCES),
    "weights": _torch(1, lambda p, r: ct.DropConnect(SIZE, 9, p, r)),
    "recurrent": _torch(2, lambda p, r: ct.VariationalRNN(SIZE, 9, p, p, r), *SEQUENCES),
}  # fmt: skip

ZOO = {("numpy", name): build for name, build in NUMPY.items()} | {
    ("torch", name): build for name, build in TORCH.items()
}
FRAMEWORKS = {"numpy": cn, "torch": ct}

# No layer here has a rate that acts, so none can be found.
WITHOUT = {
    ("numpy", "none"): lambda rng: cn.nn.Sequential(cn.nn.ReLU()),
    ("numpy", "functional"): lambda rng: LooseNet(0.3, rng),
    ("torch", "none"): lambda rng: nn.Sequential(
        nn.Linear(SIZE, SIZE), nn.BatchNorm1d(SIZE)
    ),
    ("torch", "functional"): lambda rng: Torch(
        lambda self, x: nn.functional.dropout(x, 0.3, self.training)
    ),
    ("torch", "LSTM of one layer"): lambda rng: nn.LSTM(SIZE, 9),
}
