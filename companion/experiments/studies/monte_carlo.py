"""How many thinned networks must be averaged to match weight scaling?"""

import numpy as np
from scipy.special import log_softmax, logsumexp

from companion._arguments import check_count, check_holds
from companion.data import mnist1d
from companion.experiments.finding import Finding, experiment, mean_row, verdict
from companion.experiments.statistics import mean_interval
from companion.experiments.studies import PLAN
from companion.experiments.training.engine import train_networks
from companion.experiments.training.forward import activations, draw_factors


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

    The average over k masks predicts with the mean of k softmax outputs; weight
    scaling is one pass in evaluation mode. `seeds`, `epochs` and `progress`: as
    `experiment`. Explained in chapter 5.

    Parameters
    ----------
    rates : sequence of float
        Probabilities to **drop** hidden units, in (0, 1); with 0.5, by which the
        verdict goes.
    sizes : sequence of int
        Numbers k of masks to average over, at least 1; with 1 and 50.

    Returns
    -------
    Finding
        For each rate and k the difference of the arithmetic average to weight scaling,
        of the test error; and for the largest k that of the test loss, for arithmetic
        and geometric averages. In the field `raw` a dict of the "rates", "sizes" and
        the arrays (rates, sizes, seeds) "error" and "loss", differences to weight
        scaling.

    Examples
    --------
    >>> monte_carlo.about.source
    'Srivastava et al. (2014), section 7.5, figure 11'
    """
    rates, data = check_holds("rates", rates, (0.5,)), mnist1d()
    sizes = check_holds("sizes", sizes, (1, 50))
    sizes = tuple(sorted({check_count("sizes", size) for size in sizes}))
    runs = train_networks(
        data, rates=rates, seeds=seeds, epochs=epochs, progress=progress, **PLAN
    )
    rows, error, loss = [], *np.empty((2, len(rates), len(sizes), len(runs.seeds)))
    for i, p in enumerate(rates):
        own = slice(i * len(runs.seeds), (i + 1) * len(runs.seeds))
        weights = [(w[own], b[own]) for w, b in runs.weights]
        *_, logits = activations(weights, data.x_test)
        scaled = _scores(log_softmax(logits.astype(float), axis=-1), data.y_test)
        rngs = [np.random.default_rng([seed, 2]) for seed in runs.seeds]
        averages = _averages(weights, data.x_test, p, sizes, rngs)
        for j, (k, *means) in enumerate(averages):
            scores = [_scores(log_p, data.y_test) for log_p in means]
            (error[i, j], loss[i, j]), (_, geometric) = np.subtract(scores, [scaled] * 2)
            rows.append(mean_row("test error, points", f"p = {p}, k = {k}", error[i, j]))
        rows += [
            mean_row("test loss, nats", f"p = {p}, k = {k}, {name}", values)
            for name, values in (("arithmetic", loss[i, -1]), ("geometric", geometric))
        ]
    one, fifty = (error[rates.index(0.5), sizes.index(k)] for k in (1, 50))
    worse = mean_interval(one).low > 0
    return Finding(
        rows,
        verdict(
            reproduces=worse and mean_interval(fifty).low <= 0,
            weaker=worse and mean_interval(fifty - one).high < 0,
        ),
        raw={"rates": rates, "sizes": sizes, "error": error, "loss": loss},
    )
