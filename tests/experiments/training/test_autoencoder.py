"""Sparsity and features: the training, the measures by hand, each verdict."""

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from companion.data import mnist_digits
from companion.experiments import draw_factors, mean_interval
from companion.experiments.instruments.hidden_units import (
    live_units,
    pixels_in_use,
    roughness,
)
from companion.experiments.studies import features as features_module
from companion.experiments.studies import sparsity as sparsity_module
from companion.experiments.studies.features import features
from companion.experiments.studies.sparsity import (
    ACTIVE,
    ERROR,
    HIGH,
    ZERO,
    sparsity,
)
from companion.experiments.training import autoencoder
from companion.experiments.training.autoencoder import (
    Autoencoders,
    train_autoencoders,
)

TINY = {"units": 5, "progress": False}


def made_up(active=1.0, zeros=(0.0, 0.5), error=1.0, pictures=None, high=-5):
    """Two rates, three seeds, 1,000 inputs, 4 units, of which two are dead.

    At p = 0.5 `high` more inputs have high activations than at p = 0.
    """
    rng = np.random.default_rng(1)
    hidden = np.ones((2, 3, 1000, 4)) + rng.uniform(0, 0.01, (2, 3, 1, 1))
    for rate, share in enumerate(zeros):
        hidden[rate, :, : int(1000 * share)] = 0
        for seed in range(3):
            hidden[rate, seed, 990 - seed - rate * high :] = 3
    hidden[1] *= active
    hidden[..., 2:] = 0
    errors = np.ones((2, 3)) + rng.uniform(0, 0.01, (2, 3))
    errors[1] *= error
    return Autoencoders((0.0, 0.5), (0, 1, 2), hidden, pictures, errors)


def test_training_lowers_the_error_and_a_seed_repeats():
    early = train_autoencoders((0.0, 0.3), (0, 1), steps=1, **TINY)
    late = train_autoencoders((0.0, 0.3), (0, 1), steps=120, **TINY)
    assert (late.error < 0.8 * early.error).all()
    assert late.hidden.shape == (2, 2, 1000, 5)
    again = train_autoencoders([0.0, 0.3], range(2), steps=120, **TINY)
    np.testing.assert_array_equal(late.features, again.features)


def test_rates_of_a_seed_share_start_and_batches_and_differ_by_masks():
    same = train_autoencoders((0.3, 0.3), (4,), steps=5, **TINY)
    np.testing.assert_array_equal(same.features[0], same.features[1])
    other = train_autoencoders((0.0, 0.3), (4,), steps=5, **TINY)
    assert (other.features[0] != other.features[1]).any()


def test_the_gradient_is_that_of_autograd():
    found = train_autoencoders((0.3,), (0,), units=5, steps=2, progress=False)
    layers = autoencoder._parameters((0.3,), (0,), 5)
    (w_in, b_in), (w_out, b_out) = layers
    parameters = [w_in, b_in, w_out, b_out]
    for parameter in parameters:
        parameter.requires_grad_()
    adam = torch.optim.Adam(parameters, lr=3e-3)
    x, order = torch.from_numpy(mnist_digits().x_train), np.random.default_rng([0, 1])
    masks = np.random.default_rng([0, 2])
    for _ in range(2):
        batch = x[order.integers(0, len(x), 32)][None]
        hidden = torch.relu(batch @ w_in + b_in)
        hidden = hidden * torch.from_numpy(draw_factors((32, 5), 0.3, masks))
        logits = hidden @ w_out + b_out
        adam.zero_grad()
        binary_cross_entropy_with_logits(logits, batch).backward()
        adam.step()
    features = w_in.detach().mT.reshape(1, 1, 5, 28, 28)
    np.testing.assert_allclose(found.features, features, atol=1e-5)


def test_hidden_activations_are_those_of_the_features():
    run = train_autoencoders((0.0,), (0,), steps=3, **TINY)
    z = mnist_digits().x_test @ run.features[0, 0].reshape(5, 784).T
    active = run.hidden[0, 0] > 0
    # The bias is one number for each unit.
    bias = np.where(active, run.hidden[0, 0] - z, np.nan)[:, active.any(axis=0)]
    assert bias.shape[1] > 0
    assert np.nanmax(np.nanstd(bias, axis=0)) < 1e-5


