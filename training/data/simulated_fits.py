"""Simulated fits: the head model fitted to landmarks as a detector would report them, so that training sees test-time priors."""

import cv2
import numpy as np
import torch

from ...core.geometry.mesh import vertex_normals
from ...core.geometry.raster import rasterize
from ...core.models.fit import ViewFit, fit_head
from ...core.models.head import HeadModel
from ...core.models.observation import Observation
from ...core.models.rotation import rotation_matrix
from ...core.photo.landmarks import MEDIAPIPE
from ...core.photo.view import Camera
from ..humans.person import Person

# Metres.
_SMOOTH_NOISE, _SMOOTH_REACH, _ROUGH_NOISE = 0.0013, 0.03, 0.0005
_HIDDEN_FACTOR = 2.5
_MISTAKEN = (0.2, 1.0)
"""Standard deviations of identity. A detector's landmarks are those of a plausible other person: on renderings the fit to them leaves as
little residual as here without this (1.6 % of the eye distance), but its face is 3.4 mm from the true one, where noise alone gave 2.1;
0.9 gives 3.0. Real photographs, which the detector knows, lie between."""
_TILT = np.radians((3.4, 2.4, 0.8))
"""About the head's own axes. Fits to real landmarks err by 4.4, 2.9 and 1.3 degrees (root mean square), simulated ones without this by 2.8,
1.6 and 1.0."""


def simulated_fit(model: HeadModel, person: Person, camera: Camera, size: int, rng: np.random.Generator) -> ViewFit:
    """Fit the model to noisy landmarks and the matte of a person seen by `camera` in a picture of size x size; the true parameters
    are never used. Half of the photos tell their focal length; for the others the fit assumes its usual distance."""
    landmarks = noisy_landmarks(model, person, rng)
    pixels = np.concatenate([camera.project(landmarks), landmarks[:, 2:] * camera.scale], axis=1)
    known = np.isfinite(camera.distance) and rng.random() < 0.5
    focal = camera.scale * camera.distance if known else None
    return fit_head(model, Observation({MEDIAPIPE: pixels}, _matte(person, camera, size), focal, "synthetic"))


def _matte(person: Person, camera: Camera, size: int) -> np.ndarray:
    """The person's silhouette (size, size) in a square picture, drawn at half its size."""
    solid = [part for part in person.parts if part.solid]
    offsets = np.cumsum([0, *(len(part.vertices) for part in solid)])
    points = np.concatenate([part.vertices for part in solid])
    faces = np.concatenate([part.faces + offset for part, offset in zip(solid, offsets, strict=False)])
    flat = camera.project(points) * (2 / size) - 1
    vertices = np.stack([flat[:, 0], -flat[:, 1], points[:, 2]], axis=1).astype(np.float32)
    covered = rasterize(torch.from_numpy(vertices), torch.from_numpy(faces), size // 2).mask.numpy()
    return (cv2.resize(covered.astype(np.float32), (size, size)) > 0.5).astype(np.float32)


def noisy_landmarks(model: HeadModel, person: Person, rng: np.random.Generator) -> np.ndarray:
    """The detector's 468 points (468, 3), camera frame, metres: true points, its bias, smooth and rough noise, more on hidden skin,
    what would turn the person into another one, and a tilt of the whole."""
    truth = model.mediapipe.on(person.head)
    normals = vertex_normals(person.head, model.faces)
    facing = model.mediapipe.on(normals)[:, 2]
    rest = model.mediapipe.on(model.mean)
    centres = rest[rng.choice(len(rest), 40, replace=False)]
    waves = np.exp(-((rest[:, None] - centres) ** 2).sum(2) / (2 * _SMOOTH_REACH**2))
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    noise = waves @ rng.normal(0, _SMOOTH_NOISE, (len(centres), 3)) + rng.normal(0, _ROUGH_NOISE, truth.shape)
    noise *= np.where(facing < 0, _HIDDEN_FACTOR, 1.0)[:, None] * rng.uniform(0.5, 1.6)
    corners = model.identity[:, model.mediapipe.corners]
    mistaken = rng.normal(0, rng.uniform(*_MISTAKEN), len(model.identity))
    other = np.einsum("k,kncd,nc->nd", mistaken, corners, model.mediapipe.barycentric, optimize=True)
    middle, tilt = truth.mean(0), person.rotation @ rotation_matrix(rng.normal(0, _TILT)) @ person.rotation.T
    return middle + (truth - middle + (model.mediapipe.bias + other) @ person.rotation.T + noise) @ tilt.T
