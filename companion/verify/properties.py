"""Property checks for the reader's own dropout.

They know nothing of how a dropout draws its masks, so any correct one passes,
with any seed: each random check refuses it with a probability of at most one in
a billion.
"""

import numpy as np

from companion._arguments import check_generator

FALSE_ALARM = 1e-9
RATES = (0.1, 0.3, 0.8)  # never 0.5 alone: there 1/p = 1/(1-p) = 2


def count_is_plausible(count, n, probability, false_alarm=FALSE_ALARM):
    """Say whether `count` successes in `n` independent trials fit `probability`.

    Parameters
    ----------
    count : int
        Number of successes, 0 to n.
    n : int
        Number of trials.
    probability : float
        Probability of a success, in [0, 1].
    false_alarm : float
        Probability to answer False although the count is binomial, in (0, 1).

    Returns
    -------
    bool
        False if the count lies in one of the two tails of the binomial
        distribution, each of probability at most false_alarm / 2.

    Raises
    ------
    ValueError
        If count lies outside [0, n] or a probability is out of range.

    Notes
    -----
    .. math:: P(K \\le k) > \\alpha / 2 \\quad\\text{and}\\quad P(K \\ge k) > \\alpha / 2,
        \\qquad K \\sim \\mathrm{Bin}(n, q)

    Exact: no normal approximation. With a million trials and q = 0.7 it notices
    a rate that is off by 0.005 in more than 999 of 1,000 cases. Source: the
    binomial test. Explained in chapter 3.

    Examples
    --------
    >>> count_is_plausible(700_500, 1_000_000, 0.7)
    True
    >>> count_is_plausible(705_000, 1_000_000, 0.7)
    False
    """
    from scipy.stats import binom  # here, so that importing the checks stays quick

    if not 0 <= count <= n:
        raise ValueError(f"count must lie in [0, {n}]; got {count!r}.")
    if not 0 <= probability <= 1:
        raise ValueError(f"probability must lie in [0, 1]; got {probability!r}.")
    if not 0 < false_alarm < 1:
        raise ValueError(f"false_alarm must lie in (0, 1); got {false_alarm!r}.")
    below = binom.cdf(count, n, probability)
    above = binom.sf(count - 1, n, probability)
    return bool(min(below, above) > false_alarm / 2)


