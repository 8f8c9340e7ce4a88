"""How much longer does training take? The epoch at which a loss is first reached."""

import numpy as np

from companion.experiments.intervals import Interval, mean_interval


def epochs_to_reach(losses, epochs, target):
    """Return the epoch at which each curve first comes down to `target`.

    Between two evaluations the loss is taken to be a straight line.

    Parameters
    ----------
    losses : array_like
        Losses, shape (..., times), for instance `Trained.train_loss`.
    epochs : array_like
        When they were measured, shape (times,), increasing.
    target : float
        The loss to reach.

    Returns
    -------
    numpy.ndarray
        float64, shape (...); nan for a curve that never reaches the target.

    Raises
    ------
    ValueError
        If the last axis of losses does not match epochs, epochs do not
        increase, or a curve lies at the target from its first evaluation on, so
        that the epoch cannot be told.

    Notes
    -----
    With the last evaluation above the target at (a, L_a) and the next at
    (b, L_b),

    .. math:: e = a + (b - a) \\, \\frac{L_a - L^*}{L_a - L_b}.

    Source: the question of Srivastava et al. (2014), section 11. Explained in
    chapter 9.

    Examples
    --------
    >>> epochs_to_reach([[3.0, 2.0, 1.0], [3.0, 2.9, 2.8]], [1, 2, 3], 1.5)
    array([2.5, nan])
    """
    losses, epochs = np.asarray(losses, dtype=float), np.asarray(epochs, dtype=float)
    if epochs.ndim != 1 or losses.shape[-1:] != epochs.shape:
        raise ValueError(
            "the last axis of losses must have one entry for each epoch; got shapes "
            f"{losses.shape} and {epochs.shape}."
        )
    if not (np.diff(epochs) > 0).all():
        raise ValueError(f"epochs must increase; got {epochs!r}.")
    below = losses <= target
    if below[..., :1].any():
        raise ValueError(
            f"target must lie below every first loss; got {target!r}. "
            "Evaluate earlier, or choose a smaller target."
        )
    if len(epochs) < 2:
        return np.full(losses.shape[:-1], np.nan)
    after = np.maximum(below.argmax(axis=-1), 1)
    above = np.take_along_axis(losses, after[..., None] - 1, -1)[..., 0]
    reached = np.take_along_axis(losses, after[..., None], -1)[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = (above - target) / (above - reached)
    epoch = epochs[after - 1] + part * (epochs[after] - epochs[after - 1])
    return np.where(below.any(axis=-1), epoch, np.nan)


def mean_ratio(values, base):
    """Return the geometric mean of ratios with its 95 % interval.

    Parameters
    ----------
    values, base : array_like
        Numbers above 0, shape (n,), n at least 2, paired by seed. An entry of values
        may be nan, for a curve that never arrived.

    Returns
    -------
    Interval
        The t interval of the logarithms, taken back. If an entry of values is nan,
        infinite with the method "never".

    Raises
    ------
    ValueError
        If there are fewer than 2 pairs, or a number is not above 0; base may hold no
        nan.

    Notes
    -----
    Explained in chapters 5 and 9.

    Examples
    --------
    >>> print(mean_ratio([2.0, 8.0], [1.0, 1.0])._replace(low=2.0, high=8.0))
    +4.00 [+2.00, +8.00], n=2
    >>> mean_ratio([2.0, np.nan], [1.0, 1.0]).method
    'never'
    """
    values, base = np.asarray(values, dtype=float), np.asarray(base, dtype=float)
    if values.ndim != 1 or values.shape != base.shape or len(values) < 2:
        raise ValueError(
            "values and base must be 2 or more numbers each, in pairs; got shapes "
            f"{values.shape} and {base.shape}."
        )
    if not (base > 0).all() or (values <= 0).any():
        raise ValueError(
            f"values and base must be above 0; got {values!r} and {base!r}. Only values "
            "may hold a nan, for a curve that never arrived."
        )
    if np.isnan(values).any():
        return Interval(np.inf, np.inf, np.inf, len(values), "never")
    logs = mean_interval(np.log(values / base))
    mean, low, high = map(float, np.exp(logs[:3]))
    return logs._replace(mean=mean, low=low, high=high)
