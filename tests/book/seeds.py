"""Try the assertions of the notebooks on fresh seeds: `make seeds`.

    python -m tests.book.seeds [NOTEBOOK ...] [--count 20] [--trained 3] [--seed N]

A page draws from seeds that its author chose. What it asserts of them should hold for
others. So each set of fresh seeds runs the page again in a process of its own, in which
a seed N gives the stream of (N, master seed, number of the set): `default_rng`,
`torch.manual_seed` and `Generator.manual_seed`, wherever they are called, hence also
`seeds=range(8)` of a study. Equal seeds stay equal. The data of `companion.data` stay
as they are.

A cell trains when it, or a function of the page that it names, calls `fit`, a study, or
what else of `companion.experiments` trains or measures. Such a cell and those that read
what it made get `--trained` sets, all others `--count`.

What breaks is printed with its numbers, so that a human can tell a bound that is too
narrow from a statement about one draw. The tag `own-seed` marks an example: the seeds
of that cell stay, and what is asserted of them is judged as everywhere.
"""

import argparse
import ast
import contextlib
import dis
import io
import secrets
import sys
import types
from pathlib import Path

import numpy as np
import torch

from .pages import NOTEBOOKS, ROOT, code_cells, read, tags
from .running import compiled, enter, processes

ENGINES = tuple(
    f"companion.experiments.{room}" for room in ("training", "studies", "instruments")
)
SEEDED = {"default_rng", "manual_seed"}


def has_seed(cell):
    """Say whether a cell states a seed: an integer, handed to what takes seeds."""
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).split(".")[-1]
            given = [k.value for k in node.keywords if k.arg in ("seed", "seeds")]
            given += node.args if name in SEEDED else []
            if any(
                isinstance(n, ast.Constant) and isinstance(n.value, int)
                for argument in given
                for n in ast.walk(argument)
            ):
                return True
    return False


class FreshSeeds:
    """Replace what makes generators from seeds, in this process, for one set."""

    def __init__(self, master, number):
        fresh = self

        class Generator(torch.Generator):
            def manual_seed(self, seed):
                return super().manual_seed(fresh.word(seed))

        self.entropy = [master, number]
        self.own = False  # while a cell runs that keeps its seeds
        self.numpy, self.torch = np.random.default_rng, torch.manual_seed
        np.random.default_rng = self.default_rng
        torch.manual_seed = lambda seed: self.torch(self.word(seed))
        torch.Generator = Generator
        torch.manual_seed(0)  # for pages that never seed the global stream

    def words(self, seed):
        return [*np.ravel(seed).tolist(), *self.entropy]

    def word(self, seed):
        """Return the integer that takes the place of a seed, for PyTorch."""
        if self.own:
            return seed
        state = np.random.SeedSequence(self.words(seed)).generate_state(1, np.uint64)
        return int(state[0] >> np.uint64(1))

    def default_rng(self, seed=None):
        """As numpy.random.default_rng."""
        a_seed = isinstance(seed, int | np.integer | list | tuple | np.ndarray)
        data = sys._getframe(1).f_globals["__name__"] == "companion.data"
        if self.own or data or not a_seed:
            return self.numpy(seed)
        return self.numpy(self.words(seed))


def trains(value):
    """Say whether a function belongs to what trains or measures."""
    return callable(value) and str(getattr(value, "__module__", "")).startswith(ENGINES)


def page_code(value):
    """Return the code of a function or class that the page defined itself."""
    if getattr(value, "__module__", None) != "__main__":
        return []
    parts = vars(value).values() if isinstance(value, type) else [value]
    return [part.__code__ for part in parts if isinstance(part, types.FunctionType)]


def uses(code, definitions):
    """Return the names that code loads before it binds them, and those it binds.

    The body of a function counts only with definitions. ".fit" stands for an attribute.
    """
    loads, binds = set(), set()
    for step in dis.get_instructions(code):
        name = step.argval
        if step.opname == "STORE_NAME":
            binds.add(name)
        elif step.opname in ("LOAD_NAME", "LOAD_GLOBAL") and name not in binds:
            loads.add(name)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            loads.add(f".{name}")
        elif isinstance(name, types.CodeType) and (
            definitions or name.co_name.startswith("<")
        ):
            loads |= uses(name, definitions)[0] - binds
    return loads, binds


class Dependence:
    """Know which cells train, and which read what those have made."""

    def __init__(self):
        self.trained = set()

    def follow(self, tree, names):
        """Say whether a cell trains or reads something trained; call it in order."""
        loads, binds = uses(compile(tree, "cell", "exec"), definitions=False)
        waiting = list(loads)
        while waiting:  # what the page's functions read in their turn
            for code in page_code(names.get(waiting.pop())):
                new = uses(code, definitions=True)[0] - loads
                loads |= new
                waiting += new
        trained = any(trains(names.get(name)) for name in loads) or ".fit" in loads
        depends = trained or bool(loads & self.trained)
        if depends:  # models too, which training changes in place
            self.trained |= binds | {
                name for name in loads if hasattr(names.get(name), "parameters")
            }
        else:
            self.trained -= binds
        return depends


