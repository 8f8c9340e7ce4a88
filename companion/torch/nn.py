"""The twin of `companion.numpy.nn`: the same names, PyTorch underneath.

What PyTorch has is re-exported. Ours are `Linear`, which starts from the same
weights as its NumPy twin, and the training loop, which takes the same batches.
"""

import numpy as np
import torch
from torch.nn import CrossEntropyLoss, Module, Parameter, ReLU, Sequential
from torch.optim import SGD, Adam

from companion._arguments import check_rate
from companion._training import (
    batches,
    check_same_length,
    check_same_logits,
    initial_weights,
    modes_restored,
    progress_bar,
)
from companion.torch._tensors import check_float_dtype

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
]


class Linear(torch.nn.Linear):
    """Affine layer, y = x W + b, with the initial weights of its NumPy twin.

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the last axis of x and of y; at least 1.
    rng : numpy.random.Generator
        Source of the initial weights: uniform on ±1/sqrt(in_features), first
        the weights, then the bias.
    dtype : torch.dtype
        Floating-point type of weights and bias.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive int, rng not a Generator, or dtype not a
        real float.

    Notes
    -----
    .. math:: Y = X W + b

    PyTorch stores the transpose: `weight` has shape (out_features, in_features).

    Source: Goodfellow, Bengio and Courville (2016), section 6.5. Explained in
    chapter 3.

    Examples
    --------
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


class RDropLoss(Module):
    """Cross-entropy of two passes with different masks, and the distance between them.

    Parameters
    ----------
    weight : float
        Factor of the distance, the paper's alpha; 0 or more.

    Call it with the logits of two passes, each of shape (n, classes), and integer
    labels of shape (n,); it returns a scalar tensor.

    Raises
    ------
    TypeError
        If weight is not a real number.
    ValueError
        If weight is negative or the shapes do not match.

    Notes
    -----
    With P and Q the softmax of the two passes,

    .. math:: L = L_{CE}(P) + L_{CE}(Q) + \\frac{\\alpha}{2n} \\sum_i
        \\left[KL(P_i \\Vert Q_i) + KL(Q_i \\Vert P_i)\\right]

    The two cross-entropies are added, as in the paper; the authors' example code
    takes their mean, which doubles the relative weight of the distance.

    Source: Liang et al. (2021), equation 4. Explained in chapter 8.

    Examples
    --------
    >>> import torch
    >>> loss = RDropLoss(1.0)
    >>> z, labels = torch.tensor([[2.0, 0.0]]), torch.tensor([0])
    >>> torch.equal(loss(z, z, labels), 2 * CrossEntropyLoss()(z, labels))
    True
    >>> (loss(z, -z, labels) > loss(z, z, labels)).item()
    True
    """

    def __init__(self, weight):
        super().__init__()
        check_rate("weight", weight)
        self.weight = weight

    def forward(self, first, second, labels):
        """Return the loss of two passes over one batch."""
        check_same_logits(first.shape, second.shape)
        cross_entropy = CrossEntropyLoss()
        log_p, log_q = first.log_softmax(dim=1), second.log_softmax(dim=1)
        # KL(P, Q) + KL(Q, P) in one product.
        distance = ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(dim=1).mean()
        both = cross_entropy(first, labels) + cross_entropy(second, labels)
        return both + self.weight / 2 * distance


def fit(model, x, labels, optimizer, *, epochs, batch_size, rng, progress=True):
    """Train a classifier with softmax cross-entropy; return the loss of every step.

    Parameters
    ----------
    model : Module
        Maps x to logits. It is switched to training mode and stays there.
    x : torch.Tensor
        Inputs, shape (n, features).
    labels : torch.Tensor
        Integers in [0, classes), shape (n,), dtype int64.
    optimizer : SGD or Adam
        Built on `model.parameters()`.
    epochs, batch_size : int
        At least 1.
    rng : numpy.random.Generator
        Source of the order of the examples; the masks come from the layers.
    progress : bool
        Show a progress bar with the time left. The environment variable
        TQDM_DISABLE=1 hides all bars.

    Returns
    -------
    numpy.ndarray
        float64, shape (epochs * ceil(n / batch_size),): the loss of each batch,
        in nats, before its update.

    Raises
    ------
    ValueError
        If x and labels differ in length, or a count is below 1.
    TypeError
        If a count is not an int or rng not a Generator.

    Notes
    -----
    Explained in chapter 5.

    Examples
    --------
    >>> import numpy, torch
    >>> rng = numpy.random.default_rng(0)
    >>> x = torch.as_tensor(rng.normal(size=(64, 2)), dtype=torch.float32)
    >>> labels = torch.as_tensor(rng.integers(0, 2, 64))
    >>> model = Sequential(Linear(2, 2, rng))
    >>> sgd = SGD(model.parameters(), lr=0.1)
    >>> losses = fit(model, x, labels, sgd, epochs=3, batch_size=32, rng=rng,
    ...              progress=False)
    >>> losses.shape
    (6,)
    """
    check_same_length(x, labels)
    stream = batches(len(x), batch_size, epochs, rng)
    model.train()
    loss_function = CrossEntropyLoss()
    losses = []
    for batch in progress_bar(stream, epochs * -(-len(x) // batch_size), progress):
        optimizer.zero_grad()
        loss = loss_function(model(x[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


@torch.no_grad()
def evaluate(model, x, labels):
    """Return loss and accuracy in evaluation mode; the mode is restored afterwards.

    Parameters
    ----------
    model : Module
        Maps x to logits.
    x : torch.Tensor
        Inputs, shape (n, features).
    labels : torch.Tensor
        Integers in [0, classes), shape (n,), dtype int64.

    Returns
    -------
    loss : float
        Mean cross-entropy in nats.
    accuracy : float
        Fraction of correct answers, in [0, 1].

    Raises
    ------
    ValueError
        If x and labels differ in length.

    Notes
    -----
    Explained in chapter 5.

    Examples
    --------
    >>> import numpy, torch
    >>> model = Sequential(Linear(2, 2, numpy.random.default_rng(0)))
    >>> loss, accuracy = evaluate(model, torch.ones(4, 2), torch.zeros(4).long())
    >>> accuracy in (0.0, 1.0)
    True
    """
    check_same_length(x, labels)
    with modes_restored(model):
        logits = model.eval()(x)
    loss = CrossEntropyLoss()(logits, labels).item()
    return loss, (logits.argmax(dim=1) == labels).double().mean().item()
