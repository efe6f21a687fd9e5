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

LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 308, 324, 318, 402, 14, 87, 178, 88, 95,
    185, 40, 39, 37, 0, 267, 269, 270, 409, 415, 310, 311, 312, 13, 82, 81, 42, 183, 78, 191, 80,
)  # fmt: skip
LIDS = (
    33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246,
    263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466,
)  # fmt: skip
"""MediaPipe's numbers along the lips' outer and inner borders, and along the lids: a network of its own refines each (Grishchenko et al.
2020, Attention Mesh)."""

NOSE_BASE = (2, 97, 326, 98, 327, 240, 460, 60, 290, 75, 305)
NOSE = (
    *NOSE_BASE, 1, 4, 5, 19, 94, 129, 358, 64, 294, 48, 278, 49, 279, 102, 331, 219, 439, 235, 455, 59, 289, 166, 392, 79, 309,
    20, 250, 242, 462, 141, 370, 125, 354, 44, 274, 45, 275, 218, 438, 237, 457, 238, 458, 239, 459, 241, 461, 99, 328,
)  # fmt: skip
"""MediaPipe's numbers on the lower half of the nose, and of these along its base: wings' ends and columella."""

Landmarks = Mapping[str, np.ndarray]
"""Kind -> points in pixels of one picture. A kind that no detector has reported is missing."""


@dataclass(frozen=True)
class PinnedPoints:
    """Pins as a fit takes them: shares (P, 468) of MediaPipe's landmarks that make each point, target (P, 2) photo pixels."""

    shares: np.ndarray
    target: np.ndarray
