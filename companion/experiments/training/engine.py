"""Train many small networks at once, one for each pair of a setting and a seed.

The networks are stacked: a weight has shape (networks, in, out) and one batched
matrix product moves them all. That is several times faster than a loop when the
networks are narrow. They share nothing but the product, so a network comes out
the same, to the bit, whichever others are trained beside it. So the work can be
cut into stacks and handed to joblib, and joblib to a cluster.
"""

import itertools
import math
import numbers
from typing import NamedTuple

import numpy as np
import torch

from companion._arguments import (
    check_count,
    check_p,
    check_p_below_1,
    check_rate,
    check_shape,
)
from companion._training import check_same_length, initial_weights
from companion.masks import gaussian_noise, keep_mask

STACK = 32  # networks in one stack: more gain nothing and leave the cache
BLOCK = 16  # training steps whose masks are drawn together
CHUNK = 200  # examples evaluated together
NOISES = ("bernoulli", "gaussian")


class Trained(NamedTuple):
    """What `train_networks` measured; the arrays have shape (settings, seeds, times).

    The last axis runs over the epochs at which the networks were evaluated.
    Accuracies are fractions in [0, 1], losses are in nats; all are measured in
    evaluation mode. `rates` has one entry for each setting.

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
        list  # of (weight, bias) tensors, shapes (settings * seeds, in, out), (…, 1, out)
    )


def draw_factors(shape, p, rng, *, noise="bernoulli"):
    """Draw what dropout multiplies activations with: 0 or 1/(1-p), or Gaussian noise.

    Parameters
    ----------
    shape : int or tuple of int
        Shape of the factors; sizes of 0 or more.
    p : float
        Probability to **drop**, in [0, 1); for Gaussian noise the rate of the
        dropout whose variance it has.
    rng : numpy.random.Generator
        Source of the randomness; p = 0 draws nothing.
    noise : str
        "bernoulli" or "gaussian".

    Returns
    -------
    numpy.ndarray
        float32 array of the given shape, with mean 1 and variance p / (1-p).

    Raises
    ------
    TypeError
        If p is not a real number, shape not made of ints, or rng not a
        Generator with 64-bit words.
    ValueError
        If p lies outside [0, 1), a size is negative, or noise is unknown.

    Notes
    -----
    Source: Srivastava et al. (2014), sections 4 and 10. Explained in chapter 5.

    Examples
    --------
    >>> draw_factors(6, 0.3, np.random.default_rng(2)).round(2)
    array([1.43, 1.43, 1.43, 1.43, 0.  , 0.  ], dtype=float32)
    """
    check_p_below_1(p)
    _checked_noise(noise)
    factors = np.empty(check_shape(shape), np.float32)
    _fill_factors(factors, p, rng, noise)
    return factors


def _fill_factors(out, p, rng, noise):
    """As `draw_factors`, into an array."""
    if noise == "gaussian":
        out[...] = gaussian_noise(out.shape, p, rng)
    else:
        out[...] = keep_mask(out.shape, p, rng)
        out *= np.float32(1.0 / (1.0 - p))


@torch.no_grad()
def activations(weights, x, factors=None):
    """Return what every layer of stacked ReLU networks makes of some inputs.

    Without factors these are the full networks of evaluation mode. With them, each
    layer's input is multiplied: by noise for an average over masks, by 0 for units
    that are taken away.

    Parameters
    ----------
    weights : list of (torch.Tensor, torch.Tensor)
        A weight, shape (networks, in, out), and a bias, shape (networks, 1, out),
        for each layer: `Trained.weights`.
    x : numpy.ndarray
        Inputs, float32, shape (n, features), or (networks, n, features).
    factors : sequence, optional
        One entry for each layer: None, or an array that broadcasts to the layer's
        input, (networks, n, in). The first one multiplies x.

    Returns
    -------
    list of numpy.ndarray
        float32 (networks, n, units): the output of each hidden layer after its
        ReLU and before any factor, then the logits.

    Raises
    ------
    ValueError
        If there is not one factor for each layer, or x has another number of
        features than the first weight.

    Notes
    -----
    .. math:: h_{l+1} = \\mathrm{ReLU}\\left((m_l \\odot h_l) W_l + b_l\\right)

    without the ReLU in the last layer. The bits of a network depend on no other one
    if n is a multiple of 4. Explained in chapter 5.

    Examples
    --------
    >>> weight, bias = torch.eye(2).repeat(3, 1, 1), torch.zeros(3, 1, 2)
    >>> x = np.array([[1.0, -1.0]], np.float32)
    >>> hidden, logits = activations([(weight, bias)] * 2, x, [None, np.zeros(2)])
    >>> hidden.shape, hidden[0], logits[0]
    ((3, 1, 2), array([[1., 0.]], dtype=float32), array([[0., 0.]], dtype=float32))
    """
    factors = [None] * len(weights) if factors is None else list(factors)
    if len(factors) != len(weights):
        raise ValueError(
            f"factors must have one entry for each of {len(weights)} layers; got "
            f"{len(factors)}. Write None where nothing is multiplied."
        )
    networks, features, _ = weights[0][0].shape
    if np.shape(x)[-1] != features:
        raise ValueError(
            f"x must have {features} features, like the first weight; got shape "
            f"{np.shape(x)}."
        )
    h, outputs = torch.as_tensor(x).expand(networks, -1, -1), []
    for factor, (weight, bias) in zip(factors, weights, strict=True):
        if outputs:
            h = outputs[-1].relu_()
        if factor is not None:
            h = h * torch.as_tensor(factor, dtype=torch.float32)
        outputs.append(torch.baddbmm(bias, h, weight))
    return [output.numpy() for output in outputs]


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
    """Return weights and gradients of all networks, and the tensors they are views of.

    All parameters lie in one flat tensor, which Adam moves in one call. Each piece
    starts at a multiple of 64 bytes, and some numbers follow the last: how a number
    is rounded depends on its place in memory, and on whether it is among the last.
    """
    networks, flat_shapes = settings * len(rngs), []
    for n_in, n_out in itertools.pairwise(sizes):
        flat_shapes += [(networks, n_in, n_out), (networks, 1, n_out)]
    used = [math.prod(shape) for shape in flat_shapes]
    starts = [0, *itertools.accumulate(_rounded_up(n, 16) for n in used)]
    flat, flat_gradient = (torch.zeros(starts[-1] + 16) for _ in range(2))

    def views(tensor):
        pieces = [
            tensor[start : start + n].view(shape)
            for start, n, shape in zip(starts, used, flat_shapes, strict=False)
        ]
        return list(zip(pieces[::2], pieces[1::2], strict=True))

    weights = views(flat)
    for n_in, n_out, (weight, bias) in zip(sizes, sizes[1:], weights, strict=False):
        drawn = [initial_weights(n_in, n_out, rng) for rng in rngs] * settings
        weight.copy_(torch.from_numpy(np.stack([w for w, _ in drawn])))
        bias.copy_(torch.from_numpy(np.stack([b for _, b in drawn])[:, None]))
    return weights, views(flat_gradient), flat, flat_gradient


def _gradients(x, labels, weights, gradients, factors):
    """Fill the gradients of the mean cross-entropy of each network: one training step.

    factors holds the noise on the inputs and on every hidden layer.
    """
    inputs, slopes = [x if factors[0] is None else x * factors[0]], []
    for (weight, bias), factor in zip(weights, factors[1:], strict=False):
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

    def __init__(self, rates, input_rates, noises, seeds, widths, batch_size):
        self.shape = (len(rates) * len(seeds), batch_size)
        self.jobs = []  # layer, width, network, rate, kind of noise, stream
        for layer, width in enumerate(widths):
            layer_rates = rates if layer else input_rates
            if not layer and not any(input_rates):
                continue
            pairs = itertools.product(zip(layer_rates, noises, strict=True), seeds)
            for network, ((rate, noise), seed) in enumerate(pairs):
                rng = np.random.default_rng([seed, 1, layer])
                self.jobs.append((layer, width, network, rate, noise, rng))
        self.blocks = [None] * len(widths)
        for layer, width, network, *_ in self.jobs:
            if not network:
                self.blocks[layer] = torch.ones(BLOCK, *self.shape, width)

    def _draw(self, layer, width, network, rate, noise, rng, steps):
        ps = [rate]
        if callable(rate):
            ps = [_checked_rate("rates")(rate(step)) for step in steps]
        out = self.blocks[layer].numpy()[:, network]
        if len(set(ps)) == 1:
            if callable(rate) or rate:  # ones stay ones
                _fill_factors(out, ps[0], rng, noise)
        else:
            for factors, p in zip(out, ps, strict=True):
                _fill_factors(factors, p, rng, noise)

    def at(self, step):
        """Return the factors of a training step, one tensor for each layer."""
        if step % BLOCK == 0:
            for job in self.jobs:
                self._draw(*job, range(step, step + BLOCK))
        return [b if b is None else b[step % BLOCK] for b in self.blocks]


@torch.no_grad()
def _train_stack(
    *, data, seeds, settings, train_size, sizes, epochs, batch_size, every, tick
):
    """Return what was measured, (times, 4, settings, seeds), and the weights."""
    alone = len(settings.rates) * len(seeds) == 1
    if alone:  # a product of one matrix is rounded otherwise than one of a batch
        seeds = seeds * 2
    n, repeats = len(settings.rates), (len(settings.rates), 1)
    shared = [np.random.default_rng([seed, 0]) for seed in seeds]
    subsets = [rng.permutation(len(data.x_train))[:train_size] for rng in shared]
    weights, gradients, flat, flat_gradient = _stacked(sizes, shared, n)
    noise = _Noise(
        settings.rates, settings.input_rate, settings.noise, seeds, sizes[:-1], batch_size
    )

    def of_networks(values):
        """One number for each network, to broadcast over (networks, in, out)."""
        return torch.tensor(values).repeat_interleave(len(seeds)).view(-1, 1, 1)

    lr, decay, max_norm = map(
        of_networks, (settings.lr, settings.weight_decay, settings.max_norm)
    )
    pairs = [
        pair
        for values, slopes in zip(weights, gradients, strict=True)
        for pair in zip(values, slopes, strict=True)
    ]
    if settings.momentum is None:
        flat.grad = flat_gradient
        adam = torch.optim.Adam([flat], lr=settings.lr[0], fused=True)
    else:
        momentum = of_networks(settings.momentum)
        velocities = [torch.zeros_like(value) for value, _ in pairs]

    own, all_test = np.tile(subsets, repeats), np.arange(len(data.x_test))
    rows, step = [], 0
    for epoch in range(1, epochs + 1):
        order = [r.permutation(s) for r, s in zip(shared, subsets, strict=True)]
        order = np.tile(order, repeats)
        for start in range(0, train_size - batch_size + 1, batch_size):
            batch = order[:, start : start + batch_size]
            x, labels = _take(data.x_train, batch), data.y_train[batch]
            _gradients(x, labels, weights, gradients, noise.at(step))
            if any(settings.weight_decay):
                for value, gradient in pairs:
                    gradient.add_(value * decay)
            if settings.momentum is None:
                adam.step()
            else:
                _momentum_step(pairs, velocities, lr, momentum)
            if min(settings.max_norm) < math.inf:
                _limit_norms(weights, max_norm)
            step += 1
        if epoch % every == 0 or epoch == epochs:
            measured = (
                *_evaluate(weights, data.x_train, data.y_train, own),
                *_evaluate(weights, data.x_test, data.y_test, all_test),
            )
            rows.append(np.reshape(measured, (4, n, len(seeds))))
        tick()
    last = 1 if alone else len(weights[0][0])
    # Copies: a view would carry all parameters with it to another process.
    weights = [(w[:last].clone(), b[:last].clone()) for w, b in weights]
    return np.stack(rows)[..., : 1 if alone else None], weights


class _Settings(NamedTuple):
    """What may differ between networks: one entry for each setting."""

    rates: tuple
    input_rate: tuple
    noise: tuple
    lr: tuple
    momentum: tuple | None
    weight_decay: tuple
    max_norm: tuple


def _for_each(name, value, count, check):
    """Return one checked value for each setting, from one value or from a sequence."""
    values = (
        tuple(value) if isinstance(value, (list, tuple, np.ndarray)) else (value,) * count
    )
    if len(values) != count:
        raise ValueError(
            f"{name} must be one value or one for each of {count} rates; got {value!r}."
        )
    return tuple(check(v) for v in values)


def _checked(name, upper=math.inf):
    def check(value):
        check_rate(name, value, upper)
        return float(value)

    return check


def _checked_norm(value):
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"max_norm must be a real number; got {value!r}. Pass 2.0.")
    if not value > 0:
        raise ValueError(f"max_norm must be above 0; got {value!r}.")
    return float(value)


def _checked_rate(name):
    def check(value):
        if check_p(value, name) == 1.0:
            raise ValueError(f"{name} must be below 1, which keeps nothing; got 1.")
        return float(value)

    return check


def _checked_noise(value):
    if value not in NOISES:
        raise ValueError(f"noise must be among {NOISES}; got {value!r}.")
    return value


def _run(stacks, arguments, epochs, progress):
    """Train stacks of seeds through joblib; return the results of those that finished."""
    import joblib  # here, so that importing the experiments stays quick
    from tqdm import tqdm

    here, results = joblib.effective_n_jobs(None) == 1, []
    # Not disable=False: that would override the environment variable TQDM_DISABLE.
    quiet = {} if progress else {"disable": True}
    with tqdm(total=len(stacks) * epochs, unit="epoch", **quiet) as bar:
        # Another process cannot move this bar: its stacks count when they arrive.
        tick = bar.update if here else int
        tasks = (
            joblib.delayed(_train_stack)(seeds=seeds, tick=tick, **arguments)
            for seeds in stacks
        )
        try:
            for result in joblib.Parallel(return_as="generator")(tasks):
                results.append(result)
                bar.update(0 if here else epochs)
        except KeyboardInterrupt:
            if not results:
                raise
    return results


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
    input_rate=0.0,
    noise="bernoulli",
    momentum=None,
    weight_decay=0.0,
    max_norm=math.inf,
    evaluate_every=None,
    progress=True,
):
    """Train one fully connected ReLU classifier for each setting and seed.

    Dropout follows every hidden layer. There are as many settings as rates, and most
    other arguments may be one value, or one for each setting. A seed fixes the
    initial weights, the training subset, the order of the examples and the stream
    of the masks; all settings of one seed share them, so differences between
    settings are paired.

    Parameters
    ----------
    data : companion.data.Split
        Subsets are drawn from its training examples; all its test examples are
        used.
    rates : sequence of float or callable
        Probabilities to **drop** hidden units, each in [0, 1), or a function that
        gives the rate at a training step, counted from 0, as those of
        `companion.schedules` do.
    seeds : sequence of int
        0 or more each, all different.
    train_size : int
        Training examples for each seed, at least 1.
    hidden : sequence of int
        Widths of the hidden layers, multiples of 4.
    epochs, batch_size : int
        At least 1; an incomplete last batch of an epoch is left out. With 10
        classes an even batch_size will do, otherwise take a multiple of 4.
    lr : float
        Learning rate; with SGD, or one for each setting.
    input_rate : float or sequence of float
        Probability to **drop** an input, in [0, 1).
    noise : str or sequence of str
        "bernoulli", or "gaussian" for noise of the same variance.
    momentum : float or sequence of float, optional
        In [0, 1): train by SGD with this momentum. By default train by Adam.
    weight_decay : float or sequence of float
        Added to the gradient times the weights and biases, 0 or more.
    max_norm : float or sequence of float
        Limit for the norm of the incoming weights of a unit, above 0; the output
        units obey it too.
    evaluate_every : int, optional
        Evaluate after every so many epochs; by default at the end only.
    progress : bool
        Show a progress bar with the time left.

    Returns
    -------
    Trained
        Losses and accuracies, shape (settings, seeds, times), and the weights. If
        interrupted, with the seeds that were finished, and it says so.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    KeyboardInterrupt
        If interrupted before the first seeds were finished.

    Notes
    -----
    The work goes through joblib: within `joblib.parallel_config("dask")`, or
    another of its engines, that engine does it. The result is the same to the
    bit, with any number of workers and threads.

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
    rates, seeds, hidden = tuple(rates), tuple(seeds), tuple(hidden)
    if not rates or not seeds:
        raise ValueError(
            f"rates and seeds must not be empty; got {rates!r} and {seeds!r}."
        )
    for p in rates:
        if not callable(p):
            _checked_rate("rates")(p)
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or seed < 0:
            raise ValueError(f"seeds must be ints of 0 or more; got {seed!r}.")
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must all be different; got {seeds!r}.")
    if momentum is None and isinstance(lr, (list, tuple, np.ndarray)):
        raise TypeError(
            f"lr must be one number for Adam; got {lr!r}. Train once for each, or "
            "pass momentum to train by SGD."
        )
    count = len(rates)
    settings = _Settings(
        rates,
        _for_each("input_rate", input_rate, count, _checked_rate("input_rate")),
        _for_each("noise", noise, count, _checked_noise),
        _for_each("lr", lr, count, _checked("lr")),
        None
        if momentum is None
        else _for_each("momentum", momentum, count, _checked("momentum", 1)),
        _for_each("weight_decay", weight_decay, count, _checked("weight_decay")),
        _for_each("max_norm", max_norm, count, _checked_norm),
    )
    every = epochs if evaluate_every is None else evaluate_every
    for name, value in (
        ("train_size", train_size), ("epochs", epochs), ("batch_size", batch_size),
        ("evaluate_every", every),
        *((f"hidden[{layer}]", width) for layer, width in enumerate(hidden)),
    ):  # fmt: skip
        check_count(name, value)
    if not batch_size <= train_size <= len(data.x_train):
        raise ValueError(
            f"train_size must lie between batch_size, {batch_size}, and the number of "
            f"training examples, {len(data.x_train)}; got {train_size!r}."
        )
    check_same_length(data.x_train, data.y_train)
    check_same_length(data.x_test, data.y_test)
    sizes = (data.x_train.shape[1], *hidden, int(data.y_train.max()) + 1)
    products = [*((batch_size, width) for width in sizes[1:]), *itertools.pairwise(sizes)]
    if odd := [product for product in products if math.prod(product) % 4]:
        raise ValueError(
            f"hidden and batch_size must be multiples of 4; got {hidden!r} and "
            f"{batch_size!r}: how a product of shape {odd[0]} is rounded depends on its "
            "place in memory, and so on the other networks."
        )

    arguments = {
        "data": data, "settings": settings, "train_size": train_size, "sizes": sizes,
        "epochs": epochs, "batch_size": batch_size, "every": every,
    }  # fmt: skip
    stacks = _stacks(seeds, count)
    results = _run(stacks, arguments, epochs, progress)
    kept = tuple(itertools.chain(*stacks[: len(results)]))
    if len(kept) < len(seeds):
        print(f"Interrupted: kept the {len(kept)} of {len(seeds)} seeds that finished.")
    # (times, 4, settings, seeds of a stack) each -> four of (settings, seeds, times)
    measured = np.concatenate([rows for rows, _ in results], axis=3)
    weights = [
        tuple(_joined(tensors, count) for tensors in zip(*layer, strict=True))
        for layer in zip(*(weights for _, weights in results), strict=True)
    ]
    times = tuple(e for e in range(1, epochs + 1) if e % every == 0 or e == epochs)
    return Trained(rates, kept, times, *np.moveaxis(measured, 0, -1), weights)


