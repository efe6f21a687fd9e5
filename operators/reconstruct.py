"""likeness.reconstruct: the reference photo becomes a coloured head in the scene."""

from pathlib import Path

import bpy

from ..core.private_folder import PrivateFolder
from ..core.result import Result
from ..core.settings import Settings
from ..scene.build import build_result
from ..scene.photo import photo_file
from ..worker.client import WorkerClient, shared_client
from .environment import worker_python
from .job import JobOperator
from .worker_job import WorkerJob


class Reconstruction(WorkerJob):
    """Gives a Result."""

    def __init__(self, client: WorkerClient, image: bpy.types.Image, settings: Settings) -> None:
        super().__init__(client)
        self._folder = PrivateFolder()
        client.reconstruct([photo_file(image, self._folder.path)], settings)

    def load(self, path: Path) -> Result:
        return Result.load(path)

    def close(self) -> None:
        super().close()
        self._folder.close()


class LIKENESS_OT_reconstruct(JobOperator, bpy.types.Operator):
    """Make a coloured 3D head from the reference photo"""

    bl_idname = "likeness.reconstruct"
    bl_label = "Reconstruct from Image"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        if context.scene.likeness.photo is None:
            return "There is no reference photo; choose one in the sidebar's Likeness tab"
        return super().refusal(context)

    def start_job(self, context: bpy.types.Context) -> Reconstruction:
        properties = context.scene.likeness
        return Reconstruction(shared_client(worker_python(context)), properties.photo, properties.settings())

    def use(self, context: bpy.types.Context, outcome: Result) -> str:
        collection = build_result(context, outcome)
        return f"{collection.name} is in the scene; its camera shows the photo"
