"""The contract of dropout, for both frameworks at once.

The algebra is tested exactly, with masks that the test makes. Randomness is
tested apart from it, with exact binomial bounds (false alarm 1e-9 each).
"""

import copy
import warnings
from typing import NamedTuple

import numpy as np
import pytest
import torch

import companion.numpy as cn
import companion.torch as ct
from companion.masks import keep_mask
from companion.theory import all_masks, dropped_variance, mask_probabilities
from companion.verify import verify
from companion.verify.properties import count_is_plausible, gradient_error

RATES = [0.1, 0.3, 0.75, 0.8]


class Framework(NamedTuple):
    """One framework seen through NumPy arrays."""

    module: object
    array: object  # NumPy array -> array of the framework
    numpy: object  # array of the framework -> NumPy array


FRAMEWORKS = {
    "numpy": Framework(cn, np.asarray, np.asarray),
    "torch": Framework(ct, torch.as_tensor, lambda x: x.detach().numpy()),
}


@pytest.fixture(params=FRAMEWORKS)
def fw(request):
    return FRAMEWORKS[request.param]


@pytest.mark.parametrize("p", RATES)
def test_kept_values_are_scaled_and_others_zero(fw, p, rng):
    x = rng.normal(size=(50, 40))
    mask = rng.random(x.shape) >= 0.4
    y = fw.numpy(fw.module.dropout_forward(fw.array(x), fw.array(mask), p))
    assert np.array_equal(y, np.where(mask, x * (1 / (1 - p)), 0.0))
    assert not np.signbit(y[~mask]).any()  # +0.0, also where x is negative


@pytest.mark.parametrize("p", RATES)
def test_backward_uses_the_same_mask_and_scale(fw, p, rng):
    dy = rng.normal(size=(50, 40))
    mask = rng.random(dy.shape) >= 0.4
    dx = fw.numpy(fw.module.dropout_backward(fw.array(dy), fw.array(mask), p))
    assert np.array_equal(dx, np.where(mask, dy * (1 / (1 - p)), 0.0))


@pytest.mark.parametrize("p", RATES)
def test_backward_agrees_with_finite_differences(p, rng):
    x, dy = rng.normal(size=(2, 6, 5))
    mask = keep_mask(x.shape, p, rng)
    error = gradient_error(
        lambda x: cn.dropout_forward(x, mask, p),
        lambda dy: cn.dropout_backward(dy, mask, p),
        x,
        dy,
    )
    assert error < 1e-6


@pytest.mark.parametrize("p", RATES)
def test_hand_written_backward_is_that_of_autograd(p, rng):
    x, dy = rng.normal(size=(2, 6, 5))
    mask = keep_mask(x.shape, p, rng)
    leaf = torch.tensor(x, requires_grad=True)
    ct.dropout_forward(leaf, mask, p).backward(torch.tensor(dy))
    assert np.array_equal(leaf.grad.numpy(), cn.dropout_backward(dy, mask, p))


