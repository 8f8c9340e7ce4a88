"""What `make bench` measured: ratios beside their goals, tables and a plot.

    python tests/benchmarks/report.py FOLDER

reads the files that pytest-benchmark wrote into the folder, prints the report, and
puts it there as report.md, with times.csv, memory.csv and speed.png and .svg.
"""

import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from companion import plots

GOAL_SIZE = 4_000_000
ENGINE = "train_networks"
COMPANIONS = ("companion.torch", "companion.numpy")


@dataclass(frozen=True)
class Goal:
    """A bound for the time of one contestant divided by that of another."""

    kind: str
    n: int | None
    threads: int
    above: str
    below: str
    bound: float
    at_most: bool = False

    def is_met(self, ratio):
        """Say whether a ratio is good enough."""
        return ratio <= self.bound if self.at_most else ratio >= self.bound


def _faster(kind, n, threads, peer, bound, companions=COMPANIONS):
    return [Goal(kind, n, threads, peer, companion, bound) for companion in companions]


# companion.numpy has one thread and no autograd, so two goals are of companion.torch alone.
GOALS = (
    *_faster("forward", GOAL_SIZE, 1, "PyTorch", 11),
    *_faster("forward", GOAL_SIZE, 1, "torch.compile", 11),
    *_faster("forward", GOAL_SIZE, 1, "one-liner", 3),
    *_faster("forward", GOAL_SIZE, 1, "one-liner float64", 6),
    *_faster("forward", GOAL_SIZE, 1, "x * c in NumPy", 0.22),
    *_faster("forward", GOAL_SIZE, 2, "PyTorch", 10, COMPANIONS[:1]),
    *_faster("forward", 1_000, 1, "PyTorch", 1),
    *_faster("forward + backward", GOAL_SIZE, 1, "PyTorch", 8, COMPANIONS[:1]),
    *(
        Goal(f"24 networks, width {w}", None, 2, "loop of nn.Module", ENGINE, bound)
        for w, bound in ((64, 9), (128, 5), (256, 2.8))
    ),
    *(
        Goal(f"24 networks, width {w}", None, 2, "its matrix products", ENGINE, 0.75)
        for w in (64, 128, 256)
    ),
    Goal("training step", None, 1, "companion.torch", "no dropout", 1.05, at_most=True),
)


def read(files):
    """Return times, memory and circumstances of the measurements in some files."""
    results = [json.loads(Path(file).read_text(encoding="utf-8")) for file in files]
    infos = [b["extra_info"] for result in results for b in result["benchmarks"]]
    times = pd.DataFrame([row for info in infos for row in info.get("times", [])])
    times["shortest"] = times["seconds"].map(min)
    times["median"] = times["seconds"].map(statistics.median)
    memory = pd.DataFrame([row for info in infos for row in info.get("memory", [])])
    machine = results[0]["machine_info"]
    around = {
        "processor": machine["cpu"].get("brand_raw", machine["processor"]),
        "cores": machine["cpu"].get("count"),
        "when": results[0]["datetime"],
        "load": max(info["load"] for info in infos if "load" in info),
    }
    return times, memory, around


def select(times, kind, n, threads):
    """Return the rows of one race. Without n, a kind has one size."""
    rows = times[(times["kind"] == kind) & (times["threads"] == threads)]
    return rows if n is None else rows[rows["n"] == n]


def ratios(rows, above, below):
    """Return how many times as long one contestant takes as another, in two ways.

    First the ratio of the shortest times, which a busy machine cannot lower. Then
    the median ratio within a round, where a busy machine slows both. Both are
    geometric means over p.
    """
    above, below = (
        rows[rows["contestant"] == name].set_index("p")["seconds"]
        for name in (above, below)
    )
    shortest = [min(above[p]) / min(below[p]) for p in above.index]
    within = [np.median(np.divide(above[p], below[p])) for p in above.index]
    return statistics.geometric_mean(shortest), statistics.geometric_mean(within)


def judge(times):
    """Return a table of the goals: the bound, what was measured, whether it is met."""
    table = []
    for goal in GOALS:
        rows = select(times, goal.kind, goal.n, goal.threads)
        shortest, within = ratios(rows, goal.above, goal.below)
        table.append(
            {
                "what": goal.kind + (f", {count(goal.n)}" if goal.n else ""),
                "threads": goal.threads,
                "time of": goal.above,
                "over time of": goal.below,
                "goal": f"{'at most' if goal.at_most else 'at least'} {goal.bound:g}",
                "shortest": round(shortest, 2),
                "median": round(within, 2),
                "met": "yes" if goal.is_met(shortest) else "NO",
            }
        )
    return pd.DataFrame(table)


