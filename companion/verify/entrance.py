"""Is it right? One entrance for a function, a layer or a module."""

import dataclasses
import functools
import secrets
import types
import warnings
from typing import NamedTuple

import numpy as np

from companion._arguments import check_generator
from companion.verify._counts import circumstances
from companion.verify._kinds import CASES, ELEMENTS
from companion.verify._recognise import import_adapters, recognise
from companion.verify.contract import PROPERTIES
from companion.verify.mutants import RIGHT
from companion.verify.properties import READER, REMARKS, binomial, reader_findings

LEVELS = ("quick", "thorough")
DRAWS = 10_000  # how often, about, a quick look lets a layer draw


class Violation(NamedTuple):
    """One violated property.

    Attributes
    ----------
    property : str
        Its name.
    sentence : str
        What is wrong.

    Notes
    -----
    Explained in chapter 3, with `verify`.

    Examples
    --------
    >>> print(Violation("rate", "p=0.3: 0.250 of the elements were dropped"))
    rate: p=0.3: 0.250 of the elements were dropped
    """

    property: str
    sentence: str

    def __str__(self):
        return f"{self.property}: {self.sentence}"


@dataclasses.dataclass(frozen=True, repr=False)
class Report:
    """What `verify` found: true if no property is violated; prints what is.

    Attributes
    ----------
    violations : tuple of Violation
        Empty for a correct dropout.
    remarks : tuple of Violation
        What is worth knowing of a correct dropout, such as that it multiplies.
    looked_at : tuple of str
        Names of the properties that were looked at.
    left_out : dict of str
        What could not be looked at, and why.
    kind, framework, form, level : str
        What the dropout was taken for, and how closely it was looked at.
    seed : int or None
        Repeats the report: ``rng = numpy.random.default_rng(seed)``. None if
        `verify` was given a generator.

    Notes
    -----
    Explained in chapter 3, with `verify`.

    Examples
    --------
    >>> from companion.numpy import dropout
    >>> report = verify(dropout)
    >>> bool(report), len(report.looked_at), report.kind
    (True, 18, 'dropout')
    """

    violations: tuple
    remarks: tuple
    looked_at: tuple
    left_out: dict
    kind: str
    framework: str
    form: str
    level: str
    seed: int | None

    def __bool__(self):
        return not self.violations

    def __repr__(self):
        violated = len(self.violations) or "none"
        lines = [f"violated: {violated} of {len(self.looked_at)} properties"]
        lines += [f"- {violation}" for violation in self.violations]
        lines += [f"remark: {remark}" for remark in self.remarks]
        lines.append(
            f"looked at, as {self.kind} ({self.form}, {self.framework}, {self.level}): "
            + ", ".join(self.looked_at)
        )
        shared = {one.property for one in self.violations} & {"examples", "units"}
        if shared and self.kind.lower() == "dropout":
            lines.append("if draws are shared on purpose, say so: kind='ChannelDropout'")
        for why in dict.fromkeys(self.left_out.values()):
            names = [name for name, reason in self.left_out.items() if reason == why]
            lines.append(f"not looked at: {', '.join(names)} ({why})")
        if self.seed is not None:
            lines.append(f"repeat with rng = numpy.random.default_rng({self.seed})")
        return "\n".join(lines)


