"""Both frameworks as subjects of the contract: names over NumPy arrays."""

import contextlib
import types

import numpy as np
import torch

import companion.torch as ct
from companion.masks import keep_mask
from companion.verify.mutants import RIGHT

__all__ = ["SUBJECTS"]


def tensor(x):
    """Return a tensor over the memory of x if PyTorch allows it, else a copy."""
    x = np.asarray(x)
    if not x.flags.writeable or any(stride < 0 for stride in x.strides):
        x = x.copy()
    return torch.from_numpy(x)


class Parameter:
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


class Layer:
    """A PyTorch module that is called with arrays and has a `backward`."""

    def __init__(self, module):
        vars(self)["module"] = module

    def __call__(self, x):
        leaf = tensor(x)
        before = leaf.clone()
        if leaf.is_floating_point():
            leaf.requires_grad_()
        y = self.module(leaf)
        assert torch.equal(leaf.nan_to_num(), before.nan_to_num())
        vars(self).update(leaf=leaf, y=y)
        return y.detach().numpy().copy()

    def backward(self, dy):
        self.module.zero_grad()
        self.leaf.grad = None
        if self.y.requires_grad:
            self.y.backward(tensor(dy), retain_graph=True)
        return None if self.leaf.grad is None else self.leaf.grad.numpy()

    def train(self, mode=True):
        self.module.train(mode)
        return self

    def eval(self):
        return self.train(False)

    def __getattr__(self, name):
        value = getattr(self.module, name)
        if isinstance(value, torch.nn.Parameter):
            is_linear = isinstance(self.module, torch.nn.Linear) and name == "weight"
            return Parameter(value, is_linear)
        return Layer(value) if isinstance(value, torch.nn.Module) else value

    def __setattr__(self, name, value):
        setattr(self.module, name, value)


def layer(cls):
    def build(*arguments, **options):
        if options.get("dtype") is np.float64:
            options["dtype"] = torch.float64
        return Layer(cls(*arguments, **options))

    return build


class RDropLoss:
    def __init__(self, weight):
        self.loss = ct.nn.RDropLoss(weight)

    def __call__(self, first, second, labels):
        self.leaves = [tensor(z).clone().requires_grad_() for z in (first, second)]
        self.value = self.loss(*self.leaves, tensor(labels))
        return self.value.item()

    def backward(self):
        self.value.backward()
        return [z.grad.numpy() for z in self.leaves]


def dropout(x, p, rng, **options):
    return ct.dropout(tensor(x), p, rng, **options).numpy()


def with_mask(function):
    return lambda x, mask, p: function(tensor(x), tensor(mask), p).numpy()


@contextlib.contextmanager
def dropout_active(model):
    with ct.dropout_active(model.module):
        yield model


def monte_carlo(model, x, passes):
    return [part.numpy() for part in ct.monte_carlo(model.module, tensor(x), passes)]


FUNCTIONS = {
    "dropout": dropout,
    "dropout_active": dropout_active,
    "monte_carlo": monte_carlo,
    "set_rate": lambda model, p: ct.set_rate(model.module, p),
    "keep_mask": keep_mask,
    "Module": lambda: Layer(torch.nn.Module()),
    "Sequential": lambda *layers: Layer(torch.nn.Sequential(*(x.module for x in layers))),
    "RDropLoss": RDropLoss,
}
for name in ct.__all__:
    if name.endswith(("_forward", "_backward")):
        FUNCTIONS[name] = with_mask(getattr(ct, name))
    elif isinstance(getattr(ct, name), type):
        FUNCTIONS[name] = layer(getattr(ct, name))

SUBJECTS = {"numpy": RIGHT, "torch": types.SimpleNamespace(**FUNCTIONS)}
