"""likeness.bake_uvs: the photo as a texture of a mesh of the artist's own, retopologised or remeshed, that lies on a reconstruction."""

from pathlib import Path

import bpy

from ..core.colour.uv_mesh import Texture, UvMesh
from ..core.errors import InputError
from ..core.private_folder import PrivateFolder
from ..core.result import Result
from ..scene.baking import assign_texture, uv_mesh_of
from ..scene.source import result_of, source_of, sources
from ..scene.typed import mesh_of, scene_of
from ..worker.client import WorkerClient, shared_client
from .environment import worker_python
from .job import JobOperator
from .worker_job import WorkerJob


class Baking(WorkerJob):
    """Gives a Texture."""

    def __init__(self, client: WorkerClient, mesh: UvMesh, reconstruction: Result, size: int) -> None:
        super().__init__(client)
        self._folder = PrivateFolder()
        there, here = self._folder.path / "mesh.npz", self._folder.path / "reconstruction.npz"
        mesh.save(there)
        reconstruction.save(here)
        client.bake(there, here, size)

    def load(self, path: Path) -> Texture:
        return Texture.load(path)

    def close(self) -> None:
        super().close()
        self._folder.close()


class LIKENESS_OT_bake_uvs(JobOperator, bpy.types.Operator):
    """Make a texture for the active mesh, by its active UV map, from the reconstruction that it lies on"""

    bl_idname = "likeness.bake_uvs"
    bl_label = "Bake to My UVs"
    bl_options = {"REGISTER", "UNDO"}

    _target = ""

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        item = context.object
        if item is None or item.type != "MESH":
            return "Select a mesh that lies on a reconstruction"
        if context.mode != "OBJECT":
            return "Go back to object mode"
        if mesh_of(item).uv_layers.active is None:
            return "The mesh has no UV map; unwrap it first"
        if not sources(scene_of(context)):
            return "Reconstruct a photo first"
        return super().refusal(context)

    def start_job(self, context: bpy.types.Context) -> Baking:
        item = context.object
        assert item is not None  # `refusal` has made sure
        # The artist may select something else while the job runs.
        self._target = item.name
        head = source_of(scene_of(context), item)
        mesh, reconstruction = uv_mesh_of(context, item, head), result_of(head)
        return Baking(shared_client(worker_python(context)), mesh, reconstruction, context.scene.likeness.settings().texels)

    def use(self, context: bpy.types.Context, outcome: Texture) -> str:
        item = bpy.data.objects.get(self._target)
        if item is None or item.type != "MESH" or mesh_of(item).uv_layers.active is None:
            raise InputError("The mesh has gone meanwhile, or its UV map; select one and bake again.")
        return f"{assign_texture(item, outcome).name} is the base colour of {item.name}, packed into the file"
