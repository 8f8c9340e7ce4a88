"""Train one stack of networks: a weight has shape (networks, in, out)."""

import functools
import itertools
import math
from typing import NamedTuple

import numpy as np
import torch

from companion._arguments import check_below_1
from companion._training import initial_weights
from companion.experiments.training.forward import activations, draw_factors

BLOCK = 16  # training steps whose masks are drawn together
CHUNK = 200  # examples evaluated together


class Settings(NamedTuple):
    """What may differ between networks: one entry for each setting."""

    rates: tuple
    input_rate: tuple
    noise: tuple
    lr: tuple
    momentum: tuple | None  # None: Adam
    weight_decay: tuple
    max_norm: tuple


class Plan(NamedTuple):
    """What all networks share; `times` are the epochs at which they are evaluated."""

    train_size: int
    sizes: tuple
    epochs: int
    batch_size: int
    times: tuple


def _shifted(logits):
    """Return logits, (networks, n, classes), as (networks, classes, n) with maximum 0.

    A softmax by NumPy: torch's depends on the number of threads, and in either the
    long axis last is quicker.
    """
    z = logits.mT.contiguous().numpy()
    return z - z.max(axis=1, keepdims=True)


def _rounded_up(n, multiple):
    return -(-n // multiple) * multiple


def _take(x, rows):
    """Return x[rows] as a tensor; to index is several times slower."""
    return torch.nn.functional.embedding(torch.from_numpy(rows), torch.from_numpy(x))


def _evaluate(weights, x, labels, rows):
    """Return loss and accuracy of each network on rows of x, (n,) or (networks, n)."""
    losses, right, n = [], [], rows.shape[-1]
    for start in range(0, n, CHUNK):
        stop = min(start + CHUNK, n)
        padded = np.arange(start, start + _rounded_up(stop - start, 4)).clip(max=n - 1)
        *_, logits = activations(weights, _take(x, rows[..., padded]))
        logits = logits[:, : stop - start]
        part = np.broadcast_to(labels[rows[..., start:stop]], logits.shape[:2])
        z = _shifted(torch.from_numpy(logits))
        right_z = np.take_along_axis(z, part[:, None], 1)[:, 0]
        losses.append(np.log(np.exp(z).sum(axis=1)) - right_z)
        right.append(right_z == 0.0)  # it is the largest
    losses, right = (np.concatenate(rows, axis=1) for rows in (losses, right))
    return losses.mean(axis=1, dtype=float), right.mean(axis=1)


def _stacked(sizes, rngs, settings):
    """Return weights and gradients of all networks, and the tensor they are views of.

    All parameters lie in one flat tensor, which Adam moves in one call. Each piece
    starts at a multiple of 64 bytes, and some numbers follow the last: how a number
    is rounded depends on its place in memory, and on whether it is among the last.
    """
    networks, flat_shapes = settings * len(rngs), []
    for n_in, n_out in itertools.pairwise(sizes):
        flat_shapes += [(networks, n_in, n_out), (networks, 1, n_out)]
    used = [math.prod(shape) for shape in flat_shapes]
    starts = [0, *itertools.accumulate(_rounded_up(n, 16) for n in used)]
    flat = torch.zeros(starts[-1] + 16, dtype=torch.float32)
    flat.grad = torch.zeros_like(flat)

    def views(tensor):
        pieces = [
            tensor[start : start + n].view(shape)
            for start, n, shape in zip(starts[:-1], used, flat_shapes, strict=True)
        ]
        return list(zip(pieces[::2], pieces[1::2], strict=True))

    weights = views(flat)
    pairs = itertools.pairwise(sizes)
    for (n_in, n_out), (weight, bias) in zip(pairs, weights, strict=True):
        drawn = [initial_weights(n_in, n_out, rng) for rng in rngs] * settings
        weight.copy_(torch.from_numpy(np.stack([w for w, _ in drawn])))
        bias.copy_(torch.from_numpy(np.stack([b for _, b in drawn])[:, None]))
    return weights, views(flat.grad), flat


def _gradients(x, labels, weights, gradients, factors):
    """Fill the gradients of the mean cross-entropy of each network: one training step.

    factors holds the noise on the inputs and on every hidden layer.
    """
    inputs, slopes = [x if factors[0] is None else x * factors[0]], []
    for (weight, bias), factor in zip(weights[:-1], factors[1:], strict=True):
        z = torch.baddbmm(bias, inputs[-1], weight)
        # The noise where z > 0, else 0: noise and ReLU in one, forward and backward.
        slopes.append(torch.ops.aten.threshold_backward(factor, z, 0))
        inputs.append(z.mul_(slopes[-1]))
    logits = torch.baddbmm(weights[-1][1], inputs[-1], weights[-1][0])
    # The gradient of the loss with respect to the logits: (softmax - one-hot) / n.
    delta, (networks, n) = np.exp(_shifted(logits)), labels.shape
    delta /= n * delta.sum(axis=1, keepdims=True)
    delta[np.arange(networks)[:, None], labels, np.arange(n)] -= np.float32(1 / n)
    delta = torch.from_numpy(delta).mT
    for layer in reversed(range(len(weights))):
        torch.bmm(inputs[layer].mT, delta, out=gradients[layer][0])
        torch.sum(delta, dim=1, keepdim=True, out=gradients[layer][1])
        if layer:
            delta = torch.bmm(delta, weights[layer][0].mT).mul_(slopes[layer - 1])


def _momentum_step(pairs, velocities, lr, momentum):
    """Move parameters by SGD with momentum, whose rates differ between networks."""
    for (value, gradient), velocity in zip(pairs, velocities, strict=True):
        velocity.mul_(momentum).add_(gradient)
        value.sub_(velocity * lr)


def _limit_norms(weights, max_norm):
    """Shrink the incoming weights of every unit whose norm exceeds the limit."""
    for weight, _ in weights:
        norm = torch.linalg.vector_norm(weight, dim=1, keepdim=True)
        weight.mul_((max_norm / norm).clamp_(max=1.0))


class _Noise:
    """The factors of every network and layer, drawn for a block of steps at once.

    Each network has a stream for each layer, so that no other network matters.
    """

    def __init__(self, settings, seeds, plan):
        widths, networks = plan.sizes[:-1], len(settings.rates) * len(seeds)
        self.jobs = []  # layer, network, rate, kind of noise, stream
        self.blocks = [None] * len(widths)
        for layer, width in enumerate(widths):
            rates = settings.rates if layer else settings.input_rate
            if not layer and not any(rates):
                continue
            self.blocks[layer] = torch.ones(
                (BLOCK, networks, plan.batch_size, width), dtype=torch.float32
            )
            pairs = itertools.product(zip(rates, settings.noise, strict=True), seeds)
            self.jobs += [
                (layer, network, rate, noise, np.random.default_rng([seed, 1, layer]))
                for network, ((rate, noise), seed) in enumerate(pairs)
            ]

    def _draw(self, layer, network, rate, noise, rng, steps):
        ps = [rate]
        if callable(rate):
            ps = [check_below_1("rates", rate(step)) for step in steps]
        out = self.blocks[layer].numpy()[:, network]
        if len(set(ps)) == 1:
            if callable(rate) or rate:  # ones stay ones
                out[...] = draw_factors(out.shape, ps[0], rng, noise=noise)
        else:
            for factors, p in zip(out, ps, strict=True):
                factors[...] = draw_factors(factors.shape, p, rng, noise=noise)

    def at(self, step):
        """Return the factors of a training step, one tensor for each layer."""
        if step % BLOCK == 0:
            for job in self.jobs:
                self._draw(*job, range(step, step + BLOCK))
        return [b if b is None else b[step % BLOCK] for b in self.blocks]


def _mover(settings, seeds, weights, gradients, flat):
    """Return a function that moves all parameters by one step along their gradients."""

    def of_networks(values):
        """One number for each network, to broadcast over (networks, in, out)."""
        each = torch.tensor(values, dtype=torch.float32).repeat_interleave(len(seeds))
        return each.view(-1, 1, 1)

    pairs = [
        pair
        for values, slopes in zip(weights, gradients, strict=True)
        for pair in zip(values, slopes, strict=True)
    ]
    decay, max_norm = map(of_networks, (settings.weight_decay, settings.max_norm))
    if settings.momentum is None:
        step = torch.optim.Adam([flat], lr=float(settings.lr[0]), fused=True).step
    else:
        velocities = [torch.zeros_like(value) for value, _ in pairs]
        rates = map(of_networks, (settings.lr, settings.momentum))
        step = functools.partial(_momentum_step, pairs, velocities, *rates)

    def move():
        if any(settings.weight_decay):
            for value, gradient in pairs:
                gradient.add_(value * decay)
        step()
        if min(settings.max_norm) < math.inf:
            _limit_norms(weights, max_norm)

    return move


@torch.no_grad()
def train_stack(data, settings, plan, seeds, tick):
    """Return what was measured, (times, 4, settings, seeds), and the weights."""
    count = len(settings.rates)
    alone = count * len(seeds) == 1
    if alone:  # a product of one matrix is rounded otherwise than one of a batch
        seeds = seeds * 2
    shared = [np.random.default_rng([seed, 0]) for seed in seeds]
    subsets = [rng.permutation(len(data.x_train))[: plan.train_size] for rng in shared]
    weights, gradients, flat = _stacked(plan.sizes, shared, count)
    noise = _Noise(settings, seeds, plan)
    move = _mover(settings, seeds, weights, gradients, flat)
    own, all_test = np.tile(subsets, (count, 1)), np.arange(len(data.x_test))
    measured, steps = [], itertools.count()
    for epoch in range(1, plan.epochs + 1):
        order = [rng.permutation(s) for rng, s in zip(shared, subsets, strict=True)]
        order = np.tile(order, (count, 1))
        for start in range(0, plan.train_size - plan.batch_size + 1, plan.batch_size):
            batch = order[:, start : start + plan.batch_size]
            x, labels = _take(data.x_train, batch), data.y_train[batch]
            _gradients(x, labels, weights, gradients, noise.at(next(steps)))
            move()
        if epoch in plan.times:
            train = _evaluate(weights, data.x_train, data.y_train, own)
            test = _evaluate(weights, data.x_test, data.y_test, all_test)
            measured.append([*train, *test])
        tick()
    measured = np.reshape(measured, (len(measured), 4, count, len(seeds)))
    last = 1 if alone else None
    # Copies: a view would carry all parameters with it to another process.
    weights = [(w[:last].clone(), b[:last].clone()) for w, b in weights]
    return measured[..., :last], weights
