"""Execute notebooks and store their text outputs, which nbval compares.

    python book/store_outputs.py [NOTEBOOK ...]      (default: all of the book)

Text outputs and execution counts stay; images, time stamps and the names of
machines go. Run it after editing a notebook, and read the difference in git.
"""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

BOOK = Path(__file__).parent
IMAGES = ("image/png", "image/svg+xml", "image/jpeg")


def clean(notebook):
    """Remove from an executed notebook what differs from run to run."""
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.pop("transient", None)
            for image in IMAGES:
                output.get("data", {}).pop(image, None)
                output.get("metadata", {}).pop(image, None)


def main(paths):
    """Execute every path in place; stop at the first cell that fails."""
    # One thread and no progress bars, as in `make test`.
    os.environ.update(OMP_NUM_THREADS="1", TQDM_DISABLE="1", PYTHONHASHSEED="0")
    for path in paths or sorted(BOOK.rglob("*.ipynb")):
        path = Path(path)
        if ".ipynb_checkpoints" in path.parts:
            continue
        notebook = nbformat.read(path, as_version=4)
        folder = {"metadata": {"path": str(path.parent)}}
        NotebookClient(
            notebook, timeout=300, resources=folder, coalesce_streams=True
        ).execute()
        clean(notebook)
        nbformat.write(notebook, path)
        print(f"stored the outputs of {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
