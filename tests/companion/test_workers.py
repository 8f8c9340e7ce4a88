"""Loader workers are forked: each needs a stream of its own."""

import multiprocessing

import numpy as np
import pytest
import torch

from companion.numpy import dropout

FORK = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="no fork here"
)


class Noisy(torch.utils.data.Dataset):
    """Eight examples, each with the mask that its worker draws."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return 8

    def __getitem__(self, i):
        return torch.from_numpy(dropout(np.ones(64), 0.5, self.rng))


def own_stream(worker):
    """The cure: a generator for each worker, from its own seed."""
    info = torch.utils.data.get_worker_info()
    info.dataset.rng = np.random.default_rng([info.seed, worker])


def different(workers, start=None):
    loader = torch.utils.data.DataLoader(
        Noisy(), num_workers=workers, worker_init_fn=start,
        multiprocessing_context="fork" if workers else None,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    return len({tuple(batch[0].tolist()) for batch in loader})


def test_without_workers_every_example_has_its_own_mask():
    assert different(0) == 8


@FORK
def test_forked_loader_workers_repeat_masks():
    """The fault: two copies of one generator draw each mask twice."""
    assert different(2) == 4


@FORK
def test_a_stream_for_each_loader_worker_repeats_none():
    assert different(2, own_stream) == 8


def draw(rng):
    return dropout(np.ones(64), 0.5, rng).tobytes()


def draw_twice(rngs, results):
    results.put([draw(rngs), draw(rngs)])


def drawn_by_processes(rngs):
    """Return the masks of one forked process for each generator, two each."""
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    processes = [context.Process(target=draw_twice, args=(g, results)) for g in rngs]
    for process in processes:
        process.start()
    masks = [mask for _ in processes for mask in results.get()]
    for process in processes:
        process.join()
    return masks


@FORK
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_plain_processes_need_a_stream_each():
    rng = np.random.default_rng(0)
    assert len(set(drawn_by_processes([rng, rng]))) == 2  # the fault
    assert len(set(drawn_by_processes(rng.spawn(2)))) == 4  # the cure
