"""Strips of small pictures that show a case beside its truth, and sheets of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree

from ..core.photo.crop import crop_picture
from .case import Case
from .methods import Prediction
from .metrics import MM, MeasuredTruth
from .nearest import NearestSurface
from .pictures import clay, draw, side_view
from .score import in_true_frame

TILE = 160
_BACKGROUND = 0.93
_WORST = {"head": 15.0, "body": 60.0}  # mm of the reddest colour
_RAMP = np.array([[0.27, 0.45, 0.75], [0.85, 0.87, 0.80], [0.93, 0.62, 0.25], [0.70, 0.10, 0.12]])
_SAMPLES = 8000


def comparison_strip(case: Case, truth: MeasuredTruth | None, prediction: Prediction) -> np.ndarray:
    """(TILE, 8 * TILE, 3) in [0, 1], without alignment: the photo; the truth's front and side, if it is known; the prediction's front,
    side and back; its colours; where it is wrong (blue 0, red 15 mm, of a body 60 mm)."""
    vertices, faces = in_true_frame(case, prediction, prediction.vertices), prediction.faces
    tiles = [crop_picture(case.photo, prediction.framing.crop_box(prediction.camera), TILE)]
    if truth is not None:
        tiles += [clay(side_view(case, truth.truth.vertices, yaw), truth.truth.faces, TILE, _BACKGROUND) for yaw in (0, 90)]
    tiles += [clay(side_view(case, vertices, yaw), faces, TILE, _BACKGROUND) for yaw in (0, 90, 180)]
    if prediction.colours is not None:
        tiles.append(_painted(side_view(case, vertices, 30), faces, prediction.colours))
    if truth is not None:
        tiles.append(_painted(side_view(case, vertices, 30), faces, _heat(case, truth, vertices, faces)))
    return np.concatenate([*tiles, *[np.full((TILE, TILE, 3), _BACKGROUND)] * (8 - len(tiles))], axis=1)


def _painted(points: np.ndarray, faces: np.ndarray, colours: np.ndarray) -> np.ndarray:
    picture, mask = draw(points, faces, colours, TILE)
    return np.where(mask[..., None], picture, _BACKGROUND)


def _heat(case: Case, truth: MeasuredTruth, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) colours of the distance to the truth, grey where nothing is judged."""
    samples = NearestSurface(vertices, faces).sample(_SAMPLES, 0).position
    share = truth.surface.closest(samples).distance * MM / _WORST[case.subject] * (len(_RAMP) - 1)
    colours = np.stack([np.interp(share, np.arange(len(_RAMP)), column) for column in _RAMP.T], axis=1)
    nearest = cKDTree(samples).query(vertices)[1]
    return np.where(case.judged(vertices)[:, None], colours[nearest], 0.7)


def write_sheet(strips: Sequence[tuple[str, np.ndarray]], path: Path) -> None:
    """Captioned strips one below the other, as PNG with 256 colours, which halves its size."""
    bands = []
    for caption, picture in strips:
        band = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
        ImageDraw.Draw(band).text((3, 2), caption, fill=(0, 0, 0), stroke_width=1, stroke_fill=(255, 255, 255))
        bands.append(np.asarray(band))
    Image.fromarray(np.concatenate(bands)).quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
