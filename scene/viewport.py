"""The artist's 3D view: a result comes into sight in it, and its colours show, where nothing of the artist's own changes for that."""

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from .typed import mesh_of, scene_of

_PLAIN = (0.8, 0.8, 0.8)
"""The viewport colour of a material that nobody has given one."""


_WIRE = "Wire over Photo"
"""Name of the modifier that thins a wire out."""
_WIRE_FACES = 6000
_FILLED = 0.6  # share of the view that is filled by what it is enlarged around
_ZOOM_BASE, _ZOOMS = 2**0.5, (-30, 600)  # Blender's scale of a camera view's zoom, and its limits


def view_of(context: bpy.types.Context) -> bpy.types.Area | None:
    """The 3D view in which an operator runs, else the largest one of its window; None without a window."""
    area: Any = context.area
    if area is not None and area.type == "VIEW_3D":
        return area
    window: Any = context.window
    views = [] if window is None or bpy.app.background else [one for one in window.screen.areas if one.type == "VIEW_3D"]
    return max(views, key=lambda one: one.width * one.height, default=None)


def frame_selected(context: bpy.types.Context) -> None:
    """Bring what is selected into sight. A view through a camera is a shot, and stays."""
    area = view_of(context)
    if area is None or bpy.app.background:
        return
    space: Any = area.spaces.active
    region = next(region for region in area.regions if region.type == "WINDOW")
    if space.region_3d.view_perspective != "CAMERA":
        with context.temp_override(area=area, region=region):
            bpy.ops.view3d.view_selected(use_all_regions=False)


def look_through(context: bpy.types.Context) -> None:
    """The 3D view looks through the scene's camera."""
    area = view_of(context)
    if area is not None:
        space: Any = area.spaces.active
        space.region_3d.view_perspective = "CAMERA"
        region = next(region for region in area.regions if region.type == "WINDOW")
        with context.temp_override(area=area, region=region):
            bpy.ops.view3d.view_center_camera()


def zoom_camera_view(context: bpy.types.Context, places: Sequence[Vector]) -> None:
    """Enlarge a view through the camera until places of the world fill most of it."""
    area = view_of(context)
    if area is None or bpy.app.background:
        return
    space: Any = area.spaces.active
    seen = space.region_3d
    window, *others = (next(one for one in area.regions if one.type == kind) for kind in ("WINDOW", "UI", "TOOLS"))
    over = (others[0].width - others[1].width) / window.width  # what lies over the view's right side, more than over its left
    seen.update()
    rays = np.array([(seen.perspective_matrix @ place.to_4d())[:] for place in places])
    low, high = (bound((rays[:, :2] / rays[:, 3:]), axis=0) for bound in (np.min, np.max))
    # Blender's camera view is enlarged by this square; its offset is a share of twice the view, enlarged.
    factor = (_ZOOM_BASE + seen.view_camera_zoom / 50) ** 2 / 4
    least, most = ((_ZOOM_BASE + zoom / 50) ** 2 / 4 for zoom in _ZOOMS)
    wanted = min(max(factor * _FILLED * 2 / max(*(high - low), 1e-6), least), most)
    middle = (low + high) / 2 * (wanted / factor) + (over, 0)
    offset = np.array(seen.view_camera_offset) + middle / (4 * wanted)
    seen.view_camera_zoom = 50 * (2 * np.sqrt(wanted) - _ZOOM_BASE)
    seen.view_camera_offset = np.clip(offset, -1, 1).tolist()


def colour_type(item: bpy.types.Object) -> str:
    """Blender's name of the Solid view's colours in which an object looks as the photo: its texture, or its vertices' colours."""
    return "VERTEX" if mesh_of(item).color_attributes.active_color is not None else "TEXTURE"


def shows_colours(area: bpy.types.Area | None, item: bpy.types.Object) -> bool:
    """Whether a 3D view shows an object's own colours."""
    if area is None:
        return False
    space: Any = area.spaces.active
    return space.shading.type in ("MATERIAL", "RENDERED") or space.shading.color_type == colour_type(item)


def show_colours(context: bpy.types.Context, item: bpy.types.Object, wanted: bool) -> None:
    """The Solid view shows an object's own colours, or materials' viewport colours as it does at first."""
    area = view_of(context)
    if area is not None:
        space: Any = area.spaces.active
        space.shading.type = "SOLID"
        space.shading.color_type = colour_type(item) if wanted else "MATERIAL"


def shade(context: bpy.types.Context, wanted: dict[str, str]) -> dict[str, str]:
    """Set options of the 3D view's shading by their names; what they were. Without a view nothing is set."""
    area = view_of(context)
    if area is None:
        return {}
    shading: Any = area.spaces.active
    shading = shading.shading
    before = {name: getattr(shading, name) for name in wanted}
    for name, value in wanted.items():
        setattr(shading, name, value)
    return before


def show_relations(context: bpy.types.Context, wanted: bool) -> bool:
    """Draw lines between objects and their parents in the 3D view, or none; whether there were some, True without a view."""
    area = view_of(context)
    if area is None:
        return True
    space: Any = area.spaces.active
    before, space.overlay.show_relationship_lines = space.overlay.show_relationship_lines, wanted
    return before


def show_wire(item: bpy.types.Object, wanted: bool) -> bool:
    """Draw a mesh as wire through which what is behind it can be seen, or as before; whether it is wire. A dense mesh's own edges would
    be a solid area, so a modifier thins them out for the viewport, and a selected object's would all be orange."""
    modifier = item.modifiers.get(_WIRE)
    if modifier is not None:
        item.modifiers.remove(modifier)
    item.display_type = "WIRE" if wanted else "TEXTURED"
    faces = len(mesh_of(item).polygons)
    if wanted and faces > _WIRE_FACES:
        thinned: Any = item.modifiers.new(_WIRE, "DECIMATE")
        thinned.ratio, thinned.show_render = _WIRE_FACES / faces, False
    item.select_set(not wanted)
    return wanted


def show_first_colours(context: bpy.types.Context, item: bpy.types.Object, refined: bool = False) -> bool:
    """Show a new result's colours in a Solid view with Blender's own settings, in which no other object has a viewport colour that would be
    lost, or that shows objects' own colours. Whether that was done. refined: only in a view that shows such colours already: the vertices'
    of a first look, where a rigged head has a texture."""
    area = view_of(context)
    if area is None:
        return False
    space: Any = area.spaces.active
    materials = [slot.material for other in scene_of(context).objects if "likeness_report" not in other for slot in other.material_slots]
    coloured = any(material is not None and tuple(round(x, 2) for x in material.diffuse_color[:3]) != _PLAIN for material in materials)
    kind = space.shading.color_type
    # Vertices' colours and textures are colours of the photo too, of another result.
    if space.shading.type != "SOLID" or kind not in ("MATERIAL", "VERTEX", "TEXTURE") or (kind == "MATERIAL" and (coloured or refined)):
        return False
    show_colours(context, item, True)
    return True
