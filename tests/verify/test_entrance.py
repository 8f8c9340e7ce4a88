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

from .bugs import BUGS, FORMS, SUBTLE, as_layer, multiplies, textbook, wrong

LAYERS = [name for name in cn.__all__ if isinstance(getattr(cn, name), type)]


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
    mine = [one for one in PROPERTIES if one.needs[0] == name]
    quick = set() if name == "dropout_backward" else set(READER)
    if name == "dropout" and package is cn:  # the function of NumPy has no backward
        quick -= {"gradient"}
    assert set(report.looked_at) == quick | {one.name for one in mine if not one.beyond}
    promises = any(one.beyond for one in mine)
    assert promises is any("promises" in name for name in report.left_out)


@pytest.mark.parametrize("form", FORMS)
def test_a_right_one_passes_in_every_form(form, rng):
    report = verify(FORMS[form](textbook), rng)
    assert report, report
    without = {"gradient"} if report.framework == "numpy" else set()
    assert set(report.looked_at) == set(READER) - without
    assert ("gradient" in report.left_out) is bool(without)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bug", BUGS)
def test_each_classic_bug_is_named_in_every_form(bug, form, rng):
    function, name, words = BUGS[bug]
    report = verify(FORMS[form](function), rng)
    assert not report
    said = [v.sentence for v in report.violations if v.property == name]
    assert any(words in sentence for sentence in said), report
    assert name in report.looked_at


@pytest.mark.parametrize("bug", SUBTLE)
def test_a_fault_that_hides_is_one_line_that_names_it(bug, rng):
    function, name = SUBTLE[bug]
    report = verify(function, rng)
    assert name in {violation.property for violation in report.violations}, report
    assert len(report.violations) <= 2, report  # a copy can also have another spread


LAYERS_AT_FAULT = {
    "stays_in_evaluation": "training",
    "eval_without_effect": "evaluation",
    "old_mask_in_evaluation": "gradient",
    "fresh_mask_backward": "gradient",
    "one_seed_for_all_layers": "seed",
    "mask_for_ever": "calls",
    "raises_in_training": "it_runs",
}


@pytest.mark.parametrize("name", LAYERS_AT_FAULT)
def test_a_quick_look_names_the_fault_of_a_layer(name, rng):
    report = verify(MUTANTS[name].subject.Dropout, rng)
    assert LAYERS_AT_FAULT[name] in {v.property for v in report.violations}, report


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda dy, right: right * dy.dtype.type(0.9), "not that of the forward pass"),
        (lambda dy, right: right.astype(float), "the gradient must be float32"),
        (lambda dy, right: (dy.fill(0), right)[1], "the backward pass changed dy"),
        (lambda dy, right: None, "got NoneType"),
    ],
)
def test_a_wrong_backward_pass_is_said(change, words, rng):
    class Mine(cn.Dropout):
        def backward(self, dy):
            right = super().backward(dy)
            return right if self.mask is None else change(dy, right)

    found = {v.property: v.sentence for v in verify(Mine, rng).violations}
    assert words in found["gradient"], found


def test_a_module_without_a_gradient_is_wrong(rng):
    class Detached(torch.nn.Dropout):
        def forward(self, x):
            return super().forward(x.detach())

    assert [v.property for v in verify(Detached, rng).violations] == ["gradient"]


def test_the_faults_that_p_one_half_hides(rng):
    """1/p in place of 1/(1-p) is right at one half: why that rate is never alone."""
    swapped = BUGS["scaled by 1/p"][0]
    assert set(swapped(np.ones(1000), 0.5, rng)) == {0.0, 2.0}
    (one,) = verify(swapped, rng).violations  # one fault is one line
    assert "p=0.1" in one.sentence and "p=0.3" in one.sentence


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
def test_modules_of_pytorch_are_right_and_multiply(name, form, rng):
    cls = getattr(torch.nn, name)
    report = verify(cls if form == "class" else cls(0.3), rng)
    assert (report.kind, report.form) == (OF_PYTORCH[name], form)
    assert set(report.looked_at) == set(READER)
    assert report, report
    assert [remark.property for remark in report.remarks] == ["selection"]  # #59421


