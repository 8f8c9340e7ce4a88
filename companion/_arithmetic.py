"""The arithmetic of a given mask that both frameworks share."""

from companion._arguments import check_p

# The value towards which SELU falls: minus its scale times its alpha.
ALPHA_PRIME = -1.0507009873554805 * 1.6732632423543772


def alpha_affine(p):
    """Return the two constants with which alpha dropout keeps mean 0 and variance 1.

    Parameters
    ----------
    p : float
        Probability to **drop**, in [0, 1).

    Returns
    -------
    a, b : float
        Alpha dropout returns a (m x + (1 - m) alpha') + b.

    Raises
    ------
    TypeError, ValueError
        If p is not a real number or lies outside [0, 1).

    Notes
    -----
    For x of mean 0 and variance 1 the mixture m x + (1 - m) alpha' has the mean
    p alpha' and the variance (1 - p)(1 + p alpha'^2). So

    .. math:: a = \\left((1 - p)(1 + p \\alpha'^2)\\right)^{-1/2}, \\quad
        b = -a p \\alpha'

    Source: Klambauer et al. (2017), section 3. Explained in chapter 6.

    Examples
    --------
    >>> a, b = alpha_affine(0.2)
    >>> round(a, 6), round(b, 6)
    (0.878904, 0.30904)
    """
    p = check_p(p)
    if p == 1.0:
        raise ValueError("p must be below 1; got 1: nothing is left of x.")
    a = ((1.0 - p) * (1.0 + p * ALPHA_PRIME**2)) ** -0.5
    return a, -a * p * ALPHA_PRIME
