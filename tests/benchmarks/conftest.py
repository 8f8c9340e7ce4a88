"""Race contestants: all take turns in every round, so that noise hits all alike."""

import os
import random
import time

import pytest

THREADS = int(os.environ["OMP_NUM_THREADS"])
# Read when the frameworks are imported. NPROC is the size of JAX's pool of threads.
os.environ |= {"KERAS_BACKEND": "torch", "JAX_PLATFORMS": "cpu", "NPROC": str(THREADS)}

# Frameworks may deprecate what other frameworks use; that is not measured here.
QUIET = ("DeprecationWarning", "FutureWarning", "UserWarning")


def pytest_collection_modifyitems(items):
    for item in items:
        for category in QUIET:
            item.add_marker(pytest.mark.filterwarnings(f"ignore::{category}"))


@pytest.fixture
def race(benchmark):
    """Return a function that times contestants in turn and records every time."""

    def run(kind, n, contestants, rates, *, rounds, calls=1):
        """Record the seconds of a call, for each contestant, rate and round."""
        turns = [(name, p) for name in contestants for p in rates]
        seconds = {turn: [] for turn in turns}
        shuffle = random.Random(0).shuffle

        def one_round():
            shuffle(turns)  # nobody always comes after the same neighbour
            for name, p in turns:
                function = contestants[name]
                start = time.perf_counter()
                for _ in range(calls):
                    result = function(p)
                seconds[name, p].append((time.perf_counter() - start) / calls)
                del result

        # Compiles. What another p compiles falls into the first round, where neither the
        # shortest time nor the median sees it.
        for function in contestants.values():
            function(rates[0])
        benchmark.pedantic(one_round, rounds=rounds)
        benchmark.extra_info["load"] = os.getloadavg()[0]
        benchmark.extra_info["times"] = [
            {
                "kind": kind, "n": n, "threads": THREADS,
                "contestant": name, "p": p, "seconds": times,
            }
            for (name, p), times in seconds.items()
        ]  # fmt: skip

    return run
