"""How long a reconstruction will take and how much memory it needs: what this computer's last run of the same kind took."""

import json
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import InputError
from ..core.settings import Settings
from .environment import EXTENSION

_TYPICAL = {"draft": (20.0, 1000.0), "standard": (60.0, 1500.0), "high": (240.0, 3500.0)}
"""Seconds and megabytes of a head on two cores, where nothing is known yet."""
_READ: dict[str, list[float]] | None = None


def expected(settings: Settings) -> tuple[float, float, bool]:
    """Seconds, megabytes, and whether they were measured on this computer."""
    known = _known().get(_kind(settings))
    return (known[0], known[1], True) if known else (*_TYPICAL[settings.quality], False)


def remember(report: dict[str, Any]) -> None:
    """Keep what a run took; nothing is kept of a report that does not tell, or in a folder that cannot be written."""
    global _READ
    seconds, memory = report.get("timings"), report.get("peak_memory_mb")
    try:
        kind = _kind(Settings.from_dict(report["settings"]))
        values = [round(sum(seconds.values()), 1), float(memory or 0)]  # pyright: ignore[reportOptionalMemberAccess]
        _READ = _known() | {kind: values}
        _file(True).write_text(json.dumps(_READ, sort_keys=True))
    except (InputError, KeyError, TypeError, ValueError, AttributeError, OSError):
        return


def sentence(settings: Settings) -> str:
    """For the panel."""
    seconds, memory, measured = expected(settings)
    time = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
    space = f", {memory / 1000:.1f} GB" if memory else ""
    return f"{time}{space} as last time" if measured else f"About {time}{space}"


def _kind(settings: Settings) -> str:
    return " ".join([settings.quality, settings.subject, settings.device, *(["rig"] if settings.rig else [])])


def _known() -> dict[str, list[float]]:
    """Read once; whatever cannot be read is nothing."""
    global _READ
    if _READ is None:
        try:
            found = json.loads(_file(False).read_text())
            _READ = {str(kind): [float(one[0]), float(one[1])] for kind, one in found.items()}
        except (OSError, TypeError, ValueError, AttributeError, IndexError, KeyError):
            _READ = {}
    return _READ


def _file(create: bool) -> Path:
    return Path(bpy.utils.extension_path_user(EXTENSION, create=create)) / "durations.json"
