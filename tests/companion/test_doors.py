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
    slow_down,
    step_time,
)
from companion.experiments.training import autoencoder, copies, engine, forward, recurrent
from companion.verify import contract, entrance, properties

from .kinds import KINDS as LAYERS
from .kinds import an_input, build
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
        masked=lambda v: np.ma.array(v), complex=complex,
    ),
}  # fmt: skip
REALS = NUMBERS | passes(
    fraction=Fraction, double=np.float64, single=np.float32, long=np.longdouble
)
RATES = {**REALS, **anyhow(-0.1, 1.1, float("inf"))}
INTS = {
    **NUMBERS, **refused(float=float, fraction=lambda v: Fraction(2 * v + 1, 2)),
    **passes(int64=np.int64, uint8=np.uint8),
}  # fmt: skip
FLAGS = {
    **NOTHING, **anyhow("False", [True], np.array([True, False])),
    **refused(tensor=torch.tensor), **passes(numpy=np.bool_),
}  # fmt: skip
GENERATORS = anyhow(
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
        strings=lambda v: tuple(map(str, v)),
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
SPARSE = refused(sparse=lambda v: scipy.sparse.csr_array(np.ones((2, 3))))
ARRAYS = {
    **NOTHING, **FOREIGN, **SPARSE,
    **refused(
        list=lambda v: v.tolist(), scalar=lambda _: 1.0, bool=lambda v: v > 0,
        complex=lambda v: v + 1j, int=lambda v: v.astype(int), tensor=torch.as_tensor,
    ),
    **passes(
        read_only=read_only, byte_swapped=lambda v: v.astype(v.dtype.newbyteorder()),
        fortran=np.asfortranarray, reversed=lambda v: np.ascontiguousarray(v[::-1])[::-1],
        long=lambda v: v.astype(np.longdouble), subclass=subclass,
        strided=lambda v: np.repeat(v, 2, axis=0)[::2],
    ),
}  # fmt: skip
BOOLEANS = {
    **NOTHING, **FOREIGN,
    **refused(list=lambda v: v.tolist(), scalar=lambda _: True,
              float=lambda v: v.astype(float), int=lambda v: v.astype(int)),
    **passes(read_only=read_only, fortran=np.asfortranarray,
             strided=lambda v: np.repeat(v, 2, axis=0)[::2]),
}  # fmt: skip
MASKS = BOOLEANS | refused(
    sparse=lambda v: torch.as_tensor(v).to_sparse(), wide=lambda v: np.stack([v] * 3),
)  # fmt: skip
LABELS = {
    **NOTHING, **FOREIGN, **SPARSE,
    **refused(float=lambda v: v * 1.0, bool=lambda v: v > 0, complex=lambda v: v + 0j,
              negative=lambda v: v - 1, high=lambda v: v + 99),
    **passes(read_only=read_only, byte_swapped=lambda v: v.astype(v.dtype.newbyteorder()),
             int32=lambda v: v.astype(np.int32), uint8=lambda v: v.astype(np.uint8)),
}  # fmt: skip
jagged = lambda v: torch.nested.nested_tensor([v[0], v[0]], layout=torch.jagged)  # noqa: E731
ONLY_TENSORS = refused(
    packed=lambda v: torch.nn.utils.rnn.pack_sequence([torch.ones(3, 4)]),
    sparse=lambda v: v.to_sparse(), list=lambda v: v.tolist(), array=lambda v: v.numpy(),
    complex=lambda v: v + 1j, bool=lambda v: v > 0,
)  # fmt: skip
TENSORS = {
    **NOTHING, **ONLY_TENSORS,
    **refused(int=lambda v: v.int(), scalar=lambda _: 1.0,
              float8=lambda v: v.to(torch.float8_e4m3fn)),
    **passes(negated=lambda v: torch.complex(v, -v).conj().imag, subclass=lambda v: v.as_subclass(Tensor),
             strided=lambda v: v.repeat_interleave(2, dim=0)[::2],
             parameter=lambda v: torch.nn.Parameter(v)),
}  # fmt: skip
TOKENS = {
    **NOTHING, **ONLY_TENSORS,
    **refused(float=lambda v: v.float(), negative=lambda v: v - 1, high=lambda v: v + 99),
    **passes(int32=lambda v: v.int(), strided=lambda v: v.repeat_interleave(2, dim=0)[::2]),
}  # fmt: skip


# Rows: a name, a function, its arguments with the doors of each ------------------------
RNG = object()  # stands for a fresh generator
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
    **dict.fromkeys(("model", "optimizer", "data"), anyhow(None, "x", 3)),
}  # fmt: skip


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
        given = {k: rng() if v is RNG else v for k, v in (self.given | changed).items()}
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


