"""Simulated fits: the head model fitted to landmarks as a detector would report them, so that training sees test-time priors."""

from dataclasses import dataclass

import numpy as np

from ..core.models.head import HeadModel, HeadParameters
from ..core.models.rotation import rotation_matrix, rotation_vector
from ..core.photo.view import Camera
from .humans.person import Person


@dataclass(frozen=True)
class SimulatedFit:
    """solid_vertices (Vs, 3) in the fit's own camera frame, and its camera."""

    solid_vertices: np.ndarray
    camera: Camera


def perturbed_fit(model: HeadModel, person: Person, camera: Camera, rng: np.random.Generator) -> SimulatedFit:
    """A shrunken, noisy version of the person's own parameters."""
    level = rng.uniform(0.4, 1.2)
    expression = np.array([person.body.expression.get(name, 0.0) for name in model.expression_names])
    known = model.hm08 >= 0
    neutral = person.body.vertices[model.hm08] - np.tensordot(expression.astype(np.float32), model.expression, 1)
    basis = model.identity[:, known].reshape(len(model.identity), -1)
    offset = (neutral - model.mean)[known].ravel()
    identity = np.linalg.solve(basis @ basis.T + 1e-5 * np.eye(len(basis)), basis @ offset)
    identity = identity * (1 - 0.4 * level) + rng.normal(0, 0.3 * level, len(identity))
    expression = np.clip(expression * (1 - 0.25 * level) + rng.normal(0, 0.07 * level, 52) * (expression > 0), 0, 1)
    rotations = np.zeros((5, 3))
    rotations[1] = person.neck + rng.normal(0, 0.04 * level, 3)
    wrong = rotation_matrix(rng.normal(0, 0.04 * level, 3))
    rotations[0] = rotation_vector(wrong @ person.rotation @ rotation_matrix(person.neck).T)
    posed = model.posed(HeadParameters(identity, expression, rotations))
    scale = camera.scale * (1 + rng.normal(0, 0.015 * level))
    shift = rng.normal(0, 0.002 * level, 2) * camera.scale
    return SimulatedFit(posed.solid_vertices, Camera((camera.centre[0] + shift[0], camera.centre[1] + shift[1]), scale, 1.5))
