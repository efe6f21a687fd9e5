"""The rows of a batch: what each photo is called and made with, from a folder, a wildcard, a list, or a manifest in JSON lines or CSV."""

import csv
import glob
import io
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ...core.errors import InputError, LikenessError
from ...core.photo.files import SUFFIXES
from ...core.settings import Settings
from ..names import distinct_names, safe_name

TEMPLATE = "{folder}/{stem}"
"""Where a row's files go below the output, unless the row or the user says otherwise."""
_PLACES: tuple[str, ...] = ("folder", "stem", "number")
_LARGEST = 2**28  # bytes of a manifest
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")
_LISTS = "a folder, a wildcard, or a .txt, .jsonl or .csv file"


@dataclass(frozen=True)
class Row:
    """One result to make. photo: the main one. name: its folder below the output, parts separated by /. problem: why it cannot be made, if
    so. others: further photos of the same person."""

    photo: Path
    name: str
    settings: Settings
    problem: str = ""
    others: tuple[Path, ...] = ()

    @property
    def photos(self) -> list[Path]:
        """All of them, the main one first."""
        return [self.photo, *self.others]


def read_rows(given: str, settings: Settings, recursive: bool = False, template: str = TEMPLATE) -> list[Row]:
    """The rows in their order, no two with the same name on any system. settings: what a row does not say itself.

    template: names made of {folder} (below the input), {stem} and {number} (from 1).
    A bad row of a manifest has a `problem`. Raises InputError when there is no row, or INPUT cannot be read.
    """
    path = Path(given)
    if path.is_dir():
        rows = _of_photos(photos_in(path, recursive), path, settings, template)
    elif path.is_file():
        rows = _of_file(path, settings, template)
    elif any(character in given for character in "*?["):
        found = sorted(map(Path, glob.glob(given, recursive=True)), key=_natural)
        rows = _of_photos((one for one in found if one.suffix.lower() in SUFFIXES), None, settings, template)
    else:
        raise InputError(f"{given} does not exist; give {_LISTS}.")
    rows = list(rows)
    if not rows:
        raise InputError(f"{given} holds no photos{'' if recursive or not path.is_dir() else ' (--recursive looks into its folders)'}.")
    return _distinct(rows)


def arrivals(photos: Sequence[Path], names: Mapping[str, str], folder: Path, settings: Settings, template: str = TEMPLATE) -> list[Row]:
    """Rows of photos that came into a folder. names: those of earlier photos, by path; they keep them, and nobody else gets them."""
    earlier = [Row(Path(photo), name, settings) for photo, name in names.items()]
    arrived = [photo for photo in photos if str(photo) not in names]
    again = {photo for photo in map(str, photos) if photo in names}
    rows = _distinct([*earlier, *_of_photos(arrived, folder, settings, template)])
    return [row for row in rows[: len(earlier)] if str(row.photo) in again] + rows[len(earlier) :]


def photos_in(folder: Path, recursive: bool) -> list[Path]:
    """The photos of a folder, hidden ones left out, 2 before 10."""
    files = (path for path in folder.glob("**/*" if recursive else "*") if path.suffix.lower() in SUFFIXES and path.is_file())
    hidden = lambda path: any(part.startswith(".") for part in path.relative_to(folder).parts)  # noqa: E731
    return sorted((path for path in files if not hidden(path)), key=_natural)


def _natural(path: Path) -> list[Any]:
    """Orders 2 before 10."""
    return [(int(part), "") if part.isdigit() else (-1, part.casefold()) for part in re.split(r"(\d+)", path.as_posix())]


def _of_photos(photos: Iterable[Path], folder: Path | None, settings: Settings, template: str) -> Iterator[Row]:
    for number, photo in enumerate(photos, 1):
        yield Row(photo, _named(template, photo, folder, number), settings)


