"""The files of one result. They are claimed before the work, made in a hidden folder, put in place together, and never replace
files that are not ours.

A report (JSON) belongs to each set. It lists the files with their SHA-256, so that a later run can tell what Likeness wrote, and nobody
changed, from what is the user's.
"""

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from ..core.errors import InputError
from .names import comparable
from .signals import uninterrupted
from .staging import WORK, Staging, exchange

REPORT = "report.json"
_GENERATOR = ("generator", "Likeness")
_LARGEST_REPORT = 2**24


class Inputs:
    """Files that a run reads, known again under any other name: a link, another case, accents encoded differently."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._found: dict[tuple[Any, ...], Path] = {}
        for path in paths:
            self._found |= dict.fromkeys(_identities(path), path)

    def at(self, place: Path) -> Path | None:
        """The one that a file written to this place would replace."""
        return next((self._found[one] for one in _identities(place) if one in self._found), None)


class OutputSet(AbstractContextManager["OutputSet"]):
    """Files `names` in `folder` and a report; the caller writes the files as `new / name`, then calls `commit`. A context manager.

    overwrite: also replace what Likeness has not written, but never an input.
    Raises InputError, at once, when a file that must stay is in the way, another run writes into the folder, or it cannot be written.
    """

    def __init__(self, folder: Path, names: Sequence[str], report: Path, inputs: Inputs, overwrite: bool = False) -> None:
        self._folder, self._names, self._report = folder, list(names), report
        self._inputs, self._overwrite = inputs, overwrite
        self._known: dict[Path, str] = {}
        with ExitStack() as stack, writing(folder):
            together = report.parent.resolve() == folder.resolve()
            if together and comparable(report.name) in map(comparable, names):
                raise InputError(f"{report.name} is the name of another file of the result; give --report another one.")
            self._refuse_impossible()
            self._staging = stack.enter_context(Staging(folder))
            self._report_staging = self._staging if together else stack.enter_context(Staging(report.parent, f"{WORK}-{report.name}"))
            self._refuse()  # only now: what a killed run left half done is in order again
            self._kept = stack.pop_all()
        self.new, self.scratch = self._staging.new, self._staging.scratch

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the names up; what was not committed is gone."""
        self._kept.close()

    def as_seen(self, text: str) -> str:
        """A sentence about the hidden files as one about their places."""
        for part in (self.new, self.scratch):
            text = text.replace(str(part), str(self._folder))
        return text

    def commit(self, report: dict[str, Any]) -> list[Path]:
        """Put the files that were made into their places, all of them or, when an InputError is raised, none; the report is the last."""
        with writing(self._folder):
            made = {self._folder / name: self.new / name for name in self._names if (self.new / name).exists()}
            files = {self._relative(place): digest_of(file) for place, file in made.items()}
            self._refuse()  # minutes have passed, in which the user may have put something there
            earlier = {self._relative(place): digest for place, digest in self._known.items() if place.exists()}
            record = {_GENERATOR[0]: _GENERATOR[1], **report, "files": {**earlier, **files}}
            text = json.dumps(record, indent=2, allow_nan=False)
            (self._report_staging.new / self._report.name).write_text(text, encoding="utf-8")
            with uninterrupted():
                exchange([*((self._staging, place.name) for place in made), (self._report_staging, self._report.name)])
        return [*made, self._report]

    @property
    def _places(self) -> list[Path]:
        return [*(self._folder / name for name in self._names), self._report]

    def _refuse_impossible(self) -> None:
        for place in self._places:
            if taken := self._inputs.at(place):
                raise InputError(f"{place.name} of the result would replace {taken}, which this run reads; choose another --output.")
            if place.name in ("", "..") or (os.path.lexists(place) and not place.is_file()):
                raise InputError(f"{place} is no file that could be replaced; choose another --output or --report.")

    def _refuse(self) -> None:
        self._refuse_impossible()
        reports = (self._folder / REPORT, self._report)
        self._known = {place: digest for report in reports for place, digest in (_listed(report) or {}).items()}
        for place in self._places:
            if not self._overwrite and place.exists() and not self._ours(place):
                raise InputError(
                    f"{place} was not written by Likeness, or was changed since; choose another --output, or replace it with --overwrite."
                )

    def _ours(self, place: Path) -> bool:
        if place == self._report:
            return _listed(place) is not None
        known = {path.resolve(): digest for path, digest in self._known.items()}
        return known.get(place.resolve()) == digest_of(place)

    def _relative(self, place: Path) -> str:
        """As the report has it: from its own folder, where the two have a path between them (drives of Windows have none)."""
        try:
            return Path(os.path.relpath(place, self._report.parent)).as_posix()
        except ValueError:
            return place.absolute().as_posix()


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """An OSError in here becomes the InputError of a folder that cannot be written."""
    try:
        yield
    except OSError as error:
        place = error.filename if error.filename and WORK not in str(error.filename) else folder
        raise InputError(f"{place} cannot be written ({error.strerror or error}); choose another --output.") from error


def _listed(report: Path) -> dict[Path, str] | None:
    """Files that a report of ours lists, with their SHA-256; None when it is not ours or not there."""
    try:
        if not stat.S_ISREG(report.stat().st_mode) or report.stat().st_size > _LARGEST_REPORT:
            return None
        record = json.loads(report.read_text(encoding="utf-8"))
        if record[_GENERATOR[0]] != _GENERATOR[1]:
            return None
        return {report.parent / str(name): str(digest) for name, digest in record["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def digest_of(path: Path) -> str:
    """SHA-256 of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _identities(path: Path) -> Iterator[tuple[Any, ...]]:
    """What two paths have in common when they lead to one file, or would on a system that takes their names for the same."""
    with contextlib.suppress(OSError):
        file = path.stat()
        if file.st_ino:  # some network drives number no files
            yield file.st_dev, file.st_ino
    with contextlib.suppress(OSError):
        folder = path.parent.stat()
        if folder.st_ino:
            yield folder.st_dev, folder.st_ino, comparable(path.name)
