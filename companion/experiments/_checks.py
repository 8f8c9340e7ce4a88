"""What trainings and instruments check of data, and of stacked networks."""

import numpy as np
import torch

from companion._arguments import (
    as_array,
    check_array,
    check_length,
    check_mask_fits,
    check_numbers,
    check_same_length,
    check_sequence,
)

SPLIT = ("x_train", "y_train", "x_test", "y_test")
DTYPES = {torch.float32: np.float32, torch.float64: np.float64}


def plain(array, dtype):
    """Return an array as PyTorch can take it: of this dtype, contiguous, writable."""
    return np.require(array, dtype, "CW")


def check_split(data):
    """Return a `Split` as float32 and int64, or raise: what is learned is asked, too."""
    if getattr(data, "_fields", None) != SPLIT:
        raise TypeError(
            f"data must be a companion.data.Split; got {data!r} of type "
            f"{type(data).__name__}. Pass for example companion.data.mnist1d()."
        )
    classes = np.inf
    for part in ("train", "test"):
        x, labels = getattr(data, f"x_{part}"), getattr(data, f"y_{part}")
        check_array(f"data.x_{part}", x)
        labels = check_numbers(f"data.y_{part}", labels, classes)
        if x.ndim != 2 or labels.ndim != 1 or not labels.size:
            raise ValueError(
                "data must hold inputs (n, features) and labels (n,), n > 0; got "
                f"{x.shape} and {labels.shape}."
            )
        check_same_length(x, labels)
        classes = min(classes, int(labels.max()) + 1)
        fields = {f"x_{part}": plain(x, np.float32), f"y_{part}": plain(labels, np.int64)}
        data = data._replace(**fields)
    if data.x_train.shape[1] != data.x_test.shape[1]:
        raise ValueError(
            "data must have the same features in training and test; got "
            f"{data.x_train.shape[1]} and {data.x_test.shape[1]}."
        )
    return data


def check_settings(settings):
    """Raise unless settings are triples: a function, a rate and a dict."""
    each = settings.values() if isinstance(settings, dict) else [settings]
    for one in each:
        if not isinstance(one, tuple) or [*map(callable, one)] != [True, False, False]:
            raise TypeError(
                "settings must be a dict of triples (function, rate, arguments); got "
                f"{settings!r}."
            )


def check_weights(weights, at_least=1):
    """Return stacked weights as a tuple of pairs that fit each other, or raise."""
    weights = check_sequence("weights", weights)
    check_length("weights", weights, at_least)
    before = None
    for pair in weights:
        pair = check_sequence("weights", pair)
        shapes = [tuple(getattr(part, "shape", ())) for part in pair]
        if not all(
            getattr(part, "dtype", None) in DTYPES and part.is_cpu for part in pair
        ):
            raise TypeError(
                f"weights must be pairs of float tensors on the CPU; got {pair!r}."
            )
        networks, _, out = shapes[0] if len(shapes[0]) == 3 else (0, 0, 0)
        wanted = [(networks, shapes[0][1] if before is None else before, out)]
        if not networks or shapes != [*wanted, (networks, 1, out)]:
            raise ValueError(
                "weights must be pairs of shapes (networks, in, out) and (networks, 1, "
                f"out), layer after layer; got {shapes}."
            )
        before = out
    return weights


def as_inputs(x, weights):
    """Return inputs of stacked networks, which were checked, as a tensor, or raise."""
    (networks, features, _), dtype = weights[0][0].shape, weights[0][0].dtype
    if not isinstance(x, torch.Tensor):
        check_array("x", x)
        x = torch.from_numpy(plain(x, DTYPES[dtype]))
    if x.dtype != dtype or x.layout != torch.strided or x.is_nested or not x.is_cpu:
        raise TypeError(
            f"x must be of {dtype} and dense, on the CPU, like the weights; got {x!r}."
        )
    if x.ndim not in (2, 3) or x.shape[-1] != features:
        raise ValueError(
            f"x must have {features} features, like the first weight, and 2 or 3 axes; "
            f"got shape {tuple(x.shape)}."
        )
    if x.ndim == 3 and len(x) not in (1, networks):
        raise ValueError(f"x must be one or {networks}, for the networks; got {len(x)}.")
    return x


def as_factor(factor, shape):
    """Return what an input of this shape is multiplied with as a tensor, or raise."""
    factor = as_array("factors", factor)
    if factor.dtype.kind not in "fiu":
        raise TypeError(f"factors must be None or arrays of numbers; got {factor!r}.")
    check_mask_fits(factor.shape, shape, "factors")
    return torch.from_numpy(plain(factor, np.float32))
