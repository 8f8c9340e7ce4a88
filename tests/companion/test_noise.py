"""Kinds that differ in their noise: Gaussian, alpha, concrete."""

from fractions import Fraction

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


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("kind", ["GaussianDropout", "AlphaDropout", "ConcreteDropout"])
def test_numbers_and_gradients_keep_their_dtype(kind, dtype, rng):
    layer = getattr(cn, kind)(0.3, rng)
    for x in (np.ones((4, 3), dtype), np.ones((), dtype)):
        assert layer(x).dtype == layer.backward(x).dtype == dtype
        assert layer(x).shape == layer.backward(x).shape == x.shape


def test_alpha_dropout_keeps_the_digits_of_long_double():
    eps, keep = np.finfo(np.longdouble).eps, np.ones(2, bool)
    x = np.array([1, 1 + 4 * eps], np.longdouble)
    for function in (cn.alpha_dropout_forward, cn.alpha_dropout_backward):
        one, other = function(x, keep, 0.2)
        assert eps < other - one < 8 * eps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_at_p_1_alpha_dropout_has_no_gradient(dtype):
    dx = cn.alpha_dropout_backward(np.ones((2, 3), dtype), np.zeros((2, 3), bool), 1.0)
    assert dx.dtype == dtype
    assert np.array_equal(dx, np.zeros((2, 3)))


def test_in_evaluation_a_learned_rate_has_gradient_zero(rng):
    layer, x = cn.ConcreteDropout(0.3, rng), rng.normal(size=9)
    layer(x), layer.backward(x)
    assert layer.logit.grad != 0
    layer.eval()(x), layer.backward(x)
    assert layer.logit.grad.shape == ()
    assert layer.logit.grad == 0


def test_the_temperature_is_by_default_that_of_the_papers_code(rng):
    assert cn.ConcreteDropout(0.3, rng).temperature == 0.1
    assert ct.ConcreteDropout(0.3, rng).temperature == 0.1


LOGITS = [-700.0, -40.0, -37.5, 0.0, 36.0, 37.5, 40.0, 700.0]


@pytest.mark.parametrize("logit", LOGITS)
@pytest.mark.parametrize("temperature", [0.1, 1.0, 3.0])
def test_concrete_dropout_is_one_in_both_frameworks_at_any_rate(logit, temperature, rng):
    """Near p = 1 the numbers 1 - p and 1 - z are lost in the rounding of 1."""
    x, dy, seed = *rng.normal(size=(2, 20)), int(rng.integers(2**63))
    a, b = (
        module.ConcreteDropout(0.3, np.random.default_rng(seed), temperature=temperature)
        for module in (cn, ct)
    )
    a.logit.value[...] = logit
    torch.nn.init.constant_(b.logit, logit)
    leaf = torch.tensor(x, requires_grad=True)
    y, z = a(x), b(leaf)
    z.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, z.detach(), rtol=1e-9)
    np.testing.assert_allclose(a.backward(dy), leaf.grad, rtol=1e-9)
    close = {"rtol": 1e-7, "atol": 1e-9 * max(1.0, abs(y).max())}
    np.testing.assert_allclose(a.logit.grad, b.logit.grad, **close)
    weight, theirs = cn.nn.Parameter(np.ones((3, 2))), torch.ones(2, 3).double()
    a.logit.grad, b.logit.grad = np.zeros(()), None
    ours = a.penalty(weight, weight_scale=0.3, rate_scale=0.7)
    other = b.penalty(theirs.requires_grad_(), weight_scale=0.3, rate_scale=0.7)
    other.backward()
    np.testing.assert_allclose(ours, other.item(), rtol=1e-12)
    np.testing.assert_allclose(weight.grad.T, theirs.grad, rtol=1e-12)
    np.testing.assert_allclose(a.logit.grad, b.logit.grad, rtol=1e-9)


@pytest.mark.parametrize("logit", LOGITS)
@pytest.mark.parametrize("module", [cn, ct], ids=["numpy", "torch"])
def test_concrete_noise_has_no_cancellation(logit, module):
    """At temperature 1 it is (1 + e^l) / (1 + e^l u / (1 - u)): all of it is sums."""
    u = np.array([1e-12, 0.1, 0.5, 0.9])
    layer = module.ConcreteDropout(0.3, np.random.default_rng(0), temperature=1.0)
    as_array = np.asarray if module is cn else torch.tensor
    layer.draw = lambda x: as_array(u)
    if module is cn:
        layer.logit.value[...] = logit
    else:
        torch.nn.init.constant_(layer.logit, logit)
    y = layer(as_array(np.ones(4)))
    expected = (1 + np.exp(logit)) / (1 + np.exp(logit) * u / (1 - u))
    np.testing.assert_allclose(y if module is cn else y.detach(), expected, rtol=1e-12)
    penalty = layer.penalty(
        cn.nn.Parameter(np.ones((3, 1))) if module is cn else torch.ones(1, 3),
        weight_scale=1.0, rate_scale=0.0,
    )  # fmt: skip
    value = penalty if module is cn else penalty.item()
    assert value == pytest.approx(3 * (1 + np.exp(logit)), rel=1e-12)


@pytest.mark.parametrize("module", [cn, ct], ids=["numpy", "torch"])
@pytest.mark.parametrize("weight", [None, [[1.0]], np.ones((2, 2)), 1.0])
def test_the_penalty_names_what_is_no_weight(module, weight, rng):
    with pytest.raises(TypeError, match="weight must be a"):
        module.ConcreteDropout(0.3, rng).penalty(weight, weight_scale=1.0, rate_scale=1.0)


@pytest.mark.parametrize("module", [cn, ct], ids=["numpy", "torch"])
@pytest.mark.parametrize("real", [Fraction, np.float32, np.float16, np.longdouble])
def test_concrete_dropout_counts_in_any_real_type(module, real):
    """A half is exact in all of them."""

    def found(half):
        x = np.ones((2, 3)) if module is cn else torch.ones(2, 3)
        layer = module.ConcreteDropout(half, np.random.default_rng(0), temperature=half)
        weight = cn.nn.Parameter(np.ones((2, 3))) if module is cn else torch.ones(3, 2)
        return layer(x) + layer.penalty(weight, weight_scale=half, rate_scale=half)

    assert (found(real(0.5)) == found(0.5)).all()
