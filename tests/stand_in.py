"""Results of training that a test makes up: one number for each setting."""

import numpy as np

from companion.experiments import Trained


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
