"""Functions over a whole PyTorch model: switch its dropout, set its rates."""

import contextlib

import torch

from companion._arguments import check_int, check_model, check_output, check_p, no_dropout
from companion._training import only_training
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


def _rates(model):
    """Return the layers that drop, each with the name of the attribute of its rate."""
    rates = []
    for module in model.modules():
        if isinstance(module, (Dropout, ConcreteDropout, *OF_PYTORCH)):
            rates.append((module, "p"))
        elif isinstance(module, torch.nn.MultiheadAttention) or (
            isinstance(module, torch.nn.RNNBase) and module.num_layers > 1
        ):  # dropout acts between the layers of a recurrent network
            rates.append((module, "dropout"))
    return rates


@contextlib.contextmanager
def dropout_active(model):
    """Switch a model to evaluation, but its dropout layers to training, for a while.

    As :func:`companion.numpy.models.dropout_active`, for the layers of this package and
    PyTorch's, those inside its recurrent, attention and encoder layers included. A call
    of `torch.nn.functional.dropout` in a forward method cannot be found; neither can
    layers in a plain list or dict, as `model.modules()` of PyTorch passes over them: use
    `ModuleList` or `ModuleDict`. Explained in chapter 5, with `monte_carlo`.

    >>> import numpy, torch
    >>> from companion.torch import Dropout, nn
    >>> rng = numpy.random.default_rng(0)
    >>> model = nn.Sequential(nn.ReLU(), Dropout(0.3, rng)).eval()
    >>> with dropout_active(model):
    ...     [module.training for module in model.modules()]
    [False, False, True]
    """
    check_model(model, torch.nn.Module)
    rates = _rates(model)
    learned = any(isinstance(layer, ConcreteDropout) for layer, _ in rates)
    if not learned and not any(getattr(layer, name) > 0.0 for layer, name in rates):
        raise no_dropout(model, "with a rate above 0")
    # In evaluation an encoder layer takes a path that skips the dropout of its parts.
    encoder = torch.nn.TransformerEncoderLayer
    whole = [module for module in model.modules() if isinstance(module, encoder)]
    with only_training(model, [*whole, *(layer for layer, _ in rates)]):
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
    hint = "One pass has no variance: pass for example 20."
    passes = check_int("passes", passes, 2, hint=hint)
    with dropout_active(model):
        outputs = [model(x) for _ in range(passes)]
    check_output(outputs[0], torch.Tensor)
    outputs = torch.stack(outputs)
    mean = outputs.mean(dim=0)
    return mean, outputs.var(dim=0) if mean.numel() else mean.clone()


def set_rate(model, p):
    """Set the drop rate of every dropout layer of a model, and return their number.

    As :func:`companion.numpy.models.set_rate`, for the layers that `dropout_active`
    finds: the `dropout` of attention and of recurrent layers is set, too. Explained in
    chapter 8.

    >>> import numpy, torch
    >>> layer = Dropout(0.3, numpy.random.default_rng(0))
    >>> set_rate(layer, 0.1), layer.p
    (1, 0.1)
    """
    p = check_p(p)
    check_model(model, torch.nn.Module)
    fixed = [(m, name) for m, name in _rates(model) if not isinstance(m, ConcreteDropout)]
    if not fixed:
        raise no_dropout(model, "whose rate can be set")
    for layer, name in fixed:
        setattr(layer, name, p)
    return len(fixed)
