"""Properties of what shares a draw: blocks and attention."""

import functools

import numpy as np

from companion.verify.contract._assertions import (
    like_dropout,
    plausible,
    raises,
    repeated,
    seeded,
)
from companion.verify.contract._register import beyond, property_of
from companion.verify.properties import RATES, gradient_error


@property_of("DropBlock")
def blocks_drop_the_stated_fraction(subject, rng):
    """Each element of a map is dropped as often as the blocks that cover it demand."""
    maps, p = 12_000, 0.3  # the paper's rate survives with probability below 1e-9
    for size, shape in ((2, (5,)), (3, (7, 5)), (2, (4, 6)), (4, (4, 9)), (5, (5, 5))):
        x = np.ones((maps // 3, 3, *shape))
        dropped = subject.DropBlock(p, block_size=size, rng=rng)(x) == 0
        rates = _rates_below_blocks(p, size, shape)
        counts = dropped.sum(axis=(0, 1))
        for count, rate in zip(counts.ravel(), rates.ravel(), strict=True):
            plausible(count, maps, rate)


def _rates_below_blocks(p, size, shape):
    """Return how often each element is dropped if the mean of these rates is p."""
    covers = np.ones(())  # the number of blocks that cover an element
    for n in shape:
        along = [
            sum(max(0, i - size + 1) <= s <= min(i, n - size) for s in range(n))
            for i in range(n)
        ]
        covers = covers[..., None] * np.array(along)
    low, high = 0.0, 1.0  # the rate at which blocks start lies between
    for _ in range(60):
        middle = (low + high) / 2
        if (1 - (1 - middle) ** covers).mean() < p:
            low = middle
        else:
            high = middle
    return 1 - (1 - low) ** covers


@property_of("DropBlock")
def blocks_are_whole(subject, rng):
    """What is dropped is a union of whole blocks, drawn anew for each map."""
    for size, shape in ((2, (9,)), (3, (6, 9)), (2, (7, 5))):
        x = np.ones((50, 4, *shape))
        layer = subject.DropBlock(0.2, block_size=size, rng=rng)
        dropped = layer(x) == 0
        windows = np.lib.stride_tricks.sliding_window_view(
            dropped, (size,) * len(shape), tuple(range(2, 2 + len(shape)))
        )
        whole = windows.all(axis=tuple(range(-len(shape), 0)))
        covered = np.zeros_like(dropped)
        for index in np.argwhere(whole):
            place = tuple(slice(i, i + size) for i in index[2:])
            covered[(*index[:2], *place)] = True
        assert np.array_equal(covered, dropped) and dropped.any()
        # Of 200 maps 40 or more differ, give or take 3.4 in the smallest case.
        assert len(np.unique(dropped.reshape(200, -1), axis=0)) > 12


@property_of("DropBlock")
@beyond
def blocks_refuse_nonsense(subject, rng):
    """A block that is larger than the map, or no whole number wide, is refused."""
    too_large = subject.DropBlock(0.2, block_size=20, rng=rng)
    raises(ValueError, ("block_size",), too_large, np.ones((50, 4, 9)))
    broken = functools.partial(subject.DropBlock, 0.2, block_size=1.5, rng=rng)
    raises(TypeError, ("block_size",), broken)


@property_of("DropBlock", "Dropout")
@beyond
def blocks_of_one_are_dropout(subject, rng):
    """With block_size = 1 the mask is that of dropout, bit for bit."""
    again, x = seeded(rng), np.ones((3, 4, 5, 6))
    for p in RATES:
        y = subject.DropBlock(p, block_size=1, rng=again())(x)
        assert np.array_equal(y, subject.Dropout(p, again())(x))


@property_of("AttentionDropout")
def attention_drops_after_the_softmax(subject, rng):
    """A weight is 0 or a / (1 - p), where a is the softmax; evaluation gives a."""
    scores = rng.normal(size=(40, 6, 5))
    scores[:, :, 4] = -np.inf  # a hidden key stays hidden
    e = np.exp(scores)
    a = e / e.sum(axis=-1, keepdims=True)
    for p in RATES:
        layer, masks = subject.AttentionDropout(p, rng), []
        for _ in range(20):
            y = layer(scores)
            kept = y != 0
            np.testing.assert_allclose(y[kept], (a / (1 - p))[kept], rtol=1e-12)
            masks.append(~kept[..., :4])
        like_dropout(np.array(masks), p, rng)  # (calls, examples, queries, keys)
        np.testing.assert_allclose(layer.eval()(scores), a, rtol=1e-12)
    np.testing.assert_allclose(subject.AttentionDropout(0.0, rng)(scores), a, rtol=1e-12)
    assert not subject.AttentionDropout(1.0, rng)(scores).any()


@property_of("AttentionDropout")
def attention_backward_is_the_derivative(subject, rng):
    """The gradient of the scores agrees with finite differences."""
    scores, dy = rng.normal(size=(2, 3, 4))
    for p in (0.0, *RATES) * 2:
        layer = subject.AttentionDropout(p, rng)
        forward = repeated(layer, rng)
        assert gradient_error(forward, layer.backward, scores, dy) < 1e-6
        assert gradient_error(layer.eval(), layer.backward, scores, dy) < 1e-6
