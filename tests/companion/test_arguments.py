"""Every check at its edges: what just passes comes back plain, what just fails is named.

`test_bad_input.py` hands bad values to the public functions; here each check is alone.
"""

import math
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from companion import _arguments as checks

INF, BELOW_1 = math.inf, 1 - 2.0**-53
RNG, X, KEEP = np.random.default_rng(0), np.ones((2, 3)), np.ones((2, 3), bool)
MASKED = np.ma.masked_array([1.0, 2.0])
STEPS = SimpleNamespace(step=print)


class SymInt:
    """A size that a compiler leaves open."""


SYMBOL = SymInt()
THIRDS = [np.full(3, 1 / 3, dtype) for dtype in ("f2", "f4", "f8")]

TAKEN = {
    "p": [((0,), 0.0), ((1,), 1.0), ((np.float32(0.5),), 0.5), ((Fraction(1, 4),), 0.25)],
    "below_1": [(("p", 0), 0.0), (("p", BELOW_1), BELOW_1)],
    "logit": [((0.5,), 0.0), ((0.8,), math.log(0.8) - math.log1p(-0.8))],
    "int": [(("n", 3, 3), 3), (("n", 5, 3, 5), 5), (("n", np.uint8(7), 0), 7)],
    "count": [(("n", 1), 1), (("n", np.int8(64)), 64)],
    "multiple": [(("n", 20, 10), None)],
    "real": [(("x", -2), -2.0), (("x", Fraction(1, 4)), 0.25)],
    "rate": [(("x", 0), 0.0), (("x", BELOW_1, 1), BELOW_1), (("x", 9), 9.0)],
    "axes": [(("x", (2, 3), (1, 2), "(...)"), None)],
    "generator": [((RNG,), None)],
    "shape": [
        ((5,), (5,)), (((),), ()), (([2, 3],), (2, 3)), ((np.array([2, 3]),), (2, 3)),
        (((0, 2**59),), (0, 2**59)), (((1,) * 64,), (1,) * 64),
        (((SYMBOL, 3),), (SYMBOL, 3)),
    ],
    "maps": [(((2, 3, 4),), (2, 3, 4)), (((2, 3, 4, 5),), (2, 3, 4, 5))],
    "block": [((1, 1), (1, (1,))), ((3, (3, 4)), (3, (3, 4)))],
    "mask_shape": [
        ((None, (2, 3)), (2, 3)), (((), (2, 3)), ()), (((3,), (2, 3)), (3,)),
        (((2, 1, 4), (2, 3, 4)), (2, 1, 4)), (((1, 3, 4), (2, 3, 4)), (1, 3, 4)),
    ],
    "mask": [((KEEP,), KEEP)],
    "mask_fits": [(((2, 3), (2, 3)), None), (((3,), (2, 3)), None)],
    "nothing_kept": [((False,), None)],
    "same_length": [(([1], [2]), None)],
    "numbers": [
        (("y", [0, 2], 3), np.array([0, 2])), (("y", [1], 2), np.array([1])),
        (("y", np.array([0], np.uint8), 1), np.array([0], np.uint8)),
        (("y", np.zeros(0, int), 0), np.zeros(0, int)),
    ],
    "logits": [(((1, 0), (1,)), None)],
    "same_logits": [(((2, 3), [2, 3]), None)],
    "array": [(("x", X), None), (("x", X.astype("f2"), (2, 3)), None)],
    "vector": [(("x", X[0]), None)],
    "table": [((X, "t", X[:, 0], 0), None), ((X, "w", X[0], 1), None)],
    "masks": [((KEEP,), None)],
    "one_for_each_mask": [
        (("z", np.ones(2**n), (1,), "(2^n,)"), n) for n in range(4)
    ],
    "finite": [(("x", X), None)],
    "covariance": [((np.diag([0.0, 0.5]),), None)],
    "joint": [((np.array([0.0, 1.0]),), None), *(((each,), None) for each in THIRDS)],
    "scaling": [((BELOW_1,), BELOW_1), ((1, False), 1.0)],
    "choice": [(("x", "a", ("a", "b")), "a")],
    "length": [(("x", [1, 2], 2), None)],
    "seeds": [(([0, 2**70],), (0, 2**70)), ((range(2),), (0, 1))],
    "sequence": [(("x", [1, 2]), (1, 2)), (("x", range(2)), (0, 1))],
    "increasing": [(("x", [1, 1.5], 2), (1, 1.5))],
    "holds": [
        (("x", [0.3], (0.3,)), (0.3,)), (("x", (0, 1), (1,), 0), (0, 1)),
    ],
    "samples": [
        (("x", [[1, 2]], 2), np.array([[1.0, 2.0]])),
        (("x", [[1, 2], [3, math.nan]], 2, False), np.array([[1.0, 2.0], [3.0, math.nan]])),
    ],
    "between_0_and_1": [(("x", BELOW_1), BELOW_1), (("x", 2.0**-1074), 2.0**-1074)],
    "flag": [(("x", True), None), (("x", np.False_), None)],
    "model": [((X, np.ndarray), None)],
    "output": [((X, (np.ndarray, float)), None)],
    "above_0": [(("x", 2.0**-1074), 2.0**-1074), (("x", INF), INF)],
    "optimizer": [((STEPS,), None)],
}  # fmt: skip
SAME_P = [
    (("0.5",), TypeError, "^p must be a real number"), ((True,), TypeError, "^p must"),
    ((-1e-9,), ValueError, r"^p must lie in \[0, 1\]"), ((1 + 1e-9,), ValueError, "^p must"),
    ((math.nan,), ValueError, "got nan"),
]  # fmt: skip
REFUSED = {
    "p": SAME_P,
    "below_1": [(("q", 1), ValueError, "^q must be below 1"),
                (("q", 2), ValueError, "^q must lie")],
    "logit": [*SAME_P, ((0,), ValueError, "strictly"), ((1.0,), ValueError, "strictly")],
    "int": [
        (("n", 2, 3), ValueError, r"^n must be at least 3; got 2\.$"),
        (("n", 6, 3, 5), ValueError, r"^n must lie in \[3, 5\]; got 6\.$"),
        (("n", True, 0), TypeError, r"^n must be an int; got True\.$"),
        (("n", 1.0, 0, 5, "So."), TypeError, r"^n must be an int; got 1\.0\. So\.$"),
    ],
    "count": [(("n", 0), ValueError, "^n must be at least 1; got 0. Pass for example")],
    "multiple": [(("n", 25, 10), ValueError, "^n must be a multiple of 10; got 25")],
    "real": [
        (("x", True), TypeError, "^x must be a real"), (("x", "1"), TypeError, "^x must"),
        (("x", 10**400), ValueError, "^x must have the size of a float"),
    ],
    "rate": [
        (("x", -1e-9), ValueError, r"^x must lie in \[0, inf\)"),
        (("x", 1, 1), ValueError, r"^x must lie in \[0, 1\)"),
        (("x", INF), ValueError, "^x must lie"), (("x", None), TypeError, "^x must be a"),
    ],
    "axes": [(("x", (2,), (2,), "(n, m)"), ValueError, r"^x must have shape \(n, m\); got \(2,\)")],
    "generator": [
        ((0,), TypeError, "^rng must be a numpy.random.Generator; got 0"),
        ((np.random.Generator(np.random.MT19937(0)),), TypeError, "^rng must draw 64-bit"),
    ],
    "shape": [
        (((2, -1),), ValueError, "^shape must have sizes of 0 or more"),
        (((2, 1.0), "s"), TypeError, "^s must be an int or a tuple"),
        (((True,),), TypeError, "^shape must be an int"), (("23",), TypeError, "^shape must"),
        ((np.ones((1, 1), int),), TypeError, "^shape must be an int"),
        ((2.5,), TypeError, "^shape must be an int"),
        (((1,) * 65,), ValueError, "^shape must have at most 64 axes"),
        (((0, 2**60),), ValueError, "^shape must have at most"),
    ],
    "maps": [(((2, 3),), ValueError, "^shape must be"), (((1,) * 5,), ValueError, "^shape")],
    "block": [
        ((0, 3), ValueError, "^block_size must be at least 1"),
        ((4, (3, 4)), ValueError, r"^block_size must not exceed.*got 4.*\(3, 4\)"),
        ((1, ()), ValueError, "^block_size must not"), ((1, "2"), TypeError, "^map_shape"),
    ],
    "mask_shape": [
        (((3, 3), (2, 3)), ValueError, "^mask_shape must broadcast"),
        (((1, 2, 3), (2, 3)), ValueError, "^mask_shape must broadcast"),
        (((4, 3, 2), (2, 3, 4)), ValueError, "^mask_shape must broadcast"),
        (((2, 1.0), (2, 3)), TypeError, "^mask_shape must be an int"),
    ],
    "mask": [
        ((X,), TypeError, "^mask must be.*got float64"), (([True],), TypeError, "got list"),
        ((np.ma.masked_array(KEEP),), TypeError, "got MaskedArray"),
    ],
    "mask_fits": [
        (((3, 3), (2, 3)), ValueError, r"^mask must broadcast.*got mask of shape \(3, 3\)"),
        (((4, 2, 3), (2, 3), "noise"), ValueError, "^noise must broadcast"),
    ],
    "nothing_kept": [((True,), ValueError, "^mask must be all False")],
    "same_length": [(([1], [2, 3]), ValueError, "^x and labels must.*got 1 and 2")],
    "numbers": [
        (("y", [0.0], 3), TypeError, "^y must be integers"),
        (("y", [-1, 0], 3), ValueError, r"^y must lie in \[0, 3\); got -1\.\.0"),
        (("y", [0, 3], 3), ValueError, r"got 0\.\.3"), (("y", MASKED, 3), TypeError, "^y must"),
    ],
    "logits": [
        (((2, 3), (3,)), ValueError, r"^logits must have.*got \(2, 3\) and \(3,\)"),
        (((2,), (2,)), ValueError, "^logits"), (((2, 3, 1), (2,)), ValueError, "^logits"),
        (((0, 3), (0,)), ValueError, "^logits"),
    ],
    "same_logits": [(((2, 3), (3, 3)), ValueError, r"got \(2, 3\) and \(3, 3\)")],
    "array": [
        (("x", [1.0]), TypeError, "^x must be a NumPy array of floats; got .* of type list"),
        (("x", KEEP), TypeError, "^x must be"), (("x", MASKED), TypeError, "MaskedArray"),
        (("x", X, (3, 2)), ValueError, r"^x must have shape \(3, 2\); got \(2, 3\)"),
    ],
    "vector": [(("x", X), ValueError, r"^x must have shape \(n,\)"),
               (("x", 1.0), TypeError, "^x must be")],
    "table": [
        ((X[0], "t", X[0], 0), ValueError, r"^x must have shape \(N, n\)"),
        ((KEEP, "t", X[0], 0), TypeError, "^x must be a NumPy array"),
        ((X, "t", X[0], 0), ValueError, r"^t must have shape \(2,\); got \(3,\)"),
        ((X, "w", KEEP, 1), TypeError, "^w must be"),
    ],
    "masks": [((X,), TypeError, "^masks must be"), (([[True]],), TypeError, "^masks must"),
              ((KEEP[0],), ValueError, r"^masks must have shape \(m, n\); got \(3,\)")],
    "one_for_each_mask": [
        (("z", np.ones(shape), (1,), "(2^n,)"), ValueError, r"^z must have shape \(2\^n,\)")
        for shape in ((), (0,), (3,), (6,), (2, 2))
    ] + [(("z", [1.0], (1,), "(2^n,)"), TypeError, "^z must be")],
    "finite": [(("x", np.array([1.0, value])), ValueError, "^x must be finite")
               for value in (math.nan, INF)],
    "covariance": [
        ((np.array([[1.0, 0.5], [0.4, 1.0]]),), ValueError, "^covariance must be symmetric"),
        ((np.diag([1.0, -1e-9]),), ValueError, "^covariance must be"),
    ],
    "joint": [
        (([1.0],), TypeError, "^joint must be"), ((np.array(1.0),), ValueError, "one axis"),
        ((np.array([1.5, -0.5]),), ValueError, r"smallest entry of -0\.5"),
        ((np.array([0.5, 0.5 + 1e-8]),), ValueError, "a sum of"),
        ((np.array([0.5, 0.5 + 2**-10], "f2"),), ValueError, r"a sum of 1\.0009765625"),
    ],
    "scaling": [((1,), ValueError, "^p must be below 1"), ((2, False), ValueError, "^p must"),
                ((0.3, None), TypeError, "^inverted must be True or False")],
    "choice": [(("x", value, ("a", "b")), ValueError, r"^x must be among \('a', 'b'\)")
               for value in ("c", ["a"], np.array(["a"]))],
    "length": [(("x", [1], 2), ValueError, "^x must hold at least 2; got 1")],
    "seeds": [
        *((([1, seed],), ValueError, "^seeds must be ints") for seed in (-1, True, 0.5, "2")),
        (([2, 2],), ValueError, "^seeds must all be different"),
        ((3,), TypeError, "^seeds must be a sequence"),
    ],
    "sequence": [(("x", value), TypeError, "^x must be a sequence")
                 for value in (1, "ab", b"ab", {1}, {1: 2})],
    "increasing": [(("x", value, 2), ValueError, "^x must be 2 or more that increase")
                   for value in ([1], [1, 1], [2, 1])]
    + [(("x", ["a", "b"], 2), TypeError, "^x must"), (("x", 1, 2), TypeError, "^x must")],
    "holds": [
        (("x", (0.1,), (0.3, 0.5)), ValueError, r"^x must hold 0\.3, 0\.5; got \(0\.1,\)"),
        (("x", (1, 0), (1,), 0), ValueError, "^x must begin with 0 and hold 1; got"),
        (("x", ("a",), ("a",)), TypeError, "^x must hold real numbers"),
        (("x", 0.3, (0.3,)), TypeError, "^x must be a sequence"),
    ],
    "samples": [
        (("x", [[1.0]], 2), ValueError, r"^x must be 2 or more finite numbers; got \[1\.0\]"),
        (("x", [[1, 2], [3]], 2), ValueError, "numbers, the same number in each; got"),
        (("x", [X], 2), ValueError, "^x must be"), (("x", [["a", "b"]], 2), ValueError, "^x"),
        (("x", [[1, INF]], 2), ValueError, "^x must be 2 or more finite"),
    ],
    "between_0_and_1": [(("x", value), ValueError, r"^x must lie in \(0, 1\)")
                        for value in (0, 1, 1.5)] + [(("x", "1"), TypeError, "^x must be")],
    "flag": [(("x", value), TypeError, "^x must be True or False")
             for value in (1, "True", [True], None)],
    "model": [((X, dict), TypeError, r"^model must be a builtins\.dict; got")],
    "output": [((X, dict), TypeError, "^model must return one.*got ndarray")],
    "above_0": [(("x", 0), ValueError, "^x must be above 0"), (("x", math.nan), ValueError, "^x"),
                (("x", True), TypeError, "^x must be a real")],
    "optimizer": [((value,), TypeError, "^optimizer must have a method step")
                  for value in (None, SimpleNamespace(step=1), type("O", (), {"step": print}))],
}  # fmt: skip


