"""likeness.pose_rig: the rig as in the photo, or at rest."""

import bpy
from bpy.props import EnumProperty

from ..scene.rig import set_pose
from .rig import RigOperator, active_rig


class LIKENESS_OT_pose_rig(RigOperator, bpy.types.Operator):
    """Set all bones and shape keys of the head"""

    bl_idname = "likeness.pose_rig"
    bl_label = "Pose Rig"
    bl_options = {"REGISTER", "UNDO"}

    pose: EnumProperty(
        name="Pose",
        description="What the head shows",
        items=[
            ("PHOTO", "Photo", "Expression and pose of the photo"),
            ("REST", "Rest", "Neutral face, all bones at rest"),
        ],
    )

    def run(self, context: bpy.types.Context) -> str:
        set_pose(active_rig(context), photo=self.pose == "PHOTO")
        return ""
