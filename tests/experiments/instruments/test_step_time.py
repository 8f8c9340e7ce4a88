"""Timing in turn, with a clock that the test turns itself."""

import numpy as np
import pytest

from companion.experiments.instruments.step_time import (
    relative_times,
)


class Clock:
    """A clock that stands still until somebody works."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def work(self, *durations):
        """Return a function that takes the given times, one after the other."""
        left = list(durations)

        def function():
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return function


def test_ratios_are_relative_to_the_first():
    clock = Clock()
    functions = [clock.work(2.0), clock.work(3.0), clock.work(1.0)]
    found = relative_times(functions, rounds=5, clock=clock)
    np.testing.assert_array_equal(found, [1.0, 1.5, 0.5])


def test_a_slow_spell_of_the_machine_cancels():
    clock = Clock()
    spell = [1.0, 10.0, 10.0, 10.0, 1.0]
    functions = [clock.work(*spell), clock.work(*(2 * s for s in spell))]
    found = relative_times(functions, rounds=4, warm_up=1, clock=clock)
    np.testing.assert_array_equal(found, [1.0, 2.0])


def test_warm_up_rounds_do_not_count():
    clock = Clock()
    functions = [clock.work(1.0), clock.work(99.0, 99.0, 1.0)]
    found = relative_times(functions, rounds=3, warm_up=2, clock=clock)
    np.testing.assert_array_equal(found, [1.0, 1.0])


def test_the_functions_run_in_turn():
    clock, called = Clock(), []

    def note(name):
        called.append(name)
        clock.now += 1.0

    relative_times(
        [lambda: note("a"), lambda: note("b")], rounds=2, warm_up=1, clock=clock
    )
    assert called == ["a", "b"] * 3


def test_bad_input_is_refused():
    def nothing():
        return None

    with pytest.raises(ValueError, match="at least 2"):
        relative_times([nothing], rounds=1)
    with pytest.raises(TypeError, match="callable"):
        relative_times([nothing, 3], rounds=1)
    with pytest.raises(TypeError, match="rounds"):
        relative_times([nothing, nothing], rounds=2.0)
    with pytest.raises(ValueError, match="warm_up"):
        relative_times([nothing, nothing], rounds=1, warm_up=0)
    with pytest.raises(ValueError, match="too quick"):
        relative_times([nothing, nothing], rounds=1, clock=lambda: 0.0)
