"""Rates over depth and over training: exact at their ends, and used by a model."""

import numpy as np
import pytest
import torch

import companion.numpy as cn
import companion.torch as ct
from companion.schedules import depth_rates, early_rate, late_rate, linear_rate


@pytest.mark.parametrize("p", [0.0, 0.1, 0.3, 1 / 3, 0.8, 1.0])
def test_depth_rates_are_linear_and_end_exactly(p):
    for depth in (1, 2, 7, 110):
        rates = depth_rates(p, depth)
        assert len(rates) == depth
        assert rates[-1] == p
        np.testing.assert_allclose(rates, p * np.arange(1, depth + 1) / depth, rtol=1e-15)


@pytest.mark.parametrize(
    ("first", "last"), [(0.5, 0.1), (0.0, 0.3), (0.3, 0.3), (1.0, 0.0)]
)
def test_linear_rate_starts_ends_and_stays(first, last):
    assert linear_rate(0, first, last, 10) == first
    assert linear_rate(10, first, last, 10) == linear_rate(999, first, last, 10) == last
    middle = linear_rate(5, first, last, 10)
    assert middle == pytest.approx((first + last) / 2, rel=1e-15)


def test_early_and_late_are_what_the_paper_says():
    assert [early_rate(t, 0.4, 4) for t in (0, 1, 2, 4, 9)] == [
        0.4,
        0.4 * 0.75,
        0.2,
        0,
        0,
    ]
    assert [early_rate(t, 0.4, 4, linear=False) for t in (0, 3, 4)] == [0.4, 0.4, 0.0]
    assert [late_rate(t, 0.4, 4) for t in (0, 3, 4, 9)] == [0.0, 0.0, 0.4, 0.4]
    assert late_rate(0, 0.4, 0) == 0.4


@pytest.mark.parametrize("framework", [cn, ct], ids=["numpy", "torch"])
def test_a_schedule_drives_a_model(framework, rng):
    x = np.ones(10_000) if framework is cn else torch.ones(10_000)
    layer, dropped = framework.Dropout(0.9, rng), []
    for step in range(4):
        framework.set_rate(layer, late_rate(step, 0.3, 2))
        dropped.append(float((layer(x) == 0).sum()) / 10_000)
    assert dropped[:2] == [0.0, 0.0]
    assert min(dropped[2:]) > 0.25  # 11 standard deviations below 0.3
