"""The register of properties, and what a subject violates."""

import functools
import traceback
import warnings
from typing import NamedTuple

import companion.numpy
from companion._arguments import check_flag, check_generator
from companion.verify._counts import circumstances
from companion.verify._kinds import CASES, OTHERS
from companion.verify.properties import binomial


class Property(NamedTuple):
    """One property of a correct dropout: `sentence` says it, `function` asserts it.

    `needs` are the names that a subject must have, the first the one that is judged;
    `topic` is the module of the package that holds it. `beyond` says that the companion
    promises it, and that a dropout can be right without. Explained in chapter 9.
    """

    name: str
    needs: tuple
    sentence: str
    function: object
    topic: str
    beyond: bool

    def violation(self, subject, rng, warned="error"):
        """Return the sentence and what was seen, or an exception; None if it holds."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(warned)
                self.function(subject, rng)
        except AssertionError as error:
            line = traceback.extract_tb(error.__traceback__)[-1].line
            return f"{self.sentence} Not so: {line} ({circumstances(error)})"
        except ModuleNotFoundError:  # what is not installed is no fault of the subject
            raise
        except Exception as error:  # the subject may raise anything
            return f"{type(error).__name__}: {error}"
        return None


PROPERTIES = []


def beyond(function):
    """Mark a property that the companion promises, and a right dropout may lack."""
    function.beyond = True
    return function


def property_of(*needs):
    """Register a function (subject, rng) that asserts a property of the names it needs.

    The first name is the one that is judged. The first line of the docstring is the
    property's sentence, its module the topic. Explained in chapter 9.
    """
    if not needs:
        raise TypeError("needs must not be empty: name what the property is one of.")

    def register(function):
        topic = function.__module__.rpartition(".")[2]
        _register(function.__name__, needs, function, function, topic)
        return function

    return register


def property_of_every_layer(function):
    """Register a function (layers, rng) that asserts it of a kind, once for each kind.

    `layers` lists the ways to build one kind, each with `build(p, rng)`, the `shape`
    of x, the shape of its `draws` and `act(p)`: (a, b, d) if a kept x becomes a x + b
    and a dropped one d.
    """
    return _of_each(CASES, layers, function)


def property_of_other_layers(function):
    """Register a function ((build, x), rng) that asserts it of each kind of `OTHERS`.

    These do not mask their input: `build(p, rng)` makes a layer that is called with x.
    """

    def ready(make, kind):
        first, last, x = OTHERS[kind]
        return lambda p, rng: make(*first, p, *last, rng), x

    return _of_each(OTHERS, ready, function)


def _of_each(kinds, prepare, function):
    for kind in kinds:

        def of_kind(subject, rng, kind=kind):
            function(prepare(getattr(subject, kind), kind), rng)

        topic = getattr(companion.numpy, kind).__module__.rpartition(".")[2]
        _register(f"{kind}_{function.__name__}", (kind,), of_kind, function, topic)
    return function


def _register(name, needs, function, documented, topic):
    sentence = documented.__doc__.splitlines()[0]
    more = getattr(documented, "beyond", False)
    PROPERTIES.append(Property(name, needs, sentence, function, topic, more))


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
    ModuleNotFoundError
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
    >>> (found,) = violations(types.SimpleNamespace(dropout=never), rng, stop=True)
    >>> print(found.partition(" Not so")[0])
    dropout_drops_and_scales: a value is 0 or exactly x / (1 - p), and both occur.
    """
    check_generator(rng)
    check_flag("stop", stop)
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