def test_roughness_and_pixels_of_known_pictures():
    checker = np.indices((6, 6)).sum(axis=0) % 2 * 2.0 - 1
    assert roughness(np.ones((6, 6))) == 0
    assert roughness(checker) == 60 * 4 / 36
    assert roughness(5 * checker) == roughness(checker)
    spot = np.zeros((6, 6))
    spot[2, 3] = -4.0
    assert pixels_in_use(spot) == 1
    assert pixels_in_use(checker) == 36
    assert pixels_in_use(np.stack([spot, checker])).shape == (2,)


@pytest.mark.parametrize("measure", [roughness, pixels_in_use])
def test_a_row_is_no_picture(measure):
    with pytest.raises(ValueError, match="features must be pictures"):
        measure([1.0, 2.0])


def test_a_unit_is_live_if_one_input_moves_it():
    assert live_units(np.array([[0, 0, 3], [0, 1, 0]])).tolist() == [False, True, True]


def test_rows_of_sparsity_by_hand():
    found = sparsity(range(2), steps=30, **TINY)
    run = found.raw

    def check(measure, setting, values):
        interval = found.interval(measure, setting)
        np.testing.assert_allclose(interval[:3], mean_interval(values)[:3], rtol=1e-6)

    used = [[h[:, h.max(axis=0) > 0].astype(float) for h in rate] for rate in run.hidden]
    for measure, share in ((ZERO, lambda h: h == 0), (HIGH, lambda h: h > 2)):
        plain, dropped = ([100 * share(h).mean() for h in rate] for rate in used)
        check(measure, "p = 0", plain)
        check(measure, "p = 0.5 - p = 0", np.subtract(dropped, plain))
    plain, dropped = ([h.mean() for h in rate] for rate in used)
    check(ACTIVE, "p = 0.5", dropped)
    check(ACTIVE, "p = 0.5 / p = 0", np.divide(dropped, plain))
    expected = mean_interval(run.error[1] / run.error[0])
    assert found.interval(ERROR, "p = 0.5 / p = 0") == expected


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"active": 0.5}, "reproduces"),
        ({"active": 0.5, "error": 1.3}, "weaker"),
        ({"active": 1.5}, "does not reproduce"),
        ({"active": 0.9}, "reproduces"),
        ({"active": 0.9, "high": 5}, "does not reproduce"),
        ({"active": 0.2, "zeros": (0.3, 0.3)}, "does not reproduce"),
        ({"active": 1.5, "error": 1.3}, "does not reproduce"),
    ],
)
def test_verdicts_of_sparsity(monkeypatch, changes, verdict):
    monkeypatch.setattr(
        sparsity_module, "train_autoencoders", lambda *_, **__: made_up(**changes)
    )
    assert sparsity().verdict == verdict


@pytest.mark.parametrize(
    ("rough", "wide", "verdict"),
    [
        (-1, -1, "reproduces"),
        (1, -1, "weaker"),
        (-1, 1, "weaker"),
        (1, 1, "does not reproduce"),
    ],
)
def test_verdicts_of_features_ignore_dead_units(monkeypatch, rough, wide, verdict):
    values = np.array([5.0, 5.0])[:, None, None] + np.zeros((2, 3, 4))

    def measure(change):
        changed = values + np.linspace(0, 0.01, 3)[:, None]
        changed[1, :, :2] += change
        changed[1, :, 2:] -= 100 * change  # of the dead units
        return lambda _: changed

    pictures = np.ones((2, 3, 4, 28, 28))
    monkeypatch.setattr(features_module, "roughness", measure(rough))
    monkeypatch.setattr(features_module, "pixels_in_use", measure(wide))
    monkeypatch.setattr(
        features_module,
        "train_autoencoders",
        lambda *_, **__: made_up(pictures=pictures),
    )
    assert features().verdict == verdict


@pytest.mark.parametrize(
    ("change", "error"),
    [({"units": 0}, ValueError), ({"steps": 1.5}, TypeError), ({"steps": 0}, ValueError)],
)
def test_bad_arguments_are_refused(change, error):
    with pytest.raises(error, match=r"units|steps"):
        train_autoencoders((0.0,), (0,), **{"units": 4, "steps": 1} | change)


def test_nobody_can_change_what_the_next_caller_gets():
    run = train_autoencoders((0.0,), (0,), units=3, steps=1, progress=False)
    for array in (run.hidden, run.features, run.error):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 7
