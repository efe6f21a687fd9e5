"""Names for files and folders that every system takes, and that no two results share."""

import re
import unicodedata
from collections.abc import Iterable

_REFUSED = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')  # by Windows; the last are bytes that are no text in any encoding
_DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$", *(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³")}
_LONGEST = 180  # bytes: file systems end at 255, and the name gets endings
_NOTHING_LEFT = "photo"


def safe_name(name: str) -> str:
    """The name itself where every system takes it, else one like it: NFC, nothing that Windows refuses or drops, no device, not hidden."""
    name = _REFUSED.sub("_", unicodedata.normalize("NFC", name))
    name = name.encode()[:_LONGEST].decode(errors="ignore").strip(" .") or _NOTHING_LEFT
    return f"_{name}" if name.partition(".")[0].rstrip().casefold() in _DEVICES else name


def comparable(name: str) -> str:
    """Equal for names that some system takes for the same: those that differ in case or in how accents are encoded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def distinct_names(names: Iterable[str]) -> list[str]:
    """A safe name for each, no two the same to any system. Numbers tell the later of equal ones apart and make no other name give way."""
    wanted = [safe_name(name) for name in names]
    own = {comparable(name) for name in wanted}
    taken: set[str] = set()
    given = []
    for name in wanted:
        number, free = 1, name
        while comparable(free) in taken or (number > 1 and comparable(free) in own):
            number += 1
            free = f"{name}-{number}"
        taken.add(comparable(free))
        given.append(free)
    return given
