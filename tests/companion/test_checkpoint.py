"""Masks under recomputation in the backward pass: repeated, or refused."""

import numpy as np
import pytest
import torch
from torch.utils.checkpoint import checkpoint

import companion.torch as ct


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoint_without_replay_is_refused(reentrant, rng):
    layer, x = ct.Dropout(0.3, rng), torch.ones(5, requires_grad=True)
    y = checkpoint(lambda x: layer(x) ** 2, x, use_reentrant=reentrant)
    with pytest.raises(RuntimeError, match="the mask would be another one"):
        y.sum().backward()
    layer.eval()
    checkpoint(lambda x: layer(x) ** 2, x, use_reentrant=reentrant).sum().backward()


@pytest.mark.parametrize("source", ["numpy", "torch"])
def test_a_checkpoint_replays_its_masks(source, rng):
    """Gradients equal those without a checkpoint, and the stream goes on as without."""

    def source_from(seed):
        if source == "numpy":
            return np.random.default_rng(seed)
        return torch.Generator().manual_seed(seed)

    seed, results = int(rng.integers(2**62)), []
    w = torch.tensor(rng.normal(size=(50, 50)))
    for replayed in (False, True):
        stream = source_from(seed)
        first, second = ct.Dropout(0.3, stream), ct.GaussianDropout(0.3, stream)
        x = torch.tensor(np.linspace(1, 2, 50), requires_grad=True)

        def block(x, first=first, second=second):
            return torch.tanh(second(torch.tanh(first(x) @ w)) @ w)

        if replayed:
            context = ct.replay_masks(stream)
            for _ in range(2):
                y = checkpoint(block, x, use_reentrant=False, context_fn=context)
                y.sum().backward()
        else:
            for _ in range(2):
                block(x).sum().backward()
        results.append((x.grad, first(x.detach())))
    (a, b), (c, d) = results
    torch.testing.assert_close(a, c, rtol=1e-14, atol=0)
    assert torch.equal(b, d)


def test_a_checkpoint_refuses_a_generator_that_is_not_replayed(rng):
    layer, x = ct.Dropout(0.3, rng), torch.ones(5, requires_grad=True)
    other = ct.replay_masks(np.random.default_rng(0))
    y = checkpoint(lambda x: layer(x) ** 2, x, use_reentrant=False, context_fn=other)
    with pytest.raises(RuntimeError, match="cannot be drawn from in the backward pass"):
        y.sum().backward()
