"""Whole figures that nobody has generated as evaluation cases, from the front and from behind: held-out avatars, and scanned statues."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from ...core.geometry.mesh import vertex_normals
from ...core.geometry.raster import rasterize
from ...core.models.head import HeadModel
from ...core.models.rotation import rotation_matrix
from ...core.photo.view import Camera
from ...evaluation.case import Case, Truth
from ...evaluation.metrics import occupied_cells
from ..data.samples import SEEDS
from ..humans.avatars import HELD_OUT, Avatars
from .people import Sitter, photographed
from .scans import stone

STATUES = ("athena", "hermes", "eve", "nymph")
YAWS = {"front": 0.0, "back": np.pi}
_SIZE, _FILLED = 1024, 0.8  # pixels a side of the photo, and the figure's share of it
_DISTANCE = 3.5  # metres from the camera to the figure
_WALL = 0.62
_PELVIS = (0.45, 0.6)  # shares of a statue's height between which its trunk's middle is taken for the depth of its root joint
_OVERSAMPLED = 2


def avatar_cases(assets: Path, model: HeadModel) -> Iterator[Case]:
    """Every held-out avatar, each in a pose and colours of its own, from both sides."""
    avatars = Avatars(assets, "evaluation")
    for index, name in enumerate(HELD_OUT):
        for side, yaw in YAWS.items():
            rng = np.random.default_rng([SEEDS["evaluation"], index])  # the same for both sides
            figure = avatars.posed(name, rng, yaw)
            points = np.concatenate([part.vertices for part in figure.parts])
            middle = (points.min(0) + points.max(0)) / 2
            origin = np.array([middle[0], middle[1], figure.pelvis[2]], np.float32)
            parts = [replace(part, vertices=part.vertices - origin) for part in figure.parts]
            sitter = Sitter(parts, figure.rotation, None, {"avatar": name, "yaw": side})
            case = photographed(f"{name}_{side}", sitter, _camera(points - origin), _SIZE, "body", model, rng, 1)
            yield replace(case, metric=False)


def statue_cases(assets: Path) -> Iterator[Case]:
    """Every statue from both sides, in stone."""
    for name in STATUES:
        with np.load(assets / "scans_dev" / f"{name}.npz", allow_pickle=False) as data:
            scan = {key: data[key] for key in ("vertices", "faces", "uv", "faces_uv")}
            watertight, shade = bool(data["watertight"]), str(data["ao_map"])
        hollows = cv2.imread(str(assets / "scans_dev" / shade), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255
        for side, yaw in YAWS.items():
            yield _statue(f"{name}_{side}", scan, hollows, yaw, watertight, {"statue": name, "yaw": side})


def _statue(name: str, scan: dict[str, np.ndarray], hollows: np.ndarray, yaw: float, watertight: bool, labels: dict[str, str]) -> Case:
    turn = rotation_matrix(np.array([0, yaw, 0]))
    vertices, faces = scan["vertices"].astype(np.float64) @ turn.T, scan["faces"].astype(np.int64)
    low, high = vertices.min(0), vertices.max(0)
    share = (vertices[:, 1] - low[1]) / (high[1] - low[1])
    trunk = vertices[(share > _PELVIS[0]) & (share < _PELVIS[1])]
    vertices -= [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, np.median(trunk[:, 2])]
    camera = _camera(vertices)
    photo, mask = _stone_photo(vertices, faces, hollows, scan["uv"][scan["faces_uv"]], camera)
    # Seams of the picture are no borders of the surface.
    places, merged = np.unique(vertices.astype(np.float32), axis=0, return_inverse=True)
    faces = merged.reshape(-1)[faces]
    truth = Truth(places, faces.astype(np.int32), np.zeros(len(places), np.uint8), ("body",), partial=not watertight)
    case = Case(name, photo, "body", truth, camera, mask=mask, rotation=turn, labels=labels, metric=False)
    cells = occupied_cells(case.unit_cube(places), faces) if watertight else None
    return replace(case, truth=replace(truth, cells=cells))


def _camera(points: np.ndarray) -> Camera:
    """Looks at the origin; the points (N, 3) around it fill _FILLED of the photo's longer side."""
    near = Camera((_SIZE / 2, _SIZE / 2), 1.0, _DISTANCE)
    reach = np.abs(near.project(points) - _SIZE / 2).max()
    return replace(near, scale=_FILLED * _SIZE / 2 / float(reach))


def _stone_photo(
    vertices: np.ndarray, faces: np.ndarray, hollows: np.ndarray, corner_uv: np.ndarray, camera: Camera
) -> tuple[np.ndarray, np.ndarray]:
    """Photo (_SIZE, _SIZE, 3) uint8 of stone, darker in its hollows (H, W), and mask (_SIZE, _SIZE) float32, drawn larger."""
    size = _OVERSAMPLED * _SIZE
    flat = camera.project(vertices) * (2 / _SIZE) - 1
    points = np.stack([flat[:, 0], -flat[:, 1], vertices[:, 2]], axis=1).astype(np.float32)
    raster = rasterize(torch.from_numpy(points), torch.from_numpy(faces), size)
    mask, face, weights = raster.mask.numpy(), raster.face.numpy(), raster.barycentric.numpy()
    normals = vertex_normals(vertices.astype(np.float32), faces)
    normal = np.einsum("nic,ni->nc", normals[faces[face[mask]]], weights[mask])
    uv = np.einsum("nic,ni->nc", corner_uv[face[mask]], weights[mask])
    rows = ((1 - uv[:, 1]) * len(hollows)).astype(int).clip(0, len(hollows) - 1)
    columns = (uv[:, 0] * hollows.shape[1]).astype(int).clip(0, hollows.shape[1] - 1)
    picture = np.full((size, size, 3), _WALL, np.float32)
    lit = stone(normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6))
    picture[mask] = lit * hollows[rows, columns][:, None]
    shrink = lambda values: cv2.resize(values, (_SIZE, _SIZE), interpolation=cv2.INTER_AREA)  # noqa: E731
    return np.round(shrink(picture).clip(0, 1) * 255).astype(np.uint8), shrink(mask.astype(np.float32))
