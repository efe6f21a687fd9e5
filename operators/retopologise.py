"""likeness.retopologise: a mesh of clean quads on a reconstruction, in the head model's topology or at a chosen count."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.props import BoolProperty, EnumProperty, IntProperty

from ..core.errors import InputError, ReconstructionError
from ..core.private_folder import PrivateFolder
from ..core.result import Result
from ..core.topology.quads import QuadMesh
from ..scene import quadriflow
from ..scene.retopo import build_retopo
from ..scene.source import result_of, source_of, sources
from ..scene.typed import scene_of
from ..worker.client import WorkerClient, shared_client
from .blender_job import BlenderJob, failed
from .dialog import DialogJobOperator
from .environment import worker_python
from .job import Job
from .worker_job import WorkerJob


class TemplateRetopology(WorkerJob):
    """The head model's quads, by the worker; gives a QuadMesh."""

    def __init__(self, client: WorkerClient, reconstruction: Result, cover: bool, inner: bool) -> None:
        super().__init__(client)
        self._folder = PrivateFolder()
        here = self._folder.path / "reconstruction.npz"
        reconstruction.save(here)
        client.retopologise(here, cover, inner)

    def load(self, path: Path) -> QuadMesh:
        return QuadMesh.load(path)

    def close(self) -> None:
        super().close()
        self._folder.close()


class FreeRetopology(BlenderJob):
    """Quads by QuadriFlow; gives a QuadMesh."""

    def __init__(self, reconstruction: Result, quads: int) -> None:
        self._folder = PrivateFolder()
        here, self._output = self._folder.path / "surface.npz", self._folder.path / "quads.npz"
        surface = reconstruction.surface
        np.savez(here, vertices=surface.vertices, faces=surface.faces, colours=surface.colours, observed=surface.observed)
        super().__init__(Path(quadriflow.__file__), [str(here), str(self._output), str(quads)], quadriflow.STAGES)

    def outcome(self, code: int) -> QuadMesh:
        if code == quadriflow.NO_QUADS:
            raise ReconstructionError("QuadriFlow makes no quads of this surface; try another number of quads, or the template.")
        if code or not self._output.is_file():
            raise failed("QuadriFlow")
        return QuadMesh.load(self._output)

    def close(self) -> None:
        super().close()
        self._folder.close()


class LIKENESS_OT_retopologise(DialogJobOperator, bpy.types.Operator):
    """Lay a mesh of clean quads with a UV map on the reconstruction, with its colours"""

    bl_idname = "likeness.retopologise"
    bl_label = "Make Retopo Mesh"
    bl_options = {"REGISTER", "UNDO"}

    method: EnumProperty(
        name="Method",
        description="Where the quads come from",
        items=[
            ("TEMPLATE", "Template", "The head model's topology: loops around eyes and mouth, a UV map, the same for every person"),
            ("FREE", "Free", "QuadriFlow, at a chosen number of quads, for heads and bodies"),
        ],
    )
    cover: EnumProperty(
        name="Surface",
        description="What the template lies on",
        items=[
            ("ALL", "Hair and Clothes", "The whole outside, hair and clothes included"),
            ("SKIN", "Skin", "The bare head, below hair and clothes as the model guesses it"),
        ],
    )
    inner: BoolProperty(name="Eyes, Teeth and Tongue", description="With the template's eyeballs, teeth and tongue", default=True)
    levels: IntProperty(
        name="Subdivisions",
        description="Levels of the template's Subdivision modifier, each four times as many quads",
        default=0,
        min=0,
        max=3,
    )
    quads: IntProperty(name="Quads", description="About how many there are to be", default=8000, min=200, soft_max=50_000, max=200_000)

    _source = ""

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        if context.mode != "OBJECT":
            return "Go back to object mode"
        if not sources(scene_of(context)):
            return "Reconstruct a photo first"
        return super().refusal(context)

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout
        layout.use_property_split = True
        layout.prop(self, "method", expand=True)
        for name in ("quads",) if self.method == "FREE" else ("cover", "inner", "levels"):
            layout.prop(self, name)

    def start_job(self, context: bpy.types.Context) -> Job:
        item, found = context.object, sources(scene_of(context))
        head = item if item in found else source_of(scene_of(context), item or found[0])
        self._source = head.name
        reconstruction = result_of(head)
        if self.method == "FREE":
            return FreeRetopology(reconstruction, self.quads)
        return TemplateRetopology(shared_client(worker_python(context)), reconstruction, self.cover == "ALL", self.inner)

    def use(self, context: bpy.types.Context, outcome: Any) -> str:
        head = bpy.data.objects.get(self._source)
        if head not in sources(scene_of(context)):
            raise InputError("The reconstruction has gone meanwhile; make the retopo mesh again.")
        item = build_retopo(context, head, outcome, 0 if self.method == "FREE" else self.levels)
        share = (outcome.faces[:, 3] >= 0).mean()
        return f"{item.name}: {len(outcome.faces)} faces, {share:.1%} quads; {head.name} is hidden (Alt H shows it)"
