"""A body's hands: the fitted model's, whose fingers the photo has posed, in the place of the mittens that a whole body's field makes."""

from itertools import product

import manifold3d
import numpy as np

from .errors import ReconstructionError
from .models.body import BodyModel
from .models.body_fit import BodyViewFit
from .photo.hands import SIDES
from .photo.parsing import Parsing
from .surface.join import JoinPlace, join_hand
from .surface.solid import ClosedSurface, from_solid, to_solid

_MARGINS = (0.03, 0.015)  # metres around the fitted hand in which the body's own is replaced, as wide as can be
_FOREARM = 0.1  # metres of the forearm that the fitted hand is taken with
_HAND = 0.5  # share of the region
_ON_SKIN = 0.2  # share of skin in the photo where the hand is put; small hands are parsed badly


def with_hands(
    body: BodyModel, fit: BodyViewFit, parsing: Parsing | None, vertices: np.ndarray, faces: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A closed surface (V, 3), (F, 3) of the fit's camera frame with the fitted hands in place where they are free: not on a hip,
    not in a pocket, not before the other, and where the photo's parsing has skin. Not mended."""
    closed = body.closed_vertices(fit.vertices, fit.joints, fit.rotation)
    surface = ClosedSurface(vertices, faces, np.zeros((len(vertices), 0), np.float32))
    model = ClosedSurface(closed, body.closed_mesh.faces, np.zeros((len(closed), 0), np.float32))
    for side in SIDES:
        hand = closed[_hand(body, side)]
        if parsing is not None and _skin(parsing, fit.camera.project(hand)) < _ON_SKIN:
            continue
        for margin in _MARGINS:
            place = _place(body, fit, hand, side, margin)
            try:
                arm, _ = from_solid(to_solid(model) ^ manifold3d.Manifold.hull_points(place.corners))
                surface = join_hand(surface, arm, place, fit.camera.distance)
                break
            except ReconstructionError:
                continue
    return surface.vertices, surface.faces


def _hand(body: BodyModel, side: str) -> np.ndarray:
    """(Vs,) bool: which vertices of the closed mesh are a hand's."""
    mine = body.mean[:, 0] > 0 if side == "L" else body.mean[:, 0] < 0
    return body.closed_mesh.on(body.regions["hands"] * mine) > _HAND


def _skin(parsing: Parsing, points: np.ndarray) -> float:
    """Mean share of skin at photo pixels (N, 2)."""
    left, top, side = parsing.square
    scale = len(parsing.shares) / side
    column, row = ((points - [left, top]) * scale).astype(np.int64).clip(0, len(parsing.shares) - 1).T
    return float(parsing.share("skin")[row, column].mean())


def _place(body: BodyModel, fit: BodyViewFit, hand: np.ndarray, side: str, margin: float) -> JoinPlace:
    """Where a fitted hand (N, 3) and its forearm's end lie."""
    wrist, knuckle, first, last = (fit.joints[body.joint(f"{name}.{side}")] for name in ("wrist", "finger3-1", "finger2-1", "finger5-1"))
    up = (knuckle - wrist) / np.linalg.norm(knuckle - wrist)
    palm = np.cross(up, last - first)
    palm /= np.linalg.norm(palm)
    axes = np.stack([np.cross(palm, up), palm, up])
    own = (hand - wrist) @ axes.T
    low, high = own.min(0) - margin, own.max(0) + margin
    low[2] = -_FOREARM
    return JoinPlace(wrist + np.array(list(product(*zip(low, high, strict=True)))) @ axes, wrist, up)
