"""How well trained networks stand damage: dropped units and noisy inputs."""

import numpy as np

from companion._arguments import (
    check_generator,
    check_numbers,
    check_p,
    check_rate,
    check_same_length,
)
from companion.experiments._checks import as_inputs
from companion.experiments.training.engine import Trained
from companion.experiments.training.forward import activations
from companion.numpy import dropout


def damaged_accuracy(trained, x, labels, rng, *, drop=0.0, noise=0.0):
    """Return the accuracy of trained networks whose units or inputs are damaged.

    All networks meet the same damage: one mask for each example and hidden
    layer, one noise for each input. So differences between them are paired.

    Parameters
    ----------
    trained : companion.experiments.Trained
        Result of `train_networks`; all hidden layers of a network count.
    x : numpy.ndarray
        Inputs, float32, shape (n, features).
    labels : numpy.ndarray
        Right answers, int64, shape (n,).
    rng : numpy.random.Generator
        Source of masks and noise. It draws the noise even if that is 0.
    drop : float
        Probability to **drop** each hidden unit, in [0, 1]; survivors are
        divided by 1 - drop.
    noise : float
        Standard deviation of Gaussian noise added to the inputs, 0 or more.

    Returns
    -------
    numpy.ndarray
        Fractions in [0, 1], shape (rates, seeds).

    Notes
    -----
    .. math:: x' = x + \\sigma \\epsilon, \\qquad h' = \\frac{m h}{1 - p}

    Source: the question is that of Srivastava et al. (2014), sections 2 and 7.1.
    Explained in chapter 2, with `coadaptation`.

    Examples
    --------
    >>> from companion.data import mnist1d
    >>> from companion.experiments import train_networks
    >>> data = mnist1d(200, 50)
    >>> trained = train_networks(
    ...     data, rates=(0.0, 0.3), seeds=(0, 1, 2), train_size=100, hidden=(16,),
    ...     epochs=2, batch_size=50, lr=1e-2, progress=False)
    >>> rng = np.random.default_rng(0)
    >>> damaged_accuracy(trained, data.x_test, data.y_test, rng, drop=0.3).shape
    (2, 3)
    """
    if not isinstance(trained, Trained):
        raise TypeError(f"trained must be a Trained of train_networks; got {trained!r}.")
    drop, noise = check_p(drop, "drop"), check_rate("noise", noise)
    check_generator(rng)
    x = as_inputs(x, trained.weights).numpy()
    labels = check_numbers("labels", labels, trained.weights[-1][0].shape[2])
    check_same_length(x, labels)
    x = (x + noise * rng.standard_normal(x.shape)).astype(np.float32)
    widths = [weight.shape[1] for weight, _ in trained.weights[1:]]
    factors = [dropout(np.ones((len(x), w), np.float32), drop, rng) for w in widths]
    *_, logits = activations(trained.weights, x, [None, *factors])
    right = logits.argmax(axis=2) == labels
    return right.mean(axis=1).reshape(len(trained.rates), -1)
