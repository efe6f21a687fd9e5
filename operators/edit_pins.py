"""likeness.edit_pins: named points of the face over the photo, which the artist moves to where they belong."""

import bpy

from ..core.errors import InputError
from ..core.fitted_face import FittedFace
from ..core.photo.pins import pins_text
from ..scene.camera import use_camera
from ..scene.pins import begin_pins, stored_pins
from ..scene.source import camera_of
from ..scene.typed import scene_of, view_layer_of
from ..scene.viewport import look_through
from ..scene.views import photos_of
from ..worker.client import shared_client
from .environment import worker_python
from .job import JobOperator
from .photo_job import Following
from .result import ResultOperator, active_collection, photo_head
from .result_settings import settings_of


class LIKENESS_OT_edit_pins(ResultOperator, JobOperator, bpy.types.Operator):
    """Put movable points on the face, over the photo: move them with G to where they belong, and the fitted face follows"""

    bl_idname = "likeness.edit_pins"
    bl_label = "Edit Pins"
    bl_options = {"REGISTER", "UNDO"}

    _head = ""

    def start_job(self, context: bpy.types.Context) -> Following:
        head = photo_head(context)
        self._head = head.name
        settings = settings_of(head, context.scene.likeness)
        return Following(shared_client(worker_python(context)), photos_of(head)[0], settings, pins_text(stored_pins(head)))

    def use(self, context: bpy.types.Context, outcome: FittedFace) -> str:
        head = bpy.data.objects.get(self._head)
        if head is None or not photos_of(head):
            raise InputError("The head has gone meanwhile; select one and try again.")
        view_layer_of(context).objects.active = head
        wire = begin_pins(head, active_collection(context), outcome)
        camera = camera_of(head)
        if camera is not None:
            use_camera(scene_of(context), camera)
            look_through(context)
        for item in context.selected_objects:
            item.select_set(False)
        return f"Move the pins with G; {wire.name} follows. Apply makes the head again"
