"""Dropout and its variants in PyTorch: the names and arguments of `companion.numpy`.

Tensors stand in place of arrays, and autograd in place of `backward`; layers keep no
`mask`. A torch.Generator serves as rng too: it draws on its own device, which must be
that of x.
"""

from companion._arguments import missing

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise missing("torch", "torch", error) from error

from companion.torch import nn
from companion.torch.checkpoint import replay_masks
from companion.torch.dropout import Dropout, dropout, dropout_backward, dropout_forward
from companion.torch.granularity import (
    AttentionDropout,
    ChannelDropout,
    DropBlock,
    DropPath,
    TimeDropout,
)
from companion.torch.models import dropout_active, monte_carlo, set_rate
from companion.torch.noise import (
    AlphaDropout,
    ChannelAlphaDropout,
    ConcreteDropout,
    GaussianDropout,
    alpha_dropout_backward,
    alpha_dropout_forward,
)
from companion.torch.weighted import DropConnect, VariationalRNN, WordDropout

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
    "replay_masks",
    "set_rate",
]
