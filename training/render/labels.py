"""Exact labels of a scene's shape: signed distances, colours and correspondences at points, from layered depth and surface samples.

The labelled solid is the union of the closed pieces, with the air between locks of hair filled (hull.py).

The same PyTorch on CPU and CUDA; random numbers come from NumPy on the CPU, so that both draw the same points.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch.nn import functional as F

from .scene import Scene

_STEP = 0.006  # crop units from a surface sample to the two points that tell whether it bounds the union
_SAMPLES = 60_000


@dataclass(frozen=True)
class SurfaceSamples:
    """Points on the outer surface of the solid, crop frame: position (N, 3), normal (N, 3) outward, correspondence (N, 3); face (N,)
    and barycentric (N, 3) say where they lie, or what lies nearest, for the scene to paint those that are wanted."""

    position: torch.Tensor
    normal: torch.Tensor
    correspondence: torch.Tensor
    face: torch.Tensor
    barycentric: torch.Tensor


def inside(scene: Scene, points: torch.Tensor) -> torch.Tensor:
    """(N,) bool: is a crop-frame point inside the solid? x and y snap to the nearest pixel centre of the layered depth."""
    size = scene.pieces.size
    column = ((points[:, 0] + 1) * (size / 2)).long().clamp(0, size - 1)
    row = ((1 - points[:, 1]) * (size / 2)).long().clamp(0, size - 1)
    return (scene.depth.winding(row * size + column, points[:, 2].contiguous()).abs() > 0.5) | scene.hull.inside(points)


def surface_samples(scene: Scene, rng: np.random.Generator, count: int = _SAMPLES) -> SurfaceSamples:
    """Uniform samples of the outer surface inside the crop cube; fewer than count, by those that lie within the solid."""
    corners = scene.vertices[scene.faces]
    cross = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    within = (corners.mean(1).abs() < 1.03).all(1) & scene.solid[scene.part]
    area = torch.cumsum(cross.norm(dim=1).double() * within, 0)
    draw = torch.from_numpy(rng.random((3, count)).astype(np.float32)).to(corners.device)
    face = torch.searchsorted(area, draw[0].double() * area[-1]).clamp(max=len(area) - 1)
    root, other = draw[1].sqrt(), draw[2]
    barycentric = torch.stack([1 - root, root * (1 - other), root * other], dim=1)
    position = scene.interpolate(scene.vertices, face, barycentric)
    normal = F.normalize(scene.interpolate(scene.normals, face, barycentric), dim=1, eps=1e-6)
    outer = torch.nonzero(~inside(scene, position + _STEP * normal) & inside(scene, position - _STEP * normal))[:, 0]
    position, normal, face, barycentric = position[outer], normal[outer], face[outer], barycentric[outer]
    more = torch.from_numpy(rng.random((4, count)).astype(np.float32)).to(corners.device)
    bridging, outward = scene.hull.samples(more, count / (0.5 * float(area[-1])))
    if len(bridging):
        _, nearest = _nearest(bridging, position)
        position, normal = torch.cat([position, bridging]), torch.cat([normal, outward])
        face, barycentric = torch.cat([face, face[nearest]]), torch.cat([barycentric, barycentric[nearest]])
    return SurfaceSamples(position, normal, scene.interpolate(scene.correspondence, face, barycentric), face, barycentric)


def signed_distance(scene: Scene, surface: SurfaceSamples, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Signed distance (N,) in crop units, negative inside, and the index (N,) of the nearest surface sample.

    Magnitude: to the tangent plane of the nearest sample where the point projects near it, else to the sample.
    Sign: layered depth, except within one pixel of the surface where the snapped column could miss and the plane decides.
    """
    distance, nearest = _nearest(points, surface.position)
    offset = points - surface.position[nearest]
    height = (offset * surface.normal[nearest]).sum(1)
    sideways = (distance**2 - height**2).clamp(min=0).sqrt()
    magnitude = torch.where(sideways < 0.015, height.abs(), distance)
    sign = torch.where(inside(scene, points), -1.0, 1.0)
    near = (height.abs() < 0.008) & (sideways < 0.012)
    return torch.where(near, height.sign(), sign) * magnitude, nearest


def _nearest(points: torch.Tensor, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Distance (N,) and index (N,) of the nearest sample: a k-d tree on the CPU, all pairs in chunks on a GPU."""
    if points.device.type == "cpu":
        distance, index = cKDTree(samples.numpy()).query(points.numpy())
        return torch.from_numpy(distance.astype(np.float32)), torch.from_numpy(index)
    found = [torch.cdist(chunk, samples).min(1) for chunk in points.split(2048)]
    return torch.cat([chunk.values for chunk in found]), torch.cat([chunk.indices for chunk in found])


def query_points(surface: SurfaceSamples, prior: np.ndarray, count: int, rng: np.random.Generator) -> torch.Tensor:
    """Training points (count, 3): half close to the surface, the rest wider, around the prior's vertices (V, 3) and uniform."""
    shares = [int(count * share) for share in (0.5, 0.2, 0.12)]
    device = surface.position.device
    there = lambda array: torch.from_numpy(np.asarray(array, np.float32)).to(device)  # noqa: E731

    def around(source: torch.Tensor, n: int, sigma: float) -> torch.Tensor:
        picked = torch.from_numpy(rng.integers(0, len(source), n)).to(device)
        return source[picked] + there(rng.normal(0, sigma, (n, 3)))

    groups = [
        around(surface.position, shares[0], 0.022),
        around(surface.position, shares[1], 0.08),
        around(there(prior), shares[2], 0.04),
        there(rng.uniform(-1, 1, (count - sum(shares), 3))),
    ]
    order = torch.from_numpy(rng.permutation(count)).to(device)
    return torch.cat(groups).clamp(-0.999, 0.999)[order]
