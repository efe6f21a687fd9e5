"""A sheet of rigged heads: python benchmarks/rig_pictures.py OUTPUT.jpg RESULT.npz ...

Each result, as Result.save writes it, is one row: the photo, reconstructed mesh, then the rigged head neutral, smiling, with its jaw turned
open, eyes closed, looking aside, and its neck turned.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from likeness.core.geometry.mesh import vertex_normals
from likeness.core.geometry.raster import interpolate, rasterize
from likeness.core.models.joints import JAW, LEFT_EYE, NECK, RIGHT_EYE
from likeness.core.models.rotation import rotation_matrix
from likeness.core.photo.crop import crop_picture
from likeness.core.photo.framing import HEAD
from likeness.core.result import Result
from likeness.core.topology.rigged import RiggedHead

_WIDTH, _FINER = 200, 2
_TURN = -0.35  # radians of the view, so that depth shows
_CENTRE, _HALF = np.array([0, 0.11, 0.06]), 0.19  # metres above the neck joint
_LIGHT = np.array([0.35, 0.5, 0.79])
_GREY = np.full((2, 2, 3), 200, np.uint8)


def poses(rigged: RiggedHead) -> list[tuple[np.ndarray, np.ndarray]]:
    """Key values (52,) and joint rotations (5, 3) of the columns."""

    def keys(*names: str) -> np.ndarray:
        return np.array([float(name.startswith(names)) for name in rigged.key_names]) if names else np.zeros(len(rigged.key_names))

    def turned(*turns: tuple[int, float, float]) -> np.ndarray:
        rotations = np.zeros((5, 3))
        for joint, pitch, yaw in turns:
            rotations[joint, :2] = pitch, yaw
        return rotations

    return [
        (keys(), turned()),
        (keys("mouthSmile"), turned()),
        (keys(), turned((JAW, 0.3, 0))),
        (keys("eyeBlink"), turned()),
        (keys(), turned((LEFT_EYE, 0, 0.5), (RIGHT_EYE, 0, 0.5))),
        (keys(), turned((NECK, 0.1, 0.6))),
    ]


def row(result: Result) -> np.ndarray:
    """(W, 8 W, 3) uint8."""
    rigged, surface, view = result.rigged, result.surface, result.views[0]
    if rigged is None:
        raise ValueError(f"{result.name} has no rigged head; reconstruct it with --rig.")
    photo = (crop_picture(view.photo, HEAD.crop_box(view.camera), _WIDTH).clip(0, 1) * 255).astype(np.uint8)
    free = shaded(surface.vertices, surface.faces, surface.normals, surface.colours, lambda values: values)
    return np.concatenate([photo, free, *(textured(rigged, *pose) for pose in poses(rigged))], axis=1)


def textured(rigged: RiggedHead, values: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """The posed head with its texture (W, W, 3) uint8, or grey."""
    corners = rigged.faces.ravel()
    vertices = rigged.posed(values, rotations)
    normals = vertex_normals(vertices, rigged.faces)
    picture = _GREY if rigged.texture is None else rigged.texture

    def colours(uv: np.ndarray) -> np.ndarray:
        places = (uv * [1, -1] + [0, 1]) * len(picture) - 0.5
        return cv2.remap(picture, places.astype(np.float32), None, cv2.INTER_LINEAR) / np.float32(255)

    return shaded(vertices[corners], np.arange(len(corners)).reshape(-1, 3), normals[corners], rigged.uv[rigged.faces_uv.ravel()], colours)


def shaded(
    vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray, values: np.ndarray, colours: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """A half-lit picture (W, W, 3) uint8 of an upright mesh, whose values (V, C) at a pixel tell its sRGB colour; what shows its inside, as
    below an open border, is dark."""
    turn = rotation_matrix(np.array([0, _TURN, 0]))
    points = torch.from_numpy(((vertices - _CENTRE) @ turn.T / _HALF).astype(np.float32))
    corners = torch.from_numpy(faces.astype(np.int64))
    raster = rasterize(points, corners, _WIDTH * _FINER)
    drawn = interpolate(raster, corners, torch.from_numpy(np.concatenate([normals @ turn.T, values], axis=1).astype(np.float32))).numpy()
    light = 0.45 + 0.6 * np.clip(drawn[..., :3] @ _LIGHT, 0, 1)
    picture = np.where(raster.mask.numpy()[..., None], colours(drawn[..., 3:]) * light[..., None], 0.85)
    a, b, c = points[corners].unbind(1)
    away = (b - a)[:, 0] * (c - a)[:, 1] < (b - a)[:, 1] * (c - a)[:, 0]
    picture[(away[raster.face.clamp_min(0)] & raster.mask).numpy()] = 0.3
    return (cv2.resize(np.clip(picture, 0, 1), (_WIDTH, _WIDTH), interpolation=cv2.INTER_AREA) * 255).astype(np.uint8)


if __name__ == "__main__":
    sheet = np.concatenate([row(Result.load(Path(path))) for path in sys.argv[2:]])
    cv2.imwrite(sys.argv[1], sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