def losses():
    """Yield the rows of what is called with logits and labels, and of training."""
    for kind, framework in PAIR.items():
        nn, own = framework.nn, {} if framework is cn else of_torch()
        x, labels, dtype = np.ones((4, 3)), np.array([0, 1, 1, 0]), np.float64
        if framework is ct:
            x, labels, dtype = torch.as_tensor(x), torch.as_tensor(labels), torch.float64

        def model(nn=nn, dtype=dtype):
            return nn.Sequential(nn.Linear(3, 2, rng(), dtype), nn.ReLU())

        def fit(nn=nn, model=model, **given):
            net = model()
            return nn.fit(net, optimizer=nn.SGD(net.parameters(), lr=0.1), **given)

        def evaluate(nn=nn, model=model, **given):
            return nn.evaluate(model(), **given)

        def r_drop(nn=nn, **given):
            return nn.RDropLoss(1.0)(**given)

        both = {"first": own.get("x", ARRAYS), "second": own.get("x", ARRAYS)}
        training = {"epochs": 1, "batch_size": 2, "rng": RNG, "progress": False}
        yield Row(
            fit,
            {"x": x, "labels": labels, **training},
            own | {"rng": NUMPY_GENERATORS},
            f"{kind}.nn.fit",
        )
        yield Row(evaluate, {"x": x, "labels": labels}, own, f"{kind}.nn.evaluate")
        yield Row(
            r_drop,
            {"first": x, "second": x, "labels": labels},
            own | both,
            f"{kind}.nn.RDropLoss()",
        )


def of_models():
    """Yield the rows of functions over a model."""
    for kind, framework in PAIR.items():
        layer = framework.Dropout(0.25, rng())
        mine = {} if framework is cn else of_torch()
        mine, x = mine | {"x": {}}, np.ones((4, 3))  # any input of the model
        if framework is ct:
            x = torch.as_tensor(x)
        yield Row(
            framework.monte_carlo,
            {"model": layer, "x": x, "passes": 2},
            mine,
            f"{kind}.monte_carlo",
        )
        yield Row(framework.set_rate, {"model": layer, "p": 0.25}, {}, f"{kind}.set_rate")

        def active(model, framework=framework):
            with framework.dropout_active(model):
                pass

        yield Row(active, {"model": layer}, {}, f"{kind}.dropout_active")


TOKENS_PLAIN = {
    k: d
    for k, d in TOKENS.items()
    if k not in ("refused high", "refused negative", "passes int32")
}
ROUND = {"shape": (2, 3), "p": 0.25, "rng": RNG}
PARAMETERS = [cn.nn.Parameter(np.zeros(2))]
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
    yield Row(theory.dropped_mean, {"x": X[0], "p": 0.25, "inverted": True})
    yield Row(theory.dropped_variance, {"x": X[0], "p": 0.25, "inverted": True})
    yield Row(
        theory.dropped_covariance,
        {"mean": X[0], "covariance": np.eye(3), "p": 0.25, "inverted": True},
    )
    yield Row(
        theory.gradient_moments, {"x": X[0], "t": 1.0, "w": X[0], "p": 0.25}, {"t": REALS}
    )


