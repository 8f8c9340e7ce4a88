"""Faulty dropouts, each a few lines, with the bug of the real world behind it."""

from companion.verify.mutants import (
    dropout,
    granularity,
    masks,
    models,
    noise,
    weighted,
)
from companion.verify.mutants._catalogue import MUTANTS, RIGHT, Mutant, kills, mutant

__all__ = [
    "MUTANTS",
    "RIGHT",
    "Mutant",
    "dropout",
    "granularity",
    "kills",
    "masks",
    "models",
    "mutant",
    "noise",
    "weighted",
]
