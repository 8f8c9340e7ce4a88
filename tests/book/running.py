"""Run the code cells of a notebook in a process of its own, without a kernel.

Nothing is drawn, so it takes half the time of a kernel.
"""

import ast
import contextlib
import io
import linecache
import multiprocessing
import os
import warnings
from concurrent.futures import ProcessPoolExecutor

# Imported once, by the server from which the processes are forked.
HEAVY = ["companion.experiments", "companion.torch", "companion.verify.contract"]
HEAVY += ["IPython.display", "matplotlib.pyplot", "scipy.stats", "tests.book.pages"]


def processes(workers):
    """Return an executor that runs each task in a fresh process."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in make: one thread for each
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(HEAVY)
    return ProcessPoolExecutor(workers, mp_context=context, max_tasks_per_child=1)


def enter(path):
    """Make this process that of one notebook; return its namespace."""
    import matplotlib.pyplot as plt

    os.chdir(path.parent)
    warnings.simplefilter("ignore")
    plt.switch_backend("agg")
    plt.show = lambda: plt.close("all")
    return {"__name__": "__main__"}


def compiled(cell, tree=None):
    """Return the statements of a cell as code, one by one; a last value is printed."""
    file = f"<{cell.id}>"
    lines = cell.source.splitlines(keepends=True)
    linecache.cache[file] = len(cell.source), None, lines, file
    body = (tree or ast.parse(cell.source)).body
    for statement in body:
        interactive = statement is body[-1] and isinstance(statement, ast.Expr)
        kind, node = ("single", ast.Interactive) if interactive else ("exec", ast.Module)
        tree = node([statement]) if interactive else node([statement], [])
        yield statement, compile(ast.fix_missing_locations(tree), file, kind)


def run(cell, names):
    """Run a cell and return the text that it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        for _, code in compiled(cell):
            exec(code, names)
    return out.getvalue()
