"""What surrounds a dropout in real code: dtypes, layouts, transforms, copies, files."""

import contextlib
import copy
import io
import pickle
import runpy
import shutil

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis.extra import numpy as hnp
from torch._subclasses import FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode

import companion.numpy as cn
import companion.torch as ct
from companion.masks import keep_mask
from companion.torch import _drawing, _private, _selection
from companion.verify.properties import count_is_plausible
from tests.companion.kinds import generator_of

# 64 examples: two masks of DropPath, one draw an example, agree with probability 1e-15.
SHAPE = (64, 6, 5, 5)
TORCH_DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def layers(rng):
    """One layer of every kind on activations, for x of shape SHAPE."""
    return {
        "Dropout": ct.Dropout(0.3, rng),
        "ChannelDropout": ct.ChannelDropout(0.3, rng),
        "DropPath": ct.DropPath(0.3, rng),
        "DropBlock": ct.DropBlock(0.3, 2, rng),
        "GaussianDropout": ct.GaussianDropout(0.3, rng),
        "AlphaDropout": ct.AlphaDropout(0.3, rng),
        "ChannelAlphaDropout": ct.ChannelAlphaDropout(0.3, rng),
        "AttentionDropout": ct.AttentionDropout(0.3, rng),
        "ConcreteDropout": ct.ConcreteDropout(0.3, rng),
    }


KINDS = list(layers(np.random.default_rng(0)))
kinds = pytest.mark.parametrize("kind", KINDS)


# Shapes, dtypes and layouts -----------------------------------------------------------


# No limit of time: a busy machine is no fault.
untimed = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


@settings(max_examples=200, **untimed)
@given(
    x=hnp.arrays(
        st.sampled_from(["f2", "f4", "f8"]),
        hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=5),
        elements=st.floats(-100, 100, width=16),
    ),
    p=st.floats(0, 0.99),
    seed=st.integers(0, 2**63),
    data=st.data(),
)
def test_any_shape_dtype_rate_and_mask_shape(x, p, seed, data):
    shared = data.draw(st.lists(st.booleans(), min_size=x.ndim, max_size=x.ndim))
    shape = tuple(1 if one else n for one, n in zip(shared, x.shape, strict=True))
    again = np.random.default_rng(seed), np.random.default_rng(seed)
    y = cn.dropout(x, p, again[0], mask_shape=shape)
    z = ct.dropout(torch.tensor(x), p, again[1], mask_shape=shape)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert np.array_equal(y, z.numpy())
    mask = keep_mask(shape, p, np.random.default_rng(seed))
    assert np.array_equal(y, cn.dropout_forward(x, mask, p) if p else x)


