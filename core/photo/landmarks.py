"""The kinds of landmarks that detectors report, by which faces, views, observations and models name them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

MEDIAPIPE = "mediapipe"
"""MediaPipe's face mesh (468, 3): column, row, and z in the same unit, growing towards the viewer."""
IBUG68 = "ibug68"
"""iBUG's points (68, 2): column, row."""
IRISES = "irises"
"""Centres of the person's left and right iris (2, 3), like MediaPipe's mesh."""

Landmarks = Mapping[str, np.ndarray]
"""Kind -> points in pixels of one picture. A kind that no detector has reported is missing."""


@dataclass(frozen=True)
class PinnedPoints:
    """Pins as a fit takes them: shares (P, 468) of MediaPipe's landmarks that make each point, target (P, 2) photo pixels."""

    shares: np.ndarray
    target: np.ndarray
