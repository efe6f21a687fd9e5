"""How far age has folded a face, and the head that goes with it: bags, folds beside the mouth, jowls, a loose neck.

Landmarks do not see them, and few drawn people are old, so fits of the old were of the young. The photo shows them: a linear map reads
them from features of the parsing network's backbone, which ImageNet taught. The population that a fit leans on is then an older one.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from ..arrays import REAL, Array, Schema
from ..models.files import read_model
from ..models.guess import HeadGuess
from ..photo.crop import face_square
from ..photo.view import Pictured
from .parsing import FEATURES, Backbone

AGEING_FILE = Path(__file__).parents[2] / "weights" / "ageing.npz"
COUNT = 2 * FEATURES[3] + FEATURES[4]
SCHEMA = Schema(
    {
        "mean": Array(REAL, (COUNT,)),
        "weights": Array(REAL, (COUNT,)),
        "offset": Array(REAL, (1,)),
        "identity": Array(REAL, ("C",)),
    },
    most=10_000,
)
SIZE = 256
"""Side in pixels of the picture of a face that the backbone is given."""
_MARGIN = 0.56  # half the picture's side over the face's: cheeks and chin, hardly any hair
_RIM = 8  # pixels of the picture inside the landmarks' outline that are not counted: hair, hoods and hats
# As readers count folds: below the first a face may be young (of 23 young dev portraits 5 are read above it, of 10 old ones none below),
# the second is of the oldest: one of these is read above it.
_SMOOTH, _FOLDED = 1.0, 2.7
Precision = Callable[[], AbstractContextManager[object]]


def face_picture(view: Pictured, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A level picture (SIZE, SIZE, 3) float32 sRGB in [0, 1] of a face with landmarks (468, 3), and its inside (SIZE, SIZE)."""
    square = face_square(landmarks)
    scale = SIZE / (2 * _MARGIN * square.face_side)
    turn = scale * np.array([[np.cos(square.turn), np.sin(square.turn)], [-np.sin(square.turn), np.cos(square.turn)]])
    matrix = np.column_stack([turn, SIZE / 2 - turn @ square.centre])
    # A picture that is made smaller is smoothed first, or pores and stubble would alias.
    photo = cv2.GaussianBlur(view.image, (0, 0), 0.45 / scale) if scale < 1 else view.image
    picture = cv2.warpAffine(photo, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    outline = cv2.convexHull(np.round(landmarks[:, :2] @ turn.T + matrix[:, 2]).astype(np.int32))
    face = cv2.fillConvexPoly(np.zeros((SIZE, SIZE), np.uint8), outline, (1,))
    inner = cv2.erode(face, np.ones((2 * _RIM + 1, 2 * _RIM + 1), np.uint8), borderValue=(0,))
    return picture.astype(np.float32) / 255, inner.astype(np.float32)


@torch.inference_mode()
def face_features(backbone: Backbone, picture: np.ndarray, face: np.ndarray, device: torch.device, precision: Precision) -> np.ndarray:
    """(COUNT,) of a face: means and deviations of the backbone's features at stride 16, means at stride 32."""
    with precision():
        *_, middle, deep = backbone(torch.from_numpy(picture).permute(2, 0, 1)[None].to(device))
    shares = torch.from_numpy(face).to(device)[None, None]
    parts = []
    for features in (middle.float(), deep.float()):
        share = F.adaptive_avg_pool2d(shares, features.shape[-2:])
        share = share / share.sum().clamp(min=1e-6)
        mean = (features * share).sum((0, 2, 3))
        parts += [mean, ((features**2 * share).sum((0, 2, 3)) - mean**2).clamp(min=0).sqrt()]
    return torch.cat(parts[:3]).cpu().numpy()


class Ageing:
    """Reads folds with a backbone on a device. mean, weights (COUNT,), offset (1,): features to folds as readers count them, from 0 to 3;
    identity (C,): from the model's average head to the oldest, components of its identity."""

    def __init__(self, backbone: Backbone, device: torch.device, precision: Precision, arrays: dict[str, np.ndarray]) -> None:
        self._backbone, self._device, self._precision = backbone, device, precision
        self._mean, self._weights, self._offset, self._identity = (arrays[name] for name in SCHEMA.arrays)

    @classmethod
    def load(cls, backbone: Backbone, device: torch.device, precision: Precision) -> "Ageing":
        """With the bundled map. Raises AssetError."""
        return cls(backbone, device, precision, read_model(AGEING_FILE, SCHEMA, "file of ageing"))

    def folds(self, view: Pictured, landmarks: np.ndarray) -> float:
        """Of the face with landmarks (468, 3), photo pixels, from about 0, smooth, to 3, deeply folded."""
        features = face_features(self._backbone, *face_picture(view, landmarks), self._device, self._precision)
        return float(self._offset[0] + (features - self._mean) @ self._weights)

    def aged(self, guess: HeadGuess, folds: float) -> HeadGuess:
        """A guess of a head whose face is folded so far."""
        share = float(np.clip((folds - _SMOOTH) / (_FOLDED - _SMOOTH), 0, 1))
        identity = guess.identity.copy()
        count = min(len(identity), len(self._identity))
        identity[:count] += share * self._identity[:count]
        return replace(guess, identity=identity)
