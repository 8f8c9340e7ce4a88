"""A small network in NumPy, forward and backward by hand.

The names are PyTorch's, so that `companion.torch.nn` can hold the same ones.
Weights have shape (in_features, out_features): a layer computes x @ W + b.
"""

from collections import UserList, deque
from collections.abc import Mapping, Set
from dataclasses import is_dataclass
from types import SimpleNamespace

import numpy as np

from companion._arguments import (
    as_array,
    check_axes,
    check_flag,
    check_logits,
    check_model,
    check_not_empty,
    check_numbers,
    check_optimizer,
    check_rate,
    check_same_length,
    check_same_logits,
    check_sequence,
)
from companion._arithmetic import work_dtype
from companion._training import batches, initial_weights, modes_restored, progress_bar
from companion.numpy._arrays import check_float_dtype, check_floats


class _Passes:
    """What has a backward pass: it belongs to the last forward pass, and to no other.

    Each forward pass ends in `_went_forward`, each backward pass begins with `_gradient`.
    """

    _forwards, _went_back, _shape = 0, False, ()

    def _went_forward(self, y):
        """Count a forward pass that was not refused, and return y, its result."""
        self._forwards = 1 if self._went_back else self._forwards + 1
        self._went_back, self._shape = False, getattr(y, "shape", ())
        return y

    def _goes_back(self):
        """Raise unless a backward pass belongs to one forward pass without a doubt."""
        if not self._forwards:
            raise RuntimeError(
                f"backward needs a forward pass of {type(self).__name__}, and there was "
                "none. Call the layer first."
            )
        if self._went_back and self._forwards > 1:
            raise RuntimeError(
                f"backward was called again after {self._forwards} forward passes of "
                f"{type(self).__name__}, which keeps what its last one needs. If it "
                "stands at several places of a network, build a layer for each place; "
                "else call it before each backward pass."
            )
        self._went_back = True

    def _gradient(self, dy):
        """Return dy as an array, or raise unless it fits to the last forward pass."""
        dy = check_floats(dy, "dy")
        if self._forwards and dy.shape != self._shape:
            raise ValueError(
                f"dy must have the shape of what {type(self).__name__} returned last, "
                f"{self._shape}; got {dy.shape}."
            )
        self._goes_back()
        return dy


class Module(_Passes):
    """Base of all NumPy layers: calling it runs `forward`, and it has two modes.

    A layer keeps what the backward pass of its last call needs, and nothing of earlier
    ones. So it can stand at one place of a network only: `backward` raises a RuntimeError
    where it belongs to no call, or to one that is no longer kept. Source: the interface
    of `torch.nn.Module`. Explained in chapter 3.

    >>> layer = ReLU()
    >>> layer.training, layer.eval().training
    (True, False)
    """

    def __init__(self):
        self.training = True

    def __call__(self, x):
        return self.forward(x)

    def modules(self):
        """Return this module and all modules among its attributes, each once.

        Lists, tuples, dicts, sets, deques, dataclasses, simple namespaces and object
        arrays are looked into, to any depth.
        """
        found, waiting = {}, [self]
        while waiting:
            module = waiting.pop()
            if id(module) not in found:
                found[id(module)] = module
                parts = [part for part in _parts(module) if isinstance(part, Module)]
                waiting += reversed(parts)
        return list(found.values())

    def train(self, mode=True):
        """Switch all modules to training (or evaluation with mode=False); return self."""
        check_flag("mode", mode)
        for module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self):
        """Switch this module and all inside it to evaluation mode; return self."""
        return self.train(False)

    def parameters(self):
        """Return the `Parameter` objects of this and all inner modules, each once."""
        parts = [part for module in self.modules() for part in _parts(module)]
        return list({id(p): p for p in parts if isinstance(p, Parameter)}.values())


def _parts(module):
    """Return the modules and parameters that a module holds, in its containers too."""
    parts, seen, waiting = [], set(), [vars(module)]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:  # a container may hold itself
            continue
        seen.add(id(value))
        if isinstance(value, (Module, Parameter)):
            parts.append(value)
        elif isinstance(value, Mapping):
            waiting += reversed(list(value.values()))
        elif isinstance(value, (list, tuple, Set, deque, UserList)):
            waiting += reversed(list(value))
        elif isinstance(value, SimpleNamespace) or is_dataclass(value):
            waiting.append(getattr(value, "__dict__", {}))
        elif isinstance(value, np.ndarray) and value.dtype == object:
            waiting += reversed(list(value.flat))
    return parts


