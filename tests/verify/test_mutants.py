"""The gate: every faulty dropout of the catalogue fails the suite's core, on any seed."""

import pytest

from companion.verify.contract import violations
from companion.verify.mutants import MUTANTS, RIGHT, mutant

# The kinds that were planted in PyTorch's functions to judge PyTorch's own tests, and
# where each stands in the catalogue. (Its fault of inplace=True has no place here: no
# function of the companion works in place.)
PLANTED = {
    "identity_train": "never_active",
    "bias_+2pct": "two_points_too_many",
    "bias_rel": "five_percent_too_many",
    "scale_off": "scale_two_percent_off",
    "gaussian": "gaussian_instead",
    "grad_unscaled": "unscaled_gradient",
    "swapped_p": "swapped_rates",
    "no_rescale": "unscaled",
    "no_drop_first_row": "first_row_is_safe",
    "mutates_input": "overwrites_its_input",
    "four_adjacent": "four_share_a_bit",
    "nd_drop_whole_sample": "channels_by_example",
    "nd_same_channels": "same_channels_for_all",
    "nd_scale_off": "channels_scaled_wrongly",
    "nd_plain": "channels_by_element",
    "alpha_no_affine": "alpha_without_affine",
    "ignores_seed": "ignores_the_seed",
    "grad_fresh_mask": "fresh_mask_backward",
    "grad_identity": "identity_gradient",
    "alpha_drops_to_zero": "alpha_to_zero",
    "same_mask_every_call": "frozen_mask",
    "mask_shared_over_batch": "batch_shares_a_mask",
    "reseeds_global_rng": "reseeds_the_world",
    "nd_identity_train": "channels_never",
    "alpha_identity": "alpha_identity",
    "alpha_returns_pure_noise": "alpha_pure_noise",
}


# Mutants whose fault is that they accept nonsense.
CARELESS = {
    "accepts_a_seed",
    "accepts_integers",
    "accepts_number_masks",
    "clips_the_rate",
    "survivors_at_one",
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_mutant_is_killed(name, rng):
    one = MUTANTS[name]
    found = violations(one.subject, rng, only=one.replaces, stop=True)
    assert found, f"{name} survives: {one.fault}"
    # Not by the way: for its fault, and not because it forgot to check an argument.
    assert ("_refuse" in found[0]) is (name in CARELESS)


def test_the_right_package_survives(rng):
    assert violations(RIGHT, rng) == []


def test_the_catalogue_has_every_planted_kind():
    assert len(MUTANTS) >= 40
    assert set(PLANTED.values()) <= set(MUTANTS)


@pytest.mark.parametrize("name", MUTANTS)
def test_each_mutant_says_what_is_wrong_and_where_it_was_found(name):
    one = MUTANTS[name]
    assert one.fault.endswith(".")
    assert len(one.origin) > 15
    for replaced in one.replaces:
        assert getattr(one.subject, replaced) is not getattr(RIGHT, replaced)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="replaces must name parts"):
        mutant("drpout", origin="a slip")
