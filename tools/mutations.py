"""Mistakes made on purpose, one by one, in a copy of the tree: do the tests notice? `python -m likeness.tools.mutations [--only NAME]`.

mutations.toml lists them: an old text that stands in its file exactly once, the new text, and the tests that should fail with it. Exit code
0: all were caught; 1: some survived; 2: nothing can be said, because the list is out of date or the tests fail without any mistake.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_name("mutations.toml")
_BLENDER = "tests/scene"  # never in one process with the others: Makefile
_LIMIT = 600  # seconds; tests that hang have noticed
_PASSED, _FAILED = 0, 1  # pytest's exit codes; all others mean that no test ran


@dataclass(frozen=True)
class Mutation:
    """One mistake: `old` becomes `new` in `file`; `tests` are pytest's arguments."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


class OutOfDateError(Exception):
    """The list does not fit the tree, or the tests do not pass as they are."""


def read(path: Path = LIST) -> list[Mutation]:
    """All of the list."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["mutation"]
    return [Mutation(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]


def check(mutations: Sequence[Mutation], root: Path = ROOT) -> None:
    """Raises OutOfDateError for the first entry that cannot be applied."""
    if len({one.name for one in mutations}) != len(mutations):
        raise OutOfDateError("Two mutations have the same name.")
    for one in mutations:
        path = root / one.file
        count = path.read_text(encoding="utf-8").count(one.old) if path.is_file() else 0
        if count != 1 or one.old == one.new:
            raise OutOfDateError(f"{one.name}: its old text stands {count} times in {one.file}, not once; mend tools/mutations.toml.")
        if missing := [test for test in one.tests if not (root / test.partition("::")[0]).exists()]:
            raise OutOfDateError(f"{one.name}: there is no {missing[0]}; mend tools/mutations.toml.")


class Copy:
    """The tracked files as they are now, in a temporary folder, imported as `likeness`. A context manager."""

    def __enter__(self) -> "Copy":
        self._folder = tempfile.TemporaryDirectory(prefix="likeness_mutations_")
        self.root = Path(self._folder.name, "likeness")
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.root / name)
        # Without bytecode, which Python takes for current when the source has the same size and second of change.
        self._environment = {**os.environ, "PYTHONPATH": self._folder.name, "PYTHONDONTWRITEBYTECODE": "1"}
        where = subprocess.run(
            [sys.executable, "-c", "import likeness; print(*likeness.__path__)"],
            cwd=self.root, env=self._environment, check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        if Path(where).resolve() != self.root.resolve():
            raise OutOfDateError(f"Tests would import {where}, not the copy.")
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def caught(self, one: Mutation) -> bool:
        """Whether a test fails with the mistake; afterwards the copy is as before."""
        path = self.root / one.file
        before = path.read_text(encoding="utf-8")
        path.write_text(before.replace(one.old, one.new), encoding="utf-8")
        try:
            return not self.pass_tests(one.tests)
        finally:
            path.write_text(before, encoding="utf-8")

    def pass_tests(self, tests: Iterable[str]) -> bool:
        """Whether tests (pytest's arguments) pass; raises OutOfDateError when they cannot be run."""
        for group in grouped(tests):
            command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *group]
            try:
                done = subprocess.run(command, cwd=self.root, env=self._environment, capture_output=True, text=True, timeout=_LIMIT)
            except subprocess.TimeoutExpired:
                return False
            if done.returncode == _FAILED:
                self.output = done.stdout
                return False
            if done.returncode != _PASSED:
                raise OutOfDateError(f"{' '.join(group)} cannot be run:\n{done.stdout}{done.stderr}")
        return True


def grouped(tests: Iterable[str]) -> list[list[str]]:
    """Each test once, those in Blender apart from the others."""
    distinct = list(dict.fromkeys(tests))
    groups = [[test for test in distinct if test.startswith(_BLENDER) == inside] for inside in (False, True)]
    return [group for group in groups if group]


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="likeness.tools.mutations", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these mutations")
    parser.add_argument("--list", action="store_true", help="show the mutations, try none")
    options = parser.parse_args()
    try:
        mutations = read()
        check(mutations)
        if unknown := set(options.only or ()) - {one.name for one in mutations}:
            raise OutOfDateError(f"There is no mutation called {unknown.pop()}.")
        chosen = [one for one in mutations if options.only is None or one.name in options.only]
        if options.list:
            for one in chosen:
                print(f"{one.name:28s} {one.file}")
            return 0
        return tried(chosen)
    except OutOfDateError as error:
        print(error, file=sys.stderr)
        return 2


def tried(mutations: Sequence[Mutation]) -> int:
    """Try all of them and print a table; returns the exit code."""
    survived = 0
    with Copy() as copy:
        if not copy.pass_tests(test for one in mutations for test in one.tests):
            raise OutOfDateError(f"The tests fail as they are:\n{copy.output}")
        print("| mutation | file | result | seconds |\n|---|---|---|---|")
        for one in mutations:
            begun = time.monotonic()
            caught = copy.caught(one)
            survived += not caught
            print(f"| {one.name} | {one.file} | {'caught' if caught else '**survived**'} | {time.monotonic() - begun:.0f} |", flush=True)
    print(f"\n{len(mutations) - survived} of {len(mutations)} caught")
    return int(survived > 0)


if __name__ == "__main__":
    sys.exit(main())