class Parameter:
    """An array that is learned, with its gradient beside it. Explained in chapter 3.

    Parameters
    ----------
    value : numpy.ndarray
        The weights; an optimiser changes them in place, so they must be writable.

    Examples
    --------
    >>> Parameter(np.zeros(2)).grad
    array([0., 0.])
    """

    def __init__(self, value):
        self.value = value = check_floats(value, "value")
        if not value.flags.writeable:
            raise ValueError(
                "value must be writable, since an optimiser changes it in place; got an "
                "array that is read-only. Pass value.copy()."
            )
        self.grad = np.zeros_like(value)


class Linear(Module):
    """Affine layer, y = x W + b.

    .. math:: Y = X W + b, \\quad dW = X^T dY, \\quad db = \\textstyle\\sum_n dY_n,
        \\quad dX = dY W^T

    Source: Goodfellow, Bengio and Courville (2016), section 6.5. Explained in chapter 3.

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the last axis of x and of y; at least 1.
    rng : numpy.random.Generator
        Source of the initial weights: uniform on ±1/sqrt(in_features), first the weights,
        then the bias.
    dtype : numpy.dtype
        Floating-point type of the weights.

    Examples
    --------
    >>> layer = Linear(3, 2, np.random.default_rng(0))
    >>> layer(np.ones((4, 3), np.float32)).shape
    (4, 2)
    """

    def __init__(self, in_features, out_features, rng, dtype=np.float32):
        super().__init__()
        weight, bias = initial_weights(in_features, out_features, rng)
        dtype = check_float_dtype(dtype)
        self.weight = Parameter(weight.astype(dtype))
        self.bias = Parameter(bias.astype(dtype))

    def forward(self, x):
        """Return x W + b for x of shape (..., in_features)."""
        self._x = x = self._check_features(x, range(1, 65), "(..., in_features)")
        return self._went_forward(x @ self.weight.value + self.bias.value)

    def _check_features(self, x, axes, layout):
        x, features = check_floats(x, "x"), len(self.weight.value)
        check_axes("x", x.shape, axes, layout)
        if x.shape[-1] != features:
            raise ValueError(
                f"x must have shape {layout}, in_features {features}; got {x.shape}."
            )
        return x

    def backward(self, dy):
        """Store the gradients of weight and bias; return the gradient of x."""
        dy = self._gradient(dy)
        rows = dy.reshape(-1, dy.shape[-1])  # one for each example
        self.weight.grad = self._x.reshape(-1, self._x.shape[-1]).T @ rows
        self.bias.grad = rows.sum(axis=0)
        return dy @ self.weight.value.T


class ReLU(Module):
    """Rectifier, y = max(x, 0).

    .. math:: y_i = \\max(x_i, 0), \\quad dx_i = [x_i > 0] \\, dy_i

    Source: Nair and Hinton (2010). Explained in chapter 3.

    >>> ReLU()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def forward(self, x):
        """Return x where it is positive, else 0."""
        x = check_floats(x, "x")
        self._positive = x > 0
        return self._went_forward(np.maximum(x, 0))

    def backward(self, dy):
        """Return dy where x was positive, else 0."""
        dy = self._gradient(dy)
        return np.where(self._positive, dy, dy.dtype.type(0))


class Sequential(Module):
    """Layers called one after the other.

    Source: the interface of `torch.nn.Sequential`. Explained in chapter 3.

    Parameters
    ----------
    *layers : Module
        Called in this order by `forward`, in reverse by `backward`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = Sequential(Linear(4, 8, rng), ReLU(), Linear(8, 3, rng))
    >>> model(np.ones((2, 4), np.float32)).shape, len(model.parameters())
    ((2, 3), 4)
    """

    def __init__(self, *layers):
        super().__init__()
        for layer in layers:
            if not isinstance(layer, Module):
                raise TypeError(
                    f"layers must be Modules of companion.numpy; got {layer!r} of type "
                    f"{type(layer).__name__}."
                )
        self.layers = layers

    def __getitem__(self, index):
        return self.layers[index]

    def forward(self, x):
        """Return the output of the last layer."""
        for layer in self.layers:
            x = layer(x)
        return x

    def backward(self, dy):
        """Run every layer's backward from the last to the first; return dx."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy


