"""Bad input to every argument of every public function gets a clear error.

Each row names a function, an argument, a bad value and what the message must say.
A last test walks the package and fails when an argument has no row.
"""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import companion.numpy as cn
import companion.torch as ct
from companion import data, experiments, masks, plots, schedules, theory
from companion.experiments import train_networks
from companion.verify import contract, mutants, properties

RNG = np.random.default_rng(0)
X, T = np.ones((2, 3)), torch.ones(2, 3)
KEEP = np.ones((2, 3), bool)
CURVES = {
    "rates": (0.0, 0.3), "seeds": (0, 1), "train_size": 60, "hidden": (4,), "epochs": 1,
    "batch_size": 30, "lr": 1e-2, "progress": False, "evaluate_every": None,
}  # fmt: skip


def linear(framework):
    dtype = np.float64 if framework is cn else torch.float64
    return framework.nn.Sequential(
        framework.nn.Linear(3, 2, np.random.default_rng(0), dtype)
    )


def fit_arguments(framework):
    model = linear(framework)
    x, labels = np.ones((4, 3)), np.zeros(4, int)
    if framework is ct:
        x, labels = torch.as_tensor(x), torch.as_tensor(labels)
    return {
        "model": model, "x": x, "labels": labels, "epochs": 1, "batch_size": 2,
        "optimizer": framework.nn.SGD(model.parameters(), lr=0.1),
        "rng": RNG, "progress": False,
    }  # fmt: skip


def network_arguments():
    return {"data": data.mnist1d(100, 20), **CURVES}


GOOD = data.mnist1d(100, 20)
UNEQUAL = GOOD._replace(y_test=GOOD.y_test[1:])
SIMPLE = ("TimeDropout", "GaussianDropout", "AlphaDropout", "AttentionDropout",
          "ChannelAlphaDropout")  # fmt: skip
SIMPLE_LAYERS = [getattr(framework, name) for framework in (cn, ct) for name in SIMPLE]


