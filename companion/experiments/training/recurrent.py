"""Train gated recurrent units to remember a symbol, with dropout in several places.

The task: see one of eight symbols, then noise for a number of steps, then name
the symbol. Nothing but the carried state can bridge the gap.
"""

from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch

from companion._arguments import (
    check_below_1,
    check_choice,
    check_count,
    check_flag,
    check_not_empty,
    check_rate,
    check_seeds,
    check_sequence,
)
from companion._training import initial_weights, progress_bar
from companion.masks import keep_mask

KINDS = ("none", "gates-fresh", "state-shared", "state-fresh")
SYMBOLS = 8


class Recall(NamedTuple):
    """What `train_recall` measured; the arrays have shape (kinds, seeds).

    Accuracies are fractions in [0, 1]; guessing gives 1/8.

    Notes
    -----
    Explained in chapter 6, with `masked_memory`.

    Examples
    --------
    >>> Recall._fields
    ('kinds', 'seeds', 'accuracy', 'training_accuracy')
    """

    kinds: tuple
    seeds: tuple
    accuracy: np.ndarray
    training_accuracy: np.ndarray


@contextmanager
def _one_thread():
    """Run torch on one thread inside: products this small only wait for a second one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _masks(kind, shape, p, rng):
    """Return the factors for what is carried on and for what gates and read-out see.

    Both have shape (times, batch, hidden), float32. The carried state is not
    rescaled: a factor 1/(1-p) at each step would grow like (1-p)^-times.
    """
    if kind == "none":
        p = 0.0
    drawn = keep_mask((1, *shape[1:]) if kind == "state-shared" else shape, p, rng)
    keep = np.broadcast_to(drawn, shape).astype(np.float32)
    carry = keep if kind.startswith("state") else np.ones_like(keep)
    return carry, keep / np.float32(1.0 - p)


def _recall(x, weights, carry, seen):
    """Run a gated recurrent unit over x; return its logits after the last step.

    x has shape (networks, times, batch, inputs); carry and seen have one entry
    more along times, since the read-out comes after the last step.
    """
    (w_in, b_in), (w_state, b_state), (w_out, b_out) = weights
    from_input = torch.matmul(x, w_in[:, None]) + b_in[:, None]
    h = x.new_zeros(len(x), x.shape[2], w_state.shape[1])
    for t in range(x.shape[1]):
        from_state = torch.baddbmm(b_state, h * seen[t], w_state)
        x_reset, x_update, x_new = from_input[:, t].chunk(3, dim=-1)
        h_reset, h_update, h_new = from_state.chunk(3, dim=-1)
        update = torch.sigmoid(x_update + h_update)
        new = torch.tanh(x_new + torch.sigmoid(x_reset + h_reset) * h_new)
        h = update * (h * carry[t]) + (1 - update) * new
    return torch.baddbmm(b_out, h * seen[-1], w_out)


def _examples(n, delay, rngs):
    """Draw for each generator n sequences: a symbol, then `delay` steps of noise."""
    inputs = np.zeros((len(rngs), delay + 1, n, SYMBOLS + 1), np.float32)
    labels = np.stack([rng.integers(0, SYMBOLS, n) for rng in rngs])
    for x, symbols, rng in zip(inputs, labels, rngs, strict=True):
        x[0, np.arange(n), symbols] = 1.0
        x[1:, :, SYMBOLS] = rng.standard_normal((delay, n))
    return torch.from_numpy(inputs), torch.from_numpy(labels)


def _initial(hidden, rngs, copies):
    """Draw three weight matrices for each generator and repeat them for each kind."""
    sizes = ((SYMBOLS + 1, 3 * hidden), (hidden, 3 * hidden), (hidden, SYMBOLS))
    weights = []
    for n_in, n_out in sizes:
        drawn = [initial_weights(n_in, n_out, rng) for rng in rngs] * copies
        weight = np.stack([w for w, _ in drawn]).astype(np.float32)
        bias = np.stack([b for _, b in drawn]).astype(np.float32)[:, None]
        pair = torch.from_numpy(weight), torch.from_numpy(bias)
        weights.append(tuple(tensor.requires_grad_() for tensor in pair))
    return weights


class _Draws:
    """Sequences and masks of all networks, one for each kind and seed."""

    def __init__(self, kinds, seeds, p, delay, hidden):
        # A stream for what all kinds of a seed share, one for the masks of each network.
        self.shared = [np.random.default_rng([seed, 0]) for seed in seeds]
        self.networks = [
            (kind, np.random.default_rng([seed, 1, KINDS.index(kind)]))
            for kind in kinds
            for seed in seeds
        ]
        self.kinds, self.p, self.delay, self.hidden = len(kinds), p, delay, hidden

    def sequences(self, n):
        """Return n sequences and their symbols for each network."""
        x, labels = _examples(n, self.delay, self.shared)
        return x.repeat(self.kinds, 1, 1, 1), labels.repeat(self.kinds, 1)

    def masks(self, n):
        """Return the factors of the carried and of the seen state, times first."""
        shape = (self.delay + 2, n, self.hidden)
        pairs = [_masks(kind, shape, self.p, rng) for kind, rng in self.networks]
        return [torch.from_numpy(np.stack(m, axis=1)) for m in zip(*pairs, strict=True)]


@torch.no_grad()
def _accuracies(weights, draws, n):
    """Return the accuracy of each network on n sequences, without masks and with."""
    x, labels = draws.sequences(n)
    ones = x.new_ones(draws.delay + 2, 1, 1, 1)
    return [
        (_recall(x, weights, *masks).argmax(dim=-1) == labels)
        .double()
        .mean(dim=1)
        .numpy()
        .reshape(draws.kinds, -1)
        for masks in ((ones, ones), draws.masks(n))
    ]


@_one_thread()
def train_recall(
    kinds=KINDS,
    *,
    seeds,
    p,
    delay=14,
    hidden=32,
    steps=200,
    batch_size=32,
    lr=0.015,
    progress=True,
):
    """Train gated recurrent units to recall a symbol, one for each kind and seed.

    A seed fixes the initial weights and the training sequences; all kinds of
    one seed share them, so differences between kinds are paired.

    Parameters
    ----------
    kinds : sequence of str
        Where the dropout sits: "none"; "gates-fresh", a new mask at every step
        on what the gates see, while the state is carried on whole;
        "state-shared", one mask for the whole sequence on the state itself;
        "state-fresh", a new mask at every step on the state itself.
    seeds : sequence of int
        0 or more each.
    p : float
        Probability to **drop**, in [0, 1).
    delay : int
        Steps of noise between symbol and answer, at least 1.
    hidden, steps, batch_size : int
        Width of the state, training steps of Adam, sequences a step; at least 1.
    lr : float
        Learning rate of Adam.
    progress : bool
        Show a progress bar with the time left.

    Returns
    -------
    Recall
        Accuracy on 500 new sequences, shape (kinds, seeds): without masks
        (evaluation) and with the masks of training.

    Notes
    -----
    Works on one thread, whatever torch is set to, and restores that setting.
    With carry mask c, gate mask m, update gate z and candidate n:

    .. math:: h_t = z_t \\, (c_t h_{t-1}) + (1 - z_t) \\, n_t, \\qquad
        z_t, n_t = f(x_t, \\; m_t h_{t-1} / (1 - p))

    Source: Zaremba, Sutskever and Vinyals (2014) for the trouble; Gal and
    Ghahramani (2016, NIPS) for the shared mask. Explained in chapter 6.

    Examples
    --------
    >>> result = train_recall(("none", "state-fresh"), seeds=(0, 1, 2), p=0.3,
    ...                       delay=2, hidden=4, steps=2, progress=False)
    >>> result.accuracy.shape
    (2, 3)
    """
    kinds, seeds = check_sequence("kinds", kinds), check_seeds(seeds)
    check_not_empty(kinds=kinds, seeds=seeds)
    for kind in kinds:
        check_choice("kinds", kind, KINDS)
    check_flag("progress", progress)
    p, lr = check_below_1("p", p), check_rate("lr", lr)
    delay, hidden = check_count("delay", delay), check_count("hidden", hidden)
    steps, batch_size = check_count("steps", steps), check_count("batch_size", batch_size)
    draws = _Draws(kinds, seeds, p, delay, hidden)
    weights = _initial(hidden, draws.shared, len(kinds))
    parameters = [tensor for pair in weights for tensor in pair]
    optimizer = torch.optim.Adam(parameters, lr=lr, fused=True)
    for _ in progress_bar(range(steps), steps, progress):
        x, labels = draws.sequences(batch_size)
        logits = _recall(x, weights, *draws.masks(batch_size))
        # A sum over networks: each gets the gradient it would get alone.
        loss = torch.nn.functional.cross_entropy(
            logits.reshape(-1, SYMBOLS), labels.reshape(-1), reduction="sum"
        )
        optimizer.zero_grad()
        (loss / batch_size).backward()
        optimizer.step()
    return Recall(kinds, seeds, *_accuracies(weights, draws, 500))
