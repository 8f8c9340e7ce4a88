"""Both frameworks have every property of the contract, with fresh seeds."""

import types
import warnings

import numpy as np
import pytest

import companion.numpy as cn
from companion.verify.adapters import SUBJECTS
from companion.verify.contract import PROPERTIES, property_of, violations
from companion.verify.contract._register import layers

CASES = {
    f"{one.topic}-{framework}-{one.name}": (framework, one)
    for one in PROPERTIES
    for framework in SUBJECTS
    # The masks of both frameworks are those of companion.masks: once is enough.
    if framework == "numpy" or one.needs != ("keep_mask",)
}


@pytest.mark.parametrize(("framework", "one"), CASES.values(), ids=CASES)
def test_the_property_holds(framework, one, rng):
    one.function(SUBJECTS[framework], rng)


def test_every_public_name_is_looked_at():
    looked_at = {one.needs[0] for one in PROPERTIES}
    missing = set(cn.__all__) - {"nn"} - looked_at
    assert missing == set(), "give a kind its cases in companion/verify/_kinds.py"


def test_a_name_says_one_property():
    assert len({one.name for one in PROPERTIES}) == len(PROPERTIES)


@pytest.mark.parametrize("one", PROPERTIES, ids=lambda one: one.name)
def test_a_property_is_a_sentence_about_a_topic(one):
    assert one.sentence.endswith(".")
    assert one.topic in {"dropout", "granularity", "masks", "models", "noise", "weighted"}


def test_a_layer_is_built_in_every_way_that_it_accepts(rng):
    def make(p, *, rng, channels_last=False):
        return p, channels_last

    assert len(layers(make, "ChannelDropout")) == 6
    make.accepts = lambda case: not case.options
    built = [layer.build(0.3, rng) for layer in layers(make, "ChannelDropout")]
    assert built == [(0.3, False)] * 3


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


def test_a_violation_says_what_was_seen(rng):
    def rare(x, p, rng, *, training=True, mask_shape=None):
        y = cn.dropout(x, p / 2, rng, training=training, mask_shape=mask_shape)
        return y * (1 - p / 2) / (1 - p) if training else y

    found = violations(types.SimpleNamespace(dropout=rare), rng)
    (line,) = (one for one in found if one.startswith("dropout_is_independent"))
    assert "p=0.1" in line and "wrong=0.05" in line and "of the elements" in line


def test_only_and_stop_limit_the_work(rng):
    wrong = types.SimpleNamespace(
        dropout=lambda x, p, rng, **_: x, dropout_backward=lambda dy, mask, p: dy
    )
    assert len(violations(wrong, rng, only={"dropout_backward"})) == 1
    assert len(violations(wrong, rng, stop=True)) == 1


def test_an_input_that_is_changed_is_noticed_by_the_property_that_says_so(rng):
    def in_place(x, p, rng, *, training=True, mask_shape=None):
        y = cn.dropout(x, p, rng)
        if x.flags.writeable:
            x[...] = y
        return y

    found = violations(types.SimpleNamespace(dropout=in_place), rng)
    assert any(line.startswith("dropout_leaves_its_input") for line in found)


def test_the_constants_are_those_of_the_paper():
    """SELU's constants to 16 digits; a and b give mean 0 and variance 1."""
    from companion.verify._kinds import ALPHA_PRIME, alpha

    assert (
        pytest.approx(
            -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717,
            rel=1e-15,
        )
        == ALPHA_PRIME
    )
    for p in (0.1, 0.3, 0.8):
        a, b, dropped = alpha(p)
        mean = (1 - p) * b + p * dropped
        variance = (1 - p) * (a**2 + b**2) + p * dropped**2 - mean**2
        assert np.allclose([mean, variance], [0, 1], atol=1e-12)


def test_nothing_to_look_at_is_an_error(rng):
    with pytest.raises(ValueError, match="subject must have one of the names"):
        violations(object(), rng)
    with pytest.raises(TypeError, match="needs must not be empty"):
        property_of()