FUNCTIONS = {
    "dropout": "dropout",
    "dropout1d": "ChannelDropout",
    "dropout2d": "ChannelDropout",
    "dropout3d": "ChannelDropout",
    "alpha_dropout": "AlphaDropout",
    "feature_alpha_dropout": "ChannelAlphaDropout",
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("level", ["quick", "thorough"])
def test_functions_of_pytorch_are_looked_at_as_what_they_are(name, level, rng):
    report = verify(getattr(F, name), rng, level=level)
    assert report, report
    assert (report.kind, report.framework) == (FUNCTIONS[name], "torch")


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
        y = of_torch(x, 0.9 * p, rng, training)
        return y * (1 - 0.9 * p) / (1 - p) if training and p < 1 else y

    class Off(OfTorch):
        def forward(self, x):
            return off(x, self.drop_prob, self.source, self.training)

    def layer(p, generator):
        return Off(p, generator)

    for faulty, kind in ((off, None), (layer, "Dropout")):
        report = verify(faulty, kind=kind)
        again = verify(faulty, np.random.default_rng(report.seed), kind=kind)
        assert report.violations == again.violations
        assert "rate" in {v.property for v in report.violations}


def test_a_function_that_builds_a_layer_needs_its_kind(rng):
    assert verify(lambda p, rng: cn.TimeDropout(p, rng), rng, kind="TimeDropout")
    assert verify(lambda p, rng: ct.TimeDropout(p, rng), rng, kind="TimeDropout")
    report = verify(lambda p: torch.nn.Dropout(p), rng, kind="Dropout")
    assert report, report
    assert report.framework == "torch"


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
    found = verify(both, rng, framework="torch").violations
    assert [violation.property for violation in found] == ["kept_values"]


# What is right in its own way ---------------------------------------------------------
class Open(cn.Dropout):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class OpenModule(torch.nn.Dropout):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class Gaussian(torch.nn.Module):
    """Divides by zero at p = 1, as most do."""

    def __init__(self, p):
        super().__init__()
        self.deviation = (p / (1 - p)) ** 0.5

    def forward(self, x):
        return x * (1 + self.deviation * torch.randn_like(x)) if self.training else x


def drop_path(x, drop_prob, training):
    """As in timm."""
    shape = (len(x), *(1,) * (x.ndim - 1))
    keep = x.new_empty(shape).bernoulli_(1 - drop_prob)
    return x * keep / ((1 - drop_prob) or 1) if training else x


class RngFirst(as_layer(textbook)):
    def __init__(self, rng, *, drop_prob):
        super().__init__(drop_prob, rng)


RIGHT_IN_ITS_WAY = {
    "hands its arguments on": (Open, None),
    "a layer of it": (Open(0.3, np.random.default_rng(0)), None),
    "a module that does": (OpenModule, None),
    "a module of it": (OpenModule(0.3), None),
    "gaussian at 1": (Gaussian, "GaussianDropout"),
    "drop_path": (drop_path, None),
    "another order": (RngFirst, None),
    "no backward": (as_layer(textbook), None),
    "multiplies": (multiplies, None),
    "training without default": (
        lambda x, p, rng, training: textbook(x, p, rng, training=training),
        None,
    ),
    "off by default": (
        lambda x, p, rng, training=False: textbook(x, p, rng, training=training),
        None,
    ),
    "any other option": (lambda x, p, rng, **on: textbook(x, p, rng, **on), None),
    "builds a module": (lambda p, rng: torch.nn.Dropout(p), "Dropout"),
    "nested": (lambda p: torch.nn.Sequential(torch.nn.Dropout(p)), "Dropout"),
    "torch.dropout": (lambda x, p, training: torch.dropout(x, p, training), None),
    "torch.nn": (torch.nn.Dropout, None),
}


@pytest.mark.parametrize("name", RIGHT_IN_ITS_WAY)
@pytest.mark.parametrize("level", ["quick", "thorough"])
def test_what_is_right_in_its_own_way_passes(name, level, rng):
    mine, kind = RIGHT_IN_ITS_WAY[name]
    report = verify(mine, rng, level=level, kind=kind)
    assert report, report


# The report ---------------------------------------------------------------------------
def test_a_report_says_what_is_violated_and_what_was_looked_at(rng):
    report = verify(BUGS["keeps all at 1"][0], rng)
    assert report.violations == (Violation("p_1", "p=1: the result must be all zeros"),)
    printed = str(report).splitlines()
    assert printed[0] == f"violated: 1 of {len(report.looked_at)} properties"
    assert printed[1] == "- p_1: p=1: the result must be all zeros"
    assert printed[2].startswith("looked at, as dropout (function, numpy, quick): result")
    assert any("mask_shape_shares_draws" in line for line in printed[3:])
    assert len(verify(textbook, rng).violations) == 0
    assert str(verify(textbook, rng)).startswith("violated: none of 18 properties\n")


def test_a_remark_does_not_make_a_dropout_wrong(rng):
    report = verify(multiplies, rng)
    assert report and not report.violations
    (remark,) = report.remarks
    assert remark.property == "selection" and "0 * inf is nan" in remark.sentence
    assert f"remark: {remark}" in str(report).splitlines()


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


class Wide(torch.nn.Dropout):
    def __init__(self, dim, p=0.5):
        super().__init__(p)


ERRORS = {
    "nested": (
        *(TypeError, "this holds another layer; got Sequential"),
        *((torch.nn.Sequential(torch.nn.Dropout(0.3)),), {}),
    ),
    "script": (
        *(TypeError, "this holds another layer"),
        *((type("ScriptModule", (torch.nn.Module,), {})(),), {}),
    ),
    "compiled": (
        *(TypeError, "this holds another layer"),
        *((torch.compile(torch.nn.Dropout(0.3), backend="eager"),), {}),
    ),
    "no signature": (TypeError, "must be called as", (torch.dropout,), {}),
    "size first": (TypeError, "missing 1 required .* 'dim'", (Wide,), {}),
    "no modes": (
        *(TypeError, r"dropout must have train\(\) and eval\(\)"),
        *((type("Mine", (), {"__init__": lambda self, p, rng: None}),), {}),
    ),
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
