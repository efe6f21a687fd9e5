"""likeness.import_live_link: a recording of the Live Link Face app animates the rigged head."""

from pathlib import Path

import bpy
from bpy.props import FloatProperty, StringProperty

from ..core.animation.live_link import HALF_TURN, read_live_link
from ..core.errors import LikenessError
from ..scene.animation import animate
from ..scene.rig import rig_of
from .rig import RigOperator
from .tracking import span


class LIKENESS_OT_import_live_link(RigOperator, bpy.types.Operator):
    """Animate the selected head with the CSV file of a Live Link Face recording"""

    bl_idname = "likeness.import_live_link"
    bl_label = "Import Live Link CSV"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE", "HIDDEN"})
    filter_glob: StringProperty(default="*.csv", options={"HIDDEN"})
    degrees: FloatProperty(
        name="Head Turn",
        description="Degrees that a recorded 1 stands for: 180 for half turns, 57.3 for radians, 0 to leave the neck at rest",
        default=HALF_TURN,
        min=-HALF_TURN,
        max=HALF_TURN,
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = rig_of(context.object)
        try:
            performance = read_live_link(Path(bpy.path.abspath(self.filepath)), self.degrees)
            frames = animate(context.scene, armature, performance, context.scene.frame_current)
        except LikenessError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for note in performance.warnings:
            self.report({"WARNING"}, note)
        self.report({"INFO"}, span(armature, *frames))
        return {"FINISHED"}
