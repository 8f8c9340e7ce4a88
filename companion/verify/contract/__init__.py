"""The contract: every property of a correct dropout, one module a topic."""

from companion.verify.contract import (
    dropout,
    granularity,
    masks,
    models,
    noise,
    weighted,
)
from companion.verify.contract._tools import CHECKS, Check, check, violations

__all__ = [
    "CHECKS",
    "Check",
    "check",
    "dropout",
    "granularity",
    "masks",
    "models",
    "noise",
    "violations",
    "weighted",
]