def of_one_framework():
    """Yield the rows of schedules, data, NumPy's optimisers and figures."""
    yield Row(schedules.depth_rates, {"p": 0.25, "depth": 4})
    yield Row(schedules.linear_rate, {"step": 1, "first": 0.25, "last": 0.0, "steps": 4})
    yield Row(schedules.early_rate, {"step": 1, "p": 0.25, "stop": 4, "linear": True})
    yield Row(schedules.late_rate, {"step": 1, "p": 0.25, "start": 4})
    yield Row(data.mnist_digits, {"test_size": 1000, "seed": 0})
    yield Row(data.mnist1d, {"samples": 100, "test_size": 20, "seed": 0})
    yield Row(
        cn.nn.SGD,
        {"parameters": PARAMETERS, "lr": 0.1, "momentum": 0.0, "weight_decay": 0.0},
        {"parameters": {}},
    )
    yield Row(cn.nn.Adam, {"parameters": PARAMETERS, "lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8},
              {"parameters": {}, "betas": anyhow(None, 0.9, (0.9,), "ab", (1.0, 0.9), (0.9, "0"))})  # fmt: skip
    yield Row(cn.nn.Parameter, {"value": X}, {"value": ARRAYS})
    yield Row(
        plots.draw_mask,
        {"ax": AX, "mask": KEEP, "title": ""},
        {"ax": anyhow(None, 3), "title": {}},
    )
    yield Row(plots.draw_network, {"ax": AX, "keeps": [KEEP[0], KEEP[1]], "title": ""},
              {"ax": anyhow(None, 3), "title": {}, "keeps": anyhow(None, 3, [], [X[0]], [KEEP], ["a"], [np.ma.array(KEEP[0], mask=KEEP[0])])})  # fmt: skip
    yield Row(plots.draw_intervals, {"ax": AX, "positions": [0.0], "intervals": [statistics.Interval(1, 0, 2, 3)], "label": None, "color": "#000000", "marker": "o"},
              {"ax": anyhow(None, 3), "positions": anyhow(None, 3, [], [None], ["a"]), "intervals": anyhow(None, 3, [], [None], [1.0]), "label": {}, "color": {}, "marker": {}})  # fmt: skip
    yield Row(plots.draw_band, {"ax": AX, "positions": [0.0], "intervals": [statistics.Interval(1, 0, 2, 3)], "label": None, "color": "#000000", "line": "-"},
              {"ax": anyhow(None, 3), "positions": anyhow(None, 3, [], [None], ["a"]), "intervals": anyhow(None, 3, [], [None], [1.0]), "label": {}, "color": {}, "line": {}})  # fmt: skip


def of_judges():
    """Yield the rows of verify and of statistics."""
    yield Row(
        properties.count_is_plausible,
        {"count": 5, "n": 10, "probability": 0.5, "false_alarm": 1e-9},
    )
    yield Row(entrance.verify, {"dropout": cn.dropout, "rng": RNG, "level": "quick", "kind": None, "framework": None},
              {"rng": {k: d for k, d in NUMPY_GENERATORS.items() if "None" not in k}, "dropout": anyhow(None, 3, "x"),
               "level": NAMES, "kind": anyhow(3, "nothing"), "framework": anyhow(3, "jax")})  # fmt: skip
    yield Row(contract.violations, {"subject": cn, "rng": RNG, "only": {"dropout_forward"}, "stop": True},
              {"subject": anyhow(None, 3), "only": anyhow({"drpout"}, 3, "dropout"), "stop": FLAGS})  # fmt: skip
    yield Row(
        statistics.mean_interval,
        {"values": [1.0, 2.0, 4.0], "level": 0.95},
        {"values": SAMPLES},
    )
    yield Row(
        statistics.spread_ratio,
        {"first": [1.0, 2, 4, 3], "second": [4.0, 1, 2, 7], "level": 0.95},
        dict.fromkeys(("first", "second"), SAMPLES),
    )
    yield Row(statistics.mean_ratio, {"values": [1.0, 2.0], "base": [1.0, 3.0]},
              {"values": {k: d for k, d in SAMPLES.items() if "nan" not in k}, "base": SAMPLES})  # fmt: skip


def of_instruments():
    """Yield the rows of what measures."""
    labels, odds = np.array([0, 1, 1, 0]), {"probabilities": ARRAYS}
    right = {"probabilities": PROBABILITIES, "labels": labels}
    yield Row(confidence.confidence_gap, right, odds)
    yield Row(confidence.calibration_error, right | {"bins": 5}, odds)
    yield Row(forward.draw_factors, ROUND | {"noise": "gaussian"}, {"noise": NAMES})
    yield Row(
        forward.activations,
        {"weights": WEIGHTS, "x": SINGLE, "factors": [None, None]},
        {"weights": anyhow(None, 3, []), "factors": anyhow(3, [], [None] * 3)},
    )
    yield Row(
        leave_one_out.leave_one_out,
        {"weights": WEIGHTS, "x": SINGLE, "labels": labels[:2]},
        {"weights": anyhow(None, 3, [])},
    )
    yield Row(
        leave_one_out.unit_correlation,
        {"weights": WEIGHTS, "x": SINGLE},
        {"weights": anyhow(None, 3, [])},
    )
    yield Row(slow_down.epochs_to_reach, {"losses": X[:, ::-1], "epochs": (1, 2, 3), "target": 0.5},
              {"losses": ARRAYS, "target": REALS, "epochs": anyhow(None, 3, (), (1,), "abc")})  # fmt: skip
    yield Row(
        hidden_units.roughness, {"features": np.ones((2, 28, 28))}, {"features": ARRAYS}
    )
    yield Row(
        hidden_units.pixels_in_use,
        {"features": np.ones((2, 28, 28))},
        {"features": ARRAYS},
    )
    yield Row(hidden_units.live_units, {"hidden": np.ones((2, 3, 4))}, {"hidden": ARRAYS})
    yield Row(step_time.relative_times, {"functions": {"a": int, "b": int}, "rounds": 4, "warm_up": 0, "clock": None},
              {"clock": {}, "functions": anyhow(None, 3, {}, {"a": 3})})  # fmt: skip


def of_trainings():
    """Yield the rows of what trains."""
    yield Row(engine.train_networks, {"data": GOOD, "rates": (0.0, 0.25), "seeds": (0, 1), **PLAN, "input_rate": 0.0,
                                      "noise": "bernoulli", "momentum": 0.9, "weight_decay": 0.0, "max_norm": 3.0,
                                      "evaluate_every": 1, "progress": False},
              {"rates": FEW_RATES, "seeds": SEEDS, "hidden": SIZES, "noise": NAMES,
               "momentum": {k: d for k, d in REALS.items() if "None" not in k and "array" not in k and "list" not in k}})  # fmt: skip
    yield Row(recurrent.train_recall, {"kinds": ("none",), "seeds": (0, 1), "p": 0.25, "delay": 1, "hidden": 4, "steps": 1, "batch_size": 2, "lr": 0.01, "progress": False},
              {"kinds": anyhow(None, 3, (), ("no",)), "seeds": SEEDS, "hidden": INTS})  # fmt: skip
    yield Row(autoencoder.train_autoencoders, {"rates": (0.0, 0.25), "seeds": (0, 1), "units": 4, "steps": 1, "progress": False},
              {"rates": FEW_RATES, "seeds": SEEDS})  # fmt: skip
    yield Row(copies.train_with_copies, {"data": GOOD, "p": 0.25, "copies": 1, "seeds": (0, 1), **{k: v for k, v in PLAN.items() if k != "train_size"}},
              {"seeds": SEEDS, "hidden": SIZES})  # fmt: skip
    yield Row(
        finding.verdict,
        {"reproduces": True, "weaker": False},
        dict.fromkeys(("reproduces", "weaker"), FLAGS),
    )


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


# Doors of single arguments that are right although the common ones would be refused, or
# that are judged under another name.
DIFFERENT = {
    ("monte_carlo", "passes"): "passes",  # draws on: two calls differ
    ("SGD", "parameters"): "", ("Adam", "parameters"): "", ("Parameter", "value"): "",
    ("train_networks", "evaluate_every"): "None",
    ("train_networks", "data"): "", ("train_with_copies", "data"): "",
    ("draw_mask", "ax"): "", ("draw_network", "ax"): "", ("draw_intervals", "ax"): "",
    ("draw_intervals", "positions"): "", ("draw_band", "ax"): "", ("draw_band", "positions"): "",
    ("dropped_mean", "x"): "scalar",
    ("dropped_variance", "x"): "scalar", ("gradient_moments", "t"): "refused",
    ("mnist_digits", "test_size"): "uint8", ("verdict", "reproduces"): "", ("verdict", "weaker"): "",
    ("violations", "only"): "", ("confidence_gap", "probabilities"): "",
    ("calibration_error", "probabilities"): "", ("live_units", "hidden"): "",
    ("pixels_in_use", "features"): "", ("roughness", "features"): "",
    ("train_networks", "progress"): "", ("train_autoencoders", "progress"): "",
    ("train_autoencoders", "seeds"): "", ("RDropLoss", "labels"): "sparse",
    ("fit", "x"): "", ("evaluate", "x"): "",  # what the model takes
    ("leave_one_out", ""): "", ("unit_correlation", ""): "", ("activations", ""): "",
    ("epochs_to_reach", ""): "", ("relative_times", ""): "", ("train_with_copies", ""): "",
    ("train_recall", "lr"): "fraction", ("train_recall", "hidden"): "",
}  # fmt: skip


def left_out(row, argument, door):
    """Is this door one of those that are not walked?"""
    name = row.name.rpartition(".")[2].split("(")[0]
    return any(
        (name, part) in DIFFERENT and DIFFERENT[name, part] in door
        for part in (argument, "")
    )


ROWS = [
    row
    for part in (
        in_both,
        layer_calls,
        losses,
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
    wrong = []
    for argument, plain in row.given.items():
        for door, (make, equal) in row.doors(argument).items():
            if left_out(row, argument, door):
                continue
            try:
                found = row.call(**{argument: make(plain)})
            except Exception as error:
                if equal or not ours(error, argument):
                    wrong.append((argument, door, repr(error)[:200]))
            else:
                if not equal or not same(found, row.call()):
                    wrong.append((argument, door, "went through"))
    assert not wrong


# Holders of numbers, and what is called with functions: no doors to walk.
NOT_WALKED = {
    "About", "ArrayLayer", "Autoencoders", "CrossEntropyLoss", "Finding", "Interval", "Module", "ReLU",
    "Recall", "Report", "Row", "Sequential", "Split", "Trained", "Violation", "as_html", "binomial",
    "bootstrap_interval", "damaged_accuracy", "driven_by", "experiment", "experiments", "gradient_error",
    "layer_of", "level_rows", "mean_row", "over_arrays", "paired_rows", "reader_findings", "replay_masks",
    "sweep_panels", "train_each", "use_style",
}  # fmt: skip


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
