"""Bytes an element: the highest point of both passes, and what the backward pass needs."""

import ctypes
import gc
import os
import time
from pathlib import Path

import pytest

from .contestants import forward, forward_backward

PROCESS = Path("/proc/self")
# So many that each array is above 32 MB, even one of booleans: then the C library gives
# it back to the system as soon as it is freed.
N = 40_000_000
P = 0.3


def resident(field="VmRSS"):
    """Return the bytes of memory in use, or the most since `forget_peak`."""
    lines = (PROCESS / "status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(field))
    return int(line.split()[1]) * 1024


def forget_peak():
    """Give back what is free, so that it counts again when it is taken; start anew."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    (PROCESS / "clear_refs").write_text("5")


@pytest.mark.skipif(os.environ["OMP_NUM_THREADS"] != "1", reason="once is enough")
@pytest.mark.skipif(not PROCESS.exists(), reason="Linux alone says what a process uses")
def test_memory(benchmark):
    measured = []

    def note(contestant, what, size):
        measured.append({"contestant": contestant, "what": what, "bytes": size / N})

    def measure():
        for name, run in forward(N).items():
            run(P)  # compiles
            forget_peak()
            before = resident()
            run(P)
            note(name, "forward, peak", resident("VmHWM") - before)
        for name, run in forward_backward(N).items():
            run(P)[1]()
            forget_peak()
            before = resident()
            y, gradient = run(P)
            time.sleep(0.5)  # JAX gives its scratch memory back a little later
            result = y.nbytes
            note(name, "kept for backward", resident() - before - result)
            gradient()
            note(name, "forward + backward, peak", resident("VmHWM") - before)
            del y, gradient

    benchmark.pedantic(measure)
    benchmark.extra_info["memory"] = measured
