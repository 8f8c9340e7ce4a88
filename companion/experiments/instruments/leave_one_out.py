"""Ask how indispensable each hidden unit of a trained network is."""

import numpy as np
import torch

from companion._arguments import (
    check_axes,
    check_length,
    check_numbers,
    check_same_length,
)
from companion.experiments._checks import as_inputs, check_weights, plain


def _finish(h, weights):
    """Run the layers after a hidden activation h; return logits."""
    for i, (weight, bias) in enumerate(weights):
        h = torch.baddbmm(bias, h, weight)
        if i < len(weights) - 1:
            h = torch.relu(h)
    return h


def _loss(logits, labels):
    """Return the mean cross-entropy of each network, in nats."""
    right = torch.log_softmax(logits, dim=2)[:, torch.arange(len(labels)), labels]
    return -right.double().mean(dim=1)


@torch.no_grad()
def leave_one_out(weights, x, labels):
    """Return how much the loss grows when one hidden unit alone is taken away.

    The networks are full ReLU classifiers in evaluation mode. Nothing is scaled
    up for the missing unit.

    Parameters
    ----------
    weights : list of (torch.Tensor, torch.Tensor)
        A weight, shape (networks, in, out), and a bias, shape (networks, 1,
        out), for each layer; what `train_networks` returns. At least 2 layers.
    x : numpy.ndarray
        Inputs, shape (n, features), of the dtype of the weights.
    labels : numpy.ndarray
        Integers in [0, classes), shape (n,).

    Returns
    -------
    list of numpy.ndarray
        One float64 array for each hidden layer, shape (networks, units): loss
        without the unit minus loss of the full network, in nats. It is
        negative where the network does better without.

    Notes
    -----
    .. math:: \\Delta_j = L(f \\text{ with } h_j = 0) - L(f)

    Source: the idea of co-adaptation in Srivastava et al. (2014), sections 2 and 7.1.
    Explained in chapter 2, with `coadaptation`.

    Examples
    --------
    >>> import numpy as np, torch
    >>> eye, zero = torch.eye(2)[None], torch.zeros(1, 1, 2)
    >>> x, labels = np.eye(2, dtype=np.float32), np.array([0, 1])
    >>> damage, = leave_one_out([(eye, zero), (9 * eye, zero)], x, labels)
    >>> damage.round(2)
    array([[0.35, 0.35]])
    """
    weights = check_weights(weights, at_least=2)
    h = as_inputs(x, weights).expand(len(weights[0][0]), -1, -1)
    labels = check_numbers("labels", labels, weights[-1][0].shape[2])
    check_axes("labels", labels.shape, (1,), "(n,)")
    check_same_length(h[0], labels)
    check_length("x", labels, 1)
    labels = torch.from_numpy(plain(labels, np.int64))
    full = _loss(_finish(h, weights), labels)
    damages = []
    for layer, (weight, bias) in enumerate(weights[:-1]):
        h = torch.relu(torch.baddbmm(bias, h, weight))
        rest, damage = weights[layer + 1 :], []
        for unit in range(h.shape[2]):
            without = h.clone()
            without[:, :, unit] = 0.0
            damage.append(_loss(_finish(without, rest), labels) - full)
        damages.append(torch.stack(damage, dim=1).numpy())
    return damages


@torch.no_grad()
def unit_correlation(weights, x):
    """Return how alike the units of each hidden layer are over a set of inputs.

    `weights` and `x`, at least 2 inputs: as `leave_one_out`.

    Returns
    -------
    list of numpy.ndarray
        One float64 array for each hidden layer, shape (networks,): the mean
        absolute correlation of two different units, in [0, 1]. Units that never
        change are left out; with fewer than 2 others the entry is nan.

    Notes
    -----
    .. math:: \\frac{1}{k (k - 1)} \\sum_{i \\neq j} |\\mathrm{corr}(h_i, h_j)|

    Explained in chapter 2, with `coadaptation`.

    Examples
    --------
    >>> import numpy as np, torch
    >>> eye, zero = torch.eye(2)[None], torch.zeros(1, 1, 2)
    >>> x = np.array([[1, 2], [2, 4], [3, 6]], dtype=np.float32)
    >>> unit_correlation([(eye, zero), (eye, zero)], x)[0].round(3)
    array([1.])
    """
    weights = check_weights(weights, at_least=2)
    h = as_inputs(x, weights).expand(len(weights[0][0]), -1, -1)
    check_length("x", h[0], 2)
    layers = []
    for weight, bias in weights[:-1]:
        h = torch.relu(torch.baddbmm(bias, h, weight))
        layers.append(np.array([_mean_correlation(a) for a in h.double().numpy()]))
    return layers


def _mean_correlation(h):
    """Return the mean absolute correlation of two columns that do vary."""
    h = h[:, np.ptp(h, axis=0) > 0]
    k = h.shape[1]
    if k < 2:
        return np.nan
    return (abs(np.corrcoef(h.T)).sum() - k) / (k * (k - 1))
