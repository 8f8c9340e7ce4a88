"""`make mutants`: which small changes to the package do its tests notice?

Each mutant is written into a copy of the project, and a fork that has NumPy, SciPy and
PyTorch imported already runs the tests of its module there, until one fails: first those
that are known to run its function, the quickest first, then the files that `tests_of`
names, for what threads and other processes see. One that makes a loop endless is stopped after five times the time of the tests and ten seconds, and
counts as killed: whoever ran the tests would have noticed.

What was killed is kept in _build/mutants until its module changes, so that an interrupted
run goes on where it stopped, and the next one tries the survivors alone.
"""

import argparse
import contextlib
import difflib
import hashlib
import importlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from pathlib import Path, PurePath

import pytest

from tests.test_house import place_of_test

from .covering import Covering
from .mutate import mutants

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "_build/mutants"
KNOWN = tomllib.loads((ROOT / "tests/mutation/known.toml").read_text(encoding="utf-8"))
PRELOADED = ("hypothesis", "scipy.stats", "torch._dynamo", "torch._inductor.compile_fx")
SAMPLE = 400  # of a module with more mutants
GOAL = 97  # per cent
MEMORY = 8 << 30  # bytes: what a mutant may take before it counts as killed
NEVER_COPIED = shutil.ignore_patterns(".*", "_build", "__pycache__")


def tests_of(path):
    """Return what judges a module: its doctests, its tests, and those that known.toml adds."""
    file = PurePath(path)
    place = place_of_test(".".join([*file.parent.parts, file.stem.lstrip("_")]))
    added = [
        test
        for pattern, tests in KNOWN["tests"].items()
        if file.match(pattern)
        for test in tests
    ]
    own = [str(place)] if (ROOT / place).exists() else []
    # A private module without tests of its own is judged by those of its neighbours.
    return [path, *(own + added or [str(place.parent)])]


def harmless(path):
    """Return the changes to a module that change nothing, as (function, old, new)."""
    return {
        (row["function"], row["old"], row["new"])
        for row in KNOWN["harmless"]
        if row["module"] == path
    }


def run_tests(copy, stages, plugin=None):
    """Run lists of tests in a copy of the project, within a fork; never returns."""
    os.setsid()  # so that what the tests start ends with them
    os.chdir(copy)
    sys.stdout = sys.stderr = log = open("log", "w")  # noqa: SIM115  until the fork ends
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    os.environ["PYTHONPATH"] = f"{copy}:{os.environ['PYTHONPATH']}"
    sys.path[0] = str(copy)
    for name in [n for n in sys.modules if n.split(".")[0] in ("tests", "companion")]:
        del sys.modules[name]
    code = 1
    try:
        for tests in stages:  # to collect them all takes longer than most verdicts
            options = ["-x", "-q", "--basetemp=tmp", *tests]
            code = pytest.main(options, plugins=[plugin] if plugin else None)
            code = 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code
            if code:
                break
    finally:
        sys.stdout.flush()
        os._exit(code)


