"""How many thinned networks must be averaged to match weight scaling?"""

import numpy as np
from scipy.special import log_softmax, logsumexp

from companion.data import mnist1d
from companion.experiments.finding import Finding, Row, experiment
from companion.experiments.statistics import mean_interval
from companion.experiments.training.engine import (
    activations,
    draw_factors,
    train_networks,
)


def _averages(weights, x, rate, sizes, rngs):
    """Yield k and two means over k masks, arithmetic and geometric, for k in sizes.

    Both are log-probabilities of shape (networks, n, classes). Each network draws from
    a stream of its own, so that its masks depend on no other.
    """
    widths = [w.shape[1] for w, _ in weights[1:]]
    total, sum_of_logs = -np.inf, 0.0
    for k in range(1, max(sizes) + 1):
        factors = [
            np.stack([draw_factors((len(x), n), rate, rng) for rng in rngs])
            for n in widths
        ]
        *_, logits = activations(weights, x, [None, *factors])
        log_p = log_softmax(logits.astype(float), axis=-1)
        total, sum_of_logs = np.logaddexp(total, log_p), sum_of_logs + log_p
        if k in sizes:
            mean = sum_of_logs / k
            geometric = mean - logsumexp(mean, axis=-1, keepdims=True)
            yield k, total - np.log(k), geometric


def _scores(log_p, labels):
    """Return test errors in per cent and test losses in nats, one for each network."""
    error = 100 * (log_p.argmax(axis=-1) != labels).mean(axis=-1)
    return error, -log_p[:, np.arange(len(labels)), labels].mean(axis=-1)


@experiment(
    question="How many sampled networks must be averaged to match weight scaling?",
    prediction="About 50; beyond that the average is slightly better, within one "
    "standard deviation.",
    source="Srivastava et al. (2014), section 7.5, figure 11",
    rule="By whole intervals of the test error against weight scaling, at p = 0.5: "
    "reproduces if one sampled network is worse and 50 are not; weaker if 50 are worse "
    "but better than one; else it does not reproduce.",
    full_seeds=100,
)
def monte_carlo(
    seeds=range(32),
    *,
    rates=(0.3, 0.5),
    sizes=(1, 2, 5, 10, 20, 50, 100),
    epochs=60,
    progress=True,
):
    """Measure averages over k sampled networks against the one scaled network.

    Parameters
    ----------
    seeds : sequence of int
        0 or more each, at least 2, all different.
    rates : sequence of float
        Probabilities to **drop** hidden units, in (0, 1); with 0.5, by which the
        verdict goes.
    sizes : sequence of int
        Numbers k of masks to average over, at least 1; with 1 and 50.
    epochs : int
        At least 1.
    progress : bool
        Show a progress bar for the training.

    Returns
    -------
    Finding
        For each rate and k the paired difference of the arithmetic average to weight
        scaling, of the test error in percentage points; and for the largest k that of
        the test loss in nats, for arithmetic and geometric averages. In the field
        `raw` a dict of the "rates", "sizes" and the arrays (rates, sizes, seeds)
        "error" and "loss", differences to weight scaling.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, or a rate or size that
        the rule needs is missing.

    Notes
    -----
    The average over k masks predicts with the mean of k softmax outputs; weight
    scaling is one pass in evaluation mode. Two hidden layers of 128 units; 1,000
    training and 1,000 test examples of MNIST-1D; Adam, learning rate 0.003, batches
    of 50. Explained in chapter 5.

    Examples
    --------
    >>> monte_carlo.about.source
    'Srivastava et al. (2014), section 7.5, figure 11'
    """
    rates, sizes = tuple(rates), tuple(sorted(set(sizes)))
    if 0.5 not in rates or not {1, 50} <= set(sizes) or min(sizes) < 1:
        raise ValueError(
            "rates must hold 0.5, and sizes 1, 50 and nothing below 1; got "
            f"{rates!r} and {sizes!r}."
        )
    data = mnist1d()
    runs = train_networks(
        data,
        rates=rates,
        seeds=seeds,
        train_size=1000,
        hidden=(128, 128),
        epochs=epochs,
        batch_size=50,
        lr=3e-3,
        progress=progress,
    )
    rows, at_rates, count = [], [], len(runs.seeds)
    for i, p in enumerate(rates):
        part = slice(i * count, (i + 1) * count)
        weights = [(w[part], b[part]) for w, b in runs.weights]
        *_, logits = activations(weights, data.x_test)
        scaled = _scores(log_softmax(logits.astype(float), axis=-1), data.y_test)
        rngs, found = [np.random.default_rng([seed, 2]) for seed in runs.seeds], []
        for k, *means in _averages(weights, data.x_test, p, sizes, rngs):
            scores = [_scores(log_p, data.y_test) for log_p in means]
            (error, loss), (_, geometric) = np.subtract(scores, [scaled, scaled])
            found.append((error, loss))
            rows.append(
                Row("test error, points", f"p = {p}, k = {k}", mean_interval(error))
            )
        at_rates.append(found)
        rows += [
            Row("test loss, nats", f"p = {p}, k = {k}, {name}", mean_interval(values))
            for name, values in (("arithmetic", loss), ("geometric", geometric))
        ]
    error, loss = np.moveaxis(at_rates, 2, 0)  # (rates, sizes, seeds) each
    one, fifty = (error[rates.index(0.5), sizes.index(k)] for k in (1, 50))
    verdict = "does not reproduce"
    if mean_interval(one).low > 0:
        if mean_interval(fifty).low <= 0:
            verdict = "reproduces"
        elif mean_interval(fifty - one).high < 0:
            verdict = "weaker"
    return Finding(
        rows, verdict, raw={"rates": rates, "sizes": sizes, "error": error, "loss": loss}
    )
