"""The tool that makes mistakes on purpose: what it says of its list."""

from dataclasses import replace
from pathlib import Path

import pytest

from likeness.tools.mutations import Mutation, OutOfDateError, check, grouped

ONE = Mutation("sign", "core/a.py", "+ 1", "- 1", ("tests/test_a.py::test_sum",))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in (("core/a.py", "x = y + 1\n"), ("tests/test_a.py", "")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_mutation_that_fits_its_file_is_accepted(root: Path) -> None:
    check([ONE], root)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"old": "+ 2"}, "0 times"),
        ({"old": "y", "new": "y"}, "not once"),
        ({"file": "core/b.py"}, "0 times"),
        ({"tests": ("tests/test_b.py",)}, "no tests/test_b.py"),
    ],
)
def test_a_mutation_that_no_longer_fits_is_an_error(root: Path, changed: dict, words: str) -> None:
    with pytest.raises(OutOfDateError, match=words):
        check([replace(ONE, **changed)], root)


def test_an_old_text_that_stands_there_twice_is_an_error(root: Path) -> None:
    (root / "core/a.py").write_text("x = y + 1 + 1\n")
    with pytest.raises(OutOfDateError, match="2 times"):
        check([ONE], root)


def test_names_are_unique(root: Path) -> None:
    with pytest.raises(OutOfDateError, match="same name"):
        check([ONE, ONE], root)


def test_tests_in_blender_run_apart_and_each_once() -> None:
    assert grouped(["tests/scene/a.py", "tests/core/b.py", "tests/scene/a.py"]) == [["tests/core/b.py"], ["tests/scene/a.py"]]
    assert grouped(["tests/core/b.py"]) == [["tests/core/b.py"]]
