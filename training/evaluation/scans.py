"""Development scans as evaluation cases: placed by the landmarks of a frontal rendering, then drawn as photos from given sides."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from ...core.geometry.mesh import vertex_normals
from ...core.geometry.raster import rasterize
from ...core.models.fit import fit_head
from ...core.models.head import HeadModel
from ...core.models.observation import Observation
from ...core.models.rotation import rotation_matrix
from ...core.photo.faces import MediaPipeDetector
from ...core.photo.framing import HEAD
from ...core.photo.intake import Intake
from ...core.photo.view import Camera
from ...evaluation.align import align_points
from ...evaluation.case import Case, Truth

HEADS = ("james", "demosthenes", "nymph_bust")
YAWS = (0, 30, -30, 60)
REGIONS = ("other", "face", "ears", "hair", "neck", "back", "clothes", "body")
SIZE = 1024
_CAMERA = Camera((SIZE / 2, 0.46 * SIZE), 1900.0, 1.4)
_BACKGROUND, _STONE = 0.62, np.array([0.72, 0.69, 0.64])
_KEY, _FILL = np.array([-0.45, 0.55, 0.7]), np.array([0.8, 0.1, 0.45])
BACK = -0.11  # metres before the eyes' joints, head frame: what lies behind is the back of the head
_NEAR = 0.03


@dataclass(frozen=True)
class Scan:
    """A head in the camera frame (origin between the eyes' joints, metres): vertices (V, 3), faces (F, 3), the picture (H, W, 3) in [0, 1]
    and its corner_uv (F, 3, 2), or None for stone; landmarks (468, 3); rotation (3, 3) of the head; region (V,)."""

    name: str
    vertices: np.ndarray
    faces: np.ndarray
    texture: np.ndarray | None
    corner_uv: np.ndarray | None
    landmarks: np.ndarray
    rotation: np.ndarray
    region: np.ndarray
    partial: bool
    metric: bool


def scan_cases(assets: Path, model: HeadModel) -> Iterator[Case]:
    """Every head from every yaw, degrees to the person's left."""
    intake = Intake(MediaPipeDetector())
    for name in HEADS:
        scan = load_scan(assets / "scans_dev", name, model, intake)
        for yaw in YAWS:
            yield _case(scan, yaw)


def load_scan(folder: Path, name: str, model: HeadModel, intake: Intake) -> Scan:
    """Read and place one. Stone heads, whose size nobody knows, are scaled so that the fitted eyes' joints are 63 mm apart."""
    with np.load(folder / f"{name}.npz", allow_pickle=False) as data:
        vertices, faces = data["vertices"].astype(np.float64), data["faces"].astype(np.int64)
        chin, crown = data["chin_crown_y"].tolist()
        file = str(data["texture"])
        corner_uv = data["uv"][data["faces_uv"]] if file else None
        partial = not bool(data["watertight"])
    texture = cv2.imread(str(folder / file))[..., ::-1].astype(np.float32) / 255 if file else None
    # Seams of the picture are no borders of the surface.
    vertices, merged = np.unique(vertices, axis=0, return_inverse=True)
    faces = merged.reshape(-1)[faces]
    near = np.abs(vertices[:, 1] - (chin + crown) / 2) < (crown - chin) / 2
    middle = (vertices[near].min(0) + vertices[near].max(0)) / 2
    vertices -= [middle[0], chin + 0.55 * (crown - chin), middle[2]]
    scan = Scan(name, vertices, faces, texture, corner_uv, np.zeros((468, 3)), np.eye(3), np.zeros(len(vertices)), partial, True)
    photo, depth = _photo(scan, vertices, Camera(_CAMERA.centre, 1900.0))
    view = intake.view(photo, name)
    fit = fit_head(model, Observation.of(view))
    column, row = view.mesh[:, 0], view.mesh[:, 1]
    height = depth[row.astype(int).clip(0, SIZE - 1), column.astype(int).clip(0, SIZE - 1)]
    lifted = np.stack([(column - _CAMERA.centre[0]) / 1900.0, (_CAMERA.centre[1] - row) / 1900.0, height], axis=1)
    hit = np.isfinite(height)
    mine = model.mediapipe.on(fit.vertices)
    motion = align_points(mine[hit], lifted[hit], scaled=True)
    lifted[~hit] = motion(mine[~hit])
    metric = texture is not None
    scale = 1.0 if metric else 1 / motion.scale
    place = lambda points: (points - motion.translation) * scale  # noqa: E731
    rotation = motion.rotation @ fit.rotation
    solid = place(motion(fit.closed_vertices))
    placed = place(vertices)
    region = label_regions(model, solid, placed, rotation)
    return Scan(name, placed, faces, texture, corner_uv, place(lifted), rotation, region, partial, metric)


def label_regions(model: HeadModel, solid: np.ndarray, points: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Index into REGIONS (N,) of points (N, 3) by the nearest place of a posed bust (Vs, 3); the scalp is called hair."""
    from scipy.spatial import cKDTree

    distance, near = cKDTree(solid).query(points)
    masks = np.stack([model.closed_region(name) for name in ("face", "ears", "scalp", "neck")])[:, near]
    region = np.where(masks.max(0) > 0.5, masks.argmax(0) + 1, REGIONS.index("body"))
    # Far from the bald head there is hair above and cloth below.
    neck = solid[model.closed_region("neck") > 0.5][:, 1].mean()
    far = (distance > _NEAR) | (region == REGIONS.index("body"))
    region[far] = np.where(points[far, 1] > neck, REGIONS.index("hair"), REGIONS.index("other"))
    behind = (points @ rotation)[:, 2] < BACK
    region[behind & (region == REGIONS.index("hair"))] = REGIONS.index("back")
    return region.astype(np.uint8)


def _case(scan: Scan, yaw: float) -> Case:
    turn = rotation_matrix(np.array([0, np.radians(yaw), 0]))
    vertices, landmarks = scan.vertices @ turn.T, scan.landmarks @ turn.T
    photo, depth = _photo(scan, vertices, _CAMERA)
    inside = np.abs(HEAD.to_crop(vertices, _CAMERA)).max(1) < 1.2
    faces = scan.faces[inside[scan.faces].all(1)]
    truth = Truth(vertices.astype(np.float32), faces.astype(np.int32), scan.region, REGIONS, partial=scan.partial)
    return Case(
        f"{scan.name}_{yaw:+d}", photo, truth=truth, camera=_CAMERA, landmarks=landmarks,
        landmark_pixels=_CAMERA.project(landmarks), mask=np.isfinite(depth).astype(np.float32), rotation=turn @ scan.rotation,
        labels={"scan": scan.name, "yaw": str(abs(yaw))}, metric=scan.metric,
    )  # fmt: skip


def _photo(scan: Scan, vertices: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Picture (SIZE, SIZE, 3) uint8 before a plain wall and depth (SIZE, SIZE) metres, -inf outside, drawn at twice the size."""
    flat = camera.project(vertices) * (2 / SIZE) - 1
    points = np.stack([flat[:, 0], -flat[:, 1], vertices[:, 2]], axis=1).astype(np.float32)
    raster = rasterize(torch.from_numpy(points), torch.from_numpy(scan.faces), 2 * SIZE)
    mask, face, weights = raster.mask.numpy(), raster.face.numpy(), raster.barycentric.numpy()
    picture = np.full((2 * SIZE, 2 * SIZE, 3), _BACKGROUND, np.float32)
    if scan.texture is None or scan.corner_uv is None:
        normals = vertex_normals(vertices, scan.faces)
        normal = np.einsum("nic,ni->nc", normals[scan.faces[face[mask]]], weights[mask])
        picture[mask] = stone(normal / np.linalg.norm(normal, axis=1, keepdims=True))
    else:
        uv = np.einsum("nic,ni->nc", scan.corner_uv[face[mask]], weights[mask]).astype(np.float32)
        height, width = scan.texture.shape[:2]
        column, row = uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5
        # remap takes pictures of at most 32767 pixels a side.
        parts = [cv2.remap(scan.texture, a[:, None], b[:, None], cv2.INTER_LINEAR) for a, b in _chunks(column, row)]
        picture[mask] = np.concatenate(parts)[:, 0]
    picture = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return np.round(picture.clip(0, 1) * 255).astype(np.uint8), raster.depth.numpy()[::2, ::2]


def _chunks(*arrays: np.ndarray) -> Iterator[list[np.ndarray]]:
    for start in range(0, len(arrays[0]), 32_000):
        yield [array[start : start + 32_000] for array in arrays]


def stone(normals: np.ndarray) -> np.ndarray:
    """sRGB (N, 3) of pale stone under a soft key from the upper left and a weak fill."""
    wrapped = lambda light: (normals @ (light / np.linalg.norm(light)) * 0.6 + 0.4).clip(0, 1)  # noqa: E731
    light = 0.12 + 0.75 * wrapped(_KEY) + 0.18 * wrapped(_FILL)
    return (light[:, None] * _STONE).clip(0, 1) ** (1 / 1.6)
