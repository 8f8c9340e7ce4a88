"""Training with several masks for each example."""

import numpy as np
import pytest

from companion.data import Split
from companion.experiments.training.copies import train_with_copies


def small_data(n=60):
    """Return a small problem that a network can learn."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 5)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    return Split(x, y, x, y)


def train(**changes):
    """Train briefly, with some arguments changed."""
    arguments = {
        "p": 0.3,
        "copies": 1,
        "seeds": (0, 1),
        "hidden": (16,),
        "epochs": 4,
        "batch_size": 20,
        "lr": 1e-2,
    }
    return train_with_copies(small_data(), **{**arguments, **changes})


def test_the_loss_falls_and_the_shape_is_right():
    losses = train(epochs=30)
    assert losses.shape == (2, 30)
    assert (losses[:, -1] < losses[:, 0] - 0.1).all()


def test_a_seed_repeats_and_another_differs():
    first = train(seeds=(3, 4))
    np.testing.assert_array_equal(first, train(seeds=(3, 4)))
    assert (first[0] != first[1]).any()


def test_without_dropout_copies_change_nothing():
    # The same gradient up to rounding, since all copies are equal.
    np.testing.assert_allclose(train(p=0.0), train(p=0.0, copies=5), atol=1e-4)


def test_each_copy_has_a_mask_of_its_own():
    assert np.abs(train() - train(copies=5)).max() > 1e-3


def test_copies_bring_the_path_closer_to_the_expected_one():
    far, near, nearest = (train(copies=k, seeds=range(8), lr=1e-3) for k in (1, 20, 200))
    assert np.abs(near - nearest).mean() < np.abs(far - nearest).mean() / 2


@pytest.mark.parametrize(
    ("changes", "error", "word"),
    [
        ({"p": 1.0}, ValueError, "below 1"),
        ({"p": -0.1}, ValueError, "p must lie"),
        ({"copies": 0}, ValueError, "copies"),
        ({"copies": 1.5}, TypeError, "copies"),
        ({"epochs": 0}, ValueError, "epochs"),
        ({"batch_size": 61}, ValueError, "batch_size"),
        ({"seeds": ()}, ValueError, "seeds"),
    ],
)
def test_bad_input_is_refused(changes, error, word):
    with pytest.raises(error, match=word):
        train(**changes)
