"""Properties of what shares a draw: blocks and attention."""

import numpy as np

from companion.masks import block_start_rate, keep_mask
from companion.verify.contract._tools import (
    check,
    independent,
    plausible,
    raises,
    repeated,
    seeded,
)
from companion.verify.properties import (
    RATES,
    gradient_error,
)


@check("DropBlock")
def blocks_drop_the_stated_fraction(subject, rng):
    """Each element of a map is dropped as often as the blocks that cover it demand."""
    maps, p = 12_000, 0.3  # the paper's rate survives with probability below 1e-9
    for size, shape in ((2, (5,)), (3, (7, 5)), (2, (4, 6)), (4, (4, 9)), (5, (5, 5))):
        gamma = block_start_rate(p, shape, size)
        x = np.ones((maps // 3, 3, *shape))
        dropped = subject.DropBlock(p, size, rng)(x) == 0
        covers = np.ones(())
        for n in shape:
            along = [
                sum(max(0, i - size + 1) <= s <= min(i, n - size) for s in range(n))
                for i in range(n)
            ]
            covers = covers[..., None] * np.array(along)
        _plausible_each(dropped.sum(axis=(0, 1)), maps, 1 - (1 - gamma) ** covers)
        np.testing.assert_allclose((1 - (1 - gamma) ** covers).mean(), p, rtol=1e-12)


def _plausible_each(counts, n, probabilities):
    for count, probability in zip(counts.ravel(), probabilities.ravel(), strict=True):
        plausible(count, n, probability)


@check("DropBlock")
def blocks_are_whole(subject, rng):
    """What is dropped is a union of whole blocks, drawn anew for each map."""
    for size, shape in ((2, (9,)), (3, (6, 9)), (2, (7, 5))):
        x = np.ones((50, 4, *shape))
        layer = subject.DropBlock(0.2, size, rng)
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
        raises(ValueError, ("block_size",), subject.DropBlock(0.2, 20, rng), x)
    raises(TypeError, ("block_size",), subject.DropBlock, 0.2, 1.5, rng)


@check("DropBlock")
def blocks_of_one_are_dropout(subject, rng):
    """With block_size = 1 the mask is that of dropout, bit for bit."""
    again, x = seeded(rng), np.ones((3, 4, 5, 6))
    for p in RATES:
        y = subject.DropBlock(p, 1, again())(x)
        assert np.array_equal(y != 0, keep_mask(x.shape, p, again()))


@check("AttentionDropout")
def attention_drops_after_the_softmax(subject, rng):
    """A weight is 0 or a / (1 - p), where a is the softmax; evaluation gives a."""
    scores = rng.normal(size=(40, 6, 5))
    scores[:, :, 4] = -np.inf  # a hidden key stays hidden
    e = np.exp(scores)
    a = e / e.sum(axis=-1, keepdims=True)
    for p in RATES:
        layer = subject.AttentionDropout(p, rng)
        y = layer(scores)
        kept = y != 0
        np.testing.assert_allclose(y[kept], (a / (1 - p))[kept], rtol=1e-12)
        visible = kept[..., :4]
        plausible(visible.sum(), visible.size, 1 - p)
        independent(visible[:, :, :2], visible[:, :, 2:], p)
        np.testing.assert_allclose(layer.eval()(scores), a, rtol=1e-12)
    np.testing.assert_allclose(subject.AttentionDropout(0.0, rng)(scores), a, rtol=1e-12)
    assert not subject.AttentionDropout(1.0, rng)(scores).any()


@check("AttentionDropout")
def attention_backward_is_the_derivative(subject, rng):
    """The gradient of the scores agrees with finite differences."""
    scores, dy = rng.normal(size=(2, 3, 4))
    for p in (0.0, *RATES) * 2:
        layer = subject.AttentionDropout(p, rng)
        forward = repeated(layer, rng)
        assert gradient_error(forward, layer.backward, scores, dy) < 1e-6
        assert gradient_error(layer.eval(), layer.backward, scores, dy) < 1e-6
