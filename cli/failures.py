"""Turns an error into one sentence, an exit code and, when it was no fault of the user's, a file with the details."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.error_report import error_report, write_error_report
from ..core.errors import LikenessError, explain
from .console import Console
from .signals import raise_if_stopped

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """sentence: what the user reads; code: the exit code; file: the details, of what was no fault of the user's."""

    sentence: str
    code: int
    file: Path | None = None


def failure(error: Exception, what: str, folder: Path, settings: Mapping[str, Any], worker_log: str = "", prefix: str = "") -> Failure:
    """What an error means. `what`, a photo's name or the task, begins the sentence about an error that nobody foresaw; `prefix` any
    sentence that does not name it.

    The error file of code 3 goes into `folder`, the output. Raises KeyboardInterrupt when the error comes from one.
    """
    raise_if_stopped()
    known = explain(error, what)
    if known is not error:
        log.error("%s failed unexpectedly", what, exc_info=error)
    sentence, file = str(known), None
    if what not in sentence:
        sentence = f"{prefix}{sentence}"
    if known.exit_code == LikenessError.exit_code:
        try:
            file = write_error_report(error_report(error, sentence, settings, worker_log.splitlines(), {}), folder)
        except (LikenessError, OSError):  # the folder is what cannot be written, or there is no room
            log.warning("No error file could be written", exc_info=True)
    return Failure(sentence, known.exit_code, file)


def failed(error: Exception, what: str, console: Console, folder: Path, settings: Mapping[str, Any], worker_log: str = "") -> int:
    """Tell the user about a `failure` and give the exit code."""
    found = failure(error, what, folder, settings, worker_log, console.photo)
    console.sentence(found.sentence + (f" The error file is {found.file}." if found.file else ""))
    return found.code
