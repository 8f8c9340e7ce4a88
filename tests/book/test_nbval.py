"""nbval really compares: one changed digit in a stored output is a failure."""

import subprocess
import sys

import nbformat
import pytest


def run_nbval(path):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval"]
    command += ["--nbval-current-env", "-c", "/dev/null", str(path)]
    return subprocess.run(command, capture_output=True, text=True, cwd=path.parent)


def write(path, stored):
    cell = nbformat.v4.new_code_cell("print(f'{1 / 0.7:.3f}')", execution_count=1)
    if stored is not None:
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=stored)]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


@pytest.mark.parametrize(
    ("stored", "passes"), [("1.429\n", True), ("1.428\n", False), (None, False)]
)
def test_stored_output_is_compared(tmp_path, stored, passes):
    run = run_nbval(write(tmp_path / "page.ipynb", stored))
    assert run.returncode == (0 if passes else 1), run.stdout + run.stderr
