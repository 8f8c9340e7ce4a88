"""The chart of the sweeps: every point by hand, and the way to the page and back."""

import inspect
import json
from types import SimpleNamespace as Found

import numpy as np
import pytest
from bs4 import BeautifulSoup

from companion.experiments.chart import as_html, sweep_panels
from companion.experiments.studies.data_size import data_size
from companion.experiments.studies.kept_units import KEPT
from companion.experiments.studies.rate_sweep import rate_sweep

RATES, SIZES = (0.0, 0.3), (10, 1000)
T = 12.7062  # the 97.5 % quantile of Student's distribution with one degree of freedom


def around(mean, apart):
    """The interval of two values that are so far apart."""
    return pytest.approx((mean, mean - T * apart / 2, mean + T * apart / 2), abs=1e-4)


@pytest.fixture
def panels():
    """Of errors that no two lines share: (settings, seeds), two of each."""
    one = np.array([[30.0, 32.0], [27.0, 28.0]])
    fixed = np.array([[40.0, 44.0], [50.0, 52.0]])
    widened = np.array([[40.0, 44.0], [35.0, 36.0]])
    sizes = np.array([[[60.0, 61.0], [66.0, 68.0]], [[20.0, 23.0], [18.0, 20.0]]])
    return sweep_panels(
        Found(raw=Found(rates=RATES, test_error=np.stack([one + 9, one], axis=-1))),
        Found(raw={"rates": RATES, "fixed": fixed, "widened": widened}),
        Found(raw={"sizes": SIZES, "error": sizes}),
    )


def test_rates_stand_where_they_are_and_sizes_by_their_logarithm(panels):
    at = {
        name: (panel["axis"], panel["labels"], panel["at"])
        for name, panel in panels.items()
    }
    assert at == {
        "rate, at one width": ("drop rate p", ["0", "0.3"], [0.0, 0.3]),
        "rate and width": ("drop rate p", ["0", "0.3"], [0.0, 0.3]),
        "examples": ("training examples", ["10", "1,000"], [1.0, 3.0]),
    }


def test_at_one_width_the_last_errors_count(panels):
    (line,) = panels["rate, at one width"]["lines"]
    assert line["error"] == [around(31, 2), around(27.5, 1)]
    assert line["change"] == [(0, 0, 0), around(-3.5, 1)]


def test_both_widths_change_against_their_own_first_rate(panels):
    narrow, wide = panels["rate and width"]["lines"]
    assert narrow["change"] == [(0, 0, 0), around(9, 2)]
    assert wide["error"] == [around(42, 4), around(35.5, 1)]
    assert wide["change"] == [(0, 0, 0), around(-6.5, 3)]
    assert "wider" in wide["besides"] and "besides" not in narrow


def test_with_dropout_every_size_changes_against_without(panels):
    without, dropped = panels["examples"]["lines"]
    assert without["error"] == [around(60.5, 1), around(21.5, 3)]
    assert without["change"] == [(0, 0, 0)] * 2
    assert dropped["change"] == [around(6.5, 1), around(-2.5, 1)]


def test_names_say_what_the_studies_train(panels):
    names = [line["name"] for panel in panels.values() for line in panel["lines"]]
    width, _ = inspect.signature(rate_sweep).parameters["hidden"].default
    p = inspect.signature(data_size).parameters["rate"].default
    ways = f"{width} units", f"{KEPT} units", f"{KEPT} kept units"
    assert names == [*ways, "p = 0", f"p = {p}"]


def test_the_page_holds_what_the_explorable_reads(panels):
    panels["examples"]["axis"] = 'an "axis" <b>of</b> it\'s own & more'
    (element,) = BeautifulSoup(as_html(panels), "html.parser")
    assert element["id"] == "sweeps" and element.has_attr("hidden")
    as_lists = json.loads(json.dumps(panels))
    assert json.loads(element["data-sweeps"]) == as_lists
