"""The sidebar's Bake: a texture for a mesh of the artist's own. It is there for any mesh beside a reconstruction."""

import bpy

from ..operators import job
from ..scene.source import is_result, sources
from ..scene.typed import mesh_of, scene_of
from ..scene.views import photos_of
from .sidebar import Sidebar


class LIKENESS_PT_bake(Sidebar, bpy.types.Panel):
    """A texture by the active mesh's UV map."""

    bl_idname = "LIKENESS_PT_bake"
    bl_label = "Bake"
    help_topic = "bake"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        item = context.object
        if item is None or item.type != "MESH" or not sources(scene_of(context)):
            return False
        # A head as it was just made has its colours already; the reconstructed one gets a texture once the artist has unwrapped it.
        return not is_result(item) or (bool(photos_of(item)) and bool(mesh_of(item).uv_layers))

    def draw(self, context: bpy.types.Context) -> None:
        layout, item = self.layout, context.object
        assert item is not None  # `poll` has made sure
        uv_map = mesh_of(item).uv_layers.active
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = job.current() is None
        layout.prop(context.scene.likeness, "texture")
        layout.operator("likeness.bake_uvs", icon="UV")
        layout.label(text=f"UV map: {uv_map.name}" if uv_map else "No UV map: unwrap the mesh first", icon="BLANK1" if uv_map else "INFO")
