"""Fit the body model to one or several photos of a person who stands still: the guess first, then landmarks, then the mattes' outlines.

The photos share shape and pose; each has its own root and camera. The same solver, and the same kind of energy, as for heads (fit.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import ReconstructionError
from ..photo.people import BodyLandmarks
from .articulation import Articulation
from .body import BodyModel
from .body_guess import GuessNetwork
from .body_outline import BodyMatte, BodyOutline
from .body_view import SHAPES, BodyState, BodyViewEnergy
from .observation import BodyObservation
from .parametric import Parameters
from .rotation import rotation_vector, smallest_turn
from .solver import SharedProblem, minimise

_STEPS_LANDMARKS, _STEPS_OUTLINE, _OUTLINES = 12, 4, 3
_CONVERGED = 2e-3
Cancel = Callable[[], bool] | None


@dataclass(frozen=True)
class BodyCamera:
    """A photo's camera: the axis passes through its principal point (2,), photo pixels. focal: pixels. place (3,): the root joint, camera
    axes, metres of the model, with the camera at the origin."""

    principal: np.ndarray
    focal: float
    place: np.ndarray

    def project(self, points: np.ndarray) -> np.ndarray:
        """Photo pixels (N, 2), column and row, of points (N, 3) in camera axes about the root."""
        there = points + self.place
        return self.principal + self.focal * there[:, :2] * [1, -1] / -there[:, 2:]


@dataclass(frozen=True)
class BodyViewFit:
    """A body model fitted to a photo. Camera axes about the root joint, metres of the model (63 mm between the eyes).

    parameters; rotation (3, 3) of the root; camera; vertices (V, 3), joints (J, 3). up (3,): against gravity. energy: what the fit could
    not explain, to compare fits of one photo.
    """

    parameters: Parameters
    rotation: np.ndarray
    camera: BodyCamera
    vertices: np.ndarray
    joints: np.ndarray
    up: np.ndarray
    energy: float

    @property
    def standing(self) -> np.ndarray:
        """The rotation (3, 3) that stands the result up: camera axes to axes whose y points against gravity."""
        return smallest_turn(self.up, np.array([0.0, 1.0, 0.0]))


@dataclass(frozen=True)
class BodyFit:
    """One person: identity (K,), and a BodyViewFit for each observation, in their order."""

    identity: np.ndarray
    views: tuple[BodyViewFit, ...]


class BodyFitter:
    """Fits bodies; keeps what does not depend on the photo."""

    def __init__(self, body: BodyModel, network: GuessNetwork) -> None:
        self._body, self._network = body, network
        self._frame = Articulation(body, SHAPES)
        self._skin = self._frame.on_vertices(np.arange(len(body.mean)))

    def fit(self, observations: Sequence[BodyObservation], cancel: Cancel = None) -> BodyFit:
        """Shape, pose and cameras that explain the landmarks and mattes of one or more photos of a person. Deterministic.

        Raises ReconstructionError when a photo has no reading, Cancelled when cancel answers True.
        """
        views = [self._energy(seen, 1 / len(observations)) for seen in observations]
        problem = SharedProblem(views, self._frame.count + 3 * len(self._frame.shares))
        states = _of_one_person([view.start() for view in views])
        states = minimise(states, problem.linearised, problem.moved, range(_STEPS_LANDMARKS), problem.energy, _CONVERGED, cancel)
        mattes = [self._matte(seen) for seen in observations]
        if any(matte is not None for matte in mattes):
            for _ in range(_OUTLINES):
                for view, matte, state in zip(views, mattes, states, strict=True):
                    view.outline = None if matte is None else BodyOutline(self._frame, self._skin, matte, state)
                states = minimise(states, problem.linearised, problem.moved, range(_STEPS_OUTLINE), problem.energy, _CONVERGED, cancel)
        fits = [self._result(*each) for each in zip(observations, views, states, strict=True)]
        return BodyFit(fits[0].parameters.identity, tuple(fits))

    def _energy(self, seen: BodyObservation, share: float) -> BodyViewEnergy:
        if not seen.readings:
            raise ReconstructionError(f"No body was found in {seen.name}; choose a photo that shows the whole person.")
        guess = self._network(seen.readings)
        return BodyViewEnergy(self._frame, combined(seen.readings), guess, seen.principal, seen.focal, share)

    def _matte(self, seen: BodyObservation) -> BodyMatte | None:
        if seen.matte is None:
            return None
        rows, columns = np.nonzero(seen.matte > 0.5)
        if not len(rows) or seen.matte.min() > 0.5:
            return None
        return BodyMatte(seen.matte, (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1), seen.principal)

    def _result(self, seen: BodyObservation, view: BodyViewEnergy, state: BodyState) -> BodyViewFit:
        body = self._body
        identity = np.zeros(len(body.identity))
        identity[: len(state.shape)] = state.shape
        rotations = body.pose.rotations(state.groups)
        rotations[body.MAIN_JOINT] = rotation_vector(state.rotation)
        parameters = Parameters(identity, np.zeros(0), rotations)
        posed = body.posed(parameters)
        place = np.r_[state.offset / state.scale, -state.distance]
        camera = BodyCamera(seen.principal, state.scale * state.distance, place)
        up = state.ahead.T @ view.guess.up
        return BodyViewFit(parameters, state.rotation, camera, posed.vertices, posed.joints, up, view.energy(state))


def combined(readings: Sequence[BodyLandmarks]) -> BodyLandmarks:
    """The readings of one person as one: the median, point by point."""
    median = lambda name: np.median([getattr(reading, name) for reading in readings], axis=0)  # noqa: E731
    return BodyLandmarks(median("points"), median("depth"), median("visibility"), median("world"))


def _of_one_person(states: Sequence[BodyState]) -> list[BodyState]:
    """The states with the mean of their shapes and poses."""
    shape, groups = (np.mean([getattr(state, name) for state in states], axis=0) for name in ("shape", "groups"))
    return [replace(state, shape=shape, groups=groups) for state in states]
