"""requirements*.txt, environment.yml and pyproject.toml describe one environment."""

import importlib.metadata
import sys
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from .pages import ROOT


def read_pins(file):
    return {
        canonicalize_name(r.name): r
        for line in (ROOT / file).read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
        for r in [Requirement(line)]
    }


PINS = read_pins("requirements.txt")
# These go elsewhere: only for `make bench`, only for `make mutants`.
BESIDE = {name: read_pins(f"requirements-{name}.txt") for name in ("bench", "mutants")}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def version(requirement):
    (specifier,) = requirement.specifier
    assert specifier.operator == "=="
    return Version(specifier.version)


def pinned(name):
    return version((PINS | BESIDE["bench"])[name])


def test_every_pin_is_exact_and_installed():
    for name in PINS:
        installed = Version(importlib.metadata.version(name))
        assert installed.public == str(pinned(name)), name


def test_pins_that_go_elsewhere_are_exact_and_add_to_the_others():
    files = {f"requirements-{name}.txt" for name in BESIDE}
    assert {path.name for path in ROOT.glob("requirements-*.txt")} == files
    for pins in BESIDE.values():
        assert all(version(pin) for pin in pins.values())
        assert not PINS.keys() & pins.keys()


def test_everything_installed_is_pinned():
    installed = {canonicalize_name(d.name) for d in importlib.metadata.distributions()}
    # torch built for a GPU brings packages of its own; the rest comes with Python.
    gpu = {n for n in installed if n.startswith(("nvidia-", "cuda-"))} | {"triton"}
    ours = {"dropout-verified-companion", "pip", "wheel"}
    assert installed - set(PINS) - ours - gpu == set()


def test_pins_lie_in_the_ranges_of_the_package():
    ranges = [Requirement(d) for d in PROJECT["dependencies"]]
    ranges += [
        Requirement(d)
        for extra in PROJECT["optional-dependencies"].values()
        for d in extra
    ]
    for requirement in ranges:
        assert pinned(canonicalize_name(requirement.name)) in requirement.specifier


def test_conda_installs_the_same():
    python, pip, packages = ENVIRONMENT["dependencies"]
    assert pip == "pip"
    assert [p for p in packages["pip"] if not p.startswith("--")] == [
        "-r requirements.txt",
        "-e .",
    ]
    minor = python.removeprefix("python=")
    assert minor in (ROOT / ".ci/setup").read_text(encoding="utf-8")
    assert Version(minor) in Requirement(f"x{PROJECT['requires-python']}").specifier
    assert minor == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_what_must_not_be_newer():
    assert str(pinned("jupyter-book")) == "1.0.4.post1"  # 2.x has no _config.yml
    assert pinned("sphinx") < Version("8")
    assert str(pinned("torch")) == "2.13.0"
