"""The properties of a quick look, and what they are judged with.

They know nothing of how a dropout draws its masks, so any correct one passes,
with any seed: each random count refuses it with a probability of at most one in
a billion.
"""

import numpy as np

from companion._arguments import check_between_0_and_1, check_int, check_p
from companion.verify._counts import FALSE_ALARM, mask_findings, refused, statistics

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
    return statistics().binom


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
    "result": "The result is an array of the shape and dtype of x.",
    "input": "The input is not changed.",
    "something_dropped": "In training something is dropped.",
    "kept_values": "A value is 0 or x / (1 - p), or what the kind makes of x.",
    "sharing": "A draw is shared along the axes that the kind names.",
    "examples": "Examples of one batch have independent masks.",
    "units": "Units of one example have independent masks.",
    "rate": "Elements are dropped with probability p, in each example and unit alike.",
    "spread": "The number dropped varies, from example to example and call to call.",
    "values": "Which elements are dropped does not depend on what they hold.",
    "gradient": "The gradient is dy / (1 - p) where x was kept, and 0 elsewhere.",
    "evaluation": "Evaluation returns x unchanged.",
    "training": "Training drops again after an evaluation.",
    "p_0": "p = 0 returns x unchanged.",
    "p_1": "p = 1 gives zeros.",
    "inf": "An inf or nan that is kept stays.",
    "selection": "An inf that is dropped is 0: it is selected, not multiplied.",
    "calls": "Two calls have independent masks.",
    "seed": "Equal seeds give equal masks, and two seeds different ones.",
}
REMARKS = {"selection"}  # no fault: PyTorch multiplies
PASS = ("result", "input", "something_dropped", "kept_values", "sharing")
TOLERANCE = {"float64": 1e-12, "float32": 1e-5, "float16": 1e-2}
CALLS = 60  # with a small batch each


def reader_findings(make, case, rng):
    """Yield (name, where, what is wrong or False) for each property of `READER`.

    What cannot be asked after a violation is not yielded.

    Parameters
    ----------
    make : callable
        Takes (p, rng) and returns a layer over arrays: it is called with x, and has
        `train`, `eval` and perhaps `backward`.
    case : companion.verify._kinds.Case
        Which shapes to try, and what the kind makes of x.
    rng : numpy.random.Generator
        Source of all randomness, here and in the layer.

    Notes
    -----
    Explained in chapter 3, with `verify`.

    Examples
    --------
    >>> import companion.numpy
    >>> from companion.verify._kinds import ELEMENTS
    >>> def half(p, rng):
    ...     return companion.numpy.Dropout(p / 2, rng)
    >>> found = reader_findings(half, ELEMENTS, np.random.default_rng(0))
    >>> [name for name, where, wrong in found if wrong][0]
    'kept_values'
    """
    for look in (_at_known_rates, _at_further_rates, _in_small_batches, _with_seeds):
        right = True
        for name, where, wrong in look(make, case, rng):
            right = right and (not wrong or name in REMARKS)
            yield name, where, wrong
        if not right:  # what is wrong already would be wrong in the next light, too
            return


def _values(shape, rng):
    """Draw numbers of both signs and of very different size."""
    return rng.choice([-1.0, 1.0], shape) * 10 ** rng.uniform(-4, 4, shape)


def _trained(make, p, rng):
    module = make(p, rng)
    module.train()
    return module


def _at_known_rates(make, case, rng):
    for p in RATES:
        module, x = _trained(make, p, rng), _values(case.shape, rng)
        for name, wrong in _training_findings(module, case, x, p, rng):
            yield name, f"p={p}", wrong
            if wrong and name in ("result", "input"):
                return
            drops = not (wrong and name == "something_dropped")
        for name, wrong in _mode_findings(module, x, drops):
            yield name, f"p={p}", wrong
    module, x = _trained(make, p, rng), x.astype(np.float32)
    name, wrong, dropped = _look(module, case, x, p)
    if not name and hasattr(module, "backward"):
        name, wrong = "gradient", _of_gradient(module, case.act(p), x, dropped)
    yield name or "result", f"p={p}, float32", wrong
    yield from _end_findings(make, x, rng)


def _training_findings(module, case, x, p, rng):
    """Yield what is wrong with a pass in training, up to the first violation."""
    violated, wrong, dropped = _look(module, case, x, p)
    for name in PASS:
        yield name, name == violated and wrong
        if name == violated:
            return
    mask = _own(case, dropped)
    for name, wrong in mask_findings(mask, p, rng, "examples", "units"):
        yield name, wrong
        if wrong:
            return
    yield "values", _of_values(mask, _own(case, x), p)
    if hasattr(module, "backward"):
        yield "gradient", _of_gradient(module, case.act(p), x, dropped)


def _look(module, case, x, p):
    """Return the first property of `PASS` that is violated, how, and what is dropped."""
    before = x.copy()
    y = module(x)
    rule = f"the result must be an array of the shape and dtype of x, {_what(x)}"
    if _what(y) != _what(x):
        return "result", f"{rule}; got {_what(y)}", None
    if not np.array_equal(x, before):
        return "input", "the input was changed", None
    a, b, value = case.act(p)
    tolerance, x = TOLERANCE[x.dtype.name], x.astype(float)
    with np.errstate(invalid="ignore"):
        kept = abs(y - (a * x + b)) <= tolerance * (abs(a * x) + abs(b))
        dropped = abs(y - value) <= tolerance * abs(value)
    own = _own(case, dropped)
    if (not kept.all() and np.array_equal(y, x)) or (kept.all() and own.size >= 1000):
        return "something_dropped", "nothing was dropped in training", dropped
    if not (kept | dropped).all():
        return (
            "kept_values",
            _of_kept_values(case.act(p), p, x, y, kept, dropped),
            dropped,
        )
    if not np.array_equal(dropped, np.broadcast_to(own, x.shape)):
        return "sharing", f"the mask must be of shape {own.shape}, shared by x", dropped
    return None, False, dropped


