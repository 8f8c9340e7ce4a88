"""What makes a measurement an experiment: question, prediction, rule, table, verdict."""

import functools
import importlib
import pkgutil
from dataclasses import dataclass, replace
from html import escape
from typing import Any, NamedTuple

from companion._arguments import (
    as_array,
    check_choice,
    check_flag,
    check_length,
    check_sequence,
)
from companion.experiments.statistics import Interval, mean_interval

VERDICTS = ("reproduces", "weaker", "does not reproduce")
COLUMNS = ("measure", "setting", "n", "mean", "low", "high", "interval")
SHOWN = ("setting", "mean", "low", "high")  # below each measure, where space is short


class About(NamedTuple):
    """What an experiment states before it measures anything.

    Notes
    -----
    Explained in chapter 5, with `experiment`.

    Examples
    --------
    >>> About._fields
    ('name', 'question', 'prediction', 'source', 'rule', 'full_seeds')
    """

    name: str
    question: str
    prediction: str
    source: str
    rule: str
    full_seeds: int


class Row(NamedTuple):
    """One line of a finding: what was measured, in which setting, and its interval.

    Notes
    -----
    Explained in chapter 5, with `experiment`.

    Examples
    --------
    >>> row = Row("test loss, nats", "p = 0.2 - p = 0", Interval(-0.9, -1.0, -0.8, 8))
    >>> row.cells()
    ('test loss, nats', 'p = 0.2 - p = 0', '8', '-0.9', '-1', '-0.8', 't')
    """

    measure: str
    setting: str
    interval: Interval

    def cells(self):
        """Return the row as text, one entry for each of the columns."""
        i = self.interval
        numbers = (f"{value:.3g}" for value in (i.mean, i.low, i.high))
        return (self.measure, self.setting, str(i.n), *numbers, i.method)


def mean_row(measure, setting, values):
    """Return the row of a mean over seeds.

    `values`: as `mean_interval`. Explained in chapter 5, with `experiment`.

    Parameters
    ----------
    measure, setting : str
        What was measured, and where.

    Examples
    --------
    >>> print(mean_row("error", "p = 0", [1.0, 3.0]).interval)
    +2.00 [-10.71, +14.71], n=2
    """
    return Row(measure, setting, mean_interval(values))


def level_rows(measures, rates):
    """Return a row for each measure and each rate: the mean over seeds.

    Parameters
    ----------
    measures : dict
        Arrays of shape (rates, seeds) by the names of what they measure.
    rates : sequence of float
        The probabilities to **drop** of the networks.

    Returns
    -------
    list of Row
        With Student t intervals.

    Notes
    -----
    Explained in chapter 5, with `experiment`.

    Examples
    --------
    >>> print(level_rows({"error": [[9.0, 8.0]]}, (0.0,))[0].setting)
    p = 0
    """
    return [
        mean_row(measure, f"p = {p:g}", value)
        for measure, values in _for_each_rate(measures, rates).items()
        for p, value in zip(rates, values, strict=True)
    ]


def paired_rows(measures, rates):
    """Return a row for each measure and each rate but the first: the paired change.

    `measures` and `rates`: as `level_rows`; the first rate is subtracted. Explained in
    chapter 5, with `experiment`.

    Examples
    --------
    >>> import numpy as np
    >>> row, = paired_rows({"error": np.array([[9.0, 8.0], [7.0, 5.0]])}, (0, 0.3))
    >>> print(row.measure, row.setting, row.interval)
    error p = 0.3 - p = 0 -2.50 [-8.85, +3.85], n=2
    """
    return [
        mean_row(measure, f"p = {p} - p = {rates[0]:g}", value - values[0])
        for measure, values in _for_each_rate(measures, rates).items()
        for p, value in zip(rates[1:], values[1:], strict=True)
    ]


def _for_each_rate(measures, rates):
    """Return measures as arrays, or raise unless each has one entry for each rate."""
    if not isinstance(measures, dict):
        raise TypeError(f"measures must be a dict of arrays; got {measures!r}.")
    check_length("rates", check_sequence("rates", rates), 1)
    arrays = {name: as_array("measures", values) for name, values in measures.items()}
    for values in arrays.values():
        if values.shape[:1] != (len(rates),):
            raise ValueError(
                f"measures must have one entry for each of {len(rates)} rates; got shape "
                f"{values.shape}."
            )
    return arrays


def verdict(*, reproduces, weaker):
    """Return the verdict of the first rule that holds.

    Parameters
    ----------
    reproduces, weaker : bool
        Whether the two rules hold; the second one counts if the first does not.

    Returns
    -------
    str
        "reproduces", "weaker" or "does not reproduce".

    Notes
    -----
    Explained in chapter 5.

    Examples
    --------
    >>> verdict(reproduces=False, weaker=True)
    'weaker'
    """
    check_flag("reproduces", reproduces)
    check_flag("weaker", weaker)
    return VERDICTS[[reproduces, weaker, True].index(True)]