def test_autograd_check(rng):
    mask = torch.tensor(keep_mask((4, 3), 0.3, rng))
    x = torch.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: ct.dropout_forward(x, mask, 0.3), x)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_mean_and_variance_are_exact_over_all_masks(fw, p, rng):
    x = rng.normal(size=10)
    masks = all_masks(10)
    w = mask_probabilities(masks, p)
    y = fw.numpy(
        fw.module.dropout_forward(fw.array(np.tile(x, (1024, 1))), fw.array(masks), p)
    )
    mean = w @ y
    assert np.allclose(mean, x, rtol=0, atol=1e-12)
    assert np.allclose(w @ (y - mean) ** 2, dropped_variance(x, p), rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
def test_dtype_is_kept_and_rounded_once(fw, dtype, p, rng):
    x = rng.normal(size=1000).astype(dtype)
    mask = np.ones(1000, bool)
    y = fw.numpy(fw.module.dropout_forward(fw.array(x), fw.array(mask), p))
    work = np.float64 if dtype == "float64" else np.float32
    assert y.dtype == x.dtype
    assert np.array_equal(y, (x.astype(work) * work(1 / (1 - p))).astype(dtype))


def test_bfloat16_is_kept_and_rounded_once(rng):
    x = torch.tensor(rng.normal(size=1000)).bfloat16()
    y = ct.dropout_forward(x, torch.ones(1000, dtype=torch.bool), 0.1)
    assert torch.equal(y, (x.float() * np.float32(1 / 0.9).item()).bfloat16())


def test_numpy_float_as_p_does_not_widen(fw, rng):
    x = fw.array(np.ones(100, np.float32))
    assert fw.module.dropout(x, np.float64(0.3), rng).dtype == x.dtype


def test_frameworks_draw_the_same_mask_from_one_seed(rng):
    x, seed = rng.normal(size=(30, 20)), int(rng.integers(2**63))
    for p in RATES:
        a = cn.dropout(x, p, np.random.default_rng(seed))
        b = ct.dropout(torch.tensor(x), p, np.random.default_rng(seed))
        assert np.array_equal(a, b.numpy())
        assert (a == 0).any()


def test_all_properties_of_the_reader(fw, rng):
    report = verify(fw.module.dropout, rng)
    assert report, report


def test_torch_generator_draws_exactly(rng):
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    n = 1_000_000  # notices a rate that is off by 0.005
    for p in (0.1, 0.3, 0.8):
        y = ct.dropout(torch.ones(n), p, generator)
        assert count_is_plausible(int((y == 0).sum()), n, p)
        again = ct.dropout(torch.ones(n), p, generator)
        same = int(((y == 0) == (again == 0)).sum())
        assert count_is_plausible(same, n, p**2 + (1 - p) ** 2)


def test_evaluation_and_p_0_return_x_itself_and_draw_nothing(fw, rng):
    x = fw.array(np.ones((3, 4)))
    before = rng.bit_generator.state
    assert fw.module.dropout(x, 0.3, rng, training=False) is x
    assert fw.module.dropout(x, 0.0, rng) is x
    assert fw.module.Dropout(0.3, rng).eval()(x) is x
    assert rng.bit_generator.state == before


def test_p_1_gives_zeros_and_draws_nothing(fw, rng):
    x = fw.array(np.array([1.0, np.inf, np.nan, -np.inf]))
    before = rng.bit_generator.state
    y = fw.numpy(fw.module.dropout(x, 1.0, rng))
    assert np.array_equal(y, np.zeros(4))
    assert not np.signbit(y).any()
    assert rng.bit_generator.state == before


def test_p_1_has_gradient_zero(rng):
    x = torch.ones(4, requires_grad=True)
    ct.dropout(x, 1.0, rng).sum().backward()
    assert torch.equal(x.grad, torch.zeros(4))
    assert np.array_equal(
        cn.dropout_backward(np.ones(4), np.zeros(4, bool), 1.0), np.zeros(4)
    )


def test_dropped_infinities_become_zero_and_kept_ones_stay(fw):
    x = np.array([np.inf, -np.inf, np.nan, 1.0])
    drop, keep = np.array([False] * 3 + [True]), np.ones(4, bool)
    y = fw.numpy(fw.module.dropout_forward(fw.array(x), fw.array(drop), 0.3))
    assert np.array_equal(y, [0, 0, 0, 1 / (1 - 0.3)])
    y = fw.numpy(fw.module.dropout_forward(fw.array(x), fw.array(keep), 0.3))
    assert np.array_equal(y, x / 0.7, equal_nan=True)


def test_gradient_of_a_dropped_infinity_is_zero():
    x = torch.tensor([np.inf, 1.0], requires_grad=True)
    ct.dropout_forward(x, torch.tensor([False, True]), 0.3).sum().backward()
    assert torch.equal(x.grad, torch.tensor([0.0, 1 / 0.7]))


def test_float16_overflow_becomes_inf(fw):
    x = fw.array(np.array([6e4, 1.0], np.float16))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy warns, as documented
        y = fw.module.dropout_forward(x, fw.array(np.array([True, True])), 0.5)
    assert np.array_equal(fw.numpy(y), [np.inf, 2.0])
    y = fw.module.dropout_forward(x, fw.array(np.array([False, True])), 0.5)
    assert np.array_equal(fw.numpy(y), [0.0, 2.0])  # a dropped one does not even warn


def test_scale_is_finite_just_below_1(fw):
    p = 1 - 2.0**-53
    y = fw.module.dropout_forward(fw.array(np.ones(1)), fw.array(np.ones(1, bool)), p)
    assert np.array_equal(fw.numpy(y), [2.0**53])


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 1, 2, 1, 2, 2)])
def test_edge_shapes(fw, shape, rng):
    x = fw.array(np.ones(shape))
    y = fw.module.dropout(x, 0.3, rng)
    assert tuple(y.shape) == shape
    assert y.dtype == x.dtype


def test_input_is_not_modified(fw, rng):
    x = np.ones(1000)
    fw.module.dropout(fw.array(x), 0.3, rng)
    assert np.array_equal(x, np.ones(1000))


def test_layout_does_not_matter(fw, rng):
    seed = int(rng.integers(2**63))
    x = rng.normal(size=(20, 30))
    transposed = fw.array(x.T.copy()).T
    one = fw.module.dropout(fw.array(x), 0.3, np.random.default_rng(seed))
    other = fw.module.dropout(transposed, 0.3, np.random.default_rng(seed))
    assert np.array_equal(fw.numpy(one), fw.numpy(other))


