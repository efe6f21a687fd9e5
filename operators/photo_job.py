"""Jobs on a photo that is not reconstructed yet, or again: what is seen in it, and a face that follows pins."""

from pathlib import Path

import bpy

from ..core.fitted_face import FittedFace
from ..core.inspection import Inspection
from ..core.private_folder import PrivateFolder
from ..core.settings import Settings
from ..scene.photo import photo_file
from ..worker.client import WorkerClient
from .worker_job import WorkerJob

_kept: tuple[int, Path, PrivateFolder] | None = None
"""The photo that was last worked on, by Blender's number for this session, and where its copy lies."""


def _kept_file(image: bpy.types.Image) -> Path:
    """As `photo_file`; a copy is made once, because pins ask for it several times a second."""
    global _kept
    if _kept is not None and _kept[0] == image.session_uid and not image.is_dirty and _kept[1].is_file():
        return _kept[1]
    forget_photo()
    folder = PrivateFolder()
    _kept = image.session_uid, photo_file(image, folder.path), folder
    return _kept[1]


def forget_photo() -> None:
    """Remove the copy: the extension is being disabled."""
    global _kept
    if _kept is not None:
        _kept[2].close()
        _kept = None


class PhotoJob(WorkerJob):
    """A job whose photo may lie in the blend file alone."""

    def __init__(self, client: WorkerClient, image: bpy.types.Image) -> None:
        super().__init__(client)
        self.photo = _kept_file(image)


class Following(PhotoJob):
    """Gives the FittedFace of pins, the text of a pins file."""

    def __init__(self, client: WorkerClient, image: bpy.types.Image, settings: Settings, pins: str) -> None:
        super().__init__(client, image)
        client.follow(self.photo, settings, pins)

    def load(self, path: Path) -> FittedFace:
        return FittedFace.load(path)


class Inspecting(PhotoJob):
    """Gives an Inspection, of the people or of the mask."""

    def __init__(self, client: WorkerClient, image: bpy.types.Image, settings: Settings, mask: bool = False) -> None:
        super().__init__(client, image)
        client.inspect(self.photo, settings, mask)

    def load(self, path: Path) -> Inspection:
        return Inspection.load(path)