def softmax(z):
    """Return exp(z) divided by its sum over the last axis, without overflow.

    .. math:: s_i = \\frac{e^{z_i}}{\\sum_j e^{z_j}}

    Same shape and dtype as z; over the last axis it sums to 1. Source: Goodfellow, Bengio
    and Courville (2016), section 6.2.2. Explained in chapter 4.

    Parameters
    ----------
    z : numpy.ndarray
        Logits or scores; real floats, at least one axis. -inf gives 0.

    Examples
    --------
    >>> softmax(np.array([[0.0, np.log(3.0)]]))
    array([[0.25, 0.75]])
    """
    z = check_floats(z, "z")
    check_axes("z", z.shape, range(1, 65), "(..., classes)")
    work = z.astype(work_dtype(z))
    e = np.exp(work - work.max(axis=-1, keepdims=True, initial=-np.inf))
    return (e / e.sum(axis=-1, keepdims=True)).astype(z.dtype)


class CrossEntropyLoss(_Passes):
    """Mean softmax cross-entropy of a batch, n at least 1.

    Call it with logits of shape (n, classes) and labels, integers in [0, classes) of
    shape (n,); it returns a float. `backward()` then returns the gradient of the logits.

    .. math:: L = -\\frac1n \\sum_i \\log s_{i, y_i}, \\quad
        s = \\mathrm{softmax}(z), \\quad
        dz_{ij} = \\frac1n (s_{ij} - [j = y_i])

    Source: Goodfellow, Bengio and Courville (2016), section 6.2.2. Explained in
    chapter 3.

    >>> loss = CrossEntropyLoss()
    >>> round(loss(np.zeros((2, 10)), np.array([3, 7])), 4)  # log(10)
    2.3026
    >>> loss.backward().shape
    (2, 10)
    """

    def __call__(self, logits, labels):
        logits = check_floats(logits, "logits")
        labels = as_array("labels", labels)
        check_logits(logits.shape, labels.shape)
        labels = check_numbers("labels", labels, logits.shape[1])
        work = logits.astype(work_dtype(logits))  # float16 would round every sum
        shifted = work - work.max(axis=1, keepdims=True)
        self._labels, self._dtype = labels, logits.dtype
        self._log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        loss = -self._log_softmax[np.arange(len(labels)), labels].mean()
        return self._went_forward(float(loss))

    def backward(self):
        """Return the gradient of the last loss with respect to the logits."""
        self._goes_back()
        n = len(self._labels)
        gradient = np.exp(self._log_softmax)
        gradient[np.arange(n), self._labels] -= 1
        return (gradient / n).astype(self._dtype)


class RDropLoss:
    """Cross-entropy of two passes with different masks, and the distance between them.

    Call it with the logits of two passes and labels, as `CrossEntropyLoss`; it returns a
    float. `backward()` then returns the gradients of both logits. With P and Q the
    softmax of the two passes,

    .. math:: L = L_{CE}(P) + L_{CE}(Q) + \\frac{\\alpha}{2n} \\sum_i
        \\left[KL(P_i \\Vert Q_i) + KL(Q_i \\Vert P_i)\\right]

    The two cross-entropies are added, as in the paper; the authors' example code takes
    their mean, which doubles the relative weight of the distance. Source: Liang et al.
    (2021), equation 4. Explained in chapter 8.

    Parameters
    ----------
    weight : float
        Factor of the distance, the paper's alpha; 0 or more.

    Examples
    --------
    >>> loss = RDropLoss(1.0)
    >>> z, labels = np.array([[2.0, 0.0]]), np.array([0])
    >>> round(loss(z, z, labels), 4) == round(2 * CrossEntropyLoss()(z, labels), 4)
    True
    >>> loss(z, -z, labels) > loss(z, z, labels)
    True
    """

    def __init__(self, weight):
        self.weight = check_rate("weight", weight)
        self._entropies = CrossEntropyLoss(), CrossEntropyLoss()

    def __call__(self, first, second, labels):
        first, second = check_floats(first, "first"), check_floats(second, "second")
        check_same_logits(first.shape, second.shape)
        cross_entropy = sum(
            entropy(logits, labels)
            for entropy, logits in zip(self._entropies, (first, second), strict=True)
        )
        log_p, log_q = (entropy._log_softmax for entropy in self._entropies)
        # KL(P, Q) + KL(Q, P) in one product.
        self._symmetric = (np.exp(log_p) - np.exp(log_q)) * _log_ratio(log_p, log_q)
        distance = self._symmetric.sum(axis=1).mean()
        return cross_entropy + float(self.weight / 2 * distance)

    def backward(self):
        """Return the gradients of the last loss for the first and the second logits."""
        first, second = self._entropies
        d_first, d_second = first.backward(), second.backward()
        log_p, log_q = first._log_softmax, second._log_softmax
        p, q, factor = np.exp(log_p), np.exp(log_q), self.weight / 2 / len(log_p)

        def gradient(p, q, log_p, log_q):
            ratio = _log_ratio(log_p, log_q)
            return factor * (p * (ratio - (p * ratio).sum(axis=1, keepdims=True)) + p - q)

        return (
            d_first + gradient(p, q, log_p, log_q).astype(d_first.dtype),
            d_second + gradient(q, p, log_q, log_p).astype(d_second.dtype),
        )


