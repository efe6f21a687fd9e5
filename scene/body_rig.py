"""The armature of a reconstructed body: its joints as bones with Rigify's names where Rigify has such bones, skinned to the surface.

The bones' rest is the photo's pose, so that the body lies over the photo as it is; the pose with arms held off is a click away.
"""

import json
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..core.topology.body_rig import BodyRig
from .armature import pose_bones
from .frame import HEAD_TO_BLENDER
from .mesh import add_groups
from .rig import RIGGED, linked_object
from .typed import armature_of, view_layer_of

BODY = "likeness_body"
"""Custom property of the armature object: the body that it moves."""
HEAD_MASK = "Likeness Head"
"""The modifier that hides a body's own head below a rigged one."""
HEAD_PART = "Head"
"""The vertex group of the body's own head."""
_REST_TURNS = "likeness_body_rest"
ROOT = "root"
"""The bone on the ground that moves the whole body; it moves no vertex by itself."""
_RIGIFY = {
    "root": "spine", "spine04": "spine.001", "spine02": "spine.002", "spine01": "spine.003", "neck01": "spine.004", "neck02": "spine.005",
    "head": "spine.006", "jaw": "jaw", "clavicle": "shoulder", "upperarm01": "upper_arm", "lowerarm01": "forearm", "wrist": "hand",
    "upperleg01": "thigh", "lowerleg01": "shin", "foot": "foot", "toe1-1": "toe", "eye": "eye",
    **{f"finger1-{part}": f"thumb.0{part}" for part in (1, 2, 3)},
    **{
        f"finger{number}-{part}": f"f_{finger}.0{part}"
        for number, finger in ((2, "index"), (3, "middle"), (4, "ring"), (5, "pinky"))
        for part in (1, 2, 3)
    },
}  # fmt: skip
_ALONG = {"wrist": "finger3-1", "root": "spine05", "spine01": "neck01", "head": None}
"""The joint to which the bone of one that has several below it points; None: on in its parent's direction."""
_ONWARDS = {
    "head": 0.2,
    "foot": 0.08,
    "toe1-1": 0.05,
    "jaw": 0.08,
    "eye": 0.03,
}  # metres, of bones at an end; of others, their parent's length
_ROOT_LENGTH, _SHORTEST = 0.25, 0.005  # metres


def bone_name(joint: str) -> str:
    """Of a joint of the body model."""
    stem, dot, side = joint.partition(".")
    return _RIGIFY.get(stem, stem) + dot + side


def build_body_rig(
    context: bpy.types.Context, rig: BodyRig, name: str, body: bpy.types.Object, collection: bpy.types.Collection
) -> bpy.types.Object:
    """A new armature object in `collection` (which must be in the scene) that moves the mesh object `body`, whose vertices are the rig's;
    the object gets a vertex group for each part of the body too."""
    armature = bpy.data.objects.new(f"{name} Rig", bpy.data.armatures.new(f"{name} Rig"))
    armature.show_in_front = True
    armature_of(armature).display_type = "STICK"
    collection.objects.link(armature)
    _make_bones(context, armature, rig)
    add_groups(body, dict(zip(rig.group_names, rig.groups, strict=True)))
    add_groups(body, {bone_name(joint): rig.weights_of(index) for index, joint in enumerate(rig.joint_names)})
    body.parent = armature
    modifier: Any = body.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    armature[BODY] = body
    turns = {bone_name(joint): [round(x, 5) for x in turn] for joint, turn in zip(rig.joint_names, rig.rest_turns.tolist(), strict=True)}
    armature[_REST_TURNS] = json.dumps(turns)
    return armature


def put_head_on(armature: bpy.types.Object, head_rig: bpy.types.Object, place: np.ndarray) -> None:
    """The armature object of a rigged head becomes a part of a body's: it stands at a place (4, 4), in the upright frame, from its own, and
    follows the body's head bone. The body's own head, which lies there too, is masked."""
    turn = np.eye(4)
    turn[:3, :3] = HEAD_TO_BLENDER
    bone = armature_of(armature).bones[bone_name("head")]
    head_rig.parent, head_rig.parent_type, head_rig.parent_bone = armature, "BONE", bone.name
    # Children of bones count from the bone's tail.
    tail = bone.matrix_local @ Matrix.Translation((0, bone.length, 0))
    head_rig.matrix_parent_inverse = tail.inverted()
    head_rig.matrix_basis = Matrix((turn @ place @ turn.T).tolist())
    body = body_of(armature)
    assert body is not None
    mask: Any = body.modifiers.new(HEAD_MASK, "MASK")
    mask.vertex_group, mask.invert_vertex_group, mask.threshold = HEAD_PART, True, 0.5


