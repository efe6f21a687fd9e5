"""The surface of one field: extracted, rid of spikes and roughness, with the relief of normals. Called once for each field."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..fields.field import Field
from ..geometry.mesh import vertex_normals
from ..progress import Cancel
from .detail import BUNDLED_RELIEF, ReliefStrength, displace_back, displace_front
from .extract import extract_surface
from .smooth import smooth_surface, smoothing_rounds
from .spikes import remove_depth_spikes


@dataclass(frozen=True)
class ReliefMap:
    """Unit normals (S, S, 3) in the field's frame, seen along z, 0 off the subject; mask (S, S) bool: where they are valid; strength: how
    far they are believed against the surface."""

    normals: np.ndarray
    mask: np.ndarray
    strength: ReliefStrength = BUNDLED_RELIEF


def build_surface(
    field: Field, resolution: int, progress: Callable[[float], None] | None = None, cancel: Cancel | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The zero of a field as one closed manifold: vertices (V, 3) float32 in the field's frame, faces (F, 3) int32, outward.

    resolution: cells along the cube [-1, 1]³. progress: called with the finished share. Raises Cancelled and ReconstructionError.
    """
    return extract_surface(field.distance, field.may_contain_surface, resolution, progress, cancel, field.prior_distance)


def add_detail(
    vertices: np.ndarray,
    faces: np.ndarray,
    resolution: int,
    front: ReliefMap | None = None,
    back: ReliefMap | None = None,
    *,
    spikes: bool = False,
) -> np.ndarray:
    """Vertices (V, 3) float32 of `build_surface` at that resolution, without roughness, with the relief of the nearest and the farthest
    surface's normals. spikes: whether what is thin and stands out towards the viewer stays, as a body's fingers before its hip must."""
    vertices = vertices if spikes else remove_depth_spikes(vertices, faces)
    vertices = smooth_surface(vertices, faces, smoothing_rounds(resolution))
    normals = vertex_normals(vertices, faces)
    if front is not None:
        vertices = displace_front(vertices, faces, normals, front.normals, front.mask, front.strength)
    if back is not None:
        vertices = displace_back(vertices, faces, normals, back.normals, back.mask)
    return vertices
