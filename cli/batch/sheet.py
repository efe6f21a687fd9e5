"""One page of pictures and measures of a whole batch, in one file that any browser opens and that loads nothing from elsewhere."""

import base64
import io
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .record import DONE, Entry, write_whole

SHEET = "index.html"
_PREVIEW = "preview.png"
_WIDTHS = ((500, 480), (5000, 240))  # rows, pixels across of each picture: the page must stay small enough to open
_SMALLEST = 120
_PATIENCE = 20.0  # times that writing the page takes, before it is written again
_COLUMNS = {
    "silhouette_iou": "Outline's overlap with the photo",
    "observed_share": "Share of the surface that is seen",
    "hidden_excess": "Litres beyond the fitted head where nothing is seen",
    "fit_disagreement": "Millimetres between the fitted and the reconstructed face",
    "matte_unsure": "Share of the matte that is unsure",
    "seconds": "Seconds",
}


class Sheet:
    """The page of rows that go on arriving. It reads every picture anew, so it is written only when little time goes into it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._due = folder, 0.0
        self._waiting: tuple[list[Entry], int] | None = None

    def show(self, entries: Sequence[Entry], total: int) -> None:
        """What the next page is of, as `write_sheet`."""
        self._waiting = list(entries), total

    def write(self, at_once: bool = False) -> None:
        """If something is to be shown, and either at once or not soon after the last time. Raises InputError."""
        begun = time.monotonic()
        if self._waiting is None or (begun < self._due and not at_once):
            return
        write_sheet(self._folder, *self._waiting)
        self._waiting = None
        self._due = begun + (1 + _PATIENCE) * (time.monotonic() - begun)


def write_sheet(folder: Path, entries: Sequence[Entry], total: int) -> None:
    """Write the page of the rows so far, of `total`, into the output folder. Raises InputError when it cannot be written."""
    from jinja2 import Environment, FileSystemLoader

    width = next((pixels for rows, pixels in _WIDTHS if len(entries) <= rows), _SMALLEST)
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    page = environment.get_template("sheet.html").render(
        rows=[_shown(folder, entry, width) for entry in entries],
        total=total,
        done=sum(entry["status"] == DONE for entry in entries),
        columns={name: label for name, label in _COLUMNS.items() if any(name in entry for entry in entries)},
    )
    write_whole(folder / SHEET, page)


def _shown(folder: Path, entry: Entry, width: int) -> Mapping[str, Any]:
    picture = folder / entry["name"] / _PREVIEW if entry["status"] == DONE else None
    return {**entry, "picture": picture and _picture(picture, width), "photo_name": Path(entry["photo"]).name}


def _picture(path: Path, width: int) -> str | None:
    """A JPEG in an address; None when the picture is gone or damaged."""
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as image:
            small = image.convert("RGB")
            small.thumbnail((width, width))
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    data = io.BytesIO()
    small.save(data, "JPEG", quality=75)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"
