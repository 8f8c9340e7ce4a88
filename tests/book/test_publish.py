"""`make publish` puts the built site on gh-pages, and says what it lacks."""

import shutil
import subprocess

import pytest

from .pages import ROOT


@pytest.fixture
def clone(tmp_path):
    """A clone with a built site and a bare repository beside it, not yet its remote."""
    clone = tmp_path / "clone"
    (clone / "_build/html/book").mkdir(parents=True)
    (clone / "_build/html/index.html").write_text("the site")
    (clone / "_build/html/book/index.html").write_text("the book")
    shutil.copy(ROOT / "Makefile", clone)
    shutil.copy(ROOT / "_config.yml", clone)
    (clone / ".venv").symlink_to(ROOT / ".venv")
    for command in (
        f"git init -q --bare {tmp_path / 'bare'}",
        f"git init -q {clone}",
        f"git -C {clone} config user.name somebody",
        f"git -C {clone} config user.email somebody@example.org",
    ):
        subprocess.run(command.split(), check=True)
    return clone


def publish(clone):
    # The book counts as built: its files are there.
    return subprocess.run(
        ["make", "--old-file=book", "publish"], cwd=clone, capture_output=True, text=True
    )


def test_without_a_remote(clone):
    run = publish(clone)
    assert run.returncode != 0
    assert "no remote origin: git remote add origin" in run.stderr.splitlines()[0]


def test_with_a_remote(clone):
    bare = clone.parent / "bare"
    subprocess.run(["git", "remote", "add", "origin", bare], cwd=clone, check=True)
    for content in ("first", "second"):
        (clone / "_build/html/book/index.html").write_text(content)
        run = publish(clone)
        assert run.returncode == 0, run.stderr
        assert "baseurl in _config.yml is empty" in run.stdout
        shown = subprocess.run(
            ["git", "-C", bare, "show", "gh-pages:book/index.html"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert shown.stdout == content
    files = subprocess.run(
        ["git", "-C", bare, "ls-tree", "-r", "--name-only", "gh-pages"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert files.stdout.split() == [".nojekyll", "book/index.html", "index.html"]