@dataclass(frozen=True)
class Finding:
    """What an experiment found: a table, a verdict, and what figures need.

    It prints as a table, in a terminal and in a notebook. To ask for a row that is not
    there is a KeyError.

    Parameters
    ----------
    rows : sequence of Row
        The small table.
    verdict : str
        "reproduces", "weaker" or "does not reproduce".
    raw : object
        What was measured, for figures; not printed.
    about : About
        Filled in by `experiment`.

    Notes
    -----
    Explained in chapter 5, with `experiment`.

    Examples
    --------
    >>> row = Row("test loss, nats", "p = 0.2 - p = 0", Interval(-0.9, -1.0, -0.8, 8))
    >>> print(Finding([row], "reproduces"))
    measure          setting          n  mean  low  high  interval
    test loss, nats  p = 0.2 - p = 0  8  -0.9  -1   -0.8  t
    Verdict: reproduces
    """

    rows: tuple
    verdict: str
    raw: Any = None
    about: About | None = None

    def __post_init__(self):
        """Refuse a verdict that is not one of three."""
        check_choice("verdict", self.verdict, VERDICTS)

    def __str__(self):
        cells = [COLUMNS, *(row.cells() for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
            for line in cells
        ]
        return "\n".join([*self._stated(), *lines, f"Verdict: {self.verdict}"])

    __repr__ = __str__

    def _repr_html_(self):
        head = "".join(f'<th scope="col">{c}</th>' for c in SHOWN)
        groups, body = {}, ""
        for row in self.rows:
            key = row.measure, row.interval.n, row.interval.method
            groups.setdefault(key, []).append(row)
        for (measure, n, method), rows in groups.items():
            interval = "no interval" if method == "never" else f"{method} interval"
            name = f"{escape(measure)} (n = {n}, {interval})"
            body += f'<tbody><tr><th colspan="4" scope="rowgroup">{name}</th></tr>'
            for _, setting, _, mean, low, high, _ in (row.cells() for row in rows):
                cells = "".join(f"<td>{cell}</td>" for cell in (mean, low, high))
                body += f'<tr><th scope="row">{escape(setting)}</th>{cells}</tr>'
            body += "</tbody>"
        stated = "".join(f"<p>{escape(line)}</p>" for line in self._stated())
        return (
            f'{stated}<table class="dataframe"><thead><tr>{head}</tr></thead>{body}'
            f"</table><p><strong>Verdict: {self.verdict}</strong></p>"
        )

    def _stated(self):
        if self.about is None:
            return []
        return [
            f"Question: {self.about.question}",
            f"Prediction: {self.about.prediction} ({self.about.source})",
            f"Rule: {self.about.rule}",
        ]

    def interval(self, measure, setting):
        """Return the interval of one row, or raise a KeyError that lists the rows."""
        for row in self.rows:
            if (row.measure, row.setting) == (measure, setting):
                return row.interval
        names = [(row.measure, row.setting) for row in self.rows]
        raise KeyError(f"no row {(measure, setting)!r}; there are {names!r}")


def experiment(*, question, prediction, source, rule, full_seeds):
    """Register a function that measures something and returns a `Finding`.

    Its first argument is `seeds`, with the default that its page runs live. What most
    studies take besides, and what they raise, is said in the notes.

    Parameters
    ----------
    question : str
        What is asked, in one sentence.
    prediction : str
        What the paper says will come out.
    source : str
        The paper, with section, table or figure.
    rule : str
        How the intervals decide the verdict, fixed before measuring.
    full_seeds : int
        Seeds at full size, from a terminal.

    Returns
    -------
    callable
        A decorator. The function it returns has an attribute `about`, and so does
        each finding.

    Raises
    ------
    TypeError
        If the function returns something else than a Finding.

    Notes
    -----
    seeds : sequence of int
        0 or more each, all different, at least 2.
    rates : sequence of float
        Probabilities to **drop** hidden units, in [0, 1): 0 first, and those by which
        the verdict goes.
    hidden : sequence of int
        Widths of the hidden layers, multiples of 4.
    epochs, every : int
        Length of the training, and epochs between two measurements; at least 1.
    data : companion.data.Split, optional
        By default MNIST-1D, with at least as many training examples.
    progress : bool
        Show a progress bar with the time left.

    An error is the share of wrong answers, in per cent; its changes are in percentage
    points, those of a loss in nats. All comparisons are paired by seed. Unless a study
    says otherwise, `companion.experiments.studies.PLAN` holds: two hidden layers of 128
    units, 1,000 training examples, Adam with learning rate 0.003, batches of 50.
    Explained in chapter 5.

    Examples
    --------
    >>> @experiment(question="Is it one?", prediction="Yes.", source="nobody",
    ...             rule="It is if the interval holds 1.", full_seeds=9)
    ... def one(seeds=range(3)):
    ...     return Finding([Row("x", "all", Interval(1, 1, 1, len(seeds)))], "weaker")
    >>> one.about.question, one().about.name
    ('Is it one?', 'one')
    """

    def register(function):
        about = About(function.__name__, question, prediction, source, rule, full_seeds)

        @functools.wraps(function)
        def run(*args, **kwargs):
            finding = function(*args, **kwargs)
            if not isinstance(finding, Finding):
                raise TypeError(f"{about.name} must return a Finding; got {finding!r}.")
            return replace(finding, rows=tuple(finding.rows), about=about)

        run.about = about
        return run

    return register


def experiments():
    """Return all experiments of this package: whatever its modules registered.

    Returns
    -------
    dict
        From the name to the function, sorted by name.

    Notes
    -----
    Explained in chapter 5.

    Examples
    --------
    >>> "masked_memory" in experiments()
    True
    """
    package = importlib.import_module("companion.experiments.studies")
    modules = [
        importlib.import_module(f"{package.__name__}.{info.name}")
        for info in pkgutil.iter_modules(package.__path__)
    ]
    found = {
        value.about.name: value
        for module in modules
        for value in vars(module).values()
        if isinstance(getattr(value, "about", None), About)
        and value.__module__ == module.__name__
    }
    return dict(sorted(found.items()))