@settings(max_examples=100, **untimed)
@given(shape=hnp.array_shapes(min_dims=1, max_dims=4, max_side=4), data=st.data())
def test_a_mask_shape_that_does_not_broadcast_is_refused(shape, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    wrong = list(shape)
    wrong[axis] = shape[axis] + data.draw(st.integers(1, 3))
    for framework, x in ((cn, np.ones(shape)), (ct, torch.ones(shape))):
        rng = np.random.default_rng(0)
        with pytest.raises(ValueError, match="mask_shape must broadcast"):
            framework.dropout(x, 0.3, rng, mask_shape=tuple(wrong))


@kinds
@pytest.mark.parametrize("dtype", TORCH_DTYPES, ids=str)
def test_every_layer_keeps_every_dtype(kind, dtype, rng):
    layer = layers(rng)[kind]
    x = torch.tensor(rng.normal(size=SHAPE)).to(dtype).requires_grad_()
    y = layer(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == dtype
    if kind != "AttentionDropout":
        assert layer.eval()(x) is x


@kinds
def test_half_precision_is_the_rounded_double(kind, rng):
    """A float16 or bfloat16 result is that of float64, rounded once or nearly so."""
    seed = int(rng.integers(2**63))
    exact = torch.tensor(rng.normal(size=SHAPE))
    for dtype, digits in ((torch.float16, 2**-10), (torch.bfloat16, 2**-7)):
        x = exact.to(dtype)
        low = layers(np.random.default_rng(seed))[kind](x)
        high = layers(np.random.default_rng(seed))[kind](x.double())
        torch.testing.assert_close(low.double(), high, rtol=digits, atol=digits)


@kinds
def test_memory_layout_does_not_matter(kind, rng):
    seed, x = int(rng.integers(2**63)), torch.tensor(rng.normal(size=SHAPE))
    expected = layers(np.random.default_rng(seed))[kind](x)
    for other in (
        x.contiguous(memory_format=torch.channels_last),
        x.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0),
        torch.stack([x, x], dim=-1)[..., 0],
    ):
        y = layers(np.random.default_rng(seed))[kind](other)
        torch.testing.assert_close(y, expected, rtol=1e-14, atol=1e-14)


@kinds
def test_zero_size_batches(kind, rng):
    x = torch.ones(0, 6, 5, 5, requires_grad=True)
    y = layers(rng)[kind](x)
    y.sum().backward()
    assert y.shape == x.grad.shape == x.shape


def test_numpy_subclasses_do_not_lose_what_they_hold(rng):
    with pytest.raises(TypeError, match="MaskedArray"):
        cn.dropout(np.ma.masked_array([1.0, 2.0], [True, False]), 0.3, rng)


# Transforms of PyTorch ----------------------------------------------------------------


# PyTorch's compiler imports a part of PyTorch that PyTorch deprecates.
BACKENDS = [
    "eager",
    pytest.param(
        "inductor",
        marks=pytest.mark.skipif(
            shutil.which("g++") is None,
            reason="no C++ compiler here: apt-get install g++, run again",
        ),
    ),
]
compiles = pytest.mark.filterwarnings("ignore:.torch.jit.script")
traces = pytest.mark.filterwarnings("ignore:.torch.jit.trace")


@compiles
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_compiled_model_is_one_graph_and_drops_as_the_contract_says(backend, rng):
    torch._dynamo.reset()
    p, n = 0.3, 100_000
    model = torch.nn.Sequential(ct.Dropout(p, rng), torch.nn.Identity())
    compiled = torch.compile(model, backend=backend, fullgraph=True)
    x = torch.full((n,), 2.0, requires_grad=True)
    one, other = compiled(x), compiled(x)
    one.sum().backward()
    assert set(one.unique().tolist()) == {0.0, torch.tensor(2 / 0.7).item()}
    assert torch.equal(x.grad == 0, one == 0)
    assert count_is_plausible(int((one == 0).sum()), n, p)
    same = int(((one == 0) == (other == 0)).sum())
    assert count_is_plausible(same, n, p**2 + (1 - p) ** 2)
    model.eval()
    assert torch.equal(compiled(x), x)


@compiles
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", [k for k in KINDS if k != "AttentionDropout"])
def test_compiled_layers_draw_what_eager_ones_draw(kind, backend, rng):
    """One seed gives one result; equal draws are not merged, and their order is kept."""
    torch._dynamo.reset()
    seed, x = int(rng.integers(2**63)), torch.tensor(rng.normal(size=SHAPE))

    def twice(layer, other, x):
        return layer(x) + 10 * other(x), layer(x)

    eager, compiled = (layers(np.random.default_rng(seed)) for _ in range(2))
    function = torch.compile(twice, backend=backend, fullgraph=True)
    for _ in range(2):
        expected = twice(eager[kind], eager["Dropout"], x)
        found = function(compiled[kind], compiled["Dropout"], x)
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@compiles
def test_compiled_code_notices_another_generator(rng):
    torch._dynamo.reset()
    compiled = torch.compile(
        lambda x, rng: ct.dropout(x, 0.3, rng), fullgraph=True, backend="aot_eager"
    )
    x, seeds = torch.ones(1000), rng.integers(2**63, size=3)
    for seed in seeds:
        y = compiled(x, np.random.default_rng(seed))
        assert torch.equal(y, ct.dropout(x, 0.3, np.random.default_rng(seed)))
    layer = ct.Dropout(0.3, np.random.default_rng(seeds[0]))
    module = torch.compile(layer, fullgraph=True, backend="aot_eager")
    for seed in seeds:
        layer.rng = np.random.default_rng(seed)
        assert torch.equal(module(x), ct.dropout(x, 0.3, np.random.default_rng(seed)))


@pytest.mark.parametrize(
    "n", [100, 50_000]
)  # NumPy computes the first, PyTorch the second
def test_a_parameter_without_gradients_drops_as_numpy_does(n, rng):
    x, seed = (
        torch.tensor(rng.normal(size=n), requires_grad=True),
        int(rng.integers(2**32)),
    )
    with torch.no_grad():
        y = ct.dropout(x, 0.3, np.random.default_rng(seed))
    assert not y.requires_grad
    expected = cn.dropout(x.detach().numpy(), 0.3, np.random.default_rng(seed))
    assert np.array_equal(y.numpy(), expected)


@kinds
def test_vmap_asks_how_to_draw(kind, rng):
    layer, x = layers(rng)[kind], torch.ones(2, *SHAPE)
    with pytest.raises(RuntimeError, match="randomness"):
        torch.func.vmap(layer)(x)
    assert torch.func.vmap(layer.eval())(x).shape == x.shape


@kinds
def test_vmap_draws_for_each_example_or_once(kind, rng):
    layer = layers(rng)[kind]
    x = torch.tensor(rng.normal(size=SHAPE)).expand(3, *SHAPE)
    y = torch.func.vmap(layer, randomness="different")(x)
    assert not torch.equal(y[0], y[1])
    assert not torch.equal(y[1], y[2])
    y = torch.func.vmap(layer, randomness="same")(x)
    assert torch.equal(y[0], y[1])
    assert torch.equal(y[0], y[2])


@pytest.mark.parametrize("source", ["numpy", "torch"])
def test_vmap_has_the_rate_and_independent_examples(source, rng):
    n, p = 50_000, 0.3  # notices 0.03
    if source == "torch":
        rng = torch.Generator().manual_seed(int(rng.integers(2**62)))
    mapped = torch.func.vmap(lambda x: ct.dropout(x, p, rng), randomness="different")
    dropped = mapped(torch.ones(4, n)) == 0
    assert count_is_plausible(int(dropped.sum()), 4 * n, p)
    for i in range(1, 4):
        same = int((dropped[0] == dropped[i]).sum())
        assert count_is_plausible(same, n, p**2 + (1 - p) ** 2)


def test_vmap_over_gradients_of_one_model(rng):
    """Per-example gradients: the weight is shared, each example has its own mask."""

    def loss(weight, x):
        return ct.dropout(x * weight, 0.3, rng).sum()

    per_example = torch.func.vmap(
        torch.func.grad(loss), in_dims=(None, 0), randomness="different"
    )
    gradients = per_example(torch.ones(1000), torch.ones(3, 1000))
    assert set(gradients.unique().tolist()) == {0.0, torch.tensor(1 / 0.7).item()}
    assert not torch.equal(gradients[0], gradients[1])


def test_vmap_works_with_masks_drawn_outside(rng):
    x, mask = torch.tensor(rng.normal(size=(3, 5))), keep_mask((3, 5), 0.3, rng)
    mapped = torch.func.vmap(lambda x, m: ct.dropout_forward(x, m, 0.3))
    expected = ct.dropout_forward(x, mask, 0.3)
    assert torch.equal(mapped(x, torch.tensor(mask)), expected)


@compiles
def test_grad_and_jacobian_transforms(rng):
    x, mask = torch.tensor(rng.normal(size=5)), torch.tensor(keep_mask(5, 0.3, rng))
    jacobian = torch.func.jacrev(lambda x: ct.dropout_forward(x, mask, 0.3))(x)
    expected = torch.diag(mask.double() / (1 - 0.3))
    torch.testing.assert_close(jacobian, expected, rtol=1e-15, atol=0)
    forward_mode = torch.func.jacfwd(lambda x: ct.dropout_forward(x, mask, 0.3))(x)
    torch.testing.assert_close(forward_mode, jacobian, rtol=1e-15, atol=0)


def test_autocast(rng):
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), ct.Dropout(0.3, rng))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = model(torch.ones(100, 8))
        scores = ct.AttentionDropout(0.3, rng)(y)
    assert y.dtype == torch.bfloat16
    assert (y == 0).any()
    assert scores.shape == y.shape
    y.float().sum().backward()
    assert model[0].weight.grad.dtype == torch.float32


