"""A closed surface without what lies below a cut. Only what is around the cut goes through a boolean, whose time grows with the mesh."""

import numpy as np

from ..geometry.mesh import compact
from .extract import largest_component
from .solid import ClosedSurface, from_solid, to_solid

_NEAR = 0.01  # metres from the cut within which faces take part: farther than a curved cut leaves the planes of its own faces


def trimmed(vertices: np.ndarray, faces: np.ndarray, height: np.ndarray, below: ClosedSurface) -> tuple[np.ndarray, np.ndarray]:
    """The largest part of a closed surface, vertices (V, 3) and faces (F, 3), without the solid `below`, closed where it was.

    The solid's top covers the ground under the surface once, its floor lies deeper than the surface; height (V,): of the vertices over the
    top, along y. The faces around the top are made a closed surface by walls straight up and down and a lid on either side: those never
    meet the top, so that all near it comes out as if the whole surface had been there. Vertices come back as float32.
    """
    lowest, highest = (choose(choose(height[faces[:, 0]], height[faces[:, 1]]), height[faces[:, 2]]) for choose in (np.minimum, np.maximum))
    above, around = faces[lowest >= _NEAR], faces[(lowest < _NEAR) & (highest > -_NEAR)]
    single = vertices.astype(np.float32)
    if not len(around):
        return single, faces
    low = np.float32((vertices[:, 1].min() + below.vertices[:, 1].min()) / 2)
    high = np.float32(max(vertices[:, 1].max(), below.vertices[:, 1].max()) + _NEAR)
    places, closing = _lids(vertices, around, height, low, high)
    places, band, number = compact(places, np.concatenate([around, closing]))
    cutter = ClosedSurface(below.vertices, below.faces, np.zeros((len(below.vertices), 1)))
    cut, _ = from_solid(to_solid(ClosedSurface(places, band, number[:, None])) - to_solid(cutter))
    kept = cut.faces[(cut.vertices[cut.faces, 1] < high).all(1)]  # without the upper walls and lid
    # What the boolean has left where it was is the surface's own vertex.
    own = np.clip(np.round(cut.values[:, 0]), 0, len(vertices) - 1).astype(np.int64)
    found = np.where((cut.vertices == single[own]).all(1), own, len(vertices) + np.arange(len(own)))
    return largest_component(np.concatenate([single, cut.vertices]), np.concatenate([above, found[kept].astype(faces.dtype)]))


def _lids(vertices: np.ndarray, faces: np.ndarray, height: np.ndarray, low: np.float32, high: np.float32) -> tuple[np.ndarray, np.ndarray]:
    """The vertices and further ones, and the faces that close open faces (F, 3): walls along y from their borders to y = low, or high where
    the height (V,) is above 0, and a flat lid there."""
    count = len(vertices)
    start, end = faces.ravel().astype(np.int64), np.roll(faces, -1, axis=1).ravel().astype(np.int64)
    border = ~np.isin(start * count + end, end * count + start)
    start, end = start[border], end[border]
    rim, number = np.unique(np.concatenate([start, end]), return_inverse=True)
    start_there, end_there = count + number.reshape(2, -1)
    up = height[start] > 0
    middle = count + len(rim) + up
    there = vertices[rim]
    there[:, 1] = np.where(height[rim] > 0, high, low)
    x, _, z = there.mean(0)
    closing = [(end, start, start_there), (end, start_there, end_there), (end_there, start_there, middle)]
    closing = np.concatenate([np.stack(three, axis=1) for three in closing]).astype(faces.dtype)
    return np.concatenate([vertices, there, [[x, low, z], [x, high, z]]]), closing
