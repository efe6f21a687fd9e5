"""One run over rows into one folder: what is done already is left alone, the rest is made, and the summaries are kept."""

import argparse
import contextlib
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
from ..output import REPORT, writing
from ..staging import WORK, FolderInUse, Staging, made
from .pool import Pool, free_gigabytes, usable_cores, worker_count
from .progress import BatchProgress
from .ray_pool import RayPool
from .record import FAILED, KEY, Entry, Record, done_entry, failed_entry, finished_report, row_key
from .rows import Row
from .sheet import Sheet

_LOCK = ".likeness-batch"


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


class BatchRun:
    """Makes rows into an output folder that no other run uses meanwhile. A context manager; its workers start with the first row that
    is to be made and stay for later ones."""

    def __init__(self, options: argparse.Namespace, console: Console) -> None:
        """Raises InputError for options that cannot be followed."""
        plan = HeadPlan.of(options)
        if options.report != Path(REPORT):
            raise InputError("The reports of a batch lie beside their results; leave --report out.")
        self.plan = replace(plan, report=Path(REPORT))
        if options.python is not None:
            check_file(options.python, "Python")
        self.record, self.sheet = Record(options.output), Sheet(options.output)
        self._options, self._console, self._stack = options, console, ExitStack()
        self._pool: Pool | RayPool | None = None

    def __enter__(self) -> "BatchRun":
        with writing(self._options.output):
            self._stack.enter_context(made(self._options.output))
            self._stack.enter_context(Staging(self._options.output, _LOCK))
        self._stack.callback(self.sheet.write, at_once=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def make(self, rows: Sequence[Row], around: Sequence[Entry] = ()) -> list[Entry]:
        """What became of each of the rows that there was time for, in their order; written into the summaries after `around`, what is
        known of other rows. The page waits for `sheet.write`, or for the end of the run. Raises Cancelled and InputError."""
        options, console = self._options, self._console
        entries, tasks = _planned(rows, self.plan, self.record, options, console)
        before = len(entries)
        if before:
            console.sentence(f"{before} of {len(rows)} rows are done, or failed already (--retry-failed tries again).")
        try:
            if tasks:
                self._pool = self._pool or self._stack.enter_context(self._started(len(tasks)))
                with BatchProgress(console, len(rows), before, self._pool.count, options.json) as progress:
                    for entry in self._pool.run(tasks, _made):
                        self.record.add(entry)
                        entries[entry["name"]] = entry
                        progress.tell(entry)
        finally:
            ordered = [entries[row.name] for row in rows if row.name in entries]
            self.record.write([*around, *ordered])
            self.sheet.show([*around, *ordered], len(around) + len(rows))
        return ordered

    def _started(self, tasks: int) -> Pool | RayPool:
        options, blender = self._options, self.plan.blender
        if options.ray:
            return RayPool(options.ray, options.workers, blender, options.python, options.gpus)
        count = worker_count(options.workers, usable_cores(), free_gigabytes())
        return Pool(min(count, tasks) if options.command == "batch" else count, blender, options.python)


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
