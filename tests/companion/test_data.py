"""The data sets: sizes, scale, splits, no network, no side effects."""

import random
import socket

import numpy as np
import pytest

from companion import data


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """Any attempt to reach a network is an error."""

    def refuse(*args, **kwargs):
        raise AssertionError("a data set tried to reach the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_digits():
    digits = data.mnist_digits(test_size=1000)
    assert digits.x_train.shape == (4000, 784)
    assert digits.x_train.dtype == np.float32
    assert digits.y_train.dtype == np.int64
    x = np.concatenate([digits.x_train, digits.x_test])
    assert (x.min(), x.max()) == (0, 1)
    labels = np.concatenate([digits.y_train, digits.y_test])
    assert np.bincount(labels).tolist() == [500] * 10


def test_curves():
    curves = data.mnist1d(samples=1000, test_size=200)
    assert curves.x_train.shape == (800, 40)
    x = np.concatenate([curves.x_train, curves.x_test])
    assert x.mean() == pytest.approx(0, abs=1e-5)
    assert x.std() == pytest.approx(1, abs=1e-5)
    labels = np.concatenate([curves.y_train, curves.y_test])
    assert np.bincount(labels).tolist() == [100] * 10


@pytest.mark.parametrize("load", [data.mnist_digits, lambda **k: data.mnist1d(200, **k)])
def test_split_is_a_shuffle_that_the_seed_fixes(load):
    one, same, other = (load(test_size=100, seed=s) for s in (0, 0, 1))
    assert np.array_equal(one.x_train, same.x_train)
    assert not np.array_equal(one.y_test, other.y_test)
    rows = {row.tobytes() for row in np.concatenate([one.x_train, one.x_test])}
    assert rows == {
        row.tobytes() for row in np.concatenate([other.x_train, other.x_test])
    }


@pytest.mark.parametrize("load", [data.mnist_digits, data.mnist1d])
def test_by_default_a_fifth_is_for_testing_and_the_seed_is_0(load):
    plain, stated = load(), load(test_size=1000, seed=0)
    assert (len(plain.y_train), len(plain.y_test)) == (4000, 1000)
    assert np.array_equal(plain.x_test, stated.x_test)


@pytest.mark.parametrize("load", [data.mnist_digits, lambda: data.mnist1d(200, 50)])
def test_callers_get_arrays_of_their_own(load):
    first = load()
    first.x_train[:] = -1
    assert load().x_train.max() > 0


def test_global_random_states_are_put_back():
    data._mnist1d.cache_clear()
    before = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    data.mnist1d(100, 20)
    assert random.getstate() == before[0]
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