def _of_file(path: Path, settings: Settings, template: str) -> Iterator[Row]:
    read: dict[str, Callable[[str], Iterable[tuple[int, Any]]]] = {".txt": _lines, ".jsonl": _json_lines, ".csv": _csv_rows}
    if path.suffix.lower() not in read:
        raise InputError(f"{path.name} is no list of photos; give {_LISTS}.")
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path.name} is larger than {_LARGEST // 2**20} MB; split it.")
        text = path.read_text(encoding="utf-8-sig")
        for number, (line, values) in enumerate(read[path.suffix.lower()](text), 1):
            yield _of_values(values, path, line, number, settings, template)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name} cannot be read as UTF-8 text ({error}); save it again.") from error


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, {"photo": line.strip()}


def _json_lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                yield number, None


def _csv_rows(text: str) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    for values in reader:
        yield reader.line_num, {name: value for name, value in values.items() if name is not None and value not in ("", None)}


def _of_values(values: Any, manifest: Path, line: int, number: int, settings: Settings, template: str) -> Row:
    where = f"{manifest.name}, line {line}"
    try:
        if not isinstance(values, dict):
            raise InputError(f'{where} is no JSON object; write {{"photo": "…"}}.')
        values = dict(values)
        photo, *others = (manifest.parent / path for path in _photos(values, where))
        name = values.pop("name", None)
        name = _named(template, photo, manifest.parent, number) if name is None else str(name)
        try:
            return Row(photo, name, Settings.from_dict(settings.to_dict() | _typed(values)), others=tuple(others))
        except InputError as error:
            return Row(photo, name, settings, f"{where}: {error}")
    except LikenessError as error:
        return Row(manifest, f"line-{line}", settings, str(error))


def _photos(values: dict[str, Any], where: str) -> list[Path]:
    """The row's photos, taken out of its values; a table has several in one cell, separated by semicolons."""
    photo, photos = values.pop("photo", None), values.pop("photos", None)
    if isinstance(photos, str):
        photos = [part.strip() for part in photos.split(";") if part.strip()]
    given = [photo] if photo is not None else photos
    if not isinstance(given, list) or not given or not all(isinstance(one, str) and "\0" not in one for one in given):
        raise InputError(f'{where} names no photo; give it as "photo", or several of one person as "photos".')
    return [Path(one) for one in given]


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """CSV knows nothing but text."""
    kinds = {option.name: type(option.default) for option in fields(Settings)}
    return {name: _value(value, kinds.get(name, str)) for name, value in values.items()}


def _value(value: Any, kind: type) -> Any:
    if not isinstance(value, str) or kind is str:
        return float(value) if kind is float and type(value) is int else value
    if kind is bool and value.strip().lower() in (*_YES, *_NO):
        return value.strip().lower() in _YES
    if kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            return value  # Settings finds the sentence
    return value


def _named(template: str, photo: Path, folder: Path | None, number: int) -> str:
    try:
        below = "" if folder is None else photo.parent.relative_to(folder).as_posix()
    except ValueError:
        below = ""
    try:
        return template.format(**dict(zip(_PLACES, (below, photo.stem, str(number)), strict=True)))
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        places = ", ".join(f"{{{name}}}" for name in _PLACES)
        raise InputError(f"The name template {template!r} cannot be filled in; use {places}.") from error


def _distinct(rows: list[Row]) -> list[Row]:
    """Names that every system takes, none of which leaves the output folder, and no two the same."""
    parts = [[safe_name(part) for part in PurePosixPath(row.name).parts if part not in ("/", "..", ".")] or ["photo"] for row in rows]
    folders: dict[str, list[int]] = defaultdict(list)
    for index, names in enumerate(parts):
        folders["/".join(names[:-1])].append(index)
    for inside in folders.values():
        for index, name in zip(inside, distinct_names(parts[index][-1] for index in inside), strict=True):
            parts[index][-1] = name
    return [replace(row, name="/".join(names)) for row, names in zip(rows, parts, strict=True)]
