"""Both frameworks hold the same public names with the same arguments."""

import inspect
import subprocess
import sys

import pytest

import companion.numpy
import companion.numpy.nn
import companion.torch
import companion.torch.nn

# Where the two differ, and why that is right.
ONLY_NUMPY = {}
RE_EXPORTED = "PyTorch's own class: its arguments are a superset of ours"
DIFFERENT = dict.fromkeys(
    (
        "nn.Adam",
        "nn.CrossEntropyLoss",
        "nn.Module",
        "nn.Parameter",
        "nn.ReLU",
        "nn.SGD",
        "nn.Sequential",
    ),
    RE_EXPORTED,
) | {"nn.Linear": "the default of dtype is each framework's own float32"}


def public(module, prefix=""):
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", "") == module.__name__
    ]
    return {
        prefix + n: getattr(module, n)
        for n in names
        if not inspect.ismodule(getattr(module, n))
    }


NUMPY = public(companion.numpy) | public(companion.numpy.nn, "nn.")
TORCH = public(companion.torch) | public(companion.torch.nn, "nn.")


def test_same_names():
    assert set(NUMPY) - set(ONLY_NUMPY) == set(TORCH)


@pytest.mark.parametrize("name", sorted(set(NUMPY) - set(DIFFERENT) - set(ONLY_NUMPY)))
def test_same_arguments(name):
    assert inspect.signature(NUMPY[name]) == inspect.signature(TORCH[name])


def test_listed_differences_are_real():
    for name in DIFFERENT:
        assert inspect.signature(NUMPY[name]) != inspect.signature(TORCH[name])


@pytest.mark.parametrize("module", ["companion", "companion.masks", "companion.numpy"])
def test_importing_numpy_side_imports_neither_torch_nor_matplotlib(module):
    code = f"import sys, {module}; print(*({{'torch', 'matplotlib'}} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == []


def test_p_has_no_default():
    """A default of one half would hide the commonest bug there is."""
    for name in ("dropout", "dropout_forward", "dropout_backward", "Dropout"):
        for side in (NUMPY, TORCH):
            assert (
                inspect.signature(side[name]).parameters["p"].default
                is inspect.Parameter.empty
            )
