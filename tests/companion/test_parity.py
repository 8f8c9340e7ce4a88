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
ONLY_TORCH = {"replay_masks": "NumPy has no checkpoint that recomputes"}
OWN_FLOAT32 = "the default of dtype is each framework's own float32"
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
) | dict.fromkeys(
    ("DropConnect", "VariationalRNN", "WordDropout", "nn.Linear"), OWN_FLOAT32
)


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
    assert set(NUMPY) - set(ONLY_NUMPY) == set(TORCH) - set(ONLY_TORCH)


@pytest.mark.parametrize("name", sorted(set(NUMPY) - set(DIFFERENT) - set(ONLY_NUMPY)))
def test_same_arguments(name):
    assert inspect.signature(NUMPY[name]) == inspect.signature(TORCH[name])


def test_listed_differences_are_real():
    for name in DIFFERENT:
        assert inspect.signature(NUMPY[name]) != inspect.signature(TORCH[name])
    for name, reason in DIFFERENT.items():
        if reason == OWN_FLOAT32:
            ours, theirs = (inspect.signature(side[name]) for side in (NUMPY, TORCH))
            assert list(ours.parameters) == list(theirs.parameters)
            for argument in set(ours.parameters) - {"dtype"}:
                assert ours.parameters[argument] == theirs.parameters[argument]


@pytest.mark.parametrize("module", ["companion", "companion.masks", "companion.numpy"])
def test_importing_numpy_side_imports_neither_torch_nor_matplotlib(module):
    code = f"import sys, {module}; print(*({{'torch', 'matplotlib'}} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == []


def test_p_has_no_default():
    """A default of one half would hide the commonest bug there is."""
    rates = {"p", "input_p", "recurrent_p"}
    for side in (NUMPY, TORCH):
        for function in side.values():
            parameters = inspect.signature(function).parameters
            for name in rates & set(parameters):
                assert parameters[name].default is inspect.Parameter.empty
