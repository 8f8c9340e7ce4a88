"""What the properties share: assertions by exact counts, seeds that repeat, refusals."""

import contextlib

import numpy as np

from companion.verify._counts import mask_findings, refused


def plausible(counts, n, probability):
    """Assert that counts of n trials each fit a probability, 1e-9 for all together."""
    assert not refused(counts, n, probability)


def independent(one, other, p):
    """Assert that two boolean arrays of rate 1 - p agree as often as independent ones."""
    plausible((one == other).sum(), one.size, p**2 + (1 - p) ** 2)


def like_dropout(mask, p, rng):
    """Assert that what is dropped is independent along all axes, and all counts fit."""
    for _, wrong in mask_findings(mask, p, rng, "units"):
        assert not wrong


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


# Gradients are compared on small arrays, with so many masks: in one small mask the part
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
