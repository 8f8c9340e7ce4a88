"""Faulty noise: Gaussian, alpha, concrete."""

import math

import numpy as np

import companion.numpy as good
from companion._arithmetic import ALPHA_PRIME, alpha_affine
from companion.verify.mutants._catalogue import KeepsFirst, mutant


@mutant("GaussianDropout", origin="a standard deviation taken for a variance")
class gaussian_deviation(good.GaussianDropout):
    """Uses p / (1 - p) as standard deviation."""

    def draw(self, x):
        noise = super().draw(x)
        if noise is None:
            return None
        return 1 + (noise - 1) * math.sqrt(self.p / (1 - self.p))


@mutant("GaussianDropout", origin="additive noise under the same name")
class gaussian_added(good.GaussianDropout):
    """Adds the noise, and does not multiply."""

    @staticmethod
    def _masked(x, noise, p):
        return (x + noise - 1).astype(x.dtype)


@mutant("GaussianDropout", origin="a clip that keeps the noise positive")
class gaussian_clipped(good.GaussianDropout):
    """Clips negative noise to 0."""

    def draw(self, x):
        noise = super().draw(x)
        return noise if noise is None else np.maximum(noise, 0)


@mutant("GaussianDropout", origin="uniform noise of the same variance")
class gaussian_uniform(good.GaussianDropout):
    """Draws uniform noise of the right mean and variance."""

    def draw(self, x):
        if not self.training or self.p in (0.0, 1.0):
            return super().draw(x)
        width = math.sqrt(3 * self.p / (1 - self.p))
        return self.rng.uniform(1 - width, 1 + width, x.shape)


@mutant("GaussianDropout", origin="a buffer of noise that is filled once")
class gaussian_frozen(KeepsFirst, good.GaussianDropout):
    """Keeps its first noise."""


@mutant("GaussianDropout", origin="the forgotten train() of many training loops")
class gaussian_stays_in_evaluation(good.GaussianDropout):
    """Does not come back from evaluation mode."""

    def train(self, mode=True):
        return super().train(mode and self.training)


@mutant("AlphaDropout", origin="planted in PyTorch's own suite, which notices it")
class alpha_without_affine(good.AlphaDropout):
    """Leaves out the affine correction."""

    @staticmethod
    def _masked(x, mask, p):
        return np.where(mask, x, ALPHA_PRIME).astype(x.dtype)


@mutant(
    "AlphaDropout", origin="planted in PyTorch's own suite; its operator checks notice"
)
class alpha_to_zero(good.AlphaDropout):
    """Drops to 0 and not to alpha'."""

    @staticmethod
    def _masked(x, mask, p):
        if p == 1.0:
            return np.zeros_like(x)
        a, b = alpha_affine(p)
        return (np.where(mask, a * x, 0.0) + b).astype(x.dtype)


@mutant("AlphaDropout", origin="PyTorch's own suite does not notice it")
class alpha_identity(good.AlphaDropout):
    """Does nothing in training."""

    def draw(self, x):
        return None


@mutant("AlphaDropout", origin="PyTorch's own suite does not notice it")
class alpha_pure_noise(good.AlphaDropout):
    """Returns normal noise of mean 0 and variance 1, whatever the input."""

    def forward(self, x):
        y = super().forward(x)
        if self.mask is None or self.p == 1.0:
            return y
        return self.rng.standard_normal(x.shape).astype(x.dtype)


@mutant(
    "alpha_dropout_forward", origin="PyTorch PR 87989: a wrong constant, found in review"
)
def alpha_wrong_constant(x, mask, p):
    """Forgets the factor 1 - p under the root."""
    if p == 1.0:
        return good.alpha_dropout_forward(x, mask, p)
    a = (1 + p * ALPHA_PRIME**2) ** -0.5
    return np.where(mask, a * x, a * ALPHA_PRIME) - a * p * ALPHA_PRIME


@mutant("alpha_dropout_backward", origin="the gradient of inverted dropout, copied")
def alpha_gradient_of_dropout(dy, mask, p):
    """Scales the gradient by 1 / (1 - p) and not by a."""
    return good.dropout_backward(dy, mask, p)


@mutant("ChannelAlphaDropout", origin="feature alpha dropout that drops elements")
class alpha_by_element(good.ChannelAlphaDropout):
    """Drops single elements and not channels."""

    def mask_shape(self, shape):
        return shape


@mutant("ConcreteDropout", origin="a rate that is a buffer: nothing learns it")
class concrete_rate_frozen(good.ConcreteDropout):
    """Gives the rate no gradient."""

    def backward(self, dy):
        dx = super().backward(dy)
        self.logit.grad = np.zeros(())
        return dx


@mutant("ConcreteDropout", origin="the scale 1/(1-p) treated as a constant")
class concrete_scale_constant(good.ConcreteDropout):
    """Forgets that the scale depends on the rate, too."""

    def backward(self, dy):
        dx = super().backward(dy)
        if self._u is not None:
            self.logit.grad = (
                self.logit.grad - (dy * self._x * self._scale * self.p).sum()
            )
        return dx


@mutant("ConcreteDropout", origin="z and 1 - z mixed up")
class concrete_keeps_with_p(good.ConcreteDropout):
    """Keeps where it should drop."""

    def draw(self, x):
        u = super().draw(x)
        if u is None:
            return None
        odds = (1 - u) / u * ((1 - self.p) / self.p) ** 2
        return np.clip(odds / (1 + odds), 1e-16, 1 - 1e-16)
