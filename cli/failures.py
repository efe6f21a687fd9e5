"""Turns an error into one sentence, an exit code and, when it was no fault of the user's, a file with the details."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.error_report import error_report, write_error_report
from ..core.errors import LikenessError, explain
from .console import Console
from .signals import raise_if_stopped

log = logging.getLogger(__name__)


def failed(error: Exception, what: str, console: Console, folder: Path, settings: Mapping[str, Any], worker_log: str = "") -> int:
    """Tell the user and give the exit code. `what`, a photo's name or the task, begins the sentence about an error that nobody foresaw.

    The error file of code 3 goes into `folder`, the output. Raises KeyboardInterrupt when the error comes from one.
    """
    raise_if_stopped()
    known = explain(error, what)
    if known is not error:
        log.error("%s failed unexpectedly", what, exc_info=error)
    sentence = str(known)
    if what not in sentence:
        sentence = f"{console.photo}{sentence}"  # which of several it was
    if known.exit_code == LikenessError.exit_code:
        try:
            report = error_report(error, sentence, settings, worker_log.splitlines(), {})
            sentence += f" The error file is {write_error_report(report, folder)}."
        except (LikenessError, OSError):  # the folder is what cannot be written, or there is no room
            log.warning("No error file could be written", exc_info=True)
    console.sentence(sentence)
    return known.exit_code
