"""What the explorable of chapter 1 draws: the error over rate, width and data."""

import json
from html import escape

import numpy as np

from companion.experiments.statistics import mean_interval


def _line(name, errors, base):
    """Return a line: the intervals of errors, (points, seeds), and of changes to base."""
    changes = errors - base
    return {
        "name": name,
        "error": [mean_interval(error)[:3] for error in errors],
        "change": [mean_interval(change)[:3] for change in changes],
    }


def _panel(axis, x, lines):
    """Return a panel; sizes, which are above 0, stand on a logarithmic axis."""
    at = np.log10(x) if x[0] else x
    labels = [f"{value:,g}" for value in x]
    return {"axis": axis, "labels": labels, "at": list(at), "lines": lines}


def sweep_panels(rate, kept, data):
    """Return what three panels show of the error: over rate, rate and width, examples.

    Parameters
    ----------
    rate, kept, data : Finding
        Of `rate_sweep`, `kept_units` and `data_size`, each with the widths and the rate
        of its page.

    Returns
    -------
    dict
        From the name of a panel to a dict: "axis", its label; "labels" and "at", the
        names and positions of its points; "lines", each a dict of a "name", of "error"
        and "change", lists of (mean, low, high) with an entry for each point, and of
        what differs "besides", if anything does. Errors are in per cent, changes in
        points: paired, against no dropout. What has no dropout changes by (0, 0, 0).

    Raises
    ------
    ValueError
        As `mean_interval`.

    Notes
    -----
    Source: Srivastava et al. (2014), figures 9 and 10, which it resembles. Explained in
    chapter 1.

    Examples
    --------
    >>> from types import SimpleNamespace as Found
    >>> error = np.array([[30.0, 32.0], [27.0, 28.0]])
    >>> runs = Found(rates=(0.0, 0.3), test_error=error[..., None])
    >>> kept = {"rates": (0.0, 0.3), "fixed": error, "widened": error}
    >>> data = {"sizes": (40, 1000), "error": np.stack([error, error], axis=1)}
    >>> panels = sweep_panels(*(Found(raw=raw) for raw in (runs, kept, data)))
    >>> panels["examples"]["labels"], panels["rate and width"]["lines"][0]["name"]
    (['40', '1,000'], '32 units')
    """
    one, rates = rate.raw.test_error[..., -1], kept.raw["rates"]
    fixed, widened = kept.raw["fixed"], kept.raw["widened"]
    plain, dropped = np.moveaxis(data.raw["error"], 1, 0)
    wide = _line("32 kept units", widened, widened[0])
    wide["besides"] = "together with wider layers"
    sizes = [_line("p = 0", plain, plain), _line("p = 0.3", dropped, plain)]
    return {
        "rate, at one width": _panel(
            "drop rate p", rate.raw.rates, [_line("128 units", one, one[0])]
        ),
        "rate and width": _panel(
            "drop rate p", rates, [_line("32 units", fixed, fixed[0]), wide]
        ),
        "examples": _panel("training examples", data.raw["sizes"], sizes),
    }


def as_html(panels):
    """Return panels as a hidden element of a page, in which the explorable finds them.

    Parameters
    ----------
    panels : dict
        What `sweep_panels` returns.

    Returns
    -------
    str
        An element with the id "sweeps", whose attribute data-sweeps holds the panels as
        JSON.

    Raises
    ------
    TypeError
        If the panels hold what JSON cannot.

    Notes
    -----
    Explained in chapter 1.

    Examples
    --------
    >>> as_html({"examples": {}})
    '<div hidden id="sweeps" data-sweeps="{&quot;examples&quot;: {}}"></div>'
    """
    return f'<div hidden id="sweeps" data-sweeps="{escape(json.dumps(panels))}"></div>'
