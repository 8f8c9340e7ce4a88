"""The adapters show what PyTorch does, and change nothing of it."""

import numpy as np
import pytest
import torch

import companion.numpy as cn
import companion.torch as ct
from companion.verify.adapters import (
    SUBJECTS,
    ArrayLayer,
    driven_by,
    layer_of,
    over_arrays,
)


def test_both_subjects_have_the_names_of_the_package():
    names = set(cn.__all__) - {"nn"} | {"keep_mask", "Module", "RDropLoss", "Sequential"}
    for subject in SUBJECTS.values():
        assert names <= set(vars(subject))


def test_a_function_shares_the_memory_of_what_it_is_given():
    def in_place(x):
        return x.mul_(2)

    x = np.ones(3)
    over_arrays(in_place)(x)
    assert (x == 2).all()
    x.flags.writeable = False
    assert (over_arrays(in_place)(x) == 4).all()
    assert (x == 2).all()  # read-only stays as it is


@pytest.mark.parametrize("step", [-1, 2])
def test_any_layout_becomes_a_tensor(step):
    x = np.arange(6.0)[::step]
    assert np.array_equal(over_arrays(lambda x: x + 1)(x), x + 1)


def test_what_is_no_tensor_is_handed_back():
    assert over_arrays(lambda x: None)(np.ones(2)) is None


def test_a_layer_is_differentiated_where_it_was_called(rng):
    x, dy = rng.normal(size=(2, 5, 3))
    layer = ArrayLayer(torch.nn.Linear(3, 3, dtype=torch.float64))
    weight = layer.weight.value
    np.testing.assert_allclose(layer(x), x @ weight + layer.bias.value)
    np.testing.assert_allclose(layer.backward(dy), dy @ weight.T)
    np.testing.assert_allclose(layer.weight.grad, x.T @ dy)
    np.testing.assert_allclose(layer.bias.grad, dy.sum(axis=0))


def test_a_parameter_is_set_through_its_value(rng):
    layer = layer_of(ct.DropConnect)(3, 2, 0.0, rng, dtype=np.float64)
    layer.weight.value = np.ones((3, 2))
    layer.bias.value = np.zeros(2)
    assert np.array_equal(layer(np.ones((4, 3))), np.full((4, 2), 3.0))


def test_modes_and_attributes_are_those_of_the_module(rng):
    layer = ArrayLayer(ct.Dropout(0.3, rng))
    assert layer.eval() is layer
    assert not layer.module.training
    assert layer.train().training
    layer.p = 0.8
    assert layer.module.p == 0.8


def test_a_layer_that_changes_a_read_only_input_is_found_out():
    class InPlace(torch.nn.Module):
        def forward(self, x):
            x.data.mul_(2)
            return x

    x = np.ones(3)
    x.flags.writeable = False
    with pytest.raises(AssertionError, match="x was changed"):
        ArrayLayer(InPlace())(x)


def test_the_generators_of_pytorch_follow_the_seed():
    own = torch.Generator()

    def draw(seed, source):
        rng = np.random.default_rng(seed)
        drawn = []
        for _ in range(2):
            with driven_by(rng, own):
                drawn.append(float(torch.rand((), generator=source)))
        return drawn

    for source in (None, own):
        first, second = draw(1, source)
        assert [first, second] == draw(1, source)
        assert first != second
        assert first != draw(2, source)[0]


def test_nothing_drawn_moves_nothing():
    rng, before = np.random.default_rng(0), torch.get_rng_state()
    state = repr(rng.bit_generator.state)
    with driven_by(rng):
        torch.ones(3)
    assert repr(rng.bit_generator.state) == state

    def broken():
        with driven_by(rng):
            torch.rand(3)
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: over_arrays(3), "function must be callable"),
        (lambda: layer_of(3), "cls must be"),
        (lambda: ArrayLayer(3), "module must be"),
        (lambda: driven_by(3).__enter__(), "rng must be"),
    ],
)
def test_bad_arguments_are_refused(call, words):
    with pytest.raises(TypeError, match=words):
        call()
