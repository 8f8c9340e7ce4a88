"""Properties of functions over a whole model, and of losses."""

import copy

import numpy as np

from companion.verify.contract._assertions import (
    close,
    raises,
)
from companion.verify.contract._register import property_of
from companion.verify.properties import gradient_error


# Models and losses --------------------------------------------------------------------
@property_of("dropout_active", "Dropout", "Sequential", "Module")
def only_dropout_is_switched_on(subject, rng):
    """Monte Carlo mode touches dropout layers alone, and every mode comes back."""
    layers = [subject.Module(), subject.Dropout(0.3, rng), subject.Module()]
    model = subject.Sequential(*layers)
    layers[0].training, layers[1].training, layers[2].training = False, False, True
    model.training = True
    before = [module.training for module in (model, *layers)]
    with subject.dropout_active(model):
        assert [m.training for m in (model, *layers)] == [False, False, True, False]
    assert [m.training for m in (model, *layers)] == before
    try:
        with subject.dropout_active(model):
            raise KeyError
    except KeyError:
        assert [m.training for m in (model, *layers)] == before
    raises(
        ValueError, ("dropout",), lambda: subject.dropout_active(layers[0]).__enter__()
    )


@property_of("monte_carlo", "Dropout")
def passes_give_mean_and_variance(subject, rng):
    """Mean and unbiased variance are those of passes with fresh masks."""
    layer, x = subject.Dropout(0.3, rng).eval(), rng.normal(size=(3, 4))
    twin, loop = copy.deepcopy(rng), []
    other = subject.Dropout(0.3, twin)
    for _ in range(7):
        loop.append(other(x))
    mean, variance = subject.monte_carlo(layer, x, 7)
    close(mean, np.mean(loop, axis=0))
    close(variance, np.var(loop, axis=0, ddof=1))
    assert variance.max() > 0 and not layer.training
    raises(ValueError, ("passes",), subject.monte_carlo, layer, x, 1)


@property_of("set_rate", "Dropout", "Sequential")
def rates_can_be_set(subject, rng):
    """set_rate reaches every dropout layer, and only a probability is accepted."""
    layers = [subject.Dropout(0.3, rng), subject.Dropout(0.8, rng)]
    assert subject.set_rate(subject.Sequential(*layers), 0.1) == 2
    assert [layer.p for layer in layers] == [0.1, 0.1]
    raises(ValueError, ("p", "1.5"), subject.set_rate, layers[0], 1.5)


@property_of("RDropLoss")
def rdrop_adds_the_symmetric_distance(subject, rng):
    """The loss is both cross-entropies plus weight / 2 times both divergences."""
    first, second = rng.normal(size=(2, 5, 3))
    labels = rng.integers(0, 3, 5)

    def log_softmax(z):
        return z - np.log(np.exp(z).sum(axis=1, keepdims=True))

    p, q = log_softmax(first), log_softmax(second)
    entropy = -(p + q)[np.arange(5), labels].mean()
    divergence = (np.exp(p) * (p - q) + np.exp(q) * (q - p)).sum(axis=1).mean()
    for weight in (0.0, 1.0, 5.0):
        loss = subject.RDropLoss(weight)
        close(loss(first, second, labels), entropy + weight / 2 * divergence)
        one = np.ones(())
        for k in (0, 1):

            def forward(z, k=k, loss=loss):
                return np.array(loss(*((z, second) if k == 0 else (first, z)), labels))

            def backward(dy, k=k, loss=loss):
                loss(first, second, labels)
                return loss.backward()[k]

            assert gradient_error(forward, backward, (first, second)[k], one) < 1e-6
    raises(ValueError, ("weight",), subject.RDropLoss, -1.0)
