"""likeness.reconstruct: the reference photo becomes a coloured head in the scene."""

import logging
import tempfile
from pathlib import Path

import bpy

from ..core.errors import InputError
from ..core.result import Result
from ..core.settings import Settings
from ..scene.build import build_result
from ..scene.photo import photo_file
from ..worker import protocol
from ..worker.client import WorkerClient, close_shared, shared_client
from .environment import worker_python
from .job import JobOperator

logger = logging.getLogger(__name__)
_STAGES = {
    "photo": "Reading the Photo",
    "fit": "Fitting the Head",
    "normals": "Predicting Relief",
    "field": "Predicting Shape",
    "surface": "Extracting the Surface",
    "detail": "Adding Detail",
    "rig": "Rigging the Head",
    "colour": "Colouring",
}
"""The pipeline's stages in the artist's words."""


class Reconstruction:
    """A job (see job.py) in the worker process; gives a Result."""

    stage, fraction = "Starting the Worker", 0.0

    def __init__(self, client: WorkerClient, image: bpy.types.Image, settings: Settings) -> None:
        self._client = client
        self._folder = tempfile.TemporaryDirectory(prefix="likeness-", ignore_cleanup_errors=True)
        client.reconstruct(photo_file(image, Path(self._folder.name)), settings)

    def poll(self) -> Result | None:
        for event in self._client.poll():
            match event:
                case protocol.Progress(stage, fraction):
                    self.stage, self.fraction = _STAGES.get(stage, stage), fraction
                case protocol.Log(_, text):
                    logger.warning(text)
                case protocol.Error():
                    raise event.exception()
                case protocol.Done(path):
                    return Result.load(Path(path))
        return None

    def cancel(self) -> None:
        self.stage = "Cancelling"
        self._client.cancel()

    def close(self) -> None:
        if self._client.busy:
            close_shared()
        self._folder.cleanup()


class LIKENESS_OT_reconstruct(JobOperator, bpy.types.Operator):
    """Make a coloured 3D head from the reference photo"""

    bl_idname = "likeness.reconstruct"
    bl_label = "Reconstruct from Image"
    bl_options = {"REGISTER", "UNDO"}

    def start_job(self, context: bpy.types.Context) -> Reconstruction:
        properties = context.scene.likeness
        if properties.photo is None:
            raise InputError("There is no reference photo; choose one in the sidebar's Likeness tab.")
        return Reconstruction(shared_client(worker_python(context)), properties.photo, properties.settings())

    def use(self, context: bpy.types.Context, outcome: Result) -> str:
        collection = build_result(context, outcome)
        return f"{collection.name} is in the scene; its camera shows the photo, and the render size is the photo's"
