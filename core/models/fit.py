"""Fit the head model to one or several photos of a person: landmarks first, then the mattes' outlines.

The photos share the identity; each has its own expression, pose and camera. Levenberg-Marquardt on a robust, regularised least-squares
energy with analytic Jacobians. The landmarks, the outline and the priors are all linear in the shape before projection, so an iteration
costs one small dense system.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..errors import ReconstructionError
from ..photo.landmarks import IBUG68
from ..photo.view import Camera
from .across import to_lips_and_lids, to_the_nose, to_the_pins
from .face_shapes import FaceShapes
from .guess import HeadGuess
from .head import HeadModel
from .joints import GLOBAL, NECK
from .normal_term import NormalPicture, NormalTerm
from .observation import Observation
from .outline import MatteField, Outline
from .parametric import Parameters
from .projection import FitState
from .rotation import rotation_matrix, rotation_vector
from .solver import SharedProblem, minimise
from .torso import fit_neck, usual_neck
from .view_energy import ViewEnergy

_STEPS_POSE, _STEPS_ALL, _STEPS_OUTLINE, _STEPS_NORMALS, _STEPS_PINS = 4, 12, 4, 8, 4
_CONVERGED = 1e-3
_NO_FACE = 0.12  # residual of landmarks that lie on no face
Cancel = Callable[[], bool] | None


@dataclass(frozen=True)
class ViewFit:
    """A head model fitted to a photo. Points are in its camera frame (origin between the posed eyes' joints), metres.

    identity (K,), expression (E,), rotations (J, 3): the model's parameters, which the vertices follow but for what is moved across the
    view (across.py). rotation (3, 3): head axes to camera axes.
    vertices (V, 3), joints (J, 3), closed_vertices and closed_normals (Vs, 3) of the closed bust.
    residual: distance of the projected landmarks from the detected ones, mean by trust, as a share of the eye distance.
    """

    identity: np.ndarray
    expression: np.ndarray
    rotations: np.ndarray
    rotation: np.ndarray
    camera: Camera
    residual: float
    vertices: np.ndarray
    joints: np.ndarray
    closed_vertices: np.ndarray
    closed_normals: np.ndarray


@dataclass(frozen=True)
class Fit:
    """One person: identity (K,), and a ViewFit for each observation, in their order."""

    identity: np.ndarray
    views: tuple[ViewFit, ...]


@dataclass(frozen=True)
class FaceFit:
    """A known person in a photo: expression (E,), rotation (3, 3) from head to camera axes, camera, residual as in ViewFit."""

    expression: np.ndarray
    rotation: np.ndarray
    camera: Camera
    residual: float


def _solve(
    model: HeadModel, shapes: FaceShapes, observations: Sequence[Observation], guesses: Sequence[HeadGuess | None], cancel: Cancel
) -> tuple[list[ViewEnergy], list[FitState], list[MatteField | None]]:
    """Each view's pose first, then everything, with as much trust in the landmarks as these poses deserve, then the outlines."""
    usable = [guess if guess is not None and guess.usable else None for guess in guesses] or [None] * len(observations)
    views = [ViewEnergy(shapes, seen, guess, 1 / len(observations)) for seen, guess in zip(observations, usable, strict=True)]
    states = []
    for view in views:
        linearise = lambda state, _, view=view: view.pose_linearised(state)  # noqa: E731
        state = minimise(view.start(), linearise, view.pose_moved, range(_STEPS_POSE), view.energy, _CONVERGED, cancel)
        view.trust(state)
        states.append(state)
    joint = SharedProblem(views, shapes.count)
    states = minimise(_of_one_person(states, shapes), joint.linearised, joint.moved, range(_STEPS_ALL), joint.energy, _CONVERGED, cancel)
    fields = [None if seen.outline is None else MatteField(seen.outline, state) for seen, state in zip(observations, states, strict=True)]
    for view, state, field in zip(views, states, fields, strict=True):
        view.outline = None if field is None else Outline(model, field, state, shapes)
    if any(field is not None for field in fields):
        states = minimise(states, joint.linearised, joint.moved, range(_STEPS_OUTLINE), joint.energy, _CONVERGED, cancel)
    return views, list(states), fields


def _of_one_person(states: Sequence[FitState], shapes: FaceShapes) -> list[FitState]:
    """The states with the mean of their identities, which guesses of several views may have set apart."""
    shared = np.mean([state.shape[: shapes.count] for state in states], axis=0)
    return [state.shaped(np.r_[shared, state.shape[shapes.count :]]) for state in states]


def fit(model: HeadModel, observations: Sequence[Observation], guesses: Sequence[HeadGuess | None] = (), cancel: Cancel = None) -> Fit:
    """The identity, and each photo's expression, pose and camera, that explain the landmarks of one or more photos of a person and, where
    they have one, their mattes. Deterministic.

    guesses: one for each observation, or none. A guess's means, and deviations of the identity, stand in for the population's, and the
    head's turn is drawn to its turn; one that is not usable is ignored. What the population or the guesses say of the identity counts once,
    however many photos there are: each brings an equal share.
    Raises ReconstructionError when landmarks form no face, Cancelled when cancel answers True.
    """
    shapes = FaceShapes(model)
    views, states, fields = _solve(model, shapes, observations, guesses, cancel)
    identity = np.zeros(len(model.identity))
    identity[: shapes.count] = states[0].shape[: shapes.count]
    fits = [_view_fit(model, identity, *parts) for parts in zip(views, states, fields, strict=True)]
    return Fit(identity, tuple(fits))


def _view_fit(model: HeadModel, identity: np.ndarray, view: ViewEnergy, state: FitState, field: MatteField | None) -> ViewFit:
    expression, rotations = view.shapes.expression(state.shape), model.neutral().rotations
    rest = model.rest(identity, expression)
    rotations[NECK] = usual_neck(state.rotation) if field is None else fit_neck(model, *rest, state, field)
    rotations[GLOBAL] = rotation_vector(state.rotation @ rotation_matrix(rotations[NECK]).T)
    posed = model.posed(Parameters(identity, expression, rotations))
    fit = ViewFit(
        identity, expression, rotations, state.rotation, state.camera, view.residual(state),
        posed.vertices, posed.joints, posed.closed_vertices, posed.closed_normals,
    )  # fmt: skip
    if view.normals is None:  # which know noses better than landmarks do
        fit = to_the_nose(model, fit, view.seen)
    fit = to_lips_and_lids(model, fit, view.seen)
    return fit if view.seen.pins is None else to_the_pins(model, fit, view.seen.pins)


def refit_to_pins(model: HeadModel, seen: Observation, fit: ViewFit, guess: HeadGuess | None = None, cancel: Cancel = None) -> ViewFit:
    """A photo's fit once more from where it is, after pins have moved: a few steps of landmarks and pins alone, for a face that follows the
    hand. The outline counts again when the head is made."""
    shapes = _shapes_of(model)
    view = ViewEnergy(shapes, seen, guess if guess is not None and guess.usable else None)
    state = _state_of(fit, shapes)
    view.trust(state)
    state = minimise(state, lambda state, _: view.linearised(state), view.moved, range(_STEPS_PINS), view.energy, _CONVERGED, cancel)
    identity = np.zeros(len(model.identity))
    identity[: shapes.count] = state.shape[: shapes.count]
    return _view_fit(model, identity, view, state, None)


@lru_cache(maxsize=1)
def _shapes_of(model: HeadModel) -> FaceShapes:
    return FaceShapes(model)


def _state_of(fit: ViewFit, shapes: FaceShapes) -> FitState:
    shape = np.r_[fit.identity[: shapes.count], fit.expression[shapes.visible_expressions]]
    (column, row), scale, distance = fit.camera.centre, fit.camera.scale, fit.camera.distance
    return FitState(shape, fit.rotation, scale, np.array([column, -row]), distance)


def refine_by_normals(
    model: HeadModel, seen: Observation, fit: ViewFit, picture: NormalPicture, guess: HeadGuess | None = None, cancel: Cancel = None
) -> ViewFit:
    """A photo's fit once more, with the normals that a network saw in it beside the landmarks and the outline.

    guess: as the fit had it. Raises Cancelled when cancel answers True.
    """
    shapes = FaceShapes(model)
    view = ViewEnergy(shapes, seen, guess if guess is not None and guess.usable else None)
    state = _state_of(fit, shapes)
    view.trust(state)
    field = None if seen.outline is None else MatteField(seen.outline, state)
    view.outline = None if field is None else Outline(model, field, state, shapes)
    view.normals = NormalTerm(model, picture, state, shapes)
    state = minimise(state, lambda state, _: view.linearised(state), view.moved, range(_STEPS_NORMALS), view.energy, _CONVERGED, cancel)
    identity = np.zeros(len(model.identity))
    identity[: shapes.count] = state.shape[: shapes.count]
    return _view_fit(model, identity, view, state, field)


def fit_head(model: HeadModel, seen: Observation, guess: HeadGuess | None = None, cancel: Cancel = None) -> ViewFit:
    """`fit` to a single photo."""
    return fit(model, [seen], [guess], cancel).views[0]


def landmark_points(model: HeadModel, fit: ViewFit) -> np.ndarray:
    """MediaPipe's landmarks (468, 3) of a fitted head, camera frame, metres, where its detector sees them."""
    return model.mediapipe.on(fit.vertices) + model.mediapipe.bias @ fit.rotation.T


def mesh_landmarks(model: HeadModel, landmarks68: np.ndarray) -> np.ndarray:
    """MediaPipe's landmarks (468, 3), photo pixels as in View, of the head fitted to iBUG's landmarks (68, 2) alone.

    Raises ReconstructionError when they form no face."""
    fit = fit_head(model, Observation({IBUG68: landmarks68}, name="the photo"))
    if fit.residual > _NO_FACE:
        raise ReconstructionError("The landmarks found in the photo do not form a face; choose another photo.")
    points = landmark_points(model, fit)
    return np.concatenate([fit.camera.project(points), points[:, 2:] * fit.camera.scale], axis=1)


class PersonFitter:
    """Fits expression, head rotation and camera of one person, whose identity (K,) is known, to any number of photos."""

    def __init__(self, model: HeadModel, identity: np.ndarray) -> None:
        self._model, self._shapes = model, FaceShapes(model, identity)

    def fit(self, seen: Observation) -> FaceFit:
        """One photo by itself. Raises ReconstructionError when its landmarks form no face."""
        (view,), (state,), _ = _solve(self._model, self._shapes, [seen], [], None)
        return FaceFit(self._shapes.expression(state.shape), state.rotation, state.camera, view.residual(state))
