"""Each experiment asks for the training it states, and its rows follow from the result.

The networks are trained for real, but smaller than asked; rows are computed again, by
plain NumPy.
"""

import inspect
import itertools
import sys

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp, softmax

from companion.data import mnist1d, mnist_digits
from companion.experiments import (
    draw_factors,
    experiments,
    mean_interval,
    train_networks,
)
from companion.experiments.studies import (
    coadaptation,
    convergence,
    data_size,
    features,
    kept_units,
    masked_memory,
    monte_carlo,
    noise_kinds,
    regularisers,
    sgd_advice,
    underfitting,
    wider_longer,
)
from companion.experiments.training import engine, recurrent

from ..made_up import trainer

SEEDS = (0, 1, 2)
SMALL = {"train_size": 100, "hidden": (8, 8), "progress": False}


@pytest.fixture(scope="module")
def data():
    return mnist1d(300, 100)


def smaller(monkeypatch, module, **changes):
    """Let a module train smaller networks; list data, arguments and result of each call."""
    calls = []

    def train(data, **asked):
        calls.append((data, asked, train_networks(data, **asked | SMALL | changes)))
        return calls[-1][-1]

    monkeypatch.setattr(module, "train_networks", train)
    return calls


def assert_asked(asked, **expected):
    assert {name: asked.get(name) for name in expected} == expected


def assert_rows(found, expected):
    """Compare rows with the values, one for each seed, that they should summarise."""
    for row, values in expected.items():
        again = mean_interval(values)
        np.testing.assert_allclose(
            found.interval(*row)[:3], again[:3], rtol=1e-3, atol=1e-4, err_msg=str(row)
        )


def outputs(weights, h, factors=(1, 1)):
    """Return the hidden layers, before any factor, and the logits of all networks."""
    layers = []
    for (weight, bias), factor in zip(weights, (*factors, 1), strict=False):
        layers.append(h @ weight.double().numpy() + bias.double().numpy())
        if len(layers) < len(weights):
            layers[-1] = layers[-1].clip(min=0)
            h = layers[-1] * factor
    return layers


def error_and_loss(log_p, labels):
    """Return errors in per cent and losses in nats, one of each for every network."""
    error = 100 * (log_p.argmax(axis=2) != labels).mean(axis=1)
    return error, -log_p[:, np.arange(len(labels)), labels].mean(axis=1)


def test_regularisers_pick_on_one_half_and_test_on_the_other(monkeypatch, data):
    calls = smaller(monkeypatch, regularisers, hidden=(8,))
    train = regularisers.train_networks

    def misleading(*args, **asked):
        """What the training examples say is the opposite, so it must not matter."""
        runs = train(*args, **asked)
        return runs._replace(
            train_accuracy=1 - runs.test_accuracy, train_loss=-runs.test_loss
        )

    monkeypatch.setattr(regularisers, "train_networks", misleading)
    # After 60 epochs no two candidates of a method tie.
    found = regularisers.regularisers(SEEDS, data=data, epochs=60, progress=False)
    [(given, asked, runs)] = calls
    methods = regularisers.METHODS
    rates, decays, norms = zip(*itertools.chain(*methods.values()), strict=True)
    assert_asked(
        asked, rates=rates, weight_decay=decays, max_norm=norms, train_size=1000,
        hidden=(128,), epochs=60, batch_size=50, lr=0.05, momentum=0.9,
    )  # fmt: skip
    np.testing.assert_array_equal(given.x_train, data.x_train)
    np.testing.assert_array_equal(given.x_test, data.x_test[:50])
    np.testing.assert_array_equal(given.y_test, data.y_test[:50])

    *_, logits = outputs(runs.weights, data.x_test)
    halves = [
        error_and_loss(log_softmax(logits[:, half], axis=2), data.y_test[half])
        for half in (slice(50), slice(50, None))
    ]
    shape = len(rates), len(SEEDS)
    measures = regularisers.ERROR, regularisers.LOSS
    for measure, validation, test in zip(measures, *halves, strict=True):
        score, test = validation.reshape(shape).mean(axis=1), test.reshape(shape)
        numbers, picked = itertools.count(), {}
        for method, some in methods.items():
            own = [next(numbers) for _ in some]
            picked[method] = test[min(own, key=score.__getitem__)]
        assert_rows(
            found,
            {
                (measure, f"{a} - {b}"): picked[a] - picked[b]
                for a, b in regularisers.PAIRS
            },
        )


