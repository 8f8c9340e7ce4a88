"""Results that a test makes up: numbers as it wants them, without training."""

import itertools

import numpy as np

from companion.experiments import Trained
from companion.experiments.training.autoencoder import Autoencoders


def trainer(error, loss=lambda p, width, n, epoch: 1.0, train_loss=None):
    """Return a train_networks that trains nothing.

    error (per cent) and loss are functions of the rate, the width, the number of
    examples and the epoch. Seeds differ by a tenth at most, so intervals are narrow.
    """

    def train(_, *, rates, seeds, train_size, hidden, epochs, evaluate_every=None, **__):
        every = evaluate_every or epochs
        times = tuple(t for t in range(1, epochs + 1) if t % every == 0 or t == epochs)

        def table(function, seed_of_noise):
            rng = np.random.default_rng(seed_of_noise)
            noise = rng.uniform(-0.1, 0.1, (len(rates), len(seeds), len(times)))
            values = [
                function(p, hidden[0], train_size, t)
                for p, t in itertools.product(rates, times)
            ]
            return np.reshape(values, (len(rates), 1, len(times))) + noise

        return Trained(
            tuple(rates), tuple(seeds), times,
            train_loss=table(train_loss or loss, 1),
            train_accuracy=1 - table(error, 2) / 100,
            test_loss=table(loss, 3),
            test_accuracy=1 - table(error, 4) / 100,
            weights=[],
        )  # fmt: skip

    return train


def trained(rates, seeds, accuracy, loss=1.0):
    """Return a Trained of one evaluation; the seeds lie 0.0001 up and down in turn,
    once for the second setting, twice for the third, and so on.

    accuracy and loss are numbers, or one for each setting.
    """
    shape = (len(rates), len(seeds), 1)
    setting, seed, _ = np.indices(shape)
    jitter = 1e-4 * setting * (-1.0) ** seed

    def table(values):
        return np.broadcast_to(np.reshape(values, (-1, 1, 1)), shape) + jitter

    return Trained(
        tuple(rates), tuple(seeds), (1,), table(loss), table(accuracy), table(loss),
        table(accuracy), weights=[],
    )  # fmt: skip


def autoencoders(active=1.0, zeros=(0.0, 0.5), error=1.0, pictures=None, high=-5):
    """Return Autoencoders: two rates, three seeds, 1,000 inputs, 4 units, of which two are dead.

    At p = 0.5 `high` more inputs have high activations than at p = 0.
    """
    rng = np.random.default_rng(1)
    hidden = np.ones((2, 3, 1000, 4)) + rng.uniform(0, 0.01, (2, 3, 1, 1))
    for rate, share in enumerate(zeros):
        hidden[rate, :, : int(1000 * share)] = 0
        for seed in range(3):
            hidden[rate, seed, 990 - seed - rate * high :] = 3
    hidden[1] *= active
    hidden[..., 2:] = 0
    errors = np.ones((2, 3)) + rng.uniform(0, 0.01, (2, 3))
    errors[1] *= error
    return Autoencoders((0.0, 0.5), (0, 1, 2), hidden, pictures, errors)
