"""What the PyTorch functions check of their tensors, and the dtype they compute in."""

import numpy as np
import torch

from companion._arguments import (
    check_axes,
    check_logits,
    check_mask,
    check_mask_fits,
    check_nothing_kept,
    check_output,
    check_p,
)
from companion.torch._private import can_be_read, is_stray

FLOATS = {torch.float16, torch.bfloat16, torch.float32, torch.float64}


def check_floats(x, name):
    """Raise unless x is a dense tensor of real floats, of 16 bits or more."""
    if not isinstance(x, torch.Tensor) or x.dtype not in FLOATS:
        kind = getattr(x, "dtype", type(x).__name__)
        raise TypeError(
            f"{name} must be a torch tensor of floats; got {kind}. "
            f"Convert it first, for example torch.as_tensor({name}, dtype=torch.float32)."
        )
    if x.is_nested or x.layout != torch.strided:
        kind = "a nested tensor" if x.is_nested else x.layout
        raise TypeError(
            f"{name} must be dense; got {kind}. Pass {name}.to_dense(), of a nested "
            f"tensor {name}.to_padded_tensor(0.0) or {name}.values()."
        )
    if is_stray(x):
        raise TypeError(
            f"{name} must have numbers; got a fake tensor outside the mode that "
            "made it. Call this inside its FakeTensorMode."
        )


def check_features(x, weight, axes, layout):
    """Raise unless x, shape (..., in), suits the weight of a layer, shape (out, in)."""
    check_floats(x, "x")
    check_axes("x", x.shape, axes, layout)
    if x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"x must have shape {layout}, in_features {weight.shape[1]}; got "
            f"{tuple(x.shape)}."
        )
    if x.dtype == weight.dtype and x.device == weight.device:
        return
    known = weight.is_meta or torch.is_autocast_enabled(weight.device.type)
    if x.device != weight.device or not known:
        raise TypeError(
            "x must have the dtype and the device of the weights, "
            f"{weight.dtype} on {weight.device}; got {x.dtype} on {x.device}. Pass "
            "x.to(layer.weight), or move the model."
        )


def check_masked(x, mask, p, name="x"):
    """Return the mask as a tensor beside x, and p, or raise unless they fit x."""
    p = check_p(p)
    check_floats(x, name)
    if isinstance(mask, np.ndarray):
        # Tensors know no read-only memory and no negative strides: such masks are copied.
        mask = torch.from_numpy(np.require(check_mask(mask), requirements="CW"))
    if not isinstance(mask, torch.Tensor) or mask.dtype != torch.bool:
        kind = getattr(mask, "dtype", type(mask).__name__)
        raise TypeError(
            f"mask must hold booleans, True = keep; got {kind}. "
            "Draw it with keep_mask(x.shape, p, rng)."
        )
    if mask.is_nested or mask.layout != torch.strided:
        raise TypeError("mask must be dense; got another layout. Pass mask.to_dense().")
    if is_stray(mask) or (mask.is_meta and not x.is_meta):
        raise TypeError("mask must have numbers where x has; got one without data.")
    check_mask_fits(mask.shape, x.shape)
    if p == 1.0 and can_be_read(mask):
        check_nothing_kept(mask.any())
    return mask.to(x.device), p


def check_tokens(tokens, words):
    """Raise unless tokens is a tensor of integers in [0, words)."""
    if not isinstance(tokens, torch.Tensor) or tokens.dtype not in (
        torch.int32,
        torch.int64,
    ):
        kind = getattr(tokens, "dtype", type(tokens).__name__)
        raise TypeError(
            f"tokens must be integers, a tensor of int32 or int64; got {kind}. "
            "Pass the numbers of the words."
        )
    if tokens.is_nested or tokens.layout != torch.strided:
        raise TypeError("tokens must be dense; got a sparse or nested one: .to_dense().")
    if not can_be_read(tokens):
        return
    if tokens.numel() and not 0 <= tokens.min() <= tokens.max() < words:
        raise ValueError(
            f"tokens must lie in [0, {words}), the rows of the table; got "
            f"{tokens.min().item()}..{tokens.max().item()}."
        )


def check_labelled(x, labels):
    """Raise unless x and labels are dense tensors, labels of whole numbers."""
    for name, value in (("x", x), ("labels", labels)):
        if not _is_dense(value):
            kind = getattr(value, "layout", type(value).__name__)
            raise TypeError(f"{name} must be a dense torch tensor; got {kind}.")
    check_classes(labels)


def _is_dense(x):
    tensor = isinstance(x, torch.Tensor)
    return tensor and x.layout == torch.strided and not x.is_nested


def check_classes(labels, logits=None):
    """Raise unless labels is a tensor of int64, with one axis, classes of the logits.

    PyTorch passes over the label -100 without a word.
    """
    kind = getattr(labels, "dtype", type(labels).__name__)
    if not _is_dense(labels) or labels.dtype != torch.int64:
        raise TypeError(f"labels must be a dense tensor of int64; got {kind}.")
    if labels.ndim != 1:
        raise ValueError(f"labels must have shape (n,); got {tuple(labels.shape)}.")
    if logits is None:
        return
    check_output(logits, torch.Tensor)
    check_logits(logits.shape, labels.shape)
    if labels.device != logits.device:
        raise TypeError(
            f"labels must live on the device of the logits, {logits.device}; got "
            f"{labels.device}."
        )
    if can_be_read(labels) and not 0 <= labels.min() <= labels.max() < logits.shape[1]:
        raise ValueError(
            f"labels must lie in [0, {logits.shape[1]}); got "
            f"{labels.min().item()}..{labels.max().item()}."
        )


def check_float_dtype(dtype):
    """Raise unless dtype is a torch dtype of real floats."""
    if not isinstance(dtype, torch.dtype) or dtype not in FLOATS:
        raise TypeError(
            f"dtype must be a real floating-point torch dtype; got {dtype!r}. "
            "Pass torch.float32 or torch.float64."
        )


def work_dtype(x):
    """Return the dtype to compute in: half precision would round twice."""
    return torch.promote_types(x.dtype, torch.float32)
