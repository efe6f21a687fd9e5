"""likeness.load_photo: a picture file becomes the reference photo; also what a photo dropped on the 3D view does."""

from pathlib import Path
from typing import Any

import bpy

from ..core.photo.files import SUFFIXES, damaged, read_file
from ..core.private_folder import PrivateFolder
from ..worker.picture import as_png
from .environment import worker_python
from .file import PictureOperator

_TRIES = 20
_UNKNOWN_TO_BLENDER = ("HEIF", "AVIF")


class LIKENESS_OT_load_photo(PictureOperator, bpy.types.Operator):
    """Choose a picture file as the reference photo of Likeness"""

    bl_idname = "likeness.load_photo"
    bl_label = "Load Likeness Photo"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        path = self.chosen()
        _, kind = read_file(path)
        image = self._converted(context, path) if kind in _UNKNOWN_TO_BLENDER else _opened(path)
        context.scene.likeness.photo = image
        area: Any = context.area
        if self.options.is_invoke and area and area.type == "VIEW_3D":
            _show_sidebar(area)
        return f"{image.name} is the reference photo of the sidebar's Likeness tab"

    def _converted(self, context: bpy.types.Context, path: Path) -> bpy.types.Image:
        """Packed, because no file of it is on the artist's disk."""
        with PrivateFolder() as folder:
            made, notes = as_png(worker_python(context), path, folder.path)
            image = bpy.data.images.load(str(made))
            image.pack()
        image.filepath_raw = f"//{made.name}"  # where unpacking puts it
        for note in notes:
            self.report({"WARNING"}, note)
        return image


class LIKENESS_FH_photo(bpy.types.FileHandler):
    """Photos dropped on the 3D view."""

    bl_idname = "LIKENESS_FH_photo"
    bl_label = "Likeness Reference Photo"
    bl_import_operator = LIKENESS_OT_load_photo.bl_idname
    bl_file_extensions = ";".join(SUFFIXES)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


def _opened(path: Path) -> bpy.types.Image:
    """Raises InputError when Blender finds no picture in it."""
    known = set(bpy.data.images)
    try:
        image = bpy.data.images.load(str(path), check_existing=True)
    except RuntimeError as error:
        raise damaged(path.name) from error
    if not image.size[0]:
        if image not in known:
            bpy.data.images.remove(image)
        raise damaged(path.name)
    return image


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
