"""Dropout in PyTorch: the same names and arguments as `companion.numpy`."""

from companion.torch import nn
from companion.torch.dropout import Dropout, dropout, dropout_backward, dropout_forward

__all__ = ["Dropout", "dropout", "dropout_backward", "dropout_forward", "nn"]
