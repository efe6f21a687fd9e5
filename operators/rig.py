"""What the operators of the rigged head share."""

import bpy

from ..scene.rig import rig_of


class RigOperator:
    """Mixin of operators on the active object's rig."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if rig_of(context.object) is None:
            cls.poll_message_set("Select a rigged head or its armature")
            return False
        if context.mode not in {"OBJECT", "POSE"}:
            cls.poll_message_set("Go back to object or pose mode")
            return False
        return True
