"""What jobs share whose properties are asked for in a dialog: it comes up once, and repetitions take what they are given."""

import bpy
from bpy.props import BoolProperty

from .job import JobOperator


class DialogJobOperator(JobOperator):
    """Mixin: `ask` shows the operator's properties, as its `draw` lays them out."""

    asked: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    def ask(self, context: bpy.types.Context) -> set[str] | None:
        if self.asked:
            return None
        self.asked = True
        return context.window_manager.invoke_props_dialog(self)
