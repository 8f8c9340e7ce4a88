"""Every door of every public name: the right value, or an error of ours.

A row is a public name with arguments that work. For each argument there is a kind, and
each kind has its doors: ways in which a value comes that people meet. What comes through
gives what a plain value gives; all else is refused by a `raise` of the companion whose
message names the argument. A name or an argument without a row turns this red.
"""

import inspect
import itertools
import linecache
import traceback
import warnings
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch

import companion
import companion.numpy as cn
import companion.torch as ct
from companion import data, masks, plots, schedules, theory
from companion.experiments import finding, statistics
from companion.experiments.instruments import (
    confidence,
    hidden_units,
    leave_one_out,
    robustness,
    slow_down,
    step_time,
)
from companion.experiments.training import autoencoder, copies, engine, forward, recurrent
from companion.verify import contract, entrance, properties

from .kinds import KINDS as LAYERS
from .kinds import PARAMETERS, an_input, build
from .public import PUBLIC

OURS = str(Path(companion.__file__).parent)
ERRORS = (TypeError, ValueError, RuntimeError)
PAIR = {"numpy": cn, "torch": ct}


def rng():
    return np.random.default_rng(0)


# Doors: a name, and a function that makes of a plain value what comes in ---------------
# What passes gives what the plain value gives.
def subclass(x):
    class Mine(np.ndarray):
        pass

    return x.view(Mine)


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def anyhow(*values):
    """Doors that are refused whatever the plain value is."""
    return {f"refused {v!r}"[:60]: (lambda _, v=v: v, None) for v in values}


def refused(**doors):
    return {f"refused {name}": (door, None) for name, door in doors.items()}


def passes(**doors):
    return {f"passes {name}": (door, lambda v: v) for name, door in doors.items()}


def inference(v):
    with torch.inference_mode():
        return v.clone()


def ragged(v):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a prototype, says PyTorch
        return torch.nested.nested_tensor([v, v])


EITHER = object()  # refused by name, or a result without nan and of the plain shape


def either(**doors):
    return {f"either {name}": (door, EITHER) for name, door in doors.items()}


def without(doors, *names):
    """Leave out doors through which another thing is right."""
    assert set(names) <= {name.partition(" ")[2] for name in doors}
    return {name: d for name, d in doors.items() if name.partition(" ")[2] not in names}


class Tensor(torch.Tensor):
    """A subclass, as libraries make them."""


