"""Does a recurrent network still remember when its state is dropped out?"""

from companion.experiments.finding import Finding, Row, experiment
from companion.experiments.statistics import mean_interval
from companion.experiments.training.recurrent import train_recall


@experiment(
    question="Does a new mask on the carried state at every step destroy the memory?",
    prediction="Dropout on the recurrent connections erases what is stored for many "
    "steps; elsewhere it does not.",
    source="Zaremba, Sutskever and Vinyals (2014), section 3",
    rule="Reproduces if fresh masks on the state cost more than 30 points of accuracy "
    "and no other place more than 10, by the ends of the intervals; weaker if fresh "
    "masks on the state cost anything.",
    full_seeds=10,
)
def masked_memory(seeds=range(5), *, progress=True):
    """Measure what dropout at p = 0.3 in three places costs a network that remembers.

    Parameters
    ----------
    seeds : sequence of int
        At least 2.
    progress : bool
        Show a progress bar with the time left.

    Returns
    -------
    Finding
        Accuracy in points, paired differences to no dropout; `raw` is the `Recall`.

    Raises
    ------
    ValueError
        If there are fewer than 2 seeds.

    Notes
    -----
    Source: Zaremba, Sutskever and Vinyals (2014), section 3. Explained
    in chapter 6.

    Examples
    --------
    >>> masked_memory.about.full_seeds
    10
    """
    recall = train_recall(seeds=seeds, p=0.3, progress=progress)
    points = dict(zip(recall.kinds, 100 * recall.accuracy, strict=True))
    lost = {
        kind: mean_interval(points["none"] - points[kind])
        for kind in recall.kinds
        if kind != "none"
    }
    rows = [Row("accuracy lost, points", kind, cost) for kind, cost in lost.items()]
    state = lost.pop("state-fresh")
    if state.low > 30 and all(cost.high < 10 for cost in lost.values()):
        verdict = "reproduces"
    else:
        verdict = "weaker" if state.low > 0 else "does not reproduce"
    return Finding(rows, verdict, raw=recall)
