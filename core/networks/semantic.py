"""The semantic correspondence of points near a fitted head: canonical rest coordinates in [0, 1]³, fading to 0 with distance (SeIF)."""

import torch

REACH = 0.08
"""Crop units after which a point's correspondence has faded to 1/e; SeIF's 0.05 of its unit cube."""
SCALE = (1.08931, 0.75293, 0.88967)
OFFSET = (0.5, 0.56692, 0.78087)
"""From the mean bust's places in crop units (what priors carry) to the head model's correspondence; a test compares them."""
_NECK_SLOPE, _NECK = 0.55, -0.94  # the head ends where y + slope · z falls below this, rest coordinates in crop units


def semantic_correspondence(rest: torch.Tensor) -> torch.Tensor:
    """The head model's semantic correspondence (..., 3) in [0, 1]³ of places (..., 3) on the mean bust, crop units; 0 off head and neck."""
    on_head = rest[..., 1:2] + _NECK_SLOPE * rest[..., 2:] > _NECK
    return (rest * rest.new_tensor(SCALE) + rest.new_tensor(OFFSET)).clamp(0, 1) * on_head


def faded(correspondence: torch.Tensor, distance: torch.Tensor) -> torch.Tensor:
    """Correspondences (..., 3) of nearest surface points, as seen from `distance` (...) crop units away."""
    return correspondence * torch.exp(-((distance / REACH) ** 2))[..., None]


def fitted_correspondence(prior: torch.Tensor) -> torch.Tensor:
    """The fitted model's faded correspondence (..., 3) from point features (..., 7)."""
    return faded(semantic_correspondence(prior[..., 1:4]), prior[..., 0])
