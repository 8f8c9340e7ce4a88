"""What the training loops of both frameworks share: first weights, batches, a bar."""

import math
import numbers

from companion._arguments import check_generator


def check_count(name, value):
    """Raise unless `value` is an int of at least 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an int; got {value!r}. Pass for example 64.")
    if value < 1:
        raise ValueError(f"{name} must be at least 1; got {value!r}.")


def check_rate(name, value, upper=math.inf):
    """Raise unless `value` is a real number in [0, upper)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"{name} must be a real number; got {value!r}. Pass for example 0.1."
        )
    if not 0 <= value < upper:
        raise ValueError(f"{name} must lie in [0, {upper}); got {value!r}.")


def initial_weights(in_features, out_features, rng):
    """Draw weight (in, out) and bias (out,) in float64; both frameworks start here.

    Uniform on ±1/sqrt(in_features), the default of `torch.nn.Linear`.
    """
    check_count("in_features", in_features)
    check_count("out_features", out_features)
    check_generator(rng)
    bound = in_features**-0.5
    weight = rng.uniform(-bound, bound, (in_features, out_features))
    return weight, rng.uniform(-bound, bound, out_features)


def batches(n, batch_size, epochs, rng):
    """Return an iterator over arrays of indices, every example once an epoch.

    Both frameworks use it, so that one seed gives both the same batches. The
    last batch of an epoch may be smaller.
    """
    check_count("n", n)
    check_count("batch_size", batch_size)
    check_count("epochs", epochs)
    check_generator(rng)
    return (
        order[start : start + batch_size]
        for order in (rng.permutation(n) for _ in range(epochs))
        for start in range(0, n, batch_size)
    )


def check_same_length(x, labels):
    """Raise unless there is one label for each example."""
    if len(x) != len(labels):
        raise ValueError(
            f"x and labels must have the same length; got {len(x)} and {len(labels)}."
        )


def progress_bar(iterable, total, show):
    """Wrap an iterable of `total` steps in a bar that shows the time left."""
    if not show:
        return iterable
    from tqdm import tqdm  # here, so that importing the companion stays quick

    # Not disable=False: that would override the environment variable TQDM_DISABLE.
    return tqdm(iterable, total=total, unit="step")
