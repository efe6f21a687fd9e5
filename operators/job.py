"""Long jobs: one at a time for the whole of Blender. Here alone is decided whether an operator blocks, goes modal, or is begun anew."""

import time
from collections.abc import Sequence
from typing import Any, Protocol

import bpy

from . import failure
from .base import LikenessOperator

TICK = 0.1
"""Seconds between two looks at the job."""
AGAIN = 0.4
"""Seconds from a repetition to the job's new start: a slider of *Adjust Last Operation* repeats at every step, and only the last counts."""


class Job(Protocol):
    """Work that happens in another process or thread; none of these methods may block."""

    @property
    def stage(self) -> str:
        """What is being done, for the user to read."""
        ...

    @property
    def fraction(self) -> float:
        """Share of the work that is done, in [0, 1]."""
        ...

    def poll(self) -> Any:
        """None while the work goes on, else what it gave. Raises LikenessError when it failed, Cancelled when it was cancelled."""

    def cancel(self) -> None:
        """Ask to stop; `poll` raises Cancelled soon."""

    def close(self) -> None:
        """Free everything; work that still goes on is ended at once."""

    def log(self) -> Sequence[str]:
        """The last lines that the work has logged, for the error file."""
        ...


_TELLS, _SETTLED = 0.15, 2.0  # share of the work, and seconds, from which the time left can be told

_current: Job | None = None
_begun = 0.0
"""When the running job began, by the monotonic clock."""
_again: tuple[str, dict[str, Any], int] | None = None
"""What is begun anew soon: the operator's name, its properties, the address of the window."""


def current() -> Job | None:
    """The running job, for the sidebar. It lives outside the blend file: undo and file loading must not bring it back."""
    return _current


def said(job: Job) -> str:
    """Stage, share, and the time left as soon as that can be told."""
    spent = time.monotonic() - _begun
    left = f", {max(spent / job.fraction - spent, 1):.0f} s left" if job.fraction > _TELLS and spent > _SETTLED else ""
    return f"{job.stage}  {job.fraction:.0%}{left}"


def cancel_current() -> None:
    """Ask the running job, if any, to stop."""
    if _current is not None:
        _current.cancel()


def close_current() -> None:
    """End the running job, if any, at once."""
    global _current
    if _current is not None:
        _current.close()
        _current = None


def close_all() -> None:
    """End everything: the extension is being disabled."""
    if bpy.app.timers.is_registered(_begin_again):
        bpy.app.timers.unregister(_begin_again)
    close_current()


def manner(options: bpy.types.OperatorOptions, background: bool) -> str:
    """How `execute` runs a job: "block", "modal" or "again".

    Blender keeps the operators that can be repeated. One that went modal while it is kept would be freed twice, which is a crash, and one
    that blocked would freeze the window: a repetition begins another operator of the same kind. The first run of an invoked operator
    comes from its file browser or dialog and goes modal. Scripts block, and so does everything without a window.
    """
    if background:
        return "block"
    if options.is_repeat or options.is_repeat_last:
        return "again"
    return "modal" if options.is_invoke else "block"


class JobOperator(LikenessOperator):
    """Mixin of the operators that run a job: `start_job` begins it, `use` takes what it gave and returns the closing message."""

    bl_idname: str
    _timer: bpy.types.Timer | None = None

    def start_job(self, context: bpy.types.Context) -> Job:
        """Begin the work with what is selected now. Raises LikenessError when it cannot begin."""
        raise NotImplementedError

    def use(self, context: bpy.types.Context, outcome: Any) -> str:
        """Put what the job gave into the scene, which may be another by then; the closing message. Raises LikenessError."""
        raise NotImplementedError

    def meanwhile(self, context: bpy.types.Context) -> None:
        """Called while the job goes on, some ten times a second: what it has given already may be shown. May raise anything."""

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        return "Likeness is busy; wait or cancel" if _current is not None else super().refusal(context)

    def log(self) -> Sequence[str]:
        return _current.log() if _current is not None else ()

    def execute(self, context: bpy.types.Context) -> set[str]:
        match manner(self.options, bpy.app.background):
            case "modal":
                return self._run_modal(context)
            case "again":
                window: Any = context.window
                _schedule(type(self).bl_idname, self.as_keywords(), window)
                return {"CANCELLED"}
        return self._run_blocking(context)

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
            with self.boundary(context):
                outcome = _current.poll()
                if outcome is None:
                    self.meanwhile(context)
                    ended = False
                    context.workspace.status_text_set(f"{said(_current)}   Esc: cancel")
                    _redraw(context)
                    return {"PASS_THROUGH"}
                self.report({"INFO"}, self.use(context, outcome))
                return {"FINISHED"}
        finally:
            if ended:
                self._end(context)
        return {"CANCELLED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender calls this when another file is opened or when it quits: nobody will poll any more, so the process goes at once."""
        self._end(context)

    def _run_modal(self, context: bpy.types.Context) -> set[str]:
        """Begin the job and leave the interface free; `modal` does the rest."""
        with self.boundary(context):
            self._begin(context)
            manager = context.window_manager
            self._timer = manager.event_timer_add(TICK, window=context.window)
            manager.modal_handler_add(self)
            return {"RUNNING_MODAL"}
        return {"CANCELLED"}

    def _run_blocking(self, context: bpy.types.Context) -> set[str]:
        """The whole job in one call: timers do not run in background mode."""
        try:
            with self.boundary(context):
                job = self._begin(context)
                while (outcome := job.poll()) is None:
                    time.sleep(TICK / 2)
                self.report({"INFO"}, self.use(context, outcome))
                return {"FINISHED"}
        finally:
            self._end(context)
        return {"CANCELLED"}

    def _begin(self, context: bpy.types.Context) -> Job:
        global _current, _begun
        failure.forget()
        _begun = time.monotonic()
        _current = self.start_job(context)
        return _current

    def _end(self, context: bpy.types.Context) -> None:
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
            if context.workspace:
                context.workspace.status_text_set(None)
        close_current()
        _redraw(context)


def _schedule(name: str, properties: dict[str, Any], window: bpy.types.Window) -> None:
    global _again
    _again = name, properties, window.as_pointer()
    if bpy.app.timers.is_registered(_begin_again):
        bpy.app.timers.unregister(_begin_again)
    bpy.app.timers.register(_begin_again, first_interval=AGAIN)


def _begin_again() -> None:
    """An app timer: invoke an operator as its button does, in the window where it was repeated."""
    assert _again is not None
    name, properties, address = _again
    manager = bpy.context.window_manager
    window = next((window for window in manager.windows if window.as_pointer() == address), None)
    if window is None:
        return
    area = next((area for area in window.screen.areas if area.type == "VIEW_3D"), window.screen.areas[0])
    region = next(region for region in area.regions if region.type == "WINDOW")
    module, _, function = name.partition(".")
    operator = getattr(getattr(bpy.ops, module), function)
    with bpy.context.temp_override(window=window, area=area, region=region):
        if not operator.poll():
            return
        try:
            operator("INVOKE_DEFAULT", **properties)
        except RuntimeError as error:  # what the operator reported before it was modal
            sentence = str(error).removeprefix("Error: ").strip()
            manager.popup_menu(lambda menu, _: menu.layout.label(text=sentence), title="Likeness", icon="ERROR")


def _redraw(context: bpy.types.Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "PREFERENCES"}:
                area.tag_redraw()
