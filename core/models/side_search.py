"""From where a photo in which no face is found shows the head that a main photo gives: a profile, or the back of the head.

The head's outline tells the side and the size, within some 20 degrees of turn. How far it is turned tells what the main photo shows too:
skin, hair, eyes and brows, and shades, which have to lie where the other photo has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
import torch

from ..geometry.mesh import vertex_normals
from ..geometry.raster import interpolate, rasterize
from ..geometry.visibility import depth_picture, sample_picture, visibility
from ..photo.crop import crop_picture
from ..photo.faceless import HeadPicture
from ..photo.framing import HEAD, CropBox
from ..photo.parsing import CLASSES, Parsing
from ..photo.view import Camera, View
from .fit import ViewFit
from .register import HeadSurface, Outline, RelativePose, moved
from .rotation import rotation_matrix
from .solver import Quadratic, minimise

LIKE, _OF_SHADES = 0.905, 0.1
"""Least share of the head's outline and the photo's that both have in common, and what correlating shades add to it. Profiles and backs of
three drawn people and a stone head had 0.909 to 1.02; of 22 photos of others 12 had less."""
_SIDES = (90.0, -90.0, 180.0)  # degrees of the head's turn that are tried first
_STEPS, _STEPS_BACK = (-16.0, -8.0, 0.0, 8.0, 16.0), (-30.0, -15.0, 0.0, 15.0, 30.0)  # from there
_BACK = 135.0  # degrees from which on the main photo shows nothing of what another one does
_TURNED = np.radians([10.0, 4.0, 10.0])  # deviations of the turn from what is tried: nod, turn, lean
_SCALE, _SHIFT = 0.15, 40.0  # deviations of the scale, as a share, and of the place, millimetres
_COARSE, _FINER = (*(20.0,) * 6, 15.0, 10.0, 8.0, 6.0), (*(10.0,) * 3, 8.0, 6.0, *(4.0,) * 5)  # millimetres by which the outline errs
_WORTH = 40.0  # independent measurements that an outline is worth
_SIZE = 128  # pixels a side in which pictures are compared
_AROUND = 12  # pixels around the head within which they are
_FINE = 5.0  # pixels: shades that change more slowly are light
_FACING = 0.15  # least cosine to the main camera
_LEAST = 100  # pixels that both photos show
_CLASSES = (("skin", "lips"), ("hair", "hat"), ("beard",), ("eyes",), ("clothes",))
_SKIN = [0, 2, 3]  # of those: what is bare or lies in the face
_HAIR = 1
_STEPS_KNOWN, _KNOWN = (-8.0, 0.0, 8.0), 8.0  # where landmarks tell the turn; degrees by which they err
_USUAL, _USUAL_BACK, _UNUSUAL = 15.0, 25.0, 0.1  # degrees by which people miss a right angle, and turn their backs; weight of that
_ALIKE, _FACES, _SHADES = 4.0, 1.0, 0.5  # weights of the outline, of where the face is, and of what both photos show


@dataclass(frozen=True)
class SeenHead:
    """The main photo's head with what that photo shows of it. face (V,): is a vertex in the face? shown (V,): does the photo show it?
    shares (V, C): of the classes; grey (V,): its shade; back (3, 3): from the main camera's axes to the head's."""

    surface: HeadSurface
    face: np.ndarray
    shown: np.ndarray
    shares: np.ndarray
    grey: np.ndarray
    back: np.ndarray

    @classmethod
    def of(cls, surface: HeadSurface, face: np.ndarray, view: View, fit: ViewFit) -> Self:
        """surface: in the camera frame of the main photo's fit."""
        points = HEAD.to_crop(surface.vertices, fit.camera).astype(np.float32)
        normals, box = vertex_normals(points, surface.faces), HEAD.crop_box(fit.camera)
        shown = visibility(points, normals, depth_picture(points, surface.faces, 2 * _SIZE).depth) * (normals[:, 2] > _FACING)
        shares = np.zeros((len(points), len(_CLASSES)), np.float32)
        if view.parsing is not None:
            shares = sample_picture(_shares(view.parsing, box, 2 * _SIZE), points)
        grey = sample_picture(crop_picture(view.image, box, 2 * _SIZE), points).mean(1)
        return cls(surface, face, shown, shares, grey, fit.rotation.T)


def found_side(head: SeenHead, main: ViewFit, photo: HeadPicture, outside: np.ndarray, box: CropBox) -> ViewFit | None:
    """The main photo's fit as the other photo shows that head; None where the photo's outline is unlike the head's.

    outside (S, S): signed distance, halves of its side, to the outline in a square `box` of the photo (`HeadPicture.box`)."""
    outline = Outline(outside, box, head.surface)

    def judged(turn: float, start: RelativePose, steps: Sequence[float]) -> tuple[float, float, RelativePose]:
        pose = _fitted(outline, start, steps)
        return *_likeness(head, photo, pose, turn), pose

    sides = {turn: judged(turn, _start(head, main, photo, turn), _COARSE) for turn in (_SIDES if photo.turn is None else (photo.turn,))}
    side = max(sides, key=lambda turn: sides[turn][0])
    steps, usual = (_STEPS_BACK, _USUAL_BACK) if abs(side) > _BACK else (_STEPS, _USUAL)
    if photo.turn is not None:
        steps, usual = _STEPS_KNOWN, _KNOWN
    best = (-np.inf, 0.0, sides[side][2])
    for step in steps:
        likely, alike, pose = judged(side + step, sides[side][2].moved(np.r_[0, np.radians(step), 0, 0, 0, 0]), _FINER)
        likely -= _UNUSUAL * (step / usual) ** 2
        best = max(best, (likely, alike, pose), key=lambda found: found[0])
    return moved(main, best[2].rotation, best[2].camera) if best[1] > LIKE else None


