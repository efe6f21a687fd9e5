"""Where a new result stands: beside whatever would hide it."""

import bpy
import numpy as np

from .build import REPORT
from .members import members

_GAP = 1.0  # metres, so that the photo's camera does not see what the result stands beside
_TRIES = 20


def stand_clear(scene: bpy.types.Scene, collection: bpy.types.Collection) -> bool:
    """Move a new result to the side, its camera too, if it lies within another mesh that is seen, such as the start-up cube, or through an
    earlier result. Whether it was moved."""
    scene.view_layers[0].update()  # else what was just moved is where it was
    own = members(collection)
    meshes = [item for item in own if item.type == "MESH" and item.visible_get()]
    others = [item for item in scene.objects if item.type == "MESH" and item not in own and item.visible_get()]
    results = [_bounds(item) for item in others if REPORT in item]
    others = [_bounds(item) for item in others if REPORT not in item]
    if not meshes:
        return False
    low, high = (extreme(values, axis=0) for extreme, values in zip((np.min, np.max), zip(*map(_bounds, meshes), strict=True), strict=True))
    moved = 0.0
    for _ in range(_TRIES):
        around = [far for near, far in others if (near <= low).all() and (far >= high).all()]
        around += [far for near, far in results if (near < high).all() and (far > low).all()]
        if not around:
            break
        step = max(far[0] for far in around) - low[0] + _GAP
        aside = np.array([step, 0.0, 0.0])
        low, high, moved = low + aside, high + aside, moved + step
    for item in own:
        if item.parent is None and moved:
            item.location.x += moved
    return moved > 0


def _bounds(item: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner (3,) in the world."""
    place = np.array(item.matrix_world)
    corners = np.array([list(corner) for corner in item.bound_box]) @ place[:3, :3].T + place[:3, 3]
    return corners.min(0), corners.max(0)