# Copies and files ---------------------------------------------------------------------


@kinds
def test_copies_and_pickles_continue_the_stream(kind, rng):
    """A copy holds a copy of the generator: it draws what the original draws next."""
    layer, x = layers(rng)[kind], torch.ones(SHAPE)
    layer(x)
    twins = copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))
    expected = layer(x)
    for twin in twins:
        assert torch.equal(twin(x), expected)


def test_a_copied_model_keeps_layers_on_one_stream(rng):
    model = torch.nn.Sequential(ct.Dropout(0.3, rng), ct.Dropout(0.3, rng))
    twin = copy.deepcopy(model)
    assert twin[0].rng is twin[1].rng is not rng
    x = torch.ones(1000)
    assert torch.equal(twin(x), model(x))


@pytest.mark.parametrize("build", [
    lambda rng: ct.nn.Linear(3, 2, rng),
    lambda rng: ct.DropConnect(3, 2, 0.3, rng),
    lambda rng: ct.WordDropout(3, 2, 0.3, rng),
    lambda rng: ct.VariationalRNN(3, 2, 0.3, 0.3, rng),
    lambda rng: ct.ConcreteDropout(0.3, rng),
])  # fmt: skip
def test_parameters_live_on_the_default_device(build, rng):
    with torch.device("meta"):
        layer = build(rng)
    assert all(parameter.is_meta for parameter in layer.parameters())
    model = ct.nn.Sequential(layer, ct.Dropout(0.3, rng))
    with ct.dropout_active(model):
        assert model[1].training


