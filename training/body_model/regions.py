"""Soft region masks of the body: the head model's own, and what hangs on the joints of trunk, arms, legs, hands and feet."""

import numpy as np
import scipy.sparse as sp

from ...core.geometry.mesh import vertex_normals
from ...core.models.head import HeadModel
from .skeleton import Selection

_OF_HEAD = ("head", "face", "ears", "scalp", "brows", "lips")
_JOINTS = {
    "neck": ("neck",),
    "torso": ("root", "spine", "clavicle", "shoulder"),
    "upper_arms": ("upperarm",),
    "forearms": ("lowerarm",),
    "hands": ("wrist", "finger"),
    "upper_legs": ("upperleg",),
    "lower_legs": ("lowerleg",),
    "feet": ("foot", "toe"),
}
_SOLE_HEIGHT = 0.02  # metres above a foot's lowest point


def body_regions(
    head: HeadModel, weights: sp.csr_matrix, selection: Selection, mean: np.ndarray, faces: np.ndarray
) -> dict[str, np.ndarray]:
    """Masks (V,) in [0, 1] by name, of the mean person (V, 3), faces (F, 3) and skinning weights (V, J)."""
    skin = (head.part == 0) & (head.hm08 >= 0)
    regions = {}
    for name in _OF_HEAD:
        regions[name] = np.zeros(len(mean))
        regions[name][head.hm08[skin]] = head.regions[name][skin]
    for name, starts in _JOINTS.items():
        columns = [column for column, joint in enumerate(selection.names) if joint.startswith(starts)]
        regions[name] = np.asarray(weights[:, columns].sum(1)).ravel()
    normals = vertex_normals(mean, faces)
    low = (mean[:, 1] < mean[regions["feet"] > 0.5, 1].min() + _SOLE_HEIGHT) & (normals[:, 1] < -0.5)
    regions["soles"] = low * (regions["feet"] > 0.5)
    return {name: np.clip(mask, 0, 1) for name, mask in regions.items()}
