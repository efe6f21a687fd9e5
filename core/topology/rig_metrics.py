"""How well a rigged head lies on the surface that it was made from."""

from typing import Any

import numpy as np

from ..models.head import HeadModel
from .rigged import RiggedHead
from .transfer import Transfer


def rig_metrics(model: HeadModel, rigged: RiggedHead, vertices: np.ndarray, faces: np.ndarray) -> dict[str, Any]:
    """Strict JSON for the report: millimetres between the rigged head in the model's topology, posed as in the photo, and a surface (V, 3),
    (F, 3) in the upright frame: of the face's vertices up to the brows, above which hair may hang (mean and 95th percentile), and of the
    68 landmarks (mean)."""
    posed = rigged.posed(rigged.key_values, rigged.rotations)
    regions = model.regions
    height = model.correspondence[:, 1]
    below = height < height[regions["brows"] > 0.5].max()
    face = np.flatnonzero((regions["face"] > 0.5) & below & (model.part == 0))
    points = np.concatenate([posed[face], model.ibug68.on(posed)])
    away = 1000 * np.abs(Transfer.between(vertices, faces, points.astype(np.float32)).distance)
    face_away, landmarks_away = away[: len(face)], away[len(face) :]
    return {
        "face_distance_mm": round(float(face_away.mean()), 3),
        "face_distance_95_mm": round(float(np.percentile(face_away, 95)), 3),
        "landmark68_distance_mm": round(float(landmarks_away.mean()), 3),
    }
