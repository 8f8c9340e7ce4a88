"""How much longer does training take? The epoch at which a loss is first reached."""

import numpy as np

from companion._arguments import as_reals, check_finite, check_increasing, check_real


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
        If a curve lies at the target from its first evaluation on, so that the epoch
        cannot be told.

    Notes
    -----
    With the last evaluation above the target at (a, L_a) and the next at
    (b, L_b),

    .. math:: e = a + (b - a) \\, \\frac{L_a - L^*}{L_a - L_b}.

    Source: the question of Srivastava et al. (2014), section 11. Explained in chapter 9,
    with `averaged_masks`.

    Examples
    --------
    >>> epochs_to_reach([[3.0, 2.0, 1.0], [3.0, 2.9, 2.8]], [1, 2, 3], 1.5)
    array([2.5, nan])
    """
    losses, epochs = as_reals("losses", losses), as_reals("epochs", epochs)
    target = check_real("target", target)
    check_finite("target", target)
    if epochs.ndim != 1 or losses.shape[-1:] != epochs.shape:
        raise ValueError(
            "epochs must have one entry for each on the last axis of losses; got shapes "
            f"{epochs.shape} and {losses.shape}."
        )
    check_increasing("epochs", epochs, 1)
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
