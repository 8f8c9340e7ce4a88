"""Masks that survive recomputation by `torch.utils.checkpoint`."""

import contextlib

import torch

from companion.torch._drawing import check_source, replayed


def replay_masks(*generators):
    """Make `torch.utils.checkpoint` repeat its masks when it recomputes.

    A checkpoint runs a part of the model again in the backward pass. It restores
    PyTorch's global random state, and no generator that was handed over. So the second
    run would draw other masks, and the gradient would be that of another network. Dropout
    layers refuse to draw in a backward pass without this. The generators are set back for
    the recomputation and continue afterwards where they were. Returns what the argument
    `context_fn` of the checkpoint takes, with use_reentrant=False. Explained in
    chapter 9.

    Parameters
    ----------
    *generators : numpy.random.Generator or torch.Generator
        The generators of all dropout layers inside the checkpoint; none is a TypeError.

    Examples
    --------
    >>> import numpy, torch
    >>> from torch.utils.checkpoint import checkpoint
    >>> from companion.torch import Dropout
    >>> rng = numpy.random.default_rng(0)
    >>> x, layer = torch.ones(1000, requires_grad=True), Dropout(0.3, rng)
    >>> y = checkpoint(lambda x: layer(x) ** 2, x, use_reentrant=False,
    ...                context_fn=replay_masks(rng))
    >>> y.sum().backward()
    >>> torch.equal(x.grad == 0, y == 0)
    True
    """
    if not generators:
        raise TypeError("generators must not be empty: pass those of the dropout layers.")
    for rng in generators:
        check_source(rng)
    return lambda: ((first := _FirstPass(generators)), _SecondPass(generators, first))


def _state(rng):
    return (
        rng.get_state() if isinstance(rng, torch.Generator) else rng.bit_generator.state
    )


def _set_state(rng, state):
    if isinstance(rng, torch.Generator):
        rng.set_state(state)
    else:
        rng.bit_generator.state = state


class _FirstPass(contextlib.AbstractContextManager):
    """Remember where the generators started, and permit to draw from them."""

    def __init__(self, generators):
        self.generators = generators

    def __enter__(self):
        replayed.extend(self.generators)
        self.start = [_state(rng) for rng in self.generators]

    def __exit__(self, *error):
        del replayed[-len(self.generators) :]


class _SecondPass(_FirstPass):
    """Draw the same again; afterwards the generators continue where they were."""

    def __init__(self, generators, first):
        super().__init__(generators)
        self.first = first

    def __enter__(self):
        super().__enter__()
        self._set(self.first.start)

    def __exit__(self, *error):
        self._set(self.start)
        super().__exit__(*error)

    def _set(self, states):
        for rng, state in zip(self.generators, states, strict=True):
            _set_state(rng, state)
