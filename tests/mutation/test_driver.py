"""The judge of the mutants finds what tests notice; `make mutants` runs this first."""

from pathlib import Path

import pytest

from . import __main__ as driver
from .covering import spans
from .mutate import mutants

MODULE = '''"""A module: with 1 number."""

RATES = {"low": 0.25}


@some.decorator(7)
def f(x: "int | 3", step=2):
    """Return 4."""
    check_count("step", step)
    if x < 0:
        raise ValueError(f"x is {x + 1}, not 5 " + "or more")
    say("in plain words", key="k")
    x = (x - y).astype(float)
    return [g for g in range(x) if g]
'''


def of_module():
    return {(m.function, m.old, m.new) for m in mutants(MODULE)}


def test_values_and_decorated_functions_are_changed():
    assert ("", 'RATES = {"low": 0.25}', 'RATES = {"low": 1.25}') in of_module()
    assert ("", 'RATES = {"low": 0.25}', 'RATES = {"LOW": 0.25}') in of_module()
    assert ("f", "if x < 0:", "if x <= 0:") in of_module()
    assert ("f", 'check_count("step", step)', 'check_count("step", None)') in of_module()


def test_what_only_a_reader_sees_is_left_alone():
    for said in ("A module", "decorator", "Return 4", "raise", "plain words"):
        assert not any(said in old and said not in new for _, old, new in of_module())
    assert not any(
        "check_count" in new and '"step"' not in new for *_, new in of_module()
    )


def test_none_is_no_other_dtype_than_float():
    news = {new for _, old, new in of_module() if "float" in old}
    assert news == {"x = (x + y).astype(float)", "x = None"}


def test_every_mutant_is_a_module_of_its_own():
    sources = [m.source for m in mutants(MODULE)]
    assert len(set(sources)) == len(sources)
    for source in sources:
        compile(source, "mutant", "exec")
        assert source != MODULE


def test_known_names_what_exists():
    for tests in driver.KNOWN["tests"].values():
        assert all((driver.ROOT / test).exists() for test in tests)
    for row in driver.KNOWN["harmless"]:
        assert row.keys() == {"module", "function", "old", "new", "reason"}
        assert (driver.ROOT / row["module"]).exists()


TESTS = """
import companion.count

def test_three():
    assert companion.count.to(3) == 3

def test_in_a_process_of_its_own():
    import subprocess, sys
    code = "import companion.count as c; assert c.twice(3) == 6"
    subprocess.run([sys.executable, "-c", code], check=True)
"""
COUNT = """
def to(n):
    i = 0
    while i < n:
        i += 1
    return i + 0 * n

def twice(n):
    return 2 * n
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one module, with its test at its place; known.toml knows nothing."""
    for file, text in {
        "companion/__init__.py": "", "companion/count.py": COUNT,
        "tests/__init__.py": "", "tests/companion/__init__.py": "",
        "tests/companion/test_count.py": TESTS,
    }.items():  # fmt: skip
        (tmp_path / "here" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / file).write_text(text)
    monkeypatch.setattr(driver, "ROOT", tmp_path / "here")
    monkeypatch.setattr(driver, "RESULTS", tmp_path)
    monkeypatch.setattr(driver, "KNOWN", {"tests": {}})
    monkeypatch.setenv("PYTHONPATH", "")
    return [driver.Copy(tmp_path / "copy")]


def test_killed_survived_and_endless(project):
    expected = {
        ("i += 1", "i = 1"): "timed out",
        ("while i < n:", "while i <= n:"): "killed",
        ("return 2 * n", "return 3 * n"): "killed",  # seen by another process
        ("return i + 0 * n", "return i - 0 * n"): "survived",
    }
    chosen = [m for m in mutants(COUNT) if (m.old, m.new) in expected]
    verdicts = driver.judged("companion/count.py", COUNT, chosen, project)
    assert {(m.old, m.new): verdict for m, verdict in verdicts.items()} == expected
    assert (project[0].folder / "companion/count.py").read_text() == COUNT


def test_only_survivors_are_tried_again(project, monkeypatch):
    every = [m for m in mutants(COUNT) if m.old == "return i + 0 * n"]
    first = driver.judged("companion/count.py", COUNT, every, project)
    tried = []
    monkeypatch.setattr(
        driver, "judge", lambda *a: [tried.append(m) or (m, "survived") for m in a[2]]
    )
    assert driver.judged("companion/count.py", COUNT, every, project) == first
    assert tried == [m for m in every if first[m] == "survived"] != []


def test_the_tests_that_run_a_function_come_first(project):
    _, covering = driver.time_tests("companion/count.py", COUNT, project[0])
    # The test that another process runs is not seen: so all tests follow.
    assert covering == {"to": ["tests/companion/test_count.py::test_three"]}


def test_the_lines_of_functions():
    source = "class A:\n    def f(self):\n        return 1\n\n    x = 2\n"
    assert spans(source) == {"A": range(2, 6), "A.f": range(3, 4)}


def test_tests_that_are_red_judge_nothing(project):
    with pytest.raises(driver.RedTests, match="test_three"):
        driver.time_tests(
            "companion/count.py", COUNT.replace("i + 0", "i + 1"), project[0]
        )


def test_tests_of_a_module(project):
    place = Path("tests/companion/test_count.py")
    assert driver.tests_of("companion/count.py") == ["companion/count.py", str(place)]
    assert driver.tests_of("companion/_hidden.py")[1:] == [str(place.parent)]
    driver.KNOWN["tests"]["companion/c*.py"] = ["more.py"]
    assert driver.tests_of("companion/count.py")[1:] == [str(place), "more.py"]