def test_read_only_input():
    x = np.ones(10)
    x.flags.writeable = False
    assert cn.dropout(x, 0.3, np.random.default_rng(0)).shape == (10,)


@pytest.mark.parametrize(
    "mask_shape", [(50, 1, 1), (1, 40, 1), (50, 40, 1), (40, 1), (1,), ()]
)
def test_mask_shape_shares_a_draw(fw, mask_shape, rng):
    x = fw.array(np.ones((50, 40, 30)))
    dropped = fw.numpy(fw.module.dropout(x, 0.3, rng, mask_shape=mask_shape)) == 0
    full = (1,) * (3 - len(mask_shape)) + mask_shape
    draws = dropped[tuple(slice(0, n) for n in full)]
    assert np.array_equal(dropped, np.broadcast_to(draws, dropped.shape))
    assert count_is_plausible(int(draws.sum()), draws.size, 0.3)


def test_global_random_states_are_left_alone(fw, rng):
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    fw.module.dropout(fw.array(np.ones(100)), 0.3, rng)
    assert np.array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(before[1], torch.get_rng_state())


def test_layer_draws_a_new_mask_each_time(fw, rng):
    n, p = 100_000, 0.3  # notices an agreement that is off by 0.02
    layer = fw.module.Dropout(p, rng)
    x = fw.array(np.ones(n))
    one, other = fw.numpy(layer(x)) == 0, fw.numpy(layer(x)) == 0
    assert count_is_plausible(int((one == other).sum()), n, p**2 + (1 - p) ** 2)


def test_layer_modes(fw, rng):
    layer = fw.module.Dropout(0.8, rng)
    x = fw.array(np.ones(1000))
    assert layer.training
    assert (fw.numpy(layer(x)) == 0).any()
    assert layer.eval() is layer
    assert (fw.numpy(layer(x)) == 1).all()
    assert (fw.numpy(layer.train()(x)) == 0).any()


def test_layer_has_no_parameters(fw, rng):
    assert list(fw.module.Dropout(0.3, rng).parameters()) == []


def test_numpy_layer_backward_uses_the_mask_of_its_forward(rng):
    layer = cn.Dropout(0.3, rng)
    assert layer.mask is None
    x = rng.uniform(1, 2, size=(30, 20))
    y = layer(x)
    assert np.array_equal(y != 0, layer.mask)
    assert np.array_equal(layer.backward(x), y)
    layer.eval()(x)
    assert np.array_equal(layer.backward(x), x)


def test_numpy_layer_backward_keeps_the_rate_of_its_forward(rng):
    layer = cn.Dropout(0.3, rng)
    x = np.ones(100)
    y = layer(x)
    layer.p = 0.8  # a schedule may change p between the two passes
    assert np.array_equal(layer.backward(x), y)


def test_numpy_layer_needs_forward_first(rng):
    with pytest.raises(
        RuntimeError, match=r"^backward needs .* none\. Call the layer first\.$"
    ):
        cn.Dropout(0.3, rng).backward(np.ones(3))


def test_layers_can_be_copied(fw, rng):
    layer = fw.module.Dropout(0.3, rng)
    twin = copy.deepcopy(layer)
    x = fw.array(np.ones(1000))
    assert np.array_equal(fw.numpy(layer(x)), fw.numpy(twin(x)))


def test_layers_show_p(fw, rng):
    assert repr(fw.module.Dropout(0.3, rng)) == "Dropout(p=0.3)"


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
def test_large_tensors_are_the_same_on_two_threads(dtype, rng):
    """Masks are drawn and applied in parts, by as many threads as PyTorch has."""
    seed, x = int(rng.integers(2**63)), torch.tensor(rng.uniform(1, 2, 3_000_005))
    x = x.to(getattr(torch, dtype)).requires_grad_()
    threads, results = torch.get_num_threads(), []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            y = ct.dropout(x, 0.3, np.random.default_rng(seed))
            (dx,) = torch.autograd.grad(y.sum(), x)
            results.append((y, dx))
    finally:
        torch.set_num_threads(threads)
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)
    assert torch.equal(results[0][0] == 0, results[0][1] == 0)


@pytest.mark.parametrize("n", [1000, 3_000_000])
def test_one_byte_an_element_is_kept_for_the_backward_pass(n, rng):
    sizes = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda saved: sizes.append(saved.nbytes) or saved, lambda saved: saved
    ):
        ct.dropout(torch.ones(n, requires_grad=True), 0.3, rng)
    assert sizes == [n]
