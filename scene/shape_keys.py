"""ARKit's 52 shapes as shape keys by their exact names, and the jaw's correctives as keys that its bone drives."""

from typing import Any

import bpy
import numpy as np
from idprop.types import IDPropertyGroup

from ..core.topology.rigged import RiggedHead
from .frame import HEAD_TO_BLENDER
from .typed import mesh_of

CORRECTIVE = "jawCorrective"
"""Names of correctives begin so; the angle in degrees follows."""
_NOTES = "likeness_key_notes"


def add_shape_keys(head: bpy.types.Object, rigged: RiggedHead, armature: bpy.types.Object) -> None:
    """Basis, then the 52 shapes at 0, then the correctives, driven by the armature's jaw."""
    neutral = rigged.neutral @ HEAD_TO_BLENDER.T
    head.shape_key_add(name="Basis", from_mix=False)
    for name, deltas in zip(rigged.key_names, rigged.keys, strict=True):
        new_key(head, name, neutral + deltas @ HEAD_TO_BLENDER.T)
    for angle, deltas in zip(rigged.corrective_angles.tolist(), rigged.correctives, strict=True):
        key = new_key(head, f"{CORRECTIVE}{np.degrees(angle):.0f}", neutral + deltas @ HEAD_TO_BLENDER.T)
        _drive_by_jaw(key, armature, angle)
    head[_NOTES] = {name: note for name, note in zip(rigged.key_names, rigged.key_notes, strict=True) if note}
    head.active_shape_key_index = 0


def new_key(head: bpy.types.Object, name: str, points: np.ndarray) -> bpy.types.ShapeKey:
    """A shape key relative to the Basis, range 0 to 1, at 0; points (V, 3) in the object's frame."""
    key = head.shape_key_add(name=name, from_mix=False)
    key.data.foreach_set("co", np.ascontiguousarray(points, np.float32).ravel())
    key.slider_min, key.slider_max, key.value = 0.0, 1.0, 0.0
    return key


def shapes(head: bpy.types.Object) -> dict[str, bpy.types.ShapeKey]:
    """The keys that an artist sets, by name: neither the Basis nor the correctives."""
    owner = mesh_of(head).shape_keys
    blocks = owner.key_blocks if owner else ()
    return {key.name: key for key in list(blocks)[1:] if not key.name.startswith(CORRECTIVE)}


def key_note(head: bpy.types.Object) -> str:
    """What is approximate about the active key, in one sentence, or nothing."""
    key, notes = head.active_shape_key, head.get(_NOTES)
    note = notes.get(key.name) if key is not None and isinstance(notes, IDPropertyGroup) else None
    return note if isinstance(note, str) else ""


def drive_by(head: bpy.types.Object, former: bpy.types.Object, armature: bpy.types.Object) -> None:
    """Let the correctives follow the bone of the same name in another armature."""
    animation = getattr(mesh_of(head).shape_keys, "animation_data", None)
    for curve in animation.drivers if animation else ():
        for variable in curve.driver.variables:
            for target in variable.targets:
                if target.id == former:
                    target.id = armature


def _drive_by_jaw(key: bpy.types.ShapeKey, armature: bpy.types.Object, angle: float) -> None:
    """From 0 at rest to 1 where the jaw has turned about X by `angle`. A curve instead of an expression: no scripts need be allowed."""
    curve: Any = key.driver_add("value")
    curve.driver.type = "SUM"
    source = curve.driver.variables.new()
    source.type = "TRANSFORMS"
    target = source.targets[0]
    target.id, target.bone_target = armature, "jaw"
    target.transform_type, target.transform_space, target.rotation_mode = "ROT_X", "LOCAL_SPACE", "XYZ"
    while curve.modifiers:
        curve.modifiers.remove(curve.modifiers[0])
    for place, value in ((0.0, 0.0), (angle, 1.0)):
        curve.keyframe_points.insert(place, value).interpolation = "LINEAR"
    curve.update()
