"""The constants of alpha dropout against SELU and against a mixture of two points."""

import numpy as np
import pytest

from companion._arithmetic import (
    ALPHA_PRIME,
    alpha_affine,
    keep_scale,
    select_and_scale,
)


def test_alpha_prime_is_where_selu_falls():
    torch = pytest.importorskip("torch")
    far = torch.nn.functional.selu(torch.tensor(-1e6, dtype=torch.float64)).item()
    assert far == pytest.approx(ALPHA_PRIME, rel=1e-15)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.3, 0.8, 1 - 2.0**-53])
def test_the_scale_keeps_the_mean(p):
    assert (1 - p) * keep_scale(p) == pytest.approx(1, rel=1e-15)
    assert keep_scale(1.0) == 1  # nothing is kept, and nothing needs a scale


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_a_mask_selects_numbers_of_any_size(dtype, rng):
    """No product would do: 0 times an infinity is nan, and 0 times -1 is -0."""
    x, mask = rng.normal(size=(50, 4)).astype(dtype), rng.random((50, 1)) >= 0.5
    mask[:2] = [[True], [False]]
    x[:2] = -np.inf, np.inf, np.nan, -1
    before = x.copy()
    y = select_and_scale(x, mask, 0.3)
    work = np.float32 if dtype == np.float16 else dtype
    kept = (x.astype(work) * work(1 / 0.7)).astype(dtype)
    assert y.dtype == dtype
    assert np.array_equal(y, np.where(mask, kept, dtype(0)), equal_nan=True)
    assert not np.signbit(y[~mask[:, 0]]).any()
    assert np.array_equal(x, before, equal_nan=True)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.3, 0.8, 0.999])
def test_alpha_affine_keeps_mean_and_variance(p):
    """Of the two-point mixture: x = 1 or -1, kept or replaced by alpha'."""
    a, b = alpha_affine(p)
    values = a * np.array([1.0, -1.0, ALPHA_PRIME]) + b
    weights = np.array([(1 - p) / 2, (1 - p) / 2, p])
    assert weights @ values == pytest.approx(0, abs=1e-12)
    assert weights @ values**2 == pytest.approx(1, rel=1e-12)
