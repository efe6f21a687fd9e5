"""What nobody sees is as high on a body as what the photo shows before it: the fitted body may lean otherwise than the person."""

import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.visibility import smoothstep

_SEEN = 0.5  # weight of what tells about hidden places
_STRAIGHT = (0.04, 0.08)  # crop units across the photo, and on the body, within which a place is that of what is before it
_AROUND, _NEAREST = 8, 0.012  # seen places that tell together, since each is somewhere in its cell, and crop units that are equally near
_THROUGH, _ARM_APART = 0.1, 0.15  # of a distance on the mean body: through a chest is near; what an arm hides is not the arm's


def as_before(place: np.ndarray, vertices: np.ndarray, mean: np.ndarray, arms: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Places (K, 5), metres, odd x first and the part of the body last, of which those that nobody sees are as high on the body, or as far
    along the arm, as what is seen before them in the photo, if that is near. With the places of the fitted body alone a hem behind would
    be at another height than in front.

    vertices (K, 3): crop frame; mean (K, 3): on the mean body, metres; arms (K,) in [0, 1]; weight (K,): how far they are seen.
    """
    seen = np.flatnonzero(weight > _SEEN)
    if not len(seen):
        return place
    at = np.column_stack([vertices[:, :2], mean * _THROUGH, arms * _ARM_APART, place[:, -1]])
    distance, index = cKDTree(at[seen]).query(at, k=range(1, 1 + min(_AROUND, len(seen))))
    share = 1 / (distance**2 + _NEAREST**2)
    before = np.einsum("kn,knc->kc", share / share.sum(1, keepdims=True), place[seen][index])
    arm = arms[:, None]
    along = (1 - arm) * [0, 1, 0, 0, 0] + arm * [1, 1, 1, 0, 0]
    straight = 1 - smoothstep(distance[:, :1], *_STRAIGHT)
    return place + straight * along * (before - place)
