"""The properties of a quick look, and what they are judged with.

They know nothing of how a dropout draws its masks, so any correct one passes,
with any seed: each random count refuses it with a probability of at most one in
a billion.
"""

import numpy as np

from companion._arguments import check_between_0_and_1, check_int, check_p, missing

FALSE_ALARM = 1e-9
RATES = (0.1, 0.3, 0.8)  # never 0.5 alone: there 1/p = 1/(1-p) = 2


def binomial():
    """Return `scipy.stats.binom`, or raise an error that says what to install.

    Notes
    -----
    Explained in chapter 3, with `count_is_plausible`.

    Examples
    --------
    >>> float(binomial().pmf(0, 1, 0.25))
    0.75
    """
    try:
        from scipy.stats import binom  # here: the import takes longer than a quick look
    except ModuleNotFoundError as error:
        raise missing("scipy", "verify", error) from error
    return binom


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
    ModuleNotFoundError
        If SciPy is missing; it says what to install.

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
    check_int("n", n, 0)
    check_int("count", count, 0, n)
    probability = check_p(probability, "probability")
    check_between_0_and_1("false_alarm", false_alarm)
    binom = binomial()
    below = binom.cdf(count, n, probability)
    above = binom.sf(count - 1, n, probability)
    return bool(min(below, above) > false_alarm / 2)


# What a quick look asks of any dropout, by name.
READER = {
    "result": "The result is an array of the shape of x.",
    "input": "The input is not changed.",
    "something_dropped": "In training something is dropped.",
    "sharing": "A draw is shared along the axes that the kind names, and no others.",
    "kept_values": "Kept values are x / (1 - p), or what the kind makes of them.",
    "rate": "Elements are dropped with probability p.",
    "examples": "Examples of one batch have independent masks.",
    "units": "Units of one example have independent masks.",
    "calls": "Two calls have independent masks.",
    "evaluation": "Evaluation returns x unchanged.",
    "p_0": "p = 0 returns x unchanged.",
    "p_1": "p = 1 gives zeros.",
    "inf": "An inf in x does not become nan: a dropped element is selected.",
}


def reader_findings(call, case, rng):
    """Yield the name of each property of `READER`, with what is wrong or False.

    What cannot be asked after a violation is not yielded.

    Parameters
    ----------
    call : callable
        Takes (x, p, training); returns the result for x.
    case : companion.verify._kinds.Case
        Which shapes to try, and what the kind makes of x.
    rng : numpy.random.Generator
        Draws x.

    Notes
    -----
    Explained in chapter 3, with `verify`.

    Examples
    --------
    >>> from companion.verify._kinds import ELEMENTS
    >>> def never(x, p, training):
    ...     return x
    >>> found = reader_findings(never, ELEMENTS, np.random.default_rng(0))
    >>> [wrong for name, wrong in found if wrong][0]
    'p=0.1: nothing was dropped in training'
    """
    x = rng.uniform(1.0, 2.0, case.shape)
    before = x.copy()
    for p in RATES:
        y = call(x, p, True)
        wrong = not isinstance(y, np.ndarray) or y.shape != x.shape
        yield "result", wrong and f"p={p}: the result must be an array of the shape of x"
        if wrong:
            return
        changed = not np.array_equal(x, before)
        yield "input", changed and f"p={p}: the input was changed"
        if changed:
            return
        for name, wrong in _mask_findings(call, case, x, y, p):
            yield name, wrong and f"p={p}: {wrong}"
    moved = _differs(call(x, 0.0, True), x)
    yield "p_0", moved and "p=0: x must come back unchanged"
    left = _differs(call(x, 1.0, True), np.zeros_like(x))
    yield "p_1", left and "p=1: the result must be all zeros"
    with np.errstate(invalid="ignore"):
        bad = np.isnan(call(np.full_like(x[:100], np.inf), 0.3, True)).any()
    wrong = "inf in x: a dropped element must be 0; 0 * inf is nan, so select"
    yield "inf", bad and wrong


def _mask_findings(call, case, x, y, p):
    """Yield what is wrong with the mask of y at a rate p, property by property."""
    a, b, value = case.act(p)

    def own(y):  # the elements that hold each draw once, True where dropped
        dropped = np.isclose(y, value, rtol=1e-12, atol=0)
        return dropped[tuple(slice(size) for size in case.draws)]

    mask = own(y)
    yield "something_dropped", not mask.any() and "nothing was dropped in training"
    if not mask.any():
        return
    kept = ~np.isclose(y, value, rtol=1e-12, atol=0)
    shared = np.array_equal(~kept, np.broadcast_to(mask, x.shape))
    yield "sharing", not shared and f"the mask must be of shape {case.draws}, shared by x"
    if not shared:
        return
    right = np.allclose(y[kept], a * x[kept] + b, rtol=1e-12, atol=0)
    yield "kept_values", not right and _of_kept_values(case, p)
    fits = count_is_plausible(int(mask.sum()), mask.size, p)
    yield "rate", not fits and f"{mask.mean():.3f} of the elements were dropped"
    for axis, size in enumerate(mask.shape):
        if size > 1:
            pairs = np.moveaxis(mask, axis, 0)[: size // 2 * 2]
            name = "units of one example" if axis else "examples of one batch"
            yield name.split()[0], _dependent(pairs[0::2], pairs[1::2], p, name)
    yield "calls", _dependent(own(call(x, p, True)), mask, p, "two calls")
    off = _differs(call(x, p, False), x)
    yield "evaluation", off and "evaluation must return x unchanged"


def _of_kept_values(case, p):
    a, b, _ = case.act(p)
    rule = "x / (1 - p)" if (a, b) == (1 / (1 - p), 0.0) else f"{a:.6g} x + {b:.6g}"
    return f"kept values are not {rule}"


def _dependent(one, other, p, whose):
    """Return a sentence if two masks agree too often or too rarely."""
    agreement = p**2 + (1 - p) ** 2
    if count_is_plausible(int((one == other).sum()), one.size, agreement):
        return False
    return f"{whose} do not have independent masks"


def _differs(y, x):
    return not np.array_equal(y, x)


def gradient_error(forward, backward, x, dy, eps=1e-6):
    """Return the largest difference between a backward pass and central differences.

    Parameters
    ----------
    forward : callable
        Maps x to y. It must be deterministic: hold the mask fixed.
    backward : callable
        Maps dy to dx, the gradient of sum(dy * y) with respect to x.
    x : numpy.ndarray
        float64 point at which they are compared.
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
