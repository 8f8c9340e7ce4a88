"""Masks under recomputation in the backward pass: repeated, or refused."""

import functools

import numpy as np
import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils.checkpoint import checkpoint

import companion.torch as ct
from companion.masks import keep_mask
from tests.companion.kinds import generator_of

# PyTorch's compiler imports a part of PyTorch that PyTorch deprecates.
compiles = pytest.mark.filterwarnings("ignore:.torch.jit.script")


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

    seed, results = int(rng.integers(2**62)), []
    w = torch.tensor(rng.normal(size=(50, 50)))
    for replayed in (False, True):
        stream = generator_of(source, np.random.default_rng(seed))
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


def replaying(layer, x, *generators):
    context = ct.replay_masks(*generators)
    return checkpoint(layer, x, use_reentrant=False, context_fn=context)


@pytest.mark.parametrize("source", ["numpy", "torch"])
def test_what_is_drawn_between_the_two_runs_disturbs_nothing(source, rng):
    """Neither the replayed mask, nor the stream, which goes on as without a checkpoint."""
    seed = int(rng.integers(2**62))
    one, other = (generator_of(source, np.random.default_rng(seed)) for _ in range(2))
    x, layer = torch.ones(500, requires_grad=True), ct.Dropout(0.3, one)
    y = replaying(layer, x, one)
    between = layer(torch.ones(500))
    y.sum().backward()
    assert torch.equal(x.grad, y)
    plain = ct.Dropout(0.3, other)
    expected = [plain(torch.ones(500)) for _ in range(3)]
    for found, right in zip((y, between, layer(torch.ones(500))), expected, strict=True):
        assert torch.equal(found, right)


def test_a_graph_that_is_kept_is_replayed_twice(rng):
    x = torch.ones(500, requires_grad=True)
    y = replaying(ct.Dropout(0.3, rng), x, rng)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert torch.equal(x.grad, 2 * y)


def test_a_checkpoint_inside_a_checkpoint_replays_its_masks(rng):
    first, second = ct.Dropout(0.3, rng), ct.Dropout(0.4, rng)

    def inner(x):
        return second(torch.tanh(first(x)))

    def outer(x):
        return inner(torch.tanh(replaying(inner, x, rng)))

    seed, results = rng.bit_generator.state, []
    for function in (
        lambda x: replaying(outer, x, rng),
        lambda x: inner(inner(x).tanh()),
    ):
        rng.bit_generator.state = seed
        x = torch.linspace(1, 2, 500, requires_grad=True)
        y = function(x)
        y.sum().backward()
        results.append((y, x.grad, rng.random()))
    for one, other in zip(*results, strict=True):
        assert torch.equal(torch.as_tensor(one), torch.as_tensor(other))


def test_replay_inside_a_checkpoint_that_does_not_is_refused(rng):
    layer, x = ct.Dropout(0.3, rng), torch.ones(5, requires_grad=True)
    y = checkpoint(lambda x: replaying(layer, x, rng).exp(), x, use_reentrant=False)
    with pytest.raises(RuntimeError, match="cannot be drawn from in the backward pass"):
        y.sum().backward()


def test_a_recomputation_that_draws_more_often_is_refused(rng):
    one, two = ct.Dropout(0.3, rng), ct.Dropout(0.3, rng)
    two.eval()
    x = torch.ones(5, requires_grad=True)
    y = replaying(lambda x: (two(one(x)) ** 2).exp(), x, rng)
    two.train()
    with pytest.raises(RuntimeError, match="rng was drawn from more often"):
        y.sum().backward()


def test_a_draw_on_purpose_in_the_backward_pass_is_told_what_to_do(rng):
    """A hook that drops the gradient: refused with the way out, and the way out works."""
    x = torch.ones(500, requires_grad=True)
    hook = x.register_hook(lambda g: ct.dropout(g, 0.3, rng))
    with pytest.raises(RuntimeError, match=r"masks\.keep_mask .*torch\.dropout_forward"):
        (2 * x).sum().backward()
    hook.remove()
    x.register_hook(lambda g: ct.dropout_forward(g, keep_mask(500, 0.3, rng), 0.3))
    (2 * x).sum().backward()
    assert set(x.grad.unique().tolist()) == {0.0, torch.tensor(2 / 0.7).item()}


@compiles
@pytest.mark.parametrize("replayed", [False, True])
def test_a_checkpoint_inside_compiled_code_is_refused(replayed, rng):
    torch._dynamo.reset()
    layer, x = ct.Dropout(0.3, rng), torch.ones(9, requires_grad=True)
    options = {"context_fn": ct.replay_masks(rng)} if replayed else {}

    @functools.partial(torch.compile, backend="aot_eager")
    def function(x):
        return checkpoint(lambda x: layer(x).tanh(), x, use_reentrant=False, **options)

    with pytest.raises(RuntimeError, match=r"(?s)Compile what is inside.*replay_masks"):
        function(x).sum().backward()


@compiles
def test_compiled_code_inside_a_checkpoint_replays_its_masks(rng):
    torch._dynamo.reset()
    layer, x = ct.Dropout(0.3, rng), torch.ones(500, requires_grad=True)
    compiled = torch.compile(lambda x: layer(x) ** 2, backend="aot_eager", fullgraph=True)
    for _ in range(2):
        x.grad = None
        y = replaying(compiled, x, rng)
        y.sum().backward()
        assert (y == 0).any()
        assert torch.equal(x.grad == 0, y == 0)


@pytest.mark.parametrize("replayed", [False, True])
def test_a_graph_of_a_backward_pass_that_recomputes_is_refused(replayed, rng):
    layer = ct.Dropout(0.3, rng)
    options = {"context_fn": ct.replay_masks(rng)} if replayed else {}

    def gradient(x):
        x = x.detach().requires_grad_()
        y = checkpoint(lambda x: layer(x) ** 2, x, use_reentrant=False, **options)
        return torch.autograd.grad(y.sum(), x)[0]

    with pytest.raises(
        RuntimeError, match=r"rng cannot be drawn from in .*torch\.utils\.checkpoint"
    ):
        make_fx(gradient)(torch.ones(9))
