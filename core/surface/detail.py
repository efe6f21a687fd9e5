"""Relief from normal maps: the nearest and farthest surface move along the viewing rays until their slopes agree (Nehab et al. 2005)."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.ndimage import distance_transform_edt

from ..geometry.solve import solve_positive
from ..geometry.visibility import depth_picture, sample_picture, smoothstep, visibility

_STEEPEST = 0.12  # smallest z of a normal that is believed: a slope of 83 degrees
_CUT = 0.04  # crop units (8 mm) by which neighbouring depths may disagree with their normals before they count as separate surfaces
_RIM, _EDGE = 0.03, 0.06  # crop units from the outline and from depth edges over which the relief fades in
_GRAZING = (0.0, 0.2)  # z of the surface's normal over which it fades in: small steps must move with what they join
_THINNEST = 0.4  # share of the distance to the surface's back that the front may be moved inwards


@dataclass(frozen=True)
class ReliefStrength:
    """How far normals are believed against the surface that they bend. scale: wavelength in crop units below which they win. clamp: largest
    change in crop units, approached smoothly."""

    scale: float
    clamp: float


BUNDLED_RELIEF = ReliefStrength(0.5, 0.02)
"""For the bundled network, whose normals lean on the fitted head: in bends longer than 10 cm they are no better than the surface."""
OWN_RELIEF = ReliefStrength(1.5, 0.05)
"""For a network of the user's own: true normals mend bends of up to 30 cm too, which takes faces 0.2 to 0.6 mm nearer to the truth."""
_BACK_RELIEF = ReliefStrength(0.3, 0.015)  # what is behind is a guess


def integrate_normals(depth: np.ndarray, normals: np.ndarray, mask: np.ndarray, strength: ReliefStrength = BUNDLED_RELIEF) -> np.ndarray:
    """Depth (S, S) whose slopes follow the normals and whose large shape stays: a screened Poisson problem on the mask.

    depth (S, S): z in crop units, used where mask (S, S) bool; normals (S, S, 3): unit, crop frame, row 0 at the top.
    Pairs of pixels whose depths jump against their normals are not tied, so that separate surfaces stay apart.
    """
    size = len(depth)
    pixel = 2 / size
    rows, columns = np.nonzero(mask)
    count = len(rows)
    if not count:
        return depth.copy()
    number = np.full(mask.shape, -1)
    number[rows, columns] = np.arange(count)
    depth_known = np.where(mask, depth, 0).astype(np.float64)
    steep = np.maximum(normals[..., 2], _STEEPEST).astype(np.float64)
    slopes = {1: -normals[..., 0] / steep, 0: normals[..., 1] / steep}  # along columns and rows; rows grow downwards
    right = np.zeros(count)
    links = sp.csr_matrix((count, count))
    for axis, slope in slopes.items():
        here = (slice(None), slice(None, -1)) if axis else (slice(None, -1), slice(None))
        there = (slice(None), slice(1, None)) if axis else (slice(1, None), slice(None))
        tied = mask[here] & mask[there]
        # What the normals ask of the step between two pixels beyond the step that is there.
        error = (pixel * (slope[here] + slope[there]) / 2 - (depth_known[there] - depth_known[here]))[tied]
        weight = (np.exp(-((error / _CUT) ** 2)) * np.minimum(steep[here], steep[there])[tied]) ** 2
        start, end = number[here][tied], number[there][tied]
        right += np.bincount(end, weight * error, count) - np.bincount(start, weight * error, count)
        links = links + sp.csr_matrix((weight, (start, end)), shape=(count, count))
    links = (links + links.T).tocsr()
    screening = (2 * np.pi * pixel / strength.scale) ** 2
    matrix = (sp.diags(np.asarray(links.sum(1)).ravel() + screening) - links).tocsr()
    clusters = np.unique(rows // 8 * size + columns // 8, return_inverse=True)[1]
    change = solve_positive(matrix, right[:, None], clusters, tolerance=1e-3)[:, 0]
    result = depth.copy()
    result[mask] += (strength.clamp * np.tanh(change / strength.clamp)).astype(depth.dtype)
    return result


def displace_front(
    vertices: np.ndarray,
    faces: np.ndarray,
    vertex_normals: np.ndarray,
    normals_map: np.ndarray,
    mask: np.ndarray,
    strength: ReliefStrength = BUNDLED_RELIEF,
) -> np.ndarray:
    """Vertices (V, 3) float32 with the visible ones moved along z so that the surface follows a normal map.

    vertices (V, 3), their unit normals (V, 3) and the map's normals (S, S, 3) in the crop frame; mask (S, S) bool: where the map is valid.
    The change fades to nothing towards silhouettes, depth edges, grazing surface and thin parts. Positions in the picture stay, so no
    visible face can turn over and the silhouette does not move.
    """
    before = depth_picture(vertices, faces, len(mask), thickness=True)
    assert before.thickness is not None
    length = np.linalg.norm(normals_map, axis=2)
    valid = before.mask & mask & (length > 0.5)
    unit = normals_map / np.maximum(length, 1e-6)[..., None]
    depth = np.where(valid, before.depth, 0)
    change = np.where(valid, integrate_normals(depth, unit, valid, strength) - depth, 0)
    change = np.maximum(change, -_THINNEST * np.where(valid, before.thickness, 0))
    edge = np.zeros_like(valid)
    for axis in (0, 1):
        jump = valid & (np.roll(valid, -1, axis) & (np.abs(np.roll(depth, -1, axis) - depth) > _CUT))
        edge |= jump | np.roll(jump, 1, axis)
    fade = _from_border(valid, _RIM) * _from_border(valid & ~edge, _EDGE)
    share = visibility(vertices, vertex_normals, before.depth) * smoothstep(vertex_normals[:, 2], *_GRAZING)
    moved = np.array(vertices, np.float32)
    moved[:, 2] += share * sample_picture((change * fade).astype(np.float32), vertices)
    return moved


def displace_back(
    vertices: np.ndarray, faces: np.ndarray, vertex_normals: np.ndarray, normals_map: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """`displace_front` for the farthest surface and a map of its normals, seen through the head: rows and columns are the front's."""
    mirror = np.array([1, 1, -1], np.float32)
    turned = vertices * mirror, faces[:, [0, 2, 1]], vertex_normals * mirror
    return displace_front(*turned, normals_map * mirror, mask, _BACK_RELIEF) * mirror


def _from_border(mask: np.ndarray, width: float) -> np.ndarray:
    """(S, S) from 0 at the mask's border to 1 at `width` crop units inside it."""
    pixel = 2 / len(mask)
    return smoothstep(distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] * pixel, pixel, width)
