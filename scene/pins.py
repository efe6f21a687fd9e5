"""Pins of a face as empties over the photo, which the artist moves by Blender's own tools, and the fitted face as wire below them.

A pin lies on the ray of its photo's camera, so that it may be moved in any view; what counts is where the camera sees it.
"""

import json
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..core.errors import InputError
from ..core.fitted_face import FittedFace
from ..core.photo.pins import Pin, parse_pins, pins_text
from .frame import camera_to_blender
from .members import keep_members, members, remove_objects
from .mesh import new_mesh
from .typed import attribute_data, mesh_of
from .viewport import show_relations
from .views import cameras_of, is_sound

PIN, PINS = "likeness_pin", "likeness_pins"
"""Custom properties: of an empty what it pins, as JSON; of a head the text of its pins file."""
FACE = "likeness_fitted_face"
"""Custom property of the wire: the head that it belongs to."""
_RELATIONS = "likeness_relations"
"""Custom property of the wire: whether the view drew lines to parents before, which from all pins to the head would hide its chin."""
_MOVED = 0.5  # pixels that a pin must be moved to count
_SIZE = 0.004  # metres
_LIFT = 0.004  # metres towards the camera, so that the wire does not hide pins


def begin_pins(head: bpy.types.Object, collection: bpy.types.Collection, face: FittedFace) -> bpy.types.Object:
    """The wire of the fitted face and a pin at each landmark, children of the head; pins that were set earlier are where they were put.
    Gives the wire."""
    end_pins(collection)
    space = PhotoSpace(head)
    wire = bpy.data.objects.new(f"{head.name} Fitted Face", new_mesh(f"{head.name} Fitted Face", space.places(face.vertices), face.faces))
    wire.display_type, wire.show_in_front, wire.hide_select, wire.hide_render = "WIRE", True, True, True
    wire[FACE], wire[_RELATIONS] = head, show_relations(bpy.context, False)
    collection.objects.link(wire)
    wire.parent = head
    made = [wire]
    set_already = {pin.landmark: pin for pin in stored_pins(head)}
    for name, place in zip(face.landmark_names, face.landmarks, strict=True):
        earlier = set_already.pop(name, None)
        made.append(_pin(head, collection, space, name, place, earlier))
    made += [_pin(head, collection, space, "", np.array([*pin.at, 0.05]), pin) for pin in stored_pins(head) if not pin.landmark]
    keep_members(collection, made)
    return wire


def add_pin(head: bpy.types.Object, collection: bpy.types.Collection, place: Vector) -> bpy.types.Object:
    """A pin of the point of the face that the photo shows where a place of the world is."""
    space = PhotoSpace(head)
    column, row, depth = space.seen([head.matrix_world.inverted() @ place])[0]
    pin = Pin((float(column), float(row)), "", (float(column), float(row)))
    empty = _pin(head, collection, space, "", np.array([column, row, depth]), pin)
    keep_members(collection, [empty])
    return empty


def pin_objects(collection: bpy.types.Collection) -> list[bpy.types.Object]:
    """The pins of a result."""
    return [item for item in members(collection) if item.type == "EMPTY" and PIN in item]


def wire_of(collection: bpy.types.Collection) -> bpy.types.Object | None:
    """The fitted face of a result whose pins are being edited."""
    return next((item for item in members(collection) if item.type == "MESH" and FACE in item), None)


def head_of_wire(wire: bpy.types.Object) -> bpy.types.Object | None:
    """The head that a fitted face belongs to."""
    head = wire.get(FACE)
    return head if isinstance(head, bpy.types.Object) and head.type == "MESH" else None


def current_pins(head: bpy.types.Object, collection: bpy.types.Collection) -> list[Pin]:
    """The pins that count, where they are: those that were moved, and those that are locked."""
    space, found = PhotoSpace(head), []
    empties = pin_objects(collection)
    seen = space.seen([head.matrix_world.inverted() @ _world(empty) for empty in empties])
    for empty, (column, row, _) in zip(empties, seen, strict=True):
        try:
            values: dict[str, Any] = json.loads(empty[PIN])
            start = np.array([float(x) for x in values["start"]])
            pin = Pin.from_dict(values | {"at": [float(column), float(row)]})
        except (InputError, TypeError, ValueError, KeyError):  # of a foreign file
            continue
        if np.linalg.norm(start - [column, row]) > _MOVED or is_locked(empty) or values.get("set"):
            found.append(pin)
    return found


