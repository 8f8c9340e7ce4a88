"""Functions over a whole PyTorch model: switch its dropout, set its rates."""

import contextlib

import torch

from companion._arguments import check_int, check_p
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

    As :func:`companion.numpy.models.dropout_active`, for the layers of this package and
    PyTorch's, those inside its recurrent, attention and encoder layers included; a call
    of `torch.nn.functional.dropout` in a forward method cannot be seen. Explained in
    chapter 5, with `monte_carlo`.

    >>> import numpy, torch
    >>> from companion.torch import Dropout, nn
    >>> rng = numpy.random.default_rng(0)
    >>> model = nn.Sequential(nn.ReLU(), Dropout(0.3, rng)).eval()
    >>> with dropout_active(model):
    ...     [module.training for module in model.modules()]
    [False, False, True]
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

    As :func:`companion.numpy.models.monte_carlo`, with tensors and without gradients.
    Explained in chapters 4 and 5.

    >>> import numpy, torch
    >>> layer = Dropout(0.2, numpy.random.default_rng(0))
    >>> mean, variance = monte_carlo(layer, torch.ones(1), 100_000)
    >>> round(mean.item(), 2), round(variance.item(), 2)
    (1.0, 0.25)
    """
    check_int("passes", passes, 2, hint="One pass has no variance: pass for example 20.")
    with dropout_active(model):
        outputs = torch.stack([model(x) for _ in range(passes)])
    return outputs.mean(dim=0), outputs.var(dim=0)


def set_rate(model, p):
    """Set the drop rate of every dropout layer of a model, and return their number.

    As :func:`companion.numpy.models.set_rate`; PyTorch's own dropout layers are set too.
    Explained in chapter 8.

    >>> import numpy, torch
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
