"""The sidebar's Retopology: a mesh of quads on a reconstruction, and textures for that or any other mesh of the artist's own."""

import bpy

from ..operators import job
from ..scene.source import is_result, sources
from ..scene.typed import mesh_of, scene_of
from ..scene.views import photos_of
from .sidebar import Sidebar


class LIKENESS_PT_bake(Sidebar, bpy.types.Panel):
    """Quads on the reconstruction; textures by the active mesh's UV map."""

    bl_idname = "LIKENESS_PT_bake"
    bl_label = "Retopology"
    help_topic = "bake"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(sources(scene_of(context)))

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.enabled = job.current() is None
        layout.operator("likeness.retopologise", icon="MESH_GRID")
        item = context.object
        if item is None or not takes_textures(item):
            return
        uv_map = mesh_of(item).uv_layers.active
        layout.operator("likeness.bake_uvs", icon="UV")
        layout.label(text=f"UV map: {uv_map.name}" if uv_map else "No UV map: unwrap the mesh first", icon="BLANK1" if uv_map else "INFO")


def takes_textures(item: bpy.types.Object) -> bool:
    """A head as it was just made has its colours already; the reconstructed one gets a texture once the artist has unwrapped it."""
    return item.type == "MESH" and (not is_result(item) or (bool(photos_of(item)) and bool(mesh_of(item).uv_layers)))
