"""Long jobs: one at a time for the whole of Blender, driven by a timer under a window and by a loop in background mode."""

import contextlib
import time
from typing import Any, Protocol

import bpy

from ..core.errors import Cancelled, LikenessError

TICK = 0.1
"""Seconds between two looks at the job."""


class Job(Protocol):
    """Work that happens in another process or thread; none of these methods may block."""

    stage: str
    fraction: float

    def poll(self) -> Any:
        """None while the work goes on, else what it gave. Raises LikenessError when it failed, Cancelled when it was cancelled."""

    def cancel(self) -> None:
        """Ask to stop; `poll` raises Cancelled soon."""

    def close(self) -> None:
        """Free everything; work that still goes on is ended at once."""


_current: Job | None = None


def current() -> Job | None:
    """The running job, for the sidebar. It lives outside the blend file: undo and file loading must not bring it back."""
    return _current


def cancel_current() -> None:
    """Ask the running job, if any, to stop."""
    if _current is not None:
        _current.cancel()


def close_current() -> None:
    """End the running job, if any, at once: the extension is being disabled."""
    global _current
    if _current is not None:
        _current.close()
        _current = None


class JobOperator:
    """Mixin of the operators that run a job: `start_job` begins it, `use` takes what it gave and returns the closing message.

    Under a window the operator is modal; `execute`, for background mode and scripts, blocks.
    """

    _timer: bpy.types.Timer | None = None

    def start_job(self, context: bpy.types.Context) -> Job:
        raise NotImplementedError

    def use(self, context: bpy.types.Context, outcome: Any) -> str:
        raise NotImplementedError

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if _current is not None:
            cls.poll_message_set("Likeness is busy; wait or cancel")
        return _current is None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return self.run_modal(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return self.run_blocking(context)

    def run_modal(self, context: bpy.types.Context) -> set[str]:
        """Begin the job and leave the interface free; `modal` does the rest."""
        with self._reporting():
            self._begin(context)
            manager = context.window_manager
            self._timer = manager.event_timer_add(TICK, window=context.window)
            manager.modal_handler_add(self)
            return {"RUNNING_MODAL"}
        return {"CANCELLED"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if _current is None:  # ended from outside, when the extension was disabled
            self._end(context)
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS":
            _current.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        ended = True
        try:
            with self._reporting():
                outcome = _current.poll()
                if outcome is None:
                    ended = False
                    context.workspace.status_text_set(f"{_current.stage}  {_current.fraction:.0%}   Esc: cancel")
                    _redraw(context)
                    return {"PASS_THROUGH"}
                self.report({"INFO"}, self.use(context, outcome))
                return {"FINISHED"}
        finally:
            if ended:
                self._end(context)
        return {"CANCELLED"}

    def run_blocking(self, context: bpy.types.Context) -> set[str]:
        """The whole job in one call: timers do not run in background mode."""
        try:
            with self._reporting():
                self._begin(context)
                while (outcome := _current.poll()) is None:
                    time.sleep(TICK / 2)
                self.report({"INFO"}, self.use(context, outcome))
                return {"FINISHED"}
        finally:
            self._end(context)
        return {"CANCELLED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender calls this when another file is opened or when it quits: nobody will poll any more, so the process goes at once."""
        self._end(context)

    def _begin(self, context: bpy.types.Context) -> None:
        global _current
        _current = self.start_job(context)

    def _end(self, context: bpy.types.Context) -> None:
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
            if context.workspace:
                context.workspace.status_text_set(None)
        close_current()
        _redraw(context)

    @contextlib.contextmanager
    def _reporting(self):
        """Expected failures become one sentence in the interface."""
        try:
            yield
        except Cancelled:
            self.report({"WARNING"}, "Cancelled")
        except LikenessError as error:
            self.report({"ERROR"}, str(error))


def _redraw(context: bpy.types.Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "PREFERENCES"}:
                area.tag_redraw()
