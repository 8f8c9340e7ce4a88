"""The constants of alpha dropout against SELU and against a mixture of two points."""

import numpy as np
import pytest

from companion._arithmetic import ALPHA_PRIME, alpha_affine, keep_scale


def test_alpha_prime_is_where_selu_falls():
    torch = pytest.importorskip("torch")
    far = torch.nn.functional.selu(torch.tensor(-1e6, dtype=torch.float64)).item()
    assert far == pytest.approx(ALPHA_PRIME, rel=1e-15)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.3, 0.8, 1 - 2.0**-53])
def test_the_scale_keeps_the_mean(p):
    assert (1 - p) * keep_scale(p) == pytest.approx(1, rel=1e-15)
    assert keep_scale(1.0) == 1  # nothing is kept, and nothing needs a scale


@pytest.mark.parametrize("p", [0.0, 0.1, 0.3, 0.8, 0.999])
def test_alpha_affine_keeps_mean_and_variance(p):
    """Of the two-point mixture: x = 1 or -1, kept or replaced by alpha'."""
    a, b = alpha_affine(p)
    values = a * np.array([1.0, -1.0, ALPHA_PRIME]) + b
    weights = np.array([(1 - p) / 2, (1 - p) / 2, p])
    assert weights @ values == pytest.approx(0, abs=1e-12)
    assert weights @ values**2 == pytest.approx(1, rel=1e-12)
