"""likeness.load_photo: a picture file becomes the reference photo; also what photos dropped on the 3D view do."""

import logging
from typing import Any

import bpy

from ..core.errors import LikenessError
from ..core.photo.files import SUFFIXES
from ..worker.client import shared_client
from .environment import worker_python
from .further_photos import add_further
from .photo_files import PhotoOperator

_TRIES = 20

logger = logging.getLogger(__name__)


class LIKENESS_OT_load_photo(PhotoOperator, bpy.types.Operator):
    """Choose a picture file as the reference photo of Likeness. Of several the first is; the others become further photos of that person"""

    bl_idname = "likeness.load_photo"
    bl_label = "Load Likeness Photo"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        image, *others = self.opened(context)
        properties = context.scene.likeness
        properties.photo = image
        add_further(properties, others)
        if not bpy.app.background:
            _start_worker(context)
        area: Any = context.area
        if self.options.is_invoke and area and area.type == "VIEW_3D":
            _show_sidebar(area)
        return f"{image.name} is the reference photo of the sidebar's Likeness tab"


class LIKENESS_FH_photo(bpy.types.FileHandler):
    """Photos dropped on the 3D view."""

    bl_idname = "LIKENESS_FH_photo"
    bl_label = "Likeness Reference Photo"
    bl_import_operator = LIKENESS_OT_load_photo.bl_idname
    bl_file_extensions = ";".join(SUFFIXES)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


def _start_worker(context: bpy.types.Context) -> None:
    """Start the worker's process, so that it has imported its libraries, some two seconds of work, when the user asks for a head."""
    try:
        shared_client(worker_python(context)).start()
    except LikenessError as error:
        logger.info("%s", error)  # who asks for a head is told


def _show_sidebar(area: bpy.types.Area) -> None:
    """Open the sidebar of a 3D view at the Likeness tab."""
    space: Any = area.spaces.active
    space.show_region_ui = True
    address, tries = area.as_pointer(), iter(range(_TRIES))

    def select_tab() -> float | None:
        # Blender knows a sidebar's tabs only after it has drawn them once; the area may be gone by then.
        for window in bpy.context.window_manager.windows:
            for region in (region for area in window.screen.areas if area.as_pointer() == address for region in area.regions):
                if region.type == "UI":
                    try:
                        region.active_panel_category = "Likeness"
                    except TypeError:
                        return 0.1 if next(tries, None) is not None else None
        return None

    bpy.app.timers.register(select_tab, first_interval=0.1)
