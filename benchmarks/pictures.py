"""Sheets of reconstructions to look at: `python -m likeness.benchmarks.pictures SETS OUTPUT [--people 12] [--quality standard]`.

SETS holds some of the evaluation sets `photos` (a photo and five degradations of it), `synthetic-busts` and `synthetic-bodies`. Writes
heads-photo.jpg, heads-people.jpg and bodies-people.jpg: each case is its photo, then the head or body from the front, three quarters, the
side and behind, in colour and as clay; below the photo the mesh's outline. Sheets are 2400 pixels wide and at most 1.2 MB.
"""

import argparse
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from ..core.errors import LikenessError
from ..core.pipeline import Reconstructor
from ..core.preview import TILE, preview
from ..core.settings import QUALITIES, Settings
from ..evaluation.case import Case, CaseSet

COLUMNS, WIDTH = 2, 2400
_SHEETS = {"photos": "heads-photo.jpg", "synthetic-busts": "heads-people.jpg", "synthetic-bodies": "bodies-people.jpg"}
_MOST_BYTES = 1_200_000
_BACKGROUND = (237, 237, 240)


def panel(reconstructor: Reconstructor, case: Case, photo: Path, settings: Settings) -> Image.Image:
    """One captioned case; of a case that cannot be done, the photo and the sentence that says why."""
    words = case.name.replace("_", " ")
    try:
        picture = Image.fromarray(preview(reconstructor.run(photo, settings)))
    except LikenessError as error:
        picture = Image.new("RGB", (5 * TILE, 2 * TILE), _BACKGROUND)
        picture.paste(ImageOps.contain(Image.fromarray(case.photo), (TILE, TILE)))
        words += f": {error}"
    picture = picture.resize((WIDTH // COLUMNS, round(WIDTH / COLUMNS * picture.height / picture.width)), Image.Resampling.LANCZOS)
    ImageDraw.Draw(picture).text((4, 3), words, fill=(0, 0, 0), stroke_width=1, stroke_fill=(255, 255, 255), font_size=13)
    return picture


def write_sheet(panels: Sequence[Image.Image], path: Path) -> None:
    """The panels in COLUMNS as a JPEG, as good as its size allows."""
    rows = -(-len(panels) // COLUMNS)
    sheet = Image.new("RGB", (WIDTH, rows * panels[0].height), _BACKGROUND)
    for index, picture in enumerate(panels):
        sheet.paste(picture, (index % COLUMNS * picture.width, index // COLUMNS * picture.height))
    for quality in range(90, 20, -4):
        data = io.BytesIO()
        sheet.save(data, "JPEG", quality=quality, optimize=True)
        if data.tell() <= _MOST_BYTES:
            break
    path.write_bytes(data.getvalue())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--quality", choices=QUALITIES, default=Settings.quality)
    parser.add_argument("--field", type=Path, help="another trained field")
    arguments = parser.parse_args()
    reconstructor, settings = Reconstructor.load(field=arguments.field), Settings(quality=arguments.quality)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, sheet in _SHEETS.items():
        if not (arguments.sets / name).is_dir():
            continue
        one = CaseSet.open(arguments.sets / name)
        wanted = replace(settings, subject="body" if name == "synthetic-bodies" else "head")
        cases = one.read(None if name == "photos" else arguments.people)
        panels = [panel(reconstructor, case, one.folder / case.name / "photo.png", wanted) for case in cases]
        write_sheet(panels, arguments.output / sheet)


if __name__ == "__main__":
    main()
