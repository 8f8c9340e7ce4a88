"""Training many networks at once gives what training each alone would give."""

import io
import os
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
import tqdm

from companion._training import initial_weights
from companion.data import mnist1d
from companion.experiments import (
    draw_factors,
    mean_interval,
    train_networks,
)
from companion.experiments.training import engine
from companion.masks import keep_mask

from ..made_up import trained

SETTINGS = {
    "train_size": 120, "hidden": (16, 12), "epochs": 3, "batch_size": 40, "lr": 1e-2,
    "progress": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def curves():
    return mnist1d(300, 100)


def test_shapes_and_ranges(curves):
    result = train_networks(
        curves, rates=(0.0, 0.3), seeds=(0, 1, 2), evaluate_every=1, **SETTINGS
    )
    assert result.epochs == (1, 2, 3)
    for table in result[3:7]:
        assert table.shape == (2, 3, 3)
        assert np.isfinite(table).all()
    assert (result.test_accuracy >= 0).all()
    assert (result.test_accuracy <= 1).all()
    assert [tuple(w.shape) for w, _ in result.weights] == [
        (6, 40, 16),
        (6, 16, 12),
        (6, 12, 10),
    ]


def test_same_seed_same_result(curves):
    one, two = (
        train_networks(curves, rates=(0.3,), seeds=(5, 6), **SETTINGS) for _ in range(2)
    )
    assert np.array_equal(one.test_loss, two.test_loss)


EVERYTHING = {
    "adam": {},
    "sgd": {
        "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "max_norm": 1.2,
        "input_rate": 0.2, "noise": "gaussian",
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", EVERYTHING)
def test_a_network_does_not_depend_on_its_neighbours(kind):
    """To the bit: losses and weights, in any company and alone; odd numbers of examples."""
    curves = mnist1d(300, 101)
    settings = SETTINGS | EVERYTHING[kind] | {"train_size": 119}
    many = train_networks(curves, rates=(0.0, 0.3, 0.8), seeds=range(13), **settings)
    for rates, seeds in [((0.3, 0.8), (9, 7)), ((0.8,), (3,)), ((0.3,), (1, 2, 11))]:
        few = train_networks(curves, rates=rates, seeds=seeds, **settings)
        places = [
            (i, j, many.rates.index(p), seed)
            for i, p in enumerate(rates)
            for j, seed in enumerate(seeds)
        ]
        for i, j, k, seed in places:
            for ours, theirs in zip(few[3:7], many[3:7], strict=True):
                assert (ours[i, j] == theirs[k, seed]).all()
            for ours, theirs in zip(few.weights, many.weights, strict=True):
                for a, b in zip(ours, theirs, strict=True):
                    assert torch.equal(a[i * len(seeds) + j], b[k * 13 + seed])


ALONE = """
import sys, torch
from companion.data import mnist1d
from companion.experiments import train_networks
assert torch.get_num_threads() == int(sys.argv[1])
for more in ({}, {"momentum": 0.9, "weight_decay": 1e-3, "max_norm": 1.0}):
    result = train_networks(mnist1d(300, 100), rates=(0.0, 0.3, 0.5), seeds=range(3),
        train_size=200, hidden=(92, 68), epochs=3, batch_size=20, lr=1e-2, **more)
    for weight, bias in result.weights:
        print(weight.numpy().tobytes().hex(), bias.numpy().tobytes().hex())
    print(result.test_loss.tobytes().hex())
"""


def test_the_number_of_threads_does_not_matter():
    """Nine networks: two threads that share the work evenly would cut one in two."""
    # Importing Dask's workers sets both variables, and torch reads both.
    outputs = [
        subprocess.run(
            [sys.executable, "-c", ALONE, threads],
            env=os.environ | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), threads),
            stdout=subprocess.PIPE, text=True, check=True,  # shows what went wrong
        ).stdout
        for threads in ("1", "2")
    ]  # fmt: skip
    assert len(outputs[0]) > 10_000
    assert outputs[0] == outputs[1]


def test_rates_of_one_seed_share_their_start(curves):
    settings = SETTINGS | {"lr": 0.0}
    result = train_networks(curves, rates=(0.0, 0.8), seeds=(0, 1), **settings)
    for weight, _ in result.weights:
        zero, eight = weight.reshape(2, 2, *weight.shape[1:])
        assert torch.equal(zero, eight)
        assert not torch.equal(zero[0], zero[1])


def test_the_default_dtype_of_torch_changes_nothing(curves):
    plain = train_networks(curves, rates=(0.0, 0.3), seeds=(0, 1), **SETTINGS)
    torch.set_default_dtype(torch.float64)
    try:
        again = train_networks(curves, rates=(0.0, 0.3), seeds=(0, 1), **SETTINGS)
    finally:
        torch.set_default_dtype(torch.float32)
    assert (plain.train_loss == again.train_loss).all()
    assert again.weights[0][0].dtype == torch.float32


def start_of(seed, curves):
    """Return the stream that settings share, the subset and the first weights of a seed."""
    shared = np.random.default_rng([seed, 0])
    subset = shared.permutation(len(curves.x_train))[: SETTINGS["train_size"]]
    drawn = [initial_weights(*sizes, shared) for sizes in ((40, 16), (16, 12), (12, 10))]
    as_float = [[torch.tensor(t, dtype=torch.float32) for t in pair] for pair in drawn]
    return shared, subset, as_float


def batches(shared, subset):
    """Yield the batches of the engine: 3 epochs of 3, each in a new order."""
    for _ in range(SETTINGS["epochs"]):
        order = shared.permutation(subset)
        yield from (order[start : start + 40] for start in (0, 40, 80))


def assert_measured(result, place, forward, curves, subset):
    """Compare loss and accuracy of one network with those of its logits."""
    x, y = torch.as_tensor(curves.x_train), torch.as_tensor(curves.y_train)
    x_test, y_test = torch.as_tensor(curves.x_test), torch.as_tensor(curves.y_test)
    for loss, accuracy, inputs, labels in (
        (result.train_loss, result.train_accuracy, x[subset], y[subset]),
        (result.test_loss, result.test_accuracy, x_test, y_test),
    ):
        with torch.no_grad():
            logits = forward(inputs)
        expected = torch.nn.functional.cross_entropy(logits, labels).item()
        assert loss[place][0] == pytest.approx(expected, rel=1e-4)
        right = (logits.argmax(dim=1) == labels).double().mean().item()
        assert accuracy[place][0] == pytest.approx(right)


def test_a_loop_over_one_network_gives_the_same(curves):
    """The reference: three nn.Linear, with the masks and batches of the engine."""
    p, seed = 0.3, 4
    result = train_networks(curves, rates=(0.1, p), seeds=(seed, 5), **SETTINGS)
    shared, subset, drawn = start_of(seed, curves)
    layers = torch.nn.ModuleList()
    for weight, bias in drawn:
        layers.append(torch.nn.Linear(*weight.shape))
        layers[-1].weight.data, layers[-1].bias.data = weight.T, bias

    def forward(x, masks=(None, None)):
        for layer, mask in zip(layers, masks, strict=False):
            x = torch.relu(layer(x))
            if mask is not None:
                x = torch.where(mask, x / (1 - p), 0.0)
        return layers[-1](x)

    # One stream for each layer; layer 0 is the input. The masks of 16 steps come at once.
    masks = [
        torch.as_tensor(
            keep_mask((16, 40, h), p, np.random.default_rng([seed, 1, layer]))
        )
        for layer, h in ((1, 16), (2, 12))
    ]
    adam = torch.optim.Adam(layers.parameters(), lr=SETTINGS["lr"])
    x, y = torch.as_tensor(curves.x_train), torch.as_tensor(curves.y_train)
    for step, batch in enumerate(batches(shared, subset)):
        adam.zero_grad()
        logits = forward(x[batch], [mask[step] for mask in masks])
        torch.nn.functional.cross_entropy(logits, y[batch]).backward()
        adam.step()
    assert step == 8
    assert_measured(result, (1, 0), forward, curves, subset)


def test_dropout_is_active(curves):
    result = train_networks(curves, rates=(0.0, 0.8), seeds=(0, 1, 2), **SETTINGS)
    assert (result.train_loss[1] > result.train_loss[0]).all()


@pytest.mark.parametrize(
    ("optimizer", "kind", "knobs"),
    [
        (torch.optim.SGD, "bernoulli", {"lr": 0.05, "momentum": 0.9}),
        (torch.optim.SGD, "gaussian", {"lr": 0.05, "momentum": 0.9}),
        (torch.optim.Adam, "bernoulli", {"lr": 0.01}),
    ],
)
def test_a_step_is_what_autograd_and_torch_say(curves, optimizer, kind, knobs):
    """One network by autograd, torch.optim and a limit on the norms, same noise."""
    p, p_in, seed, limit = 0.4, 0.2, 3, 0.5
    knobs = knobs | {"weight_decay": 0.02}
    result = train_networks(
        curves, rates=(0.1, p), seeds=(seed, 5), input_rate=(0.0, p_in),
        noise=("bernoulli", kind), max_norm=(np.inf, limit), **SETTINGS | knobs,
    )  # fmt: skip
    shared, subset, layers = start_of(seed, curves)
    parameters = [tensor.requires_grad_() for pair in layers for tensor in pair]
    optimizer = optimizer(parameters, **knobs)
    x, y = torch.as_tensor(curves.x_train), torch.as_tensor(curves.y_train)
    noise = [
        torch.as_tensor(
            draw_factors((16, 40, n), q, np.random.default_rng([seed, 1, i]), noise=kind)
        )
        for i, (n, q) in enumerate(((40, p_in), (16, p), (12, p)))
    ]
    binding = 0
    for step, batch in enumerate(batches(shared, subset)):
        h = x[batch]
        for layer, (weight, bias) in enumerate(layers):
            h = torch.relu(h) if layer else h
            h = (h * noise[layer][step]) @ weight + bias
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(h, y[batch]).backward()
        optimizer.step()
        for weight, _ in layers:
            norms = weight.data.norm(dim=0)
            binding += int((norms > limit).sum())
            weight.data *= (limit / norms).clamp(max=1)
    assert binding > 0
    ours = [t[2] for pair in result.weights for t in pair]  # setting 1, seed 0
    for mine, theirs in zip(ours, parameters, strict=True):
        torch.testing.assert_close(
            mine.reshape(theirs.shape), theirs.data, rtol=1e-3, atol=1e-5
        )


def test_a_setting_of_its_own_equals_a_call_of_its_own(curves):
    knobs = {
        "lr": (0.1, 0.02), "momentum": (0.9, 0.5), "weight_decay": (0.0, 0.1),
        "max_norm": (np.inf, 1.0), "input_rate": (0.0, 0.2),
        "noise": ("bernoulli", "gaussian"),
    }  # fmt: skip
    both = train_networks(
        curves, rates=(0.3, 0.3), seeds=(0, 1), **SETTINGS | {"epochs": 3} | knobs
    )
    for i in range(2):
        one = {name: values[i] for name, values in knobs.items()}
        alone = train_networks(curves, rates=(0.3,), seeds=(0, 1), **SETTINGS | one)
        assert (alone.test_loss[0] == both.test_loss[i]).all()
    assert (both.test_loss[0] != both.test_loss[1]).all()


def test_a_rate_may_change_with_the_step(curves):
    rates = (0.3, lambda step: 0.3, 0.0, lambda step: 0.3 * (step < 2), lambda step: 0)
    result = train_networks(curves, rates=rates, seeds=(0, 1), **SETTINGS)
    constant, same, none, early, zero = result.test_loss
    assert (constant == same).all()
    assert (none == zero).all()
    assert (early != none).all()
    assert (early != constant).all()


def test_an_interrupt_keeps_the_seeds_that_finished(curves, monkeypatch, capsys):
    whole = train_networks(curves, rates=(0.0, 0.3), seeds=range(40), **SETTINGS)
    train, calls = engine.train_stack, []

    def third_is_interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return train(*arguments)

    monkeypatch.setattr(engine, "train_stack", third_is_interrupted)
    part = train_networks(curves, rates=(0.0, 0.3), seeds=range(40), **SETTINGS)
    assert part.seeds == tuple(range(32))
    assert (part.test_loss == whole.test_loss[:, :32]).all()
    assert capsys.readouterr().out == (
        "Interrupted: kept the 32 of 40 seeds that finished.\n"
    )


def test_each_training_keeps_the_seeds_that_all_finished(curves, monkeypatch):
    train, asked = engine.train_networks, []

    def second_is_interrupted(*data, seeds, **settings):
        asked.append(tuple(seeds))
        kept = seeds[:3] if len(asked) == 2 else seeds
        return train(*data, seeds=kept, **settings)

    monkeypatch.setattr(engine, "train_networks", second_is_interrupted)
    plans = [{"rates": rates} for rates in ((0.0, 0.3), (0.5,), (0.8, 0.0))]
    results = engine.train_each(curves, plans, seeds=range(5), **SETTINGS)
    assert asked == [(0, 1, 2, 3, 4), (0, 1, 2, 3, 4), (0, 1, 2)]
    for found, plan in zip(results, plans, strict=True):
        alone = train(curves, seeds=(0, 1, 2), **plan, **SETTINGS)
        assert found[:3] == alone[:3]
        assert all(map(np.array_equal, found[3:7], alone[3:7]))
        for ours, theirs in zip(found.weights, alone.weights, strict=True):
            assert all(map(torch.equal, ours, theirs))


def test_what_differs_between_two_rates_is_paired(curves):
    rates, plan = (0.0, 0.3, 0.5), {"evaluate_every": 1, **SETTINGS}
    result = train_networks(curves, rates=rates, seeds=(0, 1, 2), **plan)
    wrong = 100 - 100 * result.test_accuracy
    np.testing.assert_allclose(result.test_error, wrong)
    np.testing.assert_allclose(result.train_error, 100 - 100 * result.train_accuracy)
    for found, change in (
        (result.paired("test_error", 0.5), (wrong[2] - wrong[0])[:, 2]),
        (result.paired("test_error", 0.5, base=0.3, time=0), (wrong[2] - wrong[1])[:, 0]),
        (result.paired("train_loss", 0.3), (result.train_loss[1] - result.train_loss[0])[:, 2]),
    ):  # fmt: skip
        np.testing.assert_allclose(found[:3], mean_interval(change)[:3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("test_loss", 0.4), r"rate must be among \(0.0, 0.3\); got 0.4"),
        (("test_loss", 0.3, 0.4), r"base must be among \(0.0, 0.3\); got 0.4"),
        (("weights", 0.3), "measure must be among .*; got 'weights'"),
    ],
)
def test_what_was_not_measured_is_not_compared(arguments, message):
    measure, rate, *base = arguments
    with pytest.raises(ValueError, match=message):
        trained((0.0, 0.3), range(3), 0.5).paired(measure, rate, base=(*base, None)[0])