class Copy:
    """A copy of the project in which one mutant after another is judged."""

    def __init__(self, folder):
        self.folder = Path(shutil.copytree(ROOT, folder, ignore=NEVER_COPIED))
        self.written = 0

    def start(self, path, source, stages, limit=None, plugin=None):
        """Write a module and start tests, one list after the other."""
        file = self.folder / path
        file.write_text(source, encoding="utf-8")
        # Python knows a stale .pyc by size and whole seconds: no two mutants share theirs.
        self.written += 1
        os.utime(file, (self.written, self.written))
        self.started = time.monotonic()
        self.limit = limit
        self.process = os.fork()
        if not self.process:
            run_tests(self.folder, stages, plugin)

    def verdict(self):
        """Return how the tests ended, or None while they run."""
        ended, status = os.waitpid(self.process, os.WNOHANG)
        late = self.limit and time.monotonic() > self.started + self.limit
        if not (ended or late):
            return None
        self.stop()
        if not ended:
            return "timed out"
        return "survived" if status == 0 else "killed"

    def stop(self):
        """End the tests and whatever they started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # it has ended by itself
            os.waitpid(self.process, 0)

    def finish(self):
        """Wait for the verdict."""
        while (verdict := self.verdict()) is None:
            time.sleep(0.01)
        return verdict


class RedTests(Exception):
    """The tests of a module fail without any change to it."""


def time_tests(path, source, copy):
    """Return how long the tests of a module take on itself, and which run each function."""
    covering = Covering(copy.folder / path)
    copy.start(path, source, [tests_of(path)], plugin=covering)  # compiles, too
    copy.finish()
    copy.start(path, source, [tests_of(path)])
    if copy.finish() != "survived":
        raise RedTests((copy.folder / "log").read_text(encoding="utf-8"))
    return time.monotonic() - copy.started, covering.read()


def judge(path, source, chosen, copies):
    """Yield each mutant with its verdict, as they come; no copy is ever idle."""
    if not chosen:
        return
    seconds, covering = time_tests(path, source, copies[0])
    waiting, running = list(chosen), {}
    try:
        while waiting or running:
            for copy in copies:
                if copy not in running and waiting:
                    running[copy] = mutant = waiting.pop(0)
                    known = (
                        [covering[mutant.function]] if mutant.function in covering else []
                    )
                    stages = [*known, tests_of(path)]
                    copy.start(path, mutant.source, stages, 10 + 5 * seconds)
                elif copy in running and (verdict := copy.verdict()):
                    yield running.pop(copy), verdict
            time.sleep(0.01)
    finally:
        for copy in running:
            copy.stop()
        for copy in copies:
            (copy.folder / path).write_text(source, encoding="utf-8")


def key(mutant):
    """Return a short name of a mutant that changes with anything in its module."""
    return hashlib.sha256(mutant.source.encode()).hexdigest()[:16]


def judged(path, source, chosen, copies):
    """Return the verdict on each mutant; those killed before are taken as they were."""
    file = RESULTS / f"{path.replace('/', '.')}.killed"
    before = {}
    if file.exists():
        before = dict(line.split(" ", 1) for line in file.read_text().splitlines())
    verdicts = {mutant: before[key(mutant)] for mutant in chosen if key(mutant) in before}
    waiting = [mutant for mutant in chosen if mutant not in verdicts]
    with file.open("a") as notes:
        for mutant, verdict in judge(path, source, waiting, copies):
            verdicts[mutant] = verdict
            if verdict != "survived":
                print(key(mutant), verdict, file=notes, flush=True)
    return verdicts


def write_survivors(path, source, survivors):
    """Write the survivors of a module, each as a patch below the name of its function."""
    old = source.splitlines(keepends=True)
    with (RESULTS / f"{path.replace('/', '.')}.diff").open("w", encoding="utf-8") as file:
        for mutant in survivors:
            new = mutant.source.splitlines(keepends=True)
            file.write(f"# {mutant.function or 'top level'}\n")
            file.writelines(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}"))
            file.write("\n")


def examine(path, source, seed, copies):
    """Judge one module, write down its survivors, and return its counts."""
    every = mutants(source)
    known = harmless(path)
    for row in known - {(m.function, m.old, m.new) for m in every}:
        print(f"known.toml has a change that {path} cannot have any more: {row}")
    places = range(len(every))
    if len(every) > SAMPLE:
        places = sorted(random.Random(f"{seed} {path}").sample(places, SAMPLE))
    chosen = [every[i] for i in places]
    chosen = [m for m in chosen if (m.function, m.old, m.new) not in known]
    verdicts = judged(path, source, chosen, copies)
    write_survivors(path, source, [m for m in chosen if verdicts[m] == "survived"])
    found = list(verdicts.values())
    return len(every), len(chosen), *map(found.count, ("killed", "survived", "timed out"))


def print_line(name, cells, share):
    """Print a line of the table."""
    print(f"{name:<50}" + "".join(f"{cell:>11}" for cell in (*cells, share)), flush=True)


def print_counts(name, counts):
    """Print the counts of a module; the last column is the share of those killed."""
    _, of, _, survived, _ = counts
    print_line(name, counts, f"{100 * (1 - survived / of):.1f}" if of else "-")


def examine_all(sources, seed, copies):
    """Judge module after module, a line for each; return those whose tests are red."""
    rows, red = {}, []
    for path, source in sources.items():
        try:
            counts = examine(path, source, seed, copies)
        except RedTests as error:
            print(f"{path}: not judged, for its tests fail without any change\n{error}")
            red.append(path)
            continue
        if counts[0]:
            rows[path] = counts
            print_counts(path, counts)
    print_counts("all", [sum(row[i] for row in rows.values()) for i in range(5)])
    below = [path for path, row in rows.items() if row[3] > (1 - GOAL / 100) * row[1]]
    print(f"Below {GOAL} %: {', '.join(below) or 'none'}. Survivors: {RESULTS}/*.diff")
    return red


def main():
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("--only", default="companion", help="a module or a folder")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", default="0", help="of the sample of a large module")
    options = parser.parse_args()
    only = ROOT / options.only
    files = [only] if only.is_file() else sorted(only.rglob("*.py"))
    if not files:
        parser.error(f"there is no module {only}")
    for module in PRELOADED:
        importlib.import_module(module)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # nbval alone takes two seconds
    RESULTS.mkdir(parents=True, exist_ok=True)
    print(
        f"Of a module at most {SAMPLE} mutants are judged, sampled with the seed {options.seed}."
    )
    print_line("", ("mutants", "judged", "killed", "survived", "timed out"), "per cent")
    with tempfile.TemporaryDirectory() as folder:
        copies = [Copy(Path(folder, str(i))) for i in range(options.jobs)]
        sources = {str(f.relative_to(ROOT)): f.read_text(encoding="utf-8") for f in files}
        red = examine_all(sources, options.seed, copies)
    sys.exit(f"Not judged: {', '.join(red)}" if red else 0)


if __name__ == "__main__":
    main()
