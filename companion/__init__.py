"""Dropout, verified: the package that every chapter of the book executes.

`companion.numpy` and `companion.torch` hold the same names with the same arguments;
changing the framework is changing one import. `companion.masks` draws the masks for both.

Arguments are checked. One of another type than stated raises a TypeError; one outside its
range, or of a shape that does not fit, a ValueError. The message names the argument, the
value and the way out. A docstring adds what else is raised.
"""

__version__ = "0.1.0"
