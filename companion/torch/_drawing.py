"""How the PyTorch half draws: from generators of both frameworks, inside transforms."""

import math

import numpy as np
import torch
from torch.autograd import forward_ad

from companion._arguments import check_generator
from companion.masks import draw_keep_mask, gaussian_noise, open_uniforms


def check_source(rng):
    """Raise unless rng is a generator of one of the two frameworks."""
    # NumPy's first: to ask for PyTorch's type takes a microsecond.
    if isinstance(rng, np.random.Generator) or not isinstance(rng, torch.Generator):
        check_generator(rng)


def draw_mask(shape, p, rng, x):
    """Draw a keep mask for x, 0 < p < 1, on its device."""
    return _draw("mask", shape, p, rng, x)


def draw_array(shape, p, rng):
    """Draw a keep mask, 0 < p < 1, as a NumPy array, from a NumPy generator."""
    _check_no_recomputation(rng)
    bits, threads = rng.bit_generator, torch.get_num_threads()
    return draw_keep_mask(math.prod(shape), p, bits, threads).reshape(shape)


def draw_noise(shape, p, rng, x):
    """Draw Gaussian noise of mean 1 and variance p / (1 - p) for x, float64."""
    return _draw("noise", shape, p, rng, x)


def draw_uniforms(shape, rng, x):
    """Draw uniform numbers strictly inside (0, 1) for x, float64."""
    return _draw("uniforms", shape, 0.0, rng, x)


def is_transformed():
    """Is this code seen by a compiler, by torch.func or by forward-mode derivatives?"""
    return (
        torch.compiler.is_compiling()
        or torch._C._are_functorch_transforms_active()
        or forward_ad._current_level >= 0
    )


def _draw(kind, shape, p, rng, x):
    if is_transformed():
        return _draw_op(_like(x), kind, list(shape), p, _number_of(rng))
    return _draw_now(kind, shape, p, rng, x.device)


def _draw_now(kind, shape, p, rng, device):
    _check_no_recomputation(rng)
    if isinstance(rng, np.random.Generator):
        if kind == "mask":
            drawn = draw_array(shape, p, rng)
        elif kind == "noise":
            drawn = gaussian_noise(shape, p, rng)
        else:
            drawn = open_uniforms(shape, rng)
        drawn = torch.from_numpy(drawn)
        return drawn if device.type == "cpu" else drawn.to(device)
    if rng.device.type != device.type:
        raise ValueError(
            f"rng must live on the device of x; got a generator on {rng.device} for x on "
            f"{device}. Build it with torch.Generator({str(device)!r}), or pass a "
            "numpy.random.Generator, whose masks fit every device."
        )
    # float64: its uniforms are fine enough for every p; those of float16 are not.
    options = {"generator": rng, "dtype": torch.float64, "device": device}
    if kind == "mask":
        return torch.rand(shape, **options) >= p
    if kind == "noise":
        return 1.0 + math.sqrt(p / (1.0 - p)) * torch.randn(shape, **options)
    k = torch.randint(2**52, shape, generator=rng, device=device)
    return k * 2.0**-52 + 2.0**-53


replayed = []  # generators whose draws a checkpoint repeats: see checkpoint.py


def _check_no_recomputation(rng):
    """Raise in a backward pass, unless a checkpoint repeats the draws of rng."""
    in_backward_pass = torch._C._current_graph_task_id() >= 0
    if in_backward_pass and not any(rng is known for known in replayed):
        raise RuntimeError(
            "rng cannot be drawn from in the backward pass: torch.utils.checkpoint runs "
            "layers again there, the mask would be another one and the gradient wrong. "
            "Pass to checkpoint use_reentrant=False, "
            "context_fn=companion.torch.replay_masks(rng)."
        )


# Compilers and torch.func see a draw as one opaque operation. Operations take no Python
# objects, so the generator is passed by a number.
_generators = {}


@torch.library.custom_op("companion::draw", mutates_args=())
def _draw_op(
    like: torch.Tensor, kind: str, shape: list[int], p: float, number: int
) -> torch.Tensor:
    return _draw_now(kind, tuple(shape), p, _generators[number], like.device)


# It changes the generator: never merge two calls, leave one out or change their order.
_draw_op.register_effect(torch.library.EffectType.ORDERED)


@_draw_op.register_fake
def _(like, kind, shape, p, number):
    return like.new_empty(shape, dtype=torch.bool if kind == "mask" else torch.float64)


@_draw_op.register_vmap
def _(info, in_dims, like, kind, shape, p, number):
    # randomness="different": `like` is batched then, see _like. A draw for each example.
    like = like.select(in_dims[0], 0)
    return _draw_op(like, kind, [info.batch_size, *shape], p, number), 0


@torch.compiler.assume_constant_result
def _number_of(rng):
    """Return the number under which `_draw_op` finds rng; compiled code keeps it."""
    _generators[id(rng)] = rng
    return id(rng)


def _like(x):
    """Return a tensor that is batched wherever what is drawn now has to be.

    Under vmap that depends not on x but on the `randomness` asked for. A random number
    of PyTorch obeys it, and is an error for randomness="error", the default. It comes
    from a generator of its own, so no global state moves.
    """
    if torch.compiler.is_compiling():  # traces no generators
        return x.detach()
    return torch.rand((), generator=torch.Generator(x.device), device=x.device)