NOTHING = anyhow(None, "0.25", b"1", object(), 0.25 + 1j, np.datetime64("2026-01-01"))
NUMBERS = {
    **NOTHING,
    **anyhow(True, np.True_, np.ma.masked, float("nan"), -1),
    **refused(
        list=lambda v: [v], zero_d=np.array, array=lambda v: np.array([v]),
        tensor=torch.tensor, string=str, decimal=lambda v: Decimal(str(v)),
        structured=lambda v: np.array((v,), dtype=[("a", float)]),
        masked=lambda v: np.ma.array(v), complex=complex, nested=lambda v: [[v]],
        empty=lambda _: np.array([]), object=lambda v: np.array(v, object),
        meta=lambda v: torch.tensor(v, device="meta"), huge=lambda _: 10**400,
    ),
}  # fmt: skip
REALS = NUMBERS | passes(
    fraction=Fraction, double=np.float64, single=np.float32, long=np.longdouble
)
SIGNED = without(REALS, "nan", "-1")
RATES = {**REALS, **anyhow(-0.1, 1.1, float("inf"))}
INTS = {
    **without(NUMBERS, "huge"),
    **refused(float=float, fraction=lambda v: Fraction(2 * v + 1, 2)),
    **passes(int64=np.int64, uint8=np.uint8, int16=np.int16),
}  # fmt: skip
FLAGS = {
    **NOTHING, **anyhow("False", [True], np.array([True, False])),
    **refused(tensor=torch.tensor), **passes(numpy=np.bool_),
}  # fmt: skip
LEGACY = torch.Generator  # a class and no object: as common as None
GENERATORS = anyhow(
    LEGACY, np.random.default_rng, np.random.Generator,
    None, 0, "0", np.random, np.random.RandomState(0), np.random.PCG64(0),
    np.random.SeedSequence(0), np.random.Generator(np.random.MT19937(0)), [rng()],
)  # fmt: skip
NUMPY_GENERATORS = GENERATORS | anyhow(torch.Generator())
TORCH_GENERATORS = GENERATORS | refused(
    device=lambda _: type("Elsewhere", (), {"device": torch.device("cuda")})()
)
SHAPES = {
    **anyhow(None, "23", b"23", 2.5, {2, 3}, object()),
    **refused(
        floats=lambda v: tuple(map(float, v)), negative=lambda v: (*v[:-1], -1),
        booleans=lambda v: (*v[:-1], True), array=lambda v: np.array(v, float),
        masked=lambda v: np.ma.array(v, mask=[True] * len(v)), tensor=torch.tensor,
        strings=lambda v: tuple(map(str, v)), nested=lambda v: (v, v), huge=lambda v: (2**40,) * len(v),
        sparse=lambda v: torch.tensor(v).to_sparse(), object=lambda v: np.array([*v[1:], None]),
        meta=lambda v: torch.tensor(v, device="meta"), axes=lambda v: (*v, *(1,) * 64),
    ),
    **passes(list=list, array=np.array, size=torch.Size,
             int64=lambda v: tuple(map(np.int64, v))),
}  # fmt: skip
MASK_SHAPES = {k: door for k, door in SHAPES.items() if k != "refused None"}
FOREIGN = refused(
    structured=lambda v: np.zeros(np.shape(v), dtype=[("a", float)]),
    string=lambda v: np.full(np.shape(v), "1"),
    object=lambda v: np.asarray(v).astype(object),
    datetime=lambda v: np.zeros(np.shape(v), "datetime64[s]"),
    masked=lambda v: np.ma.array(np.asarray(v), mask=np.ones(np.shape(v), bool)),
)
SPARSE = refused(
    sparse=lambda v: scipy.sparse.csr_array(np.ones((2, 3))), ragged=lambda v: [[1], [1, 2]],
    meta=lambda v: torch.ones(np.shape(v), device="meta"), number=lambda _: np.array(np.pi).astype(str),
)  # fmt: skip
EMPTY = either(empty=lambda v: v[:0])
ARRAYS = {
    **NOTHING, **FOREIGN, **SPARSE, **EMPTY,
    **refused(
        list=lambda v: v.tolist(), scalar=lambda _: 1.0, bool=lambda v: v > 0,
        complex=lambda v: v + 1j, int=lambda v: v.astype(int), tensor=torch.as_tensor,
    ),
    **passes(
        read_only=read_only, byte_swapped=lambda v: v.astype(v.dtype.newbyteorder()),
        fortran=np.asfortranarray, reversed=lambda v: np.ascontiguousarray(v[::-1])[::-1],
        long=lambda v: v.astype(np.longdouble), subclass=subclass,
        strided=lambda v: np.repeat(v, 2, axis=0)[::2],
        permuted=lambda v: np.ascontiguousarray(v.T).T,
    ),
}  # fmt: skip
LIKE_ARRAYS = without(ARRAYS, "list", "tensor", "int") | passes(
    list=list, tensor=torch.as_tensor
)
BOOLEANS = {
    **NOTHING, **FOREIGN,
    **refused(list=lambda v: v.tolist(), scalar=lambda _: True, bytes=lambda v: v.astype("u1"),
              float=lambda v: v.astype(float), int=lambda v: v.astype(int)),
    **passes(read_only=read_only, fortran=np.asfortranarray,
             strided=lambda v: np.repeat(v, 2, axis=0)[::2],
             reversed=lambda v: np.ascontiguousarray(v[::-1])[::-1]),
}  # fmt: skip
MASKS = BOOLEANS | refused(
    sparse=lambda v: torch.as_tensor(v).to_sparse(), wide=lambda v: np.stack([v] * 3),
    meta=lambda v: torch.as_tensor(v).to("meta"), nested=lambda v: jagged(torch.as_tensor(v)),
)  # fmt: skip
LABELS = {
    **NOTHING, **FOREIGN, **SPARSE,
    **refused(float=lambda v: v * 1.0, bool=lambda v: v > 0, complex=lambda v: v + 0j,
              negative=lambda v: v - 1, high=lambda v: v + 99),
    **passes(read_only=read_only, byte_swapped=lambda v: v.astype(v.dtype.newbyteorder()),
             int32=lambda v: v.astype(np.int32), uint8=lambda v: v.astype(np.uint8)),
    **EMPTY,
}  # fmt: skip
jagged = lambda v: torch.nested.nested_tensor([v[0], v[0]], layout=torch.jagged)  # noqa: E731
ONLY_TENSORS = refused(
    packed=lambda v: torch.nn.utils.rnn.pack_sequence([torch.ones(3, 4)]),
    sparse=lambda v: v.to_sparse(), list=lambda v: v.tolist(), array=lambda v: v.numpy(),
    complex=lambda v: v + 1j, bool=lambda v: v > 0, nested=lambda v: jagged(torch.stack([v, v])),
    ragged=ragged, masked=lambda v: np.ma.array(v.numpy()),
) | EMPTY | either(meta=lambda v: v.to("meta"))  # fmt: skip
TENSORS = {
    **NOTHING, **ONLY_TENSORS,
    **refused(int=lambda v: v.int(), scalar=lambda _: 1.0,
              float8=lambda v: v.to(torch.float8_e4m3fn)),
    **passes(negated=lambda v: torch.complex(v, -v).conj().imag, subclass=lambda v: v.as_subclass(Tensor),
             strided=lambda v: v.repeat_interleave(2, dim=0)[::2],
             parameter=lambda v: torch.nn.Parameter(v), leaf=lambda v: v.clone().requires_grad_(),
             inner=lambda v: v.clone().requires_grad_() * 1, inference=inference,
             permuted=lambda v: v.movedim(0, -1).contiguous().movedim(-1, 0)),
}  # fmt: skip
TOKENS = {
    **NOTHING, **ONLY_TENSORS,
    **refused(float=lambda v: v.float(), negative=lambda v: v - 1, high=lambda v: v + 99),
    **passes(int32=lambda v: v.int(), strided=lambda v: v.repeat_interleave(2, dim=0)[::2]),
}  # fmt: skip


# Rows: a name, a function, its arguments with the doors of each ------------------------
class Fresh:
    """Stands for an argument that is made anew for each call."""

    def __init__(self, make):
        self.make = make


RNG = Fresh(rng)
BY_NAME = {
    **dict.fromkeys(("p", "first", "last", "input_p", "recurrent_p", "gamma"), RATES),
    **dict.fromkeys(("rate", "probability", "drop", "level", "false_alarm"), REALS),
    **dict.fromkeys(("lr", "momentum", "weight_decay", "eps", "weight", "temperature"), REALS),
    **dict.fromkeys(("noise", "input_rate", "max_norm", "weight_scale", "rate_scale"), REALS),
    **dict.fromkeys(("block_size", "in_features", "out_features", "hidden_features"), INTS),
    **dict.fromkeys(("words", "features", "epochs", "batch_size", "train_size"), INTS),
    **dict.fromkeys(("step", "steps", "stop", "start", "depth", "n", "passes"), INTS),
    **dict.fromkeys(("samples", "test_size", "seed", "count", "bins", "copies"), INTS),
    **dict.fromkeys(("units", "delay", "evaluate_every", "rounds", "warm_up"), INTS),
    **dict.fromkeys(("training", "channels_last", "scale_by_keep", "inverted"), FLAGS),
    **dict.fromkeys(("per_example", "progress", "linear", "mode"), FLAGS),
    **dict.fromkeys(("shape", "map_shape"), SHAPES), "mask_shape": MASK_SHAPES,
    **dict.fromkeys(("mask", "masks"), MASKS), "labels": LABELS, "rng": NUMPY_GENERATORS,
    **dict.fromkeys(("x", "dy", "z", "w", "t", "mean", "covariance", "joint"), ARRAYS),
    **dict.fromkeys(("logits", "log_likelihood", "scores"), ARRAYS),
    "dtype": anyhow(None, "nothing", int, 3, complex, object()),
    **dict.fromkeys(("model", "optimizer"), anyhow(None, "x", 3, torch.nn.Module, cn.nn.SGD)),
}  # fmt: skip


