"""dlib's face recognition network (King 2017, CC0) in PyTorch: a number for how alike two faces are. A measure for developers only.

It tells people apart, so nothing here keeps, writes or returns what it says about a face, but distances between faces of one evaluation.
Its weights are not ours and not bundled: `npm pack @vladmandic/face-api@1.7.15` holds them as `face_recognition_model.bin`.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..core.errors import AssetError
from ..core.photo.crop import crop_picture, face_square
from .align import align_points

SIZE = 150
"""Pixels a side of the pictures that it compares."""
_WEIGHTS, _MANIFEST = "face_recognition_model.bin", "face_recognition_model-weights_manifest.json"
_SHA256 = {
    _WEIGHTS: "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
    _MANIFEST: "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
}
_MEAN = (122.782, 117.001, 104.298)
# MediaPipe's numbers of the corners of both eyes and of the base of the nose, and where dlib's pictures have them, as shares of the side.
_FIVE = (263, 362, 33, 133, 2)
_PLACES = np.array([[0.8596, 0.2135], [0.6461, 0.2290], [0.1206, 0.2137], [0.3341, 0.2291], [0.4901, 0.6278]])
_PADDING = 0.25
_ENOUGH = 3  # times as fine: an upright square around the face is about so many times as wide
# Blocks of the residual network: name and how many after one that halves the picture.
_BLOCKS = (("conv32", 3, False), ("conv64", 3, True), ("conv128", 2, True), ("conv256", 2, True))


class Recogniser:
    """Weights by their names in face-api: convolutions (H, W, in, out) with bias, a scale and an offset a channel; fc (256, 128)."""

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        self._weights = {name: torch.from_numpy(np.array(values, np.float32)) for name, values in weights.items()}

    @classmethod
    def load(cls, file: Path) -> Self:
        """From `face_recognition_model.bin`, which lies beside its manifest. Raises AssetError for any other file."""
        found = {}
        for name, path in ((_WEIGHTS, file), (_MANIFEST, file.with_name(_MANIFEST))):
            try:
                found[name] = path.read_bytes()
            except OSError as error:
                raise AssetError(f"{path} cannot be read; give the path of {_WEIGHTS} with {_MANIFEST} beside it.") from error
            if hashlib.sha256(found[name]).hexdigest() != _SHA256[name]:
                raise AssetError(f"{path.name} is not that of face-api 1.7.15; get it with `npm pack @vladmandic/face-api@1.7.15`.")
        weights, place = {}, 0
        for entry in json.loads(found[_MANIFEST])[0]["weights"]:
            coded = entry.get("quantization", {"dtype": "float32", "scale": 1.0, "min": 0.0})
            values = np.frombuffer(found[_WEIGHTS], coded["dtype"], int(np.prod(entry["shape"])), place)
            weights[entry["name"]] = (values * coded["scale"] + coded["min"]).reshape(entry["shape"])
            place += values.nbytes
        return cls(weights)

    @torch.no_grad()
    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """(N, 128) for pictures (N, SIZE, SIZE, 3) sRGB in [0, 1] of `face_picture`; distances below about 0.6 are of one person."""
        values = (torch.from_numpy(pictures).float() * 255 - torch.tensor(_MEAN)).permute(0, 3, 1, 2) / 256
        values = F.max_pool2d(F.relu(self._scaled(values, "conv32_down", 2, 0)), 3, 2)
        for name, count, halves in _BLOCKS:
            if halves:
                values = self._halved(values, f"{name}_down")
            for number in range(1, count + 1):
                block = f"{name}_{number}"
                values = F.relu(self._twice(values, block, 1, 1) + values)
        values = self._halved(values, "conv256_down_out")
        return (values.mean((2, 3)) @ self._weights["fc"]).numpy()

    def _scaled(self, values: Tensor, name: str, stride: int, padding: int) -> Tensor:
        filters = self._weights[f"{name}/conv/filters"].permute(3, 2, 0, 1)
        values = F.conv2d(values, filters, self._weights[f"{name}/conv/bias"], stride, padding)
        scale, offset = (self._weights[f"{name}/scale/{part}"][:, None, None] for part in ("weights", "biases"))
        return values * scale + offset

    def _twice(self, values: Tensor, block: str, stride: int, padding: int) -> Tensor:
        return self._scaled(F.relu(self._scaled(values, f"{block}/conv1", stride, padding)), f"{block}/conv2", 1, 1)

    def _halved(self, values: Tensor, block: str) -> Tensor:
        """A block that halves the picture; what is missing of either sum's channels, rows and columns counts as 0."""
        parts = F.avg_pool2d(values, 2, 2), self._twice(values, block, 2, 0)
        channels, height, width = np.max([part.shape[1:] for part in parts], axis=0)
        first, second = (F.pad(p, (0, width - p.shape[3], 0, height - p.shape[2], 0, channels - p.shape[1])) for p in parts)
        return F.relu(first + second)


def face_picture(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(SIZE, SIZE, 3) in [0, 1]: the upright face of an image (H, W, 3), uint8 or in [0, 1], with landmarks (468, 2 or more), pixels."""
    left, top, side = box = face_square(landmarks).around()
    large = _ENOUGH * SIZE
    found = (landmarks[list(_FIVE), :2] - [left, top]) * (large / side)
    flat = lambda points: np.column_stack([points, np.zeros(len(points))])  # noqa: E731
    motion = align_points(flat(found), flat((_PLACES + _PADDING) / (1 + 2 * _PADDING) * SIZE), scaled=True)
    matrix = np.column_stack([motion.scale * motion.rotation[:2, :2], motion.translation[:2]])
    return cv2.warpAffine(crop_picture(image, box, large), matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