def test_coadaptation_takes_each_unit_away(monkeypatch, data):
    calls = smaller(monkeypatch, coadaptation)
    found = coadaptation.coadaptation(SEEDS, data=data, epochs=10, progress=False)
    [(given, asked, runs)] = calls
    assert given is data
    assert_asked(
        asked, rates=(0.0, 0.2, 0.5), train_size=1000, hidden=(64, 64), epochs=10,
        batch_size=50, lr=3e-3,
    )  # fmt: skip

    def loss(factors=(1, 1)):
        *_, logits = outputs(runs.weights, data.x_test, factors)
        return error_and_loss(log_softmax(logits, axis=2), data.y_test)[1]

    without = 1 - np.eye(8)
    harm = [loss((unit, 1)) - loss() for unit in without]
    harm += [loss((1, unit)) - loss() for unit in without]
    worst = np.max(harm, axis=0)
    _, last, _ = outputs(runs.weights, data.x_test)
    alike = []
    for units in last:
        r = np.abs(np.corrcoef(units[:, units.any(axis=0)].T))
        alike.append(r[~np.eye(len(r), dtype=bool)].mean())
    for measure, values in (
        (coadaptation.WORST, worst / loss()),
        (coadaptation.SHARE, worst / np.maximum(harm, 0).sum(axis=0)),
        (coadaptation.ALIKE, np.array(alike)),
    ):
        none, some, half = values.reshape(3, len(SEEDS))
        assert_rows(
            found,
            {
                (measure, "p = 0"): none,
                (measure, "p = 0.2 - p = 0"): some - none,
                (measure, "p = 0.5 - p = 0"): half - none,
            },
        )


def test_features_weigh_the_pixels():
    found = features.features(SEEDS, units=6, steps=40, progress=False)
    spread = mnist_digits().x_train.std(axis=0).reshape(28, 28)
    rough, wide = np.empty((2, 2, len(SEEDS)))
    for i, j in np.ndindex(rough.shape):
        live = found.raw.hidden[i, j].any(axis=0)
        seen = found.raw.features[i, j, live].astype(float) * spread
        squares = (seen**2).sum(axis=(1, 2))
        down, across = seen[:, 1:] - seen[:, :-1], seen[:, :, 1:] - seen[:, :, :-1]
        steps = (down**2).sum(axis=(1, 2)) + (across**2).sum(axis=(1, 2))
        rough[i, j] = np.median(steps / squares)
        wide[i, j] = np.median(squares**2 / (seen**4).sum(axis=(1, 2)))
    assert found.raw.rates == (0.0, 0.5)
    for measure, (none, half) in ((features.ROUGH, rough), (features.PIXELS, wide)):
        assert_rows(
            found,
            {
                (measure, "p = 0"): none,
                (measure, "p = 0.5"): half,
                (measure, "p = 0.5 - p = 0"): half - none,
            },
        )


