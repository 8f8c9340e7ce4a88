"""The forward pass of stacked networks: activations, and the noise on them."""

import itertools

import numpy as np
import pytest
import torch

from companion.experiments import activations, draw_factors


def test_activations_are_those_of_the_layers():
    rng = np.random.default_rng(0)
    weights = [
        tuple(torch.tensor(rng.normal(size=(4, n, b))).float() for n in (a, 1))
        for a, b in itertools.pairwise((40, 16, 12, 10))
    ]
    x = rng.normal(size=(9, 40)).astype(np.float32)
    factors = [None, draw_factors((4, 9, 16), 0.5, rng), 0.5]
    for given in (None, factors):
        outputs = activations(weights, x, given)
        h = torch.as_tensor(x).expand(4, -1, -1)
        for layer, (weight, bias) in enumerate(weights):
            if given and given[layer] is not None:
                h = h * torch.as_tensor(given[layer])
            h = torch.relu(h @ weight + bias) if layer < 2 else h @ weight + bias
            np.testing.assert_allclose(outputs[layer], h.numpy(), rtol=1e-4, atol=1e-4)


def test_factors_have_mean_1_and_the_stated_variance(rng):
    for noise in ("bernoulli", "gaussian"):
        drawn = draw_factors(400_000, 0.3, rng, noise=noise).astype(float)
        assert drawn.mean() == pytest.approx(1.0, abs=6.5 * np.sqrt(3 / 7 / 4e5))
        assert drawn.var() == pytest.approx(3 / 7, rel=0.03)
    assert set(np.unique(draw_factors(100, 0.3, rng))) == {0, np.float32(1 / 0.7)}
