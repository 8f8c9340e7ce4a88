"""What does one step cost? Functions timed in turn, so that a busy machine is fair."""

import time

import numpy as np

from companion._arguments import check_count, check_length, check_sequence


def relative_times(functions, *, rounds, warm_up=3, clock=time.perf_counter):
    """Time functions in turn; return the time of each relative to the first.

    Every round calls each function once. A ratio is taken within its round, so
    that whatever slows the machine down for a while slows both of its sides;
    then the median over rounds is taken.

    Parameters
    ----------
    functions : sequence of callable
        Called without arguments; at least 2.
    rounds : int
        Rounds that count, at least 1.
    warm_up : int
        Rounds before those, at least 1.
    clock : callable
        Returns the time in seconds.

    Returns
    -------
    numpy.ndarray
        float64, shape (len(functions),): the median ratios. The first is 1.

    Raises
    ------
    ValueError
        If the first function takes no measurable time.

    Notes
    -----
    .. math:: \\mathrm{median}_r \\; t_{r,i} / t_{r,0}

    Explained in chapter 9.

    Examples
    --------
    >>> ratios = relative_times([lambda: sum(range(2000)), lambda: None], rounds=20)
    >>> bool(ratios[1] < ratios[0])
    True
    """
    functions = check_sequence("functions", functions)
    check_length("functions", functions, 2)
    for name, function in [*(("functions", f) for f in functions), ("clock", clock)]:
        if not callable(function):
            raise TypeError(f"{name} must be callable; got {function!r}.")
    rounds, warm_up = check_count("rounds", rounds), check_count("warm_up", warm_up)
    seconds = np.empty((warm_up + rounds, len(functions)))
    for row in seconds:
        for i, function in enumerate(functions):
            start = clock()
            function()
            row[i] = clock() - start
    seconds = seconds[warm_up:]
    if not (seconds[:, 0] > 0).all():
        raise ValueError("the first function is too quick for the clock; do more in it.")
    return np.median(seconds / seconds[:, :1], axis=0)
