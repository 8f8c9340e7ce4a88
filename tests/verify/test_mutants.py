"""The gate: every faulty dropout of the catalogue violates a property, on any seed."""

import pytest

from companion.verify.__main__ import main
from companion.verify.contract import PROPERTIES, violations
from companion.verify.mutants import MUTANTS, RIGHT, kills, mutant

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


IDS = {"ids": lambda one: f"{one.topic}-{one.name}"}


@pytest.mark.parametrize("one", MUTANTS.values(), **IDS)
def test_the_mutant_is_killed(one, rng):
    found = violations(one.subject, rng, only=one.replaces, stop=True)
    assert found, f"{one.name} survives: {one.fault}"
    # Not by the way: for its fault, and not because it forgot to check an argument.
    assert ("_refuse" in found[0]) is (one.name in CARELESS)


def test_the_right_package_survives(rng):
    assert violations(RIGHT, rng) == []


def test_the_catalogue_has_every_planted_kind():
    assert len(MUTANTS) >= 40
    assert set(PLANTED.values()) <= set(MUTANTS)


@pytest.mark.parametrize("one", MUTANTS.values(), **IDS)
def test_each_mutant_says_what_is_wrong_and_where_it_was_found(one):
    assert one.fault.endswith(".")
    assert len(one.origin) > 15
    for replaced in one.replaces:
        assert getattr(one.subject, replaced) is not getattr(RIGHT, replaced)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="replaces must name parts"):
        mutant("drpout", origin="a slip")


@pytest.mark.parametrize("one", MUTANTS.values(), **IDS)
def test_its_topic_is_that_of_the_properties_that_look_at_it(one):
    topics = {p.topic for p in PROPERTIES if p.needs[0] in one.replaces}
    assert one.topic in topics


def test_kills_names_the_mutants_that_a_property_notices(rng):
    by_name = {one.name: one for one in PROPERTIES}
    assert kills(by_name["TimeDropout_granularity"], rng) == [
        "time_not_shared",
        "locked_over_the_batch",
    ]
    found = kills(by_name["dropout_selects"], rng)
    assert "multiplies" in found and "swapped_rates" not in found
    with pytest.raises(TypeError, match="one must be a property"):
        kills("dropout_selects", rng)


def test_the_command_says_which_mutants_a_property_kills(capsys):
    main(["kills", "weighted"])
    printed = "\n" + capsys.readouterr().out
    for one in PROPERTIES:
        assert (f"\n{one.name}: " in printed) is (one.topic == "weighted")
    for one in MUTANTS.values():
        assert (f"    {one.name}\n" in printed) is (one.topic == "weighted")
    assert printed.endswith("noticed by none of these: -\n")
    main(["kills", "siblings"])  # of every layer, whatever the topic of its kind
    out = capsys.readouterr().out
    assert "Dropout_siblings:" in out and "ChannelAlphaDropout_siblings:" in out
    main(["kills", "TimeDropout_granularity"])
    assert "    time_not_shared\n" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["kills", "granulation"])
    assert "'granulation' is no property, and no topic" in capsys.readouterr().err
