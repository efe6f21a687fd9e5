"""What operators on photo files share: pictures of any kind that core reads become images of the blend file."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import CollectionProperty, StringProperty

from ..core.photo.files import damaged, read_file
from ..core.private_folder import PrivateFolder
from ..worker.picture import as_png
from .environment import worker_python
from .file import PictureOperator

_UNKNOWN_TO_BLENDER = ("HEIF", "AVIF")


class PhotoOperator(PictureOperator):
    """Mixin of operators that open photos, one or several, from the file browser, a drop or a script."""

    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"})

    def opened(self, context: bpy.types.Context) -> list[bpy.types.Image]:
        """The chosen photos. Raises InputError for a file that is none, WorkerError when one cannot be converted."""
        first, names = self.chosen(), [file.name for file in self.files if file.name]
        paths = [Path(bpy.path.abspath(self.directory)) / name for name in names] if self.directory and names else [first]
        return [self._image(context, path) for path in paths]

    def _image(self, context: bpy.types.Context, path: Path) -> bpy.types.Image:
        _, kind = read_file(path)
        return self._converted(context, path) if kind in _UNKNOWN_TO_BLENDER else _opened(path)

    def _converted(self, context: bpy.types.Context, path: Path) -> bpy.types.Image:
        """Packed, because no file of it is on the artist's disk."""
        with PrivateFolder() as folder:
            made, notes = as_png(worker_python(context), path, folder.path)
            image = bpy.data.images.load(str(made))
            image.pack()
        image.filepath_raw = f"//{made.name}"  # where unpacking puts it
        operator: Any = self
        for note in notes:
            operator.report({"WARNING"}, note)
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
