"""likeness.retopologise: a mesh of clean quads on a reconstruction, in the head model's topology or at a chosen count."""

from dataclasses import replace
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty

from ..core.errors import InputError
from ..scene.anatomy import part_of, worn_on
from ..scene.retopo import build_retopo
from ..scene.source import result_of, source_of, sources
from ..scene.typed import scene_of
from ..worker.client import shared_client
from .dialog import DialogJobOperator
from .environment import worker_python
from .job import Job
from .retopology_jobs import FreeRetopology, PartsRetopology, TemplateRetopology

_PARTS = ("hair", "clothes", "head")
"""Vertex groups of a reconstruction, capitalised there, that tell its parts."""


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
    parts: EnumProperty(
        name="Parts",
        description="Whether hair and clothes are meshes of their own",
        items=[
            ("ONE", "One Mesh", "Everything in one mesh"),
            ("SEPARATE", "Separate Parts", "The skin, and over it hair and clothes as open meshes of quads, each with a UV map"),
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
        layout.prop(self, "parts")
        template = ("inner", "levels") if self.parts == "SEPARATE" else ("cover", "inner", "levels")
        for name in ("quads",) if self.method == "FREE" else template:
            layout.prop(self, name)

    def start_job(self, context: bpy.types.Context) -> Job:
        item, found = context.object, sources(scene_of(context))
        head = item if item in found else source_of(scene_of(context), item or found[0])
        self._source = head.name
        reconstruction = result_of(head)
        separate = self.parts == "SEPARATE"
        shares = {name: share for name in _PARTS if separate and (share := part_of(head, name.capitalize())) is not None}
        if separate and len(shares) < len(_PARTS):
            raise InputError(f"{head.name} does not say what is hair and clothes; reconstruct the photo again, or choose one mesh.")
        if self.method == "FREE":
            return PartsRetopology(reconstruction, shares, self.quads) if separate else FreeRetopology(reconstruction, self.quads)
        client = shared_client(worker_python(context))
        cover = self.cover == "ALL" and not separate
        dressed = reconstruction if cover else replace(reconstruction, anatomy=worn_on(head))
        template = TemplateRetopology(client, dressed, cover, self.inner)
        return PartsRetopology(reconstruction, shares, self.quads, template) if separate else template

    def use(self, context: bpy.types.Context, outcome: Any) -> str:
        head = bpy.data.objects.get(self._source)
        if head not in sources(scene_of(context)):
            raise InputError("The reconstruction has gone meanwhile; make the retopo mesh again.")
        meshes = outcome if isinstance(outcome, dict) else {"": outcome}
        items = build_retopo(context, head, meshes, 0 if self.method == "FREE" else self.levels)
        faces = sum(len(mesh.faces) for mesh in meshes.values())
        share = sum((mesh.faces[:, 3] >= 0).sum() for mesh in meshes.values()) / faces
        made = ", ".join(item.name for item in items)
        return f"{made}: {faces} faces, {share:.1%} quads; {head.name} is hidden (Alt H shows it)"
