"""`likeness watch DIR --output DIR`: makes a result of every photo that arrives in a folder, until it is stopped."""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core.errors import InputError
from ..console import Console
from ..options import add_command
from .command import add_batch_options
from .rows import Row, arrivals, photos_in
from .run import BatchRun

Stamp = tuple[int, int]
"""Bytes and the time of the last change: while they change, a photo is still being copied."""


def add_watch(commands: Any) -> None:
    """Add the sub-command to an argparse parser's commands."""
    command = add_command(commands, "watch", "make a result of every photo that arrives in a folder, until Ctrl-C")
    command.add_argument("input", metavar="DIR", type=Path, help="folder that is watched")
    add_batch_options(command)
    command.add_argument("--every", metavar="SECONDS", type=_seconds, default=2.0, help="how often to look; network folders tell nothing")
    command.set_defaults(run=_run)


class Arrivals:
    """Which photos of a folder are whole and were not given yet."""

    def __init__(self) -> None:
        self._seen: dict[Path, Stamp] = {}
        self._given: dict[Path, Stamp] = {}

    def settled(self, found: Mapping[Path, Stamp]) -> list[Path]:
        """Those that are as they were at the last look, and are new or changed since they were given. Each is given once."""
        whole = [photo for photo, stamp in found.items() if self._seen.get(photo) == stamp != self._given.get(photo)]
        self._seen = dict(found)
        self._given |= {photo: found[photo] for photo in whole}
        return whole


def _run(options: argparse.Namespace, console: Console) -> int:
    if not options.input.is_dir():
        raise InputError(f"{options.input} is no folder; give the folder into which the photos come.")
    output, folder = options.output.resolve(), options.input.resolve()
    if options.recursive and (output == folder or folder in output.parents):
        # Each preview would be the next photo.
        raise InputError(f"{options.output} lies in the folder that is watched with its folders; choose another --output.")
    arriving = Arrivals()
    with BatchRun(options, console) as batch:
        console.sentence(f"Watching {options.input}; Ctrl-C ends it.")
        while True:
            photos = arriving.settled(_found(options.input, options.recursive))
            if photos:
                rows, others = _rows(photos, batch, options)
                batch.make(rows, others)
                console.clear()
            batch.sheet.write()
            time.sleep(options.every)


def _rows(photos: list[Path], batch: BatchRun, options: argparse.Namespace) -> tuple[list[Row], list[dict[str, Any]]]:
    """A row for each photo, under its name of before if it has one, and what is known of all other photos."""
    known = batch.record.read()
    rows = arrivals(photos, {entry["photo"]: name for name, entry in known.items()}, options.input, batch.plan.settings, options.name)
    mine = {row.name for row in rows}
    return rows, [entry for name, entry in known.items() if name not in mine]


def _found(folder: Path, recursive: bool) -> dict[Path, Stamp]:
    found = {}
    for photo in photos_in(folder, recursive):
        try:
            about = photo.stat()
        except OSError:
            continue  # gone again
        found[photo] = about.st_size, about.st_mtime_ns
    return found


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.05 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.05 and 3600")
    return seconds
