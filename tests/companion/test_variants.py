"""The variants beyond the core: both frameworks agree, on masks, values and gradients."""

import numpy as np
import pytest
import torch

import companion.numpy as cn
import companion.torch as ct
from companion.masks import block_start_rate, keep_mask
from companion.theory import all_masks, dropped_variance, mask_probabilities
from companion.verify.adapters import SUBJECTS
from companion.verify.properties import count_is_plausible

FLOATS = (6, 5, 4, 4)
# name: arguments before and after p, options, shape of x (None: x holds tokens)
KINDS = {
    "Dropout": ((), (), {}, FLOATS),
    "ChannelDropout": ((), (), {}, FLOATS),
    "ChannelDropout last": ((), (), {"channels_last": True}, FLOATS),
    "TimeDropout": ((), (), {}, (6, 5, 4)),
    "DropPath": ((), (), {}, FLOATS),
    "DropPath unscaled": ((), (), {"scale_by_keep": False}, FLOATS),
    "DropBlock": ((), (2,), {}, FLOATS),
    "DropBlock 1-D": ((), (3,), {}, (6, 5, 8)),
    "GaussianDropout": ((), (), {}, FLOATS),
    "AlphaDropout": ((), (), {}, FLOATS),
    "ChannelAlphaDropout": ((), (), {}, FLOATS),
    "AttentionDropout": ((), (), {}, (6, 5, 4)),
    "ConcreteDropout": ((), (), {"temperature": 0.5}, FLOATS),
    "DropConnect": ((5, 3), (), {"dtype": np.float64}, (6, 5)),
    "DropConnect each": ((5, 3), (), {"dtype": np.float64, "per_example": True}, (6, 5)),
    "WordDropout": ((9, 3), (), {"dtype": np.float64}, None),
    "VariationalRNN": ((5, 3), (0.4,), {"dtype": np.float64}, (6, 7, 5)),
}
PARAMETERS = {
    "ConcreteDropout": ("logit",),
    "DropConnect": ("weight", "bias"),
    "WordDropout": ("weight",),
    "VariationalRNN": (
        "input.weight",
        "input.bias",
        "recurrent.weight",
        "recurrent.bias",
    ),
}


def build(framework, kind, p, rng):
    before, after, options, _ = KINDS[kind]
    name = kind.split()[0]
    return getattr(SUBJECTS[framework], name)(*before, p, *after, rng, **options)


def an_input(kind, rng):
    shape = KINDS[kind][3]
    return rng.integers(0, 9, (6, 5)) if shape is None else rng.normal(size=shape)


def parameter(layer, path):
    for part in path.split("."):
        layer = getattr(layer, part)
    return layer


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("p", [0.1, 0.3, 0.8])
def test_one_seed_gives_one_result_in_both_frameworks(kind, p, rng):
    x, seed = an_input(kind, rng), int(rng.integers(2**63))
    a, b = (build(name, kind, p, np.random.default_rng(seed)) for name in SUBJECTS)
    for _ in range(2):  # the second call draws the second mask in both
        y, z = a(x), b(x)
        np.testing.assert_allclose(y, z, rtol=1e-12, atol=1e-12)
        dy = rng.normal(size=y.shape)
        dx, dz = a.backward(dy), b.backward(dy)
        if dx is not None:
            np.testing.assert_allclose(dx, dz, rtol=1e-12, atol=1e-12)
        for path in PARAMETERS.get(kind.split()[0], ()):
            one, other = (np.asarray(parameter(m, path).grad) for m in (a, b))
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(a.eval()(x), b.eval()(x), rtol=1e-12, atol=1e-12)


def test_every_layer_is_compared():
    layers = {n for n in cn.__all__ if isinstance(getattr(cn, n), type)}
    assert {kind.split()[0] for kind in KINDS} == layers


@pytest.mark.parametrize("kind", [k for k in KINDS if KINDS[k][3] == FLOATS])
def test_the_numpy_layer_holds_its_mask(kind, rng):
    layer = build("numpy", kind, 0.3, rng)
    if "Concrete" in kind:
        return
    layer(np.ones(FLOATS))
    assert np.broadcast_shapes(layer.mask.shape, FLOATS) == FLOATS
    layer.eval()(np.ones(FLOATS))
    assert layer.mask is None


