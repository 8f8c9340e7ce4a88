"""What others wrote gives the same result under the same mask, or is shown to be wrong.

A reference draws its own mask. We read it off a call on ones, repeat the call on x
from the same seed, and hand the mask to the companion. Seeds of two frameworks are
never compared.
"""

import os

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import companion.numpy as cn
import companion.torch as ct

RATES = [0.1, 0.3, 0.8]
SHAPE = (40, 6, 5, 5)  # 240 channels: at p = 0.1 all live with probability 1e-11


def seeded(function, seed):
    """Run a function of PyTorch's global randomness from a seed, and put it back."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return function()


# PyTorch ------------------------------------------------------------------------------


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize(
    ("theirs", "shape"),
    [
        (F.dropout, SHAPE),
        (F.dropout1d, (40, 6, 5)),
        (F.dropout2d, SHAPE),
        (F.dropout3d, (*SHAPE, 3)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_functional_dropouts_of_pytorch(theirs, shape, p, rng):
    seed, x = int(rng.integers(2**62)), torch.tensor(rng.normal(size=shape))
    mask = seeded(lambda: theirs(torch.ones(shape).double(), p), seed) != 0
    assert 0 < mask.sum() < mask.numel()
    x.requires_grad_()
    y = seeded(lambda: theirs(x, p), seed)
    dy = torch.tensor(rng.normal(size=shape))
    (dx,) = torch.autograd.grad(y, x, dy)
    # PyTorch multiplies by a rounded 1/(1-p); so do we: the same to the last digits.
    for ours in (
        ct.dropout_forward(x.detach(), mask, p).numpy(),
        cn.dropout_forward(x.detach().numpy(), mask.numpy(), p),
    ):
        np.testing.assert_allclose(ours, y.detach().numpy(), rtol=1e-15)
    backward = cn.dropout_backward(dy.numpy(), mask.numpy(), p)
    np.testing.assert_allclose(backward, dx.numpy(), rtol=1e-15)
    assert torch.equal(theirs(x, p, training=False), x)


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("theirs", [F.alpha_dropout, F.feature_alpha_dropout])
def test_alpha_dropouts_of_pytorch(theirs, p, rng):
    seed, x = int(rng.integers(2**62)), torch.tensor(rng.normal(size=SHAPE))
    zeros = torch.zeros(SHAPE).double()
    mask = seeded(lambda: theirs(zeros, p, training=True), seed) > 0
    y = seeded(lambda: theirs(x, p, training=True), seed)
    ours = ct.alpha_dropout_forward(x, mask, p)
    # PyTorch's alpha' has 17 digits of its own: they agree to 1e-14.
    torch.testing.assert_close(ours, y, rtol=1e-13, atol=1e-13)
    numpys = cn.alpha_dropout_forward(x.numpy(), mask.numpy(), p)
    np.testing.assert_allclose(numpys, y.numpy(), rtol=1e-13, atol=1e-13)


def test_pytorchs_alpha_dropouts_are_off_by_default_and_ours_are_on(rng):
    """Their docstrings say training=True; the signature says False."""
    x = torch.ones(1000)
    assert torch.equal(F.alpha_dropout(x, 0.3), x)
    assert not torch.equal(ct.AlphaDropout(0.3, rng)(x), x)


@pytest.mark.parametrize("p", RATES)
def test_attention_of_pytorch(p, rng):
    """Without dropout it is PyTorch's fused attention; with dropout the same mean."""
    q, k, v = torch.tensor(rng.normal(size=(3, 2, 4, 8)))
    scores = q @ k.transpose(-1, -2) / 8**0.5
    layer = ct.AttentionDropout(p, rng)
    fused = F.scaled_dot_product_attention(q, k, v)
    torch.testing.assert_close(layer.eval()(scores) @ v, fused, rtol=1e-12, atol=1e-12)
    ours = layer.train()(scores)
    kept = ours != 0
    a = scores.softmax(dim=-1)
    torch.testing.assert_close(ours, ct.dropout_forward(a, kept, p), rtol=1e-12, atol=0)


