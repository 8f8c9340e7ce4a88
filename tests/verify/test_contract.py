"""Both frameworks satisfy the core of the suite, with fresh seeds."""

import types
import warnings

import pytest

import companion.numpy as cn
from companion.verify.adapters import SUBJECTS
from companion.verify.contract import CHECKS, check, violations

CASES = {
    f"{framework}-{one.name}": (framework, one)
    for framework in SUBJECTS
    for one in CHECKS
    # The masks of both frameworks are those of companion.masks: once is enough.
    if framework == "numpy" or one.needs != ("keep_mask",)
}


@pytest.mark.parametrize(("framework", "one"), CASES.values(), ids=CASES)
def test_the_property_holds(framework, one, rng):
    one.function(SUBJECTS[framework], rng)


def test_every_public_name_is_checked():
    checked = {need for one in CHECKS for need in one.needs}
    assert set(cn.__all__) - {"nn"} <= checked


def test_an_exception_of_the_subject_is_a_violation(rng):
    def broken(x, p, rng, *, training=True, mask_shape=None):
        raise KeyError("gone")

    found = violations(types.SimpleNamespace(dropout=broken), rng)
    assert all("KeyError: 'gone'" in line for line in found[:3])
    assert len(found) > 10


def test_a_warning_of_the_subject_is_a_violation(rng):
    def noisy(shape, p, rng):
        warnings.warn("careful", stacklevel=1)
        return cn.dropout

    assert "careful" in violations(types.SimpleNamespace(keep_mask=noisy), rng)[0]


def test_only_and_stop_limit_the_work(rng):
    wrong = types.SimpleNamespace(
        dropout=lambda x, p, rng, **_: x, dropout_backward=lambda dy, mask, p: dy
    )
    assert len(violations(wrong, rng, only={"dropout_backward"})) == 1
    assert len(violations(wrong, rng, stop=True)) == 1


def test_nothing_to_check_is_an_error(rng):
    with pytest.raises(ValueError, match="subject must have one of the names"):
        violations(object(), rng)
    with pytest.raises(TypeError, match="needs must not be empty"):
        check()
