"""The README's code runs as it stands, and what it names exists."""

import re
import subprocess
import sys

import pytest

from .pages import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", README, flags=re.S)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", CODE)
def test_examples_run(code, tmp_path):
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout


def test_examples_drop_something():
    assert len(CODE) == 3


def test_commands_and_files_exist():
    for command in re.findall(r"(?:^|`)make (\w+)", README, flags=re.M):
        assert re.search(rf"^{command}:", MAKEFILE, flags=re.M), command
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert "://" in target or (ROOT / target).exists(), target
