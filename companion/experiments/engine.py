"""Train many small networks at once, one for each pair of a drop rate and a seed.

The networks are stacked: a weight has shape (networks, in, out) and one batched
matrix product moves them all. That is several times faster than a loop when the
networks are narrow. They share nothing but the product: the loss is a sum of one
term for each network, so each gets the gradient it would get alone.
"""

import itertools
import numbers
from typing import NamedTuple

import numpy as np
import torch

from companion._arguments import check_count, check_p, check_rate
from companion._training import check_same_length, initial_weights, progress_bar
from companion.masks import keep_mask
from companion.torch.dropout import dropout_forward


class Trained(NamedTuple):
    """What `train_networks` measured; the arrays have shape (rates, seeds, times).

    The last axis runs over the epochs at which the networks were evaluated.
    Accuracies are fractions in [0, 1], losses are in nats; all are measured in
    evaluation mode.

    Notes
    -----
    Explained in chapter 5.

    Examples
    --------
    >>> Trained._fields[:3]
    ('rates', 'seeds', 'epochs')
    """

    rates: tuple
    seeds: tuple
    epochs: tuple
    train_loss: np.ndarray
    train_accuracy: np.ndarray
    test_loss: np.ndarray
    test_accuracy: np.ndarray
    weights: (
        list  # of (weight, bias) tensors, shapes (rates * seeds, in, out), (…, 1, out)
    )


def _forward(x, weights, masks, rates):
    """Return logits, (networks, n, classes); masks=None evaluates the full networks."""
    for layer, (weight, bias) in enumerate(weights):
        x = torch.baddbmm(bias, x, weight)
        if layer == len(weights) - 1:
            return x
        x = torch.relu(x)
        if masks is not None:
            x = torch.stack(
                [
                    dropout_forward(*xmp)
                    for xmp in zip(x, masks[layer], rates, strict=True)
                ]
            )


def _losses(logits, labels):
    """Return the mean cross-entropy of each network."""
    networks, n, classes = logits.shape
    losses = torch.nn.functional.cross_entropy(
        logits.reshape(-1, classes), labels.reshape(-1), reduction="none"
    )
    return losses.reshape(networks, n).mean(dim=1)


@torch.no_grad()
def _evaluate(weights, x, labels):
    """Return loss and accuracy of each network, as arrays."""
    logits = _forward(x, weights, None, None)
    accuracy = (logits.argmax(dim=2) == labels).double().mean(dim=1)
    return _losses(logits, labels).numpy(), accuracy.numpy()


