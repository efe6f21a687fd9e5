"""likeness.load_photo: a picture file becomes the reference photo; also what a photo dropped on the 3D view does."""

import tempfile
from pathlib import Path

import bpy
from bpy.props import StringProperty

from ..core.errors import LikenessError
from ..core.photo.files import SUFFIXES, damaged, read_file
from ..worker.picture import as_png
from .environment import worker_python

_UNKNOWN_TO_BLENDER = ("HEIF", "AVIF")


class LIKENESS_OT_load_photo(bpy.types.Operator):
    """Choose a picture file as the reference photo"""

    bl_idname = "likeness.load_photo"
    bl_label = "Load Photo"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE", "HIDDEN"})
    filter_glob: StringProperty(default=";".join(f"*{suffix}" for suffix in SUFFIXES), options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.filepath:  # dropped
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath))
        try:
            _, kind = read_file(path)
            image = self._converted(context, path) if kind in _UNKNOWN_TO_BLENDER else _opened(path)
        except LikenessError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        context.scene.likeness.photo = image
        self.report({"INFO"}, f"{image.name} is the reference photo of the sidebar's Likeness tab")
        return {"FINISHED"}

    def _converted(self, context: bpy.types.Context, path: Path) -> bpy.types.Image:
        """Packed, because no file of it is on the artist's disk."""
        with tempfile.TemporaryDirectory(prefix="likeness-", ignore_cleanup_errors=True) as folder:
            made, notes = as_png(worker_python(context), path, Path(folder))
            image = bpy.data.images.load(str(made))
            image.pack()
        image.filepath_raw = f"//{made.name}"  # where unpacking puts it
        for note in notes:
            self.report({"WARNING"}, note)
        return image


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


class LIKENESS_FH_photo(bpy.types.FileHandler):
    """Photos dropped on the 3D view."""

    bl_idname = "LIKENESS_FH_photo"
    bl_label = "Likeness Reference Photo"
    bl_import_operator = LIKENESS_OT_load_photo.bl_idname
    bl_file_extensions = ";".join(SUFFIXES)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"
