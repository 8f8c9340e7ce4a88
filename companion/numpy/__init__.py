"""Dropout in NumPy: forward and backward by hand."""

from companion.numpy import nn
from companion.numpy.dropout import Dropout, dropout, dropout_backward, dropout_forward

__all__ = ["Dropout", "dropout", "dropout_backward", "dropout_forward", "nn"]