class Given:
    """Make a layer of either framework use the masks it is handed, one after the other."""

    def __init__(self, layer, masks):
        self.layer, self.masks = layer, iter(masks)
        inner = getattr(layer, "module", layer)
        inner.draw = self.draw

    def draw(self, x):
        mask = next(self.masks)
        return torch.from_numpy(mask) if isinstance(x, torch.Tensor) else mask


@pytest.mark.parametrize("framework", SUBJECTS)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["Dropout", "ChannelDropout", "TimeDropout", "DropPath"])
def test_mean_and_variance_are_exact_over_all_masks(framework, kind, p, rng):
    """All masks of the layer's own granularity are injected, and weighted."""
    x = rng.normal(size=(2, 3, 4))
    layer = getattr(SUBJECTS[framework], kind)(p, rng)
    shape = getattr(cn, kind)(p, rng).mask_shape(x.shape)
    n = min(np.prod(shape), 10)
    flat = np.ones((2**n, np.prod(shape)), bool)
    flat[:, :n] = all_masks(n)  # the other elements are kept, and not looked at
    Given(layer, flat.reshape(-1, *shape))
    outputs = np.array([layer(x) for _ in range(2**n)])
    weight = mask_probabilities(all_masks(n), p)
    mean = np.tensordot(weight, outputs, 1)
    variance = np.tensordot(weight, (outputs - mean) ** 2, 1)
    seen = np.broadcast_to((np.arange(np.prod(shape)) < n).reshape(shape), x.shape)
    np.testing.assert_allclose(mean[seen], x[seen], rtol=0, atol=1e-12)
    expected = dropped_variance(x, p)
    np.testing.assert_allclose(variance[seen], expected[seen], rtol=0, atol=1e-12)


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


def test_monte_carlo_of_a_linear_readout_is_exact_over_all_masks():
    """w = (1, -2, 3), h = (0.5, 1, 2), p = 0.3: mean 4.5 and variance 17.25."""
    w, h, p = np.array([1.0, -2.0, 3.0]), np.array([0.5, 1.0, 2.0]), 0.3
    weight = mask_probabilities(all_masks(3), p)
    y = cn.dropout_forward(np.tile(h, (8, 1)), all_masks(3), p) @ w
    assert np.isclose(weight @ y, 4.5, rtol=1e-12)
    assert np.isclose(weight @ (y - 4.5) ** 2, 17.25, rtol=1e-12)


@pytest.mark.parametrize("name", ["Dropout", "AlphaDropout"])
def test_gradcheck(name, rng):
    """PyTorch's own gradient check, with the mask held fixed."""
    mask = torch.from_numpy(keep_mask((4, 3), 0.3, rng))
    forward = ct.dropout_forward if name == "Dropout" else ct.alpha_dropout_forward
    x = torch.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: forward(x, mask, 0.3), x)
    assert torch.autograd.gradgradcheck(lambda x: forward(x, mask, 0.3), x)


