"""The error file: what a developer needs to know about a failure, as text that a user can hand on. Standard library only."""

import contextlib
import getpass
import importlib.metadata
import os
import platform
import re
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import InputError
from .version import VERSION

LOG_LINES = 300
"""The last lines of a log that a report holds."""
_PACKAGES = ("numpy", "torch", "mediapipe", "bpy")
_ROOT = Path(__file__).absolute().parents[1]
# A character inside a folder's name: an apostrophe only within a word, since messages put paths in quotes.
_INSIDE = r"""(?:[^/\\\n"'<>|:*?]|(?<=\w)'(?=\w))"""
_PATH = re.compile(
    r"(?<![\w.…/\\])(?!(?<=:)//)"  # neither inside a relative path nor after the colon of an address
    r"(?P<start>~|[A-Za-z]:)?[/\\]+"
    rf"(?P<folders>(?:(?!\s){_INSIDE}{{1,100}}[/\\]+)*)"
    r"""(?P<name>[^\s/\\"'<>|:*?,;()\[\]]*)"""
)
# Of a file of Python itself or of a package, the place inside is what matters.
_LIBRARY = re.compile(r"(?:site-packages|dist-packages|python3\.\d+)[/\\]+", re.IGNORECASE)


def error_report(
    error: BaseException | None, sentence: str, settings: Mapping[str, Any], log: Sequence[str], extra: Mapping[str, str]
) -> str:
    """The text of an error file: the sentence that the user read, system, versions, settings, traceback and the last LOG_LINES of the log.

    error: its traceback is shown with its notes (`add_note`); None for none. extra: more facts by name, as Blender's version.
    The user's name, the home folder and the folders of every absolute path are left out; of a path the file's name remains.
    """
    facts = {
        "Likeness": VERSION,
        "Time": time.strftime("%Y-%m-%d %H:%M:%S"),
        "System": f"{platform.platform()}, {platform.machine()}, {os.cpu_count()} cores",
        "Memory": _memory(),
        "Python": platform.python_version(),
        **_versions(),
        **extra,
    }
    trace = [] if error is None else "".join(traceback.format_exception(error)).splitlines()
    parts = {
        "": [sentence],
        "Facts": [f"{name}: {value}" for name, value in facts.items()],
        "Settings": [f"{name}: {value}" for name, value in settings.items()],
        "Traceback": trace,
        "Log": list(log)[-LOG_LINES:],
    }
    blocks = ["\n".join([*([title] if title else []), *lines]) for title, lines in parts.items() if lines]
    return _without_private_parts("\n\n".join(blocks)) + "\n"


def write_error_report(text: str, folder: Path) -> Path:
    """Write a report to a new file in `folder`, which is made when missing. Raises InputError when that is impossible."""
    stem = time.strftime("likeness-error-%Y%m%d-%H%M%S")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1000):
            path = folder / (f"{stem}.txt" if number == 1 else f"{stem}-{number}.txt")
            with contextlib.suppress(FileExistsError), path.open("x", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
                return path
    except OSError as error:
        raise InputError(f"The error file cannot be written to {folder} ({error.strerror}); choose another folder.") from error
    raise InputError(f"{folder} holds too many error files; delete some.")


def _memory() -> str:
    try:
        page, total, free = (os.sysconf(name) for name in ("SC_PAGE_SIZE", "SC_PHYS_PAGES", "SC_AVPHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf, macOS not all names
        return "unknown"
    return f"{page * total / 1e9:.1f} GB, {page * free / 1e9:.1f} GB of it unused"


def _versions() -> dict[str, str]:
    """Of the packages that this Python has; a worker's own come with `extra`."""
    found = {}
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _without_private_parts(text: str) -> str:
    for folder, stands_for in ((_ROOT, "likeness"), (Path(tempfile.gettempdir()), "~"), (Path.home(), "~")):
        if len(folder.parts) > 1:  # some accounts live at the root of the disk
            # Messages show a Windows path with single, doubled or forward slashes.
            pattern = r"(?:/|\\+)".join(re.escape(part.strip("/\\")) for part in folder.parts)
            text = re.sub(rf"{pattern}(?![\w.-])", lambda _, word=stands_for: word, text, flags=re.IGNORECASE)
    text = _PATH.sub(_shortened, text)
    for name in {_user(), Path.home().name}:
        if len(name) > 2:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "USER", text, flags=re.IGNORECASE)
    return text


def _shortened(match: re.Match[str]) -> str:
    """Only the file's name, or its place in a library."""
    folders, name = match["folders"], match["name"]
    if libraries := list(_LIBRARY.finditer(folders)):
        return folders[libraries[-1].start() :] + name
    if not (folders or name):
        return match[0]
    return f"{'~/' if match['start'] == '~' else ''}…/{name}" if folders else f"{match['start'] or ''}/{name}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # an account without a name, as in some containers
        return ""
