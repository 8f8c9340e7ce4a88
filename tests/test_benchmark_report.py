"""The report of `make bench` computes what it says; the timing itself is not tested."""

import ast
import importlib.util
import json
import math

import matplotlib.pyplot as plt
import pytest

from .benchmarks import report
from .book.pages import ROOT

RATES = (0.1, 0.8)


def measured(above=12.0, below=1.0):
    """Times of every race, all rounds alike: `below` for the companion, `above` else."""
    names = {"one-liner float64"}
    names |= {name for goal in report.GOALS for name in (goal.above, goal.below)}
    sizes = {(g.kind, g.n or 64 * 512) for g in report.GOALS}
    return [
        {
            "kind": kind, "n": n, "threads": threads, "contestant": name, "p": p,
            "seconds": [below if name in (*report.COMPANIONS, report.ENGINE) else above] * 3,
        }
        for kind, n in sizes for threads in (1, 2) for name in sorted(names) for p in RATES
    ]  # fmt: skip


def write(folder, times, load=0.5):
    """Write a file as pytest-benchmark does, for each number of threads."""
    folder.mkdir(exist_ok=True)
    memory = [
        {"contestant": name, "what": what, "bytes": size}
        for name, size in (("PyTorch", 4.0), ("companion.torch", 1.0))
        for what in ("forward, peak", "kept for backward")
    ]
    for threads in (1, 2):
        rows = [row for row in times if row["threads"] == threads]
        infos = [{"times": rows, "load": load}] + [{"memory": memory}] * (threads == 1)
        content = {
            "machine_info": {"processor": "", "cpu": {"brand_raw": "a chip", "count": 2}},
            "datetime": "2026-01-01T00:00:00",
            "benchmarks": [{"extra_info": info} for info in infos],
        }
        (folder / f"threads-{threads}.json").write_text(json.dumps(content))
    return sorted(folder.glob("threads-*.json"))


def judged(tmp_path, times):
    return report.judge(report.read(write(tmp_path, times))[0])


def test_ratios_are_geometric_means_over_p_of_shortest_times_and_of_rounds(tmp_path):
    times = {
        ("PyTorch", 0.1): [4.0, 9.0, 6.0], ("companion.torch", 0.1): [2.0, 1.0, 3.0],
        ("PyTorch", 0.8): [8.0, 8.0, 9.0], ("companion.torch", 0.8): [1.0, 2.0, 1.0],
    }  # fmt: skip
    rows = [
        {"kind": "forward", "n": 10, "threads": t, "contestant": c, "p": p,
         "seconds": s if t == 1 else [1.0]}
        for (c, p), s in times.items() for t in (1, 2)
    ]  # fmt: skip
    table, _, _ = report.read(write(tmp_path, rows))
    rows = report.select(table, "forward", 10, 1)
    shortest, within = report.ratios(rows, "PyTorch", "companion.torch")
    assert shortest == pytest.approx(math.sqrt(4 / 1 * 8 / 1))
    assert within == pytest.approx(math.sqrt(2 * 8))  # medians of 2, 9, 2 and of 8, 4, 9
    by_size = report.by_size(table, "forward", 1)
    assert by_size.loc["PyTorch", 10] == pytest.approx(math.sqrt(32) * 1e8)
    by_rate = report.by_rate(table, "forward", 10, 1, 0.5)
    assert list(by_rate.loc["PyTorch"]) == pytest.approx([8, 16, math.sqrt(128)])


def test_a_goal_is_met_from_its_bound_on(tmp_path):
    for ratio in (2.9, 3.0, 5.9, 6.0, 10.9, 11.0):
        table = judged(tmp_path, measured(above=ratio))
        for goal, met in zip(report.GOALS, table["met"], strict=True):
            expected = goal.at_most or ratio >= goal.bound
            assert met == ("yes" if expected else "NO"), goal


def test_more_time_than_without_dropout_is_judged_from_above(tmp_path):
    (step,) = (i for i, goal in enumerate(report.GOALS) if goal.at_most)
    assert judged(tmp_path, measured(1.0, 1.05))["met"][step] == "yes"
    slower = judged(tmp_path, measured(1.0, 1.06)).loc[step]
    assert (slower["met"], slower["shortest"]) == ("NO", 1.06)


def test_goals_name_contestants():
    text = (ROOT / "tests/benchmarks/contestants.py").read_text(encoding="utf-8")
    for goal in report.GOALS:
        assert f'"{goal.above}": ' in text
        assert f'"{goal.below}": ' in text


def test_everything_is_written(tmp_path, capsys):
    write(tmp_path, measured(), load=1.5)
    report.main(tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert text.strip() == capsys.readouterr().out.strip()
    assert "a chip, 2 cores, 2026-01-01T00:00, load up to 1.5" in text
    assert "| forward, 4 million" in text
    assert "-91.7%" in text  # 1 / 12 of the time without dropout
    assert (tmp_path / "times.csv").read_text().count("\n") == 1 + len(measured())
    assert (tmp_path / "memory.csv").read_text().count("\n") == 5
    assert "<svg" in (tmp_path / "speed.svg").read_text()
    assert (tmp_path / "speed.png").stat().st_size > 0
    plt.close("all")


def test_the_figure_shows_speed(tmp_path):
    figure = report.draw(report.read(write(tmp_path, measured(above=4.0)))[0])
    forward = figure.axes[0]
    (line,) = (x for x in forward.lines if x.get_label() == "PyTorch")
    assert list(line.get_xdata()) == [1_000, 4_000_000]
    assert list(line.get_ydata()) == pytest.approx([1_000 / 4e6, 4_000_000 / 4e6])
    plt.close(figure)


@pytest.mark.parametrize(
    "file", sorted((ROOT / "tests/benchmarks").glob("*.py")), ids=lambda file: file.stem
)
def test_what_a_benchmark_imports_is_there(file):
    """They are not collected here, so that an import which moved would stay unseen."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = ["." * node.level + node.module]
        for name in names:
            beside = name.partition(".")[0] == "jax"  # in .venv-bench alone
            assert beside or importlib.util.find_spec(name, "tests.benchmarks"), name