@pytest.mark.parametrize("kind", [k for k in KINDS if KINDS[k][3] == FLOATS])
def test_a_torch_generator_draws_with_the_same_law(kind, rng):
    """Rate and granularity under torch's own generator: 1e-9 each, notices 0.02."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    before, after, options, _ = KINDS[kind]
    p = 0.3
    layer = getattr(ct, kind.split()[0])(*before, p, *after, generator, **options)
    x = torch.ones(100, 50, 4, 4)  # of 60 examples none is dropped with probability 5e-10
    y = layer(x)
    assert not torch.equal(layer(x), y)
    if "Gaussian" in kind:
        return
    dropped = y.detach() < 0.5 / (1 - p) if "Concrete" in kind else y == y.min()
    own = {"ChannelDropout": (100, 50, 1, 1), "ChannelAlphaDropout": (100, 50, 1, 1),
           "ChannelDropout last": (100, 1, 1, 4), "DropPath": (100, 1, 1, 1),
           "DropPath unscaled": (100, 1, 1, 1)}.get(kind, x.shape)  # fmt: skip
    draws = dropped[tuple(slice(size) for size in own)]
    assert torch.equal(dropped, draws.expand(x.shape))
    if "Block" in kind:  # elements of a block are not independent: count the corners
        draws, p = dropped[:, :, 0, 0], block_start_rate(p, (4, 4), 2)
    assert count_is_plausible(int(draws.sum()), draws.numel(), p)


def test_gaussian_noise_of_a_torch_generator(rng):
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    noise = ct.GaussianDropout(0.3, generator)(torch.ones(1_000_000))
    deviation = (0.3 / 0.7 / 1_000_000) ** 0.5
    assert abs(noise.mean().item() - 1) < 6.2 * deviation
    assert abs(noise.var().item() - 0.3 / 0.7) < 6.2 * 2**0.5 * 0.3 / 0.7 / 1000


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


def test_the_transformer_of_pytorch_is_switched_on_whole(rng):
    """Its evaluation mode takes a path without dropout: the layer itself must train."""
    layer = torch.nn.TransformerEncoderLayer(
        8, 2, 16, dropout=0.3, batch_first=True
    ).eval()
    x = torch.tensor(rng.normal(size=(2, 3, 8)), dtype=torch.float32)
    mean, variance = ct.monte_carlo(layer, x, 20)
    assert mean.shape == x.shape
    assert (variance > 0).all()
    assert not any(module.training for module in layer.modules())


@pytest.mark.parametrize("build", [
    lambda: torch.nn.LSTM(4, 4, 2, dropout=0.3),
    lambda: torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.3)),
    lambda: torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.FeatureAlphaDropout(0.3)),
])  # fmt: skip
def test_dropout_of_pytorch_is_switched_on(build, rng):
    model = build()
    # 150 channels: two masks of the coarsest kind agree with probability 1e-35.
    x = torch.tensor(rng.normal(size=(50, 3, 4)), dtype=torch.float32)
    with ct.dropout_active(model), torch.no_grad():
        outputs = [model(x) for _ in range(2)]
    outputs = [y[0] if isinstance(y, tuple) else y for y in outputs]
    assert not torch.equal(*outputs)


def test_batch_normalisation_stays_in_evaluation(rng):
    norm = torch.nn.BatchNorm1d(4)
    model = torch.nn.Sequential(norm, ct.Dropout(0.3, rng))
    before = {k: v.clone() for k, v in norm.state_dict().items()}
    ct.monte_carlo(model, torch.tensor(rng.normal(size=(9, 4))).float() + 3, 5)
    assert all(torch.equal(before[k], v) for k, v in norm.state_dict().items())
    assert model.training
    assert norm.training


def test_set_rate_reaches_layers_of_pytorch(rng):
    model = torch.nn.Sequential(torch.nn.Dropout(0.3), ct.DropConnect(2, 2, 0.3, rng))
    assert ct.set_rate(model, 0.1) == 2
    assert [model[0].p, model[1].dropout.p] == [0.1, 0.1]
    with pytest.raises(ValueError, match="whose rate can be set"):
        ct.set_rate(ct.ConcreteDropout(0.3, rng), 0.1)


def test_evaluate_gives_every_mode_back(rng):
    for framework in (cn, ct):
        nn = framework.nn
        model = nn.Sequential(nn.Linear(3, 4, rng), framework.Dropout(0.3, rng))
        model[1].eval()
        x, labels = np.ones((2, 3), np.float32), np.zeros(2, int)
        if framework is ct:
            x, labels = torch.tensor(x), torch.tensor(labels)
        nn.evaluate(model, x, labels)
        assert model.training
        assert not model[1].training


def test_numpy_modules_find_parts_and_parameters_once(rng):
    shared = cn.nn.Linear(2, 2, rng)
    model = cn.nn.Sequential(shared, cn.nn.Sequential(cn.Dropout(0.3, rng)), shared)
    assert len(model.modules()) == 4
    assert len(model.parameters()) == 2
    model.eval()
    assert not any(module.training for module in model.modules())
