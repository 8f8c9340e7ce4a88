"""Rates that change: over depth, and over training steps.

Each function answers one question: how large is p here, or now? `set_rate` of
`companion.numpy` and `companion.torch` puts the answer into a model.
"""

from companion._arguments import check_count, check_flag, check_int, check_p


def depth_rates(p, depth):
    """Return the rates of a stack of residual blocks, first block first: linear in depth.

    .. math:: p_l = \\frac{l}{L} \\, p, \\quad l = 1, \\dots, L

    The first block has the rate p/L and not 0: the paper counts the input as layer 0.
    Source: Huang et al. (2016), equation 4, in survival probabilities. Explained in
    chapter 6, with `DropPath`.

    Parameters
    ----------
    p : float
        Rate of the last block, the probability to **drop**, in [0, 1].
    depth : int
        Number of blocks, at least 1.

    Examples
    --------
    >>> depth_rates(0.2, 4)
    (0.05, 0.1, 0.15000000000000002, 0.2)
    """
    p = check_p(p)
    depth = check_count("depth", depth)
    return tuple(p * (block / depth) for block in range(1, depth + 1))


def linear_rate(step, first, last, steps):
    """Return the rate of a schedule that goes in a straight line, then stays.

    .. math:: p(t) = p_0 + \\min(t / T, 1) \\, (p_T - p_0)

    Source: the linear schedule of Liu et al. (2023), section 4. Explained in chapter 8,
    with `early_rate`.

    Parameters
    ----------
    step : int
        The step asked for, 0 or more.
    first, last : float
        Rate at step 0, and from step `steps` on; probabilities to **drop**, in [0, 1].
    steps : int
        Length of the way, at least 1.

    Examples
    --------
    >>> [linear_rate(step, 0.4, 0.0, 4) for step in (0, 1, 4, 9)]
    [0.4, 0.30000000000000004, 0.0, 0.0]
    """
    first, last = check_p(first, "first"), check_p(last, "last")
    step = check_int("step", step, 0, hint="Count steps from 0.")
    steps = check_count("steps", steps)
    done = min(step, steps) / steps
    return (1.0 - done) * first + done * last


def early_rate(step, p, stop, *, linear=True):
    """Return the rate of early dropout: it ends after a first part of training.

    .. math:: p(t) = p \\, \\max(0, 1 - t / T), \\qquad
        \\text{or} \\quad p(t) = p \\, [t < T]

    Early dropout is meant for networks that underfit. Source: Liu et al. (2023),
    section 4. Explained in chapter 8.

    Parameters
    ----------
    step : as `linear_rate`
    p : float
        Probability to **drop** at step 0, in [0, 1].
    stop : int
        First step without dropout, at least 1.
    linear : bool
        True: the rate falls in a straight line, as in the paper. False: it stays p until
        `stop`.

    Examples
    --------
    >>> [early_rate(step, 0.5, 2) for step in range(4)]
    [0.5, 0.25, 0.0, 0.0]
    >>> [early_rate(step, 0.5, 2, linear=False) for step in range(4)]
    [0.5, 0.5, 0.0, 0.0]
    """
    p = check_p(p)
    step = check_int("step", step, 0, hint="Count steps from 0.")
    stop = check_count("stop", stop)
    check_flag("linear", linear)
    return p * (1.0 - min(step, stop) / stop) if linear else p * (step < stop)


def late_rate(step, p, start):
    """Return the rate of late dropout: 0 at first, then p.

    .. math:: p(t) = p \\, [t \\ge T]

    Source: Liu et al. (2023), section 4. Explained in chapter 8.

    Parameters
    ----------
    step : as `linear_rate`
    p : float
        Probability to **drop** from `start` on, in [0, 1].
    start : int
        First step with dropout, 0 or more.

    Examples
    --------
    >>> [late_rate(step, 0.3, 2) for step in range(4)]
    [0.0, 0.0, 0.3, 0.3]
    """
    p = check_p(p)
    check_int("step", step, 0, hint="Count steps from 0.")
    check_int("start", start, 0, hint="Count steps from 0.")
    return p if step >= start else 0.0