def test_an_interrupt_before_anything_is_finished_is_an_interrupt(curves, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "train_stack", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_networks(curves, rates=(0.0,), seeds=(0, 1), **SETTINGS)


def test_the_bar_counts_every_epoch_and_shows_the_time_left(curves, monkeypatch):
    bars = []

    class Bar(tqdm.tqdm):
        def __init__(self, **arguments):
            self.shown = io.StringIO()
            bars.append(self)
            super().__init__(**arguments, disable=False, mininterval=0, file=self.shown)

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    settings = SETTINGS | {"progress": True}
    train_networks(curves, rates=(0.0, 0.3), seeds=range(20), **settings)
    shown = bars[0].shown.getvalue().split("\r")
    assert "6/6" in shown[-1]  # two stacks of three epochs
    assert any("3/6" in line and "<00:" in line for line in shown)


def test_without_progress_there_is_no_bar(curves, monkeypatch, capsys):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    train_networks(curves, rates=(0.0, 0.3), seeds=(0, 1), **SETTINGS)
    assert capsys.readouterr().err == ""


def test_other_processes_give_the_same(curves):
    arguments = {"rates": (0.0, 0.3, lambda step: 0.1), "seeds": range(5), **SETTINGS}
    here = train_networks(curves, **arguments)
    with joblib.parallel_config("loky", n_jobs=2):
        there = train_networks(curves, **arguments)
    assert there.seeds == here.seeds
    for a, b in zip(here[3:7], there[3:7], strict=True):
        assert (a == b).all()
    for a, b in zip(here.weights, there.weights, strict=True):
        assert torch.equal(a[0], b[0])
        assert torch.equal(a[1], b[1])
