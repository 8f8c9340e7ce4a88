"""Dropout, verified: the package that every chapter of the book executes.

`companion.numpy` and `companion.torch` hold the same names with the same
arguments; changing the framework is changing one import. `companion.masks`
draws the masks for both.
"""

__version__ = "0.1.0"
