"""Failures as the user meets them: one sentence, and an error file for those that are no fault of the photo or the settings."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import bpy

from ..core.error_report import error_report, write_error_report
from ..core.errors import InputError, explain
from ..core.settings import Settings
from .environment import EXTENSION, NotSetUpError

KEPT = 20
"""Error files that are kept; older ones are deleted."""


@dataclass(frozen=True)
class Failure:
    """`report` is the text of the error file; `path` is None when that could not be written."""

    sentence: str
    report: str
    path: Path | None


_last: Failure | None = None


def last() -> Failure | None:
    """The last failure that has a report, for the sidebar, until the next job begins."""
    return _last


def forget() -> None:
    """Nothing has failed: another job begins."""
    global _last
    _last = None


def record(context: bpy.types.Context, error: Exception, what: str, log: Sequence[str]) -> str:
    """The sentence for whatever an operator named `what` raised. Unless the user can mend it alone, an error file is written."""
    global _last
    sentence = str(explain(error, what))
    if isinstance(error, InputError | NotSetUpError):
        return sentence
    report = error_report(error, sentence, _settings(context), log, {"Operator": what, **_blender()})
    path = None
    with contextlib.suppress(InputError):  # a full disk; the report can still be copied
        path = write_error_report(report, error_folder())
        _thin_out(path)
    _last = Failure(sentence, report, path)
    return sentence


def error_folder() -> Path:
    """Survives updates of the extension, goes when it is uninstalled."""
    return Path(bpy.utils.extension_path_user(EXTENSION, path="errors"))


def _settings(context: bpy.types.Context) -> dict[str, object]:
    """As the artist set them, valid or not."""
    properties = context.scene.likeness if context.scene else None
    return {option.name: getattr(properties, option.name) for option in fields(Settings)} if properties else {}


def _blender() -> dict[str, str]:
    build = bpy.app.build_hash.decode(errors="replace")
    return {"Blender": f"{bpy.app.version_string} ({build})", "Background": str(bpy.app.background), "Extension": EXTENSION}


def _thin_out(newest: Path) -> None:
    # Their names begin with the time; of one second a new one may have the name of one that has gone.
    others = sorted(path for path in newest.parent.glob("likeness-error-*.txt") if path != newest)
    for old in others[: 1 - KEPT]:
        with contextlib.suppress(OSError):  # open in an editor
            old.unlink()
