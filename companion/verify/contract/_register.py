"""The register of properties, and what a subject violates."""

import functools
import warnings
from typing import NamedTuple

import companion.numpy
from companion._arguments import check_generator
from companion.verify._kinds import CASES
from companion.verify.properties import binomial


class Property(NamedTuple):
    """One property of a correct dropout.

    Attributes
    ----------
    name : str
        Its name.
    needs : tuple of str
        Names that the subject must have; the first is the one that is judged.
    sentence : str
        The property in a sentence.
    function : callable
        Takes (subject, rng); raises AssertionError where the property fails.
    topic : str
        The module of the package that holds what is judged.

    Notes
    -----
    Explained in chapter 9.

    Examples
    --------
    >>> Property("keeps", ("keep_mask",), "It keeps.", print, "masks").needs
    ('keep_mask',)
    """

    name: str
    needs: tuple
    sentence: str
    function: object
    topic: str

    def violation(self, subject, rng):
        """Return the sentence, or the exception that was met; None if it holds."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self.function(subject, rng)
        except AssertionError:
            return self.sentence
        except Exception as error:  # the subject may raise anything
            return f"{type(error).__name__}: {error}"
        return None


PROPERTIES = []


def property_of(*needs):
    """Register a property of the names it needs.

    Parameters
    ----------
    *needs : str
        Names that the subject must have; the first is the one that is judged.

    Returns
    -------
    callable
        Decorator for a function (subject, rng); the first line of its docstring
        is the property, its module the topic.

    Notes
    -----
    Explained in chapter 9.

    Examples
    --------
    >>> {need for one in PROPERTIES for need in one.needs} > {"keep_mask", "dropout"}
    True
    """
    if not needs:
        raise TypeError("needs must not be empty: name what the property is one of.")

    def register(function):
        topic = function.__module__.rpartition(".")[2]
        _register(function.__name__, needs, function, function, topic)
        return function

    return register


def property_of_every_layer(function):
    """Register a property that every layer on activations must have, once for each kind.

    Parameters
    ----------
    function : callable
        Takes (layers, rng), where layers lists the ways to build one kind, each
        with `build(p, rng)`, the `shape` of x, the shape of its `draws` and
        `act(p)`; raises AssertionError where the property fails. The first line
        of its docstring is the property.

    Returns
    -------
    callable
        The function.

    Notes
    -----
    Explained in chapter 9.

    Examples
    --------
    >>> [one.topic for one in PROPERTIES if one.name == "TimeDropout_modes"]
    ['granularity']
    """
    for kind in CASES:

        def of_kind(subject, rng, kind=kind):
            function(layers(getattr(subject, kind), kind), rng)

        topic = getattr(companion.numpy, kind).__module__.rpartition(".")[2]
        _register(f"{kind}_{function.__name__}", (kind,), of_kind, function, topic)
    return function


def _register(name, needs, function, documented, topic):
    sentence = documented.__doc__.splitlines()[0]
    PROPERTIES.append(Property(name, needs, sentence, function, topic))


class Layer(NamedTuple):
    """A case of a kind, with the function (p, rng) that builds it."""

    build: object
    shape: tuple
    draws: tuple
    act: object


def layers(make, kind):
    """Return the ways in which `make(p, rng=rng, **options)` builds layers of a kind."""
    accepts = getattr(make, "accepts", lambda case: True)
    return [
        Layer(functools.partial(_build, make, case), case.shape, case.draws, case.act)
        for case in CASES[kind]
        if accepts(case)
    ]


def _build(make, case, p, rng):
    return make(p, rng=rng, **case.options)


def violations(subject, rng, *, only=None, stop=False):
    """Return which properties a subject violates.

    Parameters
    ----------
    subject : object
        With some of the names of `companion.numpy`, or `keep_mask`, over NumPy
        arrays. Properties of names that it lacks are left out.
    rng : numpy.random.Generator
        Source of all randomness, here and in the subject.
    only : set of str, optional
        Look only at properties that need one of these names.
    stop : bool
        True stops at the first violation.

    Returns
    -------
    list of str
        One line for each violated property: its name and its sentence, or the
        exception that it met. Empty for a correct subject.

    Raises
    ------
    ImportError
        If SciPy is missing; it says what to install.

    Notes
    -----
    `companion.verify.verify` is the entrance for one function or layer.
    Explained in chapter 9.

    Examples
    --------
    >>> import numpy as np, types, companion.numpy, companion.masks
    >>> rng = np.random.default_rng(0)
    >>> violations(companion.masks, rng)
    []
    >>> def never(x, p, rng, *, training=True, mask_shape=None):
    ...     return x
    >>> violations(types.SimpleNamespace(dropout=never), rng, stop=True)
    ['dropout_drops_and_scales: a value is 0 or exactly x / (1 - p), and both occur.']
    """
    check_generator(rng)
    binomial()
    chosen = [
        one
        for one in PROPERTIES
        if all(hasattr(subject, need) for need in one.needs)
        and (only is None or set(only) & set(one.needs))
    ]
    if not chosen:
        raise ValueError(
            f"subject must have one of the names of companion.numpy; got {subject!r}."
        )
    found = []
    for one in chosen:
        if sentence := one.violation(subject, rng):
            found.append(f"{one.name}: {sentence}")
            if stop:
                break
    return found