def head_rig_on(armature: bpy.types.Object) -> bpy.types.Object | None:
    """The armature object of the rigged head on a body's armature; None where there is none."""
    return next((item for item in armature.children if isinstance(item.get(RIGGED), bpy.types.Object)), None)


def show_own_head(head_rig: bpy.types.Object, shown: bool) -> None:
    """Whether the body on which a head's rig stands has its own head; nothing for a head without a body."""
    body = None if head_rig.parent is None else body_of(head_rig.parent)
    if body is not None and (mask := body.modifiers.get(HEAD_MASK)) is not None:
        mask.show_viewport = mask.show_render = not shown


def stands_on_body(head_rig: bpy.types.Object) -> bool:
    """Whether a head's rig stands on a body."""
    return head_rig.parent is not None and body_of(head_rig.parent) is not None


def body_rig_of(item: bpy.types.Object | None) -> bpy.types.Object | None:
    """The armature object of a body that `item` is: the armature, or the body itself."""
    while item is not None and not (item.type == "ARMATURE" and isinstance(item.get(BODY), bpy.types.Object)):
        item = item.parent
    return item


def body_of(armature: bpy.types.Object) -> bpy.types.Object | None:
    """The body that an armature moves; None when there is none, or the artist has deleted it."""
    return linked_object(armature, BODY, "MESH")


def pose_body(armature: bpy.types.Object, photo: bool) -> None:
    """The photo's pose, or standing straight with arms held off."""
    pose_bones(armature, {} if photo else _rest_turns(armature))


def _rest_turns(armature: bpy.types.Object) -> dict[str, np.ndarray]:
    """Blend files come from anywhere: whatever cannot be read is nothing."""
    try:
        turns = json.loads(armature.get(_REST_TURNS, ""))
        return {str(bone): np.array([float(x) for x in turn]) for bone, turn in turns.items() if len(turn) == 3}
    except (TypeError, ValueError, AttributeError, RecursionError):
        return {}


def bone_ends(rig: BodyRig) -> tuple[np.ndarray, np.ndarray]:
    """Heads and tails (J, 3) of the joints' bones, upright frame, metres; no bone is without length."""
    heads, tails = np.array(rig.joints, np.float64), np.array(rig.joints, np.float64)
    for joint, name in enumerate(rig.joint_names):
        stem, dot, side = name.partition(".")
        below = np.flatnonzero(rig.parents == joint)
        along = _ALONG.get(stem, "")
        if along:
            below = np.array([rig.joint_names.index(along + dot + side)])
        parent = int(rig.parents[joint])
        onwards = heads[joint] - heads[parent] if parent >= 0 else np.array([0.0, 1.0, 0.0])
        if stem in ("eye", "jaw", "toe1-1"):  # to the front: what is above them lies behind
            onwards = np.array([0.0, -0.5 * (stem == "jaw"), 1.0])
        if len(below) and along is not None:
            tails[joint] = heads[below].mean(0)
        else:
            length = _ONWARDS.get(stem, 0.8 * float(np.linalg.norm(onwards)))
            tails[joint] = heads[joint] + onwards / max(np.linalg.norm(onwards), 1e-9) * length
        if np.linalg.norm(tails[joint] - heads[joint]) < _SHORTEST:
            tails[joint] = heads[joint] + np.array([0.0, _SHORTEST, 0.0])
    return heads, tails


def _make_bones(context: bpy.types.Context, armature: bpy.types.Object, rig: BodyRig) -> None:
    layer, bones = view_layer_of(context), armature_of(armature)
    active = layer.objects.active
    layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    place = lambda point: Vector((HEAD_TO_BLENDER @ point).tolist())  # noqa: E731
    root = bones.edit_bones.new(ROOT)
    root.head, root.tail = place(np.zeros(3)), place(np.array([0.0, 0.0, _ROOT_LENGTH]))
    for name, parent, head, tail in zip(rig.joint_names, rig.parents.tolist(), *bone_ends(rig), strict=True):
        bone = bones.edit_bones.new(bone_name(name))
        bone.head, bone.tail = place(head), place(tail)
        side: Any = Vector((1, 0, 0)).cross(bone.tail - bone.head)
        if side.length > 1e-6:
            bone.align_roll(side)
        bone.parent = bones.edit_bones[ROOT if parent < 0 else bone_name(rig.joint_names[parent])]
    root.use_deform = False
    bpy.ops.object.mode_set(mode="OBJECT")
    layer.objects.active = active