def test_state_dicts_fit_those_of_pytorch(rng):
    """Layers without weights add no key; those with weights have the keys of Linear."""
    ours = torch.nn.Sequential(torch.nn.Linear(3, 3), ct.Dropout(0.3, rng))
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.3))
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    connect = ct.DropConnect(3, 2, 0.3, rng)
    torch.nn.Linear(3, 2).load_state_dict(connect.state_dict())
    table = ct.WordDropout(5, 3, 0.3, rng)
    torch.nn.Embedding(5, 3).load_state_dict(table.state_dict())
    assert set(ct.ConcreteDropout(0.3, rng).state_dict()) == {"logit"}


def test_a_run_can_be_saved_and_resumed(rng):
    """The masks are not in a state_dict: save the state of the generator beside it."""
    layer, x = ct.Dropout(0.3, rng), torch.ones(1000)
    layer(x)
    saved = rng.bit_generator.state
    expected = layer(x)
    rng.bit_generator.state = saved
    assert torch.equal(layer(x), expected)


@kinds
def test_modules_move_between_dtypes(kind, rng):
    layer = layers(rng)[kind].double().half()
    assert layer(torch.ones(SHAPE).half()).dtype == torch.float16


def test_numpy_layers_pickle(rng):
    layer = cn.Dropout(0.3, rng)
    layer(np.ones(10))
    twin = pickle.loads(pickle.dumps(layer))
    assert np.array_equal(twin(np.ones(1000)), layer(np.ones(1000)))


# The general way and the fast one -----------------------------------------------------


SPECIAL = torch.tensor([np.inf, -np.inf, np.nan, -0.0, 0.0, 1e-45, -3.0, 6e4])


def both_passes(x, mask, p):
    """Return the bits of y and dx, with an infinity in x and in dy."""
    x = x.clone().requires_grad_()
    y = ct.dropout_forward(x, mask, p)
    (dx,) = torch.autograd.grad(y, x, SPECIAL.to(x.dtype).expand_as(x))
    integer = _selection.INTEGER[x.dtype]
    return [y.detach().view(integer), dx.contiguous().view(integer)]


@pytest.mark.parametrize("dtype", TORCH_DTYPES, ids=str)
@pytest.mark.parametrize("p", [0.0, 0.1, 0.3, 0.8])
@pytest.mark.parametrize("rows", [1000, 5000, 300_000])  # NumPy, PyTorch, in blocks
def test_the_general_way_gives_the_bits_of_the_fast_one(dtype, p, rows, monkeypatch, rng):
    x = SPECIAL.to(dtype).expand(rows, 8).clone()
    masks = keep_mask((rows, 8), 0.5, rng), keep_mask((rows, 1), 0.5, rng)
    for mask in masks:
        fast = both_passes(x, mask, p)
        with monkeypatch.context() as patch:
            patch.setattr(_selection, "is_plain", lambda x: False)
            general = both_passes(x, mask, p)
        for one, other in zip(fast, general, strict=True):
            assert torch.equal(one, other)
        dropped = ~torch.from_numpy(mask).expand(x.shape)
        assert all((bits[dropped] == 0).all() for bits in general)  # +0.0, and no nan


class Subclass(torch.Tensor):
    """A tensor that might mean something else."""


