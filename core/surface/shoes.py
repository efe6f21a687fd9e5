"""Shoes: the networks' surface has bare feet, round and arched below, with the toes down; a shoe stands flat on a sole wider than itself.

What is brought to the ground is the sole, from above: the toes stay where the photo shows them.
"""

import cv2
import numpy as np
import scipy.sparse as sp

from ..geometry.mesh import adjacency, vertex_normals
from ..geometry.visibility import sample_picture, smoothstep

_SHOD = 0.5  # share of shoe from which on a place is part of one
_LEAST = 50  # vertices of a sole
_UNDER, _SHALLOW = -0.6, 0.08  # the normal's part upwards, and metres above the lowest, up to which a place is a sole's
_LOWEST = 2.0  # percentile of the heights of a sole's plane that is the ground
_STEEPEST, _RAISED = 0.45, 0.08  # slope that a sole is brought down from, and metres
_FADES = (0.0, 0.12)  # metres above the sole over which less and less is brought down
_USUAL = 10.0  # percentile of a sole's heights over its plane that is at the ground
_FLAT, _UNCHANGED = 0.012, 0.05  # metres above the ground below which all is the ground's, and from which on nothing is moved
_BELOW = (-0.7, -0.2)  # the normal's part upwards, from the middle of a sole to its edge: arches are filled
_SOLE = (0.016, 0.026)  # metres above the ground up to which the sole reaches, from its edge to the shoe's
_WIDER = 0.005  # metres by which the sole stands out
_WORN = (0.2, 0.6)  # share of shoe over which it passes into what is above
_STEPS = (1.0, 0.75, 0.5, 0.25, 0.0)  # shares of a shoe's whole move, of which the largest counts that stays in the photo's outline
_BEYOND, _OUTSIDE = 0.015, 0.1  # metres beyond the outline, and share of what is moved, that do not matter
_EVEN, _EVENED = 4, 3  # rounds of smoothing the normals, and the move


def shod(
    vertices: np.ndarray, faces: np.ndarray, shoe: np.ndarray, left: np.ndarray, up: np.ndarray, matte: np.ndarray, half: float
) -> np.ndarray:
    """Vertices (V, 3) float32 of a crop frame's surface whose shoes stand flat on their soles, as far as they stay in the photo's outline.

    shoe (V,) in [0, 1]: where it is worn; left (V,) bool: on which side of the body; up (3,): unit, against gravity; matte (S, S): of the
    crop; half: metres of a crop unit.
    """
    if (shoe > _SHOD).sum() < _LEAST:
        return vertices
    neighbours = adjacency(faces, len(vertices))
    mean = sp.diags(1 / np.asarray(neighbours.sum(1)).ravel()) @ neighbours
    normals = _repeated(mean, vertex_normals(vertices, faces), _EVEN)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    facing, places = normals @ up, vertices.astype(np.float64) * half
    change = np.zeros_like(places)
    spread = max(round(_BEYOND / half * len(matte) / 2), 1)
    allowed = cv2.dilate(matte, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * spread + 1,) * 2))
    for side in (left, ~left):
        own = side & (shoe > _SHOD)
        height = places @ up - (places[own] @ up).min(initial=np.inf)
        sole = own & (facing < _UNDER) & (height < _SHALLOW)
        if sole.sum() < _LEAST:
            continue
        raised = _raised(places, up, height, sole)
        above = height - np.percentile((height - raised)[sole], _USUAL)
        down = raised * (1 - smoothstep(above - raised, *_FADES))
        above = above - down
        low = np.clip((above - _FLAT) * _UNCHANGED / (_UNCHANGED - _FLAT), 0, np.abs(above)) * smoothstep(facing, *_BELOW)
        down += np.where(above < _UNCHANGED, above - low, 0)
        wider = _WIDER * (1 - smoothstep(low, *_SOLE))
        worn = side * smoothstep(shoe, *_WORN) * (1 - smoothstep(height, _SHALLOW, 2 * _SHALLOW))
        move = worn[:, None] * (wider[:, None] * (normals - np.outer(facing, up)) - np.outer(down, up))
        move = _repeated(mean, move, _EVENED) / half
        moved = own & (np.linalg.norm(move, axis=1) * half > _WIDER)
        change += _within(vertices[moved], move[moved], allowed) * move
    return (vertices + change).astype(np.float32)


def _raised(places: np.ndarray, up: np.ndarray, height: np.ndarray, sole: np.ndarray) -> np.ndarray:
    """Metres (V,) by which the plane of a sole (V,) bool, at its height (V,), is above the ground under places (V, 3), metres."""
    across = np.column_stack([places - np.outer(places @ up, up), np.ones(len(places))])
    slope = np.linalg.lstsq(across[sole], height[sole], rcond=None)[0]
    slope[:3] *= min(1.0, _STEEPEST / max(float(np.linalg.norm(slope[:3])), 1e-9))
    plane = across @ slope
    return np.clip(plane - np.percentile(plane[sole], _LOWEST), 0, _RAISED)


def _within(vertices: np.ndarray, move: np.ndarray, allowed: np.ndarray) -> float:
    """The largest of _STEPS by which vertices (N, 3), crop frame, may move (N, 3) inside a mask (S, S) of the crop."""
    for step in _STEPS:
        if len(vertices) and (sample_picture(allowed, (vertices + step * move).astype(np.float32)) < 0.5).mean() < _OUTSIDE:
            return step
    return 0.0


def _repeated(matrix: sp.csr_matrix, values: np.ndarray, times: int) -> np.ndarray:
    for _ in range(times):
        values = matrix @ values
    return values
