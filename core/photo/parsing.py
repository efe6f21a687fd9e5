"""What each pixel around a head is: classes, and their shares over a square of the photo."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

CLASSES = ("background", "skin", "hair", "beard", "eyes", "lips", "teeth", "clothes", "hat", "glasses", "object", "shoes")
"""beard: brows too; teeth: all that an open mouth shows; object: a hand or a thing in front of the person. Shoes are told on whole figures
only."""
OVER_SKIN = ("hair", "teeth", "hat", "object")
"""What lies on or before a head's skin and is not painted on a rigged head; beards, brows and glasses are."""


class Parser(Protocol):
    """Tells the classes of a square picture around an upright head."""

    size: int
    """Pixels a side of the pictures that it takes."""
    outline_stays: bool
    """Whether its outline of the person is kept as it is, as that of a network that the user has chosen."""

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Shares (size, size, len(CLASSES)) float32 that sum to 1, of a (size, size, 3) uint8 sRGB picture."""
        ...


@dataclass(frozen=True)
class Parsing:
    """shares (S, S, len(CLASSES)) float32 over the square with its left column, top row and side in photo pixels; it may reach over the
    photo's edges. Other people in the photo are background."""

    shares: np.ndarray
    square: tuple[int, int, int]

    def share(self, *names: str) -> np.ndarray:
        """(S, S): the classes' shares added up."""
        return self.shares[..., [CLASSES.index(name) for name in names]].sum(-1)

    def crop(self, box: tuple[float, float, float], size: int) -> np.ndarray:
        """Shares (size, size, len(CLASSES)) float32 over another square (left, top, side) of the photo, such as
        `Framing.crop_box`; background outside the own one."""
        import cv2

        scale = len(self.shares) / self.square[2]
        step = box[2] / size * scale
        across, down = ((box[i] - self.square[i]) * scale + 0.5 * step - 0.5 for i in (0, 1))
        matrix = np.array([[step, 0, across], [0, step, down]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        result = np.empty((size, size, len(CLASSES)), np.float32)
        for index in range(len(CLASSES)):
            layer = np.ascontiguousarray(self.shares[..., index])
            if step > 1.5:
                layer = cv2.GaussianBlur(layer, (0, 0), step / 3)
            outside = (float(index == 0),)
            result[..., index] = cv2.warpAffine(layer, matrix, (size, size), flags=flags, borderValue=outside)
        return result
