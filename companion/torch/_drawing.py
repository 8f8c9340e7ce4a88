"""How the PyTorch half draws: from generators of both frameworks, inside transforms."""

import contextlib
import copy
import math
import secrets
import threading
import traceback
import weakref

import numpy as np
import torch

from companion._arguments import check_generator
from companion.masks import (
    block_start_rate,
    draw_keep_mask,
    gaussian_noise,
    open_uniforms,
)
from companion.torch._private import (
    is_in_backward_pass,
    is_in_vmap,
    is_recorded,
    is_transformed,
    is_watched,
)


def check_source(rng):
    """Raise unless rng is a generator of one of the two frameworks."""
    # NumPy's first: to ask for PyTorch's type takes a microsecond.
    if isinstance(rng, np.random.Generator) or not isinstance(rng, torch.Generator):
        check_generator(rng)


def is_of_numpy(rng):
    """Is rng, which was checked, one of NumPy's generators?"""
    return isinstance(rng, np.random.Generator)


def draw_mask(x, shape, p, rng, blocks=()):
    """Draw a keep mask for x, p > 0, on its device.

    With blocks, the side of a block and those of a map, a place is kept if no block
    starts there, and blocks start so often that they cover the fraction p of the map.
    """
    if p == 1.0:  # nothing to draw
        return torch.zeros((), dtype=torch.bool, device=x.device)
    return source(rng, x).mask(shape, p, blocks)


def draw_array(x, shape, p, rng):
    """Draw a keep mask for a small x from a NumPy generator, at once, as an array."""
    if checkpoints.entered or is_in_backward_pass():
        return _source_now(rng, x).mask(shape, p).numpy()
    return draw_keep_mask(shape, p, rng.bit_generator, torch.get_num_threads())


def source(rng, x):
    """Return what draws for x from a generator: its mask, noise and uniforms."""
    return _Opaque(rng, x) if is_watched() else _source_now(rng, x)


def _source_now(rng, x):
    source = _OfNumPy if is_of_numpy(rng) else _OfPyTorch
    if not checkpoints.entered and not is_in_backward_pass():
        return source(rng, x)
    passes = [one for one in checkpoints.entered if one.knows(rng)]
    if not any(one.repeats for one in passes):
        _check_no_recomputation()
    return _InCheckpoints(source, rng, x, passes) if passes else source(rng, x)


def _check_no_recomputation():
    if is_in_backward_pass():
        raise RuntimeError(
            "rng cannot be drawn from in the backward pass. If torch.utils.checkpoint "
            "runs layers again there, the mask would be another one and the gradient "
            "wrong: pass to checkpoint use_reentrant=False, "
            "context_fn=companion.torch.replay_masks(rng). If a hook or a backward "
            "method drops on purpose, draw by companion.masks.keep_mask and apply the "
            "mask by companion.torch.dropout_forward."
        )


class _Checkpoints(threading.local):
    """The passes of checkpoints that this thread is inside of: see checkpoint.py."""

    entered = ()


checkpoints = _Checkpoints()
_locks = weakref.WeakKeyDictionary()


def _lock_of(rng):
    """Return the lock to hold while a generator is drawn from; NumPy's have their own."""
    if is_of_numpy(rng):
        return rng.bit_generator.lock
    return _locks.setdefault(rng, threading.Lock())


def _state(rng):
    return rng.bit_generator.state if is_of_numpy(rng) else rng.get_state()


def _set_state(rng, state):
    if is_of_numpy(rng):
        rng.bit_generator.state = state
    else:
        rng.set_state(state)


@contextlib.contextmanager
def _turn(rng, passes):
    """Lend a twin of a generator for one draw inside passes that know it.

    A first pass notes the state before the draw; a pass that repeats gives it back, and
    leaves the generator alone. The passes around that one see nothing of it.
    """
    with _lock_of(rng):  # other threads may draw from it, before or after
        twin = copy.deepcopy(rng) if is_of_numpy(rng) else torch.Generator(rng.device)
        state, first = _state(rng), []
        for one in reversed(passes):
            if one.repeats:
                state = one.next_state(rng)
                break
            first.append(one)
        for one in first:
            one.note(rng, state)
        _set_state(twin, state)
        yield twin
        if len(first) == len(passes):
            _set_state(rng, _state(twin))


class _InCheckpoints:
    """Draws like another source, each time from the generator whose turn it is."""

    def __init__(self, source, rng, x, passes):
        self.source, self.rng, self.x, self.passes = source, rng, x, passes

    def mask(self, shape, p, blocks=()):
        return self._draw("mask", shape, p, blocks)

    def noise(self, shape, p):
        return self._draw("noise", shape, p)

    def uniforms(self, shape):
        return self._draw("uniforms", shape)

    def _draw(self, kind, *arguments):
        with _turn(self.rng, self.passes) as rng:
            return getattr(self.source(rng, self.x), kind)(*arguments)