def _start(head: SeenHead, main: ViewFit, photo: HeadPicture, turn: float) -> RelativePose:
    """A head turned by so many degrees that covers the photo's."""
    rotation = rotation_matrix(np.array([0, np.radians(turn), 0])) @ head.back
    centre, across = photo.place()
    there = Camera((0.0, 0.0), 1.0, main.camera.distance)
    drawn = _drawn(head, RelativePose(rotation, there), head.surface.counts[:, None])
    rows, columns = np.nonzero(drawn.mask & (drawn.values[..., 0] > 0.5))
    pixel = 2 * HEAD.half / _SIZE  # metres
    scale = across / (pixel * np.sqrt(max(len(rows), 1)))
    right, down = (columns.mean() + 0.5) * pixel - HEAD.half + HEAD.centre[0], (rows.mean() + 0.5) * pixel - HEAD.half - HEAD.centre[1]
    camera = Camera((float(centre[0] - right * scale), float(centre[1] - down * scale)), float(scale), main.camera.distance)
    return RelativePose(rotation, camera)


def _fitted(outline: Outline, start: RelativePose, steps: Sequence[float]) -> RelativePose:
    """The pose around a start in which the head has the photo's outline. steps: millimetres by which that errs, step by step."""
    inverse = np.r_[_TURNED, _SCALE, _SHIFT, _SHIFT] ** -2.0

    def linearised(pose: RelativePose, deviation: float) -> Quadratic:
        rows, errors, guess = outline.rows(pose)
        weight = _WORTH / max(len(errors), 1) / (deviation**2 + guess**2 + errors**2)
        return Quadratic(np.diag(inverse) + (rows * weight[:, None]).T @ rows, -inverse * pose.since(start) - rows.T @ (weight * errors))

    return minimise(start, linearised, RelativePose.moved, steps)


def _likeness(head: SeenHead, photo: HeadPicture, pose: RelativePose, turn: float) -> tuple[float, float]:
    """How well a pose explains a photo, by which poses are compared, and how far that is the same head (LIKE)."""
    box = HEAD.crop_box(pose.camera)
    drawn = _drawn(head, pose, np.column_stack([head.surface.counts, head.face, head.shown, head.grey, head.shares]))
    counts, face, shown, grey = np.moveaxis(drawn.values[..., :4], 2, 0)
    person = crop_picture(photo.matte, box, _SIZE, cv2.BORDER_REPLICATE) > 0.5
    head_drawn = drawn.mask & (counts > 0.5)
    near = cv2.dilate(head_drawn.astype(np.uint8), np.ones((2 * _AROUND + 1,) * 2, np.uint8)) > 0
    above = (1 - (np.arange(_SIZE) + 0.5) * (2 / _SIZE) > drawn.lowest)[:, None] & near
    common = float((drawn.mask & person & above).sum() / max(((drawn.mask | person) & above).sum(), 1))
    shares = _shares(photo.parsing, box, _SIZE)
    skin, hair = shares[..., _SKIN].sum(-1), shares[..., _HAIR]
    told = head_drawn & person & (skin + hair > 0.5)
    apart = float(np.abs(face - skin / np.maximum(skin + hair, 0.1))[told].mean()) if told.any() else 1.0
    result, alike = _ALIKE * common - _FACES * apart, common
    both = head_drawn & person & (shown > 0.5)
    if abs(turn) < _BACK and both.sum() > _LEAST:
        unlike = float(np.abs(drawn.values[..., 4:] - shares)[both].sum(-1).mean())
        picture = crop_picture(photo.image, box, _SIZE).mean(-1)
        correlation = _correlation(grey, picture, both)
        result += _SHADES * (correlation - unlike)
        alike += _OF_SHADES * max(correlation, 0.0)
    return result, alike


@dataclass(frozen=True)
class _Drawn:
    """mask (S, S) bool, values (S, S, C) and lowest: the least y of the head, crop frame."""

    mask: np.ndarray
    values: np.ndarray
    lowest: float


def _drawn(head: SeenHead, pose: RelativePose, values: np.ndarray) -> _Drawn:
    """Values (V, C) of the head's vertices as a pose shows them."""
    surface = head.surface
    points = HEAD.to_crop(surface.vertices @ pose.rotation.T, pose.camera).astype(np.float32)
    faces = torch.from_numpy(np.asarray(surface.faces, np.int64))
    raster = rasterize(torch.from_numpy(points), faces, _SIZE)
    seen = interpolate(raster, faces, torch.from_numpy(np.asarray(values, np.float32))).numpy()
    return _Drawn(raster.mask.numpy(), seen, float(points[surface.counts, 1].min()))


def _shares(parsing: Parsing, box: CropBox, size: int) -> np.ndarray:
    """(size, size, C) of the groups of classes."""
    shares = parsing.crop(box, size)
    return np.stack([shares[..., [CLASSES.index(name) for name in names]].sum(-1) for names in _CLASSES], axis=-1)


def _correlation(one: np.ndarray, other: np.ndarray, mask: np.ndarray) -> float:
    """Of the fine shades of two pictures (S, S) in a mask (S, S) bool."""
    weight = mask.astype(np.float32)

    def fine(picture: np.ndarray) -> np.ndarray:
        blurred = cv2.GaussianBlur(picture * weight, (0, 0), _FINE) / np.maximum(cv2.GaussianBlur(weight, (0, 0), _FINE), 1e-3)
        return (picture - blurred)[mask]

    one, other = fine(one.astype(np.float32)), fine(other)
    return float((one * other).sum() / max(np.sqrt((one**2).sum() * (other**2).sum()), 1e-9))
