"""What chance explains, exactly: how many are dropped, and where together."""

import traceback

import numpy as np

from companion._arguments import missing

FALSE_ALARM = 1e-9
SEEN = ("p", "dtype", "x", "wrong", "n", "probability")  # names of the judge's own
WHOSE = {
    "calls": "two calls",
    "examples": "examples of one batch",
    "units": "units of one example",
}


def statistics():
    """Return `scipy.stats`, or raise an error that says what to install."""
    try:
        import scipy.stats  # here: the import takes longer than a quick look
    except ModuleNotFoundError as error:
        raise missing("scipy", "verify", error) from error
    return scipy.stats


def refused(counts, n, probability):
    """Say whether chance explains no such counts of n trials, 1e-9 for all together."""
    binom = statistics().binom
    counts = np.unique(counts), np.size(counts)
    below = binom.cdf(counts[0], n, probability)
    above = binom.sf(counts[0] - 1, n, probability)
    return bool((np.minimum(below, above) <= FALSE_ALARM / 2 / counts[1]).any())


def dependence(one, other):
    """Lay a boolean array on another in every position; return (strength, refused).

    Given how many are True in each, the number of places where both are is
    hypergeometric, whatever the rate, and in each circular shift. Independent ones
    are refused with 1e-9 for all shifts together.
    """
    hypergeom = statistics().hypergeom
    axes, n, a, b = range(one.ndim), one.size, int(one.sum()), int(other.sum())
    spectrum = np.fft.rfftn(one, axes=axes).conj() * np.fft.rfftn(other, axes=axes)
    both = np.rint(np.fft.irfftn(spectrum, one.shape, axes))
    low, high = int(both.min()), int(both.max())
    # P(both >= high) is P(True in one alone <= a - high): so both tails are exact sums.
    tails = hypergeom.cdf(low, n, a, b), hypergeom.cdf(a - high, n, a, n - b)
    far = max(high - a * b / n, a * b / n - low)
    deviation = (a * (n - a) * b * (n - b) / n**3) ** 0.5
    strength = far / deviation if deviation else 0.0
    return strength, bool(min(tails) <= FALSE_ALARM / 2 / n)


def pairs(mask, axis, rng):
    """Yield parts of a mask without a common element, to lay on each other.

    Along the axis they are neighbours, halves, and what a random distance parts.
    """
    lines = np.moveaxis(mask, axis, 0)
    half = len(lines) // 2
    for distance in {1, half, int(rng.integers(1, half + 1))}:
        blocks = lines[: len(lines) // (2 * distance) * 2 * distance]
        blocks = blocks.reshape(-1, 2, distance, *lines.shape[1:])
        yield tuple(blocks[:, i].reshape(-1, *lines.shape[1:]) for i in (0, 1))


def mask_findings(mask, p, rng, *names):
    """Yield (name, what is wrong or False) of a mask that is True where dropped.

    The names are those of its axes, the last one that of all others, too. After a
    violation nothing is yielded: a shared mask has no binomial count.
    """
    axes = [axis for axis, size in enumerate(mask.shape) if size > 1]
    names = [names[min(axis, len(names) - 1)] for axis in axes]
    found = [max(dependence(*pair) for pair in pairs(mask, axis, rng)) for axis in axes]
    worst = max([one for one in found if one[1]], default=None)
    for name, one in zip(names, found, strict=True):
        if worst in (None, one):
            yield name, worst and f"{WHOSE[name]} do not have independent masks"
    if worst:
        return
    counts = [(mask.sum(), mask.size, "of the elements")]
    for axis, name in zip(axes, names, strict=True):
        n = mask.shape[axis]
        each = np.moveaxis(mask, axis, 0).reshape(n, -1).sum(axis=1)
        counts.append((each, mask.size // n, f"of one of the {n} {name}"))
    for count, n, whose in counts:
        if refused(count, n, p):
            far = np.ravel(count)[abs(np.ravel(count) - n * p).argmax()]
            yield "rate", f"{far / n:.3f} {whose} were dropped"
            return
    yield "rate", False
    for count, n, whose in counts[1:]:
        yield "spread", _of_spread(count, n, p, whose)


def _of_spread(counts, n, p, whose):
    """Say whether the middle half of the distribution holds too many or too few."""
    binom = statistics().binom
    low, high = binom.ppf((0.25, 0.75), n, p)
    probability = binom.cdf(high, n, p) - binom.cdf(low - 1, n, p)
    inside = ((low <= counts) & (counts <= high)).sum()
    if not refused(inside, len(counts), probability):
        return False
    much = "little" if inside > len(counts) * probability else "much"
    each = whose.rpartition(" ")[2].removesuffix("s")
    return f"the number dropped in each {each} varies too {much}"


def circumstances(error):
    """Say with which p, dtype and shape the judge was at work when an error came."""
    seen = {}
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_globals["__name__"].startswith("companion.verify"):
            seen |= {k: v for k, v in frame.f_locals.items() if k in SEEN}
    if isinstance(seen.get("x"), np.ndarray):
        seen["x"] = f"{seen['x'].dtype} {seen['x'].shape}"
    return ", ".join(f"{name}={value}" for name, value in seen.items())
