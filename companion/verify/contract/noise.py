"""Properties of other noise: Gaussian, alpha, concrete."""

import math

import numpy as np

from companion.theory.networks import all_masks, mask_probabilities
from companion.verify._counts import statistics
from companion.verify._kinds import alpha
from companion.verify.contract._assertions import (
    close,
    independent,
    like_dropout,
    plausible,
    raises,
    repeated,
)
from companion.verify.contract._register import beyond, property_of
from companion.verify.properties import FALSE_ALARM, RATES, gradient_error


# Kinds with other noise ---------------------------------------------------------------
@property_of("alpha_dropout_forward")
def alpha_keeps_mean_and_variance(subject, rng):
    """Over all masks an x of mean 0 and variance 1 keeps both, exactly."""
    x, masks = np.array([1.0, -1.0] * 4), all_masks(8)
    for p in RATES:
        y = subject.alpha_dropout_forward(np.tile(x, (256, 1)), masks, p)
        weight = mask_probabilities(masks, p)
        close(weight @ y.mean(axis=1), 0.0)
        close(weight @ (y**2).mean(axis=1), 1.0)
        a, b, dropped = alpha(p)
        close(y, np.where(masks, a * x + b, dropped))


@property_of("alpha_dropout_backward", "alpha_dropout_forward")
def alpha_backward_is_the_derivative(subject, rng):
    """The backward pass of alpha dropout agrees with finite differences."""
    x, dy = rng.normal(size=(2, 8, 6))  # a mask of 4 x 5 drops all in one of 1e8 runs
    mask = rng.random((8, 6)) < 0.6
    for p in RATES:
        error = gradient_error(
            lambda x, p=p: subject.alpha_dropout_forward(x, mask, p),
            lambda dy, p=p: subject.alpha_dropout_backward(dy, mask, p),
            x,
            dy,
        )
        assert error < 1e-6


@property_of("GaussianDropout")
def gaussian_has_mean_1_and_the_variance(subject, rng):
    """The noise is normal with mean 1 and variance p / (1 - p), and multiplies x."""
    chi2, norm, n = statistics().chi2, statistics().norm, 1_000_000
    for p in RATES:
        layer = subject.GaussianDropout(p, rng)
        noise = layer(np.ones(n))
        variance = p / (1 - p)
        z = (noise.mean() - 1) * math.sqrt(n / variance)
        assert abs(z) < norm.isf(FALSE_ALARM / 2)
        squares = ((noise - 1) ** 2).sum() / variance
        assert chi2.isf(1 - FALSE_ALARM / 2, n) < squares < chi2.isf(FALSE_ALARM / 2, n)
        for width in (1, 2):  # a normal variable lies within so many deviations
            inside = (abs(noise - 1) < width * math.sqrt(variance)).sum()
            plausible(inside, n, math.erf(width / math.sqrt(2)))
        small = [layer(np.ones((30, 20, 6))) > 1 for _ in range(10)]
        like_dropout(np.array(small), 0.5, rng)


@property_of("GaussianDropout")
def gaussian_backward_is_the_derivative(subject, rng):
    """The gradient is dy times the noise, which does not depend on x."""
    x, dy = rng.normal(size=(2, 4, 5))
    layer = subject.GaussianDropout(0.3, rng)
    forward = repeated(layer, rng)
    assert gradient_error(forward, layer.backward, x, dy) < 1e-6
    assert np.allclose(forward(-2 * x), -2 * forward(x))


@property_of("GaussianDropout")
def gaussian_modes(subject, rng):
    """Evaluation and p = 0 return x, and half precision stays."""
    x, layer = rng.normal(size=(4, 5)), subject.GaussianDropout(0.3, rng)
    assert layer(x.astype(np.float16)).dtype == np.float16
    layer.eval()
    assert np.array_equal(layer(x), x)
    assert np.array_equal(subject.GaussianDropout(0.0, rng)(x), x)


@property_of("GaussianDropout")
@beyond
def gaussian_refuses_p_1(subject, rng):
    """p = 1, where the variance is infinite, is refused."""
    refused = subject.GaussianDropout(1.0, rng)
    raises(ValueError, ("p", "below 1"), refused, np.ones(3))


@property_of("ConcreteDropout")
def concrete_is_the_relaxed_mask(subject, rng):
    """The noise is (1 - z) / (1 - p); the logit of z is logistic with the scale 1/t."""
    for p in RATES:
        for temperature in (0.1, 0.5, 1.0):
            layer = subject.ConcreteDropout(p, rng, temperature=temperature)
            noise, again = layer(np.ones(100_000)), layer(np.ones(100_000))
            for k in (-1.0, 0.0, 1.0):  # P(logit p + logit u > k)
                below = noise * (1 - p) < 1 / (1 + math.exp(k / temperature))
                plausible(below.sum(), below.size, 1 / (1 + (1 - p) / p * math.exp(k)))
            independent(noise < 0.5 / (1 - p), again < 0.5 / (1 - p), p)
        x = rng.normal(size=20)
        assert np.array_equal(layer.eval()(x), x)
        assert abs(layer.p - p) < 1e-15


@property_of("ConcreteDropout")
@beyond
def concrete_refuses_the_ends(subject, rng):
    """p = 0 and p = 1, whose logits are infinite, are refused."""
    for p in (0.0, 1.0):
        raises(ValueError, ("p", "strictly"), subject.ConcreteDropout, p, rng)


@property_of("ConcreteDropout")
def concrete_learns_its_rate(subject, rng):
    """The gradients of x and of the rate agree with finite differences."""
    x, dy = rng.normal(size=(2, 4, 5))
    for p in RATES:
        layer = subject.ConcreteDropout(p, rng, temperature=0.5)
        forward = repeated(layer, rng)
        assert gradient_error(forward, layer.backward, x, dy) < 1e-6
        forward(x)
        layer.backward(dy)
        found = float(layer.logit.grad)

        def loss(logit, layer=layer, forward=forward):
            layer.logit.value = np.array(logit)
            return float((dy * forward(x)).sum())

        start = math.log(p / (1 - p))
        slope = (loss(start + 1e-6) - loss(start - 1e-6)) / 2e-6
        assert abs(found - slope) < 1e-6 * max(1, abs(slope))
