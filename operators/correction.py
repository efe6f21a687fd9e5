"""What the corrections of a result share: they begin over its photo, in whose camera it is seen; which result is being corrected; and that
it is made again with all that was corrected so far."""

from collections.abc import Callable
from typing import Any

import bpy
from mathutils import Vector

from ..core.errors import InputError
from ..core.photo.pins import Pin, pins_text
from ..core.result import Result
from ..core.settings import Settings
from ..scene.camera import use_camera
from ..scene.mask import store_mask, stored_mask
from ..scene.members import collection_of, members
from ..scene.pins import store_pins, stored_pins
from ..scene.source import camera_of
from ..scene.typed import scene_of, view_layer_of
from ..scene.viewport import look_through, zoom_camera_view
from ..scene.views import photos_of
from ..worker.client import shared_client
from .environment import worker_python
from .job import JobOperator
from .photo_job import PhotoJob
from .reconstruct import Reconstruction, ReconstructOperator
from .result import ResultOperator, photo_head
from .result_settings import settings_of


def being_corrected(
    context: bpy.types.Context, begun: Callable[[bpy.types.Collection], bpy.types.Object | None]
) -> bpy.types.Collection | None:  # fmt: skip
    """The result for which `begun` gives what a correction began with: the active object's, else the only one."""
    own = collection_of(context.object)
    found = [own] if own is not None and begun(own) is not None else [one for one in bpy.data.collections if begun(one) is not None]
    return found[0] if len(found) == 1 else None


class BeginCorrectionOperator(ResultOperator, JobOperator):
    """Mixin of operators with which the correction of a head begins: `asked` is the job that finds out what is needed of its photo, `begin`
    puts the answer into the scene, which is then looked at as the photo's camera does."""

    _head = ""

    def asked(self, context: bpy.types.Context, head: bpy.types.Object, settings: Settings) -> PhotoJob:
        """The job, with the settings that the head was made with."""
        raise NotImplementedError

    def begin(self, context: bpy.types.Context, head: bpy.types.Object, outcome: Any) -> str:
        """What to tell the artist. Raises InputError when something has gone meanwhile."""
        raise NotImplementedError

    def looked_at(self, head: bpy.types.Object) -> list[Vector]:
        """Places of the world on which the camera's view is enlarged."""
        return [head.matrix_world @ Vector(corner) for corner in head.bound_box]

    def start_job(self, context: bpy.types.Context) -> PhotoJob:
        head = photo_head(context)
        self._head = head.name
        return self.asked(context, head, settings_of(head, context.scene.likeness))

    def use(self, context: bpy.types.Context, outcome: Any) -> str:
        head = bpy.data.objects.get(self._head)
        if head is None or not photos_of(head):
            raise InputError("The head has gone meanwhile; select one and try again.")
        view_layer_of(context).objects.active = head
        camera = camera_of(head)
        if camera is not None:
            use_camera(scene_of(context), camera)
        said = self.begin(context, head, outcome)
        if camera is not None:
            look_through(context)
            zoom_camera_view(context, self.looked_at(head))
        return said


class CorrectionOperator(ReconstructOperator):
    """Mixin of operators that make a result again, in its place, with a correction beside those that were made before: `gathered` reads it
    from the scene, `end` removes what the artist has made it with."""

    _pins: tuple[Pin, ...] = ()
    _mask = b""

    def gathered(self, context: bpy.types.Context) -> tuple[bpy.types.Collection, dict[str, Any]]:
        """The result's collection, and `pins` or `mask` as they are now. Raises InputError when they have gone."""
        raise NotImplementedError

    def end(self, collection: bpy.types.Collection) -> None:
        """The correction is done."""
        raise NotImplementedError

    def start_job(self, context: bpy.types.Context) -> Reconstruction:
        collection, correction = self.gathered(context)
        head = _head(collection)
        if head is None:
            raise InputError("This result has lost its photo; reconstruct the photo again.")
        self._replaced = collection.name
        self._pins = tuple(correction.get("pins", stored_pins(head)))
        self._mask = correction.get("mask", stored_mask(head))
        files = ({"pins": pins_text(self._pins).encode()} if self._pins else {}) | ({"mask": self._mask} if self._mask else {})
        settings = settings_of(head, context.scene.likeness)
        return Reconstruction(shared_client(worker_python(context)), photos_of(head), settings, files=files)

    def use(self, context: bpy.types.Context, outcome: list[Result]) -> str:
        collection = bpy.data.collections.get(self._replaced)
        if collection is not None:
            self.end(collection)
        said = super().use(context, outcome)
        head = None if collection is None else _head(collection)
        if head is not None:
            store_pins(head, self._pins)
            store_mask(head, self._mask)
        return said


def _head(collection: bpy.types.Collection) -> bpy.types.Object | None:
    """The object of a result that has the photos."""
    return next((item for item in members(collection) if photos_of(item)), None)