def verify(dropout, rng=None, *, level="quick", kind=None, framework=None):
    """Say whether a dropout is right, and if not, what is wrong with it.

    Parameters
    ----------
    dropout : callable or type
        A function ``dropout(x, p, rng, *, training)``; a layer, or the class of
        one, that is built from (p, rng), called with x, and has `train()` and
        `eval()`; or, with `kind`, a function (p, rng) that builds a layer. In
        NumPy, or in PyTorch, where rng may be a generator of either or missing:
        `torch.nn.Dropout` is right, with a remark.
    rng : numpy.random.Generator, optional
        Source of all randomness, here and in the dropout. By default a fresh one,
        whose seed the report names.
    level : str
        "quick" looks at the properties of `companion.verify.properties.READER`,
        in a fraction of a second. "thorough" adds of the contract what any right
        dropout satisfies: finite differences, half precision, layouts, large arrays.
        What the companion alone promises, `contract.violations` looks at. Of kinds
        that do not mask their input there is only the contract.
    kind : str, optional
        What it should be, by its name in `companion.numpy`, such as
        "ChannelDropout". By default the name of the function or of one of its
        classes, here or in PyTorch, then "dropout" for a function and "Dropout" for
        a layer.
    framework : str, optional
        "numpy" or "torch". By default what its class says; a function is tried,
        first on an array and then, if PyTorch is imported, on a tensor.

    Returns
    -------
    Report
        True if nothing is violated. An exception of the dropout is a violation; that
        it multiplies, so that an inf becomes nan, is a remark.

    Raises
    ------
    ModuleNotFoundError
        If SciPy or PyTorch is needed and missing; it says what to install.

    Notes
    -----
    Looked at with p = 0.1, 0.3 and 0.8, and with three rates that rng draws. Masks are
    compared at neighbours, at half the length and at random distances, in every
    relative position. A right dropout is refused by each count with a probability of
    at most 1e-9. Of a function, 100,000 elements are drawn: a rate that is off by
    0.015 is noticed in more than 999 of 1,000 cases. Explained in chapter 3; the
    contract in chapter 9, with `violations`.

    Examples
    --------
    >>> import companion.numpy
    >>> bool(verify(companion.numpy.ChannelDropout))
    True
    >>> def unscaled(x, p, rng, *, training=True):
    ...     return np.where(rng.random(x.shape) >= p, x, 0.0) if training else x
    >>> print(verify(unscaled).violations[0])  # doctest: +ELLIPSIS
    kept_values: p=0.1: kept values are not x / (1 - p): ...
    """
    if level not in LEVELS:
        raise ValueError(f"level must be one of {', '.join(LEVELS)}; got {level!r}.")
    seed = None
    if rng is None:
        seed = secrets.randbits(64)
        rng = np.random.default_rng(seed)
    check_generator(rng)
    binomial()  # without SciPy nothing can be judged, and that is no fault of the dropout
    judged = recognise(dropout, kind, framework)
    looked_at, found = {}, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a warning is no fault
        for name, where, wrong in _findings(judged, level, rng):
            looked_at[name] = None
            if wrong:
                found.setdefault(name, []).append((where, wrong))
    lines = [Violation(name, _sentence(*seen)) for name, seen in found.items()]
    return Report(
        tuple(one for one in lines if one.property not in REMARKS),
        tuple(one for one in lines if one.property in REMARKS),
        *(tuple(looked_at), judged.left_out),
        *(judged.kind, judged.framework, judged.form, level, seed),
    )


def _sentence(first, *others):
    """One fault is one line: the first case, and where it was met again."""
    where, wrong = first
    again = dict.fromkeys(other for other, _ in others)
    return (
        (f"{where}: " if where else "")
        + wrong
        + (f" (also at {'; '.join(again)})" if again else "")
    )


def _findings(judged, level, rng):
    """Yield the name of each property, where and what is wrong; note what is left out."""
    mine = [one for one in PROPERTIES if one.needs[0] == judged.kind]
    contract = [one for one in mine if not one.beyond and one.name not in judged.left_out]
    cases = [ELEMENTS, *CASES["Dropout"][1:]] if judged.kind == "dropout" else []
    cases += [one for one in CASES.get(judged.kind, []) if judged.make.accepts(one)]
    if cases:
        right = yield from _quick_findings(judged.make, cases, rng, judged.left_out)
        if level == "quick" or not right:  # one fault is one line
            why = "level='thorough' does" if level == "quick" else "not reached"
            judged.left_out[f"{len(contract)} properties of the contract"] = why
            return
    if promises := len([one for one in mine if one.beyond]):
        why = "companion.verify.contract.violations does"
        judged.left_out[f"{promises} promises of the companion alone"] = why
    of_numpy = judged.framework == "numpy"
    subject = RIGHT if of_numpy else import_adapters().SUBJECTS["torch"]
    subject = types.SimpleNamespace(**vars(subject) | {judged.kind: judged.target})
    for one in contract:
        yield one.name, "", one.violation(subject, rng, warned="ignore")


def _quick_findings(make, cases, rng, left_out):
    """Yield findings for each case, up to the first violation; return whether none is."""
    reached, faulty = set(), False
    for i, case in enumerate(cases):
        case = case.with_draws(DRAWS) if case is not ELEMENTS else case
        try:
            of_case = functools.partial(make, **case.options)
            for name, where, wrong in reader_findings(of_case, case, rng):
                reached.add(name)
                faulty = faulty or bool(wrong and name not in REMARKS)
                yield name, where, wrong
        except ModuleNotFoundError:  # what is not installed is no fault of the dropout
            raise
        except Exception as error:  # the dropout may raise anything
            faulty = True
            raised = f"it raised {type(error).__name__}: {error}"
            yield "it_runs", circumstances(error), raised
        if faulty:
            left_out.update(
                (f"x of shape (N, {str(case.shape[1:])[1:]}", "not reached")
                for case in cases[i + 1 :]
            )
            left_out.update(
                (name, "not reached") for name in READER if name not in reached
            )
            return False
    return True