def _violations(dropout, rng):
    """Yield a sentence for each property of inverted dropout that `dropout` violates."""
    x = rng.uniform(1.0, 2.0, (1000, 100))
    before = x.copy()
    for p in RATES:
        y = dropout(x, p, rng, training=True)
        if not isinstance(y, np.ndarray) or y.shape != x.shape:
            yield f"p={p}: the result must be an array of the shape of x"
            return
        if not np.array_equal(x, before):
            yield f"p={p}: the input was changed"
            return
        dropped = y == 0
        if not dropped.any():
            yield f"p={p}: nothing was dropped in training"
            continue
        if not np.allclose(y[~dropped], x[~dropped] / (1 - p), rtol=1e-12, atol=0):
            yield f"p={p}: kept values are not x / (1 - p)"
        if not count_is_plausible(int(dropped.sum()), dropped.size, p):
            yield f"p={p}: {dropped.mean():.3f} of the elements were dropped"
        agreement = p**2 + (1 - p) ** 2
        neighbours = (dropped[0::2] == dropped[1::2]).sum()
        if not count_is_plausible(int(neighbours), dropped.size // 2, agreement):
            yield f"p={p}: examples of one batch do not have independent masks"
        columns = (dropped[:, 0::2] == dropped[:, 1::2]).sum()
        if not count_is_plausible(int(columns), dropped.size // 2, agreement):
            yield f"p={p}: units of one example do not have independent masks"
        again = dropout(x, p, rng, training=True) == 0
        if not count_is_plausible(int((again == dropped).sum()), dropped.size, agreement):
            yield f"p={p}: two calls do not have independent masks"
        if not np.array_equal(dropout(x, p, rng, training=False), x):
            yield f"p={p}: evaluation must return x unchanged"
    if not np.array_equal(dropout(x, 0.0, rng, training=True), x):
        yield "p=0: x must come back unchanged"
    if not np.array_equal(dropout(x, 1.0, rng, training=True), np.zeros_like(x)):
        yield "p=1: the result must be all zeros"
    broken = np.full((100, 100), np.inf)
    with np.errstate(invalid="ignore"):
        if np.isnan(dropout(broken, 0.3, rng, training=True)).any():
            yield "inf in x: a dropped element must be 0; 0 * inf is nan, so select"


def dropout_violations(dropout, rng):
    """Say what is wrong with an implementation of inverted dropout.

    Parameters
    ----------
    dropout : callable
        Called as ``dropout(x, p, rng, training=...)`` with a float64 array x;
        returns an array of the same shape.
    rng : numpy.random.Generator
        Handed to the function under test, and used for its inputs.

    Returns
    -------
    list of str
        One sentence for each violated property; empty for a correct dropout.
        An exception of the function under test is reported as a violation.

    Raises
    ------
    TypeError
        If dropout is not callable or rng not a Generator.

    Notes
    -----
    Checked at p = 0.1, 0.3 and 0.8: kept values are x/(1-p), the input is left
    alone, evaluation is the identity, p = 0 and p = 1 are exact, inf does not
    turn into nan; and, with a false alarm of 1e-9 each, the drop rate and the
    independence of masks between examples, units and calls. With 100,000
    elements a drop rate that is off by 0.015 is noticed in more than 999 of
    1,000 cases. Explained in chapter 3.

    Examples
    --------
    >>> import numpy as np
    >>> from companion.numpy import dropout
    >>> dropout_violations(dropout, np.random.default_rng(0))
    []
    >>> def unscaled(x, p, rng, *, training=True):
    ...     return np.where(rng.random(x.shape) >= p, x, 0.0) if training else x
    >>> dropout_violations(unscaled, np.random.default_rng(0))[0]
    'p=0.1: kept values are not x / (1 - p)'
    """
    if not callable(dropout):
        raise TypeError(f"dropout must be callable; got {dropout!r}.")
    check_generator(rng)
    found = []
    try:
        for sentence in _violations(dropout, rng):
            found.append(sentence)
    except Exception as error:  # the reader's code may raise anything
        found.append(f"it raised {type(error).__name__}: {error}")
    return found


def gradient_error(forward, backward, x, dy, eps=1e-6):
    """Return the largest difference between a backward pass and central differences.

    Parameters
    ----------
    forward : callable
        Maps x to y. It must be deterministic: hold the mask fixed.
    backward : callable
        Maps dy to dx, the gradient of sum(dy * y) with respect to x.
    x : numpy.ndarray
        float64 point at which to check.
    dy : numpy.ndarray
        float64, the shape of forward(x).
    eps : float
        Half the step of the central difference, above 0.

    Returns
    -------
    float
        Largest absolute difference over the elements of x.

    Raises
    ------
    ValueError
        If forward gives two different results for one x: then there is no
        function to differentiate. If a shape does not fit, or eps is not above 0.
    TypeError
        If x is not a float64 array.

    Notes
    -----
    .. math:: \\frac{\\partial L}{\\partial x_i} \\approx
        \\frac{L(x + \\epsilon e_i) - L(x - \\epsilon e_i)}{2 \\epsilon}, \\quad
        L(x) = \\textstyle\\sum_j dy_j \\, y_j(x)

    Source: Goodfellow, Bengio and Courville (2016), section 11.5. Explained in
    chapter 3.

    Examples
    --------
    >>> import numpy as np
    >>> x, dy = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    >>> gradient_error(lambda x: x**2, lambda dy: 2 * x * dy, x, dy) < 1e-8
    True
    """
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        raise TypeError(f"x must be a float64 array; got {getattr(x, 'dtype', x)!r}.")
    if not eps > 0:
        raise ValueError(f"eps must be above 0; got {eps!r}.")
    if not np.array_equal(forward(x), forward(x)):
        raise ValueError(
            "forward must be deterministic: two calls on one x gave different results. "
            "Draw the mask once, outside, and hold it fixed."
        )
    if np.shape(dy) != np.shape(forward(x)):
        raise ValueError(
            f"dy must have the shape of forward(x), {np.shape(forward(x))}; "
            f"got {np.shape(dy)}."
        )
    written = backward(dy)
    if np.shape(written) != x.shape:
        raise ValueError(
            f"backward must return the shape of x, {x.shape}; got {np.shape(written)}."
        )
    numerical = np.empty_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = eps
        numerical[i] = ((forward(x + step) - forward(x - step)) * dy).sum() / (2 * eps)
    return float(abs(numerical - written).max())
