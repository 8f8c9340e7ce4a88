"""`verify` passes what is right, names each classic bug, and says what it looked at."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import companion.numpy as cn
import companion.torch as ct
from companion.masks import keep_mask
from companion.verify import Violation, verify
from companion.verify.contract import PROPERTIES
from companion.verify.mutants import MUTANTS
from companion.verify.properties import READER

from .bugs import BUGS, FORMS, textbook, wrong

LAYERS = [name for name in cn.__all__ if isinstance(getattr(cn, name), type)]
multiplies, unscaled = BUGS["multiplies"][0], BUGS["unscaled"][0]


# What is right, and what is wrong -----------------------------------------------------
@pytest.mark.parametrize("name", ["dropout", *LAYERS])
@pytest.mark.parametrize("package", [cn, ct], ids=["numpy", "torch"])
def test_what_the_companion_has_is_right(package, name, rng):
    report = verify(getattr(package, name), rng)
    assert report, report
    assert (report.kind, report.framework) == (name, package.__name__.split(".")[1])


@pytest.mark.parametrize(
    "name", ["dropout", "dropout_backward", "Dropout", "AlphaDropout"]
)
@pytest.mark.parametrize("package", [cn, ct], ids=["numpy", "torch"])
def test_a_thorough_look_adds_the_contract(package, name, rng):
    report = verify(getattr(package, name), rng, level="thorough")
    assert report, report
    contract = {one.name for one in PROPERTIES if one.needs[0] == name}
    quick = set() if name == "dropout_backward" else set(READER)
    assert set(report.looked_at) == quick | contract
    assert not report.left_out


@pytest.mark.parametrize("form", FORMS)
def test_a_right_one_passes_in_every_form(form, rng):
    report = verify(FORMS[form](textbook), rng)
    assert report, report
    assert set(report.looked_at) == set(READER)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bug", BUGS)
def test_each_classic_bug_is_named_in_every_form(bug, form, rng):
    function, name, words = BUGS[bug]
    report = verify(FORMS[form](function), rng)
    assert not report
    said = [v.sentence for v in report.violations if v.property == name]
    assert any(words in sentence for sentence in said), report
    assert name in report.looked_at


def test_the_faults_that_p_one_half_hides(rng):
    """1/p in place of 1/(1-p) is right at one half: why that rate is never alone."""
    swapped = BUGS["scaled by 1/p"][0]
    assert set(swapped(np.ones(1000), 0.5, rng)) == {0.0, 2.0}
    assert len(verify(swapped, rng).violations) == 3


def test_a_thorough_look_notices_more(rng):
    rounds = MUTANTS["rounds_twice"].subject.dropout
    assert verify(rounds, rng)
    report = verify(rounds, rng, level="thorough")
    assert "dropout_keeps_dtype_and_rounds_once" in {
        v.property for v in report.violations
    }


@pytest.mark.parametrize(
    "name",
    ["channels_by_element", "time_not_shared", "path_for_the_batch", "alpha_to_zero"],
)
def test_a_faulty_kind_is_noticed_as_that_kind(name, rng):
    (kind,) = MUTANTS[name].replaces
    report = verify(getattr(MUTANTS[name].subject, kind), rng)
    assert not report
    assert report.kind == kind


# What it is taken for -----------------------------------------------------------------
OF_PYTORCH = {
    "Dropout": "Dropout",
    "Dropout1d": "ChannelDropout",
    "Dropout2d": "ChannelDropout",
    "Dropout3d": "ChannelDropout",
    "AlphaDropout": "AlphaDropout",
    "FeatureAlphaDropout": "ChannelAlphaDropout",
}


@pytest.mark.parametrize("name", OF_PYTORCH)
@pytest.mark.parametrize("form", ["class", "layer"])
def test_modules_of_pytorch_are_right_but_for_inf(name, form, rng):
    cls = getattr(torch.nn, name)
    report = verify(cls if form == "class" else cls(0.3), rng)
    assert (report.kind, report.form) == (OF_PYTORCH[name], form)
    assert set(report.looked_at) == set(READER)
    assert {v.property for v in report.violations} <= {"inf"}  # PyTorch #59421


def test_the_function_of_pytorch_needs_no_generator(rng):
    report = verify(F.dropout, rng)
    assert report.framework == "torch"
    assert {v.property for v in report.violations} <= {"inf"}


def of_torch(x, p, generator, training=True):
    if not training or p in (0, 1):
        return x if p < 1 else torch.zeros_like(x)
    return torch.where(torch.rand(x.shape, generator=generator) >= p, x / (1 - p), 0.0)


class OfTorch(torch.nn.Module):
    """A module with names of its own, a generator of PyTorch's and a cached scale."""

    def __init__(self, drop_prob, generator):
        super().__init__()
        self.drop_prob, self.source = drop_prob, generator
        self.scale = 1 / (1 - drop_prob) if drop_prob < 1 else 0.0

    def forward(self, x):
        y = of_torch(x, self.drop_prob, self.source, self.training)
        return y * (1 - self.drop_prob) * self.scale if self.training else y


