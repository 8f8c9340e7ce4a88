"""Experiments are found, say what they ask, and print as text, HTML and CSV."""

import csv
import html.parser
import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from companion.experiments import (
    Finding,
    Interval,
    Row,
    experiment,
    experiments,
    mean_interval,
)
from companion.experiments import __main__ as command
from companion.experiments.finding import (
    COLUMNS,
    VERDICTS,
    level_rows,
    paired_rows,
    verdict,
)

ROWS = (
    Row("loss <nats>", "p = 0.2", Interval(-0.91, -1.0, -0.8123456, 5)),
    Row("ratio", "p = 0.5", Interval(1234.5678, 1.0, 2e-7, 40, "bootstrap")),
)
STATED = {
    "question": "Is 1 < 2?", "prediction": "Yes.", "source": "Nobody (1900), table 1",
    "rule": "It is if it is.", "full_seeds": 6,
}  # fmt: skip


@experiment(**STATED)
def example(seeds=range(5), *, progress=True):
    """Return two rows at once."""
    return Finding(list(ROWS), "weaker", raw=list(seeds))


class Cells(html.parser.HTMLParser):
    """The texts of a page, and those of all table cells, the headers apart."""

    def __init__(self, page):
        super().__init__()
        self.texts, self.cells, self.heads, self.inside = [], [], [], None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.inside = tag
        assert not dict(attributes).keys() & {"style", "border"}  # the policy of pages

    def handle_data(self, text):
        self.texts.append(text)
        {"td": self.cells, "th": self.heads}.get(self.inside, []).append(text)


