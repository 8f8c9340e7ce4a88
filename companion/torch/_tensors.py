"""What the PyTorch functions check of their tensors, and the dtype they compute in."""

import numpy as np
import torch

from companion._arguments import check_mask_fits, check_nothing_kept, check_p


def check_floats(x, name):
    """Raise unless x is a tensor of real floating-point numbers."""
    if not isinstance(x, torch.Tensor) or not x.is_floating_point():
        kind = getattr(x, "dtype", type(x).__name__)
        raise TypeError(
            f"{name} must be a torch tensor of floats; got {kind}. "
            f"Convert it first, for example torch.as_tensor({name}, dtype=torch.float32)."
        )


def check_masked(x, mask, p, name="x"):
    """Return the mask as a tensor beside x, and p, or raise unless they fit x."""
    p = check_p(p)
    check_floats(x, name)
    if isinstance(mask, np.ndarray):
        mask = torch.from_numpy(mask)
    if not isinstance(mask, torch.Tensor) or mask.dtype != torch.bool:
        kind = getattr(mask, "dtype", type(mask).__name__)
        raise TypeError(
            f"mask must hold booleans, True = keep; got {kind}. "
            "Draw it with keep_mask(x.shape, p, rng)."
        )
    check_mask_fits(mask.shape, x.shape)
    if p == 1.0:
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
    if tokens.numel() and not 0 <= tokens.min() <= tokens.max() < words:
        raise ValueError(
            f"tokens must lie in [0, {words}), the rows of the table; got "
            f"{tokens.min().item()}..{tokens.max().item()}."
        )


def check_float_dtype(dtype):
    """Raise unless dtype is a torch dtype of real floats."""
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(
            f"dtype must be a real floating-point torch dtype; got {dtype!r}. "
            "Pass torch.float32 or torch.float64."
        )


def work_dtype(x):
    """Return the dtype to compute in: half precision would round twice."""
    return torch.promote_types(x.dtype, torch.float32)
