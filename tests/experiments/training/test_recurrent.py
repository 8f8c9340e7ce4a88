"""The experiment on memory: its masks, its recurrent unit, its pairing."""

import numpy as np
import pytest
import torch

from companion.experiments.training import (
    recurrent,
)
from companion.experiments.training.recurrent import (
    KINDS,
    SYMBOLS,
    train_recall,
)

SMALL = {"delay": 3, "hidden": 5, "steps": 3, "batch_size": 4, "progress": False}
SHAPE = (6, 50, 40)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_shared_mask_is_the_same_at_every_step_and_a_fresh_one_is_not():
    shared, _ = recurrent._masks("state-shared", SHAPE, 0.3, rng())
    fresh, _ = recurrent._masks("state-fresh", SHAPE, 0.3, rng())
    assert (shared == shared[0]).all()
    assert (fresh[0] != fresh[1]).any()
    assert 0 < shared.mean() < 1


@pytest.mark.parametrize("kind", ["state-shared", "state-fresh"])
def test_the_carried_state_is_masked_and_not_rescaled(kind):
    carry, seen = recurrent._masks(kind, SHAPE, 0.3, rng())
    assert set(np.unique(carry)) == {0.0, 1.0}
    np.testing.assert_allclose(seen, carry / 0.7, rtol=1e-6)


def test_gates_alone_leave_the_carried_state_whole():
    carry, seen = recurrent._masks("gates-fresh", SHAPE, 0.3, rng())
    assert (carry == 1).all()
    assert (seen == 0).any()
    assert (seen[0] != seen[1]).any()


def test_no_dropout_means_no_mask():
    carry, seen = recurrent._masks("none", SHAPE, 0.3, rng())
    assert (carry == 1).all()
    assert (seen == 1).all()


def test_the_unit_is_the_gated_recurrent_unit_of_torch():
    hidden, delay = 5, 4
    weights = recurrent._initial(hidden, [rng(1)], 1)
    x, _ = recurrent._examples(7, delay, [rng(2)])
    ones = torch.ones(delay + 2, 1, 1, 1)
    logits = recurrent._recall(x, weights, ones, ones)[0]
    cell = torch.nn.GRU(SYMBOLS + 1, hidden)
    (w_in, b_in), (w_state, b_state), (w_out, b_out) = weights
    with torch.no_grad():
        cell.weight_ih_l0.copy_(w_in[0].T)
        cell.weight_hh_l0.copy_(w_state[0].T)
        cell.bias_ih_l0.copy_(b_in[0, 0])
        cell.bias_hh_l0.copy_(b_state[0, 0])
    last = cell(x[0])[0][-1]
    torch.testing.assert_close(logits, last @ w_out[0] + b_out[0])


def test_a_sequence_is_one_symbol_and_then_noise():
    x, labels = recurrent._examples(20, 3, [rng(3)])
    assert x.shape == (1, 4, 20, SYMBOLS + 1)
    assert (x[0, 0].argmax(dim=-1) == labels[0]).all()
    assert (x[0, 0].sum(dim=-1) == 1).all()
    assert (x[0, 1:, :, :SYMBOLS] == 0).all()
    assert (x[0, 1:, :, SYMBOLS] != 0).all()


def test_at_p_0_all_kinds_are_one():
    result = train_recall(seeds=(0, 1), p=0.0, **SMALL)
    assert (result.accuracy == result.accuracy[0]).all()
    assert (result.accuracy == result.training_accuracy).all()


def test_the_kinds_do_not_disturb_each_other():
    together = train_recall(seeds=(0, 1), p=0.3, **SMALL)
    alone = train_recall(("state-fresh",), seeds=(0, 1), p=0.3, **SMALL)
    np.testing.assert_allclose(alone.accuracy[0], together.accuracy[3], atol=0.005)


def test_one_seed_gives_one_result():
    first = train_recall(seeds=(3,), p=0.3, **SMALL)
    again = train_recall(seeds=(3,), p=0.3, **SMALL)
    other = train_recall(seeds=(4,), p=0.3, **SMALL)
    assert (first.accuracy == again.accuracy).all()
    assert (first.accuracy != other.accuracy).any()
    assert first.kinds == KINDS
    assert first.seeds == (3,)


def test_the_number_of_threads_is_restored_even_after_an_error():
    before = torch.get_num_threads()
    train_recall(seeds=(0,), p=0.3, **SMALL)
    with pytest.raises(ValueError, match="must not be empty"):
        train_recall(seeds=(), p=0.3, **SMALL)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"kinds": ("state",)}, ValueError, "kinds must be among"),
        ({"kinds": ()}, ValueError, "must not be empty"),
        ({"seeds": ()}, ValueError, "must not be empty"),
        ({"p": 1.0}, ValueError, "p must be below 1"),
        ({"p": -0.1}, ValueError, "p must lie in"),
        ({"p": "0.3"}, TypeError, "p must be a real number"),
        ({"delay": 0}, ValueError, "delay must be at least 1"),
        ({"hidden": 2.0}, TypeError, "hidden must be an int"),
        ({"steps": 0}, ValueError, "steps must be at least 1"),
        ({"batch_size": True}, TypeError, "batch_size must be an int"),
    ],
)
def test_bad_arguments_are_refused(change, error, message):
    arguments = {"seeds": (0,), "p": 0.3, **SMALL, **change}
    with pytest.raises(error, match=message):
        train_recall(**arguments)


def test_the_default_dtype_of_torch_changes_nothing():
    plain = train_recall(seeds=(0,), p=0.3, **SMALL)
    torch.set_default_dtype(torch.float64)
    try:
        again = train_recall(seeds=(0,), p=0.3, **SMALL)
    finally:
        torch.set_default_dtype(torch.float32)
    assert (plain.accuracy == again.accuracy).all()
