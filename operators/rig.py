"""What the operators of the rigged head share."""

import bpy

from ..scene.rig import rig_of
from .base import LikenessOperator


class RigOperator(LikenessOperator):
    """Mixin of operators on the active object's rig."""

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        if rig_of(context.object) is None:
            return "Select a rigged head or its armature"
        if context.mode not in {"OBJECT", "POSE"}:
            return "Go back to object or pose mode"
        return super().refusal(context)


def active_rig(context: bpy.types.Context) -> bpy.types.Object:
    """The armature of the active object's rig, which RigOperator.refusal has made sure of."""
    armature = rig_of(context.object)
    assert armature is not None
    return armature
