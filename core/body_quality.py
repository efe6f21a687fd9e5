"""What the reconstruction of a body is worth: measures of it, and the limits beyond which the user is told what is a guess."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from .geometry.raster import rasterize
from .models.body import BodyModel
from .models.body_fit import BodyViewFit
from .models.prior import PriorSurface
from .photo.crop import crop_picture
from .photo.figure import BodyView
from .photo.parsing import CLASSES
from .quality import Check

_WRISTS, _ELBOWS, _ANKLES, _HIPS = (15, 16), (13, 14), (27, 28), (23, 24)
_JOINTS = tuple(range(11, 17)) + tuple(range(23, 29))
_SIZE = 256  # pixels a side of the picture in which outlines are compared
_LOOSE = 0.08  # metres outside the fitted body: tight clothes and the fit's error end before

BODY_CHECKS = (
    Check(
        "reading_spread", "doubt", "The person in {name} is read differently each time; use a photo that shows all of it, uncovered.",
        least=0.35,
    ),
    Check("silhouette_iou", "doubt", "The body covers only {value:.0%} of the person in {name}; compare their outlines.", below=0.8),
    Check("feet_seen", "warn", "{name} cuts the feet off; they are guessed.", below=1),
    Check("knees_seen", "warn", "{name} does not show the knees; the legs are guessed.", below=1),
    Check("sitting", "warn", "The person in {name} sits or kneels; the legs and the ground are a guess.", least=50),
    Check("crossed", "warn", "The person in {name} crosses arms or legs; which lies in front is a guess.", least=1),
    Check("turned", "warn", "The person in {name} is seen from behind; the face and the front are a guess.", least=100),
    Check("loose", "warn", "Clothes in {name} stand far off the body; what is below and behind them is a guess.", least=0.03),
    Check("beside", "warn", "Other people stand before or beside the person in {name}; what they cover is a guess.", least=1),
)  # fmt: skip


def measure_body_fit(body: BodyModel, view: BodyView, fit: BodyViewFit, surface: PriorSurface) -> dict[str, float]:
    """What can be measured before there is a surface.

    joints_seen: share of the large joints that the photo shows; feet_seen, knees_seen: share of those. sitting: degrees by which both
    thighs are bent forward at least. crossed: 1 where a wrist lies beyond the other, or an ankle. turned: degrees between the person's
    front and the camera. reading_spread: how far the readings of the person lie apart, lengths of the trunk. beside: people in the
    person's square. loose: share of the person but for hair, hats and things that the photo shows beside the fitted body, whose closed
    surface in the crop frame is given.
    """
    points = np.median([reading.points for reading in view.readings], axis=0)
    visible = np.median([reading.visibility for reading in view.readings], axis=0) > 0.5
    inside = ((points >= 0) & (points < [view.image.shape[1], view.image.shape[0]])).all(1)
    seen = visible & inside
    torso = float(np.median([reading.torso for reading in view.readings]))
    spread = np.std([reading.points for reading in view.readings], axis=0)[list(_JOINTS)]
    ahead = fit.rotation[:, 2]
    return {
        "joints_seen": float(seen[list(_JOINTS)].mean()),
        "feet_seen": float(inside[list(_ANKLES)].mean()),
        "knees_seen": float(inside[[25, 26]].mean()),
        "sitting": _bent(body, fit),
        "crossed": float(_crossed(points, seen)),
        "turned": float(np.degrees(np.arccos(np.clip(ahead[2] / np.hypot(ahead[0], ahead[2]), -1, 1)))),
        "reading_spread": float(np.linalg.norm(spread, axis=1).max() / torso),
        "beside": float(view.beside),
        "loose": _loose(view, fit, surface),
    }


def _loose(view: BodyView, fit: BodyViewFit, surface: PriorSurface) -> float:
    """How much of what the photo shows of the person is farther than _LOOSE from the fitted body's outline."""
    box = surface.framing.crop_box(fit.camera)
    person = crop_picture(view.matte, box, _SIZE) > 0.5
    if view.parsing is not None:
        hanging = view.parsing.crop(box, _SIZE)[..., [CLASSES.index(name) for name in ("hair", "hat", "object")]].sum(-1)
        person &= hanging < 0.5
    vertices = torch.from_numpy(np.ascontiguousarray(surface.vertices, np.float32))
    drawn = rasterize(vertices, torch.from_numpy(np.asarray(surface.faces, np.int64)), _SIZE).mask.numpy()
    far = distance_transform_edt(~drawn) * (2 * surface.framing.half / _SIZE) > _LOOSE
    return float((person & far).sum() / max(person.sum(), 1))


def _bent(body: BodyModel, fit: BodyViewFit) -> float:
    """Degrees between the thigh and the way straight down from the trunk, of the straighter leg."""
    joint = lambda name: fit.joints[body.joint(name)]  # noqa: E731
    trunk = joint("spine01") - joint("spine05")
    thighs = [joint(f"upperleg01.{side}") - joint(f"lowerleg01.{side}") for side in "LR"]
    cosines = [thigh @ trunk / (np.linalg.norm(thigh) * np.linalg.norm(trunk)) for thigh in thighs]
    return float(np.degrees(np.arccos(np.clip(max(cosines), -1, 1))))


def _crossed(points: np.ndarray, seen: np.ndarray) -> bool:
    across = points[_HIPS[0]] - points[_HIPS[1]]  # from the right to the left
    shoulders = points[11] - points[12]
    axis = across + shoulders
    place = points @ (axis / max(np.linalg.norm(axis), 1e-6))

    def beyond(left: int, right: int, pair: Sequence[int]) -> bool:
        return bool(seen[list(pair)].all() and place[left] < place[right])

    arms = beyond(_WRISTS[0], _WRISTS[1], (*_WRISTS, *_ELBOWS))
    return arms or beyond(_ANKLES[0], _ANKLES[1], _ANKLES)