def trained(doors):
    """Leave out what PyTorch keeps from a backward pass into parameters."""
    return {name: d for name, d in doors.items() if name != "passes inference"}


class Row:
    """A public name with arguments that work; `doors` are those not of the name."""

    def __init__(self, function, arguments, doors=(), name=None):
        self.function, self.given, self.own = function, arguments, dict(doors)
        self.name = name or f"{function.__module__}.{function.__qualname__}"[10:]

    def doors(self, argument):
        doors = self.own.get(argument, BY_NAME.get(argument))
        # Closed forms refuse subclasses: in a matrix * means another product.
        plain = doors is ARRAYS and self.name.startswith("theory.")
        return ARRAYS | {"passes subclass": (subclass, None)} if plain else doors

    def call(self, **changed):
        given = self.given | changed
        given = {k: v.make() if isinstance(v, Fresh) else v for k, v in given.items()}
        return self.function(**given)


X = np.arange(1.0, 7).reshape(2, 3) / 4
T = torch.as_tensor(X)
KEEP = np.array([[True, False, True], [False, True, True]])
GOOD = data.mnist1d(100, 20)


def of_torch():
    return dict.fromkeys(("x", "dy", "z", "scores"), TENSORS) | {
        "rng": TORCH_GENERATORS, "mask": {k: d for k, d in MASKS.items() if "sparse" not in k},
        "dtype": anyhow(None, "float32", torch.int64, torch.complex64, np.float32),
        "labels": TOKENS_PLAIN,
    }  # fmt: skip


def in_both():
    """Yield the rows of what both frameworks have."""
    for kind, framework in PAIR.items():
        x = X if framework is cn else T
        own = {} if framework is cn else of_torch()
        for name, arguments in {
            "dropout": {"x": x, "p": 0.25, "rng": RNG, "training": True, "mask_shape": (2, 3)},
            **{f: {"x": x, "mask": KEEP, "p": 0.25} for f in ("dropout_forward", "alpha_dropout_forward")},
            **{f: {"dy": x, "mask": KEEP, "p": 0.25} for f in ("dropout_backward", "alpha_dropout_backward")},
            "nn.softmax": {"z": x}, "nn.RDropLoss": {"weight": 1.0},
            "nn.Linear": {"in_features": 3, "out_features": 2, "rng": RNG, "dtype": x.dtype},
            **{f: {"p": 0.25, "rng": RNG} for f in ("Dropout", "TimeDropout", "GaussianDropout", "AlphaDropout", "AttentionDropout")},
            **{f: {"p": 0.25, "rng": RNG, "channels_last": False} for f in ("ChannelDropout", "ChannelAlphaDropout")},
            "DropPath": {"p": 0.25, "rng": RNG, "scale_by_keep": True},
            "DropBlock": {"p": 0.25, "block_size": 2, "rng": RNG},
            "ConcreteDropout": {"p": 0.25, "rng": RNG, "temperature": 0.5},
            "DropConnect": {"in_features": 3, "out_features": 2, "p": 0.25, "rng": RNG, "per_example": False, "dtype": x.dtype},
            "WordDropout": {"words": 4, "features": 2, "p": 0.25, "rng": RNG, "dtype": x.dtype},
            "VariationalRNN": {"in_features": 3, "hidden_features": 2, "input_p": 0.25, "recurrent_p": 0.25, "rng": RNG, "dtype": x.dtype},
        }.items():  # fmt: skip
            function = framework
            for part in name.split("."):
                function = getattr(function, part)
            mine = dict(own)
            if framework is ct and name in (
                "WordDropout",
                "nn.Linear",
                "DropConnect",
                "VariationalRNN",
            ):
                mine["rng"] = NUMPY_GENERATORS
            yield Row(function, arguments, mine, f"{kind}.{name}")


def layer_calls():
    for (kind, framework), layer, mode in itertools.product(
        PAIR.items(), LAYERS, ("train", "eval")
    ):
        x = an_input(layer, rng())
        argument = (
            "tokens"
            if layer == "WordDropout"
            else "scores"
            if layer == "AttentionDropout"
            else "x"
        )
        doors = LABELS if argument == "tokens" else ARRAYS
        if framework is ct:
            x, doors = torch.as_tensor(x), TOKENS if argument == "tokens" else TENSORS
            if layer in PARAMETERS or layer.split()[0] in PARAMETERS:
                doors = trained(doors)

        def call(layer=layer, kind=kind, mode=mode, argument=argument, **given):
            made = build(kind, layer, 0.25, rng())
            made = getattr(made, "module", made)
            getattr(made, mode)()
            return made(given[argument])

        yield Row(call, {argument: x}, {argument: doors}, f"{kind}.{layer}()({mode})")
        if framework is cn and layer != "WordDropout":

            def back(dy, layer=layer, kind=kind, mode=mode, x=x):
                made = getattr(build(kind, layer, 0.25, rng()), mode)()
                made(x)
                return made.backward(dy)

            dy = np.ones(np.shape(build(kind, layer, 0.25, rng())(x)))
            yield Row(back, {"dy": dy}, {}, f"{kind}.{layer}.backward({mode})")


