"""Seconds for n numbers: forward, and forward + backward."""

import pytest

from .contestants import RATES, forward, forward_backward

# Numbers and rounds. The size of the goals comes first: torch.compile makes its fastest
# code, for one size, for the first size that it sees, and general code for all others.
ROUNDS = {4_000_000: 15, 1_000: 30, 10_000: 30, 100_000: 20, 1_000_000: 15, 64_000_000: 2}
sizes = pytest.mark.parametrize("n", ROUNDS)


def calls(n):
    """Return how many calls to time together, so that the clock is fine enough."""
    return max(1, 20_000 // n)


@sizes
def test_forward(race, n):
    race("forward", n, forward(n), RATES, rounds=ROUNDS[n], calls=calls(n))


@sizes
def test_forward_and_backward(race, n):
    def both(run):
        def both_passes(p):
            y, gradient = run(p)
            return y, gradient()

        return both_passes

    contestants = {name: both(run) for name, run in forward_backward(n).items()}
    kind = "forward + backward"
    race(kind, n, contestants, RATES, rounds=ROUNDS[n], calls=calls(n))
