"""Kinds that differ in what shares a draw; and what every kind has in common."""

import numpy as np
import pytest
import torch

import companion.numpy as cn
import companion.torch as ct
from companion.masks import block_start_rate
from companion.theory import all_masks, dropped_variance, mask_probabilities
from companion.verify.adapters import SUBJECTS
from companion.verify.properties import count_is_plausible

from .kinds import FLOATS, KINDS, PARAMETERS, Given, an_input, build, parameter


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


@pytest.mark.parametrize("framework", SUBJECTS)
@pytest.mark.parametrize(
    ("kind", "axes"),
    [("ChannelDropout", (3, 4, 5)), ("TimeDropout", (3,)), ("DropPath", (1, 2, 6)),
     ("DropBlock", (3, 4)), ("AttentionDropout", (1, 2, 6))],
)  # fmt: skip
def test_every_number_of_axes_that_a_kind_names_is_taken(framework, kind, axes, rng):
    before, after, options, _ = KINDS[kind]
    layer = getattr(SUBJECTS[framework], kind)(*before, 0.3, *after, rng, **options)
    for number in axes:
        assert layer(np.ones((4,) * number)).shape == (4,) * number


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
