"""What the properties are judged with has the false alarm and the power that it states."""

import sys

import numpy as np
import pytest
from scipy.stats import binom

from companion.verify.properties import (
    FALSE_ALARM,
    binomial,
    count_is_plausible,
    gradient_error,
)


@pytest.mark.parametrize("n", [1, 10, 1000])
@pytest.mark.parametrize("q", [0.0, 0.1, 0.5, 1.0])
def test_false_alarm_is_as_stated(n, q):
    counts = np.arange(n + 1)
    refused = [k for k in counts if not count_is_plausible(int(k), n, q)]
    assert binom.pmf(refused, n, q).sum() <= FALSE_ALARM


def test_the_stated_power():
    """A million trials at q = 0.7 notice a rate that is off by 0.005."""
    n, q, off = 1_000_000, 0.7, 0.005
    low = min(k for k in range(690_000, 700_001) if count_is_plausible(k, n, q))
    assert binom.cdf(low - 1, n, q - off) > 0.999


def test_gradient_error_notices_a_missing_scale(rng):
    x, dy = rng.normal(size=(2, 10, 6))  # one small mask may drop everything
    mask = rng.random(x.shape) >= 0.3

    def forward(x):
        return np.where(mask, x / 0.7, 0)

    assert gradient_error(forward, lambda dy: np.where(mask, dy / 0.7, 0), x, dy) < 1e-7
    assert gradient_error(forward, lambda dy: np.where(mask, dy, 0), x, dy) > 1e-3


@pytest.mark.parametrize("judge", [binomial, lambda: count_is_plausible(3, 10, 0.3)])
def test_a_missing_scipy_says_what_to_install(judge, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(
        ImportError, match=r"pip install \"dropout-verified-companion\[verify\]\""
    ):
        judge()
