"""From where a further photo shows the head that a main photo gives: its turn and camera, by the outline of that head, hair included, and
by the places that both photos show. Landmarks alone leave turns 4 to 5 degrees wrong, and scales some per cent."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import cv2
import numpy as np
import torch

from ..geometry.raster import rasterize
from ..geometry.visibility import sample_picture
from ..photo.framing import HEAD, CropBox
from ..photo.view import Camera
from .fit import ViewFit
from .head import HeadModel
from .joints import GLOBAL
from .photo_flow import Matches, PhotoFit, matches
from .rotation import rotation_matrix, rotation_vector, skew
from .solver import Quadratic, minimise

_ROUNDS, _STEPS = 3, 6
_TURN, _SCALE, _SHIFT = np.radians(3.0), 0.03, 6.0  # deviations of the fit from landmarks: radians, share, millimetres
_OUTLINE, _PLACE = 4.0, 1.5  # millimetres by which the outline and a matched place err
_GUESSED = 20.0  # millimetres by which the back of a head errs that no photo has shown
_DEPTH = 3.0  # millimetres by which the fitted face errs in depth, which a turn shows from the side
_WORTH = 40.0  # independent measurements that an outline, or all matches together, are worth
_SIZE = 160  # pixels a side of the drawn outline
_RIM = 0.015  # crop units within the drawn outline in which vertices are on it
_WITHIN = 0.95  # of the crop: what lies beyond has no outline
_STEEP = 0.5  # least slope of a signed distance; less is the middle between two outlines


@dataclass(frozen=True)
class HeadSurface:
    """The main photo's head: vertices (V, 3) in its camera frame, metres, faces (F, 3), which vertices (V,) bool are of the head, and which
    (V,) bool are a guess: those that look away from the main camera."""

    vertices: np.ndarray
    faces: np.ndarray
    counts: np.ndarray
    guessed: np.ndarray


@dataclass(frozen=True)
class RelativePose:
    """How another photo shows the main photo's head. rotation (3, 3): from the main photo's camera frame into the other's."""

    rotation: np.ndarray
    camera: Camera

    def moved(self, step: np.ndarray) -> Self:
        """After a step (6,): a turn, the logarithm of the scale, and a shift to the right and down, millimetres."""
        scale = self.camera.scale * float(np.exp(step[3]))
        column, row = np.array(self.camera.centre) + step[4:] * scale / 1000
        return replace(
            self,
            rotation=rotation_matrix(step[:3]) @ self.rotation,
            camera=Camera((float(column), float(row)), scale, self.camera.distance),
        )

    def since(self, start: Self) -> np.ndarray:
        """The step (6,) that led here."""
        shift = (np.array(self.camera.centre) - start.camera.centre) * 1000 / start.camera.scale
        return np.r_[rotation_vector(self.rotation @ start.rotation.T), np.log(self.camera.scale / start.camera.scale), shift]

    def shown(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (N, 2) of points (N, 3) of the main camera frame, and what a step does to them: (N, 2, 6), millimetres."""
        turned = points @ self.rotation.T
        pixels = self.camera.project(turned)
        flat = (pixels - self.camera.centre) * 1000 / self.camera.scale
        nearness = 1 / (self.camera.distance - turned[:, 2]) if np.isfinite(self.camera.distance) else np.zeros(len(turned))
        derivative = np.zeros((len(points), 2, 3))
        derivative[:, 0, 0] = 1000 * (1 + nearness * turned[:, 2])
        derivative[:, 1, 1] = -derivative[:, 0, 0]
        derivative[:, :, 2] = flat * nearness[:, None]
        moves = np.zeros((len(points), 2, 6))
        moves[:, :, :3] = -derivative @ skew(turned)
        moves[:, :, 3], moves[:, 0, 4], moves[:, 1, 5] = flat, 1, 1
        return pixels, moves


class Outline:
    """outside (S, S): signed distance, halves of its side, to a photo's outline over a square `box` of it, such as its crop."""

    def __init__(self, outside: np.ndarray, box: CropBox, head: HeadSurface) -> None:
        down, right = np.gradient(outside * (len(outside) / 2))
        self._layers = np.stack([outside, right, down], axis=-1)
        self._box, self._head = box, head

    def rows(self, pose: RelativePose) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Jacobian (N, 6) and distances (N,), millimetres, of the head's outline from the photo's, and by how much the head is known to err
        there."""
        rim, inside = self._rim(pose)
        points = self._head.vertices[rim]
        pixels, moves = pose.shown(points)
        left, top, side = self._box
        place = ((pixels - [left, top]) * (2 / side) - 1) * [1, -1]
        values = sample_picture(self._layers, place)
        slope = np.linalg.norm(values[:, 1:], axis=1)
        kept = (slope > _STEEP) & (np.abs(place).max(1) < _WITHIN)
        outward = values[kept, 1:] / slope[kept, None]
        errors = 1000 * (values[kept, 0] * (side / 2 / pose.camera.scale) + inside[kept] * HEAD.half)
        return np.einsum("na,nap->np", outward, moves[kept]), errors, np.where(self._head.guessed[rim][kept], _GUESSED, 0.0)

    def _rim(self, pose: RelativePose) -> tuple[np.ndarray, np.ndarray]:
        """Numbers (N,) of the vertices that the pose shows at the head's outline, and how far within it (N,), crop units."""
        points = HEAD.to_crop(self._head.vertices @ pose.rotation.T, pose.camera).astype(np.float32)
        drawn = rasterize(torch.from_numpy(points), torch.from_numpy(np.asarray(self._head.faces, np.int64)), _SIZE).mask.numpy()
        # From the middle of a pixel at the edge to the next one outside it is one pixel, to the edge half of one.
        inside = sample_picture((cv2.distanceTransform(drawn.astype(np.uint8), cv2.DIST_L2, 5) - 0.5) * (2 / _SIZE), points)
        rim = np.flatnonzero(self._head.counts & (inside < _RIM) & (np.abs(points[:, :2]).max(1) < _WITHIN))
        return rim, inside[rim]


def registered(model: HeadModel, main: PhotoFit, other: PhotoFit, outside: np.ndarray, head: HeadSurface) -> ViewFit:
    """The fit of another photo of the same person, with the turn and the camera from which that shows the main photo's head.

    outside (S, S): signed distance, crop units, to the outline in the other photo's crop, as its fit has it.
    """
    back = other.fit.rotation @ main.fit.rotation.T
    start = pose = RelativePose(back, other.fit.camera)
    outline, fit = Outline(outside, HEAD.crop_box(other.fit.camera), head), other.fit
    for _ in range(_ROUNDS):
        found = matches(model, main, replace(other, fit=fit))
        if found is not None:
            found = replace(found, points=found.points @ pose.rotation)
        linearise = partial(_linearised, start=start, outline=outline, found=found)
        pose = minimise(start, lambda state, _, linearise=linearise: linearise(state), RelativePose.moved, range(_STEPS))
        fit = moved(other.fit, pose.rotation @ back.T, pose.camera)
    return fit


def _linearised(pose: RelativePose, start: RelativePose, outline: Outline, found: Matches | None) -> Quadratic:
    inverse = np.r_[np.full(3, _TURN), _SCALE, np.full(2, _SHIFT)] ** -2
    matrix, right = np.diag(inverse), -inverse * pose.since(start)
    rows, errors, guess = outline.rows(pose)
    terms: list[tuple[np.ndarray, np.ndarray, np.ndarray | float]] = [(rows, errors, np.hypot(_OUTLINE, guess))]
    if found is not None:
        pixels, moves = pose.shown(found.points)
        errors = (pixels - found.pixels) * 1000 / pose.camera.scale
        # A place whose depth is wrong is found too far along this direction.
        along = pose.rotation[:2, 2] * [1, -1]
        length = float(np.linalg.norm(along))
        along = along / length if length > 0 else np.array([1.0, 0.0])
        for axis, deviation in ((along, float(np.hypot(_PLACE, _DEPTH * length))), (np.array([-along[1], along[0]]), _PLACE)):
            terms.append((np.einsum("a,nap->np", axis, moves), errors @ axis, deviation))
    for rows, errors, deviation in terms:
        weight = _WORTH / max(len(errors), 1) / (deviation**2 + errors**2)
        matrix += (rows * weight[:, None]).T @ rows
        right -= rows.T @ (weight * errors)
    return Quadratic(matrix, right)


def moved(fit: ViewFit, turn: np.ndarray, camera: Camera) -> ViewFit:
    """A fit turned (3, 3) about the origin of its camera frame, and seen by another camera."""
    rotations = fit.rotations.copy()
    rotations[GLOBAL] = rotation_vector(turn @ rotation_matrix(rotations[GLOBAL]))
    names = ("vertices", "joints", "closed_vertices", "closed_normals")
    turned = {name: getattr(fit, name) @ turn.T for name in names}
    return replace(fit, rotations=rotations, rotation=turn @ fit.rotation, camera=camera, **turned)
