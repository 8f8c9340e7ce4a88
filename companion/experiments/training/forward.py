"""What stacked networks compute: their noise and their activations."""

import numpy as np
import torch

from companion._arguments import (
    check_below_1,
    check_choice,
    check_sequence,
    check_shape,
)
from companion.experiments._checks import as_factor, as_inputs, check_weights
from companion.masks import gaussian_noise, keep_mask

NOISES = ("bernoulli", "gaussian")


def draw_factors(shape, p, rng, *, noise="bernoulli"):
    """Draw what dropout multiplies activations with: 0 or 1/(1-p), or Gaussian noise.

    Parameters
    ----------
    shape : int or tuple of int
        Shape of the factors; sizes of 0 or more.
    p : float
        Probability to **drop**, in [0, 1); for Gaussian noise the rate of the
        dropout whose variance it has.
    rng : numpy.random.Generator
        Source of the randomness; p = 0 draws nothing.
    noise : str
        "bernoulli" or "gaussian".

    Returns
    -------
    numpy.ndarray
        float32 array of the given shape, with mean 1 and variance p / (1-p).

    Notes
    -----
    Source: Srivastava et al. (2014), sections 4 and 10. Explained in chapter 5.

    Examples
    --------
    >>> draw_factors(6, 0.3, np.random.default_rng(2)).round(2)
    array([1.43, 1.43, 1.43, 1.43, 0.  , 0.  ], dtype=float32)
    """
    p = check_below_1("p", p)
    check_choice("noise", noise, NOISES)
    if noise == "gaussian":
        return gaussian_noise(check_shape(shape), p, rng).astype(np.float32)
    return keep_mask(shape, p, rng) * np.float32(1.0 / (1.0 - p))


@torch.no_grad()
def activations(weights, x, factors=None):
    """Return what every layer of stacked ReLU networks makes of some inputs.

    Without factors these are the full networks of evaluation mode. With them, each
    layer's input is multiplied: by noise for an average over masks, by 0 for units
    that are taken away.

    Parameters
    ----------
    weights : list of (torch.Tensor, torch.Tensor)
        A weight, shape (networks, in, out), and a bias, shape (networks, 1, out),
        for each layer: `Trained.weights`.
    x : numpy.ndarray
        Inputs, float32, shape (n, features), or (networks, n, features).
    factors : sequence, optional
        One entry for each layer: None, or an array that broadcasts to the layer's
        input, (networks, n, in). The first one multiplies x.

    Returns
    -------
    list of numpy.ndarray
        float32 (networks, n, units): the output of each hidden layer after its
        ReLU and before any factor, then the logits.

    Notes
    -----
    .. math:: h_{l+1} = \\mathrm{ReLU}\\left((m_l \\odot h_l) W_l + b_l\\right)

    without the ReLU in the last layer. The bits of a network depend on no other one
    if n is a multiple of 4. Explained in chapter 5.

    Examples
    --------
    >>> weight, bias = torch.eye(2).repeat(3, 1, 1), torch.zeros(3, 1, 2)
    >>> x = np.array([[1.0, -1.0]], np.float32)
    >>> hidden, logits = activations([(weight, bias)] * 2, x, [None, np.zeros(2)])
    >>> hidden.shape, hidden[0], logits[0]
    ((3, 1, 2), array([[1., 0.]], dtype=float32), array([[0., 0.]], dtype=float32))
    """
    weights = check_weights(weights)
    factors = [None] * len(weights) if factors is None else factors
    factors = check_sequence("factors", factors)
    if len(factors) != len(weights):
        raise ValueError(
            f"factors must have one entry for each of {len(weights)} layers; got "
            f"{len(factors)}. Write None where nothing is multiplied."
        )
    networks, outputs = len(weights[0][0]), []
    h = as_inputs(x, weights).expand(networks, -1, -1)
    for factor, (weight, bias) in zip(factors, weights, strict=True):
        if outputs:
            h = outputs[-1].relu_()
        if factor is not None:
            h = h * as_factor(factor, h.shape)
        outputs.append(torch.baddbmm(bias, h, weight))
    return [output.numpy() for output in outputs]
