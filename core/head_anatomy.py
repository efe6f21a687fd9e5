"""The parts and the landmarks of a reconstructed head."""

import numpy as np

from .body_rigging import NearestPlaces, body_parts
from .colour.voxel_means import VoxelMeans
from .models.fit import ViewFit, landmark_points
from .models.head import HeadModel
from .models.prior import PriorSurface
from .photo.named_landmarks import NAMED_LANDMARKS
from .photo.pose import Pose
from .topology.anatomy import Anatomy

_REGIONS = {"Face": "face", "Ears": "ears", "Eyes": "eyes", "Lips": "lips", "Brows": "brows", "Neck": "neck"}
"""Regions of the head model that are parts of the surface too, where that is skin."""
_SKIN = "Skin"
_CELL = 0.012  # crop units (2.4 mm): finer than any region's edge


def head_anatomy(
    model: HeadModel,
    fit: ViewFit,
    surface: PriorSurface,
    vertices: np.ndarray,
    faces: np.ndarray,
    parsing: np.ndarray | None,
    matte: np.ndarray,
    pose: Pose,
) -> Anatomy:
    """Of a surface (V, 3), crop frame, around the fitted model's; parsing (S, S, len(CLASSES)) and matte (S, S) of the crop. pose: from the
    upright frame into the camera's. Parts that only the parsing tells are missing without one."""
    nearest = NearestPlaces(model, surface.vertices, vertices, VoxelMeans.of_surface(vertices, faces, _CELL))
    # What the face shows tells nothing about the back of the head, which is scalp.
    kind = np.round(nearest.regions("scalp"))[:, 0]
    parts = body_parts(vertices, faces, nearest, kind, parsing, matte)
    parts.pop("Shoes", None)
    bare = parts.get(_SKIN, 1)
    regions = nearest.regions(*_REGIONS.values())
    # Brows are hair to the parser.
    parts |= {name: regions[:, index] * (1 if name == "Brows" else bare) for index, name in enumerate(_REGIONS)}
    points = landmark_points(model, fit)[list(NAMED_LANDMARKS.values())]
    shares = np.clip(np.stack(list(parts.values())), 0, 1).astype(np.float32)
    return Anatomy(tuple(parts), shares, tuple(NAMED_LANDMARKS), pose.to_upright(points).astype(np.float32))
