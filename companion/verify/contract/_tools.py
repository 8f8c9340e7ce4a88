"""What the properties share: their register, and assertions by exact counts."""

import contextlib
import warnings
from typing import NamedTuple

import numpy as np

from companion._arguments import check_generator
from companion.verify.properties import (
    FALSE_ALARM,
)


class Check(NamedTuple):
    """One property of a correct dropout.

    Attributes
    ----------
    name : str
        Name of the check.
    needs : tuple of str
        Names that the subject must have.
    property : str
        The property in a sentence.
    function : callable
        Takes (subject, rng); raises AssertionError where the property fails.

    Notes
    -----
    Explained in chapter 9.

    Examples
    --------
    >>> Check("keeps", ("keep_mask",), "It keeps.", print).needs
    ('keep_mask',)
    """

    name: str
    needs: tuple
    property: str
    function: object


CHECKS = []


def check(*needs):
    """Register a check of the names it needs.

    Parameters
    ----------
    *needs : str
        Names that the subject must have.

    Returns
    -------
    callable
        Decorator for a function (subject, rng); the first line of its docstring
        is the property.

    Raises
    ------
    TypeError
        If no name is given.

    Notes
    -----
    Explained in chapter 9.

    Examples
    --------
    >>> {need for check in CHECKS for need in check.needs} > {"keep_mask", "dropout"}
    True
    """
    if not needs:
        raise TypeError("needs must not be empty: name what the check looks at.")

    def register(function):
        sentence = function.__doc__.splitlines()[0]
        CHECKS.append(Check(function.__name__, needs, sentence, function))
        return function

    return register


def violations(subject, rng, *, only=None, stop=False):
    """Return which properties a subject violates.

    Parameters
    ----------
    subject : object
        With some of the names of `companion.numpy`, or `keep_mask`, over NumPy
        arrays. Checks of names that it lacks are left out.
    rng : numpy.random.Generator
        Source of all randomness, here and in the subject.
    only : set of str, optional
        Run only checks that need one of these names.
    stop : bool
        True stops at the first violation.

    Returns
    -------
    list of str
        One line for each violated check: its name and the property, or the
        exception that it met. Empty for a correct subject.

    Raises
    ------
    TypeError
        If rng is not a Generator.
    ValueError
        If there is nothing to check.

    Notes
    -----
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
    chosen = [
        one
        for one in CHECKS
        if all(hasattr(subject, need) for need in one.needs)
        and (only is None or set(only) & set(one.needs))
    ]
    if not chosen:
        raise ValueError(
            f"subject must have one of the names of companion.numpy; got {subject!r}."
        )
    found = []
    for one in chosen:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                one.function(subject, rng)
        except AssertionError:
            found.append(f"{one.name}: {one.property}")
        except Exception as error:  # the subject may raise anything
            found.append(f"{one.name}: {type(error).__name__}: {error}")
        if stop and found:
            break
    return found


# What the checks share ----------------------------------------------------------------
def plausible(counts, n, probability):
    """Assert that counts of n trials each fit a probability, 1e-9 for all together."""
    from scipy.stats import binom  # here, so that importing the companion stays quick

    counts = np.atleast_1d(counts)
    below, above = binom.cdf(counts, n, probability), binom.sf(counts - 1, n, probability)
    assert (np.minimum(below, above) > FALSE_ALARM / 2 / counts.size).all()


def independent(one, other, p):
    """Assert that two boolean arrays of rate 1 - p agree as often as independent ones."""
    plausible((one == other).sum(), one.size, p**2 + (1 - p) ** 2)


def seeded(rng):
    """Return a function that makes one generator again and again."""
    seed = int(rng.integers(2**63))
    return lambda: np.random.default_rng(seed)


def state(rng):
    return repr(rng.bit_generator.state)


@contextlib.contextmanager
def global_state_held(rng):
    """Assert that NumPy's global random state, fresh, is the same afterwards."""
    before = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002
        fresh = np.random.get_state()  # noqa: NPY002
        yield
        after = np.random.get_state()  # noqa: NPY002
        assert np.array_equal(fresh[1], after[1]) and fresh[2:] == after[2:]
    finally:
        np.random.set_state(before)  # noqa: NPY002


def raises(error, words, function, *arguments):
    """Assert that a call is refused with an error that says what is wrong."""
    message = None
    try:
        function(*arguments)
    except error as raised:
        message = str(raised)
    assert message is not None, "nothing was raised"
    assert all(word in message for word in words), message


# Gradients are checked on small arrays, with so many masks: in one small mask the part
# that shows a fault may happen to be dropped, or nothing may be.
DRAWS = 6


def repeated(layer, rng):
    """Return a forward pass that draws the same randomness at every call."""
    state = rng.bit_generator.state

    def forward(x):
        rng.bit_generator.state = state
        return layer(x)

    return forward


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