def of_parts():
    """Yield the rows of layers and losses with nothing to drop, and of a penalty."""
    for kind, framework in PAIR.items():
        own, x = ({}, X) if framework is cn else (of_torch(), T)
        weight = cn.nn.Parameter(X) if framework is cn else torch.nn.Parameter(T)

        def linear(x, framework=framework, dtype=x.dtype):
            return framework.nn.Linear(3, 2, rng(), dtype)(x)

        def penalty(framework=framework, **given):
            return framework.ConcreteDropout(0.25, rng()).penalty(**given)

        yield Row(
            linear,
            {"x": x},
            {"x": trained(own["x"])} if own else {},
            f"{kind}.nn.Linear()",
        )
        yield Row(penalty, {"weight": weight, "weight_scale": 0.5, "rate_scale": 0.5},
                  {"weight": anyhow(None, 3, "w", X.tolist(), cn.nn.Parameter(X[0]), torch.ones(3))}, f"{kind}.ConcreteDropout.penalty")  # fmt: skip


def of_one_kind():
    """Yield the rows of parts that one framework has, or takes from PyTorch."""
    yield Row(lambda x: cn.nn.ReLU()(x), {"x": X}, {}, "numpy.nn.ReLU()")
    yield Row(
        lambda layers: cn.nn.Sequential(*layers)(X),
        {"layers": [cn.nn.ReLU()]},
        {"layers": anyhow([None], [3], [torch.nn.ReLU()], "ab", [cn.nn.ReLU])},
        "numpy.nn.Sequential",
    )

    def cross_entropy(**given):
        return cn.nn.CrossEntropyLoss()(**given)

    yield Row(
        cross_entropy,
        {"logits": np.ones((4, 3)), "labels": np.array([0, 1, 1, 0])},
        {},
        "numpy.nn.CrossEntropyLoss()",
    )

    yield Row(
        lambda rng: ct.replay_masks(rng),
        {"rng": RNG},
        {"rng": TORCH_GENERATORS},
        "torch.replay_masks",
    )
    yield Row(
        properties.gradient_error,
        {
            "forward": np.sin,
            "backward": lambda dy: dy * np.cos(X),
            "x": X,
            "dy": X,
            "eps": 1e-6,
        },
        {"forward": {}, "backward": {}, "x": {}, "dy": {}, "eps": {}},
    )  # of verify


def losses():
    """Yield the rows of what is called with logits and labels, and of training."""
    for kind, framework in PAIR.items():
        nn, own = framework.nn, {} if framework is cn else of_torch()
        x, labels, dtype = np.ones((4, 3)), np.array([0, 1, 1, 0]), np.float64
        if framework is ct:
            x, labels, dtype = torch.as_tensor(x), torch.as_tensor(labels), torch.float64

        def model(nn=nn, dtype=dtype):
            return nn.Sequential(nn.Linear(3, 2, rng(), dtype), nn.ReLU())

        def optimizer(nn=nn, model=model):
            return nn.SGD(model().parameters(), lr=0.1)

        def r_drop(nn=nn, **given):
            return nn.RDropLoss(1.0)(**given)

        both = {"first": own.get("x", ARRAYS), "second": own.get("x", ARRAYS)}
        training = {"epochs": 1, "batch_size": 2, "rng": RNG, "progress": False}
        yield Row(
            nn.fit,
            {
                "model": Fresh(model),
                "x": x,
                "labels": labels,
                "optimizer": Fresh(optimizer),
                **training,
            },
            own | {"rng": NUMPY_GENERATORS},
            f"{kind}.nn.fit",
        )
        yield Row(
            nn.evaluate,
            {"model": Fresh(model), "x": x, "labels": labels},
            own,
            f"{kind}.nn.evaluate",
        )
        yield Row(
            r_drop,
            {"first": x, "second": x, "labels": labels},
            own | both,
            f"{kind}.nn.RDropLoss()",
        )


def of_models():
    """Yield the rows of functions over a model."""
    for kind, framework in PAIR.items():
        layer = Fresh(lambda framework=framework: framework.Dropout(0.25, rng()))
        mine = {} if framework is cn else of_torch()
        x = np.ones((4, 3))
        if framework is ct:
            x = torch.as_tensor(x)
        yield Row(
            framework.monte_carlo,
            {"model": layer, "x": x, "passes": 2},
            mine
            | {
                "x": without(mine.get("x", ARRAYS), "subclass")
                if framework is cn
                else mine["x"]
            },
            f"{kind}.monte_carlo",
        )
        yield Row(framework.set_rate, {"model": layer, "p": 0.25}, {}, f"{kind}.set_rate")

        def active(model, framework=framework):
            with framework.dropout_active(model):
                pass

        yield Row(active, {"model": layer}, {}, f"{kind}.dropout_active")