def count(n):
    """Write a number of elements in words."""
    return f"{n // 10**6} million" if n >= 10**6 else f"{n // 1000} thousand"


def threads_of(t):
    """Write a number of threads."""
    return f"{t} threads" if t > 1 else f"{t} thread"


def by_size(times, kind, threads):
    """Return nanoseconds an element, shortest times: a contestant a row, a size a column."""
    rows = select(times, kind, None, threads)
    rows = rows.assign(ns=rows["shortest"] / rows["n"] * 1e9)
    table = rows.pivot_table(
        "ns", "contestant", "n", aggfunc=statistics.geometric_mean, sort=False
    )
    return table.sort_index(axis="columns")


def by_rate(times, kind, n, threads, unit):
    """Return shortest times in a unit (of seconds): a contestant a row, a p a column."""
    rows = select(times, kind, n, threads)
    table = rows.assign(time=rows["shortest"] / unit)
    table = table.pivot(index="contestant", columns="p", values="time")
    table["mean"] = table.apply(statistics.geometric_mean, axis="columns")
    return table.reindex(rows["contestant"].unique())


def report(times, memory, around):
    """Return the report as Markdown."""
    parts = [
        "# What dropout costs",
        f"{around['processor']}, {around['cores']} cores, {around['when'][:16]}, load up to "
        f"{around['load']:.1f} (above the number of threads, something else ran too). "
        "Ratios and means are geometric means over p. Shortest: of the shortest times; "
        "these decide. Median: of the ratios within each round.",
        "## Goals",
        judge(times).to_markdown(index=False),
    ]
    threads = sorted(times["threads"].unique())
    for kind in ("forward", "forward + backward"):
        for t in threads:
            where = f"## {kind.capitalize()}, nanoseconds an element, {threads_of(t)}"
            rates = by_rate(times, kind, GOAL_SIZE, t, GOAL_SIZE / 1e9)
            sizes = by_size(times, kind, t).rename(columns=count)
            parts += [
                f"{where}: {count(GOAL_SIZE)}, by p",
                rates.to_markdown(floatfmt=".2f"),
                f"{where}: by size",
                sizes.to_markdown(floatfmt=".2f"),
            ]
    for t in threads:
        steps = by_rate(times, "training step", None, t, 1e-6)
        steps["extra"] = steps["mean"] / steps.loc["no dropout", "mean"] - 1
        extra = steps.pop("extra").map("{:+.1%}".format)
        parts += [
            f"## Training step of the article's model, microseconds, {threads_of(t)}",
            steps.round(0).assign(extra=extra).to_markdown(floatfmt=".0f"),
        ]
    if len(memory):
        wide = memory.pivot(index="contestant", columns="what", values="bytes")
        order = [memory[name].unique() for name in ("contestant", "what")]
        parts += [
            "## Memory, bytes an element beyond the input",
            "Peaks include the result: 4 bytes an element, 8 in float64; forward + "
            "backward has two.",
            wide.reindex(index=order[0], columns=order[1]).to_markdown(floatfmt=".2f"),
        ]
    return "\n\n".join(parts) + "\n"


def draw(times):
    """Return a figure: speed against size, for each pass and number of threads."""
    plots.use_style()
    threads = sorted(times["threads"].unique())
    kinds = ("forward", "forward + backward")
    figure, axes = plt.subplots(
        len(kinds), len(threads), figsize=(11, 8), sharex=True, sharey=True, squeeze=False
    )
    looks = {}  # the same for a contestant in every part
    for row, kind in zip(axes, kinds, strict=True):
        for ax, t in zip(row, threads, strict=True):
            for name, line in by_size(times, kind, t).iterrows():
                k = looks.setdefault(name, len(looks))
                ours = name in COMPANIONS
                ax.loglog(
                    line.index, 1e3 / line, label=name, color=plots.PALETTE[k % 7],
                    marker="osD^v<>PX*h"[k % 11], linestyle="-" if ours else "--",
                    linewidth=2.5 if ours else 1.2,
                )  # fmt: skip
            ax.set(title=f"{kind}, {threads_of(t)}")
    for ax in axes[-1]:
        ax.set_xlabel("elements")
    figure.supylabel("million elements a second (geometric mean over p)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def main(folder):
    """Print and write the report on the measurements in a folder."""
    times, memory, around = read(sorted(folder.glob("threads-*.json")))
    text = report(times, memory, around)
    (folder / "report.md").write_text(text, encoding="utf-8")
    times.assign(rounds=times.pop("seconds").map(len)).to_csv(
        folder / "times.csv", index=False
    )
    memory.to_csv(folder / "memory.csv", index=False)
    figure = draw(times)
    for kind in ("png", "svg"):
        figure.savefig(folder / f"speed.{kind}")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
