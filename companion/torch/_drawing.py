"""How the PyTorch half draws: from generators of both frameworks, inside transforms."""

import math

import numpy as np
import torch

from companion._arguments import check_generator
from companion.masks import draw_keep_mask, gaussian_noise, open_uniforms
from companion.torch._private import is_in_backward_pass, is_transformed, is_watched


def check_source(rng):
    """Raise unless rng is a generator of one of the two frameworks."""
    # NumPy's first: to ask for PyTorch's type takes a microsecond.
    if isinstance(rng, np.random.Generator) or not isinstance(rng, torch.Generator):
        check_generator(rng)


def is_of_numpy(rng):
    """Is rng, which was checked, one of NumPy's generators?"""
    return isinstance(rng, np.random.Generator)


def draw_mask(x, shape, p, rng):
    """Draw a keep mask for x, p > 0, on its device."""
    if p == 1.0:  # nothing to draw
        return torch.zeros((), dtype=torch.bool, device=x.device)
    return source(rng, x).mask(shape, p)


def draw_array(shape, p, rng):
    """Draw a keep mask from a NumPy generator, at once, as an array."""
    _check_no_recomputation(rng)
    return draw_keep_mask(shape, p, rng.bit_generator, torch.get_num_threads())


def source(rng, x):
    """Return what draws for x from a generator: its mask, noise and uniforms."""
    return _Opaque(rng, x) if is_watched() else _source_now(rng, x)


def _source_now(rng, x):
    _check_no_recomputation(rng)
    return (_OfNumPy if is_of_numpy(rng) else _OfPyTorch)(rng, x)


def _check_no_recomputation(rng):
    """Raise in a backward pass, unless a checkpoint repeats the draws of rng."""
    if is_in_backward_pass() and not any(rng is known for known in replayed):
        raise RuntimeError(
            "rng cannot be drawn from in the backward pass: torch.utils.checkpoint runs "
            "layers again there, the mask would be another one and the gradient wrong. "
            "Pass to checkpoint use_reentrant=False, "
            "context_fn=companion.torch.replay_masks(rng)."
        )


replayed = []  # generators whose draws a checkpoint repeats: see checkpoint.py


class _OfNumPy:
    """Draws from a NumPy generator what `companion.numpy` draws, for every device."""

    def __init__(self, rng, x):
        self.rng, self.x = rng, x

    def mask(self, shape, p):
        """Draw a keep mask, 0 < p < 1."""
        bits, threads = self.rng.bit_generator, torch.get_num_threads()
        return self._tensor(draw_keep_mask(shape, p, bits, threads))

    def noise(self, shape, p):
        """Draw Gaussian noise of mean 1 and variance p / (1 - p), float64."""
        return self._tensor(gaussian_noise(shape, p, self.rng))

    def uniforms(self, shape):
        """Draw uniform numbers strictly inside (0, 1), float64."""
        return self._tensor(open_uniforms(shape, self.rng))

    def _tensor(self, drawn):
        drawn = torch.from_numpy(drawn)
        return drawn if self.x.is_cpu else drawn.to(self.x.device)


class _OfPyTorch:
    """Draws the same from a generator of PyTorch, on the device where it lives."""

    def __init__(self, rng, x):
        if rng.device.type != x.device.type:
            raise ValueError(
                "rng must live on the device of x; got a generator on "
                f"{rng.device} for x on {x.device}. Build it with "
                f"torch.Generator({str(x.device)!r}), or pass a numpy.random.Generator, "
                "whose masks fit every device."
            )
        self.where = {"generator": rng, "device": x.device}

    # float64: its uniforms are fine enough for every p; those of float16 are not.
    def mask(self, shape, p):
        return torch.rand(shape, dtype=torch.float64, **self.where) >= p

    def noise(self, shape, p):
        normal = torch.randn(shape, dtype=torch.float64, **self.where)
        return 1.0 + math.sqrt(p / (1.0 - p)) * normal

    def uniforms(self, shape):
        k = torch.randint(2**52, shape, **self.where)
        return k.double() * 2.0**-52 + 2.0**-53


class _Opaque:
    """Draws by one operation that compilers, tracers and torch.func need not follow.

    Operations take no Python objects: the generator goes by a number.
    """

    def __init__(self, rng, x):
        if torch.jit.is_tracing():
            raise RuntimeError(
                "rng cannot be drawn from under torch.jit.trace, which would record one "
                "mask for ever. Trace model.eval(), or use torch.compile."
            )
        self.like, self.number = _like(x), _number_of(rng)

    def mask(self, shape, p):
        return _draw(self.like, "mask", list(shape), p, self.number)

    def noise(self, shape, p):
        return _draw(self.like, "noise", list(shape), p, self.number)

    def uniforms(self, shape):
        return _draw(self.like, "uniforms", list(shape), None, self.number)


DTYPES = {"mask": torch.bool, "noise": torch.float64, "uniforms": torch.float64}
_generators = {}


@torch.compiler.assume_constant_result
def _number_of(rng):
    """Return the number under which `_draw` finds rng; compiled code keeps it."""
    _generators[id(rng)] = rng
    return id(rng)


def _like(x):
    """Return a tensor that is batched wherever what is drawn now has to be.

    Under vmap that depends not on x but on the `randomness` asked for. A random number
    of PyTorch obeys it, and is an error for randomness="error", the default. It comes
    from a generator of its own, so no global state moves.
    """
    if torch.compiler.is_compiling() or not is_transformed():  # traces no generators
        return x.detach()
    return torch.rand((), generator=torch.Generator(x.device), device=x.device)


@torch.library.custom_op("companion::draw", mutates_args=())
def _draw(
    like: torch.Tensor, kind: str, shape: list[int], p: float | None, number: int
) -> torch.Tensor:
    draw = getattr(_source_now(_generators[number], like), kind)
    return draw(tuple(shape)) if p is None else draw(tuple(shape), p)


# It changes the generator: never merge two calls, leave one out or change their order.
_draw.register_effect(torch.library.EffectType.ORDERED)


@_draw.register_fake
def _(like, kind, shape, p, number):
    return like.new_empty(shape, dtype=DTYPES[kind])


@_draw.register_vmap
def _(info, in_dims, like, kind, shape, p, number):
    # randomness="different": `like` is batched then, see _like. A draw for each example.
    like = like.select(in_dims[0], 0)
    return _draw(like, kind, [info.batch_size, *shape], p, number), 0