def test_r_drop_is_that_of_pytorchs_divergence(rng):
    first, second = torch.tensor(rng.normal(size=(2, 5, 3)))
    labels = torch.tensor(rng.integers(0, 3, 5))
    p, q = first.log_softmax(1), second.log_softmax(1)
    both = sum(
        F.kl_div(a, b, log_target=True, reduction="batchmean")
        for a, b in ((p, q), (q, p))
    )
    entropy = F.cross_entropy(first, labels) + F.cross_entropy(second, labels)
    ours = ct.nn.RDropLoss(2.5)(first, second, labels)
    torch.testing.assert_close(ours, entropy + 2.5 / 2 * both, rtol=1e-12, atol=0)


def test_pytorch_is_wrong_for_infinities_and_we_are_right(rng):
    """PyTorch #59421: on the CPU a dropped inf is nan, even at p = 1."""
    x = torch.full((1000,), np.inf)
    for p in (0.3, 1.0):
        assert F.dropout(x, p).isnan().any()
        assert not ct.dropout(x, p, rng).isnan().any()
        assert not np.isnan(cn.dropout(x.numpy(), p, rng)).any()


def test_pytorch_leaves_a_negative_zero_and_we_do_not(rng):
    x = -torch.ones(1000)
    assert torch.signbit(F.dropout(x, 0.3)).all()
    for y in (ct.dropout(x, 0.3, rng).numpy(), cn.dropout(x.numpy(), 0.3, rng)):
        assert not np.signbit(y[y == 0]).any()


def test_pytorchs_scale_in_bfloat16_is_off_and_ours_is_not(rng):
    """Its scale is rounded to 8 bits first: 1/0.9 becomes 1.109375, 0.16 % too small."""
    x = torch.ones(1000, dtype=torch.bfloat16) * 3
    theirs, ours = F.dropout(x, 0.1).max().item(), ct.dropout(x, 0.1, rng).max().item()
    exact = 3 / 0.9
    assert ours == torch.tensor(exact).bfloat16().item()  # the nearest bfloat16
    assert abs(theirs - exact) >= abs(ours - exact)
    many = torch.tensor(rng.uniform(1, 2, 10_000)).bfloat16()
    mask = torch.ones(10_000, dtype=torch.bool)
    right = (many.double() / 0.9).bfloat16()
    assert torch.equal(ct.dropout_forward(many, mask, 0.1), right)
    rounded_first = many * torch.tensor(1 / 0.9).bfloat16()
    assert not torch.equal(rounded_first, right)


# Keras --------------------------------------------------------------------------------


# Keras's backend calls NumPy in a way that NumPy 2 deprecates.
of_keras = pytest.mark.filterwarnings("ignore:__array__ implementation")


@pytest.fixture(scope="module")
def keras():
    os.environ["KERAS_BACKEND"] = "torch"
    return pytest.importorskip("keras")


def called(keras, name, x, p, seed, **options):
    layer = getattr(keras.layers, name)(p, seed=seed, **options)
    return keras.ops.convert_to_numpy(layer(x, training=True)).astype(np.float64)


@of_keras
@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("Dropout", SHAPE),
        ("SpatialDropout1D", (4, 5, 6)),
        ("SpatialDropout2D", (4, 5, 5, 6)),
        ("SpatialDropout3D", (4, 3, 3, 3, 6)),
    ],
)
def test_layers_of_keras(keras, name, shape, p, rng):
    """Keras puts channels last; its masks are those of channels_last=True."""
    seed, x = int(rng.integers(2**31)), rng.normal(size=shape).astype(np.float32)
    mask = called(keras, name, np.ones(shape, np.float32), p, seed) != 0
    y = called(keras, name, x, p, seed)
    np.testing.assert_allclose(cn.dropout_forward(x, mask, p), y, rtol=3e-7)
    if name != "Dropout":
        layer = cn.ChannelDropout(p, rng, channels_last=True)
        own = mask[tuple(slice(size) for size in layer.mask_shape(shape))]
        assert np.array_equal(np.broadcast_to(own, shape), mask)