TOKENS_PLAIN = without(TOKENS, "int32") | refused(
    int32=lambda v: v.int(), ignored=lambda v: v - 100
)
ROUND = {"shape": (2, 3), "p": 0.25, "rng": RNG}
LEARNED = [cn.nn.Parameter(np.zeros(2))]
PARAMETER_LISTS = anyhow(
    None, 3, "ab", [], [None], [X], {*LEARNED}, LEARNED * 2
) | passes(tuple=tuple, iterator=iter)
PICTURES = LIKE_ARRAYS | passes(int=lambda v: v.astype(int))
OF_AXES = anyhow(None, 3, "ax", [plots.plt])
AX = plots.plt.figure().add_subplot()
plots.plt.close("all")
NOT_SAMPLES = refused(
    text=lambda v: list(map(str, v)), complex=lambda v: [x + 1j for x in v], one=lambda v: v[0],
    masked=lambda v: np.ma.array(v, mask=[True] + [False] * (len(v) - 1)), nan=lambda v: [np.nan, *v[1:]],
    object=lambda v: np.array([*v[1:], None]), empty=lambda v: [], table=lambda v: [v, v], words="abcdef".format,
) | passes(array=np.array, tuple=tuple, single=lambda v: np.array(v, np.float32), ints=lambda v: list(map(int, v)))  # fmt: skip
SAMPLES = anyhow(None, 1.0, object(), {1.0: 2.0}) | NOT_SAMPLES
NAMES = anyhow(None, 3, "nothing", object())
SEEDS = anyhow(None, 3, "01", (-1,), (0.5,), (True,), (1, 1), (), (np.array([1, 2]),)) | passes(
    list=list, array=np.array, range=lambda v: range(len(v)),
)  # fmt: skip
FEW_RATES = anyhow(
    None, 0.25, "0.25", (), (1.0,), (-0.1,), ("0",), (None,), (True,), (np.nan,)
) | passes(list=list, array=np.array)
SIZES = anyhow(None, 4, "44", (0,), (4.0,), (True,), ("4",)) | passes(
    list=list, array=np.array
)
PLAN = {"train_size": 60, "hidden": (4,), "epochs": 1, "batch_size": 20, "lr": 0.01}
WEIGHTS = [
    (torch.ones(2, 3, 4), torch.zeros(2, 1, 4)),
    (torch.ones(2, 4, 4), torch.zeros(2, 1, 4)),
]
PROBABILITIES = np.full((4, 2), 0.5)
EYE, ZERO = torch.eye(4)[None], torch.zeros(1, 1, 4)
NO_WEIGHTS = anyhow(
    None, 3, [], "ab", [None], [(EYE, ZERO)] * 2 + [(EYE, ZERO[0])], [(EYE,)] * 2, [EYE, EYE],
    [(EYE.int(), ZERO.int())] * 2, [(EYE, ZERO), (EYE[:, :3], ZERO)], {EYE: ZERO},
    [(EYE.numpy(), ZERO.numpy())] * 2,
)  # fmt: skip
PER_SETTING = without(REALS, "list", "array", "empty", "zero_d")
SPLITS = anyhow(
    None, "x", 3, tuple(GOOD), [*GOOD], {}, GOOD._replace(x_train=None), GOOD._replace(x_train=GOOD.x_train.tolist()),
    GOOD._replace(x_test=GOOD.x_test[:, 1:]), GOOD._replace(y_train=GOOD.y_train * 1.0), GOOD._replace(y_test=GOOD.y_test + 99),
    GOOD._replace(y_train=GOOD.y_train[1:]), GOOD._replace(x_train=np.ma.array(GOOD.x_train)), GOOD._replace(y_train=GOOD.y_train - 9),
    GOOD._replace(x_test=GOOD.x_test[:0], y_test=GOOD.y_test[:0]), GOOD._replace(x_train=GOOD.x_train.astype(complex)),
) | passes(
    double=lambda v: v._replace(x_train=v.x_train.astype(float)), labels=lambda v: v._replace(y_train=v.y_train.astype("u1")),
    read_only=lambda v: v._replace(x_train=read_only(v.x_train)), swapped=lambda v: v._replace(x_test=v.x_test.astype(">f4")),
    fortran=lambda v: v._replace(x_train=np.asfortranarray(v.x_train)),
)  # fmt: skip
SINGLE = X.astype(np.float32)


def of_masks_and_theory():
    """Yield the rows of masks and closed forms."""
    yield Row(masks.keep_mask, ROUND)
    yield Row(
        masks.block_keep_mask,
        {"shape": (2, 3, 5, 6), "p": 0.25, "block_size": 3, "rng": RNG},
    )
    yield Row(masks.gaussian_noise, ROUND)
    yield Row(masks.open_uniforms, {"shape": (2, 3), "rng": RNG})
    yield Row(
        theory.block_drop_rate, {"gamma": 0.25, "map_shape": (5, 6), "block_size": 3}
    )
    yield Row(theory.block_start_rate, {"p": 0.25, "map_shape": (5, 6), "block_size": 3})
    yield Row(theory.alpha_affine, {"p": 0.25})
    yield Row(theory.kept_information, {"joint": np.eye(2) / 2, "p": 0.25})
    yield Row(theory.mask_posterior, {"log_likelihood": np.zeros(4), "p": 0.25})
    yield Row(theory.all_masks, {"n": 3})
    yield Row(theory.mask_probabilities, {"masks": KEEP, "p": 0.25})
    yield Row(theory.network_averages, {"logits": np.ones((4, 3)), "p": 0.25})
    yield Row(theory.ridge_weights, {"x": X, "t": np.ones(2), "p": 0.25})
    yield Row(theory.logistic_penalty, {"x": X, "w": np.ones(3), "p": 0.25})
    yield Row(theory.fisher_penalty, {"x": X, "w": np.ones(3), "p": 0.25})
    for moment in (theory.dropped_mean, theory.dropped_variance):
        yield Row(
            moment,
            {"x": X[0], "p": 0.25, "inverted": True},
            {"x": without(ARRAYS, "scalar", "subclass") | refused(subclass=subclass)},
        )
        yield Row(moment, {"x": 0.5, "p": 0.25, "inverted": True}, {"x": without(SIGNED, "zero_d", "array", "empty", "object")})  # fmt: skip
    yield Row(
        theory.dropped_covariance,
        {"mean": X[0], "covariance": np.eye(3), "p": 0.25, "inverted": True},
    )
    yield Row(
        theory.gradient_moments,
        {"x": X[0], "t": 1.0, "w": X[0], "p": 0.25},
        {"t": SIGNED},
    )


