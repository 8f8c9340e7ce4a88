"""A Dask cluster takes over with one line, loses a worker, and changes no bit."""

import os
import signal
import threading
import time

import joblib
import numpy as np
import pytest
import torch
from distributed import Client, LocalCluster

from companion.data import mnist1d
from companion.experiments import train_networks

SETTINGS = {
    "rates": (0.0, 0.3), "seeds": range(24), "train_size": 1000, "hidden": (64, 64),
    "epochs": 6, "batch_size": 50, "lr": 1e-2, "progress": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None,
            local_directory=tmp_path_factory.mktemp("workers"),
        ) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        yield client


def kill_one_at_work(client, killed):
    """Wait until both workers compute, then end one as a crash would."""
    while not (busy := [w for w, tasks in client.processing().items() if tasks]):
        time.sleep(0.02)
    time.sleep(0.3)  # into the middle of a stack
    pid = client.run(os.getpid, workers=busy[:1])[busy[0]]
    os.kill(pid, signal.SIGKILL)
    killed.append(pid)


def test_a_worker_is_killed_and_nothing_is_lost(client):
    data = mnist1d(2000, 500)
    here = train_networks(data, **SETTINGS)
    pids = set(client.run(os.getpid).values())
    assert len(pids | {os.getpid()}) == 3
    killed = []
    killer = threading.Thread(target=kill_one_at_work, args=(client, killed))
    killer.start()
    with joblib.parallel_config("dask"):
        there = train_networks(data, **SETTINGS)
    killer.join()
    assert killed[0] in pids
    assert there.seeds == tuple(range(24))
    for ours, theirs in zip(there[3:7], here[3:7], strict=True):
        assert np.array_equal(ours, theirs)
    for ours, theirs in zip(there.weights, here.weights, strict=True):
        assert torch.equal(ours[0], theirs[0])
        assert torch.equal(ours[1], theirs[1])
