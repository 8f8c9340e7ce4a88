"""Who takes part: dropout by the companion, by frameworks and by hand, on n numbers.

Each contestant is a function of p alone. Numbers are float32 unless the name says
otherwise. Whatever a contestant needs to be ready is made before the clock runs.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
import keras
import numpy as np
import torch
import torch.nn.functional as F

import companion.numpy as cn
import companion.torch as ct
from companion.data import Split
from companion.experiments import train_networks
from companion.masks import keep_mask

RATES = (0.1, 0.3, 0.5, 0.8)

# One graph for each p, pass and kind of size; fullgraph makes a graph too many an error,
# where the default would go on without compiling.
torch._dynamo.config.recompile_limit = 64


@functools.cache
def _compiled(p):
    return torch.compile(lambda x: F.dropout(x, p), fullgraph=True)


@functools.cache
def _keras_layer(p):
    return keras.layers.Dropout(p, seed=0)


def _one_liner(x, p, rng):
    return x * (rng.random(x.shape, x.dtype) >= p) / (1 - p)


def _jax_dropout(step, x, p):
    """As Flax does it: a fresh key for each step, then a selection."""
    key = jax.random.fold_in(jax.random.key(0), step)
    keep = jax.random.bernoulli(key, 1 - p, x.shape)
    return jnp.where(keep, x / (1 - p), 0.0)


_jax_forward = jax.jit(_jax_dropout)


@jax.jit
def _jax_forward_with_gradient(step, x, p):
    return jax.vjp(lambda x: _jax_dropout(step, x, p), x)


@jax.jit
def _jax_backward(pull, dy):
    return pull(dy)[0]


def forward(n):
    """Return {contestant: function of p}: dropout of n numbers, nothing to differentiate."""
    x = np.random.default_rng(0).standard_normal(n, np.float32)
    tensor, double, array = torch.from_numpy(x), x.astype(float), jnp.asarray(x)
    rng, step = np.random.default_rng(1), itertools.count()
    return {
        "companion.torch": lambda p: ct.dropout(tensor, p, rng),
        "companion.numpy": lambda p: cn.dropout(x, p, rng),
        "PyTorch": lambda p: F.dropout(tensor, p),
        "torch.compile": lambda p: _compiled(p)(tensor),
        "Keras": lambda p: _keras_layer(p)(tensor, training=True),
        "JAX": lambda p: _jax_forward(next(step), array, p).block_until_ready(),
        "one-liner": lambda p: _one_liner(x, p, rng),
        "one-liner float64": lambda p: _one_liner(double, p, rng),
        "x * c in PyTorch": lambda p: tensor * (1 / (1 - p)),
        "x * c in NumPy": lambda p: x * np.float32(1 / (1 - p)),
        "copy": lambda p: x.copy(),
    }


def forward_backward(n):
    """Return {contestant: function of p that gives y and a function for the gradient}.

    What is kept between the two is what the contestant saves for its backward pass.
    """
    x, dy = np.random.default_rng(0).standard_normal((2, n), np.float32)
    leaf = torch.from_numpy(x).requires_grad_()
    of_torch, of_jax = torch.from_numpy(dy), jnp.asarray(dy)
    double, of_double = x.astype(float), dy.astype(float)
    rng, step, array = np.random.default_rng(1), itertools.count(), jnp.asarray(x)

    def by_autograd(function):
        def run(p):
            y = function(leaf, p)
            return y, lambda: torch.autograd.grad(y, leaf, of_torch)[0]

        return run

    def by_companion(p):
        mask = keep_mask(x.shape, p, rng)
        return cn.dropout_forward(x, mask, p), lambda: cn.dropout_backward(dy, mask, p)

    def by_hand(x, dy):
        def run(p):
            keep = rng.random(x.shape, x.dtype) >= p
            return x * keep / (1 - p), lambda: dy * keep / (1 - p)

        return run

    def by_jax(p):
        y, pull = _jax_forward_with_gradient(next(step), array, p)
        y.block_until_ready()
        return y, lambda: _jax_backward(pull, of_jax).block_until_ready()

    def multiply(p):
        c = np.float32(1 / (1 - p))
        return x * c, lambda: dy * c

    return {
        "companion.torch": by_autograd(lambda x, p: ct.dropout(x, p, rng)),
        "companion.numpy": by_companion,
        "PyTorch": by_autograd(F.dropout),
        "torch.compile": by_autograd(lambda x, p: _compiled(p)(x)),
        "Keras": by_autograd(lambda x, p: _keras_layer(p)(x, training=True)),
        "JAX": by_jax,
        "one-liner": by_hand(x, dy),
        "one-liner float64": by_hand(double, of_double),
        "x * c in PyTorch": by_autograd(lambda x, p: x * (1 / (1 - p))),
        "x * c in NumPy": multiply,
    }


def training_step():
    """Return {contestant: function of p}: a step of the article's model, 784-512-10."""
    rng = np.random.default_rng(0)
    batch = torch.from_numpy(rng.random((64, 784), np.float32))
    labels = torch.from_numpy(rng.integers(0, 10, 64))

    def with_layer(layer):
        @functools.cache
        def trainer(p):
            nn = torch.nn
            middle = () if layer is None else (layer(p),)
            model = nn.Sequential(
                nn.Linear(784, 512), nn.ReLU(), *middle, nn.Linear(512, 10)
            )
            return model, torch.optim.Adam(model.parameters())

        def run(p):
            model, optimizer = trainer(p)
            optimizer.zero_grad()
            F.cross_entropy(model(batch), labels).backward()
            optimizer.step()

        return run

    return {
        "no dropout": with_layer(None),
        "nn.Dropout": with_layer(torch.nn.Dropout),
        "companion.torch": with_layer(lambda p: ct.Dropout(p, np.random.default_rng(1))),
    }