@pytest.mark.parametrize("mine", [of_torch, OfTorch, OfTorch(0.3, torch.Generator())])
def test_a_generator_of_pytorch_is_driven_by_the_seed(mine):
    report = verify(mine)
    assert report, report
    assert report.framework == "torch"


def test_a_report_on_pytorch_can_be_repeated():
    def off(x, p, rng, training=True):  # its sentence holds what was drawn
        return of_torch(x, 0.9 * p, rng, training)

    def layer(p, generator):
        return OfTorch(0.9 * p, generator)

    for faulty, kind in ((off, None), (layer, "Dropout")):
        report = verify(faulty, kind=kind)
        again = verify(faulty, np.random.default_rng(report.seed), kind=kind)
        assert report.violations == again.violations
        assert "rate" in {v.property for v in report.violations}


def test_a_function_that_builds_a_layer_needs_its_kind(rng):
    assert verify(lambda p, rng: cn.TimeDropout(p, rng), rng, kind="TimeDropout")
    assert verify(lambda p, rng: ct.TimeDropout(p, rng), rng, kind="TimeDropout")
    report = verify(lambda p: torch.nn.Dropout(p), rng, kind="Dropout")
    assert report.framework == "torch"
    assert {v.property for v in report.violations} <= {"inf"}


def test_another_function_is_looked_at_as_its_name_says(rng):
    assert verify(keep_mask, rng).kind == "keep_mask"
    assert verify(keep_mask, rng)
    always = verify(lambda shape, p, rng: np.ones(shape, bool), rng, kind="keep_mask")
    assert "keep_rate" in {v.property for v in always.violations}


def test_a_layer_is_looked_at_as_it_was_built(rng):
    report = verify(cn.ChannelDropout(0.3, rng, channels_last=True), rng)
    assert report, report
    assert report.left_out["channels_last=False"] == "the layer has True"


def test_a_kind_has_its_own_granularity(rng):
    by_channel = verify(ct.ChannelDropout, rng, kind="TimeDropout")
    assert {v.property for v in by_channel.violations} == {"sharing"}

    class Spatial(cn.ChannelDropout):
        """A kind by the name of its base."""

    assert verify(Spatial, rng).kind == "ChannelDropout"


def test_a_function_of_both_frameworks_is_one_of_numpy_unless_told(rng):
    def both(x, p, rng, *, training=True):
        if not training or p in (0, 1):
            return x if p < 1 else x * 0
        keep = rng.random(tuple(x.shape)) >= p
        if isinstance(x, torch.Tensor):
            return torch.where(torch.as_tensor(keep), x, 0.0)
        return np.where(keep, x / (1 - p), 0.0)

    assert verify(both, rng).framework == "numpy"
    kept = {v.property for v in verify(both, rng, framework="torch").violations}
    assert "kept_values" in kept


# The report ---------------------------------------------------------------------------
def test_a_report_says_what_is_violated_and_what_was_looked_at(rng):
    report = verify(multiplies, rng)
    assert report.violations == (
        Violation(
            "inf", "inf in x: a dropped element must be 0; 0 * inf is nan, so select"
        ),
    )
    printed = str(report).splitlines()
    assert printed[0] == "violated: 1 of 13 properties"
    assert printed[1].startswith("- inf: inf in x")
    assert printed[2] == (
        "looked at, as dropout (function, numpy, quick): " + ", ".join(READER)
    )
    assert "mask_shape_shares_draws" in printed[3]
    assert printed[4].startswith("not looked at: 14 properties of the contract")
    assert len(printed) == 5
    assert str(verify(textbook, rng)).startswith("violated: none of 13 properties\n")