def test_sgd_advice_compares_at_ten_times_the_plain_rate(monkeypatch, data):
    calls = smaller(monkeypatch, engine)
    found = sgd_advice.sgd_advice(SEEDS, data=data, epochs=60, progress=False)
    errors = {}
    for (name, (p, norm, momentum)), (given, asked, runs) in zip(
        sgd_advice.SETTINGS.items(), calls, strict=True
    ):
        assert given is data
        assert_asked(
            asked, rates=[p] * 5, momentum=momentum, max_norm=norm, train_size=1000,
            hidden=(64, 64), epochs=60, batch_size=50,
        )  # fmt: skip
        lengths = np.divide(asked["lr"], 1 - momentum)
        np.testing.assert_allclose(lengths, np.multiply(sgd_advice.LRS, 10))
        errors[name] = 100 * (1 - runs.test_accuracy[..., 0])
    at_best = {name: e[e.mean(axis=1).argmin()] for name, e in errors.items()}
    plain, limited, dropout = sgd_advice.PLAIN, sgd_advice.LIMITED, sgd_advice.DROPOUT
    # The grid goes up by half a power of ten.
    ten = min(errors[plain].mean(axis=1).argmin() + 2, 4)
    spared = errors[limited][ten] - errors[plain][ten]
    assert abs(spared.mean()) > 1  # so that the sign shows
    rows = {
        "plain, 10 times its best rate: max-norm": spared,
        "dropout, 10 times plain's best rate": errors[dropout][ten] - at_best[dropout],
        f"{dropout} - {limited}": at_best[dropout] - at_best[limited],
    }
    for name in ("dropout + max-norm, 0.95", "dropout + max-norm, 0.99"):
        rows[f"{name} - 0.9"] = at_best[name] - at_best[dropout]
    assert_rows(found, {(sgd_advice.ERROR, name): rows[name] for name in rows})


def streams(number):
    return [np.random.default_rng([seed, number]) for seed in SEEDS]


def test_monte_carlo_averages_against_the_same_networks(monkeypatch, data):
    calls = smaller(monkeypatch, monte_carlo)
    monkeypatch.setattr(monte_carlo, "mnist1d", lambda: data)
    rates, x, y = (0.3, 0.5), data.x_test, data.y_test
    found = monte_carlo.monte_carlo(
        SEEDS, rates=rates, sizes=(1, 50), epochs=10, progress=False
    )
    [(_, asked, runs)] = calls
    assert_asked(
        asked, rates=rates, train_size=1000, hidden=(128, 128), epochs=10, batch_size=50,
        lr=3e-3,
    )  # fmt: skip
    for i, p in enumerate(rates):
        rngs, own = streams(2), slice(3 * i, 3 * i + 3)
        weights = [(w[own], b[own]) for w, b in runs.weights]
        masks = [
            [np.stack([draw_factors((100, 8), p, r) for r in rngs]) for _ in (1, 2)]
            for _ in range(50)
        ]
        P = softmax([outputs(weights, x, factors)[-1] for factors in masks], axis=-1)
        scaled_error = 100 * (1 - runs.test_accuracy[i, :, 0])
        scaled_loss = runs.test_loss[i, :, 0]
        geometric = np.log(P).mean(axis=0)
        geometric -= logsumexp(geometric, axis=2, keepdims=True)
        one, _ = error_and_loss(np.log(P[0]), y)
        fifty, arithmetic_loss = error_and_loss(np.log(P.mean(axis=0)), y)
        _, geometric_loss = error_and_loss(geometric, y)
        error, loss, last = "test error, points", "test loss, nats", f"p = {p}, k = 50"
        assert_rows(
            found,
            {
                (error, f"p = {p}, k = 1"): one - scaled_error,
                (error, last): fifty - scaled_error,
                (loss, f"{last}, arithmetic"): arithmetic_loss - scaled_loss,
                (loss, f"{last}, geometric"): geometric_loss - scaled_loss,
            },
        )


