"""`likeness batch INPUT --output DIR`: one result for each row, in a folder of its own; started again it goes on where it ended."""

import argparse
import contextlib
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...core.errors import Cancelled, InputError, LikenessError
from ..checks import check_file, check_photo
from ..console import Console
from ..failures import failure
from ..head import HeadPlan, Processes
from ..options import add_command, add_head_options
from ..output import REPORT, writing
from ..staging import WORK, FolderInUse, Staging, made
from .pool import Pool, free_gigabytes, usable_cores, worker_count
from .ray_pool import LOCAL, RayPool
from .record import DONE, FAILED, KEY, SUMMARY, TABLE, Entry, Record, done_entry, failed_entry, finished_report, row_key
from .rows import TEMPLATE, Row, read_rows
from .sheet import SHEET, write_sheet

_LOCK = ".likeness-batch"


def add_batch(commands: Any) -> None:
    """Add the sub-command to an argparse parser's commands."""
    command = add_command(commands, "batch", "make results from many photos, and go on where an earlier run ended")
    command.add_argument("input", metavar="INPUT", help="folder, wildcard, list (.txt), or manifest (.jsonl, .csv) of photos")
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
    command.set_defaults(run=_run)


@dataclass(frozen=True)
class _Task:
    row: Row
    key: str
    plan: HeadPlan
    output: Path

    @property
    def folder(self) -> Path:
        return self.output / self.row.name

    @property
    def file_name(self) -> str:
        return self.folder.name

    def finished(self) -> dict[str, Any] | None:
        """The report of a result that is there and whole; what a killed run has left in its folder is cleared before."""
        if (self.folder / WORK).exists():
            with contextlib.suppress(FolderInUse), writing(self.folder):
                Staging(self.folder).close()
        return finished_report(self.folder, self.key)

    def claim(self) -> Any:
        return self.plan.claim(self.folder, self.file_name, self.plan.inputs(*self.row.photos))


def _run(options: argparse.Namespace, console: Console) -> int:
    plan = HeadPlan.of(options)
    if options.report != Path(REPORT):
        raise InputError("The reports of a batch lie beside their results; leave --report out.")
    plan = replace(plan, report=Path(REPORT))
    if options.python is not None:
        check_file(options.python, "Python")
    rows = read_rows(options.input, plan.settings, options.recursive, options.name)
    record = Record(options.output)
    with ExitStack() as stack:
        with writing(options.output):
            stack.enter_context(made(options.output))
            stack.enter_context(Staging(options.output, _LOCK))  # one run at a time
        entries, tasks = _planned(rows, plan, record, options, console)
        before = len(entries)
        if before:
            console.sentence(f"{before} of {len(rows)} rows are done, or failed already (--retry-failed tries again).")
        try:
            if tasks:
                pool = stack.enter_context(_pool(options, plan, len(tasks)))
                progress = _Progress(console, len(rows), before, pool.count)
                for entry in pool.run(tasks, _made):
                    record.add(entry)
                    entries[entry["name"]] = entry
                    progress.tell(entry, options.json)
        finally:
            ordered = [entries[row.name] for row in rows if row.name in entries]
            record.write(ordered)
            write_sheet(options.output, ordered, len(rows))
    return _told(ordered, options, console)


def _planned(
    rows: Sequence[Row], plan: HeadPlan, record: Record, options: argparse.Namespace, console: Console
) -> tuple[dict[str, Entry], list[_Task]]:
    """Rows of which everything is known, by name, and those that are to be made. Looks at every file before anything is loaded."""
    known, entries, tasks = record.read(), {}, []
    for row in rows:
        key = ""
        try:
            if row.problem:
                raise LikenessError(row.problem)
            if row.settings.all_subjects:
                raise LikenessError("A row is one result; give a row with a subject_index for each person instead of all_subjects.")
            for photo in row.photos:
                check_photo(photo)
            key = row_key(row, plan.formats)
            task = _Task(row, key, replace(plan, settings=row.settings), options.output)
            if (report := task.finished()) is not None and not options.overwrite:
                entries[row.name] = done_entry(row, key, report)
                continue
            earlier = known.get(row.name)
            if earlier and earlier["status"] == FAILED and earlier["key"] == key and not (options.retry_failed or options.overwrite):
                entries[row.name] = earlier
                continue
            task.claim().close()
            tasks.append(task)
        except LikenessError as error:
            code = 2 if row.problem else error.exit_code
            entries[row.name] = failed_entry(row, key, str(error), code)
            console.sentence(error)
    return entries, tasks


def _pool(options: argparse.Namespace, plan: HeadPlan, tasks: int) -> Pool | RayPool:
    if options.ray:
        return RayPool(options.ray, options.workers, plan.blender, options.python, options.gpus)
    count = worker_count(options.workers, usable_cores(), free_gigabytes())
    return Pool(min(count, tasks), plan.blender, options.python)


def _made(processes: Processes, task: _Task) -> Entry:
    """Make one row, wherever this runs, and say what became of it. Raises Cancelled alone."""
    row = task.row
    try:
        # A machine that died after it had finished is no reason to do it twice.
        report = None if task.plan.overwrite else task.finished()
        if report is None:
            with task.claim() as outputs:
                _, report = task.plan.make(processes, row.photos, outputs, task.file_name, more={KEY: task.key})
        return done_entry(row, task.key, report)
    except Cancelled:
        raise
    except Exception as error:  # noqa: BLE001 - told by `failure`, and the other rows go on
        prefix, settings = f"{row.photo.name}: ", row.settings.to_dict()
        found = failure(error, row.photo.name, task.output, settings, processes.client.log, prefix)
        return failed_entry(row, task.key, found.sentence, found.code, found.file)


class _Progress:
    def __init__(self, console: Console, total: int, done: int, workers: int) -> None:
        self._console, self._total, self._done, self._begun = console, total, done, time.monotonic()
        self._made = self._failed = 0
        console.sentence(f"{total - done} of {total} rows to make with {workers} worker{'s' if workers > 1 else ''}.")

    def tell(self, entry: Entry, as_json: bool) -> None:
        """One more row, and how long the rest takes."""
        self._made += 1
        self._failed += entry["status"] == FAILED
        left = self._total - self._done - self._made
        seconds = (time.monotonic() - self._begun) / self._made * left
        if as_json:
            self._console.line(json.dumps(entry, ensure_ascii=False))
        elif entry["status"] == FAILED:
            self._console.sentence(entry["error"])
        failed = f", {self._failed} failed" if self._failed else ""
        self._console.status(f"{self._done + self._made} of {self._total}{failed}, {_duration(seconds)} left: {entry['name']}")


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


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
