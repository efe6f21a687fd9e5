"""MediaPipe, imported without its chatter and without what it imports only to draw."""

import contextlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

_DRAWING = ("matplotlib", "matplotlib.pyplot")


@contextlib.contextmanager
def mediapipe_solutions() -> Iterator[Any]:
    """The module `mediapipe.solutions`, whose graphs are to be made and first run in here, where their start-up chatter is not heard."""
    with _quiet():
        if "mediapipe" not in sys.modules:
            with _without_drawing():
                import mediapipe  # noqa: F401 - a second
        yield sys.modules["mediapipe.python.solutions"]


@contextlib.contextmanager
def _without_drawing() -> Iterator[None]:
    """Matplotlib, which only plots of landmarks need, takes four times as long to load as all the rest: an empty one stands in for it."""
    missing = [] if _DRAWING[-1] in sys.modules else [name for name in _DRAWING if name not in sys.modules]
    sys.modules.update({name: ModuleType(name) for name in missing})
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what MediaPipe's C++ parts say as they start, which no log level silences, from file descriptor 2."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
