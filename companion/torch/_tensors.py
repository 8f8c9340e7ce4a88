"""What the PyTorch functions check of their tensors, and how they draw randomness."""

import math
import sys

import numpy as np
import torch

from companion._arguments import check_generator, check_mask_fits
from companion.masks import gaussian_noise, keep_mask, open_uniforms


def check_floats(x, name):
    """Raise unless x is a tensor of real floating-point numbers."""
    if not isinstance(x, torch.Tensor) or not x.is_floating_point():
        kind = getattr(x, "dtype", type(x).__name__)
        raise TypeError(
            f"{name} must be a torch tensor of floats; got {kind}. "
            f"Convert it first, for example torch.as_tensor({name}, dtype=torch.float32)."
        )


def as_mask(mask, x):
    """Return a mask of booleans as a tensor on the device of x, or raise."""
    if isinstance(mask, np.ndarray):
        mask = torch.from_numpy(mask)
    if not isinstance(mask, torch.Tensor) or mask.dtype != torch.bool:
        kind = getattr(mask, "dtype", type(mask).__name__)
        raise TypeError(
            f"mask must hold booleans, True = keep; got {kind}. "
            "Draw it with keep_mask(x.shape, p, rng)."
        )
    check_mask_fits(mask.shape, x.shape)
    return mask.to(x.device)


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


def check_source(rng):
    """Raise unless rng is a generator of one of the two frameworks."""
    if not isinstance(rng, torch.Generator):
        check_generator(rng)


replayed = []  # generators whose draws a checkpoint will repeat: see checkpoint.py


# The compiler cannot follow a generator: a compiled model leaves the graph here.
@torch.compiler.disable
def draw_mask(shape, p, rng, device):
    """Draw a keep mask on `device`, from a NumPy or a torch generator."""
    _check_drawing(rng, device)
    if isinstance(rng, np.random.Generator):
        return torch.from_numpy(keep_mask(shape, p, rng)).to(device)
    # float64: its uniforms are fine enough for every p; those of float16 are not.
    return torch.rand(shape, generator=rng, dtype=torch.float64, device=device) >= p


@torch.compiler.disable
def draw_noise(shape, p, rng, device):
    """Draw Gaussian noise of mean 1 and variance p / (1 - p), float64."""
    _check_drawing(rng, device)
    if isinstance(rng, np.random.Generator):
        return torch.from_numpy(gaussian_noise(shape, p, rng)).to(device)
    normal = torch.randn(shape, generator=rng, dtype=torch.float64, device=device)
    return 1.0 + math.sqrt(p / (1.0 - p)) * normal


@torch.compiler.disable
def draw_uniforms(shape, rng, device):
    """Draw uniform numbers strictly inside (0, 1), float64."""
    _check_drawing(rng, device)
    if isinstance(rng, np.random.Generator):
        return torch.from_numpy(open_uniforms(shape, rng)).to(device)
    k = torch.randint(2**52, shape, generator=rng, device=device)
    return k * 2.0**-52 + 2.0**-53


def _check_drawing(rng, device):
    """Raise where drawing would go wrong without a sign."""
    if isinstance(rng, torch.Generator) and rng.device.type != device.type:
        raise ValueError(
            f"rng must live on the device of x; got a generator on {rng.device} for x on "
            f"{device}. Build it with torch.Generator({str(device)!r}), or pass a "
            "numpy.random.Generator, whose masks fit every device."
        )
    transforms = torch._C._functorch.get_interpreter_stack() or ()
    if any(t.key() == torch._C._functorch.TransformType.Vmap for t in transforms):
        raise RuntimeError(
            "rng cannot be drawn from inside torch.vmap: all examples would share one "
            "mask. Draw a mask for each example outside, and map over it: "
            "vmap(lambda x, mask: dropout_forward(x, mask, p))(x, mask)."
        )
    if not any(rng is known for known in replayed) and _inside_checkpoint():
        raise RuntimeError(
            "rng cannot be drawn from inside torch.utils.checkpoint: the recomputation "
            "would draw another mask and the gradient would be wrong. Pass to checkpoint "
            "use_reentrant=False, context_fn=companion.torch.replay_masks(rng)."
        )


def _inside_checkpoint():
    frame = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "torch.utils.checkpoint":
            return True
        frame = frame.f_back
    return False
