"""Parts of a reconstructed head as vertex groups and face sets, and its landmarks as empties on request."""

import json

import bpy
import numpy as np
from mathutils import Vector

from ..core.topology.anatomy import Anatomy
from .frame import HEAD_TO_BLENDER
from .mesh import add_groups, triangles
from .typed import attribute_data, mesh_of

LANDMARKS = "likeness_landmarks"
"""Custom property of a head: its landmarks' places in its own frame by name, as JSON."""
LANDMARK = "likeness_landmark"
"""Custom property of an empty: which landmark it stands for."""
_FACE_SETS = ("Skin", "Hair", "Clothes", "Face", "Ears", "Eyes", "Lips", "Brows")
"""Parts in the order in which they count: a later one that covers most of a face takes it."""
_MOSTLY = 0.5
_SIZE = 0.003  # metres


def add_anatomy(head: bpy.types.Object, anatomy: Anatomy) -> None:
    """A vertex group for each part, face sets for sculpting, and the landmarks' places, on a head whose vertices are the anatomy's."""
    parts = dict(zip(anatomy.part_names, anatomy.parts, strict=True))
    add_groups(head, parts)
    _add_face_sets(mesh_of(head), parts)
    places = (anatomy.landmarks @ HEAD_TO_BLENDER.T).round(6).tolist()
    head[LANDMARKS] = json.dumps(dict(zip(anatomy.landmark_names, places, strict=True)))


def part_of(head: bpy.types.Object, name: str) -> np.ndarray | None:
    """Share (V,) of a part in the head's vertices; None when the head has no such vertex group."""
    group = head.vertex_groups.get(name)
    if group is None:
        return None
    share = np.zeros(len(mesh_of(head).vertices), np.float32)
    for vertex in mesh_of(head).vertices:
        for element in vertex.groups:
            if element.group == group.index:
                share[vertex.index] = element.weight
    return share


def worn_on(head: bpy.types.Object) -> Anatomy | None:
    """Hair and clothes as the vertex groups of a head tell them, without landmarks; None when it has no such groups."""
    shares = {name: share for name in ("Hair", "Clothes") if (share := part_of(head, name)) is not None}
    return Anatomy(tuple(shares), np.stack(list(shares.values())), (), np.zeros((0, 3), np.float32)) if len(shares) == 2 else None


def landmarks_of(head: bpy.types.Object) -> dict[str, Vector]:
    """Places by name in the head's frame. Blend files come from anywhere: whatever cannot be read is nothing."""
    try:
        places = {str(name): [float(x) for x in place] for name, place in json.loads(head.get(LANDMARKS, "")).items()}
    except (TypeError, ValueError, AttributeError, RecursionError):
        return {}
    return {name: Vector(place) for name, place in places.items() if len(place) == 3 and np.isfinite(place).all()}


def add_landmarks(head: bpy.types.Object, collection: bpy.types.Collection) -> list[bpy.types.Object]:
    """An empty at each landmark, a child of the head; those that are there already are left alone."""
    there = {child.get(LANDMARK) for child in head.children}
    made = []
    for name, place in landmarks_of(head).items():
        if name in there:
            continue
        empty = bpy.data.objects.new(f"{head.name} {name}", None)
        empty.empty_display_type, empty.empty_display_size = "SPHERE", _SIZE
        empty.show_in_front = True
        empty[LANDMARK] = name
        collection.objects.link(empty)
        empty.parent, empty.location = head, place
        made.append(empty)
    return made


def _add_face_sets(mesh: bpy.types.Mesh, parts: dict[str, np.ndarray]) -> None:
    corners, _ = triangles(mesh)
    number = np.ones(len(corners), np.int32)
    for index, name in enumerate(_FACE_SETS):
        if name in parts:
            number[parts[name][corners].mean(1) > _MOSTLY] = index + 2
    mesh.attributes.new(".sculpt_face_set", "INT", "FACE")
    attribute_data(mesh, ".sculpt_face_set").foreach_set("value", number)
