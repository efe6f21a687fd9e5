"""An egg-shaped head on a column with shoulders, for tests of what hidden parts are of."""

from functools import lru_cache
from types import SimpleNamespace

import numpy as np

from likeness.core.colour.kinds import CLOTHES, HAIR, HAT, KINDS, SKIN, Places, hidden_kinds
from likeness.core.colour.voxel_means import VoxelMeans
from likeness.core.networks.semantic import OFFSET, SCALE
from likeness.core.surface.extract import extract_surface

CHIN, COLLAR, TOP = -0.6, -0.8, 0.5


def shape(points):
    """A skull of 0.4 by 0.55 by 0.5 around (0, 0, -0.4), a neck, and shoulders below."""
    skull = (np.linalg.norm((points - [0, 0, -0.4]) / [0.4, 0.55, 0.5], axis=1) - 1) * 0.4
    neck = np.maximum(np.hypot(points[:, 0], points[:, 2] + 0.45) - 0.25, np.maximum(points[:, 1] + 0.2, -0.95 - points[:, 1]))
    shoulders = np.abs(points - [0, -0.9, -0.45]).max(1, initial=0, where=[False, True, True]) - 0.12
    shoulders = np.maximum(np.maximum(shoulders, np.abs(points[:, 0]) - 0.8), points[:, 1] + 0.78)
    return np.minimum(np.minimum(skull, neck), shoulders).astype(np.float32)


def places_of(points):
    """Scalp above and behind the ears, a bare face and ears before it."""
    scalp = ((points[:, 2] < -0.25) & (points[:, 1] > -0.05) | (points[:, 1] > 0.35)).astype(np.float32)
    bare = ((scalp == 0) & (points[:, 1] > CHIN) & (points[:, 2] > -0.45)).astype(np.float32)
    code = (points * SCALE + OFFSET).clip(0.001, 1).astype(np.float32) * (points[:, 1:2] > -0.7)
    nothing = np.zeros(len(points), np.float32)
    return Places(code, scalp, bare, nothing, nothing)


@lru_cache(maxsize=1)
def made_bust():
    """Its mesh, the cells of its vertices with a point each, and how much a photo from the front shows of these."""
    vertices, faces = extract_surface(shape, None, 128)
    step = 0.01 * np.eye(3, dtype=np.float32)
    normals = np.stack([shape(vertices + one) - shape(vertices - one) for one in step], axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    cells = VoxelMeans.of(vertices, 0.04)
    points = vertices[cells.first]
    weight = ((normals[cells.first][:, 2] > 0.05) & (points[:, 2] > -0.5)).astype(np.float32)
    return SimpleNamespace(vertices=vertices, faces=faces, normals=normals, cells=cells, points=points, weight=weight)


def kinds_where(points, hair, hat=None):
    """Shares of points of which some are hair, those below the collar clothes and the rest skin."""
    kind = np.where(hair, HAIR, np.where(points[:, 1] < COLLAR, CLOTHES, SKIN))
    return np.eye(len(KINDS), dtype=np.float32)[kind if hat is None else np.where(hat, HAT, kind)]


def hidden(bust, seen, weight=None):
    return hidden_kinds(seen, bust.weight if weight is None else weight, places_of(bust.points), bust.points)


def behind(points, low, high):
    return (points[:, 2] < -0.6) & (points[:, 1] > low) & (points[:, 1] < high) & (np.abs(points[:, 0]) < 0.3)


def short(points):
    return (points[..., 1] > 0.05) & (points[..., 2] < -0.2) | (points[..., 1] > 0.35)
