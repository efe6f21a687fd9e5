"""likeness.bake_uvs: photo and relief as textures of a mesh of the artist's own, retopologised or remeshed, on a reconstruction."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty

from ..core.colour.uv_mesh import COLOUR, DISPLACEMENT, NORMAL, OBSERVED, BakedMaps, Textures, UvMesh
from ..core.errors import InputError
from ..core.private_folder import PrivateFolder
from ..core.result import Result
from ..scene.baking import assign_textures, uv_mesh_of
from ..scene.source import result_of, source_of, sources
from ..scene.typed import mesh_of, scene_of
from ..worker.client import WorkerClient, shared_client
from .dialog import DialogJobOperator
from .environment import worker_python
from .worker_job import WorkerJob


class Baking(WorkerJob):
    """Gives Textures."""

    def __init__(self, client: WorkerClient, mesh: UvMesh, reconstruction: Result, maps: BakedMaps) -> None:
        super().__init__(client)
        self._folder = PrivateFolder()
        there, here = self._folder.path / "mesh.npz", self._folder.path / "reconstruction.npz"
        mesh.save(there)
        reconstruction.save(here)
        client.bake(there, here, maps)

    def load(self, path: Path) -> Textures:
        return Textures.load(path)

    def close(self) -> None:
        super().close()
        self._folder.close()


class LIKENESS_OT_bake_uvs(DialogJobOperator, bpy.types.Operator):
    """Make textures for the active mesh, by its active UV map, from the reconstruction that it lies on"""

    bl_idname = "likeness.bake_uvs"
    bl_label = "Bake to My UVs"
    bl_options = {"REGISTER", "UNDO"}

    maps: EnumProperty(
        name="Maps",
        description="What is baked",
        items=[
            (COLOUR, "Colour", "The photo where it shows the mesh, the reconstruction's colours elsewhere"),
            (NORMAL, "Normal", "Tangent-space normal map: the relief that the mesh is too coarse for"),
            (DISPLACEMENT, "Displacement", "Distance to the reconstruction along the mesh's normals, in metres"),
            (OBSERVED, "Observed", "White where the photo was copied"),
        ],
        options={"ENUM_FLAG"},
        default={COLOUR, NORMAL, DISPLACEMENT, OBSERVED},
    )
    size: EnumProperty(
        name="Size",
        description="Texels along each side of the textures",
        items=[(str(size), str(size), "") for size in (1024, 2048, 4096, 8192)],
        default="2048",
    )
    cage: FloatProperty(
        name="Cage Distance",
        description="How far from the mesh, either way along its normals, the reconstruction is looked for",
        subtype="DISTANCE",
        default=BakedMaps.cage,
        min=0.0001,
        soft_max=0.05,
        max=1.0,
        precision=4,
        step=1,
    )
    margin: IntProperty(
        name="Margin",
        description="Texels around the islands of the UV map that repeat their borders",
        subtype="PIXEL",
        default=BakedMaps.margin,
        min=0,
        max=1024,
    )

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

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout
        layout.column().prop(self, "maps")
        layout.use_property_split = True
        for name in ("size", "cage", "margin"):
            layout.prop(self, name)

    def start_job(self, context: bpy.types.Context) -> Baking:
        item = context.object
        assert item is not None  # `refusal` has made sure
        # The artist may select something else while the job runs.
        self._target = item.name
        head = source_of(scene_of(context), item)
        if not self.maps:
            raise InputError("Nothing is chosen to be baked; choose at least one map.")
        mesh, reconstruction = uv_mesh_of(context, item, head), result_of(head)
        maps = BakedMaps(tuple(sorted(self.maps)), int(self.size), self.cage, self.margin)
        return Baking(shared_client(worker_python(context)), mesh, reconstruction, maps)

    def use(self, context: bpy.types.Context, outcome: Textures) -> str:
        item = bpy.data.objects.get(self._target)
        if item is None or item.type != "MESH" or mesh_of(item).uv_layers.active is None:
            raise InputError("The mesh has gone meanwhile, or its UV map; select one and bake again.")
        images = assign_textures(item, outcome)
        return f"{', '.join(image.name for image in images)}: in the materials of {item.name} and packed into the file"