@of_keras
@pytest.mark.parametrize("p", RATES)
def test_noise_shape_of_keras_is_our_mask_shape(keras, p, rng):
    seed, x = int(rng.integers(2**31)), np.ones((4, 5, 6), np.float32)
    mask = called(keras, "Dropout", x, p, seed, noise_shape=(4, 1, 6)) != 0
    assert np.array_equal(mask, np.broadcast_to(mask[:, :1], mask.shape))
    ours = cn.TimeDropout(p, rng)(x) != 0
    assert np.array_equal(ours, np.broadcast_to(ours[:, :1], ours.shape))


@of_keras
@pytest.mark.parametrize("p", RATES)
def test_alpha_dropout_of_keras(keras, p, rng):
    seed, x = int(rng.integers(2**31)), rng.normal(size=SHAPE).astype(np.float32)
    mask = called(keras, "AlphaDropout", np.zeros(SHAPE, np.float32), p, seed) > 0
    y = called(keras, "AlphaDropout", x, p, seed)
    ours = cn.alpha_dropout_forward(x, mask, p)
    np.testing.assert_allclose(ours, y, rtol=1e-5, atol=1e-5)


@of_keras
@pytest.mark.parametrize("p", RATES)
def test_gaussian_dropout_of_keras_has_our_variance(keras, p, rng):
    """Both multiply by noise of variance p / (1 - p); 1e-9, notices 1 %."""
    n = 1_000_000
    noise = called(keras, "GaussianDropout", np.ones(n, np.float32), p, 1)
    for sample in (noise, cn.GaussianDropout(p, rng)(np.ones(n))):
        variance = p / (1 - p)
        assert abs(sample.mean() - 1) < 6.2 * (variance / n) ** 0.5
        assert abs(sample.var() / variance - 1) < 6.2 * (2 / n) ** 0.5


@of_keras
def test_keras_selects_as_we_do(keras, rng):
    """A dropped inf is 0 in Keras, too, although it runs on PyTorch here."""
    x = np.full(1000, np.inf, np.float32)
    for y in (called(keras, "Dropout", x, 0.3, 1), cn.dropout(x, 0.3, rng)):
        assert set(y.tolist()) == {0.0, np.inf}


# ONNX ---------------------------------------------------------------------------------

# RandomState(0).uniform(0, 1, (3, 4, 5)) >= ratio, packed into bytes. The legacy
# generator is frozen, so these masks hold for ever.
PUBLISHED = {
    0.1: ("fffc7fffdfeffff0", 55),
    0.25: ("fffc7f5fdfecf8e0", 47),
    0.5: ("f5bc7d595f2c2880", 33),
    0.75: ("01a47d1102000800", 14),
}


@pytest.mark.parametrize("ratio", PUBLISHED)
def test_the_onnx_rule_with_its_published_masks(ratio, rng):
    """Operator Dropout, version 12 on: uniform >= ratio keeps, scale 1 / (1 - ratio)."""
    packed, kept = PUBLISHED[ratio]
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(packed), np.uint8))[:60]
    mask = bits.reshape(3, 4, 5).astype(bool)
    drawn = np.random.RandomState(0).uniform(0, 1, (3, 4, 5)) >= ratio
    assert np.array_equal(mask, drawn)
    assert mask.sum() == kept
    x = rng.normal(size=(3, 4, 5))
    reference = mask * x * (1 / (1 - ratio))
    assert np.array_equal(cn.dropout_forward(x, mask, ratio), reference + 0.0)
    ours = ct.dropout_forward(torch.tensor(x), mask, ratio)
    assert np.array_equal(ours.numpy(), reference + 0.0)


def test_the_onnx_rule_multiplies_and_so_fails_for_infinities():
    mask, x = np.array([True, False]), np.array([1.0, np.inf])
    with np.errstate(invalid="ignore"):
        assert np.isnan(mask * x * (1 / 0.7))[1]
    assert np.array_equal(cn.dropout_forward(x, mask, 0.3), [1 / 0.7, 0.0])
