"""What can go wrong in the set-up gives one line that says what to do."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from .pages import ROOT

UNUSED = "http://127.0.0.1:9/simple"  # nothing listens there: as good as no network


@pytest.fixture
def project():
    """A copy of what the set-up needs, in a folder that any user may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/setup", folder / ".ci")
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "requirements.txt").write_text("six==1.16.0\n")
    yield folder
    shutil.rmtree(folder)


def set_up(project, **changes):
    environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PYTHON": sys.executable}
    options = {"user": changes.pop("user")} if "user" in changes else {}
    run = subprocess.run(
        [project / ".ci/setup"],
        env=environment | changes, capture_output=True, text=True, **options,
    )  # fmt: skip
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    return line


def test_no_python(project):
    fakes = project / "bin"
    fakes.mkdir()
    for name in ("python", "python3", "python3.11"):
        (fakes / name).write_text("#!/bin/sh\nexit 1\n")
        (fakes / name).chmod(0o755)
    line = set_up(project, PYTHON="", PATH=f"{fakes}:/usr/bin:/bin")
    assert "no Python 3.11 found: install it" in line


def test_no_network(project):
    line = set_up(project, PIP_INDEX_URL=UNUSED, PIP_RETRIES="0")
    assert "connect to a network" in line


def test_missing_package(project):
    line = set_up(project, PIP_NO_INDEX="1")
    assert "a package could not be installed" in line
    assert "six==1.16.0" in line


def test_unwritable_folder(project):
    project.chmod(0o555)
    somebody_else = {"user": 65534} if os.geteuid() == 0 else {}  # root writes everywhere
    line = set_up(project, **somebody_else)
    project.chmod(0o755)
    assert "cannot write to" in line
    assert "change its permissions" in line


def test_serving_before_building(project):
    run = subprocess.run(["make", "serve"], cwd=project, capture_output=True, text=True)
    assert run.returncode != 0
    assert "run make book first" in run.stderr.splitlines()[0]


def test_the_makefile_names_all_its_commands_three_times():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    first, declared = text.splitlines()[0], re.search(r"^\.PHONY: (.*)", text, re.M)[1]
    told = re.findall(r'@echo "make (\w+) ', text)
    assert re.findall(r"make (\w+)", first) == told
    assert set(declared.split()) == {*told, "help", "setup", "remote"}
    assert declared.split() == [n for n in declared.split() if f"\n{n}:" in text]
