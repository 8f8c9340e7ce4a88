"""Building one commit twice gives the same bytes.

Exceptions: Sphinx's own search index, which no page loads, depends on the pages that the
last build wrote. And executed anew, what was measured on the clock differs: it carries
the tag nbval-ignore-output.
"""

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .pages import HTML, ROOT


def files(folder):
    return {p.relative_to(folder) for p in folder.rglob("*") if p.is_file()}


@pytest.mark.skipif(not HTML.exists(), reason="there is no built book: run make book")
def test_a_second_build_is_equal_byte_for_byte(tmp_path):
    cache = HTML.parent / ".jupyter_cache"
    shutil.copytree(cache, tmp_path / "_build" / ".jupyter_cache")
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT, "-W"]
    run = subprocess.run(
        [*command, "--path-output", tmp_path],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": "0"},
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    again = tmp_path / "_build" / "html"
    assert files(again) == files(HTML)
    _, different, failed = filecmp.cmpfiles(HTML, again, files(HTML), shallow=False)
    assert failed == []
    assert set(different) <= {Path("searchindex.js")}
