"""How far a batch is: a bar with the time left on a terminal, where the package rich is there, and plain lines or JSON elsewhere."""

import importlib.util
import json
import time
from typing import Any

from ..console import Console
from .record import FAILED, Entry


class BatchProgress:
    """Tells of each row as it is finished. A context manager."""

    def __init__(self, console: Console, total: int, done: int, workers: int, as_json: bool) -> None:
        """total: rows; done: those of them that were done before."""
        self._console, self._total, self._before, self._as_json = console, total, done, as_json
        self._made = self._failed = 0
        self._begun = time.monotonic()
        console.sentence(f"{total - done} of {total} rows to make with {workers} worker{'s' if workers > 1 else ''}.")
        self._bar: Any = _bar(console) if console.terminal else None
        self._task = None if self._bar is None else self._bar.add_task("", total=total, completed=done, failed="")

    def __enter__(self) -> "BatchProgress":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, entry: Entry) -> None:
        """One more row is finished."""
        self._made += 1
        self._failed += entry["status"] == FAILED
        if self._as_json:
            self._console.line(json.dumps(entry, ensure_ascii=False))
        elif entry["status"] == FAILED:
            self._sentence(entry["error"])
        failed = f", {self._failed} failed" if self._failed else ""
        if self._bar is not None:
            self._bar.update(self._task, advance=1, description=entry["name"], failed=failed)
            return
        left = self._total - self._before - self._made
        seconds = (time.monotonic() - self._begun) / self._made * left
        self._console.status(f"{self._before + self._made} of {self._total}{failed}, {duration(seconds)} left: {entry['name']}")

    def _sentence(self, text: str) -> None:
        if self._bar is None:
            self._console.sentence(text)
        else:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """In words, no more exact than it can be known."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def _bar(console: Console) -> Any:
    """None where rich is not installed, as in Blender's own Python."""
    if importlib.util.find_spec("rich") is None:
        return None
    from rich.console import Console as Terminal
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    failed, name = TextColumn("{task.fields[failed]}"), TextColumn("{task.description}")
    return Progress(BarColumn(), MofNCompleteColumn(), failed, TimeRemainingColumn(), name, console=Terminal(file=console.terminal))
