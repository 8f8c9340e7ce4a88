"""Dropout and its variants in NumPy: forward and backward by hand."""

from companion.numpy import nn
from companion.numpy.dropout import Dropout, dropout, dropout_backward, dropout_forward
from companion.numpy.granularity import (
    AttentionDropout,
    ChannelDropout,
    DropBlock,
    DropPath,
    TimeDropout,
)
from companion.numpy.models import dropout_active, monte_carlo, set_rate
from companion.numpy.noise import (
    AlphaDropout,
    ChannelAlphaDropout,
    ConcreteDropout,
    GaussianDropout,
    alpha_dropout_backward,
    alpha_dropout_forward,
)
from companion.numpy.weighted import DropConnect, VariationalRNN, WordDropout

__all__ = [
    "AlphaDropout",
    "AttentionDropout",
    "ChannelAlphaDropout",
    "ChannelDropout",
    "ConcreteDropout",
    "DropBlock",
    "DropConnect",
    "DropPath",
    "Dropout",
    "GaussianDropout",
    "TimeDropout",
    "VariationalRNN",
    "WordDropout",
    "alpha_dropout_backward",
    "alpha_dropout_forward",
    "dropout",
    "dropout_active",
    "dropout_backward",
    "dropout_forward",
    "monte_carlo",
    "nn",
    "set_rate",
]