def test_underfitting_turns_after_three_tenths_of_all_steps(monkeypatch, data):
    # 100 epochs are 200 steps or more: enough for each schedule to turn.
    calls = smaller(monkeypatch, underfitting, epochs=100)
    found = underfitting.underfitting(SEEDS, p=0.4, data=data, progress=False)
    for (name, plan), (_, asked, runs), steps in zip(
        underfitting.SITUATIONS.items(), calls, (500, 600), strict=True
    ):
        assert_asked(asked, hidden=(64, 64), lr=3e-3, **plan)
        none, standard, early, late = asked["rates"]
        turn = round(0.3 * steps)
        assert (none, standard) == (0.0, 0.4)
        assert early(turn - 1) > early(turn) == 0
        assert (late(turn - 1), late(turn)) == (0, 0.4)
        test, training = runs.test_loss[..., 0], runs.train_loss[..., 0]
        rows = {
            (underfitting.LEVEL, f"{name}: training"): training[0],
            (underfitting.LEVEL, f"{name}: test"): test[0],
        }
        accuracy = 100 * runs.test_accuracy[..., 0]
        for measure, values in (
            (underfitting.ACCURACY, accuracy),
            (underfitting.LOSS, test),
            (underfitting.FIT, training),
        ):
            for i, kind in enumerate(("standard", "early", "late"), start=1):
                rows[measure, f"{name}: {kind} - none"] = values[i] - values[0]
        rows[underfitting.ACCURACY, f"{name}: early - standard"] = (
            accuracy[2] - accuracy[1]
        )
        assert_rows(found, rows)


def test_underfitting_sees_every_curve_once_or_sixty_times():
    once, often = underfitting.SITUATIONS.values()
    assert once == {"train_size": 8000, "epochs": 1, "batch_size": 16}
    assert often == {"train_size": 500, "epochs": 60, "batch_size": 50}


BY_SIZE = {"sizes": (40, 200, 1000), "updates": 100}
BY_WIDTH = {"widths": (4, 8), "epochs": 3, "every": 2}


@pytest.mark.parametrize(
    ("module", "run", "settings", "plans"),
    [
        (
            data_size,
            data_size.data_size,
            BY_SIZE,
            [
                {"train_size": n, "hidden": (128, 128), "epochs": e, "batch_size": 40}
                for n, e in ((40, 100), (200, 20), (1000, 4))
            ],
        ),
        (
            wider_longer,
            wider_longer.wider_longer,
            BY_WIDTH,
            [
                {"train_size": 1000, "hidden": (n, n), "epochs": 3, "batch_size": 50}
                for n in (4, 8)
            ],
        ),
    ],
    ids=["data_size", "wider_longer"],
)
def test_errors_are_of_test_and_of_training(
    monkeypatch, data, module, run, settings, plans
):
    calls, made = smaller(monkeypatch, engine), []
    monkeypatch.setattr(module, "mnist1d", lambda *sizes: made.append(sizes) or data)
    found = run(SEEDS, rate=0.4, progress=False, **settings)
    assert made == [(10_000, 2000) if module is data_size else (6000, 2000)]
    for i, ((_, asked, runs), plan) in enumerate(zip(calls, plans, strict=True)):
        assert_asked(asked, rates=(0.0, 0.4), lr=3e-3, **plan)
        for name, values in (
            ("error", 100 * (1 - runs.test_accuracy)),
            ("loss", runs.test_loss),
            ("train_error", 100 * (1 - runs.train_accuracy)),
        ):
            measured = found.raw[name][i]
            np.testing.assert_array_equal(measured, values.reshape(measured.shape))


def test_noise_kinds_share_one_rate(monkeypatch, data):
    calls = smaller(monkeypatch, noise_kinds, epochs=2)
    settings = {
        name: (lambda: data, p, plan)
        for name, (_, p, plan) in noise_kinds.SETTINGS.items()
    }
    found = noise_kinds.noise_kinds(SEEDS, settings=settings, progress=False)
    for (name, (_, p, plan)), (_, asked, runs) in zip(
        settings.items(), calls, strict=True
    ):
        assert_asked(
            asked, rates=(p, p), noise=("bernoulli", "gaussian"), batch_size=50, **plan
        )
        error, loss = 100 * (1 - runs.test_accuracy[..., 0]), runs.test_loss[..., 0]
        assert_rows(
            found,
            {
                (noise_kinds.ERROR, name): error[1] - error[0],
                (noise_kinds.LOSS, name): loss[1] - loss[0],
            },
        )