def _rate(p, blocks):
    return block_start_rate(p, blocks[1:], blocks[0]) if blocks else p


class _OfNumPy:
    """Draws from a NumPy generator what `companion.numpy` draws, for every device."""

    def __init__(self, rng, x):
        self.rng, self.x = rng, x

    def mask(self, shape, p, blocks=()):
        """Draw a keep mask, 0 < p < 1."""
        bits, threads = self.rng.bit_generator, torch.get_num_threads()
        return self._tensor(draw_keep_mask(shape, _rate(p, blocks), bits, threads))

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
        self.lock, self.where = _lock_of(rng), {"generator": rng, "device": x.device}

    # float64: its uniforms are fine enough for every p; those of float16 are not.
    def mask(self, shape, p, blocks=()):
        with self.lock:
            u = torch.rand(shape, dtype=torch.float64, **self.where)
        return u >= _rate(p, blocks)

    def noise(self, shape, p):
        with self.lock:
            normal = torch.randn(shape, dtype=torch.float64, **self.where)
        return 1.0 + math.sqrt(p / (1.0 - p)) * normal

    def uniforms(self, shape):
        with self.lock:
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
        self.rng, self.like = rng, _like(x)

    def mask(self, shape, p, blocks=()):
        return self._draw("mask", shape, p, blocks)

    def noise(self, shape, p):
        return self._draw("noise", shape, p)

    def uniforms(self, shape):
        return self._draw("uniforms", shape)

    def _draw(self, kind, shape, p=None, blocks=()):
        number = _number_of(self.rng)
        drawn = _draw(self.like, kind, list(shape), p, list(blocks), number)
        if not torch.compiler.is_compiling() and not is_recorded():
            del _generators[number]
        return drawn


DTYPES = {"mask": torch.bool, "noise": torch.float64, "uniforms": torch.float64}
_generators = {}  # what compiled code and graphs draw from lives as long as the process


@torch.compiler.assume_constant_result
def _number_of(rng):
    """Return a number under which `_draw` finds rng, and in no other process."""
    _generators[number := secrets.randbits(62)] = rng
    return number


def _generator(number):
    if number not in _generators:
        raise RuntimeError(
            "rng is gone: this program was exported or traced in training and holds a "
            "generator of the process that made it. Export model.eval(), or build the "
            "model here and export it again."
        )
    return _generators[number]


def _like(x):
    """Return a tensor that is batched wherever what is drawn now has to be.

    Under vmap that depends not on x but on the `randomness` asked for. A random number
    of PyTorch obeys it, and is an error for randomness="error", the default. It comes
    from a generator of its own, so no global state moves.
    """
    # Here, in the function that asks for it: where a compiler gives up because of the
    # error, this runs uncompiled, and is right.
    if torch.compiler.is_compiling() and is_in_vmap():
        raise RuntimeError(
            "rng cannot be drawn from in a torch.func.vmap that a compiler traces: "
            "`randomness` would be ignored. Call the vmap outside of compiled code, or "
            "draw the masks by companion.masks.keep_mask and apply them by "
            "companion.torch.dropout_forward."
        )
    if torch.compiler.is_compiling() or not is_transformed():  # traces no generators
        return x.detach()
    return torch.rand((), generator=torch.Generator(x.device), device=x.device)


@torch.library.custom_op("companion::draw", mutates_args=())
def _draw(
    like: torch.Tensor,
    kind: str,
    shape: list[int],
    p: float | None,
    blocks: list[int],
    number: int,
) -> torch.Tensor:
    arguments = {"mask": (p, tuple(blocks)), "noise": (p,), "uniforms": ()}[kind]
    return getattr(_source_now(_generator(number), like), kind)(tuple(shape), *arguments)


# It changes the generator: never merge two calls, leave one out or change their order.
_draw.register_effect(torch.library.EffectType.ORDERED)


def _in_checkpoint():
    names = (f.f_globals.get("__name__") for f, _ in traceback.walk_stack(None))
    return "torch.utils.checkpoint" in names


@_draw.register_fake
def _(like, kind, shape, p, blocks, number):
    if not checkpoints.entered and (is_in_backward_pass() or _in_checkpoint()):
        raise RuntimeError(compiled_checkpoint)
    return like.new_empty(shape, dtype=DTYPES[kind])


compiled_checkpoint = (
    "rng cannot be drawn from in a torch.utils.checkpoint that a compiler traces: the "
    "recomputation would draw another mask. Compile what is inside: "
    "checkpoint(torch.compile(layer), x, use_reentrant=False, "
    "context_fn=companion.torch.replay_masks(rng))."
)


@_draw.register_vmap
def _(info, in_dims, like, kind, shape, p, blocks, number):
    # randomness="different": `like` is batched then, see _like. A draw for each example.
    like = like.select(in_dims[0], 0)
    return _draw(like, kind, [info.batch_size, *shape], p, blocks, number), 0
