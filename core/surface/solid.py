"""Closed surfaces as solids of manifold3d and back, with values of any quantities on them."""

from dataclasses import dataclass

import manifold3d
import numpy as np

from ..errors import ReconstructionError
from ..geometry.mesh import compact

NOT_MET = "The head or a hand does not meet the body; try another photo, or reconstruct the head alone."


@dataclass(frozen=True)
class ClosedSurface:
    """A closed manifold: vertices (V, 3) metres, faces (F, 3) outward, values (V, C) of any quantities, such as colours."""

    vertices: np.ndarray
    faces: np.ndarray
    values: np.ndarray


def to_solid(surface: ClosedSurface) -> manifold3d.Manifold:
    """With 1 and the values as properties of its vertices, which booleans interpolate. Raises ReconstructionError."""
    properties = np.column_stack([surface.vertices, np.ones(len(surface.vertices)), surface.values]).astype(np.float64)
    solid = manifold3d.Manifold(manifold3d.Mesh64(properties, np.ascontiguousarray(surface.faces, np.uint64)))
    if solid.status() != manifold3d.Error.NoError:
        raise ReconstructionError("The surface of the head or the body is not closed; try another quality setting and report the photo.")
    return solid


def from_solid(solid: manifold3d.Manifold) -> tuple[ClosedSurface, np.ndarray]:
    """A solid's surface and the vertices (N,) whose values are not known: those of cuts. Raises ReconstructionError for an empty one."""
    if solid.is_empty():
        raise ReconstructionError(NOT_MET)
    mesh = solid.to_mesh64()
    properties, faces = np.asarray(mesh.vert_properties), np.asarray(mesh.tri_verts).astype(np.int64)
    # Where meshes were cut, a vertex is stored once for each of them.
    same = np.arange(len(properties))
    same[np.asarray(mesh.merge_from_vert, np.int64)] = np.asarray(mesh.merge_to_vert, np.int64)
    properties, faces, _ = compact(properties.astype(np.float32), same[faces])
    unknown = np.flatnonzero(properties[:, 3] < 0.999)
    return ClosedSurface(properties[:, :3], faces.astype(np.int32), properties[:, 4:]), unknown


def own_vertices(cut: ClosedSurface, vertices: np.ndarray) -> np.ndarray:
    """Of what a boolean has left, whose first values are numbers among vertices (V, 3): those numbers (N,) where nothing has moved, and
    numbers from V on of all others."""
    own = np.clip(np.round(cut.values[:, 0]), 0, len(vertices) - 1).astype(np.int64)
    return np.where((cut.vertices == vertices[own]).all(1), own, len(vertices) + np.arange(len(own)))


def largest_part(solid: manifold3d.Manifold) -> manifold3d.Manifold:
    """The connected part with the largest volume."""
    return max(solid.decompose(), key=lambda part: part.volume())
