"""Fresh randomness for every test, repeatable by the seed that a failure prints."""

import secrets

import numpy as np
import pytest


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, help="repeat a run with the seed it printed")


@pytest.fixture
def rng(request):
    """A generator with a fresh seed; pytest shows the seed when the test fails."""
    seed = request.config.getoption("--seed")
    seed = secrets.randbits(64) if seed is None else seed
    print(f"repeat with: pytest --seed {seed}")
    return np.random.default_rng(seed)