def _one_network_after_another(data, width, networks, batch, epochs):
    """Return a function of p: a loop over networks, each as a PyTorch user writes it."""
    nn, inputs, labels = torch.nn, *map(torch.from_numpy, (data.x_train, data.y_train))

    def train(p):
        for _ in range(networks):
            model = nn.Sequential(
                nn.Linear(40, width), nn.ReLU(), nn.Dropout(p),
                nn.Linear(width, width), nn.ReLU(), nn.Dropout(p),
                nn.Linear(width, 10),
            )  # fmt: skip
            optimizer = torch.optim.Adam(model.parameters())
            for _ in range(epochs):
                for rows in torch.randperm(len(labels)).split(batch):
                    optimizer.zero_grad()
                    F.cross_entropy(model(inputs[rows]), labels[rows]).backward()
                    optimizer.step()
            model.eval()(inputs)

    return train


def _matrix_products(width, networks, batch, batches, epochs):
    """Return a function that only multiplies the matrices of a training."""
    sizes = list(itertools.pairwise((40, width, width, 10)))
    weights = [torch.randn(networks, *size) for size in sizes]
    biases = [torch.randn(networks, 1, size[1]) for size in sizes]
    layers = [torch.randn(networks, batch, size[0]) for size in sizes]
    deltas = [torch.randn(networks, batch, size[1]) for size in sizes]

    def products(p):
        for _ in range(epochs * batches):
            for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
                torch.baddbmm(bias, layers[i], weight)
                torch.bmm(layers[i].mT, deltas[i])
                if i:
                    torch.bmm(deltas[i], weight.mT)
        for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            for _ in range(batches):  # the evaluation
                torch.baddbmm(bias, layers[i], weight)

    return products


def many_networks(width, networks=24, batch=64, batches=64, epochs=4):
    """Return {contestant: function of p}: train networks 40-width-width-10 by Adam.

    They are evaluated once, after the last epoch. The last contestant only multiplies
    the matrices of all this, which no engine can do without.
    """
    rng = np.random.default_rng(0)
    n = batch * batches
    x, y = rng.standard_normal((n, 40), np.float32), rng.integers(0, 10, n)
    data = Split(x, y, x[:batch], y[:batch])

    def at_once(p):
        return train_networks(
            data, rates=(p,), seeds=range(networks), train_size=n,
            hidden=(width, width), epochs=epochs, batch_size=batch, lr=1e-3,
            progress=False,
        )  # fmt: skip

    return {
        "loop of nn.Module": _one_network_after_another(
            data, width, networks, batch, epochs
        ),
        "train_networks": at_once,
        "its matrix products": _matrix_products(width, networks, batch, batches, epochs),
    }
