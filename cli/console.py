"""What the user reads: paths on standard output, sentences and progress on standard error. A console is never a reason to fail."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from ..core.progress import stage_label


class Console:
    """Characters that a console does not have appear as escapes; what nobody reads any more is dropped."""

    def __init__(self) -> None:
        # A closed descriptor would be given to the next file that is opened, and that file would get our sentences.
        for descriptor in range(3):
            try:
                os.fstat(descriptor)
            except OSError:
                os.open(os.devnull, os.O_RDWR)
        self._out, self._err = _forgiving(sys.stdout), _forgiving(sys.stderr)
        self.photo = ""
        """Begins the line of progress."""

    @property
    def terminal(self) -> TextIO | None:
        """Where sentences go, if that is a terminal."""
        return self._err if _is_terminal(self._err) else None

    def paths(self, paths: Iterable[Path]) -> None:
        """One a line, on standard output."""
        _write(self._out, "".join(f"{path}\n" for path in paths))

    def sentence(self, text: object) -> None:
        """On a line of its own, on standard error."""
        self.clear()
        _write(self._err, f"{text}\n")

    def progress(self, stage: str, fraction: float) -> None:
        """A stage of core/progress.py on one line that overwrites itself, on terminals only."""
        if _is_terminal(self._err):
            _write(self._err, f"\r\x1b[K{self.photo}{stage_label(stage)} {fraction:.0%}")

    def status(self, text: str) -> None:
        """A line that overwrites itself on terminals, and an ordinary one elsewhere."""
        _write(self._err, f"\r\x1b[K{text}" if _is_terminal(self._err) else f"{text}\n")

    def line(self, text: str) -> None:
        """On standard output."""
        self.clear()
        _write(self._out, f"{text}\n")

    def clear(self) -> None:
        """Take the line of progress away."""
        if _is_terminal(self._err):
            _write(self._err, "\r\x1b[K")

    def flush(self) -> None:
        """Write what others, such as the parser, have left in the buffers."""
        _write(self._out, "")
        _write(self._err, "")

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """In here standard error is ours only: libraries written in C++ tell their own stories there."""
        self.flush()
        kept, before = os.dup(2), self._err
        _to_nowhere(2)
        try:
            encoding = before.encoding if before is not None else "utf-8"
            with os.fdopen(os.dup(kept), "w", encoding=encoding, errors="backslashreplace") as own:
                self._err = own
                yield
        finally:
            self._err = before
            os.dup2(kept, 2)
            os.close(kept)


def _forgiving(stream: Any) -> TextIO | None:
    """None stays what it is: the stream was closed from the beginning."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
    return stream


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):  # nobody reads any more (`| head`), the disk is full, or the stream is closed
        with contextlib.suppress(OSError, ValueError):
            _to_nowhere(stream.fileno())  # else Python would complain about the rest in its buffer as it ends


def _to_nowhere(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