def same_seeds(results):
    """Cut the results of several trainings to the seeds that all of them finished.

    For an experiment that trains more than once and was interrupted.

    Parameters
    ----------
    results : list of Trained
        At least one; each was trained with the first seeds of the one before it.

    Returns
    -------
    list of Trained
        The same results, with the seeds of the shortest.

    Raises
    ------
    ValueError
        If seeds differ in more than their number.

    Notes
    -----
    Explained in chapter 5.

    Examples
    --------
    >>> from companion.data import mnist1d
    >>> plan = {"rates": (0.0,), "train_size": 50, "hidden": (4,), "epochs": 1,
    ...         "batch_size": 50, "lr": 0.1, "progress": False}
    >>> data = mnist1d(200, 50)
    >>> results = [train_networks(data, seeds=range(n), **plan) for n in (3, 2)]
    >>> [runs.test_loss.shape for runs in same_seeds(results)]
    [(1, 2, 1), (1, 2, 1)]
    """
    seeds = min((runs.seeds for runs in results), key=len)
    count = len(seeds)
    if any(runs.seeds[:count] != seeds for runs in results):
        raise ValueError(
            f"results must begin with the same seeds; got {[r.seeds for r in results]}."
        )

    def of_first(tensor, settings):
        """Leave out networks; tensor is (settings * seeds, …)."""
        return tensor.unflatten(0, (settings, -1))[:, :count].flatten(0, 1)

    return [
        Trained(
            runs.rates,
            seeds,
            runs.epochs,
            *(measured[:, :count] for measured in runs[3:7]),
            [tuple(of_first(t, len(runs.rates)) for t in pair) for pair in runs.weights],
        )
        for runs in results
    ]


def _stacks(seeds, settings):
    """Cut the seeds into stacks: few enough networks in each, and work for everyone."""
    import joblib

    workers = joblib.effective_n_jobs(None)
    size = max(1, min(STACK // settings, -(-len(seeds) // workers)))
    return [seeds[i : i + size] for i in range(0, len(seeds), size)]


def _joined(tensors, settings):
    """Join stacks, (settings * seeds, …) each, along the seeds."""
    parts = [t.view(settings, -1, *t.shape[1:]) for t in tensors]
    return torch.cat(parts, dim=1).flatten(0, 1)
