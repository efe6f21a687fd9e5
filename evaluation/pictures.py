"""Pictures of meshes from fixed sides by the software rasteriser: normals, colours, clay, and what is measured on them."""

from functools import partial

import numpy as np
import torch
from skimage.metrics import structural_similarity

from ..core.geometry.mesh import vertex_normals
from ..core.geometry.raster import interpolate, rasterize
from ..core.photo.framing import HEAD
from .case import Case
from .metrics import MeasuredTruth

COLOUR_YAWS = (0, 45, -45, 90, -90, 180)
NORMAL_YAWS = (0, 90, 180, 270)
SIZE = 512
_BLANK = 0.5
_CLAY = np.array([0.80, 0.78, 0.76], np.float32)
_LIGHT = np.array([-0.45, 0.55, 0.70], np.float32)
_LEAST = 500  # pixels; fewer say nothing


def side_view(case: Case, points: np.ndarray, yaw: float) -> np.ndarray:
    """Camera-frame points (N, 3) in a crop frame ([-1, 1], z towards the viewer) that sees the upright subject turned by yaw degrees."""
    turned = points if case.rotation is None else points @ case.rotation
    if case.subject == "head" or case.truth is None:
        centre, half = np.array(HEAD.centre), HEAD.half
    else:
        own = case.truth.vertices if case.rotation is None else case.truth.vertices @ case.rotation
        low, high = own.min(0), own.max(0)
        centre, half = (low + high) / 2, 0.55 * float((high - low).max())
    angle = np.radians(yaw)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    return ((turned - centre) / half @ turn.T).astype(np.float32)


def draw(points: np.ndarray, faces: np.ndarray, attributes: np.ndarray, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Vertex attributes (V, C) of a mesh in a crop frame as (size, size, C) float32, and what it covers (size, size) bool."""
    triangles = torch.from_numpy(np.asarray(faces, np.int64))
    raster = rasterize(torch.from_numpy(np.ascontiguousarray(points, np.float32)), triangles, size)
    return interpolate(raster, triangles, torch.from_numpy(np.asarray(attributes, np.float32))).numpy(), raster.mask.numpy()


def clay(points: np.ndarray, faces: np.ndarray, size: int, background: float = 0.93) -> np.ndarray:
    """(size, size, 3) in [0, 1]: the shape under one soft light."""
    normals, mask = draw(points, faces, vertex_normals(points, faces), size)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
    lit = 0.15 + 0.85 * ((normals @ (_LIGHT / np.linalg.norm(_LIGHT))) * 0.5 + 0.5) ** 1.5
    return np.where(mask[..., None], lit[..., None] * _CLAY, background).astype(np.float32)


def judged_faces(case: Case, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The faces whose corners all count."""
    return faces[case.judged(vertices)[faces].all(1)]


def _true_faces(truth: MeasuredTruth) -> np.ndarray:
    return truth.once(("faces",), lambda: judged_faces(truth.case, truth.truth.vertices, truth.truth.faces))


def normal_error(truth: MeasuredTruth, vertices: np.ndarray, faces: np.ndarray) -> float:
    """Mean over four sides of the squared difference of normals coded in [0, 1]^3, summed over channels, within both outlines' union."""
    case, errors = truth.case, []

    def seen(points: np.ndarray, faces: np.ndarray, yaw: float) -> tuple[np.ndarray, np.ndarray]:
        turned = side_view(case, points, yaw)
        picture, mask = draw(turned, faces, vertex_normals(turned, faces))
        return picture / np.maximum(np.linalg.norm(picture, axis=-1, keepdims=True), 1e-6), mask

    faces = judged_faces(case, vertices, faces)
    for yaw in NORMAL_YAWS:
        true = truth.once(("normals", yaw), partial(seen, truth.truth.vertices, _true_faces(truth), yaw))
        pictures, masks = zip(true, seen(vertices, faces, yaw), strict=True)
        union = masks[0] | masks[1]
        if union.any():
            errors.append((((pictures[0] - pictures[1]) / 2) ** 2).sum(-1)[union].mean())
    return float(np.mean(errors)) if errors else float("nan")


def colour_errors(truth: MeasuredTruth, vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray) -> dict[str, float]:
    """PSNR (dB) and SSIM (Gaussian window, sigma 1.5, range 1) over six sides where both meshes are seen, what the photo shows and what it
    hides apart. vertices (V, 3) camera frame, colours (V, 3) sRGB in [0, 1]. Empty when the truth has no colours."""
    case = truth.case
    if truth.truth.colours is None:
        return {}
    mine = np.concatenate([truth.truth.colours.astype(np.float32) / 255, truth.observed[:, None]], axis=1)
    its_faces = judged_faces(case, vertices, faces)
    squared: dict[str, list[np.ndarray]] = {"observed": [], "hidden": []}
    similar: dict[str, list[np.ndarray]] = {"observed": [], "hidden": []}
    for yaw in COLOUR_YAWS:
        points = side_view(case, truth.truth.vertices, yaw)
        first, mask = truth.once(("colours", yaw), partial(draw, points, _true_faces(truth), mine))
        second, other = draw(side_view(case, vertices, yaw), its_faces, colours)
        both = mask & other
        a, b = (np.where(both[..., None], picture[..., :3], _BLANK) for picture in (first, second))
        local = structural_similarity(
            a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.0, channel_axis=-1, full=True
        )[1]
        for name, chosen in (("observed", both & (first[..., 3] > 0.5)), ("hidden", both & (first[..., 3] <= 0.5))):
            squared[name].append(((a - b) ** 2).mean(-1)[chosen])
            similar[name].append(local.mean(-1)[chosen])
    row = {}
    for name in squared:
        error, likeness = np.concatenate(squared[name]), np.concatenate(similar[name])
        if len(error) >= _LEAST:
            row[f"psnr_{name}"] = float(-10 * np.log10(max(error.mean(), 1e-10)))
            row[f"ssim_{name}"] = float(likeness.mean())
    return row
