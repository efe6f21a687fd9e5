"""The rig's controls for animators: shape, colour, bone collection and locks of each bone."""

from typing import Any, NamedTuple

import bpy
import numpy as np

from .typed import armature_of, pose_of

_PALETTES = {"root": "THEME09", "eye.L": "THEME04", "eye.R": "THEME01"}  # yellow, blue, red
_MIDDLE = "THEME12"  # light green
_COLLECTIONS = {"Head": ("root", "neck", "head"), "Face": ("jaw", "eye.L", "eye.R")}
_HINGES = ("jaw", "eye.L", "eye.R")
_WIRE_WIDTH = 2.0  # pixels
_STEPS = 32


class _Arc(NamedTuple):
    """A line around a bone's axis, or in the plane of its X (to the person's left) and Y (along it). Metres, radians."""

    radius: float
    centre: float  # on the axis, as a share of the bone's length
    beyond: float = 0.0  # and so much farther
    around: bool = True
    width: float = 2 * np.pi  # to both sides of the bone's direction

    def points(self, length: float) -> np.ndarray:
        """(N, 3) in the axes of a bone of that length."""
        angles = np.linspace(-self.width / 2, self.width / 2, _STEPS + 1)
        x, other = self.radius * np.sin(angles), self.radius * np.cos(angles)
        y = np.full_like(x, self.centre * length + self.beyond)
        return np.stack([x, y, other] if self.around else [x, y + other, 0 * y], axis=1)


_SHAPES = {
    "root": _Arc(0.2, 0, around=False),  # on the ground, because this bone lies level
    "neck": _Arc(0.08, 0.25),
    "head": _Arc(0.09, 1, 0.02),
    "jaw": _Arc(0.035, 1, around=False, width=2.4),
    "eye.L": _Arc(0.014, 1, 0.01),
    "eye.R": _Arc(0.014, 1, 0.01),
}


def add_controls(armature: bpy.types.Object, collection: bpy.types.Collection) -> None:
    """Give the bones of a new rig their looks. Their shapes are objects in a hidden collection below `collection`, with Rigify's names."""
    shapes = bpy.data.collections.new(f"WGTS_{armature.name}")
    shapes.hide_viewport = shapes.hide_render = True
    collection.children.link(shapes)
    for bone in pose_of(armature).bones:
        name = f"WGT-{armature.name}_{bone.name}"
        shape = bpy.data.objects.new(name, _line(name, _SHAPES[bone.name].points(bone.length)))
        shapes.objects.link(shape)
        bone.custom_shape, bone.use_custom_shape_bone_size = shape, False
        bone.custom_shape_wire_width = _WIRE_WIDTH
        colour: Any = armature_of(armature).bones[bone.name].color
        colour.palette = _PALETTES.get(bone.name, _MIDDLE)
        if bone.name != "root":  # joints only turn
            bone.lock_location = bone.lock_scale = (True, True, True)
        if bone.name in _HINGES:  # keyed and limited an axis at a time
            bone.rotation_mode = "XYZ"
        if bone.name.startswith("eye"):  # eyes do not roll
            bone.lock_rotation[1] = True
    for name, bones in _COLLECTIONS.items():
        made = armature_of(armature).collections.new(name)
        for bone in bones:
            made.assign(armature_of(armature).bones[bone])


def _line(name: str, points: np.ndarray) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.tolist(), [(i, i + 1) for i in range(len(points) - 1)], [])
    return mesh
