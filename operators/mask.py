"""likeness.paint_mask, apply_mask and cancel_mask: what is taken for the person, painted over the photo by Blender's Texture Paint."""

from typing import Any

import bpy

from ..core.errors import InputError
from ..core.inspection import Inspection
from ..core.settings import Settings
from ..scene.mask import begin_mask, end_mask, mask_of, painted_mask, plane_of, stored_mask
from ..scene.source import camera_of
from ..scene.views import photos_of
from ..worker.client import shared_client
from .base import LikenessOperator
from .correction import BeginCorrectionOperator, CorrectionOperator, being_corrected
from .environment import worker_python
from .photo_job import Inspecting
from .result import active_collection


class LIKENESS_OT_paint_mask(BeginCorrectionOperator, bpy.types.Operator):
    """Show what was taken for the person over the photo, to be painted in Texture Paint: white is the person"""

    bl_idname = "likeness.paint_mask"
    bl_label = "Paint Mask"
    bl_options = {"REGISTER", "UNDO"}

    def asked(self, context: bpy.types.Context, head: bpy.types.Object, settings: Settings) -> Inspecting:
        return Inspecting(shared_client(worker_python(context)), photos_of(head)[0], settings, mask=True)

    def begin(self, context: bpy.types.Context, head: bpy.types.Object, outcome: Inspection) -> str:
        camera = camera_of(head)
        if camera is None or outcome.matte is None:
            raise InputError("The head's camera has gone meanwhile; reconstruct the photo again.")
        before = stored_mask(head)
        begin_mask(context, camera, active_collection(context), mask_of(before) if before else outcome.matte)
        return "Paint the person white and everything else black; Apply Mask makes the result again"


class MaskOperator(LikenessOperator):
    """Mixin of operators on the mask that is being painted."""

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        return super().refusal(context) if painted(context) is not None else "Press Paint Mask first"


def painted(context: bpy.types.Context) -> bpy.types.Collection | None:
    """The collection whose mask is being painted: the active object's, else the only one."""
    return being_corrected(context, plane_of)


class LIKENESS_OT_cancel_mask(MaskOperator, bpy.types.Operator):
    """Remove the painted mask; the result stays as it is"""

    bl_idname = "likeness.cancel_mask"
    bl_label = "Cancel Mask"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        collection = painted(context)
        assert collection is not None  # `refusal` has made sure
        end_mask(collection)
        return ""


class LIKENESS_OT_apply_mask(MaskOperator, CorrectionOperator, bpy.types.Operator):
    """Make the result again, in its place, of what the mask says is the person"""

    bl_idname = "likeness.apply_mask"
    bl_label = "Apply Mask"
    bl_options = {"REGISTER", "UNDO"}

    def gathered(self, context: bpy.types.Context) -> tuple[bpy.types.Collection, dict[str, Any]]:
        collection = painted(context)
        if collection is None:
            raise InputError("The mask has gone meanwhile; press Paint Mask again.")
        return collection, {"mask": painted_mask(collection)}

    def end(self, collection: bpy.types.Collection) -> None:
        end_mask(collection)