def train_networks(
    data,
    *,
    rates,
    seeds,
    train_size,
    hidden,
    epochs,
    batch_size,
    lr,
    evaluate_every=None,
    progress=True,
):
    """Train one fully connected ReLU classifier for each drop rate and seed, with Adam.

    Dropout follows every hidden layer. A seed fixes the initial weights, the
    training subset and the order of the examples; all rates of one seed share
    them, so differences between rates are paired.

    Parameters
    ----------
    data : companion.data.Split
        Subsets are drawn from its training examples; all its test examples are
        used.
    rates : sequence of float
        Probabilities to **drop**, each in [0, 1).
    seeds : sequence of int
        0 or more each.
    train_size : int
        Training examples for each seed, at least 1.
    hidden : sequence of int
        Widths of the hidden layers.
    epochs, batch_size : int
        At least 1; an incomplete last batch of an epoch is left out.
    lr : float
        Learning rate of Adam.
    evaluate_every : int, optional
        Evaluate after every so many epochs; by default at the end only.
    progress : bool
        Show a progress bar with the time left.

    Returns
    -------
    Trained
        Losses and accuracies, shape (rates, seeds, times), and the weights.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Notes
    -----
    Source: the protocol of Srivastava et al. (2014), section 6.1, at laptop
    scale. Explained in chapter 5.

    Examples
    --------
    >>> from companion.data import mnist1d
    >>> result = train_networks(
    ...     mnist1d(200, 50), rates=(0.0, 0.3), seeds=(0, 1, 2), train_size=100,
    ...     hidden=(16,), epochs=2, batch_size=50, lr=1e-2, progress=False)
    >>> result.test_accuracy.shape
    (2, 3, 1)
    """
    rates, seeds = tuple(rates), tuple(seeds)
    if not rates or not seeds:
        raise ValueError(
            f"rates and seeds must not be empty; got {rates!r} and {seeds!r}."
        )
    if max(check_p(p) for p in rates) == 1.0:
        raise ValueError(f"rates must be below 1, which keeps nothing; got {rates!r}.")
    for name, value in (("train_size", train_size), ("epochs", epochs)):
        check_count(name, value)
    check_count("batch_size", batch_size)
    every = epochs if evaluate_every is None else evaluate_every
    check_count("evaluate_every", every)
    check_rate("lr", lr)
    for layer, width in enumerate(hidden):
        check_count(f"hidden[{layer}]", width)
    for seed in seeds:
        if not isinstance(seed, numbers.Integral) or seed < 0:
            raise ValueError(f"seeds must be ints of 0 or more; got {seed!r}.")
    if not batch_size <= train_size <= len(data.x_train):
        raise ValueError(
            f"train_size must lie between batch_size, {batch_size}, and the number of "
            f"training examples, {len(data.x_train)}; got {train_size!r}."
        )
    check_same_length(data.x_train, data.y_train)

    # One stream for what all rates of a seed share, one for the masks of each network.
    shared = [np.random.default_rng([seed, 0]) for seed in seeds]
    # The bits of p, not its place in `rates`: a network does not depend on the others.
    mask_rngs = [
        np.random.default_rng([seed, 1, int(np.float64(p).view(np.uint64))])
        for p in rates
        for seed in seeds
    ]
    network_rates = [p for p in rates for _ in seeds]

    subsets = [rng.permutation(len(data.x_train))[:train_size] for rng in shared]
    sizes = (data.x_train.shape[1], *hidden, int(data.y_train.max()) + 1)
    weights = []
    for n_in, n_out in itertools.pairwise(sizes):
        drawn = [initial_weights(n_in, n_out, rng) for rng in shared]
        weight = np.stack([w for w, _ in drawn] * len(rates)).astype(np.float32)
        bias = np.stack([b for _, b in drawn] * len(rates)).astype(np.float32)[:, None]
        weights.append(
            (
                torch.tensor(weight, requires_grad=True),
                torch.tensor(bias, requires_grad=True),
            )
        )
    optimizer = torch.optim.Adam([t for pair in weights for t in pair], lr=lr, fused=True)

    x_all, y_all = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)
    networks = len(network_rates)
    x_test = torch.from_numpy(data.x_test).expand(networks, -1, -1)
    y_test = torch.from_numpy(data.y_test).expand(networks, -1)
    train = torch.from_numpy(np.stack(subsets * len(rates)))

    steps, evaluated, rows = train_size // batch_size, [], []
    for epoch in progress_bar(range(1, epochs + 1), epochs, progress):
        orders = [
            rng.permutation(subset) for rng, subset in zip(shared, subsets, strict=True)
        ]
        order = torch.from_numpy(np.stack(orders * len(rates)))
        for step in range(steps):
            batch = order[:, step * batch_size : (step + 1) * batch_size]
            masks = [
                [
                    keep_mask((batch_size, h), p, rng)
                    for p, rng in zip(network_rates, mask_rngs, strict=True)
                ]
                for h in hidden
            ]
            logits = _forward(x_all[batch], weights, masks, network_rates)
            optimizer.zero_grad()
            _losses(logits, y_all[batch]).sum().backward()
            optimizer.step()
        if epoch % every == 0 or epoch == epochs:
            evaluated.append(epoch)
            rows.append(
                (
                    *_evaluate(weights, x_all[train], y_all[train]),
                    *_evaluate(weights, x_test, y_test),
                )
            )
    # rows: (times, 4, networks) -> four arrays (rates, seeds, times)
    measured = np.array(rows).transpose(1, 2, 0).reshape(4, len(rates), len(seeds), -1)
    detached = [(w.detach(), b.detach()) for w, b in weights]
    return Trained(rates, seeds, tuple(evaluated), *measured, detached)
