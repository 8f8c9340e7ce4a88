"""Train many small networks at once, one for each pair of a setting and a seed.

The networks are stacked: a weight has shape (networks, in, out) and one batched
matrix product moves them all. That is several times faster than a loop when the
networks are narrow. They share nothing but the product, so a network comes out
the same, to the bit, whichever others are trained beside it. So the work can be
cut into stacks and handed to joblib, and joblib to a cluster.
"""

import functools
import itertools
import math
from typing import NamedTuple

import numpy as np
import torch

from companion._arguments import (
    check_above_0,
    check_below_1,
    check_choice,
    check_count,
    check_flag,
    check_not_empty,
    check_rate,
    check_seeds,
    check_sequence,
)
from companion.experiments._checks import check_split
from companion.experiments.statistics import mean_interval
from companion.experiments.training._stack import Plan, Settings, train_stack
from companion.experiments.training.forward import NOISES

STACK = 32  # networks in one stack: more gain nothing and leave the cache
ARRAYS = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
MEASURES = (*ARRAYS, "train_error", "test_error")


class Trained(NamedTuple):
    """What `train_networks` measured; the arrays have shape (settings, seeds, times).

    The last axis runs over the epochs at which the networks were evaluated.
    Accuracies are fractions in [0, 1], losses are in nats, errors in per cent; all
    are measured in evaluation mode. `rates` has one entry for each setting, `weights`
    a pair of tensors for each layer, shapes (settings * seeds, in, out) and (settings
    * seeds, 1, out).

    Notes
    -----
    Explained in chapter 5, with `train_networks`.

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
    weights: list

    @property
    def train_error(self):
        """Wrong answers on the training examples, in per cent."""
        return 100 * (1 - self.train_accuracy)

    @property
    def test_error(self):
        """Wrong answers on the test examples, in per cent."""
        return 100 * (1 - self.test_accuracy)

    def paired(self, measure, rate, *, base=None, time=-1):
        """Return the interval of what a measure changes between two rates.

        Parameters
        ----------
        measure : str
            "test_error", "test_loss", "train_error", "train_loss" or an accuracy.
        rate, base : float
            Two of the rates; base is subtracted, by default the first.
        time : int
            Which evaluation, by default the last.

        Returns
        -------
        Interval
            Of the mean over seeds of the paired differences.
        """
        check_choice("measure", measure, MEASURES)
        values = getattr(self, measure)[..., time]
        base = self.rates[0] if base is None else base
        for name, value in (("rate", rate), ("base", base)):
            check_choice(name, value, self.rates)
        return mean_interval(
            values[self.rates.index(rate)] - values[self.rates.index(base)]
        )


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
    KeyboardInterrupt
        If interrupted before two seeds were finished.

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
    data = check_split(data)
    check_flag("progress", progress)
    rates, seeds = check_sequence("rates", rates), check_seeds(seeds)
    hidden = check_sequence("hidden", hidden)
    check_not_empty(rates=rates, seeds=seeds)
    settings = _settings(
        rates, input_rate=input_rate, noise=noise, lr=lr, momentum=momentum,
        weight_decay=weight_decay, max_norm=max_norm,
    )  # fmt: skip
    every = epochs if evaluate_every is None else evaluate_every
    plan = _plan(data, train_size, hidden, epochs, batch_size, every)
    stacks = _stacks(seeds, len(rates))
    results = _run(stacks, (data, settings, plan), progress)
    return _gathered(results, stacks, rates, plan.times)


def _settings(rates, *, lr, momentum, **others):
    """Return `Settings`, checked, with one entry for each rate."""
    if momentum is None and isinstance(lr, (list, tuple, np.ndarray)):
        raise TypeError(
            f"lr must be one number for Adam; got {lr!r}. Train once for each, or "
            "pass momentum to train by SGD."
        )
    checks = {
        "input_rate": check_below_1,
        "noise": functools.partial(check_choice, choices=NOISES),
        "lr": check_rate,
        "momentum": functools.partial(check_rate, upper=1),
        "weight_decay": check_rate,
        "max_norm": check_above_0,
    }
    for p in rates:
        if not callable(p):
            check_below_1("rates", p)
    given = {"lr": lr, "momentum": momentum, **others}
    if momentum is None:
        del given["momentum"]
    values = {
        name: _for_each(name, value, len(rates), checks[name])
        for name, value in given.items()
    }
    return Settings(**{"rates": rates, "momentum": None, **values})


def _for_each(name, value, count, check):
    """Return one checked value for each setting, from one value or from a sequence."""
    many = isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value) == 1
    values = tuple(value) if many else (value,) * count
    if len(values) != count:
        raise ValueError(
            f"{name} must be one value or one for each of {count} rates; got {value!r}."
        )
    return tuple(check(name, one) for one in values)


def _plan(data, train_size, hidden, epochs, batch_size, every):
    """Return the `Plan` of a training, checked."""
    counts = {
        "train_size": train_size, "epochs": epochs, "batch_size": batch_size,
        "evaluate_every": every,
        **{f"hidden[{layer}]": width for layer, width in enumerate(hidden)},
    }  # fmt: skip
    for name, value in counts.items():
        counts[name] = check_count(name, value)
    train_size, epochs, batch_size, every, *hidden = counts.values()
    hidden = tuple(hidden)
    if not batch_size <= train_size <= len(data.x_train):
        raise ValueError(
            f"train_size must lie between batch_size, {batch_size}, and the number of "
            f"training examples, {len(data.x_train)}; got {train_size!r}."
        )
    sizes = (data.x_train.shape[1], *hidden, int(data.y_train.max()) + 1)
    products = [*((batch_size, width) for width in sizes[1:]), *itertools.pairwise(sizes)]
    if odd := [product for product in products if math.prod(product) % 4]:
        raise ValueError(
            f"hidden and batch_size must be multiples of 4; got {hidden!r} and "
            f"{batch_size!r}: how a product of shape {odd[0]} is rounded depends on its "
            "place in memory, and so on the other networks."
        )
    times = tuple(e for e in range(1, epochs + 1) if e % every == 0 or e == epochs)
    return Plan(train_size, sizes, epochs, batch_size, times)


def _stacks(seeds, settings):
    """Cut the seeds into stacks: few enough networks in each, and work for everyone."""
    import joblib

    workers = joblib.effective_n_jobs(None)
    size = max(1, min(STACK // settings, -(-len(seeds) // workers)))
    return [seeds[i : i + size] for i in range(0, len(seeds), size)]


def _run(stacks, arguments, progress):
    """Train stacks of seeds through joblib; return the results of those that finished."""
    import joblib  # here, so that importing the experiments stays quick
    from tqdm import tqdm

    epochs = arguments[-1].epochs
    here, results = joblib.effective_n_jobs(None) == 1, []
    # Not disable=False: that would override the environment variable TQDM_DISABLE.
    quiet = {} if progress else {"disable": True}
    with tqdm(total=len(stacks) * epochs, unit="epoch", **quiet) as bar:
        # Another process cannot move this bar: its stacks count when they arrive.
        tick = bar.update if here else int
        tasks = (joblib.delayed(train_stack)(*arguments, s, tick) for s in stacks)
        try:
            for result in joblib.Parallel(return_as="generator")(tasks):
                results.append(result)
                bar.update(0 if here else epochs)
        except KeyboardInterrupt:
            if sum(map(len, stacks[: len(results)])) < 2:  # one has no interval
                raise
    return results


def _gathered(results, stacks, rates, times):
    """Join the results of the stacks that were finished along the seeds."""
    seeds = tuple(itertools.chain(*stacks[: len(results)]))
    if len(results) < len(stacks):
        asked = sum(map(len, stacks))
        print(f"Interrupted: kept the {len(seeds)} of {asked} seeds that finished.")
    # (times, 4, settings, seeds of a stack) each -> four of (settings, seeds, times)
    measured = np.concatenate([rows for rows, _ in results], axis=3)
    weights = [
        tuple(_joined(tensors, len(rates)) for tensors in zip(*layer, strict=True))
        for layer in zip(*(weights for _, weights in results), strict=True)
    ]
    return Trained(rates, seeds, times, *np.moveaxis(measured, 0, -1), weights)


def _joined(tensors, settings):
    """Join stacks, (settings * seeds, …) each, along the seeds."""
    parts = [t.view(settings, -1, *t.shape[1:]) for t in tensors]
    return torch.cat(parts, dim=1).flatten(0, 1)


def train_each(data, plans, *, seeds, **shared):
    """Train once for each plan, and keep the seeds that all trainings finished.

    After an interrupt the trainings that follow take the seeds that are left. `data`,
    `seeds` and what is raised: as `train_networks`. Explained in chapter 5, with
    `train_networks`.

    Parameters
    ----------
    plans : iterable of dict
        At least one: arguments of `train_networks` that differ between the trainings.
    **shared
        The arguments that do not differ.

    Returns
    -------
    list of Trained
        One result for each plan, all with the same seeds.

    Examples
    --------
    >>> from companion.data import mnist1d
    >>> plans = [{"hidden": (width,)} for width in (4, 8)]
    >>> narrow, wide = train_each(
    ...     mnist1d(200, 50), plans, rates=(0.0,), seeds=(0, 1, 2), train_size=50,
    ...     epochs=1, batch_size=50, lr=0.1, progress=False)
    >>> narrow.test_loss.shape, wide.weights[0][0].shape
    ((1, 3, 1), torch.Size([3, 40, 8]))
    """
    results, plans = [], check_sequence("plans", plans)
    check_not_empty(plans=plans)
    for plan in plans:
        if not isinstance(plan, dict):
            raise TypeError(f"plans must be dicts of arguments; got {plan!r}.")
        results.append(train_networks(data, seeds=seeds, **shared | plan))
        seeds = results[-1].seeds
    return [_first_seeds(runs, len(seeds)) for runs in results]


def _first_seeds(runs, count):
    """Return the same result with its first `count` seeds alone."""

    def of_first(tensor):
        """Leave out networks; tensor is (settings * seeds, …)."""
        return tensor.unflatten(0, (len(runs.rates), -1))[:, :count].flatten(0, 1)

    return runs._replace(
        seeds=runs.seeds[:count],
        **{name: getattr(runs, name)[:, :count] for name in ARRAYS},
        weights=[tuple(map(of_first, pair)) for pair in runs.weights],
    )