def _log_ratio(log_p, log_q):
    """Return log(P / Q), and 0 for a class that is hidden, -inf, in both."""
    with np.errstate(invalid="ignore"):
        return np.where((log_p == -np.inf) & (log_q == -np.inf), 0, log_p - log_q)


def _check_parameters(parameters):
    """Return parameters as a tuple, or raise unless each is one, and there only once."""
    parameters = check_sequence("parameters", parameters)
    check_not_empty(parameters=parameters)
    for parameter in parameters:
        if not isinstance(parameter, Parameter):
            raise TypeError(
                f"parameters must be Parameters of a model; got {parameter!r}. "
                "Pass model.parameters()."
            )
    if len(set(map(id, parameters))) < len(parameters):
        raise ValueError(
            "parameters must be different; got one of them twice, which would move it "
            "twice a step. Pass the parameters() of one module that holds all layers."
        )
    return parameters


class SGD:
    """Stochastic gradient descent, with momentum and weight decay.

    .. math:: g \\leftarrow g + \\lambda w, \\quad v \\leftarrow \\mu v + g, \\quad
        w \\leftarrow w - \\eta v

    Source: the update of `torch.optim.SGD`; Sutskever et al. (2013). Explained in
    chapters 2 and 3.

    Parameters
    ----------
    parameters : list of Parameter
        What to update.
    lr, weight_decay : float
        Learning rate and factor of the L2 penalty, each 0 or more.
    momentum : float
        In [0, 1).

    Examples
    --------
    >>> w = Parameter(np.array([1.0]))
    >>> w.grad = np.array([0.5])
    >>> SGD([w], lr=0.1).step()
    >>> w.value
    array([0.95])
    """

    def __init__(self, parameters, lr, momentum=0.0, weight_decay=0.0):
        self.lr = check_rate("lr", lr)
        self.momentum = check_rate("momentum", momentum, upper=1)
        self.weight_decay = check_rate("weight_decay", weight_decay)
        self.parameters = _check_parameters(parameters)
        self._velocity = [np.zeros_like(p.value) for p in self.parameters]

    def step(self):
        """Update every parameter once from its gradient."""
        for p, v in zip(self.parameters, self._velocity, strict=True):
            v *= self.momentum
            v += p.grad + self.weight_decay * p.value
            p.value -= self.lr * v


