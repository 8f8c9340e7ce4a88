"""Train with several masks for each example and step."""

import itertools

import numpy as np
import torch

from companion._arguments import (
    check_below_1,
    check_count,
    check_not_empty,
    check_rate,
    check_seeds,
    check_sequence,
)
from companion.experiments._checks import check_split
from companion.torch import Dropout, nn


def _network(sizes, p, rng):
    """Return a ReLU network with dropout after every hidden layer."""
    layers = []
    for n_in, n_out in itertools.pairwise(sizes[:-1]):
        layers += [nn.Linear(n_in, n_out, rng), nn.ReLU(), Dropout(p, rng)]
    return nn.Sequential(*layers, nn.Linear(*sizes[-2:], rng))


def train_with_copies(data, *, p, copies, seeds, hidden, epochs, batch_size, lr):
    """Train with several masks for each example; return the training loss.

    Each example enters its batch `copies` times, each time with a mask of its
    own. More copies leave the expected loss as it is and average the noise of
    the masks away. One copy is ordinary dropout.

    Parameters
    ----------
    data : companion.data.Split
        All its training examples are used.
    p : float
        Probability to **drop** after every hidden layer, in [0, 1).
    copies : int
        Masks for each example and step, at least 1.
    seeds : sequence of int
        0 or more each; a seed fixes weights, order and masks. The first
        weights and the order do not depend on p and copies.
    hidden : sequence of int
        Widths of the hidden layers.
    epochs, batch_size : int
        At least 1; an incomplete last batch of an epoch is left out.
    lr : float
        Learning rate of Adam.

    Returns
    -------
    numpy.ndarray
        float64, shape (len(seeds), epochs): mean cross-entropy over the training
        examples in evaluation mode, in nats, after each epoch.

    Notes
    -----
    With R copies a step follows the gradient of

    .. math:: \\frac{1}{N R} \\sum_{i=1}^{N} \\sum_{r=1}^{R} L(x_i, m_{ir}),

    whose expectation over the masks m is the same for every R. Source: the
    question of Srivastava et al. (2014), section 11. Explained in chapter 9.

    Examples
    --------
    >>> from companion.data import mnist1d
    >>> train_with_copies(
    ...     mnist1d(100, 20), p=0.3, copies=2, seeds=(0, 1), hidden=(8,), epochs=3,
    ...     batch_size=40, lr=1e-2).shape
    (2, 3)
    """
    data = check_split(data)
    p, lr = check_below_1("p", p), check_rate("lr", lr)
    seeds, hidden = check_seeds(seeds), check_sequence("hidden", hidden)
    check_not_empty(seeds=seeds)
    hidden = [check_count("hidden", width) for width in hidden]
    copies, epochs = check_count("copies", copies), check_count("epochs", epochs)
    batch_size = check_count("batch_size", batch_size)
    x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)
    if batch_size > len(x):
        raise ValueError(
            f"batch_size must be at most the number of training examples, {len(x)}; "
            f"got {batch_size!r}."
        )
    sizes = (x.shape[1], *hidden, int(y.max()) + 1)
    loss_function = nn.CrossEntropyLoss()
    losses = np.empty((len(seeds), epochs))
    for row, seed in zip(losses, seeds, strict=True):
        order_rng = np.random.default_rng([seed, 0])
        model = _network(sizes, p, np.random.default_rng([seed, 1]))
        optimizer = nn.Adam(model.parameters(), lr=lr, fused=True)
        for epoch in range(epochs):
            order = torch.from_numpy(order_rng.permutation(len(x)))
            for batch in order[: len(x) // batch_size * batch_size].split(batch_size):
                optimizer.zero_grad()
                logits = model(x[batch].repeat(copies, 1))
                loss_function(logits, y[batch].repeat(copies)).backward()
                optimizer.step()
            row[epoch], _ = nn.evaluate(model, x, y)
    return losses
