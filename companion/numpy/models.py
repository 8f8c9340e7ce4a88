"""Functions over a whole NumPy model: switch its dropout, set its rates."""

import contextlib

import numpy as np

from companion._arguments import check_int, check_model, check_output, check_p, no_dropout
from companion._training import only_training
from companion.numpy.dropout import Dropout
from companion.numpy.nn import Module
from companion.numpy.noise import ConcreteDropout


@contextlib.contextmanager
def dropout_active(model):
    """Switch a model to evaluation, but its dropout layers to training, for a while.

    A context manager that yields the model. Batch normalisation and everything else stays
    in evaluation mode. Afterwards every module has the mode that it had before, also
    after an exception. Source: Gal and Ghahramani (2016a), section 4. Explained in
    chapter 5, with `monte_carlo`.

    Parameters
    ----------
    model : nn.Module
        Model with at least one dropout layer of a rate above 0. A call of the function
        `dropout` in a forward method cannot be found: what it does follows the mode of
        the module that calls it, which is evaluation.

    Examples
    --------
    >>> from companion.numpy import Dropout, nn
    >>> rng = np.random.default_rng(0)
    >>> model = nn.Sequential(nn.ReLU(), Dropout(0.3, rng)).eval()
    >>> with dropout_active(model):
    ...     [module.training for module in model.modules()]
    [False, False, True]
    >>> [module.training for module in model.modules()]
    [False, False, False]
    """
    check_model(model, Module)
    layers = [m for m in model.modules() if isinstance(m, (Dropout, ConcreteDropout))]
    if not any(layer.p > 0.0 for layer in layers):
        raise no_dropout(model, "with a rate above 0")
    with only_training(model, layers):
        yield model


def monte_carlo(model, x, passes):
    """Return mean and variance of a model's output over passes with fresh masks.

    .. math:: \\bar y = \\frac1k \\sum_j y^{(j)}, \\quad
        s^2 = \\frac{1}{k - 1} \\sum_j (y^{(j)} - \\bar y)^2

    Both have the shape of the model's output. Only dropout layers are switched on, by
    `dropout_active`. Source: Gal and Ghahramani (2016a), section 4. Explained in
    chapters 4 and 5.

    Parameters
    ----------
    model : as `dropout_active`
    x : numpy.ndarray
        Input of the model.
    passes : int
        Number of forward passes, at least 2.

    Examples
    --------
    >>> layer = Dropout(0.2, np.random.default_rng(0))
    >>> mean, variance = monte_carlo(layer, np.ones(1), 100_000)
    >>> mean.round(2), variance.round(2)
    (array([1.]), array([0.25]))
    """
    hint = "One pass has no variance: pass for example 20."
    passes = check_int("passes", passes, 2, hint=hint)
    with dropout_active(model):
        outputs = [model(x) for _ in range(passes)]
    check_output(outputs[0], (np.ndarray, np.generic, float))
    outputs = np.stack(outputs)
    return outputs.mean(axis=0), outputs.var(axis=0, ddof=1)


def set_rate(model, p):
    """Set the drop rate of every dropout layer of a model, and return their number.

    Layers of rate 0 count, too: a schedule may begin there, and `companion.schedules` has
    the schedules. `ConcreteDropout` learns its rate and is left alone. Source: Liu et al.
    (2023), section 4. Explained in chapter 8.

    Parameters
    ----------
    model : nn.Module
        Model with at least one dropout layer whose rate can be set.
    p : float
        New probability to **drop**, in [0, 1].

    Examples
    --------
    >>> layer = Dropout(0.3, np.random.default_rng(0))
    >>> set_rate(layer, 0.1), layer.p
    (1, 0.1)
    """
    p = check_p(p)
    check_model(model, Module)
    layers = [m for m in model.modules() if isinstance(m, Dropout)]
    if not layers:
        raise no_dropout(model, "whose rate can be set")
    for layer in layers:
        layer.p = p
    return len(layers)
