"""The base of all operators of the extension: how they refuse, ask and run. Whatever goes wrong ends as one sentence."""

import contextlib
from collections.abc import Iterator, Sequence

import bpy

from ..core.errors import Cancelled
from . import failure


class LikenessOperator:
    """Mixin of every operator, which says what is its own: `refusal`, `ask` and `run`. The methods that Blender calls are here and in
    job.py only, so that no operator can be run, repeated or fail in a way of its own."""

    bl_label: str

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        """Why the operator cannot run now, for its tooltip; "" when it can. Called whenever its button is drawn."""
        return ""

    def ask(self, context: bpy.types.Context) -> set[str] | None:
        """Open a file browser or a dialog, whose confirmation ends in `execute`; None when there is nothing to ask."""
        return None

    def run(self, context: bpy.types.Context) -> str:
        """Do the work; the closing message, or "" for none. May raise anything."""
        raise NotImplementedError

    def log(self) -> Sequence[str]:
        """The last lines of the log that belongs to this operator's work, for the error file."""
        return ()

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = cls.refusal(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        with self.boundary(context):
            return self.ask(context) or self.execute(context)
        return {"CANCELLED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        with self.boundary(context):
            if message := self.run(context):
                self.report({"INFO"}, message)
            return {"FINISHED"}
        return {"CANCELLED"}

    @contextlib.contextmanager
    def boundary(self, context: bpy.types.Context) -> Iterator[None]:
        """Whatever is raised inside becomes one sentence in the interface, and an error file when the user cannot mend it alone."""
        try:
            yield
        except Cancelled:
            self.report({"WARNING"}, "Cancelled")
        except Exception as error:  # noqa: BLE001 - the one place where bugs become a sentence instead of a traceback
            self.report({"ERROR"}, failure.record(context, error, self.bl_label, self.log()))
