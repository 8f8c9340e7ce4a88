"""The twin of `companion.numpy.nn`: the same names, PyTorch underneath.

What PyTorch has is re-exported. Ours are `Linear`, which starts from the same
weights as its NumPy twin, and the training loop, which takes the same batches.
"""

import numpy as np
import torch
from torch.nn import CrossEntropyLoss, Module, Parameter, ReLU, Sequential, functional
from torch.optim import SGD, Adam

from companion._arguments import (
    check_axes,
    check_model,
    check_optimizer,
    check_rate,
    check_same_length,
    check_same_logits,
)
from companion._training import batches, initial_weights, modes_restored, progress_bar
from companion.torch._tensors import (
    check_classes,
    check_features,
    check_float_dtype,
    check_floats,
    check_labelled,
)

__all__ = [
    "SGD",
    "Adam",
    "CrossEntropyLoss",
    "Linear",
    "Module",
    "Parameter",
    "RDropLoss",
    "ReLU",
    "Sequential",
    "evaluate",
    "fit",
    "softmax",
]


class Linear(torch.nn.Linear):
    """Affine layer, y = x W + b, with the initial weights of its NumPy twin.

    As :class:`companion.numpy.nn.Linear`; dtype is a torch.dtype, and PyTorch stores the
    transpose: `weight` has shape (out_features, in_features). Explained in chapter 3.

    >>> import numpy, torch
    >>> layer = Linear(3, 2, numpy.random.default_rng(0))
    >>> layer(torch.ones(4, 3)).shape
    torch.Size([4, 2])
    """

    def __init__(self, in_features, out_features, rng, dtype=torch.float32):
        weight, bias = initial_weights(in_features, out_features, rng)
        check_float_dtype(dtype)
        super().__init__(in_features, out_features, dtype=dtype, device="meta")
        self.weight = Parameter(torch.as_tensor(weight.T.copy(), dtype=dtype))
        self.bias = Parameter(torch.as_tensor(bias, dtype=dtype))

    def forward(self, x):
        """Return x W + b for x of shape (..., in_features)."""
        check_features(x, self.weight, range(1, 65), "(..., in_features)")
        return super().forward(x)


def softmax(z):
    """Return exp(z) divided by its sum over the last axis, without overflow.

    As :func:`companion.numpy.nn.softmax`, for a tensor. Explained in chapter 4.

    >>> softmax(torch.tensor([[0.0, 0.0]]))
    tensor([[0.5000, 0.5000]])
    """
    check_floats(z, "z")
    check_axes("z", z.shape, range(1, 65), "(..., classes)")
    return torch.softmax(z, dim=-1)


class RDropLoss(Module):
    """Cross-entropy of two passes with different masks, and the distance between them.

    As :class:`companion.numpy.nn.RDropLoss`; it returns a scalar tensor. Explained in
    chapter 8.

    >>> loss = RDropLoss(1.0)
    >>> z, labels = torch.tensor([[2.0, 0.0]]), torch.tensor([0])
    >>> torch.equal(loss(z, z, labels), 2 * CrossEntropyLoss()(z, labels))
    True
    """

    def __init__(self, weight):
        super().__init__()
        self.weight = check_rate("weight", weight)

    def forward(self, first, second, labels):
        """Return the loss of two passes over one batch."""
        check_floats(first, "first")
        check_floats(second, "second")
        check_same_logits(first.shape, second.shape)
        both = _cross_entropy(first, labels) + _cross_entropy(second, labels)
        log_p, log_q = first.log_softmax(dim=1), second.log_softmax(dim=1)
        hidden = log_p.isneginf() & log_q.isneginf()  # a class with no probability
        ratio = torch.where(hidden, 0.0, log_p - log_q)
        # KL(P, Q) + KL(Q, P) in one product.
        distance = ((log_p.exp() - log_q.exp()) * ratio).sum(dim=1).mean()
        return both + self.weight / 2 * distance


def _cross_entropy(logits, labels):
    check_classes(labels, logits)
    return functional.cross_entropy(logits, labels)


def fit(model, x, labels, optimizer, *, epochs, batch_size, rng, progress=True):
    """Train a classifier with softmax cross-entropy; return the loss of every step.

    As :func:`companion.numpy.nn.fit`, with tensors x and labels, labels of dtype int64;
    the losses are a NumPy array too. Explained in chapter 5.

    >>> import numpy, torch
    >>> rng = numpy.random.default_rng(0)
    >>> x = torch.as_tensor(rng.normal(size=(64, 2)), dtype=torch.float32)
    >>> labels = torch.as_tensor(rng.integers(0, 2, 64))
    >>> model = Sequential(Linear(2, 2, rng))
    >>> sgd = SGD(model.parameters(), lr=0.1)
    >>> fit(model, x, labels, sgd, epochs=3, batch_size=32, rng=rng, progress=False).shape
    (6,)
    """
    check_model(model, Module)
    check_optimizer(optimizer)
    check_labelled(x, labels)
    check_same_length(x, labels)
    stream = batches(len(x), batch_size, epochs, rng)
    x, steps = x.detach(), int(epochs) * -(-len(x) // int(batch_size))
    model.train()
    losses = []
    for batch in progress_bar(stream, steps, progress):
        optimizer.zero_grad()
        loss = _cross_entropy(model(x[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


@torch.no_grad()
def evaluate(model, x, labels):
    """Return loss and accuracy in evaluation mode; the mode is restored afterwards.

    As :func:`companion.numpy.nn.evaluate`, with tensors x and labels, labels of dtype
    int64. Explained in chapter 5.

    >>> import numpy, torch
    >>> model = Sequential(Linear(2, 2, numpy.random.default_rng(0)))
    >>> loss, accuracy = evaluate(model, torch.ones(4, 2), torch.zeros(4).long())
    >>> accuracy in (0.0, 1.0)
    True
    """
    check_model(model, Module)
    check_labelled(x, labels)
    check_same_length(x, labels)
    with modes_restored(model):
        logits = model.eval()(x)
    loss = _cross_entropy(logits, labels).item()
    return loss, (logits.argmax(dim=1) == labels).double().mean().item()