def of_one_framework():
    """Yield the rows of schedules, data, NumPy's optimisers and figures."""
    yield Row(schedules.depth_rates, {"p": 0.25, "depth": 4})
    yield Row(schedules.linear_rate, {"step": 1, "first": 0.25, "last": 0.0, "steps": 4})
    yield Row(schedules.early_rate, {"step": 1, "p": 0.25, "stop": 4, "linear": True})
    yield Row(schedules.late_rate, {"step": 1, "p": 0.25, "start": 4})
    yield Row(data.mnist_digits, {"test_size": 200, "seed": 0})
    yield Row(data.mnist1d, {"samples": 100, "test_size": 20, "seed": 0})
    yield Row(
        cn.nn.SGD,
        {"parameters": LEARNED, "lr": 0.1, "momentum": 0.0, "weight_decay": 0.0},
        {"parameters": PARAMETER_LISTS},
    )
    yield Row(cn.nn.Adam, {"parameters": LEARNED, "lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8},
              {"parameters": PARAMETER_LISTS, "betas": anyhow(None, 0.9, (0.9,), "ab", (1.0, 0.9), (0.9, "0"))})  # fmt: skip
    yield Row(
        cn.nn.Parameter,
        {"value": X},
        {"value": without(ARRAYS, "read_only", "scalar") | refused(read_only=read_only)},
    )
    yield Row(
        plots.draw_mask,
        {"ax": AX, "mask": KEEP, "title": ""},
        {"ax": OF_AXES, "title": {}},
    )
    yield Row(plots.draw_network, {"ax": AX, "keeps": [KEEP[0], KEEP[1]], "title": ""},
              {"ax": OF_AXES, "title": {}, "keeps": anyhow(None, 3, [], [X[0]], [KEEP], ["a"], [np.ma.array(KEEP[0], mask=KEEP[0])])})  # fmt: skip
    yield Row(plots.draw_intervals, {"ax": AX, "positions": [0.0], "intervals": [statistics.Interval(1, 0, 2, 3)], "label": None, "color": "#000000", "marker": "o"},
              {"ax": anyhow(None, 3), "positions": anyhow(None, 3, [], [None], ["a"]), "intervals": anyhow(None, 3, [], [None], [1.0]), "label": {}, "color": {}, "marker": {}})  # fmt: skip
    yield Row(plots.draw_band, {"ax": AX, "positions": [0.0], "intervals": [statistics.Interval(1, 0, 2, 3)], "label": None, "color": "#000000", "line": "-"},
              {"ax": anyhow(None, 3), "positions": anyhow(None, 3, [], [None], ["a"]), "intervals": anyhow(None, 3, [], [None], [1.0]), "label": {}, "color": {}, "line": {}})  # fmt: skip


def of_judges():
    """Yield the rows of verify."""
    yield Row(
        properties.count_is_plausible,
        {"count": 5, "n": 10, "probability": 0.5, "false_alarm": 1e-9},
    )
    yield Row(entrance.verify, {"dropout": cn.dropout, "rng": RNG, "level": "quick", "kind": None, "framework": None},
              {"rng": {k: d for k, d in NUMPY_GENERATORS.items() if "None" not in k}, "dropout": anyhow(None, 3, "x"),
               "level": NAMES, "kind": anyhow(3, "nothing"), "framework": anyhow(3, "jax")})  # fmt: skip
    yield Row(contract.violations, {"subject": cn, "rng": RNG, "only": {"dropout_forward"}, "stop": True},
              {"subject": anyhow(None, 3), "only": {}, "stop": FLAGS})  # fmt: skip


def of_statistics():
    """Yield the rows of intervals, and of the table and the verdict made of them."""
    yield Row(
        finding.verdict,
        {"reproduces": True, "weaker": False},
        dict.fromkeys(("reproduces", "weaker"), FLAGS),
    )
    yield Row(
        statistics.mean_interval,
        {"values": [1.0, 2.0, 4.0], "level": 0.95},
        {"values": SAMPLES},
    )
    yield Row(
        finding.mean_row,
        {"measure": "a", "setting": "b", "values": [1.0, 2.0, 4.0]},
        {"measure": {}, "setting": {}, "values": SAMPLES},
    )

    def bootstrap(samples, **others):
        return statistics.bootstrap_interval(samples, **others)

    yield Row(
        bootstrap,
        {"samples": [1.0, 2, 4, 3], "statistic": np.median, "level": 0.95},
        {"samples": SAMPLES, "statistic": anyhow(None, 3, "median")},
        "statistics.bootstrap_interval",
    )
    table = {
        "measures": {"error": np.array([[9.0, 8.0], [7.0, 5.0]])},
        "rates": (0.0, 0.3),
    }
    for rows in (finding.level_rows, finding.paired_rows):
        yield Row(rows, table, {"measures": anyhow(None, 3, [1.0], {"a": None}, {"a": [1.0]}, {"a": [[1.0], [1.0, 2.0]]}, {"a": np.ma.ones((2, 2))}),
                                "rates": anyhow(None, 0.3, (), (0.0,), "00", {0.0, 0.3}) | passes(list=list, array=np.array)})  # fmt: skip
    yield Row(
        statistics.spread_ratio,
        {"first": [1.0, 2, 4, 3], "second": [4.0, 1, 2, 7], "level": 0.95},
        dict.fromkeys(("first", "second"), SAMPLES),
    )
    yield Row(statistics.mean_ratio, {"values": [1.0, 2.0], "base": [1.0, 3.0]},
              {"values": {k: d for k, d in SAMPLES.items() if "nan" not in k}, "base": SAMPLES})  # fmt: skip


def of_stacks():
    """Yield the rows of what looks at trained networks."""
    labels, refusing = np.array([0, 1]), {"weights": NO_WEIGHTS}
    x = without(ARRAYS, "tensor", "subclass") | passes(tensor=torch.as_tensor)
    x = {"x": x | refused(subclass=subclass)}

    def damaged(**given):
        return robustness.damaged_accuracy(**given)

    trained = engine.Trained((0.0,), (0, 1), (1,), *np.zeros((4, 1, 2, 1)), WEIGHTS)
    yield Row(damaged, {"trained": trained, "x": SINGLE, "labels": labels, "rng": RNG, "drop": 0.25, "noise": 0.5},
              {"trained": anyhow(None, 3, WEIGHTS), "drop": RATES, **x}, "robustness.damaged_accuracy")  # fmt: skip
    yield Row(forward.draw_factors, ROUND | {"noise": "gaussian"}, {"noise": NAMES})
    yield Row(
        forward.activations,
        {"weights": WEIGHTS, "x": SINGLE, "factors": [None, np.ones((2, 2, 4))]},
        x
        | refusing
        | {
            "factors": anyhow(
                3, "ab", [], [None] * 3, [None, "a"], [None, X], [None, KEEP], {1, 2}
            )
            | passes(swapped=lambda v: [None, v[1][::-1].astype(">f8")])
        },
    )
    yield Row(
        leave_one_out.leave_one_out,
        {"weights": WEIGHTS, "x": SINGLE, "labels": labels},
        x | refusing,
    )
    yield Row(
        leave_one_out.unit_correlation,
        {"weights": WEIGHTS, "x": SINGLE},
        x | refusing,
    )


def of_instruments():
    """Yield the rows of what measures."""
    labels, odds = np.array([0, 1, 1, 0]), {"probabilities": LIKE_ARRAYS}
    right = {"probabilities": PROBABILITIES, "labels": labels}
    yield Row(confidence.confidence_gap, right, odds)
    yield Row(confidence.calibration_error, right | {"bins": 5}, odds)
    yield Row(slow_down.epochs_to_reach, {"losses": np.ascontiguousarray(X[:, ::-1]), "epochs": (1, 2, 3), "target": 0.4},
              {"losses": LIKE_ARRAYS, "target": without(REALS, "-1"), "epochs": anyhow(None, 3, (), (1,), "abc", (3, 2, 1), (1, 1, 2), {1, 2, 3})})  # fmt: skip
    yield Row(
        hidden_units.roughness, {"features": np.ones((2, 9, 9))}, {"features": PICTURES}
    )
    yield Row(
        hidden_units.pixels_in_use,
        {"features": np.ones((2, 9, 9))},
        {"features": PICTURES},
    )
    yield Row(
        hidden_units.live_units, {"hidden": np.ones((2, 3, 4))}, {"hidden": PICTURES}
    )
    yield Row(
        step_time.relative_times,
        {
            "functions": [int, float],
            "rounds": 4,
            "warm_up": 1,
            "clock": Fresh(lambda: itertools.count().__next__),
        },
        {
            "clock": anyhow(None, 3),
            "functions": anyhow(None, 3, [], [int], [int, 3], {"a": int, "b": int}, "ab")
            | passes(tuple=tuple),
        },
    )


def of_trainings():
    """Yield the rows of what trains."""
    lists = {"data": SPLITS, "rates": FEW_RATES, "seeds": SEEDS, "hidden": SIZES}
    yield Row(
        engine.train_networks,
        {
            "data": GOOD,
            "rates": (0.0, 0.25),
            "seeds": (0, 1),
            **PLAN,
            "input_rate": 0.0,
            "noise": "bernoulli",
            "momentum": 0.9,
            "weight_decay": 0.0,
            "max_norm": 3.0,
            "evaluate_every": 1,
            "progress": False,
        },
        lists
        | {
            "noise": NAMES,
            "evaluate_every": without(INTS, "None"),
            **dict.fromkeys(
                ("lr", "input_rate", "weight_decay", "max_norm"), PER_SETTING
            ),
            "momentum": without(PER_SETTING, "None"),
        },
    )

    def each(plans, **given):
        return engine.train_each(plans=plans, **given)

    yield Row(each, {"data": GOOD, "plans": [{"hidden": (4,)}], "rates": (0.0,), "seeds": (0, 1), **{k: v for k, v in PLAN.items() if k != "hidden"}, "progress": False},
              lists | {"rates": without(FEW_RATES, "list", "array"), "plans": anyhow(None, 3, [], [3], ["a"], {"hidden": 4})}, "engine.train_each")  # fmt: skip
    yield Row(recurrent.train_recall, {"kinds": ("none",), "seeds": (0, 1), "p": 0.25, "delay": 1, "hidden": 4, "steps": 1, "batch_size": 2, "lr": 0.01, "progress": False},
              {"kinds": anyhow(None, 3, (), ("no",)), "seeds": SEEDS, "hidden": INTS})  # fmt: skip
    yield Row(autoencoder.train_autoencoders, {"rates": (0.0, 0.25), "seeds": (0, 1), "units": 4, "steps": 1, "progress": False},
              lists)  # fmt: skip
    yield Row(copies.train_with_copies, {"data": GOOD, "p": 0.25, "copies": 1, "seeds": (0, 1), **{k: v for k, v in PLAN.items() if k != "train_size"}},
              lists)  # fmt: skip


def ours(error, argument):
    """Was it raised by a `raise` of the companion, and does it name the argument?"""
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno).strip()
    return (
        isinstance(error, ERRORS)
        and last.filename.startswith(OURS)
        and line.startswith("raise")
        and argument in str(error)
    )


