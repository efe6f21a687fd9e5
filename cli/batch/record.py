"""What became of each row: one line of JSON for each in summary.jsonl, written as soon as it is known; and what makes a row done."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ...core.errors import InputError
from ...core.version import VERSION
from ..output import REPORT, digest_of, writing
from .rows import Row

SUMMARY, TABLE = "summary.jsonl", "summary.csv"
DONE, FAILED = "done", "failed"
KEY = "batch_key"
"""In a report: hash of all that the result depends on."""
_WEIGHTS = Path(__file__).absolute().parents[2] / "weights" / "SHA256SUMS"
_MEASURES = ("quality", "silhouette_iou", "observed_share", "hidden_excess", "fit_disagreement", "matte_unsure")
_LARGEST = 2**24

Entry = dict[str, Any]


def row_key(row: Row, formats: Sequence[str]) -> str:
    """Hash of what the row's result depends on: its files, settings, formats, our weights and version. Raises InputError."""
    hashes = {label: _file_hash(path) for label, path in row.settings.files()}
    weights = _WEIGHTS.read_text(encoding="utf-8") if _WEIGHTS.exists() else ""
    photos = [_file_hash(photo) for photo in row.photos]
    parts = [photos if row.others else photos[0], row.settings.to_report(), hashes, sorted(formats), weights, VERSION]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _file_hash(path: Path) -> str:
    try:
        return digest_of(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}); check the path.") from error


def finished_report(folder: Path, key: str) -> dict[str, Any] | None:
    """The report of a result that is there and whole, made of the very same; None otherwise. A report is the last of a result's files."""
    path = folder / REPORT
    try:
        if path.stat().st_size > _LARGEST:
            return None
        report = json.loads(path.read_text(encoding="utf-8"))
        whole = report[KEY] == key and all((folder / name).is_file() for name in report["files"])
        return report if whole else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def done_entry(row: Row, key: str, report: dict[str, Any]) -> Entry:
    """The line of a row whose result is there."""
    measures = {name: report[name] for name in _MEASURES if name in report}
    entry = {"name": row.name, "photo": str(row.photo), "status": DONE, "key": key, **measures}
    return entry | {"warnings": list(report.get("warnings", ())), "seconds": round(sum(report.get("timings", {}).values()), 2)}


def failed_entry(row: Row, key: str, sentence: str, code: int, error_file: Path | None = None) -> Entry:
    """The line of a row that failed. code: the exit code that the row alone would have had."""
    entry = {"name": row.name, "photo": str(row.photo), "status": FAILED, "key": key, "error": sentence, "code": code}
    return entry if error_file is None else entry | {"error_file": error_file.name}


class Record:
    """The summaries of a batch in its output folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cut = False

    def read(self) -> dict[str, Entry]:
        """The last line of each row, by name; lines that a killed run left half written do not count."""
        entries: dict[str, Entry] = {}
        try:
            text = (self.folder / SUMMARY).read_bytes()
        except FileNotFoundError:
            return entries
        except OSError as error:
            raise InputError(f"{self.folder / SUMMARY} cannot be read ({error.strerror}); choose another --output.") from error
        self._cut = bool(text) and not text.endswith(b"\n")
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                if entry["status"] in (DONE, FAILED) and isinstance(entry["key"], str):
                    entries[str(entry["name"])] = entry
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
        return entries

    def add(self, entry: Entry) -> None:
        """Raises InputError when it cannot be written."""
        line = json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n"
        with writing(self.folder):
            with (self.folder / SUMMARY).open("a", encoding="utf-8", newline="\n") as file:
                file.write(("\n" if self._cut else "") + line)
            self._cut = False

    def write(self, entries: Iterable[Entry]) -> None:
        """Both summaries anew, one line for each entry, in this order."""
        entries = list(entries)
        columns = ["name", "photo", "status", *_MEASURES, "seconds", "error", "error_file", "warnings"]
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for entry in entries:
            writer.writerow(entry | {"warnings": " ".join(entry.get("warnings", ()))})
        lines = "".join(json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n" for entry in entries)
        write_whole(self.folder / SUMMARY, lines)
        write_whole(self.folder / TABLE, table.getvalue())


def write_whole(path: Path, text: str) -> None:
    """A file that is the old or the new one, never a part of it. Raises InputError."""
    with writing(path.parent):
        partial = path.with_name(f".{path.name}.part")
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
