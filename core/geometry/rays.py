"""Where parallel rays first meet a mesh: every triangle in their way is looked at, so that thin rims are met as well."""

import numpy as np


def way_to_front(points: np.ndarray, direction: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Distances (N,) from points (N, 3) along one unit direction (3,) to the nearest of the triangles (F, 3) of vertices (V, 3) before them
    that faces that way; infinite without any. All in one frame."""
    direction = direction.astype(np.float64)
    aside = np.linalg.svd(direction[None])[2][1:]  # two axes of the plane across the rays
    places, corners = points @ aside.T, vertices.astype(np.float64)[faces]
    flat = corners @ aside.T
    reached = (flat.max(1) >= places.min(0)).all(1) & (flat.min(1) <= places.max(0)).all(1)
    reached &= np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) @ direction > 0
    flat, heights = flat[reached], corners[reached] @ direction
    # Areas (N, F, 3) that the place makes with the edge opposite to each corner.
    to_corners = flat - places[:, None, None]
    second, third = np.roll(to_corners, -1, axis=2), np.roll(to_corners, -2, axis=2)
    areas = second[..., 0] * third[..., 1] - second[..., 1] * third[..., 0]
    total = areas.sum(2)
    inside = (areas * np.sign(total)[..., None] >= 0).all(2) & (total != 0)
    along = (areas * heights).sum(2) / np.where(inside, total, 1) - (points @ direction)[:, None]
    return np.min(along, axis=1, initial=np.inf, where=inside & (along > 0))