class Adam:
    """Adam: steps scaled by running means of the gradient and of its square.

    .. math:: m \\leftarrow \\beta_1 m + (1 - \\beta_1) g, \\quad
        v \\leftarrow \\beta_2 v + (1 - \\beta_2) g^2, \\quad
        w \\leftarrow w - \\eta \\frac{m / (1 - \\beta_1^t)}
        {\\sqrt{v / (1 - \\beta_2^t)} + \\epsilon}

    Source: Kingma and Ba (2015), algorithm 1. Explained in chapter 2.

    Parameters
    ----------
    parameters, lr : as `SGD`
    betas : tuple of float
        Decay rates of the two running means, each in [0, 1).
    eps : float
        Added to the denominator, 0 or more.

    Examples
    --------
    >>> w = Parameter(np.array([1.0]))
    >>> w.grad = np.array([0.5])
    >>> Adam([w], lr=0.1).step()
    >>> w.value.round(6)
    array([0.9])
    """

    def __init__(self, parameters, lr, betas=(0.9, 0.999), eps=1e-8):
        self.lr, self.eps = check_rate("lr", lr), check_rate("eps", eps)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(f"betas must be a tuple of two numbers; got {betas!r}.")
        self.betas = [check_rate(f"betas[{i}]", betas[i], upper=1) for i in range(2)]
        self.parameters = _check_parameters(parameters)
        self._mean = [np.zeros_like(p.value) for p in self.parameters]
        self._square = [np.zeros_like(p.value) for p in self.parameters]
        self._steps = 0

    def step(self):
        """Update every parameter once from its gradient."""
        self._steps += 1
        beta1, beta2 = self.betas
        for p, m, v in zip(self.parameters, self._mean, self._square, strict=True):
            m += (1 - beta1) * (p.grad - m)
            v += (1 - beta2) * (p.grad**2 - v)
            m_hat = m / (1 - beta1**self._steps)
            v_hat = v / (1 - beta2**self._steps)
            p.value -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


def _check_examples(x, labels):
    """Return labels as an array, or raise unless there is one for each example of x."""
    if not isinstance(x, np.ndarray) or not x.ndim:
        raise TypeError(f"x must be a NumPy array of examples; got {x!r}.")
    labels = check_numbers("labels", labels, np.inf)
    check_axes("labels", labels.shape, (1,), "(n,)")
    check_same_length(x, labels)
    return labels


def fit(model, x, labels, optimizer, *, epochs, batch_size, rng, progress=True):
    """Train a classifier with softmax cross-entropy; return the loss of every step.

    The losses are in nats, each before its update: float64 of shape (epochs * ceil(n /
    batch_size),). Explained in chapter 5.

    Parameters
    ----------
    model : Module
        Maps x to logits. It is switched to training mode and stays there.
    x : numpy.ndarray
        Inputs, shape (n, features).
    labels : numpy.ndarray
        Integers in [0, classes), shape (n,).
    optimizer : SGD or Adam
        Built on `model.parameters()`.
    epochs, batch_size : int
        At least 1.
    rng : numpy.random.Generator
        Source of the order of the examples; the masks come from the layers.
    progress : bool
        Show a progress bar with the time left. The environment variable TQDM_DISABLE=1
        hides all bars.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, labels = rng.normal(size=(64, 2)), rng.integers(0, 2, 64)
    >>> model = Sequential(Linear(2, 2, rng))
    >>> sgd = SGD(model.parameters(), lr=0.1)
    >>> fit(model, x, labels, sgd, epochs=3, batch_size=32, rng=rng, progress=False).shape
    (6,)
    """
    check_model(model, Module)
    check_optimizer(optimizer)
    labels = _check_examples(x, labels)
    stream = batches(len(x), batch_size, epochs, rng)
    steps = int(epochs) * -(-len(x) // int(batch_size))
    model.train()
    loss_function = CrossEntropyLoss()
    losses = []
    for batch in progress_bar(stream, steps, progress):
        losses.append(loss_function(model(x[batch]), labels[batch]))
        model.backward(loss_function.backward())
        optimizer.step()
    return np.array(losses)


def evaluate(model, x, labels):
    """Return loss and accuracy in evaluation mode; the mode is restored afterwards.

    The loss is the mean cross-entropy in nats; the accuracy lies in [0, 1]. Explained in
    chapter 5.

    Parameters
    ----------
    model, x, labels : as `fit`

    Examples
    --------
    >>> model = Sequential(Linear(2, 2, np.random.default_rng(0)))
    >>> loss, accuracy = evaluate(model, np.ones((4, 2)), np.zeros(4, int))
    >>> accuracy in (0.0, 1.0)
    True
    """
    check_model(model, Module)
    labels = _check_examples(x, labels)
    with modes_restored(model):
        logits = model.eval()(x)
    loss = CrossEntropyLoss()(logits, labels)
    return loss, float((logits.argmax(axis=1) == labels).mean())
