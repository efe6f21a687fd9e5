"""`likeness batch INPUT --output DIR`: one result for each row, in a folder of its own; started again it goes on where it ended."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..console import Console
from ..options import add_command, add_head_options
from .ray_pool import LOCAL
from .record import DONE, FAILED, SUMMARY, TABLE, Entry
from .rows import TEMPLATE, read_rows
from .run import BatchRun
from .sheet import SHEET


def add_batch(commands: Any) -> None:
    """Add the sub-command to an argparse parser's commands."""
    command = add_command(commands, "batch", "make results from many photos, and go on where an earlier run ended")
    command.add_argument("input", metavar="INPUT", help="folder, wildcard, list (.txt), or manifest (.jsonl, .csv) of photos")
    add_batch_options(command)
    command.set_defaults(run=_run)


def add_batch_options(command: argparse.ArgumentParser) -> None:
    """What every command that makes many results has."""
    command.add_argument(
        "--output", metavar="DIR", type=Path, required=True, help=f"folder for {SUMMARY}, {TABLE}, {SHEET} and the results"
    )
    command.add_argument("--recursive", action="store_true", help="look into the folder's folders, too")
    command.add_argument("--name", metavar="TEMPLATE", default=TEMPLATE, help="folder of a result, of {folder}, {stem} and {number}")
    command.add_argument("--workers", type=_workers, default=0, help="processes side by side; 0 is as many as cores and memory bear")
    command.add_argument("--retry-failed", action="store_true", help="try again what failed in an earlier run")
    command.add_argument("--json", action="store_true", help="tell what became of each row as a line of JSON on standard output")
    command.add_argument("--python", metavar="PROGRAM", type=Path, help="Python of the workers; by default LIKENESS_PYTHON or this one")
    command.add_argument("--ray", metavar="ADDRESS", help=f"run on this Ray cluster (auto: the one of this machine; {LOCAL}: a new one)")
    command.add_argument("--gpus", metavar="SHARE", type=float, default=0.0, help="with --ray, share of a GPU that each worker takes")
    add_head_options(command)


def _run(options: argparse.Namespace, console: Console) -> int:
    batch = BatchRun(options, console)
    rows = read_rows(options.input, batch.plan.settings, options.recursive, options.name)
    with batch:
        entries = batch.make(rows)
    return _told(entries, options, console)


def _told(entries: Sequence[Entry], options: argparse.Namespace, console: Console) -> int:
    console.clear()
    count = Counter(entry["status"] for entry in entries)
    failed = f", {count[FAILED]} failed" if count[FAILED] else ""
    console.sentence(f"{count[DONE]} of {len(entries)} done{failed}; see {options.output / SHEET}.")
    if not options.json:
        console.paths([options.output / name for name in (SUMMARY, TABLE, SHEET)])
    return max((entry.get("code", 0) for entry in entries), default=0)


def _workers(text: str) -> int:
    count = int(text)
    if not 0 <= count <= 256:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 256")
    return count
