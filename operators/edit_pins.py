"""likeness.edit_pins: named points of the face over the photo, which the artist moves to where they belong."""

import bpy
from mathutils import Vector

from ..core.fitted_face import FittedFace
from ..core.photo.pins import pins_text
from ..core.settings import Settings
from ..scene.pins import begin_pins, stored_pins
from ..scene.views import photos_of
from ..worker.client import shared_client
from .correction import BeginCorrectionOperator
from .environment import worker_python
from .photo_job import Following
from .result import active_collection


class LIKENESS_OT_edit_pins(BeginCorrectionOperator, bpy.types.Operator):
    """Put movable points on the face, over the photo: move them with G to where they belong, and the fitted face follows"""

    bl_idname = "likeness.edit_pins"
    bl_label = "Edit Pins"
    bl_options = {"REGISTER", "UNDO"}

    _wire = ""

    def asked(self, context: bpy.types.Context, head: bpy.types.Object, settings: Settings) -> Following:
        return Following(shared_client(worker_python(context)), photos_of(head)[0], settings, pins_text(stored_pins(head)))

    def looked_at(self, head: bpy.types.Object) -> list[Vector]:
        wire = bpy.data.objects[self._wire]
        return [head.matrix_world @ Vector(corner) for corner in wire.bound_box]

    def begin(self, context: bpy.types.Context, head: bpy.types.Object, outcome: FittedFace) -> str:
        wire = begin_pins(head, active_collection(context), outcome)
        self._wire = wire.name
        for item in context.selected_objects:
            item.select_set(False)
        return f"Move the pins with G; {wire.name} follows. Apply makes the head again"
