"""Turns Ctrl-C and the system's requests to end into one KeyboardInterrupt, so that everything is cleaned up in either case."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

_stopped = False

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # the last two where the system has them: terminal closed, Ctrl-Break


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """In here the first signal raises KeyboardInterrupt. Later ones do nothing: `timeout` and impatient people send several, and
    cleaning up takes a second at most."""

    global _stopped
    _stopped = False

    def stop(number: int, frame: Any) -> None:
        global _stopped
        _stopped = True
        for one in old:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    with _handled_by(stop) as old:
        try:
            yield
        except Exception:
            raise_if_stopped()
            raise


def raise_if_stopped() -> None:
    """Raise the KeyboardInterrupt again that somebody has taken for another error, as libraries do while they are imported."""
    if _stopped:
        raise KeyboardInterrupt


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """A signal that comes in here waits for its end."""
    waiting: list[int] = []
    try:
        with _handled_by(lambda number, frame: waiting.append(number)):
            yield
    finally:
        for number in waiting[:1]:
            signal.raise_signal(number)


@contextlib.contextmanager
def _handled_by(handler: Callable[[int, Any], None]) -> Iterator[dict[int, Any]]:
    """The handlers before, which come back in the end. What the parent process has ignored (nohup) stays ignored."""
    old: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
        old |= {number: signal.getsignal(number) for number in numbers}
        old = {number: before for number, before in old.items() if before not in (signal.SIG_IGN, None)}
    try:
        for number in old:
            signal.signal(number, handler)
        yield old
    finally:
        for number, before in old.items():
            signal.signal(number, before)
