"""Layers with weights of their own."""

import numpy as np
import pytest
import torch

import companion.numpy as cn
import companion.torch as ct
from companion.theory import all_masks, mask_probabilities
from companion.verify.adapters import SUBJECTS

from .kinds import Given


@pytest.mark.parametrize("framework", SUBJECTS)
def test_dropconnect_is_exact_over_all_masks(framework, rng):
    """All 16 masks of a 2 x 2 weight: the mean is the plain layer, in x and in dW."""
    p, x = 0.3, rng.normal(size=(3, 2))
    layer = SUBJECTS[framework].DropConnect(2, 2, p, rng, dtype=np.float64)
    masks = all_masks(4).reshape(-1, 2, 2)
    weight = mask_probabilities(all_masks(4), p)
    Given(layer.dropout, masks)
    outputs, gradients, dy = [], [], rng.normal(size=(3, 2))
    for _ in masks:
        outputs.append(layer(x))
        layer.backward(dy)
        gradients.append(np.array(layer.weight.grad))
    plain = x @ layer.weight.value + layer.bias.value
    close = {"rtol": 1e-12, "atol": 1e-12}  # a sum may happen to be near 0
    np.testing.assert_allclose(np.tensordot(weight, outputs, 1), plain, **close)
    np.testing.assert_allclose(np.tensordot(weight, gradients, 1), x.T @ dy, **close)
    variance = np.tensordot(weight, (np.array(outputs) - plain) ** 2, 1)
    expected = p / (1 - p) * x**2 @ layer.weight.value**2
    np.testing.assert_allclose(variance, expected, **close)


def test_layers_show_how_they_were_built(rng):
    assert repr(cn.DropConnect(3, 2, 0.3, rng)) == "DropConnect(3, 2, p=0.3)"
    assert repr(cn.WordDropout(4, 2, 0.3, rng)) == "WordDropout(4, 2, p=0.3)"
    shown = "VariationalRNN(3, 2, input_p=0.1, recurrent_p=0.3)"
    assert repr(cn.VariationalRNN(3, 2, 0.1, 0.3, rng)) == shown


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_weights_have_the_dtype_that_was_asked_for(dtype, rng):
    for layer in (cn.DropConnect(3, 2, 0.3, rng, dtype=dtype),
                  cn.WordDropout(4, 2, 0.3, rng, dtype=dtype),
                  cn.VariationalRNN(3, 2, 0.1, 0.3, rng, dtype=dtype)):  # fmt: skip
        assert {parameter.value.dtype for parameter in layer.parameters()} == {
            np.dtype(dtype)
        }


@pytest.mark.parametrize("steps", [1, 2])
def test_a_short_sequence_has_the_gradient_of_pytorch(steps, rng):
    seed, x = int(rng.integers(2**62)), rng.normal(size=(4, steps, 3))
    ours, theirs = (
        module.VariationalRNN(3, 2, 0.3, 0.3, np.random.default_rng(seed), dtype=dtype)
        for module, dtype in ((cn, float), (ct, torch.float64))
    )
    leaf = torch.tensor(x, requires_grad=True)
    y, z = ours(x), theirs(leaf)
    z.sum().backward()
    np.testing.assert_allclose(y, z.detach(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        ours.backward(np.ones_like(y)), leaf.grad, rtol=1e-12, atol=1e-12
    )


def test_a_sequence_without_steps_is_refused(rng):
    with pytest.raises(ValueError, match="x must have T of 1 or more"):
        cn.VariationalRNN(3, 2, 0.3, 0.3, rng)(np.ones((4, 0, 3)))


def test_a_recurrent_layer_without_dropout_is_pytorchs(rng):
    """With both rates 0 the layer is torch.nn.RNN with the same weights."""
    ours = ct.VariationalRNN(5, 3, 0.0, 0.0, rng, dtype=torch.float64)
    theirs = torch.nn.RNN(5, 3, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(ours.input.weight)
        theirs.weight_hh_l0.copy_(ours.recurrent.weight)
        theirs.bias_ih_l0.copy_(ours.input.bias)
        theirs.bias_hh_l0.copy_(ours.recurrent.bias)
    x = torch.tensor(rng.normal(size=(2, 7, 5)))
    torch.testing.assert_close(ours(x), theirs(x)[0], rtol=1e-12, atol=1e-12)
