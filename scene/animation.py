"""A performance on a rigged head: one frame of it as a pose, or all of it as keyframes in a new action."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..core.animation.performance import Performance
from ..core.errors import InputError
from .armature import JOINT_OF, bone_turns
from .bone_names import bone_name
from .rig import head_of
from .shape_keys import shapes
from .typed import pose_of

_LINEAR = 1  # of Keyframe.interpolation: frames are a video's, nothing lies between them
_STILL = 1e-6


def apply_pose(armature: bpy.types.Object, performance: Performance, frame: int = 0) -> None:
    """Shape keys and bones as in one frame. Keys and bones that the performance does not know stay as they are.

    Raises InputError when the rigged head is lost or has none of the shapes.
    """
    keys = _keys(armature, performance)
    for name, values in zip(performance.key_names, performance.key_values[frame].tolist(), strict=True):
        if name in keys:
            keys[name].value = values
    for bone, vectors in _bones(armature, performance):
        location, _, scale = bone.matrix_basis.decompose()
        turn = Matrix(bone_turns(bone, vectors[frame]).tolist())
        bone.matrix_basis = Matrix.LocRotScale(location, turn.to_quaternion(), scale)


def animate(scene: bpy.types.Scene, armature: bpy.types.Object, performance: Performance, start: float) -> tuple[float, float]:
    """Keyframes from frame `start` on, at the scene's frame rate, for shape keys and bones; the first and the last frame.

    A new action takes the place of the armature's and the head's, which stay in the file. The scene becomes as long as the performance.
    Raises InputError as apply_pose.
    """
    keys = _keys(armature, performance)
    frames = start + performance.times * (scene.render.fps / scene.render.fps_base)
    owner: Any = next(iter(keys.values())).id_data  # what all keys of the head belong to
    for former in (owner.animation_data, armature.animation_data):
        if former is not None and former.action is not None:
            former.action.use_fake_user = True  # or saving would drop it
    face, body = _new_action(performance.name, owner, armature)
    for name, values in zip(performance.key_names, performance.key_values.T, strict=True):
        if name in keys:
            _add_curve(face, f'key_blocks["{bpy.utils.escape_identifier(name)}"].value', 0, frames, values)
    for bone, vectors in _bones(armature, performance):
        group = body.groups.new(bone.name)
        path, channels = _channels(bone, bone_turns(bone, vectors))
        for index, values in enumerate(channels.T):
            _add_curve(body, f'pose.bones["{bpy.utils.escape_identifier(bone.name)}"].{path}', index, frames, values).group = group
    scene.frame_end = max(scene.frame_end, int(np.ceil(frames[-1])))
    scene.frame_set(scene.frame_current)
    return float(frames[0]), float(frames[-1])


def _new_action(name: str, *owners: Any) -> list[Any]:
    """A new action with a slot for each owner; for each the channel bag, which has its `fcurves` and `groups`."""
    action = bpy.data.actions.new(name)
    strip: Any = action.layers.new("Layer").strips.new(type="KEYFRAME")
    bags = []
    for owner in owners:
        data = owner.animation_data or owner.animation_data_create()
        slot = action.slots.new(id_type=owner.id_type, name=owner.name)
        data.action, data.action_slot = action, slot
        bags.append(strip.channelbag(slot, ensure=True))
    return bags


def _keys(armature: bpy.types.Object, performance: Performance) -> dict[str, bpy.types.ShapeKey]:
    head = head_of(armature)
    keys = shapes(head) if head is not None else {}
    if not set(keys) & set(performance.key_names):
        raise InputError(f"{armature.name} has lost its rigged head or the head's shape keys; reconstruct the photo again.")
    return keys


def _bones(armature: bpy.types.Object, performance: Performance) -> Iterator[tuple[bpy.types.PoseBone, np.ndarray]]:
    """The bones that joints move, with their rotation vectors (T, 3)."""
    for name, joint in JOINT_OF.items():
        if (bone := pose_of(armature).bones.get(bone_name(armature, name))) is not None:
            yield bone, performance.rotations[:, joint]


def _channels(bone: bpy.types.PoseBone, turns: np.ndarray) -> tuple[str, np.ndarray]:
    """The property that this bone's mode reads and its values (T, 3 or 4) for rotations (T, 3, 3), without jumps."""
    matrices = [Matrix(turn) for turn in turns.tolist()]
    if bone.rotation_mode == "QUATERNION":
        values = [matrix.to_quaternion() for matrix in matrices]
        for last, value in pairwise(values):
            value.make_compatible(last)
        return "rotation_quaternion", np.array(values)
    if bone.rotation_mode == "AXIS_ANGLE":
        pairs = [matrix.to_quaternion().to_axis_angle() for matrix in matrices]
        return "rotation_axis_angle", np.array([(angle, *axis) for axis, angle in pairs])
    values = [matrix.to_euler(bone.rotation_mode) for matrix in matrices]
    for last, value in pairwise(values):
        value.make_compatible(last)
    return "rotation_euler", np.array(values)


def _add_curve(bag: Any, path: str, index: int, frames: np.ndarray, values: np.ndarray) -> bpy.types.FCurve:
    """What does not move gets one keyframe."""
    curve = bag.fcurves.new(path, index=index)
    if np.ptp(values) < _STILL:
        frames, values = frames[:1], values[:1]
    curve.keyframe_points.add(len(frames))
    curve.keyframe_points.foreach_set("co", np.stack([frames, values], axis=1).astype(np.float32).ravel())
    curve.keyframe_points.foreach_set("interpolation", np.full(len(frames), _LINEAR, np.int32))
    curve.update()
    return curve
