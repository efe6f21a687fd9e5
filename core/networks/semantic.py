"""The semantic correspondence of points near a fitted model: canonical rest coordinates in [0, 1]³, fading to 0 with distance (SeIF)."""

from dataclasses import dataclass

import torch

REACH = 0.08
"""Crop units after which a point's correspondence has faded to 1/e; SeIF's 0.05 of its unit cube."""
SCALE = (1.08931, 0.75293, 0.88967)
OFFSET = (0.5, 0.56692, 0.78087)
"""From the mean bust's places in crop units (what priors carry) to the head model's correspondence; a test compares them."""


@dataclass(frozen=True)
class CanonicalSpace:
    """From places on the mean model, as priors carry them, to correspondences: x * scale + offset. Places lower than `lowest` of
    y + slope * z have none."""

    scale: tuple[float, float, float]
    offset: tuple[float, float, float]
    slope: float = 0.0
    lowest: float = float("-inf")


SPACES = {
    "head": CanonicalSpace(SCALE, OFFSET, 0.55, -0.94),  # ends at the neck
    "body": CanonicalSpace((0.85, 0.53, 1.9), (0.5, 0.52, 0.11)),  # the mean body's box
}


def semantic_correspondence(rest: torch.Tensor, subject: str = "head") -> torch.Tensor:
    """The semantic correspondence (..., 3) in [0, 1]³ of places (..., 3) on a subject's mean model, as priors carry them; 0 where there
    is none."""
    space = SPACES[subject]
    known = rest[..., 1:2] + space.slope * rest[..., 2:] > space.lowest
    return (rest * rest.new_tensor(space.scale) + rest.new_tensor(space.offset)).clamp(0, 1) * known


def faded(correspondence: torch.Tensor, distance: torch.Tensor) -> torch.Tensor:
    """Correspondences (..., 3) of nearest surface points, as seen from `distance` (...) crop units away."""
    return correspondence * torch.exp(-((distance / REACH) ** 2))[..., None]


def fitted_correspondence(prior: torch.Tensor, subject: str = "head") -> torch.Tensor:
    """A fitted model's faded correspondence (..., 3) from point features (..., 7)."""
    return faded(semantic_correspondence(prior[..., 1:4], subject), prior[..., 0])
