"""Masks that survive recomputation by `torch.utils.checkpoint`."""

import contextlib

from companion.torch._drawing import check_source, checkpoints, compiled_checkpoint
from companion.torch._private import is_recorded


def replay_masks(*generators):
    """Make `torch.utils.checkpoint` repeat its masks when it recomputes.

    A checkpoint runs a part of the model again in the backward pass. It restores
    PyTorch's global random state, and no generator that was handed over. So the second
    run would draw other masks, and the gradient would be that of another network. Dropout
    layers refuse to draw in a backward pass without this. The first run notes the state
    of a generator before each draw, and the second draws from twins in these states; the
    generators themselves go on. Other threads may draw from them meanwhile. Returns what
    the argument `context_fn` of the checkpoint takes, with use_reentrant=False; a
    checkpoint inside torch.compile is refused. Explained in chapter 9.

    Parameters
    ----------
    *generators : numpy.random.Generator or torch.Generator
        The generators of all dropout layers inside the checkpoint; none is a TypeError.
        Within compiled or recorded code a checkpoint with masks is a RuntimeError.

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

    def both_passes():
        if is_recorded():
            raise RuntimeError(compiled_checkpoint)
        return (first := _FirstPass(generators)), _SecondPass(first)

    return both_passes


class _FirstPass(contextlib.AbstractContextManager):
    """Note the states from which the generators drew."""

    repeats = False

    def __init__(self, generators):
        self.generators = generators
        self.states = {id(rng): [] for rng in generators}

    def knows(self, rng):
        """Is rng one of the generators?"""
        return id(rng) in self.states

    def note(self, rng, state):
        """Note the state of rng before a draw."""
        self.states[id(rng)].append(state)

    def __enter__(self):
        checkpoints.entered += (self,)

    def __exit__(self, *error):
        checkpoints.entered = checkpoints.entered[:-1]


class _SecondPass(_FirstPass):
    """Draw the same again, as often as the backward pass runs."""

    repeats = True

    def __init__(self, first):
        super().__init__(first.generators)
        self.first = first

    def __enter__(self):
        self.left = {key: iter(noted) for key, noted in self.first.states.items()}
        super().__enter__()

    def next_state(self, rng):
        """Return the state from which rng drew in the first pass."""
        state = next(self.left[id(rng)], None)
        if state is None:
            raise RuntimeError(
                "rng was drawn from more often in the recomputation of a checkpoint than "
                "in its first run. What is inside must do the same both times: same "
                "modes, rates and branches."
            )
        return state