def show_fit(wire: bpy.types.Object, head: bpy.types.Object, face: FittedFace) -> None:
    """Move the wire to a new fit."""
    space = PhotoSpace(head)
    places = space.places(face.vertices)
    mesh = mesh_of(wire)
    if len(mesh.vertices) == len(places):
        attribute_data(mesh, "position").foreach_set("vector", np.ascontiguousarray(places, np.float32).ravel())
        mesh.update()


def store_pins(head: bpy.types.Object, pins: Sequence[Pin]) -> None:
    """Keep pins on a head, for the next time."""
    head[PINS] = pins_text(pins)


def stored_pins(head: bpy.types.Object) -> list[Pin]:
    """The pins that a head was made with. Raises InputError for those of a foreign file."""
    return parse_pins(head[PINS]) if isinstance(head.get(PINS), str) else []


def set_lock(empty: bpy.types.Object, wanted: bool) -> None:
    """A locked pin holds its point of the face, and cannot be moved."""
    empty.lock_location = (wanted,) * 3
    empty.empty_display_type = "CUBE" if wanted else "SPHERE"


def is_locked(empty: bpy.types.Object) -> bool:
    """Whether a pin is locked."""
    return all(empty.lock_location)


def end_pins(collection: bpy.types.Collection) -> None:
    """Remove pins and wire."""
    wire = wire_of(collection)
    if wire is not None and wire.get(_RELATIONS):
        show_relations(bpy.context, True)
    remove_objects([*pin_objects(collection), *filter(None, [wire])])


class PhotoSpace:
    """Between a head's own frame and its first photo: column and row in pixels, and z in the camera frame, metres. Raises InputError when
    the head has lost its photo."""

    def __init__(self, head: bpy.types.Object) -> None:
        cameras = cameras_of(head)
        if not cameras or not is_sound(*cameras[0][:2]):
            raise InputError(f"The data of {head.name} about its photo cannot be read; reconstruct the photo again.")
        self._camera, pose, _ = cameras[0]
        self._place = camera_to_blender(pose)

    def places(self, seen: np.ndarray) -> np.ndarray:
        """Of points (N, 3) as the photo shows them, in the head's frame (N, 3)."""
        camera = self._camera
        depth = 1.0 if np.isinf(camera.distance) else (camera.distance - seen[:, 2:]) / camera.distance
        flat = (seen[:, :2] - np.array(camera.centre)) * [1, -1] / camera.scale * depth
        return np.column_stack([flat, seen[:, 2]]) @ self._place[:3, :3].T + self._place[:3, 3]

    def seen(self, places: Sequence[Vector]) -> np.ndarray:
        """The inverse: (N, 3)."""
        points = np.array([place[:] for place in places], float).reshape(-1, 3)
        points = (points - self._place[:3, 3]) @ self._place[:3, :3]
        return np.column_stack([self._camera.project(points), points[:, 2]])


def _pin(
    head: bpy.types.Object, collection: bpy.types.Collection, space: PhotoSpace, name: str, place: np.ndarray, earlier: Pin | None
) -> bpy.types.Object:
    """place (3,): as the photo shows it."""
    at = place[:2] if earlier is None else np.array(earlier.at)
    label = name or f"Pin {1 + sum(not item.get('likeness_landmark') for item in pin_objects(collection))}"
    empty = bpy.data.objects.new(label, None)
    empty.empty_display_type, empty.empty_display_size = "SPHERE", _SIZE
    empty.show_in_front, empty.hide_render = True, True
    origin = earlier.origin if earlier is not None and not name else None
    kind = {"landmark": name} if name else {"from": [float(x) for x in origin or at]}
    empty[PIN] = json.dumps(kind | {"start": [float(x) for x in at], "set": earlier is not None})
    collection.objects.link(empty)
    empty.parent = head
    empty.location = Vector(space.places(np.array([[*at, place[2] + _LIFT]]))[0].tolist())
    return empty


def _world(empty: bpy.types.Object) -> Vector:
    """Where an empty is even before the scene was evaluated again."""
    if empty.parent is None:
        return empty.matrix_world.translation
    basis: Matrix = empty.matrix_basis
    return (empty.parent.matrix_world @ empty.matrix_parent_inverse @ basis).translation
