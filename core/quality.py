"""How good a result is: its measures, and the limits beyond which the user reads a warning.

The limits come from 41 portraits in which all went well, of which at most one lies beyond each, and from pictures that went wrong: painted
masks, boards, hands and phones, heads seen from the side, stretched and cropped pictures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from .errors import ReconstructionError
from .geometry.mesh import face_normals
from .models.fit import ViewFit
from .models.head import HeadModel
from .photo.crop import shown
from .photo.framing import Framing
from .photo.parsing import CLASSES
from .photo.view import View
from .result import DOUBTFUL, GOOD

Level = Literal["warn", "doubt", "refuse"]
_CHIN = 152
_EYES = (33, 160, 158, 133, 153, 144), (263, 387, 385, 362, 380, 373)  # landmarks along the lids
_CHEEKS = (117, 118, 50, 101, 205), (346, 347, 280, 330, 425)
_HEAD = -0.55  # crop units, height on the mean head: the chin
_UNSURE = (0.1, 0.9)  # coverage that is neither the person nor the background
_LIDS = 1.3  # size of the looked at part of an eye over that of the opening between the lids
_CM = 100


@dataclass(frozen=True)
class Check:
    """Whoever's measure is at least `least` and below `below` reads the sentence, which may name {name} and {value}.

    warn: worth knowing; doubt: the result is likely wrong, and marked so; refuse: it cannot be right.
    """

    measure: str
    level: Level
    sentence: str
    least: float = -np.inf
    below: float = np.inf


CHECKS = (
    Check(
        "landmark_error", "refuse", "The landmarks found in {name} do not form a face ({value:.1%} off); choose another photo.",
        least=0.05,
    ),
    Check("face_in_matte", "refuse", "The face in {name} was taken for background; use a photo with a plainer background.", below=0.5),
    Check(
        "landmark_scatter", "doubt",
        "The face in {name} is partly covered, or seen too far from the side, so its shape is a guess; use a photo that shows all of it.",
        least=0.013,
    ),
    Check(
        "head_in_matte", "doubt",
        "A part of the head in {name} is covered or was taken for background; use a photo that shows it all on a plain background.",
        below=0.97,
    ),
    Check(
        "matte_agreement", "doubt",
        "What was taken for the person in {name} does not look like a head; use a photo with a plainer background, or a cut-out.",
        below=0.42,
    ),
    Check("covered", "warn", "Something in front of the head in {name} covers {value:.0%} of it; what it hides is guessed.", least=0.03),
    Check(
        "landmark_error", "warn", "The fitted face misses the landmarks of {name} by {value:.1%} of the eye distance; compare both.",
        least=0.03, below=0.05,
    ),
    Check("silhouette_iou", "warn", "The head covers only {value:.0%} of the person in {name}; compare their outlines.", below=0.9),
    Check("observed_share", "warn", "Only {value:.0%} of the surface is seen in {name}; the rest is guessed.", below=0.1),
    Check("yaw", "warn", "The head in {name} is turned far to the side; the hidden half is guessed.", least=45),
    Check("pitch", "warn", "The head in {name} is bent far up or down; what it hides is guessed.", least=30),
    Check("eye_light", "warn", "The eyes in {name} are too dark to be seen, as behind dark glasses; they are guessed.", below=0.35),
    Check("aspect", "warn", "{name} looks stretched in width; restore its proportions for a true likeness.", least=1.28),
    Check("aspect", "warn", "{name} looks stretched in height; restore its proportions for a true likeness.", below=0.9),
    Check("cut_top", "warn", "{name} cuts off the top of the head; what is missing is guessed.", least=4),
    Check("cut_left", "warn", "{name} cuts off the head on the left; what is missing is guessed.", least=4),
    Check("cut_right", "warn", "{name} cuts off the head on the right; what is missing is guessed.", least=4),
    Check("below_chin", "warn", "{name} ends at the chin; chin, neck and shoulders are guessed.", below=0),
    Check("below_chin", "warn", "{name} ends right below the chin; neck and shoulders are guessed.", least=0, below=2.5),
)  # fmt: skip


def judge(measures: Mapping[str, float], name: str, checks: Sequence[Check] = CHECKS) -> tuple[str, list[str]]:
    """GOOD or DOUBTFUL, and the sentences of all checks that measures do not pass, gravest first; a measure that is not there passes.

    name: of the photo. Raises ReconstructionError for a result that cannot be right.
    """
    said: dict[Level, list[str]] = {"refuse": [], "doubt": [], "warn": []}
    for check in checks:
        value = measures.get(check.measure)
        if value is not None and check.least <= value < check.below:
            said[check.level].append(check.sentence.format(name=name, value=value))
    if said["refuse"]:
        raise ReconstructionError(said["refuse"][0])
    return DOUBTFUL if said["doubt"] else GOOD, said["doubt"] + said["warn"]


def measure_fit(model: HeadModel, view: View, fit: ViewFit, framing: Framing, picture: np.ndarray, maps: np.ndarray) -> dict[str, float]:
    """What can be measured before there is a surface.

    picture (S, S, 4): the crop and its matte as the networks see them, with what is guessed beyond the photo's edges; maps (8, S, S): the
    fitted head's (`PriorSurface.maps`).
    landmark_error, landmark_scatter: shares of the eye distance. face_in_matte, head_in_matte: shares of the fitted head; matte_agreement:
    its intersection over union with the matte; matte_unsure: share of the person above the chin where the matte is neither sure of the
    person nor of the background. yaw, pitch: degrees. eye_light: the eyes' over the cheeks'. aspect: width over height of
    the face, over the mean head's. covered: share of the head behind hands and things, if parsing tells. cut_top, cut_left, cut_right:
    cm² of the head beyond the photo's edges; below_chin: cm left.
    """
    forward = fit.rotation[:, 2]
    measures = {
        "landmark_error": fit.residual,
        "yaw": abs(float(np.degrees(np.arctan2(forward[0], forward[2])))),
        "pitch": abs(float(np.degrees(np.arcsin(np.clip(forward[1], -1, 1))))),
        "aspect": _aspect(model, view, fit),
        "below_chin": (len(view.image) - float(view.mesh[_CHIN, 1])) / fit.camera.scale * _CM,
    }
    if view.scatter is not None:
        measures["landmark_scatter"] = view.scatter
    light = _eye_light(view)
    if light is not None:
        measures["eye_light"] = light
    return measures | _matte_measures(view, fit, framing, picture, maps)


def measure_surface(
    vertices: np.ndarray, faces: np.ndarray, observed: np.ndarray, prior: np.ndarray, height: np.ndarray, face: np.ndarray, unit: float
) -> dict[str, float]:
    """How the finished surface and the fitted head differ above the chin.

    vertices (V, 3) in the crop frame, faces (F, 3); observed (V,) in [0, 1]: what the photo shows; prior (V,): signed distance to the
    fitted head, crop units; height (V,) of the nearest place on the mean head, crop units; face (V,) in [0, 1]: is that place in the
    face; unit: metres of a crop unit.
    hidden_excess: litres, area times distance, between the fitted head and what nobody sees of the surface outside it: around a head a
    third too much at 2 cm, more farther out. fit_disagreement: mean distance of the
    seen face from the fitted one, mm. Neither is there where nothing of it is.
    """
    seen = observed > 0.5
    hidden = (height > _HEAD) & ~seen
    doubled = np.linalg.norm(face_normals(vertices.astype(np.float64), faces), axis=1)
    area = np.bincount(faces.ravel(), np.repeat(doubled / 6, 3), len(vertices))
    measures = {}
    if hidden.any():
        measures["hidden_excess"] = float((area * np.maximum(prior, 0))[hidden].sum() * unit**3 * 1000)
    weight = area * face * seen
    if weight.any():
        measures["fit_disagreement"] = float(np.average(np.abs(prior), weights=weight) * unit * 1000)
    return measures


def _matte_measures(view: View, fit: ViewFit, framing: Framing, picture: np.ndarray, maps: np.ndarray) -> dict[str, float]:
    size, box = len(picture), framing.crop_box(fit.camera)
    there, coverage = shown(view.image, box, size), picture[..., 3]
    matte = coverage > 0.5
    canonical, mask = maps[3:6], maps[7] > 0.5
    head = mask & (canonical[1] > _HEAD)
    above = np.zeros_like(mask)
    above[: int(np.flatnonzero(head.any(1)).max(initial=-1)) + 1] = True
    measures = {}
    if not mask.any():
        return measures
    if (head & there).any():
        face = head & there & (canonical[1] < 0.2) & (canonical[2] > -0.3)
        zone = above & there
        measures["head_in_matte"] = float(matte[head & there].mean())
        measures["matte_agreement"] = float((matte & mask & zone).sum() / (zone & (matte | mask)).sum())
        unsure = (coverage > _UNSURE[0]) & (coverage < _UNSURE[1]) & zone
        measures["matte_unsure"] = float(unsure.sum() / max((zone & (coverage > _UNSURE[0])).sum(), 1))
        if view.parsing is not None:
            things = view.parsing.crop(box, size)[..., CLASSES.index("object")]
            measures["covered"] = float(things[head & there].mean())
        if face.any():
            measures["face_in_matte"] = float(matte[face].mean())
    # Shoulders beyond the sides are missing in every portrait; hair and face are not.
    nearest = distance_transform_edt(~mask, return_distances=False, return_indices=True)
    hidden = matte & above & ~there & head[tuple(nearest)]
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    if len(rows):
        cell = (2 * framing.half / size * _CM) ** 2
        measures["cut_top"] = float(hidden[: rows[0]].sum() * cell)
        measures["cut_left"] = float(hidden[:, : columns[0]].sum() * cell)
        measures["cut_right"] = float(hidden[:, columns[-1] + 1 :].sum() * cell)
    return measures


def _aspect(model: HeadModel, view: View, fit: ViewFit) -> float:
    """Least-squares scale of the mean head's landmarks across the picture, over that down the picture."""
    weight = model.mediapipe.weight / model.mediapipe.weight.sum()
    mean = ((model.mediapipe.on(model.mean) + model.mediapipe.bias) @ fit.rotation.T)[:, :2]
    mean, found = (points - weight @ points for points in (mean, view.mesh[:, :2] * [1, -1]))
    across, down = (weight @ (mean * found)) / (weight @ mean**2)
    return float(across / down)


def _eye_light(view: View) -> float | None:
    """Light of the brighter eye's brightest part over its cheek's, sRGB values; None where the photo does not show both."""
    flat, found = view.mesh[:, :2], []
    for lids, cheek in zip(_EYES, _CHEEKS, strict=True):
        outline = flat[list(lids)]
        outline = outline.mean(0) + _LIDS * (outline - outline.mean(0))
        left, top = np.floor(flat[[*lids, *cheek]].min(0)).astype(int) - 2
        right, bottom = np.ceil(flat[[*lids, *cheek]].max(0)).astype(int) + 2
        if left < 0 or top < 0 or bottom > len(view.image) or right > view.image.shape[1]:
            continue
        grey = cv2.cvtColor(np.ascontiguousarray(view.image[top:bottom, left:right]), cv2.COLOR_RGB2GRAY)
        eye = cv2.fillPoly(np.zeros_like(grey), [np.round(outline - [left, top]).astype(np.int32)], (1,)) > 0
        skin = cv2.blur(grey, (3, 3))[tuple((flat[list(cheek)] - [left, top]).astype(int).T[::-1])]
        if eye.any():
            found.append(float(np.percentile(grey[eye], 90) / max(np.median(skin), 1)))
    return max(found, default=None)
