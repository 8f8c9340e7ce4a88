"""Does a recurrent network still remember when its state is dropped out?"""

from companion.experiments.finding import Finding, experiment, mean_row, verdict
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

    `seeds` and `progress`: as `experiment`. Source: Zaremba, Sutskever and Vinyals
    (2014), section 3. Explained in chapter 6.

    Returns
    -------
    Finding
        Accuracy in points, differences to no dropout; `raw` is the `Recall`.

    Examples
    --------
    >>> masked_memory.about.full_seeds
    10
    """
    recall = train_recall(seeds=seeds, p=0.3, progress=progress)
    none, *others = 100 * recall.accuracy
    rows = [
        mean_row("accuracy lost, points", kind, none - points)
        for kind, points in zip(recall.kinds[1:], others, strict=True)
    ]
    *elsewhere, state = (row.interval for row in rows)
    rest = all(cost.high < 10 for cost in elsewhere)
    return Finding(
        rows,
        verdict(reproduces=state.low > 30 and rest, weaker=state.low > 0),
        raw=recall,
    )
