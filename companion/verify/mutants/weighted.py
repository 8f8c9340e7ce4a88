"""Faulty layers with weights."""

import numpy as np

import companion.numpy as good
from companion.verify.mutants._catalogue import mutant


@mutant("DropConnect", origin="awd-lstm #8: the weight is dropped once and stays so")
class connect_once(good.DropConnect):
    """Draws its mask at the first call and keeps it."""

    def forward(self, x):
        if self.training and not self.per_example and hasattr(self, "_dropped"):
            self._x = x
            return x @ self._dropped + self.bias.value
        return super().forward(x)


@mutant("DropConnect", origin="fastai #2591: weight drop silently off")
class connect_never(good.DropConnect):
    """Never drops a weight."""

    def forward(self, x):
        self.dropout.eval()
        return super().forward(x)


@mutant("DropConnect", origin="KerasDropconnect #1: the scale")
class connect_unscaled(good.DropConnect):
    """Does not scale the kept weights."""

    def forward(self, x):
        y = super().forward(x)
        return (y - self.bias.value) * (1 - self.dropout.p) + self.bias.value


@mutant("DropConnect", origin="awd-lstm PR 5: the raw weight never gets its gradient")
class connect_plain_gradient(good.DropConnect):
    """Gives all weights a gradient, dropped or not."""

    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad = self._x.T @ dy
        return dx


@mutant("DropConnect", origin="masks of the batch under the name of masks of the example")
class connect_ignores_per_example(good.DropConnect):
    """Ignores per_example."""

    def __init__(self, *arguments, per_example=False, **options):
        super().__init__(*arguments, **options)


@mutant("WordDropout", origin="dropout of embeddings, place by place")
class words_by_place(good.WordDropout):
    """Drops places of the text, so that a word is both dropped and kept."""

    def forward(self, tokens):
        self._tokens = np.asarray(tokens)
        rows = self.weight.value[self._tokens]
        return good.dropout(
            rows,
            self.dropout.p,
            self.dropout.rng,
            training=self.training,
            mask_shape=(*self._tokens.shape, 1),
        )


@mutant("WordDropout", origin="a table whose gradient keeps the last occurrence only")
class words_overwrite_gradients(good.WordDropout):
    """Assigns gradients where it should add them: a repeated word counts once."""

    def backward(self, dy):
        table = np.zeros_like(self.weight.value)
        table[self._tokens] = dy
        self.weight.grad = self.dropout.backward(table)


@mutant("VariationalRNN", origin="keras #20276: the state loses a little at every step")
class recurrent_mask_each_step(good.VariationalRNN):
    """Draws a new state mask at every step."""

    def _drop_state(self, h):
        self.recurrent_dropout(h)
        return super()._drop_state(h)


@mutant("VariationalRNN", origin="keras #19395: recurrent_dropout is ignored")
class recurrent_rate_ignored(good.VariationalRNN):
    """Never drops the carried state."""

    def _drop_state(self, h):
        return h


@mutant("VariationalRNN", origin="two rates in the wrong order")
class recurrent_rates_swapped(good.VariationalRNN):
    """Uses each rate in the place of the other."""

    def __init__(self, inside, hidden, input_p, recurrent_p, rng, **options):
        super().__init__(inside, hidden, recurrent_p, input_p, rng, **options)


@mutant("VariationalRNN", origin="tensorflow #29391: the mask is never reset")
class recurrent_mask_never_reset(good.VariationalRNN):
    """Keeps its masks from sequence to sequence."""

    def forward(self, x):
        if not hasattr(self, "_start"):
            self._start = self.input_dropout.rng.bit_generator.state
        self.input_dropout.rng.bit_generator.state = self._start
        return super().forward(x)


@mutant("VariationalRNN", origin="the backward pass through an unmasked state")
class recurrent_gradient_unmasked(good.VariationalRNN):
    """Sends the gradient back past the state mask."""

    def backward(self, dy):
        self.recurrent_dropout.mask = None
        return super().backward(dy)
