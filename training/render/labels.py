"""Exact labels of a person's shape: signed distances and colours at points, from layered depth and surface samples."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree

from ...core.geometry.mesh import face_normals
from ...core.geometry.raster import LayeredDepth
from ..humans.person import Person
from .buffers import SUPERSAMPLED, Layers

_STEP = 0.006  # crop units from a surface sample to the two points that tell whether it bounds the union
_SAMPLES = 60_000


@dataclass(frozen=True)
class SurfaceSamples:
    """Points on the outer surface of the union, crop frame: position (N, 3), normal (N, 3) outward, albedo (N, 3) linear, colour_valid."""

    position: np.ndarray
    normal: np.ndarray
    albedo: np.ndarray
    colour_valid: np.ndarray


def inside(depth: LayeredDepth, points: np.ndarray) -> np.ndarray:
    """(N,) bool: is a crop-frame point inside the union? x and y snap to the nearest pixel centre of the layered depth."""
    cell = np.floor((points[:, :2] * [1, -1] + 1) * (SUPERSAMPLED / 2)).astype(np.int64).clip(0, SUPERSAMPLED - 1)
    pixel = torch.from_numpy(cell[:, 1] * SUPERSAMPLED + cell[:, 0])
    return depth.winding(pixel, torch.from_numpy(points[:, 2].astype(np.float32))).abs().numpy() > 0.5


def surface_samples(person: Person, scene: Layers, depth: LayeredDepth, rng: np.random.Generator) -> SurfaceSamples:
    """Uniform samples of the outer surface inside the crop cube."""
    columns: list[list[np.ndarray]] = [[], [], [], []]
    solids = [i for i, part in enumerate(scene.parts) if part.solid]
    areas = [np.linalg.norm(face_normals(scene.vertices[i], scene.parts[i].faces), axis=1).astype(np.float64) for i in solids]
    within = [(np.abs(scene.vertices[i][scene.parts[i].faces].mean(1)) < 1.03).all(1) for i in solids]
    areas = [area * mask for area, mask in zip(areas, within, strict=True)]
    total = sum(area.sum() for area in areas)
    for i, area in zip(solids, areas, strict=True):
        count = int(_SAMPLES * area.sum() / total)
        if not count:
            continue
        part, vertices = scene.parts[i], scene.vertices[i]
        face = np.minimum(np.searchsorted(np.cumsum(area) / area.sum(), rng.random(count)), len(area) - 1)
        root, other = np.sqrt(rng.random(count)), rng.random(count)
        barycentric = np.stack([1 - root, root * (1 - other), root * other], axis=1).astype(np.float32)
        position = np.einsum("nij,ni->nj", vertices[part.faces[face]], barycentric)
        normal = np.einsum("nij,ni->nj", scene.normals[i][part.faces[face]], barycentric)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
        outer = ~inside(depth, position + _STEP * normal) & inside(depth, position - _STEP * normal)
        face, barycentric = face[outer], barycentric[outer]
        valid = person.material(part, face) != 3
        for column, values in zip(columns, (position[outer], normal[outer], person.albedo(part, face, barycentric), valid), strict=True):
            column.append(values)
    return SurfaceSamples(*(np.concatenate(column) for column in columns))


def signed_distance(surface: SurfaceSamples, depth: LayeredDepth, points: np.ndarray) -> np.ndarray:
    """(N,) signed distance in crop units, negative inside.

    Magnitude: to the tangent plane of the nearest sample where the point projects near it, else to the sample.
    Sign: layered depth, except within one pixel of the surface where the snapped column could miss and the plane decides.
    """
    distance, nearest = cKDTree(surface.position).query(points, workers=1)
    offset = points - surface.position[nearest]
    height = np.einsum("ij,ij->i", offset, surface.normal[nearest])
    sideways = np.sqrt(np.maximum(distance**2 - height**2, 0))
    magnitude = np.where(sideways < 0.015, np.abs(height), distance)
    sign = np.where(inside(depth, points), -1.0, 1.0)
    near = (np.abs(height) < 0.008) & (sideways < 0.012)
    return (np.where(near, np.sign(height), sign) * magnitude).astype(np.float32)


def query_points(surface: SurfaceSamples, prior: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Training points (count, 3): half close to the surface, the rest wider, around the prior's vertices (V, 3) and uniform."""
    shares = [int(count * share) for share in (0.5, 0.2, 0.12)]
    pick = lambda source, n, sigma: source[rng.integers(0, len(source), n)] + rng.normal(0, sigma, (n, 3))  # noqa: E731
    groups = [
        pick(surface.position, shares[0], 0.022),
        pick(surface.position, shares[1], 0.08),
        pick(prior, shares[2], 0.04),
        rng.uniform(-1, 1, (count - sum(shares), 3)),
    ]
    points = np.clip(np.concatenate(groups), -0.999, 0.999).astype(np.float32)
    return points[rng.permutation(count)]
