"""The cache is renewed when the code behind the notebooks changes, and only then."""

import shutil

import pytest
from execution import fingerprint

from .pages import ROOT


@pytest.fixture
def project(tmp_path):
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "companion", tmp_path / "companion", ignore=ignore)
    (tmp_path / "README.md").write_text("one")
    return tmp_path


def test_unrelated_changes_keep_the_cache(project):
    before = fingerprint(project)
    (project / "README.md").write_text("two")
    assert fingerprint(project) == before


@pytest.mark.parametrize("name", ["companion/masks.py", "requirements.txt"])
def test_code_and_pins_renew_it(project, name):
    before = fingerprint(project)
    with (project / name).open("a") as file:
        file.write("# changed\n")
    assert fingerprint(project) != before


def test_new_and_renamed_modules_renew_it(project):
    before = fingerprint(project)
    (project / "companion/new.py").write_text("")
    with_new = fingerprint(project)
    (project / "companion/new.py").rename(project / "companion/other.py")
    assert len({before, with_new, fingerprint(project)}) == 3