def test_masked_memory_drops_three_tenths(monkeypatch):
    train, calls = recurrent.train_recall, []

    def short(**asked):
        calls.append(asked)
        return train(**asked, delay=2, hidden=4, steps=5)

    monkeypatch.setattr(masked_memory, "train_recall", short)
    found = masked_memory.masked_memory(SEEDS, progress=False)
    assert calls == [{"seeds": SEEDS, "p": 0.3, "progress": False}]
    none, *others = 100 * found.raw.accuracy
    [measure] = {row.measure for row in found.rows}
    rows = zip(recurrent.KINDS[1:], others, strict=True)
    assert_rows(found, {(measure, kind): none - points for kind, points in rows})


@pytest.mark.parametrize(
    "run",
    [
        kept_units.kept_units,
        data_size.data_size,
        wider_longer.wider_longer,
        convergence.convergence,
        sgd_advice.sgd_advice,
    ],
    ids=lambda run: run.__name__,
)
@pytest.mark.parametrize("at", [0, 1])
def test_an_interrupt_leaves_the_seeds_that_all_trainings_finished(monkeypatch, run, at):
    instead, asked = trainer(lambda *_: 5, lambda p, width, n, t: 3 / t), []

    def train(data, *, seeds, **settings):
        asked.append(tuple(seeds))
        kept = tuple(seeds)[: 4 if len(asked) == at + 1 else None]
        return instead(data, seeds=kept, **settings)

    monkeypatch.setattr(engine, "train_networks", train)
    found = run(range(6), progress=False)
    assert {row.interval.n for row in found.rows} == {4}
    assert asked[at + 1 :] == [(0, 1, 2, 3)] * (len(asked) - at - 1)
    assert len(asked) > at + 1


# These train all seeds as one: an interrupt finds none finished, and is an interrupt.
AT_ONCE = {
    "averaged_masks": "train_with_copies",
    "features": "train_autoencoders",
    "masked_memory": "train_recall",
    "sparsity": "train_autoencoders",
}
# Of these small networks learn too little to be measured: their numbers are made up.
MADE_UP = ("convergence", "validation_spread")


def interrupt_the_second_stack(monkeypatch, name, module):
    """Let the first training end after 10 seeds, and those after it have no second."""
    if name in MADE_UP:
        instead = trainer(lambda *_: 5, lambda p, width, n, t: 3 / t)
        for place in (engine, module):
            monkeypatch.setattr(
                place,
                "train_networks",
                lambda data, *, seeds, **asked: instead(data, seeds=seeds[:10], **asked),
                raising=False,
            )
        return
    train, calls = engine.train_stack, []

    def second_is_interrupted(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return train(*args)

    def cut(seeds, _):
        return [s for s in (seeds[:10], seeds[10:]) if s]

    monkeypatch.setattr(engine, "train_stack", second_is_interrupted)
    monkeypatch.setattr(engine, "_stacks", cut)
    for place in (engine, module):
        if hasattr(place, "train_networks"):
            smaller(monkeypatch, place, epochs=8, batch_size=20)


@pytest.mark.parametrize("name", experiments())
def test_an_interrupt_of_every_study_keeps_what_was_finished(monkeypatch, data, name):
    study = experiments()[name]
    module, takes = sys.modules[study.__module__], inspect.signature(study).parameters
    options = {"progress": False, "data": data}
    for made in ("mnist1d", "mnist_digits"):
        if hasattr(module, made):
            monkeypatch.setattr(module, made, lambda *sizes: data)
    if name == "noise_kinds":
        plan = {"hidden": (8, 8), "lr": 3e-3}
        options["settings"] = {
            kind: (lambda: data, p, plan)
            for kind, (_, p, _) in noise_kinds.SETTINGS.items()
        }
    options = {option: options[option] for option in options.keys() & takes.keys()}
    if name in AT_ONCE:

        def interrupted(*args, **settings):
            raise KeyboardInterrupt

        monkeypatch.setattr(module, AT_ONCE[name], interrupted)
        with pytest.raises(KeyboardInterrupt):
            study(range(12), **options)
        return
    interrupt_the_second_stack(monkeypatch, name, module)
    found = study(range(12), **options)
    assert {row.interval.n for row in found.rows} - {12} == {10}