def _what(y):
    array = isinstance(y, np.ndarray)
    return f"{y.dtype} {y.shape}" if array else type(y).__name__


def _own(case, y):
    """Return the elements that hold each draw once."""
    return y[tuple(slice(1 if size == 1 else None) for size in case.draws)]


def _of_kept_values(act, p, x, y, kept, dropped):
    a, b, value = act
    rule = "x / (1 - p)" if (a, b) == (1 / (1 - p), 0.0) else f"{a:.6g} x + {b:.6g}"
    whose = f"values are neither {value:.6g} nor {rule}"
    if dropped.any():
        whose = f"kept values are not {rule}"
    elif kept.any():
        whose = f"dropped values are not {value:.6g}"
    (one, *_), (became, *_) = (v[~(kept | dropped)] for v in (x, y))
    return f"{whose}: {one:.6g} became {became:.6g}"


def _of_values(mask, x, p):
    """Compare how often small, large, negative and positive values are dropped."""
    parts = {"negative": x < 0, "positive": x > 0, "small": abs(x) < 0.1, "large": x > 10}
    for name, part in parts.items():
        if refused(mask[part].sum(), part.sum(), p):
            return f"{mask[part].mean():.3f} of the {name} values were dropped"
    return False


def _of_gradient(module, act, x, dropped):
    dy, right = x[::-1].copy(), np.where(dropped, 0.0, act[0] * x[::-1])
    before = dy.copy()
    dx = module.backward(dy)
    if _what(dx) != _what(dy):
        return f"the gradient must be {_what(dy)}, as x is; got {_what(dx)}"
    if not np.array_equal(dy, before):
        return "the backward pass changed dy"
    if np.allclose(dx, right, rtol=TOLERANCE[dy.dtype.name], atol=0):
        return False
    return "the gradient is not that of the forward pass with its mask"


def _mode_findings(module, x, drops):
    module.eval()
    yield "evaluation", _differs(module(x), x) and "evaluation must return x unchanged"
    if hasattr(module, "backward"):
        yield "gradient", _differs(module.backward(x), x) and "evaluation must pass dy on"
    module.train()
    idle = drops and not _differs(module(x), x)
    yield "training", idle and "after an evaluation nothing was dropped in training"


def _differs(y, x):
    return not np.array_equal(y, x)


def _end_findings(make, x, rng):
    """Yield what is wrong at the ends of the interval, and with inf and nan."""
    moved = _differs(_trained(make, 0.0, rng)(x), x)
    yield "p_0", "p=0", moved and "x must come back unchanged"
    left = _differs(_trained(make, 1.0, rng)(x), np.zeros_like(x))
    yield "p_1", "p=1", left and "the result must be all zeros"
    module = _trained(make, 0.3, rng)
    with np.errstate(invalid="ignore"):
        infinite, nan = (module(np.full_like(x, value)) for value in (np.inf, np.nan))
    for value, y in (("inf", infinite), ("nan", nan)):
        gone = np.isfinite(y).all()
        yield "inf", f"{value} in x", gone and "what is kept must stay, and is finite"
    wrong = np.isnan(infinite).any() and "a dropped one became nan, since 0 * inf is nan"
    yield "selection", "inf in x", wrong


def _with_seeds(make, case, rng):
    x, seeds = _values(case.shape, rng), rng.integers(2**63, size=2)[[0, 0, 1]]
    one, again, other = (_trained(make, 0.3, np.random.default_rng(s))(x) for s in seeds)
    wrong = _differs(one, again) and "equal seeds gave two masks"
    wrong = wrong or (not _differs(one, other) and "two seeds gave one mask")
    yield "seed", "p=0.3", wrong and f"{wrong}: it must draw from rng alone"


def _at_further_rates(make, case, rng):
    """Yield what is wrong at further rates: a small one, a middle one, a large one."""
    for ends in ((0.01, 0.05), (0.3, 0.8), (0.9, 0.98)):
        p, x = round(rng.uniform(*ends), 4), _values(case.shape, rng)
        name, wrong, dropped = _look(_trained(make, p, rng), case, x, p)
        if not name:
            mask = _own(case, dropped)
            name, off = "rate", refused(mask.sum(), mask.size, p)
            wrong = off and f"{mask.mean():.3f} of the elements were dropped"
        yield name, f"p={p}", wrong


def _in_small_batches(make, case, rng):
    """Yield what is wrong when a small batch, or a single example, comes again."""
    p = 0.8  # so that in each call something is dropped
    for batch in (case.with_draws(100).shape[0], 1):
        x, module = _values((batch, *case.shape[1:]), rng), _trained(make, p, rng)
        where, masks = f"p={p}, x of shape {x.shape}", []
        for _ in range(CALLS):
            name, wrong, dropped = _look(module, case, x, p)
            if name:
                yield name, where, wrong
                return
            masks.append(_own(case, dropped))
        for name, wrong in mask_findings(
            np.array(masks), p, rng, "calls", "examples", "units"
        ):
            yield name, where, wrong


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
