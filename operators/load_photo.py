"""likeness.load_photo: a picture file becomes the reference photo; also what a photo dropped on the 3D view does."""

from pathlib import Path

import bpy
from bpy.props import StringProperty

PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")


class LIKENESS_OT_load_photo(bpy.types.Operator):
    """Choose a picture file as the reference photo"""

    bl_idname = "likeness.load_photo"
    bl_label = "Load Photo"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE", "HIDDEN"})
    filter_glob: StringProperty(default=";".join(f"*{suffix}" for suffix in PHOTO_SUFFIXES), options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.filepath:  # dropped
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            image = bpy.data.images.load(self.filepath, check_existing=True)
        except RuntimeError:
            self.report({"ERROR"}, f"{Path(self.filepath).name} cannot be opened; choose a JPEG, PNG, WebP, TIFF or BMP file.")
            return {"CANCELLED"}
        context.scene.likeness.photo = image
        self.report({"INFO"}, f"{image.name} is the reference photo of the sidebar's Likeness tab")
        return {"FINISHED"}


class LIKENESS_FH_photo(bpy.types.FileHandler):
    """Photos dropped on the 3D view."""

    bl_idname = "LIKENESS_FH_photo"
    bl_label = "Likeness Reference Photo"
    bl_import_operator = LIKENESS_OT_load_photo.bl_idname
    bl_file_extensions = ";".join(PHOTO_SUFFIXES)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"
