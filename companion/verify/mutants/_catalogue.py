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
    subject : types.SimpleNamespace
        `companion.numpy` with the faulty parts in it, for `conformance.violations`.

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

    Raises
    ------
    ValueError
        If a name is not one of the right package.

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
        fault = faulty.__doc__.splitlines()[0]
        MUTANTS[faulty.__name__] = Mutant(
            faulty.__name__, replaces, fault, origin, subject
        )
        return faulty

    return register
