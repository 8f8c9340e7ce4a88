"""Kinds that differ in their noise: Gaussian, alpha, concrete."""

import numpy as np
import pytest
import torch

import companion.numpy as cn
import companion.torch as ct
from companion.masks import keep_mask


@pytest.mark.parametrize("name", ["Dropout", "AlphaDropout"])
def test_gradcheck(name, rng):
    """PyTorch's own gradient check, with the mask held fixed."""
    mask = torch.from_numpy(keep_mask((4, 3), 0.3, rng))
    forward = ct.dropout_forward if name == "Dropout" else ct.alpha_dropout_forward
    x = torch.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: forward(x, mask, 0.3), x)
    assert torch.autograd.gradgradcheck(lambda x: forward(x, mask, 0.3), x)


def test_gaussian_noise_of_a_torch_generator(rng):
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    noise = ct.GaussianDropout(0.3, generator)(torch.ones(1_000_000))
    deviation = (0.3 / 0.7 / 1_000_000) ** 0.5
    assert abs(noise.mean().item() - 1) < 6.2 * deviation
    assert abs(noise.var().item() - 0.3 / 0.7) < 6.2 * 2**0.5 * 0.3 / 0.7 / 1000


def test_concrete_penalty_has_the_same_value_and_gradients(rng):
    w = rng.normal(size=(4, 3))
    a = cn.ConcreteDropout(0.2, rng)
    b = ct.ConcreteDropout(0.2, rng)
    weight = cn.nn.Parameter(w)
    a.logit.grad = np.zeros(())
    value = a.penalty(weight, weight_scale=0.3, rate_scale=0.7)
    theirs = torch.tensor(w.T, requires_grad=True)
    other = b.penalty(theirs, weight_scale=0.3, rate_scale=0.7)
    other.backward()
    entropy = -0.2 * np.log(0.2) - 0.8 * np.log(0.8)
    assert np.isclose(value, 0.3 * (w**2).sum() / 0.8 - 0.7 * 4 * entropy, rtol=1e-12)
    assert np.isclose(value, other.item(), rtol=1e-12)
    np.testing.assert_allclose(weight.grad.T, theirs.grad.numpy(), rtol=1e-12)
    assert np.isclose(a.logit.grad, b.logit.grad.item(), rtol=1e-12)


@pytest.mark.parametrize("framework", [cn, ct], ids=["numpy", "torch"])
def test_a_learned_rate_falls_without_the_penalty_and_settles_with_it(framework, rng):
    """Least squares on noise-free data: dropout only hurts, so the loss alone lowers p."""
    found = {}
    for scale in (0.0, 1.0):
        layer = framework.ConcreteDropout(0.5, np.random.default_rng(1))
        for _ in range(300):
            x = rng.normal(size=(64, 4))
            if framework is cn:
                y = layer(x)
                layer.backward(2 * (y - x) / 64)
                layer.penalty(
                    cn.nn.Parameter(np.eye(4)), weight_scale=0.0, rate_scale=scale
                )
                layer.logit.value -= 0.1 * layer.logit.grad
            else:
                t = torch.tensor(x)
                loss = ((layer(t) - t) ** 2).sum() / 64
                loss = loss + layer.penalty(
                    torch.eye(4), weight_scale=0.0, rate_scale=scale
                )
                (slope,) = torch.autograd.grad(loss, layer.logit)
                with torch.no_grad():
                    layer.logit -= 0.1 * slope
        found[scale] = layer.p
    assert found[0.0] < 0.1 < found[1.0] < 0.5
