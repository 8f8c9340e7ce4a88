"""Training many networks at once gives what training each alone would give."""

import numpy as np
import pytest
import torch

from companion.data import mnist1d
from companion.experiments import train_networks

SETTINGS = {
    "train_size": 120, "hidden": (16, 12), "epochs": 3, "batch_size": 40, "lr": 1e-2,
    "progress": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def curves():
    return mnist1d(300, 100)


def test_shapes_and_ranges(curves):
    result = train_networks(
        curves, rates=(0.0, 0.3), seeds=(0, 1, 2), evaluate_every=1, **SETTINGS
    )
    assert result.epochs == (1, 2, 3)
    for table in result[3:7]:
        assert table.shape == (2, 3, 3)
        assert np.isfinite(table).all()
    assert (result.test_accuracy >= 0).all()
    assert (result.test_accuracy <= 1).all()
    assert [tuple(w.shape) for w, _ in result.weights] == [
        (6, 40, 16),
        (6, 16, 12),
        (6, 12, 10),
    ]


def test_same_seed_same_result(curves):
    one, two = (
        train_networks(curves, rates=(0.3,), seeds=(5, 6), **SETTINGS) for _ in range(2)
    )
    assert np.array_equal(one.test_loss, two.test_loss)


def test_a_network_does_not_depend_on_its_neighbours(curves):
    many = train_networks(curves, rates=(0.0, 0.3, 0.8), seeds=(7, 8, 9), **SETTINGS)
    few = train_networks(curves, rates=(0.3, 0.8), seeds=(9, 7), **SETTINGS)
    for i, p in enumerate(few.rates):
        for j, seed in enumerate(few.seeds):
            alone = few.test_loss[i, j]
            among = many.test_loss[many.rates.index(p), many.seeds.index(seed)]
            assert np.allclose(alone, among, rtol=1e-5)


def test_rates_of_one_seed_share_their_start(curves):
    settings = SETTINGS | {"lr": 0.0}
    result = train_networks(curves, rates=(0.0, 0.8), seeds=(0, 1), **settings)
    for weight, _ in result.weights:
        zero, eight = weight.reshape(2, 2, *weight.shape[1:])
        assert torch.equal(zero, eight)
        assert not torch.equal(zero[0], zero[1])


def test_a_loop_over_one_network_gives_the_same(curves):
    """The reference: one nn.Sequential, with the masks and batches of the engine."""
    p, seed = 0.3, 4
    result = train_networks(curves, rates=(0.1, p), seeds=(seed, 5), **SETTINGS)

    from companion._training import initial_weights
    from companion.masks import keep_mask

    shared = np.random.default_rng([seed, 0])
    # One stream for each layer; layer 0 is the input. The masks of 16 steps come at once.
    streams = [np.random.default_rng([seed, 1, layer]) for layer in (1, 2)]
    masks, step = [], 0
    subset = shared.permutation(len(curves.x_train))[: SETTINGS["train_size"]]
    layers = []
    for n_in, n_out in ((40, 16), (16, 12), (12, 10)):
        weight, bias = initial_weights(n_in, n_out, shared)
        layer = torch.nn.Linear(n_in, n_out)
        layer.weight.data = torch.tensor(weight.T, dtype=torch.float32)
        layer.bias.data = torch.tensor(bias, dtype=torch.float32)
        layers.append(layer)
    model = torch.nn.ModuleList(layers)

    def forward(x, drop):
        for layer in layers[:-1]:
            x = torch.relu(layer(x))
            if drop is not None:
                x = torch.where(drop.pop(0), x / (1 - p), 0.0)
        return layers[-1](x)

    adam = torch.optim.Adam(model.parameters(), lr=SETTINGS["lr"])
    x, y = torch.as_tensor(curves.x_train), torch.as_tensor(curves.y_train)
    for _ in range(SETTINGS["epochs"]):
        order = shared.permutation(subset)
        for start in (0, 40, 80):
            batch = order[start : start + 40]
            if step % 16 == 0:
                masks = [
                    torch.as_tensor(keep_mask((16, 40, h), p, stream))
                    for h, stream in zip((16, 12), streams, strict=True)
                ]
            drop = [mask[step % 16] for mask in masks]
            step += 1
            adam.zero_grad()
            torch.nn.functional.cross_entropy(
                forward(x[batch], drop), y[batch]
            ).backward()
            adam.step()
    with torch.no_grad():
        logits = forward(torch.as_tensor(curves.x_test), None)
        loss = torch.nn.functional.cross_entropy(logits, torch.as_tensor(curves.y_test))
    assert result.test_loss[1, 0, 0] == pytest.approx(loss.item(), rel=1e-4)


def test_dropout_is_active(curves):
    result = train_networks(curves, rates=(0.0, 0.8), seeds=(0, 1, 2), **SETTINGS)
    assert (result.train_loss[1] > result.train_loss[0]).all()
