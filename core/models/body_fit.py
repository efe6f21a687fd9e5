"""Fit the body model to one or several photos of a person who stands still: the guess first, then landmarks, then the mattes' outlines.

The photos share shape and pose; each has its own root and camera. The same solver, and the same kind of energy, as for heads (fit.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import ReconstructionError
from ..photo.people import combined
from ..photo.view import Camera
from .articulation import Articulation
from .body import BodyModel
from .body_guess import GuessNetwork
from .body_outline import BodyMatte, BodyOutline
from .body_view import SHAPES, BodyState, BodyViewEnergy
from .observation import BodyObservation
from .parametric import Parameters
from .rotation import rotation_matrix, rotation_vector, smallest_turn
from .solver import SharedProblem, minimise

_STEPS_LANDMARKS, _STEPS_OUTLINE, _OUTLINES = 12, 4, 3
_CONVERGED = 2e-3
Cancel = Callable[[], bool] | None


@dataclass(frozen=True)
class BodyViewFit:
    """A body model fitted to a photo. Camera frame: the photo's axes (x right, y up, z towards the camera), metres of the model (63 mm
    between the eyes), origin on the camera's axis at the root joint's depth.

    parameters; rotation (3, 3) of the root, to camera axes; camera: its centre is the principal point; vertices (V, 3), joints (J, 3).
    up (3,): against gravity. height: of the person standing straight, metres of the model. energy: what the fit could not explain, to
    compare fits of one photo.
    """

    parameters: Parameters
    rotation: np.ndarray
    camera: Camera
    vertices: np.ndarray
    joints: np.ndarray
    up: np.ndarray
    height: float
    energy: float

    @property
    def upright(self) -> np.ndarray:
        """The rotation (3, 3) that stands the result up: camera axes to axes whose y points against gravity and whose z is to the person's
        front."""
        stand = smallest_turn(self.up, np.array([0.0, 1.0, 0.0]))
        across, _, ahead = stand @ self.rotation[:, 2]
        return rotation_matrix(np.array([0.0, -np.arctan2(across, ahead), 0.0])) @ stand


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
        centre = float(seen.principal[0]), float(seen.principal[1])
        beside = np.r_[state.offset / state.scale, 0].astype(np.float32)
        return BodyViewFit(
            parameters=parameters,
            rotation=state.rotation,
            camera=Camera(centre, state.scale, state.distance),
            vertices=posed.vertices + beside,
            joints=posed.joints + beside,
            up=state.ahead.T @ view.guess.up,
            height=float(np.ptp(body.rest(identity, parameters.expression)[0][:, 1])),
            energy=view.energy(state),
        )


def _of_one_person(states: Sequence[BodyState]) -> list[BodyState]:
    """The states with the mean of their shapes and poses."""
    shape, groups = (np.mean([getattr(state, name) for state in states], axis=0) for name in ("shape", "groups"))
    return [replace(state, shape=shape, groups=groups) for state in states]