def rows(table):
    return [(name, *row) for name, of_one in table.items() for row in of_one]


@pytest.mark.parametrize(("name", "given", "returned"), rows(TAKEN))
def test_what_just_passes_comes_back_plain(name, given, returned):
    """The representation tells numpy.uint8(7) from 7, and 1 from 1.0."""
    assert repr(getattr(checks, f"check_{name}")(*given)) == repr(returned)


@pytest.mark.parametrize(("name", "given", "error", "message"), rows(REFUSED))
def test_what_just_fails_is_named(name, given, error, message):
    with pytest.raises(error, match=message):
        getattr(checks, f"check_{name}")(*given)


def test_every_check_is_tried_on_both_sides():
    names = {name[6:] for name in vars(checks) if name.startswith("check_")}
    assert names - {"not_empty"} == TAKEN.keys() == REFUSED.keys()


def test_several_sequences_are_looked_at_together():
    checks.check_not_empty(a=[1], b=(2,))
    with pytest.raises(
        ValueError, match=r"^a and b must not be empty; got \[\] and \(1,\)"
    ):
        checks.check_not_empty(a=[], b=(1,))


def test_arrays_of_numbers_lose_nothing():
    assert repr(checks.as_array("x", 1.0)) == repr(np.array(1.0))
    assert repr(checks.as_reals("x", [1, 2])) == repr(np.array([1.0, 2.0]))
    for lost in (MASKED, [MASKED], (MASKED,)):
        with pytest.raises(TypeError, match=r"^x must not be masked"):
            checks.as_reals("x", lost)
    with pytest.raises(TypeError, match=r"^x must be an array of numbers, with data"):
        checks.as_array("x", [[1], [2, 3]])
    for no_reals in ([1j], ["1"], [True]):
        with pytest.raises(TypeError, match=r"^x must hold real numbers"):
            checks.as_reals("x", no_reals)


def test_errors_of_what_is_missing_say_what():
    error = checks.missing("tqdm", "plots", "none")
    assert error.name == "tqdm" and "companion[plots]" in str(error)
    assert "a rate above 0" in str(checks.no_dropout(X, "with a rate above 0"))
