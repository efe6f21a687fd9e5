"""likeness.pose_body: a body as in the photo, or standing with its arms held off."""

import bpy
from bpy.props import EnumProperty

from ..scene.body_rig import body_rig_of, pose_body
from .base import LikenessOperator


class LIKENESS_OT_pose_body(LikenessOperator, bpy.types.Operator):
    """Set all bones of the body"""

    bl_idname = "likeness.pose_body"
    bl_label = "Pose Body"
    bl_options = {"REGISTER", "UNDO"}

    pose: EnumProperty(
        name="Pose",
        description="How the body stands",
        items=[
            ("PHOTO", "Photo", "As in the photo, which is the rest of the bones"),
            ("A", "A-Pose", "Upright, arms held off the body"),
        ],
    )

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        if body_rig_of(context.object) is None:
            return "Select a reconstructed body or its armature"
        if context.mode not in {"OBJECT", "POSE"}:
            return "Go back to object or pose mode"
        return super().refusal(context)

    def run(self, context: bpy.types.Context) -> str:
        armature = body_rig_of(context.object)
        assert armature is not None  # `refusal` has made sure
        pose_body(armature, photo=self.pose == "PHOTO")
        return ""