class Judge(ast.NodeTransformer):
    """Report an assertion that breaks, and go on."""

    def visit_Assert(self, node):
        report = ast.parse(f"__broken__({node.lineno}, locals())").body
        test = ast.UnaryOp(ast.Not(), node.test)
        return ast.copy_location(ast.If(test, report, []), node)


def short(value):
    """Return a value in few characters."""
    array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    if array.size > 6 and array.dtype.kind in "biuf":
        return f"[{array.min():.4g} ... {array.max():.4g}]"
    if array.dtype.kind in "fc":
        return np.array2string(array, precision=4, separator=", ")
    return str(value)[:40]


def numbers(test, names):
    """Return the comparisons of an assertion that do not hold, with their values."""

    def value(node):
        return eval(compile(ast.Expression(node), "", "eval"), names)

    found = []
    for node in ast.walk(test):
        if isinstance(node, ast.Compare):
            with contextlib.suppress(Exception):  # a name of a comprehension, say
                shown = ast.parse(ast.unparse(node), mode="eval").body
                sides = node.left, *node.comparators
                shown.left, *shown.comparators = (
                    ast.Name(short(value(side))) for side in sides
                )
                found.append((ast.unparse(shown), bool(np.all(value(node)))))
    broken = [text for text, holds in found if not holds]
    return "; ".join(broken or [text for text, _ in found])


def try_set(path, number, *, master, trained):
    """Run a page with one set of seeds.

    Return the cells that train or read what was trained, which are left out of all sets
    but the first few, and what broke: a dictionary from (cell, line, statement) to the
    numbers that were found.
    """
    names, fresh, dependence = enter(path), FreshSeeds(master, number), Dependence()
    dependent, broken = [], {}
    for cell in code_cells(read(path)):
        tree = ast.parse(cell.source)
        if dependence.follow(tree, names):
            dependent.append(cell.id)
            if number >= trained:
                continue
        asserts = {n.lineno: n for n in ast.walk(tree) if isinstance(n, ast.Assert)}
        texts = {line: ast.unparse(node) for line, node in asserts.items()}

        def report(line, local, cell=cell, asserts=asserts, texts=texts):
            found = numbers(asserts[line].test, {**names, **local})
            broken.setdefault((cell.id, line, texts[line]), found)

        names["__broken__"] = report
        fresh.own = "own-seed" in tags(cell)
        with contextlib.redirect_stdout(io.StringIO()):
            for statement, code in compiled(cell, Judge().visit(tree)):
                try:
                    exec(code, names)
                except Exception as error:
                    if isinstance(error, NameError) and broken:
                        continue  # it follows
                    said = f"{type(error).__name__}: {error}".split("\n")
                    text = ast.unparse(statement).split("\n")[0]
                    key = cell.id, statement.lineno, text
                    broken.setdefault(key, " ".join(said)[:100])
        fresh.own = False
    return dependent, broken


def show(path, sets, trained):
    """Print what broke on a page, given what `try_set` returned; say whether any did."""
    dependent, _ = sets[0]
    few = min(trained, len(sets))
    print(f"{path.relative_to(ROOT)}: {len(sets)} sets, {few} for {len(dependent)} cells")
    broken = {}
    for number, (_, found) in enumerate(sets):
        for key, values in found.items():
            broken.setdefault(key, []).append((number, values))
    for (cell, _, text), found in sorted(broken.items()):
        of = few if cell in dependent else len(sets)
        print(f"  {cell}: {len(found)} of {of}   {text}")
        for number, values in found[:3]:
            print(f"      set {number}: {values}")
    sys.stdout.flush()
    return bool(broken)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, default=NOTEBOOKS)
    parser.add_argument("--count", type=int, default=20, help="sets of fresh seeds")
    parser.add_argument(
        "--trained", type=int, default=3, help="sets for cells that train"
    )
    parser.add_argument("--seed", type=int, help="repeat a run with the seed it printed")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    a = parser.parse_args()
    master = secrets.randbits(32) if a.seed is None else a.seed
    print(f"repeat with: make seeds SEED={master}")
    with processes(a.jobs) as pool:
        pages = {
            path.resolve(): [
                pool.submit(try_set, path.resolve(), k, master=master, trained=a.trained)
                for k in range(a.count)
            ]
            for path in a.notebooks
        }
        broke = [
            show(path, [job.result() for job in jobs], a.trained)
            for path, jobs in pages.items()
        ]
    sys.exit(any(broke))


if __name__ == "__main__":
    main()