def finite(found, _):
    """Is found, numbers of any sort or what cannot be read, without a nan?"""
    parts = found if isinstance(found, (tuple, list)) else [found]
    parts = [p.detach() if isinstance(p, torch.Tensor) else p for p in parts]
    parts = [np.asarray(p) for p in parts if not getattr(p, "is_meta", False)]
    return not any(np.isnan(p).any() for p in parts if p.dtype.kind == "f")


def same(a, b):
    if isinstance(a, (tuple, list)) and a and not np.isscalar(a[0]):
        return len(a) == len(b) and all(map(same, a, b))
    try:
        a, b = (
            np.asarray(
                v.detach().resolve_neg() if isinstance(v, torch.Tensor) else v, float
            )
            for v in (a, b)
        )
    except (TypeError, ValueError):  # a layer, a report: that it was built says enough
        return True
    return np.allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True)


ROWS = [
    row
    for part in (
        in_both,
        layer_calls,
        losses,
        of_parts,
        of_one_kind,
        of_statistics,
        of_stacks,
        of_models,
        of_masks_and_theory,
        of_one_framework,
        of_judges,
        of_instruments,
        of_trainings,
    )
    for row in part()
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_comes_through_a_door_is_right_or_refused_by_name(row):
    wrong, right = [], row.call()
    for argument, plain in row.given.items():
        for door, (make, equal) in row.doors(argument).items():
            try:
                found = row.call(**{argument: make(plain)})
            except Exception as error:
                named = "" if equal is EITHER else argument  # or what it has to fit
                if equal not in (None, EITHER) or not ours(error, named):
                    wrong.append((argument, door, repr(error)[:200]))
            else:
                as_plain = finite if equal is EITHER else same
                if not equal or not as_plain(found, right):
                    wrong.append((argument, door, f"went through: {found!r}"[:200]))
    assert not wrong


# Public names without a door to walk, and why.
HOLDERS = {
    "About",
    "Autoencoders",
    "Finding",
    "Interval",
    "Recall",
    "Report",
    "Row",
    "Split",
    "Trained",
    "Violation",
}
NOTHING_GIVEN = {"Module", "use_style", "experiments", "binomial"}
OF_FINDINGS = {"sweep_panels", "as_html", "experiment"}  # take what only a study makes
OF_VERIFY = {
    "ArrayLayer",
    "driven_by",
    "layer_of",
    "over_arrays",
    "reader_findings",
}  # take code: tests/verify
NOT_WALKED = HOLDERS | NOTHING_GIVEN | OF_FINDINGS | OF_VERIFY


def test_every_public_name_and_every_argument_has_a_row():
    walked = {row.name.rpartition(".")[2].split("(")[0] for row in ROWS}
    studies = {name for name in PUBLIC if ".studies." in name}
    public = {name.rpartition(".")[2] for name in PUBLIC.keys() - studies}
    assert public - walked == NOT_WALKED
    for row in ROWS:
        if row.function in PUBLIC.values():
            assert (
                row.given.keys() == inspect.signature(row.function).parameters.keys()
            ), row.name


# What no argument of a study may be, whatever it is: each is refused before any training.
SENSELESS = (
    object(), 0.5 + 1j, b"1", np.datetime64("2026-01-01"), (None,), ("a",), [np.ma.masked],
    (np.nan,), {"a": 1}, torch.ones(2, 2), np.array([1.5, "x"], object),
)  # fmt: skip
STUDIES = {name: study for name, study in PUBLIC.items() if ".studies." in name}


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_names_what_is_senseless_before_it_trains(name, monkeypatch):
    def trains(*_):
        raise AssertionError("it trains")

    for module, function in (
        (engine, "_run"), (recurrent, "_initial"), (autoencoder, "_train"), (copies, "_network"),
    ):  # fmt: skip
        monkeypatch.setattr(module, function, trains)
    wrong = []
    for argument, value in itertools.product(
        inspect.signature(STUDIES[name]).parameters, SENSELESS
    ):
        try:
            STUDIES[name](**{"seeds": range(16)} | {argument: value})
        except Exception as error:
            if not ours(error, argument):
                wrong.append((argument, value, repr(error)[:200]))
    assert not wrong


@pytest.mark.parametrize(("function", "given", "plain"), [
    (theory.all_masks, {"n": np.uint8(9)}, {"n": 9}),
    (schedules.depth_rates, {"p": 0.2, "depth": np.uint8(255)}, {"p": 0.2, "depth": 255}),
    (schedules.linear_rate, {"step": np.uint8(200), "first": 0.1, "last": 0.3, "steps": 1000}, {"step": 200, "first": 0.1, "last": 0.3, "steps": 1000}),
    (schedules.early_rate, {"step": np.int8(100), "p": 0.2, "stop": 1000}, {"step": 100, "p": 0.2, "stop": 1000}),
    (schedules.linear_rate, {"step": 10**400, "first": 0.1, "last": 0.3, "steps": 9}, {"step": 9, "first": 0.1, "last": 0.3, "steps": 9}),
    (schedules.early_rate, {"step": 10**400, "p": 0.2, "stop": 9}, {"step": 9, "p": 0.2, "stop": 9}),
    (theory.block_drop_rate, {"gamma": 0.2, "map_shape": (np.uint8(250), 300), "block_size": np.uint8(9)}, {"gamma": 0.2, "map_shape": (250, 300), "block_size": 9}),
    (theory.block_start_rate, {"p": 0.2, "map_shape": 300, "block_size": np.int8(9)}, {"p": 0.2, "map_shape": (300,), "block_size": 9}),
    (masks.block_keep_mask, {"shape": (1, 1, 300, 20), "p": 0.2, "block_size": np.int8(9), "rng": RNG}, {"shape": (1, 1, 300, 20), "p": 0.2, "block_size": 9, "rng": RNG}),
    *((lambda block_size, f=f, o=o: f.DropBlock(0.2, block_size, rng())(o((1, 1, 300, 20))), {"block_size": np.int8(9)}, {"block_size": 9})
      for f, o in ((cn, np.ones), (ct, torch.ones))),
])  # fmt: skip
def test_a_small_type_of_integer_counts_as_far_as_any(function, given, plain):
    """numpy.uint8(255) + 1 is 0, and 2 ** numpy.uint8(9) too."""
    one, other = Row(function, given).call(), Row(function, plain).call()
    assert np.shape(one) == np.shape(other)
    assert same(one, other)