def test_every_experiment_states_what_it_asks_and_is_listed(capsys):
    found = experiments()
    command.main(["list"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(found) >= 2
    for (name, function), line in zip(found.items(), lines, strict=True):
        about = function.about
        assert line == f"{name}: {about.question}"
        assert name == function.__name__
        assert about.question.endswith("?")
        assert about.prediction.endswith(".")
        assert about.rule.endswith(".")
        assert any(character.isdigit() for character in about.source)
        assert about.full_seeds >= 4


def test_a_finding_knows_its_experiment():
    finding = example()
    assert finding.about == example.about
    assert finding.rows == ROWS
    assert finding.raw == [0, 1, 2, 3, 4]
    assert example(range(3)).raw == example(seeds=range(3)).raw == [0, 1, 2]
    assert Finding(ROWS, "weaker").raw is Finding(ROWS, "weaker").about is None
    assert finding.interval("ratio", "p = 0.5").n == 40
    with pytest.raises(KeyError, match=r"no row.*there are.*loss"):
        finding.interval("ratio", "p = 0.2")


def test_text_and_html_hold_the_same():
    finding = example()
    text, page = str(finding), finding._repr_html_()
    assert repr(finding) == text
    cells = Cells(page)
    assert tuple(cells.cells) == ROWS[0].cells()[3:6] + ROWS[1].cells()[3:6]
    assert cells.heads == [
        *("setting", "mean", "low", "high"),
        *("loss <nats> (n = 5, t interval)", "p = 0.2"),
        *("ratio (n = 40, bootstrap interval)", "p = 0.5"),
    ]
    assert "loss <nats>" not in page
    lines = text.splitlines()
    assert lines[:3] == [
        "Question: Is 1 < 2?", "Prediction: Yes. (Nobody (1900), table 1)",
        "Rule: It is if it is.",
    ]  # fmt: skip
    assert lines[-1] == "Verdict: weaker"
    assert cells.texts[:3] == lines[:3] and cells.texts[-1] == lines[-1]
    assert len(cells.texts) == 4 + len(cells.heads) + len(cells.cells)
    assert lines[3].split() == list(COLUMNS)
    assert lines[4].split("  ")[0] == "loss <nats>"
    assert (
        len(
            {
                line.index(cell)
                for line, cell in zip(
                    lines[3:6], ("setting", "p = 0.2", "p = 0.5"), strict=True
                )
            }
        )
        == 1
    )


def test_on_a_page_a_measure_is_named_once_and_what_has_no_interval_says_so():
    never = Interval(np.inf, np.inf, np.inf, 5, "never")
    later = Row("loss <nats>", "p = 0.5", ROWS[0].interval)
    page = Finding([*ROWS, later, Row("ratio", "p = 0.8", never)], "weaker")._repr_html_()
    assert Cells(page).heads[4:] == [
        *("loss <nats> (n = 5, t interval)", "p = 0.2", "p = 0.5"),
        *("ratio (n = 40, bootstrap interval)", "p = 0.5"),
        *("ratio (n = 5, no interval)", "p = 0.8"),
    ]


def test_a_verdict_is_one_of_three():
    assert len(VERDICTS) == 3
    with pytest.raises(ValueError, match=r"verdict must be among.*got 'maybe'"):
        Finding(ROWS, "maybe")


def test_an_experiment_returns_a_finding():
    @experiment(**STATED)
    def forgetful(seeds=(1,)):
        pass

    with pytest.raises(TypeError, match="forgetful must return a Finding; got None"):
        forgetful()


@pytest.mark.parametrize("more", [(), ("--seeds", "4"), ("--seeds", "9")])
def test_a_run_writes_its_table_with_its_provenance(tmp_path, monkeypatch, capsys, more):
    monkeypatch.setattr(command, "experiments", lambda: {"example": example})
    file = tmp_path / "table.csv"
    command.main(["run", "example", *more, "--out", str(file)])
    printed = capsys.readouterr().out
    assert "Verdict: weaker" in printed and "# verdict" not in printed
    assert b"\r" not in file.read_bytes()
    lines = file.read_text(encoding="utf-8").splitlines()
    stated = dict(line[2:].split(": ", 1) for line in lines if line.startswith("#"))
    assert stated["seeds"] == f"0 to {int(more[1] if more else 6) - 1}"
    assert stated["question"] == STATED["question"]
    assert stated["verdict"] == "weaker"
    assert float(stated["seconds"]) < 60
    when = datetime.fromisoformat(stated["when"])
    assert timedelta() <= datetime.now(UTC) - when < timedelta(minutes=1)
    assert when.microsecond == 0
    assert stated["python"] == platform.python_version()
    assert stated["machine"] == f"{platform.system()} {platform.machine()}"
    for package in ("dropout-verified-companion", "numpy", "scipy", "torch", "joblib",
                    "mnist1d", "mlxtend"):  # fmt: skip
        assert stated[package] == importlib.metadata.version(package)
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert tuple(rows[0]) == COLUMNS
    assert [float(row["high"]) for row in rows] == [-0.8123456, 2e-7]
    assert rows[1]["interval"] == "bootstrap"


def test_an_experiment_that_refuses_leaves_an_old_table(tmp_path, monkeypatch, capsys):
    @experiment(**STATED)
    def strict(seeds=range(5)):
        raise ValueError("seeds must be 10 or more")

    monkeypatch.setattr(command, "experiments", lambda: {"strict": strict})
    file = tmp_path / "table.csv"
    file.write_text("old")
    with pytest.raises(SystemExit):
        command.main(["run", "strict", "--out", str(file)])
    assert "seeds must be 10 or more" in capsys.readouterr().err
    assert file.read_text() == "old"


def test_provenance_names_the_seeds_that_an_interrupt_left(tmp_path, monkeypatch):
    @experiment(**STATED)
    def short(seeds=range(5)):
        return Finding(ROWS[:1], "weaker")  # of 5 seeds, whatever was asked for

    monkeypatch.setattr(command, "experiments", lambda: {"short": short})
    file = tmp_path / "table.csv"
    command.main(["run", "short", "--seeds", "9", "--out", str(file)])
    assert "# seeds: 0 to 4\n" in file.read_text(encoding="utf-8")


def test_without_a_file_the_table_is_printed(monkeypatch, capsys):
    monkeypatch.setattr(command, "experiments", lambda: {"example": example})
    command.main(["run", "example"])
    assert ",".join(COLUMNS) in capsys.readouterr().out


IN_ASCII = """
import sys
from companion.experiments import Finding, Row, __main__ as command
from tests.experiments.test_finding import ROWS, STATED, experiment

@experiment(**STATED)
def greek(seeds):
    return Finding([Row("loss", "\\u03bb = 0", ROWS[0].interval)], "weaker")

command.experiments = lambda: {"greek": greek}
command.main(["run", "greek", "--out", sys.argv[1]])
"""


def test_a_terminal_that_refuses_a_sign_costs_no_table(tmp_path):
    file = tmp_path / "table.csv"
    run = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", IN_ASCII, str(file)],
        env=os.environ
        | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "UnicodeEncodeError" in run.stderr
    assert "loss,\u03bb = 0,5," in file.read_text(encoding="utf-8")


def test_the_help_names_what_to_give(capsys):
    with pytest.raises(SystemExit):
        command.main(["run", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "run [-h] [--seeds N] [--out FILE] NAME" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nothing"], "invalid choice: 'nothing'"),
        (["run", "example", "--seeds", "3"], "--seeds must be at least 4"),
        ([], "required: command"),
    ],
)
def test_what_cannot_be_run_is_refused(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(command, "experiments", lambda: {"example": example})
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert message in capsys.readouterr().err


def test_it_runs_from_a_terminal():
    run = [sys.executable, "-m", "companion.experiments", "list"]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert "masked_memory: " in done.stdout
    assert done.stderr == ""


def test_paired_rows_compare_each_rate_with_the_first(rng):
    measures = {"a": rng.normal(size=(3, 5)), "b": rng.normal(size=(3, 5))}
    rows = paired_rows(measures, (0.0, 0.2, 0.5))
    assert [(row.measure, row.setting) for row in rows] == [
        (name, f"p = {p} - p = 0") for name in "ab" for p in (0.2, 0.5)
    ]
    expected = [mean_interval(v[i] - v[0]) for v in measures.values() for i in (1, 2)]
    assert [row.interval for row in rows] == expected
    with pytest.raises(ValueError, match="one entry for each of 4 rates"):
        paired_rows(measures, (0.0, 0.2, 0.5, 0.8))


def test_level_rows_hold_the_mean_at_each_rate(rng):
    measures = {"a": rng.normal(size=(2, 5)), "b": rng.normal(size=(2, 5))}
    rows = level_rows(measures, (0.0, 0.25))
    assert [(row.measure, row.setting) for row in rows] == [
        (name, f"p = {p}") for name in "ab" for p in ("0", "0.25")
    ]
    expected = [mean_interval(v) for values in measures.values() for v in values]
    assert [row.interval for row in rows] == expected
    with pytest.raises(ValueError, match="one entry for each of 1 rates"):
        level_rows(measures, (0.0,))


@pytest.mark.parametrize(
    ("reproduces", "weaker", "expected"),
    [
        (True, True, "reproduces"),
        (np.True_, np.False_, "reproduces"),
        (np.False_, np.True_, "weaker"),
        (False, False, "does not reproduce"),
    ],
)
def test_the_first_rule_that_holds_is_the_verdict(reproduces, weaker, expected):
    assert verdict(reproduces=reproduces, weaker=weaker) == expected
