"""What operators on a file share: Blender's file browser, opened in the right folder and with pictures as thumbnails."""

import os
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..core.photo.files import SUFFIXES
from .base import LikenessOperator


class FileOperator(LikenessOperator):
    """Mixin: `ask` lets the user choose `filepath`, unless it is given already, as by a script or a drop; `chosen` is that path."""

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE", "HIDDEN"})

    _folder = ""
    """Where this operator found its last file in this session."""

    def proposal(self, context: bpy.types.Context) -> str:
        """Name in the file browser at first; "" for none."""
        return ""

    def ask(self, context: bpy.types.Context) -> set[str] | None:
        if self.filepath:
            return None
        self.filepath = os.path.join(self._folder or _folder(context), self.proposal(context))
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def chosen(self) -> Path:
        """The chosen file, whose folder is proposed next time."""
        path = Path(bpy.path.abspath(self.filepath))
        type(self)._folder = str(path.parent)
        return path


class PictureOperator(FileOperator):
    """Mixin of operators on a photo."""

    filter_glob: StringProperty(default=";".join(f"*{suffix}" for suffix in SUFFIXES), options={"SKIP_SAVE", "HIDDEN"})
    filter_folder: BoolProperty(default=True, options={"SKIP_SAVE", "HIDDEN"})
    # The numbers are those of Blender's file browser.
    display_type: EnumProperty(
        items=[("DEFAULT", "Default", "", 0), ("THUMBNAIL", "Thumbnails", "", 3)], default="THUMBNAIL", options={"SKIP_SAVE", "HIDDEN"}
    )


def _folder(context: bpy.types.Context) -> str:
    """The reference photo's folder, else the blend file's, else the user's."""
    photo = context.scene.likeness.photo
    for path in (bpy.path.abspath(photo.filepath, library=photo.library) if photo and photo.filepath else "", bpy.data.filepath):
        if path and Path(path).parent.is_dir():
            return str(Path(path).parent)
    return str(Path.home())
