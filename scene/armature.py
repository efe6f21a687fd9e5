"""The rigged head's skeleton: root > neck > head > jaw, eye.L, eye.R.

Every bone's local X axis points to the person's left, so a positive turn about X means the same everywhere: nod, open, look down.
FLAME's joints are root (its global), neck, jaw and eyes. Its neck turns skull and neck together; here a head bone on top of the neck
bone takes the skull's share of that joint's weights, so that turning the neck alone is still exactly FLAME's motion.
"""

import math
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..core.errors import AssetError
from ..core.models.joints import GLOBAL, JAW, JOINT_NAMES, NECK
from ..core.models.rotation import rotation_matrix
from ..core.topology.rigged import RiggedHead
from .controls import add_controls
from .frame import HEAD_TO_BLENDER
from .typed import armature_of, pose_of, view_layer_of

JOINT_OF = {"root" if joint == GLOBAL else name: joint for joint, name in enumerate(JOINT_NAMES)}
"""The joint that moves each bone of its name, but for the root, which is FLAME's global joint; the bone `head` has none of its own."""
_EYES = ("eye.L", "eye.R")
LOOK_AT = "look_at"
"""Custom property of the armature object, in [0, 1]: how much the eyes follow the target."""
_SKULL_BASE = 0.75  # of the way from the neck joint to the jaw joint: 3 cm below and 1.5 cm behind the latter on the mean head
_SKULL_TILT = np.array([0.0, 0.85, 0.52], np.float32)  # upright frame; across the line from the nape's hair to the throat below the chin
_IN_THE_MIDDLE = np.array([0, 1, 1], np.float32)  # as a factor: in the plane between left and right
_NECK_ONLY = 0.25  # of the way to the skull's base, along that direction
_ROOT_LENGTH, _EYE_LENGTH, _LOOK_DISTANCE, _SHORTEST = 0.1, 0.03, 1.0, 0.001  # metres
_JAW_LIMITS = {"x": (-5.0, 35.0), "y": (-10.0, 10.0), "z": (-10.0, 10.0)}  # degrees: teeth meet, mouth wide open; sideways


def build_armature(context: bpy.types.Context, rigged: RiggedHead, name: str, collection: bpy.types.Collection) -> bpy.types.Object:
    """A new armature object at rest in `collection` (which must be in the scene), with the eyes' target and constraints.

    Joints are this person's. The jaw is limited to what jaws do; the eyes turn to the target as much as the property LOOK_AT says.
    """
    armature = bpy.data.objects.new(f"{name} Rig", bpy.data.armatures.new(f"{name} Rig"))
    armature.show_in_front = True
    armature_of(armature).display_type = "STICK"
    collection.objects.link(armature)
    _make_bones(context, armature, bone_ends(rigged), bone_parents(rigged))
    add_controls(armature, collection)
    _limit_jaw(armature)
    _look_at(armature, name, collection)
    return armature


def bone_weights(rigged: RiggedHead) -> dict[str, np.ndarray]:
    """Share (V,) of each bone in each vertex's motion, in the order of bone_parents; sums to 1."""
    weights = {bone: rigged.weights[:, joint] for bone, joint in JOINT_OF.items()}
    base = _skull_base(rigged)
    height = (rigged.neutral - rigged.joints[NECK]) @ _SKULL_TILT / ((base - rigged.joints[NECK]) @ _SKULL_TILT)
    share = np.clip((height - _NECK_ONLY) / (1 - _NECK_ONLY), 0, 1)
    share = share * share * (3 - 2 * share)
    weights |= {"neck": rigged.weights[:, NECK] * (1 - share), "head": rigged.weights[:, NECK] * share}
    return {bone: weights[bone] for bone in bone_parents(rigged)}


def bone_parents(rigged: RiggedHead) -> dict[str, str | None]:
    """The parent of each bone, parents before their children: those of the joints, but what hangs on the neck's joint hangs on the head."""
    bone_of, parents = dict(zip(JOINT_OF.values(), JOINT_OF, strict=True)), {}
    for bone, joint in JOINT_OF.items():
        parent = int(rigged.parents[joint])
        parents[bone] = "head" if parent == NECK else bone_of.get(parent)
        if joint == NECK:
            parents["head"] = bone
    return parents


