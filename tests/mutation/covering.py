"""Which tests run a function, the quickest first."""

import ast
import json
import time
from pathlib import Path

import coverage
import pytest


def spans(source):
    """Return the lines of each function's body by its name, as `mutate.Mutant` has it."""
    found = {}

    def visit(node, name):
        for child in ast.iter_child_nodes(node):
            inner = name
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = f"{name}.{child.name}".lstrip(".")
                found[inner] = range(child.body[0].lineno, child.end_lineno + 1)
            visit(child, inner)

    visit(ast.parse(source), "")
    return found


class Covering:
    """A plugin of pytest that notes which functions of a module each test runs, and its time.

    It is used in a fork, so what it found goes through a file beside the module.
    """

    def __init__(self, file):
        self.file = Path(file).resolve()
        self.found = self.file.with_suffix(".covering")
        self.coverage = coverage.Coverage(
            data_file=None, include=[str(self.file)], messages=False
        )
        self.seconds = {}

    def pytest_configure(self):
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.coverage.switch_context(item.nodeid)
        start = time.perf_counter()
        result = yield
        self.seconds[item.nodeid] = time.perf_counter() - start
        self.coverage.switch_context("")
        return result

    def pytest_unconfigure(self):
        self.coverage.stop()
        contexts = self.coverage.get_data().contexts_by_lineno(str(self.file))
        tests = {
            function: sorted(
                {test for line in lines for test in contexts.get(line, ()) if test},
                key=self.seconds.get,
            )
            for function, lines in spans(self.file.read_text("utf-8")).items()
        }
        self.found.write_text(json.dumps({f: t for f, t in tests.items() if t}), "utf-8")

    def read(self):
        """Return the tests that run each function, the quickest first; none after a crash."""
        if not self.found.exists():
            return {}
        return json.loads(self.found.read_text("utf-8"))