def test_what_an_error_kept_from_being_looked_at_is_said(rng):
    def broken(x, p, rng, *, training=True):
        raise KeyError("gone")

    report = verify(broken, rng)
    assert report.looked_at == ("it_runs",)
    assert set(READER) < set(report.left_out)
    assert "pass framework='torch'" in str(report)  # it may be one of tensors
    assert "it raised KeyError: 'gone'" in str(report)
    by_shape = verify(MUTANTS["channels_by_element"].subject.ChannelDropout, rng)
    assert by_shape.left_out["x of shape (N, 30, 2, 3)"] == "not reached"


@pytest.mark.parametrize("level", ["quick", "thorough"])
def test_a_report_can_be_repeated(level):
    faulty = BUGS["rate off"][0]
    report = verify(faulty, level=level)
    assert f"repeat with rng = numpy.random.default_rng({report.seed})" in str(report)
    again = verify(faulty, np.random.default_rng(report.seed), level=level)
    assert report.violations == again.violations != ()
    assert again.seed is None
    assert verify(faulty).seed != report.seed


def test_global_generators_are_left_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    verify(torch.nn.Dropout, level="thorough")
    verify(F.dropout)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


# Errors -------------------------------------------------------------------------------
class NeedsMore:
    """A layer that does not keep what it was built with."""

    def __init__(self, p, rng, size):
        self.train = self.eval = self.__call__ = None

    def __call__(self, x):
        raise AssertionError("never called")


ERRORS = {
    "not callable": (TypeError, "dropout must be a function.*got 0.3", (0.3,), {}),
    "another signature": (TypeError, "dropout must be called as", (lambda x: x,), {}),
    "no generator": (
        *(TypeError, "dropout must take a generator"),
        *((lambda x, p, training: x,), {"framework": "numpy"}),
    ),
    "level": (ValueError, "level must be one of", (textbook,), {"level": "slow"}),
    "kind": (ValueError, "kind must be one of", (textbook,), {"kind": "Spatial"}),
    "kind of a function": (
        *(ValueError, "kind must be that of a layer"),
        *((cn.Dropout,), {"kind": "dropout"}),
    ),
    "framework": (ValueError, "framework must be", (textbook,), {"framework": "jax"}),
    "other framework": (
        *(ValueError, "framework must be 'torch' for"),
        *((torch.nn.Dropout,), {"framework": "numpy"}),
    ),
    "no dropout": (
        TypeError,
        "dropout must be built from p and rng",
        (cn.nn.Linear,),
        {},
    ),
    "no rng": (TypeError, "dropout must be built from p and rng", (cn.nn.ReLU,), {}),
    "forgets": (
        *(TypeError, "dropout must keep its argument 'size'"),
        *((NeedsMore(0.3, None, 3),), {}),
    ),
    "one block": (
        *(ValueError, "dropout must be buildable as a DropBlock"),
        *((cn.DropBlock(0.3, 3, np.random.default_rng(0)),), {}),
    ),
    "weights": (
        *(TypeError, "dropout must be the class of a DropConnect"),
        *((cn.DropConnect(3, 2, 0.3, np.random.default_rng(0)),), {}),
    ),
    "seed": (TypeError, "rng must be", (textbook, 7), {}),
}


@pytest.mark.parametrize(
    ("error", "words", "given", "options"), ERRORS.values(), ids=ERRORS
)
def test_what_cannot_be_looked_at_is_an_error(error, words, given, options):
    with pytest.raises(error, match=words):
        verify(*given, **options)


def test_a_missing_scipy_is_no_fault_of_the_dropout(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(ImportError, match=r"\[verify\]"):
        verify(textbook)


def in_a_fresh_python(code):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_numpy_needs_no_pytorch():
    in_a_fresh_python(
        "import sys; import companion.numpy as cn; from companion.verify import verify\n"
        "assert verify(cn.dropout, level='thorough') and verify(cn.Dropout)\n"
        "assert 'torch' not in sys.modules"
    )


def test_a_missing_pytorch_says_what_to_install():
    in_a_fresh_python(
        "import scipy.stats, sys; sys.modules['torch'] = None\n"
        "from companion.verify import verify\n"
        "try:\n"
        "    verify(lambda x, p, training: x, framework='torch')\n"
        "except ImportError as error:\n"
        "    assert '[torch]' in str(error)\n"
        "else:\n"
        "    raise AssertionError"
    )


def test_a_faulty_one_is_faulty_for_every_seed(rng):
    """Each of 20 fresh seeds: a count that misses once in 1e9 never does here."""
    half = wrong(lambda x, keep, p: np.where(keep, x / (1 - 0.99 * p), 0))
    assert not any(verify(half, rng) for _ in range(20))
    assert all(verify(textbook, rng) for _ in range(20))
