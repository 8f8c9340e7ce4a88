"""PyTorch in the eyes of the properties: called with NumPy arrays, with a `backward`."""

import contextlib
import copy
import types
from contextlib import nullcontext

import companion.torch as ct  # first: without torch it says what to install

# isort: split
import numpy as np
import torch

from companion._arguments import check_generator
from companion.masks import keep_mask
from companion.verify.mutants import RIGHT

__all__ = [
    "SUBJECTS",
    "ArrayLayer",
    "driven_by",
    "layer_of",
    "over_arrays",
]


def over_arrays(function):
    """Return a function over arrays that calls one over tensors.

    A writeable array shares its memory with the tensor, so that a function that changes
    its input is found out.

    Parameters
    ----------
    function : callable
        Takes and returns tensors.

    Notes
    -----
    Explained in chapter 9, with `violations`.

    Examples
    --------
    >>> over_arrays(torch.relu)(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    if not callable(function):
        raise TypeError(f"function must be callable; got {function!r}.")

    def called(*arguments, **options):
        return _array(function(*map(_tensor, arguments), **options))

    return called


def _tensor(x):
    """Return a tensor over the memory of x if PyTorch allows it, else a copy."""
    if not isinstance(x, np.ndarray):
        return x
    if not x.flags.writeable or any(stride < 0 for stride in x.strides):
        x = x.copy()
    return torch.from_numpy(x)


def _array(y):
    return y.detach().numpy() if isinstance(y, torch.Tensor) else y


@contextlib.contextmanager
def driven_by(rng, *sources):
    """Let PyTorch's generators play the part of `rng`, inside a with statement.

    They start where it stands, and it moves on where one of them drew. So whatever a
    module draws from, one seed of rng gives one result, as the properties demand. The
    global generator is given back as it was.

    Parameters
    ----------
    rng : numpy.random.Generator
        What the properties seed and watch.
    *sources : torch.Generator
        What the module draws from, beside PyTorch's global generator.

    Notes
    -----
    Explained in chapter 9, with `violations`.

    Examples
    --------
    >>> def draw(seed):
    ...     with driven_by(np.random.default_rng(seed)):
    ...         return float(torch.rand(()))
    >>> draw(1) == draw(1) != draw(2)
    True
    """
    check_generator(rng)
    seed = int(copy.deepcopy(rng).integers(2**63))
    everyone = torch.default_generator, *sources
    before = torch.default_generator.get_state()
    try:
        fresh = [source.manual_seed(seed).get_state() for source in everyone]
        yield
        states = [source.get_state() for source in everyone]
        if not all(map(torch.equal, states, fresh)):
            rng.integers(2**63)
    finally:
        torch.default_generator.set_state(before)


class _Parameter:
    """A PyTorch parameter with the value, gradient and orientation of the NumPy one."""

    def __init__(self, parameter, transposed):
        self.parameter, self.transposed = parameter, transposed

    def _turned(self, x):
        return x.detach().T.numpy() if self.transposed else x.detach().numpy()

    @property
    def value(self):
        return self._turned(self.parameter).copy()

    @value.setter
    def value(self, value):
        with torch.no_grad():
            turned = value.T if self.transposed else value
            self.parameter.copy_(torch.as_tensor(turned))

    @property
    def grad(self):
        return self._turned(self.parameter.grad)


class ArrayLayer:
    """A PyTorch module that is called with arrays and has a `backward`.

    Parameters
    ----------
    module : torch.nn.Module
        Its other attributes are those of the layer.
    rng : numpy.random.Generator, optional
        Drives PyTorch's generators at each call, for a module that draws from them.
    *sources : torch.Generator
        What the module draws from, beside PyTorch's global generator.

    Notes
    -----
    Explained in chapter 9, with `violations`.

    Examples
    --------
    >>> layer = ArrayLayer(torch.nn.Dropout(0.3), np.random.default_rng(0))
    >>> y = layer(np.ones(1000))
    >>> np.array_equal(layer.backward(np.ones(1000)), y)
    True
    """

    def __init__(self, module, rng=None, *sources):
        if not isinstance(module, torch.nn.Module):
            raise TypeError(f"module must be a torch.nn.Module; got {module!r}.")
        vars(self).update(module=module, _rng=rng, _sources=sources)

    def __call__(self, x):
        x = np.asarray(x)
        leaf = _tensor(x)
        if leaf.is_floating_point():
            leaf.requires_grad_()
        driven = self._rng is not None
        with driven_by(self._rng, *self._sources) if driven else nullcontext():
            y = self.module(leaf)
        if not x.flags.writeable:  # the tensor was a copy: a change shows only here
            assert np.array_equal(_array(leaf), x, equal_nan=True), "x was changed"
        vars(self).update(_leaf=leaf, _y=y)
        return _array(y.clone()) if isinstance(y, torch.Tensor) else y

    def backward(self, dy):
        """Return the gradient of the last input; those of parameters are set anew."""
        self.module.zero_grad()
        self._leaf.grad = None
        if self._y.requires_grad:
            self._y.backward(_tensor(dy), retain_graph=True)
        return None if self._leaf.grad is None else self._leaf.grad.numpy()

    def train(self, mode=True):
        """Switch the module to training, or to evaluation; return the layer."""
        self.module.train(mode)
        return self

    def eval(self):
        """Switch the module to evaluation; return the layer."""
        return self.train(False)

    def __getattr__(self, name):
        value = getattr(self.module, name)
        if isinstance(value, torch.nn.Parameter):
            is_linear = isinstance(self.module, torch.nn.Linear) and name == "weight"
            return _Parameter(value, is_linear)
        return ArrayLayer(value) if isinstance(value, torch.nn.Module) else value

    def __setattr__(self, name, value):
        setattr(self.module, name, value)


class Applied(torch.nn.Module):
    """A function (x, p, *arguments, training, **options) as a module."""

    def __init__(self, function, p, arguments, options):
        super().__init__()
        self.function, self.p = function, p
        self.arguments, self.options = arguments, options

    def forward(self, x):
        options = {"training": self.training, **self.options}
        return self.function(x, self.p, *self.arguments, **options)


def layer_of(cls):
    """Return what builds an `ArrayLayer`, given the class of a module.

    Parameters
    ----------
    cls : type
        A `torch.nn.Module` that takes what its namesake in `companion.numpy` takes.

    Returns
    -------
    callable
        Builds an `ArrayLayer`.

    Notes
    -----
    Explained in chapter 9, with `violations`.

    Examples
    --------
    >>> build = layer_of(ct.DropConnect)
    >>> layer = build(3, 2, 0.3, np.random.default_rng(0), dtype=np.float64)
    >>> layer(np.ones((4, 3))).shape
    (4, 2)
    """
    if not callable(cls):
        raise TypeError(f"cls must be the class of a module; got {cls!r}.")

    def build(*arguments, **options):
        if options.get("dtype") is np.float64:
            options["dtype"] = torch.float64
        return ArrayLayer(cls(*arguments, **options))

    return build


# The companion's half in PyTorch, name by name ----------------------------------------
class _RDropLoss:
    def __init__(self, weight):
        self.loss = ct.nn.RDropLoss(weight)

    def __call__(self, first, second, labels):
        self.leaves = [_tensor(z).clone().requires_grad_() for z in (first, second)]
        self.value = self.loss(*self.leaves, _tensor(labels))
        return self.value.item()

    def backward(self):
        self.value.backward()
        return [z.grad.numpy() for z in self.leaves]


@contextlib.contextmanager
def _dropout_active(model):
    with ct.dropout_active(model.module):
        yield model


def _monte_carlo(model, x, passes):
    return [part.numpy() for part in ct.monte_carlo(model.module, _tensor(x), passes)]


def _subject():
    """Return what `RIGHT` is for NumPy: the names of the package, over arrays."""
    names = {
        "dropout": over_arrays(ct.dropout),
        "dropout_active": _dropout_active,
        "monte_carlo": _monte_carlo,
        "set_rate": lambda model, p: ct.set_rate(model.module, p),
        "keep_mask": keep_mask,
        "Module": layer_of(torch.nn.Module),
        "Sequential": lambda *layers: ArrayLayer(
            torch.nn.Sequential(*(layer.module for layer in layers))
        ),
        "RDropLoss": _RDropLoss,
    }
    for name in ct.__all__:
        if name.endswith(("_forward", "_backward")):
            names[name] = over_arrays(getattr(ct, name))
        elif isinstance(getattr(ct, name), type):
            names[name] = layer_of(getattr(ct, name))
    return types.SimpleNamespace(**names)


SUBJECTS = {"numpy": RIGHT, "torch": _subject()}
