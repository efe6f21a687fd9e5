"""What goes on below a photo: its lowest rows, carried downwards, so that no line across the chest shows where the photo ends."""

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from ..geometry.visibility import smoothstep
from ..photo.parsing import CLASSES

_ROWS = 0.03  # crop units (6 mm) at the lower edge whose mean is carried down
_SOFTER = 0.12  # of the way down: across so much do colours run into each other
_CLOSES = 0.8  # of the way down: a neckline's sides come nearer to each other
_MIXED = 0.03  # crop units (6 mm) at the edge of clothes
_STEPS = 4  # pictures between which they do
_MATTE = 0.5  # of the person at the photo's lower edge
_CARRIED = ("skin", "clothes")  # hair goes on as hidden hair; beards and things in front end somewhere below, nobody knows where
_MOSTLY = (0.3, 0.7)  # share of them


def continued_below(photo: np.ndarray, matte: np.ndarray, parsing: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A crop's photo (S, S, 3), matte (S, S) and parsing (S, S, len(CLASSES)), all 0 below the photo's lower edge, with skin and clothes
    carried down from there; and shown (S,) bool: which rows the photo has. The same where the photo holds all of the person."""
    rows, size = (photo.reshape(len(photo), -1).max(1) > 0) | (matte.max(1) > 0), len(matte)
    end = int(size - rows[::-1].argmax())
    shown = np.arange(size) < end
    # The last row is mixed with what is outside.
    last = slice(max(end - 1 - round(_ROWS * size / 2), 0), max(end - 1, 1))
    person = matte[last].mean(0) > _MATTE
    if end == size or not person.any():
        return photo, matte, parsing, shown
    weight = (matte[last] * person)[..., None]
    mean = (weight * photo[last]).sum(0) / np.maximum(weight.sum(0), 1e-6)
    kinds = parsing[last].mean(0)
    carried = smoothstep(kinds[:, [CLASSES.index(name) for name in _CARRIED]].sum(1), *_MOSTLY) * person
    soft = [_softened(mean, carried, _SOFTER * (size - end) * step / _STEPS) for step in range(_STEPS + 1)]
    photo, matte, parsing = photo.copy(), matte.copy(), parsing.copy()
    dressed = (kinds[:, CLASSES.index("clothes")] > 0.5) & (carried > 0.5)
    columns = np.arange(size)
    apart, beside = distance_transform_edt(~dressed, return_indices=True) if dressed.any() else (np.full(size, np.inf), [columns])
    # At its edge cloth is mixed with skin.
    cloth = np.clip(beside[0] + np.sign(beside[0] - columns) * round(_MIXED * size / 2), 0, size - 1)
    cloth = np.where(dressed[cloth], cloth, beside[0])
    for row in range(end - 1, size):
        way = (row - end + 1) / max(size - end, 1) * _STEPS
        step = min(int(way), _STEPS - 1)
        colours = soft[step] + (way - step) * (soft[step + 1] - soft[step])
        source = np.where((apart < _CLOSES * (row - end)) & (carried > 0.5), cloth, columns)
        photo[row], matte[row], parsing[row] = colours[source], carried[source], kinds[source]
    return photo, matte, parsing, shown


def _softened(colours: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Colours (S, 3) of a row averaged across it, by weight (S,)."""
    values = np.column_stack([colours * weight[:, None], weight]).astype(np.float32)[None]
    if sigma > 0.3:
        values = cv2.GaussianBlur(values.reshape(1, -1, 4), (0, 0), sigmaX=sigma, sigmaY=0.1)
    return np.where(values[0, :, 3:] > 1e-3, values[0, :, :3] / np.maximum(values[0, :, 3:], 1e-3), colours)
