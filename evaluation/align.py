"""Bring a prediction to the truth: landmarks first (Umeyama 1991), then trimmed point-to-plane ICP (Chen & Medioni 1992). Never mirrors."""

from dataclasses import dataclass

import numpy as np

from ..core.models.rotation import rotation_matrix
from .nearest import NearestSurface

_ROUNDS = 25
_INLIERS = 0.8  # share of the points, the nearest, that pull
_CONVERGED = 1e-6  # metres
_SCALES = (0.8, 1.25)  # of the start's: towards zero every mesh fits every other


@dataclass(frozen=True)
class Similarity:
    """x -> scale * rotation @ x + translation; rotation (3, 3) proper, translation (3,) metres."""

    scale: float
    rotation: np.ndarray
    translation: np.ndarray

    @classmethod
    def identity(cls) -> "Similarity":
        """Leaves everything where it is."""
        return cls(1.0, np.eye(3), np.zeros(3))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Moved points (N, 3), float64."""
        return self.scale * (np.asarray(points, np.float64) @ self.rotation.T) + self.translation

    def inverse(self) -> "Similarity":
        """The way back."""
        return Similarity(1 / self.scale, self.rotation.T, -self.rotation.T @ self.translation / self.scale)

    def after(self, first: "Similarity") -> "Similarity":
        """`first`, then this one."""
        return Similarity(self.scale * first.scale, self.rotation @ first.rotation, self(first.translation[None])[0])


def align_points(source: np.ndarray, target: np.ndarray, scaled: bool) -> Similarity:
    """Least-squares motion of source (N, 3) to target (N, 3), with or without scale."""
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    start, goal = source.mean(0), target.mean(0)
    left, values, right = np.linalg.svd((target - goal).T @ (source - start))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = (left * sign) @ right
    scale = float((values * sign).sum() / ((source - start) ** 2).sum()) if scaled else 1.0
    return Similarity(scale, rotation, goal - scale * rotation @ start)


def align_surface(points: np.ndarray, surface: NearestSurface, start: Similarity, scaled: bool) -> Similarity:
    """Motion of points (N, 3) onto a surface from a start that is roughly right; the worst fifth of the points does not pull.

    Distances to the tangent planes of the closest points are minimised, linearised in each round; points on open borders do not pull.
    """
    motion, before = start, np.inf
    for _ in range(_ROUNDS):
        moved = motion(points)
        closest = surface.closest(moved)
        usable = np.flatnonzero(~closest.on_border)
        if len(usable) < 12:
            return motion
        kept = usable[np.argsort(closest.distance[usable])[: max(int(_INLIERS * len(usable)), 12)]]
        normal, centre = closest.normal[kept], moved[kept].mean(0)
        arm = moved[kept] - centre
        rows = [np.cross(arm, normal), normal]
        if scaled:
            rows.append(np.einsum("ij,ij->i", arm, normal)[:, None])
        gap = np.einsum("ij,ij->i", closest.position[kept] - moved[kept], normal)
        step = np.linalg.lstsq(np.concatenate(rows, axis=1), gap, rcond=None)[0]
        low, high = (start.scale * bound for bound in _SCALES)
        growth = float(np.clip(motion.scale * np.exp(np.clip(step[6], -0.1, 0.1)), low, high) / motion.scale) if scaled else 1.0
        turn = rotation_matrix(step[:3])
        motion = Similarity(growth, turn, centre + step[3:6] - growth * turn @ centre).after(motion)
        error = float(np.sqrt((closest.distance[kept] ** 2).mean()))
        if abs(before - error) < _CONVERGED:
            break
        before = error
    return motion