# Arguments with which each function works.
CONNECT = {
    "in_features": 3, "out_features": 2, "p": 0.3, "rng": RNG, "per_example": False,
}  # fmt: skip
WORD = {"words": 4, "features": 2, "p": 0.3, "rng": RNG}
RECURRENT = {
    "in_features": 3, "hidden_features": 2, "input_p": 0.3, "recurrent_p": 0.3,
    "rng": RNG,
}  # fmt: skip
DROPOUT = {"x": X, "p": 0.3, "rng": RNG, "training": True, "mask_shape": None}
FORWARD = {"x": X, "mask": KEEP, "p": 0.3}
BACKWARD = {"dy": X, "mask": KEEP, "p": 0.3}
PARAMETER = [cn.nn.Parameter(np.zeros(2))]
ARGUMENTS = {
    masks.keep_mask: {"shape": (2, 3), "p": 0.3, "rng": RNG},
    masks.block_keep_mask: {
        "shape": (2, 3, 5, 6), "p": 0.3, "block_size": 3, "rng": RNG,
    },
    masks.gaussian_noise: {"shape": (2, 3), "p": 0.3, "rng": RNG},
    masks.open_uniforms: {"shape": (2, 3), "rng": RNG},
    cn.alpha_dropout_forward: FORWARD,
    cn.alpha_dropout_backward: BACKWARD,
    ct.alpha_dropout_forward: FORWARD | {"x": T},
    ct.alpha_dropout_backward: BACKWARD | {"dy": T},
    cn.monte_carlo: {"model": cn.Dropout(0.3, RNG), "x": X, "passes": 2},
    ct.monte_carlo: {"model": ct.Dropout(0.3, RNG), "x": T, "passes": 2},
    cn.dropout_active: {"model": cn.Dropout(0.3, RNG)},
    ct.dropout_active: {"model": ct.Dropout(0.3, RNG)},
    cn.set_rate: {"model": cn.Dropout(0.3, RNG), "p": 0.1},
    ct.set_rate: {"model": ct.Dropout(0.3, RNG), "p": 0.1},
    cn.ChannelDropout: {"p": 0.3, "rng": RNG, "channels_last": False},
    ct.ChannelDropout: {"p": 0.3, "rng": RNG, "channels_last": False},
    cn.DropPath: {"p": 0.3, "rng": RNG, "scale_by_keep": True},
    ct.DropPath: {"p": 0.3, "rng": RNG, "scale_by_keep": True},
    **{layer: {"p": 0.3, "rng": RNG} for layer in SIMPLE_LAYERS},
    cn.DropBlock: {"p": 0.3, "block_size": 2, "rng": RNG},
    ct.DropBlock: {"p": 0.3, "block_size": 2, "rng": RNG},
    cn.ConcreteDropout: {"p": 0.3, "rng": RNG, "temperature": 0.1},
    ct.ConcreteDropout: {"p": 0.3, "rng": RNG, "temperature": 0.1},
    cn.DropConnect: CONNECT | {"dtype": float},
    ct.DropConnect: CONNECT | {"dtype": torch.float32},
    cn.WordDropout: WORD | {"dtype": float},
    ct.WordDropout: WORD | {"dtype": torch.float32},
    cn.VariationalRNN: RECURRENT | {"dtype": float},
    ct.VariationalRNN: RECURRENT | {"dtype": torch.float32},
    cn.nn.softmax: {"z": X},
    ct.nn.softmax: {"z": T},
    cn.nn.RDropLoss: {"weight": 1.0},
    ct.nn.RDropLoss: {"weight": 1.0},
    theory.block_drop_rate: {"gamma": 0.1, "map_shape": (5, 6), "block_size": 3},
    theory.block_start_rate: {"p": 0.1, "map_shape": (5, 6), "block_size": 3},
    theory.alpha_affine: {"p": 0.3},
    theory.kept_information: {"joint": np.eye(2) / 2, "p": 0.3},
    theory.mask_posterior: {"log_likelihood": np.zeros(4), "p": 0.3},
    schedules.depth_rates: {"p": 0.3, "depth": 4},
    schedules.linear_rate: {"step": 1, "first": 0.3, "last": 0.0, "steps": 4},
    schedules.early_rate: {"step": 1, "p": 0.3, "stop": 4, "linear": True},
    schedules.late_rate: {"step": 1, "p": 0.3, "start": 4},
    contract.violations: {
        "subject": SimpleNamespace(set_rate=cn.set_rate, Dropout=cn.Dropout,
                                   Sequential=cn.nn.Sequential),
        "rng": RNG, "only": None, "stop": False,
    },
    cn.dropout: DROPOUT,
    cn.dropout_forward: FORWARD,
    cn.dropout_backward: BACKWARD,
    cn.Dropout: {"p": 0.3, "rng": RNG},
    ct.dropout: DROPOUT | {"x": T},
    ct.dropout_forward: FORWARD | {"x": T},
    ct.dropout_backward: BACKWARD | {"dy": T},
    ct.Dropout: {"p": 0.3, "rng": RNG},
    cn.nn.Linear: {"in_features": 3, "out_features": 2, "rng": RNG, "dtype": float},
    ct.nn.Linear: {
        "in_features": 3, "out_features": 2, "rng": RNG, "dtype": torch.float32,
    },
    cn.nn.SGD: {"parameters": PARAMETER, "lr": 0.1, "momentum": 0.0, "weight_decay": 0.0},
    cn.nn.Adam: {"parameters": PARAMETER, "lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8},
    cn.nn.fit: fit_arguments(cn),
    ct.nn.fit: fit_arguments(ct),
    theory.all_masks: {"n": 3},
    theory.mask_probabilities: {"masks": KEEP, "p": 0.3},
    theory.network_averages: {"logits": np.ones((4, 3)), "p": 0.3},
    theory.ridge_weights: {"x": X, "t": np.ones(2), "p": 0.3},
    theory.logistic_penalty: {"x": X, "w": np.ones(3), "p": 0.3},
    theory.fisher_penalty: {"x": X, "w": np.ones(3), "p": 0.3},
    theory.dropped_mean: {"x": 1.0, "p": 0.3, "inverted": True},
    theory.dropped_variance: {"x": 1.0, "p": 0.3, "inverted": True},
    theory.dropped_covariance: {
        "mean": X[0], "covariance": np.eye(3), "p": 0.3, "inverted": True,
    },
    theory.gradient_moments: {"x": X[0], "t": 1.0, "w": X[0], "p": 0.3},
    data.mnist_digits: {"test_size": 1000, "seed": 0},
    data.mnist1d: {"samples": 100, "test_size": 20, "seed": 0},
    properties.count_is_plausible: {
        "count": 5, "n": 10, "probability": 0.5, "false_alarm": 1e-9,
    },
    properties.gradient_error: {
        "forward": lambda x: x, "backward": lambda dy: dy, "x": X, "dy": X, "eps": 1e-6,
    },
    experiments.mean_interval: {"values": [1.0, 2.0], "level": 0.95},
    experiments.draw_factors: {
        "shape": (2, 3), "p": 0.3, "rng": RNG, "noise": "gaussian",
    },
    experiments.activations: {
        "weights": [(torch.ones(2, 3, 4), torch.zeros(2, 1, 4))],
        "x": X.astype(np.float32), "factors": [None],
    },
    train_networks: network_arguments(),
}  # fmt: skip


P = [
    ("p", -0.1, ValueError, r"p must lie in \[0, 1\]; got -0.1"),
    ("p", 1.1, ValueError, r"got 1.1"),
    ("p", float("nan"), ValueError, "got nan"),
    ("p", float("inf"), ValueError, "got inf"),
    ("p", "0.5", TypeError, "p must be a real number.*'0.5'"),
    ("p", None, TypeError, "p must be a real number.*None"),
    ("p", True, TypeError, "p must be a real number.*True"),
    ("p", [0.5], TypeError, r"p must be a real number.*\[0.5\]"),
    ("p", np.array(0.5), TypeError, "p must be a real number"),
    ("p", 0.5 + 0j, TypeError, "p must be a real number"),
]
RNGS = [
    ("rng", 0, TypeError, "rng must be a numpy.random.Generator; got 0.*for ever"),
    ("rng", None, TypeError, "rng must be a numpy.random.Generator; got None"),
    ("rng", np.random.RandomState(0), TypeError, "rng must be"),
    ("rng", np.random.Generator(np.random.MT19937(0)), TypeError, "MT19937"),
]
MASK_SHAPES = [
    ("mask_shape", (3, 3), ValueError, r"mask_shape must broadcast.*\(3, 3\).*\(2, 3\)"),
    ("mask_shape", (1, 2, 3), ValueError, "mask_shape must broadcast"),
    ("mask_shape", (2, -1), ValueError, "sizes of 0 or more"),
    ("mask_shape", (2, 1.0), TypeError, "mask_shape must be an int or a tuple"),
    ("mask_shape", "23", TypeError, "mask_shape must be an int or a tuple"),
]
NOT_FLOATS = {
    cn: [X.astype(int), X.astype(bool), X.astype(complex), [1.0, 2.0], 1.0, None, T,
         np.ma.masked_array(X, KEEP)],
    ct: [T.int(), T.bool(), T.to(torch.complex64), [1.0, 2.0], 1.0, None, X],
}  # fmt: skip
BAD_MASKS = [
    ("mask", np.ones((2, 3)), TypeError, "mask must.*booleans.*float64"),
    ("mask", [[True]], TypeError, "mask must.*booleans.*list"),
    ("mask", np.ones((3, 3), bool), ValueError, r"mask must broadcast.*\(3, 3\)"),
    ("mask", np.ones((4, 2, 3), bool), ValueError, "mask must broadcast"),
]


def renamed(rows, name):
    return [
        (name, value, error, message.replace("p must", f"{name} must"))
        for _, value, error, message in rows
    ]


def steps(name):
    return [
        (name, -1, ValueError, f"{name} must be at least 0; got -1"),
        (name, 1.0, TypeError, f"{name} must be an int; got 1.0"),
        (name, True, TypeError, f"{name} must be an int"),
    ]


def counts(name):
    return [
        (name, 0, ValueError, f"{name} must be at least 1; got 0"),
        (name, 2.0, TypeError, f"{name} must be an int; got 2.0"),
        (name, True, TypeError, f"{name} must be an int"),
    ]


def rates(name, upper):
    return [
        (name, -1.0, ValueError, f"{name} must lie in"),
        (name, "0.1", TypeError, f"{name} must be a real number"),
        *([(name, 1.0, ValueError, f"{name} must lie in")] if upper else []),
    ]


TABLE = {masks.keep_mask: [
    *P, *RNGS,
    ("shape", (2, -1), ValueError, "sizes of 0 or more"),
    ("shape", 2.5, TypeError, "shape must be an int or a tuple"),
    ("shape", None, TypeError, "shape must be an int or a tuple"),
]}  # fmt: skip
SHAPES = [row for row in TABLE[masks.keep_mask] if row[0] == "shape"]
BELOW_1 = [*P, ("p", 1.0, ValueError, "p must be below 1")]
ROWS = [
    ("x", np.ones((2, 3), int), TypeError, "x must be a NumPy array of floats"),
    ("x", np.ones(3), ValueError, r"x must have shape \(N, n\); got \(3,\)"),
]
BLOCKS = [
    ("block_size", 0, ValueError, "block_size must be at least 1"),
    ("block_size", 6, ValueError, r"block_size must not exceed.*got 6.*\(5, 6\)"),
    ("block_size", 2.0, TypeError, "block_size must be an int; got 2.0"),
]
TABLE |= {
    masks.block_keep_mask: [
        *P, *RNGS, *BLOCKS, ("shape", (5, 6), ValueError, r"shape must be \(N, C, L\)"),
        ("shape", "23", TypeError, "shape must be an int or a tuple"),
    ],
    masks.gaussian_noise: [*BELOW_1, *RNGS, *SHAPES],
    masks.open_uniforms: [*RNGS, *SHAPES],
    theory.block_drop_rate: [
        *renamed(P, "gamma"), *BLOCKS,
        ("map_shape", (), ValueError, "block_size must not exceed"),
        ("map_shape", (5, 6.0), TypeError, "map_shape must be an int or a tuple"),
    ],
    theory.block_start_rate: [
        *P, *BLOCKS, ("map_shape", (2, 9), ValueError, r"got 3 for a map of shape \(2, 9\)"),
    ],
    theory.alpha_affine: [*BELOW_1],
    theory.kept_information: [
        *P,
        ("joint", [0.5, 0.5], TypeError, r"joint must be a NumPy array of floats; got \[0.5"),
        ("joint", np.array([1, 0]), TypeError, "joint must be a NumPy array of floats"),
        ("joint", np.array(1.0), ValueError, "joint must have one axis"),
        ("joint", np.array([1.5, -0.5]), ValueError, r"a smallest entry of -0\.5"),
        ("joint", np.array([0.5, 0.4]), ValueError, r"a sum of 0\.9"),
        ("joint", np.array([np.nan, 1.0]), ValueError, "a sum of nan"),
        ("joint", np.ones((1,) * 21), ValueError, r"n must lie in \[0, 20\]; got 21"),
    ],
    theory.mask_posterior: [
        *P,
        ("log_likelihood", [0.0, 0.0], TypeError, "must be a NumPy array of floats; got"),
        ("log_likelihood", np.zeros(3), ValueError, r"shape \(2\^n,\).*got \(3,\)"),
        ("log_likelihood", np.zeros(0), ValueError, r"got \(0,\)"),
        ("log_likelihood", np.zeros((2, 2)), ValueError, r"got \(2, 2\)"),
        ("log_likelihood", np.array([0.0, np.nan]), ValueError, "must be finite"),
        ("log_likelihood", np.array([0.0, -np.inf]), ValueError, "must be finite"),
    ],
    schedules.depth_rates: [*P, *counts("depth")],
    schedules.linear_rate: [
        *renamed(P, "first"), *renamed(P, "last"), *steps("step"), *counts("steps"),
    ],
    schedules.early_rate: [*P, *steps("step"), *counts("stop")],
    schedules.late_rate: [*P, *steps("step"), *steps("start")],
    contract.violations: [
        *RNGS, ("subject", object(), ValueError, "subject must have one of the names"),
        ("only", {"drpout"}, ValueError, "subject must have one of the names"),
    ],
}  # fmt: skip
for layer in SIMPLE_LAYERS:
    TABLE[layer] = [*P, *RNGS]
for framework in (cn, ct):
    no_dropout = framework.nn.ReLU()
    none = ("model", no_dropout, ValueError, "model must have a dropout layer")
    TABLE |= {
        framework.ChannelDropout: [*P, *RNGS],
        framework.DropPath: [*P, *RNGS],
        framework.DropBlock: [*P, *RNGS, *counts("block_size")],
        framework.ConcreteDropout: [
            *P, *RNGS, ("p", 0.0, ValueError, "p must lie strictly between 0 and 1"),
            ("p", 1.0, ValueError, "strictly"),
            ("temperature", "0.1", TypeError, "temperature must be a real number"),
            ("temperature", -1.0, ValueError, "temperature must be above 0; got -1.0"),
            ("temperature", 0.0, ValueError, "temperature must be above 0"),
        ],
        framework.DropConnect: [
            *P, *RNGS, *counts("in_features"), *counts("out_features"),
            ("dtype", np.int64 if framework is cn else torch.int64, TypeError, "dtype must be"),
        ],
        framework.WordDropout: [
            *P, *RNGS, *counts("words"), *counts("features"),
            ("dtype", np.int64 if framework is cn else torch.int64, TypeError, "dtype must be"),
        ],
        framework.VariationalRNN: [
            *renamed(P, "input_p"), *renamed(P, "recurrent_p"), *RNGS,
            *counts("in_features"),
            ("hidden_features", 0, ValueError, "(in|out|hidden)_features must be at least 1"),
            ("dtype", np.int64 if framework is cn else torch.int64, TypeError, "dtype must be"),
        ],
        framework.nn.RDropLoss: [*rates("weight", False)],
        framework.set_rate: [*P, none],
        framework.monte_carlo: [
            none, ("passes", 2.0, TypeError, "passes must be an int; got 2.0"),
            ("passes", True, TypeError, "passes must be an int"),
            ("passes", 1, ValueError, "passes must be at least 2; got 1. One pass has no"),
        ],
    }  # fmt: skip
for framework in (cn, ct):
    kind = "a NumPy array of floats" if framework is cn else "a torch tensor of floats"
    for function, argument in (
        (framework.dropout, "x"),
        (framework.dropout_forward, "x"),
        (framework.dropout_backward, "dy"),
        (framework.alpha_dropout_forward, "x"),
        (framework.alpha_dropout_backward, "dy"),
        (framework.nn.softmax, "z"),
    ):
        expected = f"{argument} must be ({kind}|a plain array)"
        TABLE[function] = [
            *P, *((argument, bad, TypeError, expected) for bad in NOT_FLOATS[framework]),
        ]  # fmt: skip
    TABLE[framework.nn.softmax] = [
        *(row for row in TABLE[framework.nn.softmax] if row[0] == "z"),
        (
            "z",
            np.float64(1) if framework is cn else T[0, 0],
            ValueError,
            "z must have shape",
        ),
    ]
    TABLE[framework.dropout] += RNGS + MASK_SHAPES
    TABLE[framework.dropout_forward] += BAD_MASKS
    TABLE[framework.dropout_backward] += BAD_MASKS
    TABLE[framework.alpha_dropout_forward] += BAD_MASKS
    TABLE[framework.alpha_dropout_backward] += BAD_MASKS
    TABLE[framework.Dropout] = P + RNGS
    TABLE[framework.nn.Linear] = [
        *counts("in_features"), *counts("out_features"), *RNGS,
        ("dtype", np.int64 if framework is cn else torch.int64, TypeError, "dtype must be"),
    ]  # fmt: skip
    of = np.asarray if framework is cn else torch.as_tensor
    TABLE[framework.nn.fit] = [
        *counts("epochs"), *counts("batch_size"), *RNGS,
        ("labels", of(np.zeros(3, int)), ValueError, "same length; got 4 and 3"),
        ("x", of(np.ones((5, 3))), ValueError, "same length; got 5 and 4"),
    ]  # fmt: skip
TABLE[cn.nn.fit] += [
    ("labels", np.zeros(4), TypeError, "labels must be integers"),
    ("labels", np.full(4, 2), ValueError, r"labels must lie in \[0, 2\); got 2..2"),
    ("labels", np.full(4, -1), ValueError, "got -1..-1"),
]
TABLE |= {
    cn.nn.SGD: [
        *rates("lr", False), *rates("momentum", True), *rates("weight_decay", False),
    ],
    cn.nn.Adam: [
        *rates("lr", False), *rates("eps", False),
        ("betas", (1.0, 0.9), ValueError, r"betas\[0\] must lie in"),
        ("betas", (0.9, "0"), TypeError, r"betas\[1\] must be a real number"),
    ],
    theory.all_masks: [
        ("n", 21, ValueError, r"n must lie in \[0, 20\]; got 21"),
        ("n", -1, ValueError, "got -1"),
        ("n", 2.0, TypeError, "n must be an int; got 2.0"),
    ],
    theory.mask_probabilities: [
        *P,
        ("masks", X, TypeError, "masks must be an array of booleans"),
        ("masks", KEEP[0], ValueError, r"masks must have shape \(m, n\); got \(3,\)"),
    ],
    theory.network_averages: [
        *P,
        ("logits", np.ones((4, 3), int), TypeError, "logits must be a NumPy array of floats"),
        ("logits", [[1.0]], TypeError, "logits must be a NumPy array of floats"),
        ("logits", np.ones((3, 3)), ValueError, r"logits must have shape .*got \(3, 3\)"),
        ("logits", np.ones((0, 3)), ValueError, r"logits must have shape .*got \(0, 3\)"),
        ("logits", np.ones(4), ValueError, r"logits must have shape .*got \(4,\)"),
    ],
    theory.ridge_weights: [
        *BELOW_1, *ROWS,
        ("t", [1.0, 2.0], TypeError, "t must be a NumPy array of floats"),
        ("t", np.ones(3), ValueError, r"t must have shape \(2,\); got \(3,\)"),
    ],
    **{
        function: [
            *BELOW_1, *ROWS,
            ("w", np.ones(3, int), TypeError, "w must be a NumPy array of floats"),
            ("w", np.ones(2), ValueError, r"w must have shape \(3,\); got \(2,\)"),
        ]
        for function in (theory.logistic_penalty, theory.fisher_penalty)
    },
    theory.dropped_mean: [*P, ("p", 1.0, ValueError, "p must be below 1")],
    theory.dropped_variance: [*P, ("p", 1.0, ValueError, "p must be below 1")],
    theory.dropped_covariance: [
        *BELOW_1,
        ("mean", X, ValueError, r"mean must have shape \(n,\); got \(2, 3\)"),
        ("mean", np.array(1.0), ValueError, r"mean must have shape \(n,\); got \(\)"),
        ("mean", 1.0, TypeError, "mean must be a NumPy array of floats; got 1.0"),
        ("mean", np.ones(3, int), TypeError, "mean must be a NumPy array of floats"),
        ("covariance", np.eye(2), ValueError, r"covariance must have shape \(3, 3\)"),
        ("covariance", [[1.0]], TypeError, "covariance must be a NumPy array of floats"),
    ],
    theory.gradient_moments: [
        *BELOW_1,
        ("x", X, ValueError, r"x must have shape \(n,\); got \(2, 3\)"),
        ("x", np.array(1.0), ValueError, r"x must have shape \(n,\); got \(\)"),
        ("x", [1.0], TypeError, "x must be a NumPy array of floats"),
        ("w", X, ValueError, r"w must have shape \(3,\); got \(2, 3\)"),
        ("w", np.ones(3, int), TypeError, "w must be a NumPy array of floats"),
        ("t", "1", TypeError, "t must be a real number; got '1'"),
        ("t", True, TypeError, "t must be a real number"),
    ],
    data.mnist_digits: [
        ("test_size", 0, ValueError, r"test_size must lie in \[1, 4999\]; got 0"),
        ("test_size", 5000, ValueError, "got 5000"),
        ("test_size", 0.2, TypeError, "test_size must be an int; got 0.2"),
        ("seed", -1, ValueError, "seed must be at least 0"),
        ("seed", None, TypeError, "seed must be an int"),
    ],
    data.mnist1d: [
        ("samples", 25, ValueError, "multiple of 10"),
        ("samples", 10, ValueError, "at least 20"),
        ("samples", 1e3, TypeError, "samples must be an int"),
        ("test_size", 100, ValueError, r"test_size must lie in \[1, 99\]"),
        ("seed", -1, ValueError, "seed must be at least 0"),
    ],
    properties.count_is_plausible: [
        ("count", 11, ValueError, r"count must lie in \[0, 10\]; got 11"),
        ("count", -1, ValueError, "got -1"),
        ("n", 4, ValueError, r"count must lie in \[0, 4\]"),
        ("probability", 1.5, ValueError, r"probability must lie in \[0, 1\]"),
        ("false_alarm", 0, ValueError, r"false_alarm must lie in \(0, 1\)"),
    ],
    properties.gradient_error: [
        ("x", X.astype(np.float32), TypeError, "x must be a float64 array"),
        ("eps", 0, ValueError, "eps must be above 0"),
        ("forward", lambda x: x * RNG.random(), ValueError, "forward must be deterministic"),
        ("backward", lambda dy: dy[0, :2], ValueError, "backward must return.*shape"),
        ("dy", np.ones(2), ValueError, "dy must have the shape of forward"),
    ],
    experiments.mean_interval: [
        ("values", [1.0], ValueError, "values must be 2 or more finite numbers"),
        ("values", [1.0, np.nan], ValueError, "finite"),
        ("values", X, ValueError, "values must be"),
        ("level", 1.0, ValueError, r"level must lie in \(0, 1\)"),
    ],
    experiments.draw_factors: [
        *P, *RNGS, *SHAPES,
        ("p", 1.0, ValueError, "p must be below 1"),
        ("noise", "uniform", ValueError, "noise must be among.*'uniform'"),
    ],
    experiments.activations: [
        ("factors", [None] * 2, ValueError, "factors must have one entry for each of 1"),
        ("x", X.T.astype(np.float32), ValueError, r"x must have 3 features.*\(3, 2\)"),
    ],
    train_networks: [
        *counts("epochs"), *counts("batch_size"), *counts("train_size"),
        *counts("evaluate_every"),
        ("rates", (), ValueError, "rates and seeds must not be empty"),
        ("rates", (0.0, 1.0), ValueError, "rates must be below 1"),
        ("rates", (-0.1,), ValueError, r"rates must lie in \[0, 1\]"),
        ("rates", (lambda step: 1.0,), ValueError, "rates must be below 1"),
        ("seeds", (), ValueError, "rates and seeds must not be empty"),
        ("seeds", (1, 1), ValueError, "seeds must all be different"),
        ("seeds", (-1,), ValueError, "seeds must be ints of 0 or more"),
        ("seeds", (0.5,), ValueError, "seeds must be ints of 0 or more"),
        ("seeds", (True,), ValueError, "seeds must be ints of 0 or more"),
        ("data", UNEQUAL, ValueError, "x and labels must have the same length"),
        ("hidden", (0,), ValueError, r"hidden\[0\] must be at least 1"),
        ("train_size", 81, ValueError, "train_size must lie between"),
        ("batch_size", 61, ValueError, "train_size must lie between"),
        ("lr", -1.0, ValueError, "lr must lie in"),
        ("lr", "1", TypeError, "lr must be a real number"),
        ("lr", (0.1, 0.2), TypeError, "lr must be one number for Adam"),
        ("hidden", (7,), ValueError, r"multiples of 4; got \(7,\)"),
        ("batch_size", 15, ValueError, "multiples of 4.* 15"),
        ("input_rate", 1.0, ValueError, "input_rate must be below 1"),
        ("input_rate", "0", TypeError, "input_rate must be a real number"),
        ("input_rate", (0.1,) * 7, ValueError, "input_rate must be one value or one for"),
        ("noise", "uniform", ValueError, "noise must be among"),
        ("momentum", 1.0, ValueError, "momentum must lie in"),
        ("momentum", "0.9", TypeError, "momentum must be a real number"),
        ("weight_decay", -1.0, ValueError, "weight_decay must lie in"),
        ("max_norm", 0.0, ValueError, "max_norm must be above 0"),
        ("max_norm", float("nan"), ValueError, "max_norm must be above 0"),
        ("max_norm", None, TypeError, "max_norm must be a real number"),
    ],
}  # fmt: skip
ROWS = [(function, *row) for function, rows in TABLE.items() for row in rows]


def name_of(value):
    return getattr(value, "__qualname__", None)


@pytest.mark.parametrize(
    ("function", "argument", "value", "error", "message"), ROWS, ids=name_of
)
def test_bad_value(function, argument, value, error, message):
    arguments = ARGUMENTS[function] | {argument: value}
    with pytest.raises(error, match=message):
        function(**arguments)


@pytest.mark.parametrize("function", TABLE, ids=name_of)
def test_good_values_work(function):
    function(**ARGUMENTS[function])


def test_a_mask_that_keeps_at_p_1_is_refused():
    for framework, x in ((cn, X), (ct, T)):
        with pytest.raises(ValueError, match="mask must be all False when p = 1"):
            framework.dropout_forward(x, KEEP, 1.0)
        for function in (
            framework.alpha_dropout_forward,
            framework.alpha_dropout_backward,
        ):
            with pytest.raises(ValueError, match="mask must be all False when p = 1"):
                function(x, KEEP, 1.0)


@pytest.mark.parametrize("framework", [cn, ct], ids=["numpy", "torch"])
def test_layers_refuse_an_x_that_does_not_fit(framework):
    ones = np.ones if framework is cn else torch.ones
    tokens = np.array if framework is cn else torch.tensor
    for layer, x, message in (
        (
            framework.ChannelDropout(0.3, RNG),
            ones((3, 4)),
            r"x must have shape \(N, C, L\)",
        ),
        (framework.TimeDropout(0.3, RNG), ones((3, 4)), r"x must have shape \(N, T, D\)"),
        (framework.DropPath(0.3, RNG), ones(()), r"x must have shape \(N, ...\)"),
        (
            framework.DropBlock(0.3, 2, RNG),
            ones((3, 4)),
            r"x must have shape \(N, C, L\)",
        ),
        (framework.DropBlock(0.3, 5, RNG), ones((3, 4, 4)), "block_size must not exceed"),
        (framework.AttentionDropout(0.3, RNG), ones(()), "scores must have shape"),
        (framework.GaussianDropout(1.0, RNG), ones(3), "p must be below 1"),
        (framework.DropConnect(3, 2, 0.3, RNG), ones(3), r"x must have shape \(n, in"),
        (framework.VariationalRNN(3, 2, 0.3, 0.3, RNG), ones((2, 3)), r"\(N, T, in"),
        (framework.WordDropout(4, 2, 0.3, RNG), tokens([4]), r"\[0, 4\).*got 4..4"),
    ):
        with pytest.raises(ValueError, match=message):
            layer(x)
    with pytest.raises(TypeError, match="tokens must be integers"):
        framework.WordDropout(4, 2, 0.3, RNG)(tokens([1.0]))
    loss = framework.nn.RDropLoss(1.0)
    with pytest.raises(ValueError, match="logits of both passes must have one shape"):
        loss(ones((2, 3)), ones((3, 3)), tokens([0, 1]))
    with (
        pytest.raises(ValueError, match="without one"),
        framework.dropout_active(framework.nn.ReLU()),
    ):
        pass
    with pytest.raises(ValueError, match="weight_scale must lie in"):
        framework.ConcreteDropout(0.3, RNG).penalty(
            None, weight_scale=-1.0, rate_scale=0.0
        )


@pytest.mark.parametrize("framework", [cn, ct], ids=["numpy", "torch"])
@pytest.mark.parametrize(
    ("layer", "argument"),
    [("Dropout", "x"), ("ConcreteDropout", "x"), ("AttentionDropout", "scores")],
)
def test_layers_name_what_is_not_made_of_floats(framework, layer, argument):
    as_array = np.asarray if framework is cn else torch.as_tensor
    integers, one = as_array([[1, 2]]), getattr(framework, layer)(0.3, RNG)
    with pytest.raises(TypeError, match=rf"^{argument} must be a"):
        one(integers)
    if framework is cn:
        one(as_array([[1.0, 2.0]]))
        with pytest.raises(TypeError, match=r"^dy must be a"):
            one.backward(integers)


def test_replay_needs_generators():
    with pytest.raises(TypeError, match="generators must not be empty"):
        ct.replay_masks()
    with pytest.raises(TypeError, match="got 7 of type int"):
        ct.replay_masks(7)


def test_numpy_layers_need_forward_before_backward():
    for layer in (cn.ChannelDropout(0.3, RNG), cn.ConcreteDropout(0.3, RNG)):
        with pytest.raises(RuntimeError, match="Call the layer first"):
            layer.backward(X)


def test_torch_generator_on_another_device_is_refused():
    with pytest.raises(ValueError, match="rng must live on the device of x"):
        ct.dropout(torch.ones(3, device="meta"), 0.3, torch.Generator())


def test_p_is_checked_again_at_the_call():
    for framework, x in ((cn, X), (ct, T)):
        layer = framework.Dropout(0.3, RNG)
        layer.p = 1.5
        with pytest.raises(ValueError, match=r"got 1\.5"):
            layer(x)


@pytest.mark.parametrize("framework", [cn, ct], ids=["numpy", "torch"])
@pytest.mark.parametrize("layer", ["Dropout", "GaussianDropout", "ConcreteDropout"])
def test_rng_is_checked_again_at_the_call(layer, framework):
    one = getattr(framework, layer)(0.3, RNG)
    one.rng = 3
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator; got 3"):
        one(X if framework is cn else T)


def test_layers_and_losses():
    with pytest.raises(TypeError, match=r"layers must be Modules.*'relu'"):
        cn.nn.Sequential("relu")
    with pytest.raises(ValueError, match=r"logits must have shape.*\(2,\) and \(2,\)"):
        cn.nn.CrossEntropyLoss()(np.ones(2), np.zeros(2, int))
    with pytest.raises(ValueError, match=r"logits must have shape.*\(0, 2\)"):
        cn.nn.CrossEntropyLoss()(np.ones((0, 2)), np.zeros(0, int))
    for framework, of in ((cn, np.asarray), (ct, torch.as_tensor)):
        with pytest.raises(ValueError, match="same length"):
            framework.nn.evaluate(linear(framework), of(X), of(np.zeros(3, int)))
    for wrong in (None, 0.25, np.zeros(2, int), torch.zeros(2), torch.zeros(2, 1).long()):
        with pytest.raises((TypeError, ValueError), match="labels must"):
            ct.nn.evaluate(linear(ct), T, wrong)
        with pytest.raises((TypeError, ValueError), match="labels must"):
            ct.nn.RDropLoss(1.0)(T, T, wrong)
    for wrong in (None, X, T.to_sparse()):
        with pytest.raises(TypeError, match="x must be a dense torch tensor; got"):
            ct.nn.evaluate(linear(ct), wrong, torch.zeros(2).long())
        with pytest.raises(TypeError, match="second must be"):
            ct.nn.RDropLoss(1.0)(T, wrong, torch.zeros(2).long())


def test_figures():
    ax = plots.plt.subplots()[1]
    with pytest.raises(ValueError, match="mask must be a 2-D array of booleans"):
        plots.draw_mask(ax, np.ones(3, bool))
    with pytest.raises(ValueError, match="keeps must hold 1-D arrays of booleans"):
        plots.draw_network(ax, [np.ones(3)])
    with pytest.raises(ValueError, match="keeps must hold"):
        plots.draw_network(ax, [])
    for draw in (plots.draw_intervals, plots.draw_band):
        with pytest.raises(ValueError, match="same length; got 1 and 0"):
            draw(ax, [0.0], [])
        with pytest.raises(TypeError, match=r"must be Intervals; got \(1.0, 2.0\)"):
            draw(ax, [0.0], [(1.0, 2.0)])
    plots.plt.close("all")


# Arguments that take any object, or are tested by a function of their own above.
EXEMPT = {
    "training": "any truth value", "progress": "any truth value", "inverted": "any truth value",
    "parameters": "any list", "model": "any module", "optimizer": "any optimiser",
    "data": "any Split", "channels_last": "any truth value", "stop": "any truth value", "linear": "any truth value",
    "scale_by_keep": "any truth value", "per_example": "any truth value",
}  # fmt: skip


@pytest.mark.parametrize("function", TABLE, ids=name_of)
def test_every_argument_has_a_row(function):
    tested = {argument for argument, *_ in TABLE[function]}
    arguments = set(inspect.signature(function).parameters)
    exempt = set(EXEMPT)
    if function in (
        theory.dropped_mean,
        theory.dropped_variance,
        cn.monte_carlo,
        ct.monte_carlo,
    ):
        exempt |= {"x"}
    if function is schedules.early_rate:
        exempt -= {"stop"}
    if function is experiments.activations:
        exempt |= {"weights"}
    assert arguments - tested - exempt == set()


def test_every_public_function_is_here():
    public = {
        train_networks, experiments.mean_interval, experiments.draw_factors,
        experiments.activations,
    }  # fmt: skip
    for module in (
        masks,
        cn,
        cn.nn,
        ct,
        ct.nn,
        theory,
        data,
        properties,
        schedules,
        contract,
        mutants,
    ):
        for name, value in vars(module).items():
            if (
                (inspect.isfunction(value) or inspect.isclass(value))
                and (inspect.isfunction(value) or name in {*cn.__all__, "RDropLoss"})
                and not name.startswith("_")
                and name in getattr(module, "__all__", [name])
                and (hasattr(module, "__all__") or value.__module__ == module.__name__)
            ):
                public.add(value)
    tested_above = {
        plots.use_style, cn.dropout_active, ct.dropout_active, ct.replay_masks,
        contract.property_of, contract.property_of_every_layer, mutants.mutant, mutants.kills,
        properties.binomial, properties.reader_findings, cn.nn.evaluate, ct.nn.evaluate, cn.nn.fit, ct.nn.fit,
    }  # fmt: skip
    assert public - set(TABLE) - tested_above == set()
