"""Functions over a whole PyTorch model: switch its dropout, set its rates."""

import contextlib

import torch

from companion._arguments import check_p, check_passes
from companion._training import modes_restored
from companion.torch.dropout import Dropout
from companion.torch.noise import ConcreteDropout

OF_PYTORCH = (
    torch.nn.Dropout,
    torch.nn.Dropout1d,
    torch.nn.Dropout2d,
    torch.nn.Dropout3d,
    torch.nn.AlphaDropout,
    torch.nn.FeatureAlphaDropout,
)
# The last three hold a dropout that their own mode switches, and nothing else that
# depends on the mode. In evaluation an encoder layer even skips its nn.Dropout parts.
RANDOM_IN_TRAINING = (
    Dropout,
    ConcreteDropout,
    *OF_PYTORCH,
    torch.nn.RNNBase,
    torch.nn.MultiheadAttention,
    torch.nn.TransformerEncoderLayer,
)


@contextlib.contextmanager
def dropout_active(model):
    """Switch a model to evaluation, but its dropout layers to training, for a while.

    The layers of this package and PyTorch's are known, those inside its recurrent,
    attention and encoder layers included; a call of `torch.nn.functional.dropout` in
    a forward method cannot be seen. Batch normalisation and everything else stays
    in evaluation mode. Afterwards
    every module has the mode that it had before, also after an exception.

    Parameters
    ----------
    model : nn.Module
        Model with at least one dropout layer.

    Returns
    -------
    context manager
        Yields the model.

    Raises
    ------
    ValueError
        If the model has no dropout layer.

    Notes
    -----
    Source: Gal and Ghahramani (2016a), section 4. Explained in chapter 8.

    Examples
    --------
    >>> import numpy, torch
    >>> from companion.torch import Dropout, nn
    >>> rng = numpy.random.default_rng(0)
    >>> model = nn.Sequential(nn.ReLU(), Dropout(0.3, rng)).eval()
    >>> with dropout_active(model):
    ...     [module.training for module in model.modules()]
    [False, False, True]
    >>> [module.training for module in model.modules()]
    [False, False, False]
    """
    layers = [m for m in model.modules() if isinstance(m, RANDOM_IN_TRAINING)]
    if not layers:
        raise ValueError(
            f"model must have a dropout layer; got {type(model).__name__} without one: "
            "every pass would give the same result."
        )
    with modes_restored(model):
        model.eval()
        for layer in layers:
            layer.training = True
        yield model


@torch.no_grad()
def monte_carlo(model, x, passes):
    """Return mean and variance of a model's output over passes with fresh masks.

    Parameters
    ----------
    model : nn.Module
        Model with at least one dropout layer. Its modes are restored.
    x : torch.Tensor
        Input of the model.
    passes : int
        Number of forward passes, at least 2.

    Returns
    -------
    mean, variance : torch.Tensor
        Each of the shape of the model's output. The variance is the unbiased
        one, with passes - 1 in the denominator.

    Raises
    ------
    TypeError
        If passes is not an int.
    ValueError
        If passes is below 2, or the model has no dropout layer.

    Notes
    -----
    .. math:: \\bar y = \\frac1k \\sum_j y^{(j)}, \\quad
        s^2 = \\frac{1}{k - 1} \\sum_j (y^{(j)} - \\bar y)^2

    Only dropout layers are switched on: see `dropout_active`.

    Source: Gal and Ghahramani (2016a), section 4. Explained in chapters 8 and 9.

    Examples
    --------
    >>> import numpy, torch
    >>> from companion.torch import Dropout
    >>> layer = Dropout(0.2, numpy.random.default_rng(0))
    >>> mean, variance = monte_carlo(layer, torch.ones(1), 100_000)
    >>> round(mean.item(), 2), round(variance.item(), 2)
    (1.0, 0.25)
    """
    check_passes(passes)
    with dropout_active(model):
        outputs = torch.stack([model(x) for _ in range(passes)])
    return outputs.mean(dim=0), outputs.var(dim=0)


def set_rate(model, p):
    """Set the drop rate of every dropout layer of a model: for a schedule.

    Parameters
    ----------
    model : nn.Module
        Model with at least one dropout layer of this package or of PyTorch.
        `ConcreteDropout` learns its rate and is left alone.
    p : float
        New probability to **drop**, in [0, 1].

    Returns
    -------
    int
        Number of layers that were set.

    Raises
    ------
    TypeError
        If p is not a real number.
    ValueError
        If p lies outside [0, 1] or there is no layer to set.

    Notes
    -----
    `companion.schedules` has the schedules. Source: Liu et al. (2023), section 4.
    Explained in chapter 8.

    Examples
    --------
    >>> import numpy, torch
    >>> from companion.torch import Dropout
    >>> layer = Dropout(0.3, numpy.random.default_rng(0))
    >>> set_rate(layer, 0.1), layer.p
    (1, 0.1)
    """
    p = check_p(p)
    layers = [m for m in model.modules() if isinstance(m, (Dropout, *OF_PYTORCH))]
    if not layers:
        raise ValueError(
            f"model must have a dropout layer whose rate can be set; got "
            f"{type(model).__name__} without one."
        )
    for layer in layers:
        layer.p = p
    return len(layers)
