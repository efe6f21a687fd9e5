"""likeness.import_live_link: a recording of the Live Link Face app animates the rigged head."""

import bpy
from bpy.props import FloatProperty, StringProperty

from ..core.animation.live_link import HALF_TURN, read_live_link
from ..scene.animation import animate
from ..scene.typed import scene_of
from .file import FileOperator
from .rig import RigOperator, active_rig
from .tracking import span


class LIKENESS_OT_import_live_link(RigOperator, FileOperator, bpy.types.Operator):
    """Animate the selected head with the CSV file of a Live Link Face recording"""

    bl_idname = "likeness.import_live_link"
    bl_label = "Import Live Link CSV"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: StringProperty(default="*.csv", options={"SKIP_SAVE", "HIDDEN"})
    degrees: FloatProperty(
        name="Head Turn",
        description="Degrees that a recorded 1 stands for: 180 for half turns, 57.3 for radians, 0 to leave the neck at rest",
        default=HALF_TURN,
        min=-HALF_TURN,
        max=HALF_TURN,
    )

    def run(self, context: bpy.types.Context) -> str:
        armature = active_rig(context)
        performance = read_live_link(self.chosen(), self.degrees)
        scene = scene_of(context)
        frames = animate(scene, armature, performance, scene.frame_current)
        for note in performance.warnings:
            self.report({"WARNING"}, note)
        return span(armature, *frames)
