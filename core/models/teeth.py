"""How far down the upper teeth reach that a photo shows between parted lips."""

import cv2
import numpy as np

from ..photo.crop import crop_picture
from ..photo.view import View
from .fit import ViewFit
from .head import HeadModel

UPPER_TEETH, MOUTH_PARTS = 3, (3, 4, 5)
"""Numbers of the head model's parts: upper teeth; they, the lower ones and the tongue."""
_LIP = (81, 82, 13, 312, 311)  # MediaPipe's landmarks along the upper lip's inner border, between the canines
_STEP, _FAR = 0.00025, 0.011  # metres of the looks down from there, and an incisor's height
_GUM = 0.003  # metres below the lip's fitted border above which teeth begin
_FEWEST = 3  # landmarks below which teeth are seen
_SHOWN = 0.5  # share of a pixel that an open mouth has
_BRIGHT, _ENAMEL = 0.65, 90  # teeth are so light at least, against this percentile of the open mouth
_LEAST_LIGHT = 0.7  # of that over the skin's median; mouths without teeth are darker
_USUAL = 0.0014  # metres: the median of photos that show teeth
_LOWER, _HIGHER = 0.004, 0.002  # metres that people's teeth lie lower or higher than the mean's, at most


def teeth_drop(model: HeadModel, fit: ViewFit, view: View) -> float:
    """Metres by which the person's teeth lie lower, along the head's axis, than the fitted model's; the usual where none are seen."""
    if view.parsing is None or not (model.part == UPPER_TEETH).any():
        return _USUAL
    left, top, side = view.parsing.square
    size = len(view.parsing.shares)
    lip, down = model.mediapipe.on(fit.vertices)[list(_LIP)], -fit.rotation[:, 1]
    steps = np.arange(0, _FAR, _STEP)
    places = fit.camera.project((lip[:, None] + steps[:, None] * down).reshape(-1, 3))
    columns, rows = (((places - (left, top)) * size / side - 0.5).astype(np.float32)).T.reshape(2, len(_LIP), -1)
    light = crop_picture(view.image, view.parsing.square, size, cv2.BORDER_REPLICATE).mean(-1)
    mouth, skin = view.parsing.share("teeth") > _SHOWN, view.parsing.share("skin") > _SHOWN
    if not mouth.any() or not skin.any():
        return _USUAL
    enamel = np.percentile(light[mouth], _ENAMEL)
    if enamel < _LEAST_LIGHT * np.median(light[skin]):
        return _USUAL
    teeth = (mouth & (light > _BRIGHT * enamel)).astype(np.float32)
    shown = cv2.remap(teeth, columns, rows, cv2.INTER_LINEAR) > _SHOWN
    first = shown.argmax(1)
    seen = shown.any(1) & (first * _STEP < _GUM)
    if seen.sum() < _FEWEST:
        return _USUAL
    ends = [begin + np.argmin(np.append(row[begin:], False)) for row, begin in zip(shown[seen], first[seen], strict=True)]
    upper = fit.vertices[model.part == UPPER_TEETH]
    middle = lip[len(_LIP) // 2]
    front = upper[(upper - middle) @ fit.rotation[:, 2] > ((upper - middle) @ fit.rotation[:, 2]).max() - 0.006]
    usual = ((front - middle) @ down).max()
    return float(np.clip(np.median(ends) * _STEP - usual, -_HIGHER, _LOWER))
