"""Train small autoencoders on real digits, to look at what their hidden units do."""

import functools
from typing import NamedTuple

import numpy as np
import torch

from companion._arguments import (
    check_below_1,
    check_count,
    check_flag,
    check_not_empty,
    check_seeds,
    check_sequence,
)
from companion._training import initial_weights, progress_bar
from companion.data import mnist_digits
from companion.experiments.training.forward import activations, draw_factors


class Autoencoders(NamedTuple):
    """Trained autoencoders, and what they do with the 1,000 test digits.

    `hidden` is float32 (rates, seeds, 1000, units): activations in evaluation mode.
    `features` is float32 (rates, seeds, units, 28, 28): the incoming weights.
    `error` is float64 (rates, seeds): mean squared error of the pixels, which lie in
    [0, 1].

    Notes
    -----
    Explained in chapter 2, with `sparsity`.

    Examples
    --------
    >>> Autoencoders._fields
    ('rates', 'seeds', 'hidden', 'features', 'error')
    """

    rates: tuple
    seeds: tuple
    hidden: np.ndarray
    features: np.ndarray
    error: np.ndarray


def _parameters(rates, seeds, units):
    """Return weights and biases, one network for each rate and seed, rates first."""
    pixels, layers = 784, []
    rngs = [np.random.default_rng([seed, 0]) for seed in seeds]
    for sizes in ((pixels, units), (units, pixels)):
        drawn = [initial_weights(*sizes, rng) for rng in rngs] * len(rates)
        weight = np.stack([w for w, _ in drawn])
        bias = np.stack([b for _, b in drawn])[:, None]
        pair = torch.tensor(weight), torch.tensor(bias)
        layers.append(tuple(t.float() for t in pair))
    return layers


@functools.lru_cache(maxsize=1)
@torch.no_grad()
def _train(rates, seeds, units, steps, progress):
    digits, size = mnist_digits(), 32
    x = torch.from_numpy(digits.x_train)
    layers = _parameters(rates, seeds, units)
    (w_in, b_in), (w_out, b_out) = layers
    parameters = [w_in, b_in, w_out, b_out]
    adam = torch.optim.Adam(parameters, lr=3e-3, fused=True)
    order = [np.random.default_rng([seed, 1]) for seed in seeds]
    masks = [(p, np.random.default_rng([seed, 2])) for p in rates for seed in seeds]
    for _ in progress_bar(range(steps), steps, progress):
        batch = [x[rng.integers(0, len(x), size)] for rng in order] * len(rates)
        batch = torch.stack(batch)
        factors = [draw_factors((size, units), p, rng) for p, rng in masks]
        z = torch.baddbmm(b_in, batch, w_in)
        slope = torch.from_numpy(np.stack(factors)) * (z > 0)
        hidden = z * slope
        logits = torch.baddbmm(b_out, hidden, w_out)
        # The gradient of the mean cross-entropy of each network, layer by layer.
        delta = (torch.sigmoid(logits) - batch) / batch[0].numel()
        w_out.grad, b_out.grad = hidden.mT @ delta, delta.sum(dim=1, keepdim=True)
        delta = (delta @ w_out.mT) * slope
        w_in.grad, b_in.grad = batch.mT @ delta, delta.sum(dim=1, keepdim=True)
        adam.step()
    hidden, logits = activations(layers, digits.x_test)
    error = (1 / (1 + np.exp(-logits)) - digits.x_test) ** 2
    shape = len(rates), len(seeds)
    features = w_in.mT.reshape(*shape, units, 28, 28).numpy()
    error = error.mean(axis=(1, 2), dtype=float).reshape(shape)
    hidden = hidden.reshape(*shape, *hidden.shape[1:])
    for array in (hidden, features, error):  # the next caller gets them too
        array.setflags(write=False)
    return Autoencoders(rates, seeds, hidden, features, error)


def train_autoencoders(rates, seeds, *, units=100, steps=1000, progress=True):
    """Train autoencoders with one hidden layer, one for each rate and seed.

    784 pixels, ReLU units with dropout, 784 logits; batches of 32 digits, cross-
    entropy of each pixel, Adam with learning rate 0.003. A seed fixes the initial
    weights, the batches and the stream of the masks; all rates of a seed share them.
    The last call is remembered, since two experiments look at the same networks.

    Parameters
    ----------
    rates : sequence of float
        Probabilities to **drop** a hidden unit, in [0, 1).
    seeds : sequence of int
        0 or more each.
    units : int
        Hidden units, at least 1.
    steps : int
        Training steps, at least 1.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Autoencoders
        Activations, features and errors, on 1,000 digits that were not trained on.

    Notes
    -----
    Source: Srivastava et al. (2014), sections 7.1 and 7.2, whose network has 256 units.
    Explained in chapter 2, with `sparsity`.

    Examples
    --------
    >>> few = train_autoencoders((0.0, 0.3), (0,), units=4, steps=2, progress=False)
    >>> few.hidden.shape, few.features.shape
    ((2, 1, 1000, 4), (2, 1, 4, 28, 28))
    """
    units, steps = check_count("units", units), check_count("steps", steps)
    check_flag("progress", progress)
    rates, seeds = check_sequence("rates", rates), check_seeds(seeds)
    check_not_empty(rates=rates, seeds=seeds)
    for p in rates:
        check_below_1("rates", p)
    return _train(rates, seeds, units, steps, progress)
