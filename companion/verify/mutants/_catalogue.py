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
    """One faulty dropout.

    Attributes
    ----------
    name : str
        Its name in the catalogue.
    replaces : tuple of str
        The names that are faulty.
    fault : str
        What is wrong, in a sentence.
    origin : str
        Where this kind of fault was found.
    topic : str
        The module of the catalogue, and of the properties that must notice it.
    subject : types.SimpleNamespace
        `companion.numpy` with the faulty parts in it, for `contract.violations`.

    Notes
    -----
    Explained in chapter 9.

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


def mutant(*replaces, origin):
    """Add a faulty function or class to the catalogue.

    Parameters
    ----------
    *replaces : str
        The names of the right package that it takes the place of.
    origin : str
        Where this kind of fault was found.

    Returns
    -------
    callable
        Decorator; the first line of the docstring is the fault.

    Notes
    -----
    Explained in chapter 9.

    Examples
    --------
    >>> len(MUTANTS) >= 40
    True
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
    """Return the mutants that a property notices, among those it looks at.

    Parameters
    ----------
    one : companion.verify.contract.Property
        The property.
    rng : numpy.random.Generator
        Source of all randomness.

    Returns
    -------
    list of str
        Their names in the catalogue.

    Notes
    -----
    ``python -m companion.verify kills`` prints them for every property. Explained in
    chapter 9.

    Examples
    --------
    >>> import numpy as np
    >>> from companion.verify.contract import PROPERTIES
    >>> name = "TimeDropout_granularity"
    >>> (one,) = (one for one in PROPERTIES if one.name == name)
    >>> kills(one, np.random.default_rng(0))
    ['time_not_shared', 'locked_over_the_batch']
    """
    if not hasattr(one, "violation"):
        raise TypeError(f"one must be a property of the contract; got {one!r}.")
    return [
        mutant.name
        for mutant in MUTANTS.values()
        if set(mutant.replaces) & set(one.needs) and one.violation(mutant.subject, rng)
    ]
