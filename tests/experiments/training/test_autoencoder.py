"""Training autoencoders: what a seed fixes, the gradient, what comes out."""

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from companion.data import mnist_digits
from companion.experiments import draw_factors
from companion.experiments.training import autoencoder
from companion.experiments.training.autoencoder import train_autoencoders

TINY = {"units": 5, "progress": False}


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