class Passive(TorchDispatchMode):
    """Sees every operation and changes none."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


def seen_inside(context):
    with context:
        return _selection.is_plain(torch.ones(3))


def seen_by(transform):
    seen = []
    transform(lambda x: seen.append(_selection.is_plain(x)) or x.sum())(torch.ones(3))
    return any(seen)


def seen_in_a_dual_number():
    with forward_ad.dual_level():
        return _selection.is_plain(forward_ad.make_dual(torch.ones(3), torch.ones(3)))


def negative(x):
    return torch.complex(x, x).conj().imag


@pytest.mark.parametrize("is_plain", [
    lambda: _selection.is_plain(torch.ones(3).as_subclass(Subclass)),
    lambda: _selection.is_plain(negative(torch.ones(3))),
    lambda: _selection.is_plain(torch.ones(3).to_sparse()),
    lambda: _selection.is_plain(torch.ones(3).to_mkldnn()),
    lambda: _selection.is_plain(torch.ones(3, device="meta")),
    lambda: _selection.is_plain(torch.ones(3).to(torch.float8_e4m3fn)),
    lambda: seen_inside(Passive()),
    lambda: seen_inside(FakeTensorMode()),
    lambda: seen_by(torch.func.vmap),
    lambda: seen_by(torch.func.grad),
    lambda: seen_by(torch.func.functionalize),
    lambda: seen_by(lambda f: lambda x: make_fx(f)(x)),
    lambda: seen_by(lambda f: lambda x: make_fx(f, pre_dispatch=True)(x)),
    lambda: seen_by(lambda f: lambda x: torch.jit.trace(f, x, check_trace=False)),
    seen_in_a_dual_number,
])  # fmt: skip
@compiles
@traces
def test_only_plain_tensors_are_taken_apart(is_plain):
    assert not is_plain()


def test_plain_tensors_are_known():
    for dtype in TORCH_DTYPES:
        x = torch.ones(3, 4, dtype=dtype)
        for one in (x, x.T, x[:, ::2], torch.nn.Parameter(x), x.expand(2, 3, 4)):
            assert _selection.is_plain(one)
    with torch.inference_mode():
        assert _selection.is_plain(torch.ones(3))


def test_a_graph_draws_anew_at_each_call(rng):
    for options in ({}, {"tracing_mode": "symbolic"}, {"pre_dispatch": True}):
        graph = make_fx(lambda x: ct.dropout(x, 0.3, rng), **options)(torch.ones(200))
        one, other = graph(torch.ones(200)), graph(100 * torch.ones(200))
        assert not torch.equal(one == 0, other == 0)
        assert set(other.unique().tolist()) == {0.0, torch.tensor(100 / 0.7).item()}


@traces
def test_a_jit_trace_of_a_draw_is_refused(rng):
    layer, x = ct.Dropout(0.3, rng), torch.ones(4)
    with pytest.raises(RuntimeError, match=r"torch.jit.trace, which would record one"):
        torch.jit.trace(layer, x)
    assert torch.equal(torch.jit.trace(layer.eval(), x)(2 * x), 2 * x)


def test_lazy_negatives_forward_and_backward(rng):
    seed = int(rng.integers(2**63))
    y = ct.dropout(negative(torch.ones(99)), 0.3, np.random.default_rng(seed))
    x = torch.ones(99, requires_grad=True)
    z = ct.dropout(x, 0.3, np.random.default_rng(seed))
    z.backward(negative(torch.ones(99)))
    assert torch.equal(y, -z)
    assert torch.equal(x.grad, -z)


def test_batched_gradients(rng):
    x, mask = torch.ones(9), keep_mask(9, 0.3, rng)
    rows, at_once = (
        torch.autograd.functional.jacobian(
            lambda x: ct.dropout_forward(x, mask, 0.3), x, vectorize=vectorize
        )
        for vectorize in (False, True)
    )
    assert torch.equal(at_once, rows)
    assert torch.equal(rows.diag() != 0, torch.from_numpy(mask))


# Draws --------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["numpy", "torch"])
@pytest.mark.parametrize(
    ("kind", "p"), [("mask", (0.3,)), ("noise", (0.3,)), ("uniforms", ())]
)
def test_draws_have_the_dtype_that_compilers_are_told(source, kind, p, rng):
    generator, like, shape = generator_of(source, rng), torch.ones(2), (3, 4)
    drawn = getattr(_drawing.source(generator, like), kind)(shape, *p)
    with FakeTensorMode(allow_non_fake_inputs=True):
        told = getattr(_drawing.source(generator, like), kind)(shape, *p)
    assert drawn.dtype == told.dtype == (torch.bool if kind == "mask" else torch.float64)
    assert drawn.shape == told.shape == shape


@pytest.mark.parametrize("source", ["numpy", "torch"])
def test_uniforms_are_strictly_inside_and_fine(source, rng):
    u = _drawing.source(generator_of(source, rng), torch.ones(1)).uniforms((1_000_000,))
    assert 0 < u.min() <= u.max() < 1
    assert (u != u.float().double()).any()  # 24 bits for all: probability below 1e-9
    for bound in (0.001, 0.3, 0.9):  # notices 0.003
        assert count_is_plausible(int((u < bound).sum()), len(u), bound)


@compiles
def test_compiled_concrete_dropout_with_a_generator_of_pytorch(rng):
    torch._dynamo.reset()
    seed = int(rng.integers(2**62))
    eager, compiled = (
        ct.ConcreteDropout(0.3, torch.Generator().manual_seed(seed)) for _ in range(2)
    )
    x = torch.ones(100_000)
    y = torch.compile(compiled, fullgraph=True)(x)
    torch.testing.assert_close(y, eager(x), rtol=1e-5, atol=1e-5)


# Tensors that are no plain arrays of numbers --------------------------------------------


def every_layer(rng):
    """One layer of every kind, with an x of its shape."""
    return {
        **{kind: (layer, torch.ones(SHAPE)) for kind, layer in layers(rng).items()},
        "TimeDropout": (ct.TimeDropout(0.3, rng), torch.ones(9, 4, 5)),
        "DropConnect": (ct.DropConnect(5, 3, 0.3, rng), torch.ones(9, 5)),
        "VariationalRNN": (ct.VariationalRNN(5, 3, 0.3, 0.3, rng), torch.ones(9, 4, 5)),
    }


every_kind = pytest.mark.parametrize("kind", list(every_layer(np.random.default_rng(0))))
OTHERS = {
    "nested": lambda x: torch.nested.nested_tensor([x, x]),
    "jagged": lambda x: torch.nested.nested_tensor([x, x], layout=torch.jagged),
    "sparse": lambda x: x.to_sparse(),
    "csr": lambda x: x[..., 0].reshape(-1, 1).to_sparse_csr(),
    "mkldnn": lambda x: x.to_mkldnn(),
    "float8": lambda x: x.to(torch.float8_e5m2),
    "quantised": lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.qint8),
    "complex": lambda x: x + 0j,
    "packed": lambda x: torch.nn.utils.rnn.pack_sequence([x]),
    "stray": lambda x: FakeTensorMode().from_tensor(x),
}


@pytest.mark.filterwarnings("ignore:Sparse CSR", "ignore:The PyTorch API of nested")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@every_kind
@pytest.mark.parametrize("other", list(OTHERS))
def test_what_cannot_be_dropped_is_refused_by_name(kind, other, rng):
    layer, x = every_layer(rng)[kind]
    x, before = OTHERS[other](x), rng.bit_generator.state
    for training in (True, False):
        with pytest.raises(TypeError, match=r"^(x|scores) must (be|have) .*; got "):
            layer.train(training)(x)
    assert rng.bit_generator.state == before


@every_kind
@pytest.mark.parametrize("place", ["meta", "fake"])
def test_tensors_without_numbers_have_the_right_shape(kind, place, rng):
    layer, x = every_layer(rng)[kind]
    expected = layer(x)
    mode = contextlib.nullcontext()
    if place == "fake":
        mode = FakeTensorMode(allow_non_fake_inputs=True)
    device = "meta" if place == "meta" else "cpu"
    with mode:
        y = layer.to(device)(torch.ones(x.shape, device=device))
    assert y.shape == expected.shape
    assert y.dtype == expected.dtype
    assert repr(layer).startswith(kind)


@kinds
def test_a_subclass_drops_as_a_plain_tensor_does(kind, rng):
    seed, x = int(rng.integers(2**63)), torch.tensor(rng.normal(size=SHAPE))
    y = layers(np.random.default_rng(seed))[kind](x.as_subclass(Subclass))
    expected = layers(np.random.default_rng(seed))[kind](x)
    assert type(y) is Subclass
    torch.testing.assert_close(y.as_subclass(torch.Tensor), expected)


# Sizes and rates that a compiler leaves open ------------------------------------------


def sizes_of_images():
    batch, side = torch.export.Dim("b", min=2), torch.export.Dim("h", min=3)
    return ({0: batch, 2: side},)


@compiles
@kinds
@pytest.mark.parametrize("strict", [False, True])
def test_an_exported_layer_takes_other_sizes(kind, strict, rng):
    model = torch.nn.Sequential(layers(rng)[kind])
    sizes = sizes_of_images()
    program = torch.export.export(
        model, (torch.ones(SHAPE),), dynamic_shapes=sizes, strict=strict
    )
    x = torch.rand(70, 6, 8, 5)
    state = rng.bit_generator.state
    one, other = program.module()(x), program.module()(x)
    rng.bit_generator.state = state
    torch.testing.assert_close(one, model(x))
    assert not torch.equal(one, other)


@compiles
@kinds
def test_a_compiled_layer_follows_sizes_and_schedules(kind, rng):
    torch._dynamo.reset()
    seed = int(rng.integers(2**63))
    eager, layer = (layers(np.random.default_rng(seed))[kind] for _ in range(2))
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    for side, p in ((6, 0.3), (9, 0.3), (7, 0.2), (7, 0.45), (8, 0.1), (9, 0.0)):
        x = torch.ones(70, 3, side, side)
        if kind != "ConcreteDropout":
            ct.set_rate(torch.nn.ModuleList([eager, layer]), p)
        torch.testing.assert_close(compiled(x), eager(x))


@compiles
def test_the_shape_of_a_mask_may_be_left_open(rng):
    class Rows(torch.nn.Module):
        def forward(self, x):
            return ct.dropout(x, 0.3, rng, mask_shape=(x.shape[0], 1))

    batch, x = torch.export.Dim("b", min=2), torch.ones(200, 2)
    program = torch.export.export(
        Rows(), (torch.ones(6, 2),), dynamic_shapes=({0: batch},)
    )
    graph = make_fx(Rows(), tracing_mode="symbolic")(torch.ones(6, 2))
    for rows in (program.module(), graph):
        y = rows(x)
        assert torch.equal(y[:, 0], y[:, 1])
        assert set(y.unique().tolist()) == {0.0, torch.tensor(1 / 0.7).item()}


@compiles
def test_a_block_too_large_is_refused_under_a_compiler_too(rng):
    torch._dynamo.reset()
    layer = ct.DropBlock(0.3, 5, rng)
    for function in (layer, torch.compile(layer, backend="aot_eager"), make_fx(layer)):
        with pytest.raises(ValueError, match="block_size must not exceed"):
            function(torch.ones(2, 3, 9, 4))


# Checks of values ---------------------------------------------------------------------


@compiles
@pytest.mark.parametrize("training", [False, True])
def test_words_are_looked_up_wherever_an_embedding_is(training, rng):
    torch._dynamo.reset()
    layer = ct.WordDropout(8, 4, 0.3, rng).train(training)
    tokens = torch.tensor([[1, 2, 7]])
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    exported = torch.export.export(layer, (tokens,)).module()
    graph = make_fx(layer)(tokens)
    mapped = torch.func.vmap(layer, randomness="same")
    for function in (layer, compiled, exported, graph, mapped):
        y, rows = function(tokens)[0], layer.weight[tokens[0]]
        scale = torch.where(y == 0, 0.0, 1 / 0.7) if training else 1.0
        torch.testing.assert_close(y, rows * scale)
    assert layer.to("meta")(tokens.to("meta")).shape == (1, 3, 4)


@pytest.mark.parametrize(
    "apply",
    [
        ct.dropout_forward,
        ct.alpha_dropout_forward,
        ct.dropout_backward,
        ct.alpha_dropout_backward,
    ],
)
@compiles
def test_a_given_mask_is_not_read_where_it_cannot_be(apply, rng):
    torch._dynamo.reset()
    x, mask = torch.ones(3, 5), torch.zeros(3, 5, dtype=torch.bool)

    def nothing(x, mask):
        return apply(x, mask, 1.0)

    compiled = torch.compile(nothing, fullgraph=True, backend="aot_eager")
    for function in (compiled, torch.func.vmap(nothing), make_fx(nothing)(x, mask)):
        assert torch.equal(function(x, mask), torch.zeros(3, 5))
    assert nothing(x.to("meta"), mask.to("meta")).is_meta
    with pytest.raises(ValueError, match="mask must be all False"):
        nothing(x, ~mask)


# What a program keeps of a generator --------------------------------------------------


@compiles
def test_vmap_under_a_compiler_obeys_randomness_or_is_refused(rng):
    torch._dynamo.reset()
    weight = torch.ones(200)

    def shared(x):  # what is dropped is no part of the batch
        return x * ct.dropout(weight, 0.3, rng)

    for function in (ct.Dropout(0.3, rng), shared):
        x = torch.ones(2, 200)
        mapped = {
            how: torch.compile(torch.func.vmap(function, randomness=how), backend="eager")
            for how in ("different", "same", "error")
        }
        assert not torch.equal(*mapped["different"](x))
        assert torch.equal(*mapped["same"](x))
        with pytest.raises(RuntimeError, match="randomness"):
            mapped["error"](x)
        whole = torch.func.vmap(function, randomness="same")
        torch._dynamo.reset()  # it remembers the frames that it gave up
        with pytest.raises(RuntimeError, match="Call the vmap outside of compiled code"):
            torch.compile(whole, backend="eager", fullgraph=True)(x)


@compiles
def test_a_program_exported_in_training_says_elsewhere_what_it_lacks(rng, monkeypatch):
    model, x = torch.nn.Sequential(ct.Dropout(0.3, rng)), torch.ones(4)
    file = io.BytesIO()
    torch.export.save(torch.export.export(model, (x,)), file)
    program = torch.export.load(io.BytesIO(file.getvalue())).module()
    assert set(program(x).tolist()) <= {0.0, torch.tensor(1 / 0.7).item()}
    monkeypatch.setattr(_drawing, "_generators", {})  # as in another process
    with pytest.raises(RuntimeError, match=r"exported .* in training.*model\.eval"):
        program(x)
    evaluated = torch.export.export(model.eval(), (x,))
    assert torch.equal(evaluated.module()(x), x)


def test_two_programs_never_take_one_number():
    """A number that another process might give away would name another generator."""
    rng = np.random.default_rng(0)
    numbers = {_drawing._number_of(rng) for _ in range(1000)}
    assert len(numbers) == 1000
    assert max(numbers).bit_length() > 45  # all smaller: probability 2^-16000
    for number in numbers:
        del _drawing._generators[number]


def test_transforms_that_keep_nothing_keep_no_generator(rng):
    layer, x, before = ct.Dropout(0.3, rng), torch.ones(2, 5), len(_drawing._generators)
    torch.func.vmap(layer, randomness="different")(x)
    torch.func.grad(lambda x: layer(x).sum())(x)
    with FakeTensorMode():
        layer(torch.ones(3))
    assert len(_drawing._generators) == before


# Private names of PyTorch -------------------------------------------------------------


@pytest.mark.parametrize(("owner", "name"), [
    (torch._C, "_dispatch_keys"),
    (torch._C, "_dispatch_tls_local_include_set"),
    (torch._C, "_are_functorch_transforms_active"),
    (forward_ad, "_current_level"),
    (torch._C._functorch, "get_interpreter_stack"),
    (torch._subclasses, "FakeTensor"),
])  # fmt: skip
def test_a_private_name_of_pytorch_may_go(owner, name, monkeypatch, rng):
    """All goes the general way then, with the same masks, and vmap is obeyed."""
    seed, x = int(rng.integers(2**63)), torch.tensor(rng.normal(size=(3, 500)))
    expected = ct.dropout(x, 0.3, np.random.default_rng(seed))
    with monkeypatch.context() as patch:
        patch.delattr(owner, name)
        fresh = runpy.run_path(_private.__file__)
    monkeypatch.setattr(_drawing, "is_watched", fresh["is_watched"])
    monkeypatch.setattr(_drawing, "is_transformed", fresh["is_transformed"])
    monkeypatch.setattr(_selection, "is_in_eager_memory", fresh["is_in_eager_memory"])
    assert torch.equal(ct.dropout(x, 0.3, np.random.default_rng(seed)), expected)
    layer = ct.Dropout(0.3, rng)
    y = torch.func.vmap(layer, randomness="different")(torch.ones(2, 500))
    assert not torch.equal(*y)
    assert torch.func.vmap(lambda x: x + fresh["is_in_vmap"]())(torch.zeros(2)).all()
    if owner is forward_ad or name.startswith("_dispatch"):
        assert fresh["is_watched"]()
        assert not _selection.is_plain(x)


def test_recomputation_must_be_noticed(monkeypatch):
    monkeypatch.delattr(torch._C, "_current_graph_task_id")
    with pytest.raises(ImportError, match=r"pip install .*companion\[torch\]"):
        runpy.run_path(_private.__file__)
