"""Functions over a whole model, and its modes."""

import numpy as np
import pytest
import torch

import companion.numpy as cn
import companion.torch as ct
from companion.theory import all_masks, mask_probabilities


def test_monte_carlo_of_a_linear_readout_is_exact_over_all_masks():
    """w = (1, -2, 3), h = (0.5, 1, 2), p = 0.3: mean 4.5 and variance 17.25."""
    w, h, p = np.array([1.0, -2.0, 3.0]), np.array([0.5, 1.0, 2.0]), 0.3
    weight = mask_probabilities(all_masks(3), p)
    y = cn.dropout_forward(np.tile(h, (8, 1)), all_masks(3), p) @ w
    assert np.isclose(weight @ y, 4.5, rtol=1e-12)
    assert np.isclose(weight @ (y - 4.5) ** 2, 17.25, rtol=1e-12)


@pytest.mark.parametrize("framework", [cn, ct], ids=["numpy", "torch"])
def test_monte_carlo_is_over_the_passes_and_over_nothing_else(framework, rng):
    """Passes that return 1, 2 and 3 times one table have mean 2 and variance 1 of it."""
    table, calls = np.array([[1.0, 2.0], [3.0, 4.0]]), iter((1, 2, 3))

    class Counts(framework.nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = framework.Dropout(0.3, rng)

        def forward(self, x):
            return next(calls) * x

    x = table if framework is cn else torch.as_tensor(table)
    mean, variance = framework.monte_carlo(Counts(), x, 3)
    assert np.array_equal(mean, 2 * table)
    assert np.array_equal(variance, table**2)


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
