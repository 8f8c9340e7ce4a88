"""The catalogue of faulty dropouts."""

import types
from typing import NamedTuple

import companion.numpy as good
from companion import masks

RIGHT = types.SimpleNamespace(
    **{name: getattr(good, name) for name in good.__all__},
    keep_mask=masks.keep_mask,
    **{name: getattr(good.nn, name) for name in ("Module", "RDropLoss", "Sequential")},
)


class Mutant(NamedTuple):
    """One faulty dropout, whose `fault` was found where `origin` says.

    `subject` is `companion.numpy` with the faulty parts in it, those that `replaces`
    names, for `contract.violations`; `topic` is the module of the catalogue. Explained
    in chapter 9.

    Examples
    --------
    >>> MUTANTS["swapped_rates"].fault
    'Keeps with probability p, where it should drop.'
    """

    name: str
    replaces: tuple
    fault: str
    origin: str
    topic: str
    subject: types.SimpleNamespace


MUTANTS = {}


class KeepsFirst:
    """What keeps the first mask, or noise, that it draws for each shape of x."""

    def draw(self, x):
        drawn = super().draw(x)
        first = vars(self).setdefault("_first", {})
        return drawn if drawn is None else first.setdefault(x.shape, drawn)


def mutant(*replaces, origin):
    """Add a faulty function or class to the catalogue, in place of the names given.

    The first line of its docstring is the fault. Explained in chapter 9.
    """
    unknown = [name for name in replaces if not hasattr(RIGHT, name)]
    if unknown or not replaces:
        raise ValueError(f"replaces must name parts of companion.numpy; got {replaces}.")

    def register(faulty):
        subject = types.SimpleNamespace(**vars(RIGHT) | dict.fromkeys(replaces, faulty))
        name, fault = faulty.__name__, faulty.__doc__.splitlines()[0]
        topic = faulty.__module__.rpartition(".")[2]
        MUTANTS[name] = Mutant(name, replaces, fault, origin, topic, subject)
        return faulty

    return register


def kills(one, rng):
    """Return the names of the mutants of what a property judges that it notices.

    ``python -m companion.verify kills`` prints them for every property.

    Examples
    --------
    >>> import numpy as np
    >>> from companion.verify.contract import PROPERTIES
    >>> (one,) = (p for p in PROPERTIES if p.name == "TimeDropout_granularity")
    >>> kills(one, np.random.default_rng(0))
    ['time_not_shared', 'locked_over_the_batch']
    """
    if not hasattr(one, "violation"):
        raise TypeError(f"one must be a property of the contract; got {one!r}.")
    return [
        mutant.name
        for mutant in MUTANTS.values()
        if one.needs[0] in mutant.replaces and one.violation(mutant.subject, rng)
    ]
