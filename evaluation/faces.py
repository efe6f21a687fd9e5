"""Faces and landmarks: the crop and the fits of the NoW benchmark from its description (Sanyal et al. 2019), and re-projection."""

import numpy as np

from ..core.photo.view import Camera
from .align import Similarity, align_points, align_surface
from .case import Case
from .metrics import MM, MeasuredTruth
from .nearest import NearestSurface

# MediaPipe's numbering: outer and inner corners of the right and left eye, bottom of the nose, corners of the mouth.
SEVEN = (33, 133, 362, 263, 2, 61, 291)
_OUTER_EYES, _NOSE_BOTTOM, _NOSE_BRIDGE = (33, 263), 2, 168
_SAMPLES, _FACE_SAMPLES = 20_000, 3000


def face_sphere(landmarks: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre (3,) and radius of NoW's crop from 468 landmarks (468, 3)."""
    bottom, bridge = landmarks[_NOSE_BOTTOM], landmarks[_NOSE_BRIDGE]
    eyes = np.linalg.norm(landmarks[_OUTER_EYES[0]] - landmarks[_OUTER_EYES[1]])
    return bottom + 0.3 * (bridge - bottom), 1.4 * float(eyes + np.linalg.norm(bridge - bottom)) / 2


def face_errors(truth: MeasuredTruth, predicted: NearestSurface, landmarks: np.ndarray, scaled: bool) -> np.ndarray:
    """(N,) mm from samples of the true face to the prediction after seven landmarks and ICP of the face alone, with or without scale.

    landmarks (468, 3): the prediction's. Samples by area stand for NoW's scan vertices; the faces keep their expressions.
    """
    own = truth.case.landmarks
    assert own is not None
    centre, radius = face_sphere(own)
    samples = truth.surface.sample(_SAMPLES, seed=0).position
    share = np.mean(np.linalg.norm(samples - centre, axis=1) < radius)
    samples = truth.surface.sample(int(min(_FACE_SAMPLES / max(share, 1e-3), 400_000)), seed=0).position
    face = samples[np.linalg.norm(samples - centre, axis=1) < radius]
    if len(face) < 100:
        return np.zeros(0)
    seven = list(SEVEN)
    motion = align_surface(face, predicted, align_points(own[seven], landmarks[seven], scaled), scaled)
    return predicted.closest(motion(face)).distance / motion.scale * MM


def start_from_landmarks(case: Case, landmarks: np.ndarray | None, scaled: bool) -> Similarity:
    """Motion of the truth to the prediction by all landmarks; none when either has no landmarks."""
    if case.landmarks is None or landmarks is None:
        return Similarity.identity()
    return align_points(case.landmarks, landmarks, scaled)


def landmark_error(case: Case, landmarks: np.ndarray, camera: Camera) -> dict[str, float]:
    """Mean distance in the photo of projected landmarks (468, 3): pixels, and % of the distance between the outer corners of the eyes."""
    if case.landmark_pixels is None or not len(landmarks):
        return {}
    offset = np.linalg.norm(camera.project(landmarks) - case.landmark_pixels, axis=1)
    eyes = float(np.linalg.norm(np.subtract(*case.landmark_pixels[list(_OUTER_EYES)])))
    return {"landmark_px": float(offset.mean()), "landmark_error": float(100 * offset.mean() / max(eyes, 1e-6))}
