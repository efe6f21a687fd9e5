"""What a closed surface has inside a solid. Only what is around the solid's surface goes through a boolean, whose time grows with it."""

import manifold3d
import numpy as np

from ..geometry.mesh import compact, within
from .extract import largest_component
from .solid import ClosedSurface, from_solid, own_vertices, to_solid

_NEAR = 0.01  # metres from the solid's surface within which faces take part: farther than a curved one leaves the planes of its own faces
_STEPS, _FAR, _BELOW = (0.02, 0.1, 0.4), 2.0, 4.0  # metres of walls outwards; from the centre, outside of any solid; and below that


def trimmed(
    vertices: np.ndarray, faces: np.ndarray, beyond: np.ndarray, solid: manifold3d.Manifold, centre: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The largest part of a closed surface, vertices (V, 3) and faces (F, 3), that lies inside a solid, closed where it was cut.

    All of the solid's surface is seen from its centre (3,); beyond (V,): how far outside it the vertices lie. The faces around it are made
    a closed surface by walls straight to the centre and straight away from it: those never meet the solid's surface, so that all near it
    comes out as if the whole surface had been there. Vertices come back as float32.
    """
    lowest, highest = (choose(choose(beyond[faces[:, 0]], beyond[faces[:, 1]]), beyond[faces[:, 2]]) for choose in (np.minimum, np.maximum))
    inside, around = faces[highest <= -_NEAR], faces[(highest > -_NEAR) & (lowest < _NEAR)]
    single, middle = vertices.astype(np.float32), centre.astype(np.float32)
    if not len(around):
        return single, faces
    places, closing = _closing(vertices, around, beyond, middle)
    places, band, number = compact(places, np.concatenate([around, closing]))
    cut, _ = from_solid(to_solid(ClosedSurface(places, band, number[:, None])) ^ solid)
    kept = cut.faces[within(cut.faces, (cut.vertices != middle).any(1))]
    found = own_vertices(cut, single)[kept].astype(faces.dtype)
    return largest_component(np.concatenate([single, cut.vertices]), np.concatenate([inside, found]))[:2]


def _closing(vertices: np.ndarray, faces: np.ndarray, beyond: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The vertices and further ones, and the faces that close open faces (F, 3): from borders inside to the centre; from those outside,
    away from it, down, and together far below."""
    count = len(vertices)
    start, end = faces.ravel().astype(np.int64), np.roll(faces, -1, axis=1).ravel().astype(np.int64)
    border = ~np.isin(start * count + end, end * count + start)
    start, end = start[border], end[border]
    outside = beyond[start] > 0
    closing = [(end[~outside], start[~outside], np.full((~outside).sum(), count))]
    start, end = start[outside], end[outside]
    rim, number = np.unique(np.concatenate([start, end]), return_inverse=True)
    away = vertices[rim] - centre
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    # Walls in steps: a boolean compares all faces whose boxes meet, and the box of a long slanting wall holds much of the solid.
    rings = [*(vertices[rim] + step * away for step in _STEPS), centre + _FAR * away]
    rings.append(np.column_stack([rings[-1][:, 0], np.full(len(rim), centre[1] - _BELOW), rings[-1][:, 2]]))
    for ring in range(len(rings)):
        following = count + 2 + ring * len(rim) + number.reshape(2, -1)
        closing += [(end, start, following[0]), (end, *following)]
        start, end = following
    closing.append((end, start, np.full(len(start), count + 1)))
    together = np.concatenate([np.stack(three, axis=1) for three in closing]).astype(faces.dtype)
    return np.concatenate([vertices, [centre, centre - [0, _BELOW, 0]], *rings]), together
