"""Where points lie on the fitted head."""

import numpy as np

from ..models.head import HeadModel
from ..models.prior import PriorSurface
from ..models.skin_colours import skin_colours
from .kinds import Places

_ON_HEAD = 0.25  # crop units (5 cm) from the fitted head
_AROUND = 4  # vertices of the fitted head around a point that tell how its skin is


def places_on_head(model: HeadModel, surface: PriorSurface, ears: np.ndarray, points: np.ndarray) -> Places:
    """Of points (N, 3) of the crop frame; surface: the fitted model's closed mesh; ears (V,) in [0, 1]: its bare ears."""
    distance, near = surface.tree.query(points, workers=-1)
    correspondence = np.where(distance[:, None] < _ON_HEAD, model.closed_correspondence[near], 0)
    scalp, bare, features = (
        np.max([model.closed_region(name)[near] for name in names], axis=0)
        for names in (("scalp",), ("face", "ears"), ("eyes", "lips", "brows"))
    )
    return Places(correspondence, scalp, bare, features, distance.astype(np.float32), ears[near])


def skin_on_head(surface: PriorSurface, points: np.ndarray) -> np.ndarray:
    """How skin differs from a cheek's at points (N, 3) of the crop frame, as `skin_colours` has it: (N, 3); surface: as above."""
    distance, near = surface.tree.query(points, k=_AROUND, workers=-1)
    share = 1 / (distance + 1e-3)
    return np.einsum("nk,nkc->nc", share / share.sum(1, keepdims=True), skin_colours()[near]).astype(np.float32)
