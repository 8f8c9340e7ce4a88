"""Execute the notebooks again when the code they import has changed.

Jupyter Book's cache compares a notebook with its last run. It does not see that
the companion or a pinned package is another one now, and would keep old numbers.
So the cache lives in a folder named after both: a change means an empty cache.
"""

import hashlib
import platform
import shutil
from pathlib import Path


def fingerprint(root):
    """Return a short hash of what every notebook depends on."""
    digest = hashlib.sha256(platform.python_version().encode())
    for path in [root / "requirements.txt", *sorted(root.glob("companion/**/*.py"))]:
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def choose_cache(app, config):
    """Point MyST-NB at the cache of the present code and delete older ones."""
    caches = Path(app.outdir).parent / ".jupyter_cache"
    cache = caches / fingerprint(Path(app.srcdir))
    for old in caches.glob("*"):
        if old != cache:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    # A changed value also makes Sphinx read every page again.
    config.nb_execution_cache_path = str(cache)


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", choose_cache)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
