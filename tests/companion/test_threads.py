"""Threads: one generator for several, and several checkpoints at once."""

import sys
import threading

import numpy as np
import pytest
import torch
from torch.utils.checkpoint import checkpoint

import companion.torch as ct
from companion.masks import draw_keep_mask
from tests.companion.kinds import generator_of

THREADS = 4


@pytest.fixture(autouse=True)
def often_interrupted():
    """Let threads change places as often as possible, each with two of its own."""
    interval, threads = sys.getswitchinterval(), torch.get_num_threads()
    sys.setswitchinterval(1e-6)
    torch.set_num_threads(2)
    yield
    sys.setswitchinterval(interval)
    torch.set_num_threads(threads)


def in_threads(work):
    """Run work(i) in several threads at once; raise what one of them raised."""
    errors, start = [], threading.Barrier(THREADS)

    def run(i):
        start.wait()
        try:
            work(i)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_a_large_mask_waits_for_the_lock_of_the_generator():
    """Nothing moves the state while somebody else holds the lock, as in NumPy itself."""
    bits = np.random.PCG64(0)
    drawing = threading.Thread(target=draw_keep_mask, args=((2**21,), 0.3, bits, 2))
    with bits.lock:
        before = bits.state
        drawing.start()
        drawing.join(timeout=0.3)
        assert drawing.is_alive()
        assert bits.state == before
    drawing.join()
    assert bits.state != before


@pytest.mark.parametrize("source", ["numpy", "torch"])
@pytest.mark.parametrize("n", [256, 2**20])  # with one draw, and on several threads
def test_no_mask_is_drawn_twice_from_one_generator(source, n, rng):
    stream, x, seen = generator_of(source, rng), torch.ones(n), []

    def work(_):
        for _ in range(40):
            seen.append(ct.dropout(x, 0.3, stream)[:256].numpy().tobytes())

    in_threads(work)
    assert len(set(seen)) == len(seen) == 40 * THREADS


@pytest.mark.parametrize("source", ["numpy", "torch"])
@pytest.mark.parametrize("shared", [False, True])
def test_checkpoints_in_several_threads_repeat_their_own_masks(source, shared, rng):
    streams = [generator_of(source, rng) for _ in range(THREADS)]
    seen = []

    def work(i):
        stream = streams[0 if shared else i]
        layer, context = ct.Dropout(0.3, stream), ct.replay_masks(stream)
        for _ in range(30):
            x = torch.ones(3000, requires_grad=True)
            y = checkpoint(
                lambda x: layer(x) ** 2, x, use_reentrant=False, context_fn=context
            )
            y.sum().backward()
            assert torch.equal(x.grad == 0, y == 0)
            seen.append(y.detach().numpy().tobytes())

    in_threads(work)
    assert len(set(seen)) == len(seen) == 30 * THREADS


@pytest.mark.parametrize("source", ["numpy", "torch"])
def test_a_plain_draw_beside_a_checkpoint_is_no_repetition(source, rng):
    stream, x, seen = generator_of(source, rng), torch.ones(3000), []
    layer, context = ct.Dropout(0.3, stream), ct.replay_masks(stream)

    def work(i):
        for _ in range(40):
            leaf = x.clone().requires_grad_()
            y = layer(leaf) if i % 2 else checkpoint(
                layer, leaf, use_reentrant=False, context_fn=context
            )  # fmt: skip
            y.sum().backward()
            assert torch.equal(leaf.grad, y)
            seen.append(y.detach().numpy().tobytes())

    in_threads(work)
    assert len(set(seen)) == len(seen)