def bone_ends(rigged: RiggedHead) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Head and tail (3,) of each bone, upright frame. Raises AssetError when joints coincide: Blender drops bones without length."""
    joints, base = rigged.joints, _skull_base(rigged)
    skin = rigged.neutral[np.unique(rigged.faces[rigged.face_part == 0])]
    jaw = rigged.neutral[rigged.weights[:, JAW] >= 0.8 * rigged.weights[:, JAW].max()]
    chin = jaw[(jaw[:, 2] - jaw[:, 1]).argmax()] * _IN_THE_MIDDLE
    forward = np.array([0, 0, _EYE_LENGTH], np.float32)
    ends = {
        "root": (joints[GLOBAL], joints[GLOBAL] - np.array([0, 0, _ROOT_LENGTH], np.float32)),
        "neck": (joints[NECK], base),
        "head": (base, np.array([base[0], skin[:, 1].max(), base[2]])),
        "jaw": (joints[JAW], chin),
        **{bone: (joints[JOINT_OF[bone]], joints[JOINT_OF[bone]] + forward) for bone in _EYES},
    }
    for name, (head, tail) in ends.items():
        if not np.linalg.norm(tail - head) > _SHORTEST:
            raise AssetError(f"The rigged head in this result is damaged (its {name} has no length); run the reconstruction again.")
    return ends


def pose_bones(armature: bpy.types.Object, rotations: dict[str, np.ndarray]) -> None:
    """Turn bones by rotation vectors (3,) in the upright frame's axes, each relative to its parent; all others return to rest."""
    for bone in pose_of(armature).bones:
        bone.matrix_basis = Matrix.Identity(4)
        if (vector := rotations.get(bone.name)) is not None:
            bone.matrix_basis = Matrix(bone_turns(bone, vector).tolist()).to_4x4()


def bone_turns(bone: bpy.types.PoseBone, vectors: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) in the bone's own rest axes of rotation vectors (..., 3) in the upright frame's axes."""
    rest = np.array(bone.bone.matrix_local.to_3x3())
    return rest.T @ HEAD_TO_BLENDER @ rotation_matrix(vectors) @ HEAD_TO_BLENDER.T @ rest


def _skull_base(rigged: RiggedHead) -> np.ndarray:
    return rigged.joints[NECK] + _SKULL_BASE * (rigged.joints[JAW] - rigged.joints[NECK]) * _IN_THE_MIDDLE


def _make_bones(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    ends: dict[str, tuple[np.ndarray, np.ndarray]],
    parents: dict[str, str | None],
) -> None:
    """Bones can only be made in edit mode; an object that the artist is editing stays in its own."""
    layer, bones = view_layer_of(context), armature_of(armature)
    active = layer.objects.active
    layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for name in parents:
        head, tail = ends[name]
        bone = bones.edit_bones.new(name)
        bone.head, bone.tail = (Vector((HEAD_TO_BLENDER @ point).tolist()) for point in (head, tail))
        # Z is what is left of X to the person's left and Y along the bone.
        side: Any = Vector((1, 0, 0)).cross(bone.tail - bone.head)
        bone.align_roll(side)
        if (parent := parents[name]) is not None:
            bone.parent = bones.edit_bones[parent]
            bone.use_connect = (bone.head - bones.edit_bones[parent].tail).length < 1e-6
    bpy.ops.object.mode_set(mode="OBJECT")
    layer.objects.active = active


def _limit_jaw(armature: bpy.types.Object) -> None:
    limit: Any = pose_of(armature).bones["jaw"].constraints.new("LIMIT_ROTATION")
    limit.owner_space = "LOCAL"
    limit.use_transform_limit = True
    for axis, (low, high) in _JAW_LIMITS.items():
        setattr(limit, f"use_limit_{axis}", True)
        setattr(limit, f"min_{axis}", math.radians(low))
        setattr(limit, f"max_{axis}", math.radians(high))


def _look_at(armature: bpy.types.Object, name: str, collection: bpy.types.Collection) -> None:
    """The target stands a metre before the eyes and moves with the armature, not with the head, so that a turning head keeps its gaze."""
    armature[LOOK_AT] = 0.0
    limits: Any = armature.id_properties_ui(LOOK_AT)
    limits.update(min=0.0, max=1.0, description="How much the eyes turn to the target")
    eyes = [armature_of(armature).bones[bone].head_local for bone in _EYES]
    target = bpy.data.objects.new(f"{name} Look At", None)
    target.empty_display_type, target.empty_display_size = "SPHERE", 0.03
    target.parent = armature
    target.location = (eyes[0] + eyes[1]) / 2 + Vector((0, -_LOOK_DISTANCE, 0))
    collection.objects.link(target)
    for bone in _EYES:
        track: Any = pose_of(armature).bones[bone].constraints.new("DAMPED_TRACK")
        track.target, track.track_axis = target, "TRACK_Y"
        driver = track.driver_add("influence").driver
        driver.type = "SUM"
        source = driver.variables.new()
        source.targets[0].id = armature
        source.targets[0].data_path = f'["{LOOK_AT}"]'
