"""How far the lids are closed, from their landmarks in the frames of a video."""

import numpy as np

# MediaPipe's numbers of an eye's two corners, and of points of the upper lid with those of the lower one below them: left eye, right eye.
_EYES = (((362, 263), (385, 387), (380, 373)), ((33, 133), (160, 158), (144, 153)))
_SHUT, _WANDERS = 0.28, 0.9  # openings, as a share of the open eye's, that the detector reads of shut eyes, and of open ones now and then
_OPEN = 80  # percentile of the openings that counts as open: lids are open in most frames, and single frames are read too wide
FEWEST_FRAMES = 12
"""Frames below which nobody knows how far a person opens their eyes."""


def openings(mesh: np.ndarray) -> np.ndarray:
    """Height of the left and of the right eye over its width (2,), from MediaPipe's landmarks (468, 3)."""
    found = []
    for corners, upper, lower in _EYES:
        height = np.linalg.norm(mesh[list(upper)] - mesh[list(lower)], axis=1).mean()
        found.append(height / max(np.linalg.norm(mesh[corners[0]] - mesh[corners[1]]), 1e-6))
    return np.array(found)


def blinks(opened: np.ndarray) -> np.ndarray:
    """eyeBlinkLeft and eyeBlinkRight (T, 2) in [0, 1] for the openings (T, 2) of one person over a video.

    The fit sees a few lid landmarks among hundreds and closes the eyes by a quarter; the lids' own distance, against that of the same eyes
    when they are open, tells all of it.
    """
    share = opened / np.maximum(np.percentile(opened, _OPEN, axis=0), 1e-6)
    return np.clip((_WANDERS - share) / (_WANDERS - _SHUT), 0, 1)
