"""Fit the head model to one view: landmarks first, then the matte's outline.

Bounded Gauss-Newton on a robust, regularised least-squares energy (Cauchy loss by reweighting) with analytic Jacobians. The landmarks,
the outline and the priors are all linear in the shape before projection, so an iteration costs one small dense system.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import ReconstructionError
from ..geometry.mesh import vertex_normals
from ..photo.view import Camera, View
from .guess import HeadGuess
from .head import HeadModel
from .outline import MatteField, Outline
from .parametric import Parameters
from .projection import EYE_DISTANCE, FitState, LinearPoints
from .rotation import rotation_matrix, rotation_vector
from .torso import fit_neck, usual_neck

DEFAULT_DISTANCE = 1.5
"""Camera distance in metres when the photo does not tell: a portrait's."""
_COMPONENTS = 80
_IDENTITY_BOUND = 3.0
# Weights, tuned on renders of known heads with the detector in the loop; one unit of residual is the eye distance.
_IDENTITY_PRIOR = 0.005
# What a guess of the identity knows more than the population counts several times: it has read the very same landmarks, and reads persons
# in them better. Around a guessed expression, which is nearer than none, they may have more of their way.
_GUESS_COUNTS, _GUESSED_EXPRESSION = 4.0, 0.6
_GUESSED_TURN = 0.1  # detectors tilt faces by some 4 degrees; a guess that has seen how they err, by less
_ROBUST_TURN = 0.15  # radians
_EXPRESSION_PRIOR = 0.014
_TIE_PRIOR = 2.0  # left and right expressions alike
_DEPTH_TRUST = 0.1
_ROBUST = 0.15
_HIDDEN_TRUST = 0.16  # detectors err 2.5 times as much on skin that they do not see
_HIDDEN, _SHOWN = -0.1, 0.2  # cosine between skin and view where trust begins to grow, and where it is whole
_LEAST_SHOWN = 0.4  # cosine of the head's turn
_SUREST_IDENTITY = 0.5  # a guess never pins what the landmarks see
_STEPS_POSE, _STEPS_ALL, _STEPS_OUTLINE = 4, 12, 4
_CONVERGED = 1e-3
_UNSEEN = ("eyeLook", "tongue")  # expressions that landmarks of the skin do not show


@dataclass(frozen=True)
class HeadFit:
    """A head model fitted to a view. Points are in the camera frame (origin between the posed eyes' joints), metres.

    identity (K,), expression (52,), rotations (5, 3): the model's parameters. rotation (3, 3): head axes to camera axes.
    vertices (V, 3), joints (5, 3), closed_vertices and closed_normals (Vs, 3) of the closed bust.
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


class _Shapes:
    """What landmarks tell of a head's shape, with priors and bounds: identity and expression, or a known person's expression alone."""

    def __init__(self, model: HeadModel, identity: np.ndarray | None = None, start: HeadGuess | None = None) -> None:
        self.count = min(_COMPONENTS, len(model.identity)) if identity is None else 0
        names = model.expression_names
        self.actions = np.array([i for i, name in enumerate(names) if not name.startswith(_UNSEEN)])
        rest = model.mean if identity is None else model.rest(identity, np.zeros(len(names)))[0]
        shapes = [model.identity[: self.count], model.expression[self.actions]]
        basis = np.concatenate([model.mediapipe.changes(part) for part in shapes])
        self.points = LinearPoints(model.mediapipe.on(rest) + model.mediapipe.bias, basis)
        normals = model.mediapipe.on(vertex_normals(rest, model.faces))
        self.normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
        self.size = len(basis)
        self.weight = model.mediapipe.weight / model.mediapipe.weight.mean()
        self.low = np.r_[np.full(self.count, -_IDENTITY_BOUND), np.zeros(len(self.actions))]
        self.high = np.r_[np.full(self.count, _IDENTITY_BOUND), np.ones(len(self.actions))]
        self.turn = None if start is None else start.rotation
        self.mean, weights = np.zeros(self.size), np.full(self.size, _IDENTITY_PRIOR)
        weights[self.count :] = _EXPRESSION_PRIOR
        if start is not None:
            known = min(self.count, len(start.identity))
            self.mean[:known], self.mean[self.count :] = start.identity[:known], start.expression[self.actions]
            self.mean = np.clip(self.mean, self.low, self.high)
            surer = 1 / np.clip(start.identity_deviation[:known], _SUREST_IDENTITY, 1) - 1
            weights[:known] *= 1 + _GUESS_COUNTS * surer
            weights[self.count :] *= _GUESSED_EXPRESSION
        self.prior = self._prior(weights, [names[i] for i in self.actions])

    def _prior(self, weights: np.ndarray, names: list[str]) -> np.ndarray:
        landmarks = float(self.weight.sum())
        prior = np.diag(weights**2)
        for left, name in enumerate(names):
            if name.endswith("Left"):
                pair = np.array([left, names.index(name[: -len("Left")] + "Right")]) + self.count
                prior[np.ix_(pair, pair)] += (_TIE_PRIOR * _EXPRESSION_PRIOR) ** 2 * np.array([[1.0, -1.0], [-1.0, 1.0]])
        return prior * landmarks

    def expression(self, shape: np.ndarray, count: int) -> np.ndarray:
        """All of the model's expression weights (count,) of a solution (P,)."""
        expression = np.zeros(count)
        expression[self.actions] = shape[self.count :]
        return expression


class _Fitter:
    """The energy of one view over (shape, rotation, log scale, offset)."""

    def __init__(self, shapes: _Shapes, view: View) -> None:
        self.shapes, self.view = shapes, view
        self.points, self.size, self.weight = shapes.points, shapes.size, shapes.weight
        self.low, self.high, self.prior = shapes.low, shapes.high, shapes.prior
        self.target = view.landmarks * np.array([1.0, -1.0, 1.0])
        self.outline: Outline | None = None
        self._turn_weight = 0.0 if shapes.turn is None else float(shapes.weight.sum()) * _GUESSED_TURN**2

    def start(self) -> FitState:
        """Rigid alignment (Umeyama 1991) of the mean head's landmarks with the detector's three-dimensional ones."""
        weight = self.weight / self.weight.sum()
        source, target = self.points.mean - weight @ self.points.mean, self.target - weight @ self.target
        left, values, right = np.linalg.svd((target * weight[:, None]).T @ source)
        sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
        rotation = left @ sign @ right
        scale = float((values * np.diag(sign)).sum() / (weight @ (source**2).sum(1)))
        if not scale > 0:
            raise ReconstructionError(f"The landmarks found in {self.view.name} do not form a face; choose another photo.")
        offset = (weight @ self.target - scale * (rotation @ (weight @ self.points.mean)))[:2]
        return FitState(self.shapes.mean, rotation, scale, offset, self._distance(scale))

    def _distance(self, scale: float) -> float:
        # The focal length in pixels over the scale is the distance; absurd metadata must not bend the face.
        return DEFAULT_DISTANCE if self.view.focal is None else float(np.clip(self.view.focal / scale, 0.3, 20.0))

    def energy(self, state: FitState) -> float:
        _, flat, depth = self._errors(state)
        squared = (flat**2).sum(1)
        loss = _ROBUST**2 * np.log1p(squared / _ROBUST**2) @ self.weight + self.weight @ depth**2
        apart = state.shape - self.shapes.mean
        turned = (self._turned(state) ** 2).sum() / _ROBUST_TURN**2
        loss += apart @ self.prior @ apart + self._turn_weight * _ROBUST_TURN**2 * np.log1p(turned)
        return float(loss) + (0.0 if self.outline is None else self.outline.energy(state))

    def _turned(self, state: FitState) -> np.ndarray:
        """Rotation vector (3,) from the guessed turn of the head; 0 without a guess."""
        guessed = self.shapes.turn
        return np.zeros(3) if guessed is None else rotation_vector(state.rotation @ guessed.T)

    def _errors(self, state: FitState) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        points, pixels, _ = self.points.projected(state)
        unit = state.scale * EYE_DISTANCE
        depth = points[:, 2] * state.scale - self.target[:, 2]
        depth = depth - (self.weight @ depth) / self.weight.sum()
        return points, (pixels - self.target[:, :2]) / unit, _DEPTH_TRUST * depth / unit

    def normal_equations(self, state: FitState) -> tuple[np.ndarray, np.ndarray]:
        """Gauss-Newton matrix (P + 6, P + 6) and descent direction's right side (P + 6,)."""
        points, pixels, derivative = self.points.projected(state)
        _, flat, depth = self._errors(state)
        unit = state.scale * EYE_DISTANCE
        motion = self.points.motion(state, points)
        total = self.size + 6
        jacobian = np.zeros((len(points), 3, total))
        jacobian[:, :2, : total - 3] = derivative @ motion / unit
        jacobian[:, :2, total - 3] = (pixels - state.offset) / unit
        jacobian[:, 0, total - 2] = jacobian[:, 1, total - 1] = 1
        deep = motion[:, 2] * (state.scale / unit)
        jacobian[:, 2, : total - 3] = _DEPTH_TRUST * (deep - (self.weight @ deep) / self.weight.sum())
        robust = self.weight / (1 + (flat**2).sum(1) / _ROBUST**2)
        root = np.sqrt(np.stack([robust, robust, self.weight], axis=1))
        rows = (jacobian * root[..., None]).reshape(-1, total)
        errors = (np.concatenate([flat, depth[:, None]], axis=1) * root).ravel()
        matrix, right = rows.T @ rows, -rows.T @ errors
        matrix[: self.size, : self.size] += self.prior
        right[: self.size] -= self.prior @ (state.shape - self.shapes.mean)
        turn, turned = slice(self.size, self.size + 3), self._turned(state)
        pull = self._turn_weight / (1 + (turned**2).sum() / _ROBUST_TURN**2)
        matrix[turn, turn] += pull * np.eye(3)
        right[turn] -= pull * turned
        if self.outline is not None:
            rows, errors = self.outline.linearised(state)
            matrix += rows.T @ rows
            right -= rows.T @ errors
        return matrix, right

    def descend(self, state: FitState, steps: int, rigid: bool = False) -> FitState:
        """Levenberg-Marquardt with box bounds on the shape."""
        damping, energy = 1e-3, self.energy(state)
        for _ in range(steps):
            matrix, right = self.normal_equations(state)
            for _ in range(4):
                damped = matrix + damping * np.diag(np.diag(matrix))
                step = np.zeros(self.size + 6)
                if rigid:
                    step[self.size :] = np.linalg.solve(damped[self.size :, self.size :], right[self.size :])
                else:
                    free = np.full(6, np.inf)
                    step = bounded_solve(damped, right, np.r_[self.low - state.shape, -free], np.r_[self.high - state.shape, free])
                tried = state.moved(step, self.low, self.high)
                tried.distance = self._distance(tried.scale)
                cost = self.energy(tried)
                if cost < energy:
                    break
                damping *= 10
            else:
                return state
            done = energy - cost < _CONVERGED * energy
            state, energy, damping = tried, cost, max(damping / 5, 1e-6)
            if done:
                break
        return state

    def solve(self) -> FitState:
        """Pose first, then everything, with as much trust in the landmarks as this pose deserves."""
        state = self.descend(self.start(), _STEPS_POSE, rigid=True)
        towards = state.rotation[2]
        shown = np.clip((self.shapes.normals @ towards - _HIDDEN) / (_SHOWN - _HIDDEN), 0, 1)
        self.weight = self.shapes.weight * (_HIDDEN_TRUST + (1 - _HIDDEN_TRUST) * shown)
        # From the side the landmarks' errors, and the camera's, look like another person: the population counts for more.
        known = self.shapes.count
        self.prior = self.shapes.prior.copy()
        self.prior[:known, :known] /= max(towards[2], _LEAST_SHOWN) ** 2
        return self.descend(state, _STEPS_ALL)

    def residual(self, state: FitState) -> float:
        """As in HeadFit."""
        _, flat, _ = self._errors(state)
        return float(np.linalg.norm(flat, axis=1) @ self.weight / self.weight.sum())


@dataclass(frozen=True)
class FaceFit:
    """A known person in a view: expression (52,), rotation (3, 3) from head to camera axes, camera, residual as in HeadFit."""

    expression: np.ndarray
    rotation: np.ndarray
    camera: Camera
    residual: float


class PersonFitter:
    """Fits expression, head rotation and camera of one person, whose identity (K,) is known, to any number of views."""

    def __init__(self, model: HeadModel, identity: np.ndarray) -> None:
        self._count = len(model.expression)
        self._shapes = _Shapes(model, identity)

    def fit(self, view: View) -> FaceFit:
        """Needs the view's landmarks only. Raises ReconstructionError when they form no face."""
        fitter = _Fitter(self._shapes, view)
        state = fitter.solve()
        return FaceFit(self._shapes.expression(state.shape, self._count), state.rotation, state.camera, fitter.residual(state))


def fit_head(model: HeadModel, view: View, start: HeadGuess | None = None) -> HeadFit:
    """Identity, expression, pose and camera that explain a view's landmarks and, where it has one, its matte.

    A matte without background (all ones) is ignored. Needs no more than landmarks; deterministic.
    start: a guess to begin with, whose means, and deviations of the identity, stand in for the population's, and to whose turn the head's
    is drawn; one that is not usable is ignored.
    """
    start = start if start is not None and start.usable else None
    shapes = _Shapes(model, start=start)
    fitter = _Fitter(shapes, view)
    state = fitter.solve()
    field = None
    if view.matte.min() < 0.5 < view.matte.max():
        field = MatteField(view.matte, state)
        fitter.outline = Outline(model, field, state, shapes.count, shapes.actions)
        state = fitter.descend(state, _STEPS_OUTLINE)
    identity = np.zeros(len(model.identity))
    identity[: shapes.count] = state.shape[: shapes.count]
    expression = shapes.expression(state.shape, len(model.expression))
    rotations = np.zeros_like(model.skeleton.joints, np.float64)
    rotations[1] = usual_neck(state.rotation) if field is None else fit_neck(model, *model.rest(identity, expression), state, field)
    rotations[0] = rotation_vector(state.rotation @ rotation_matrix(rotations[1]).T)
    posed = model.posed(Parameters(identity, expression, rotations))
    return HeadFit(
        identity, expression, rotations, state.rotation, state.camera, fitter.residual(state),
        posed.vertices, posed.joints, posed.closed_vertices, posed.closed_normals,
    )  # fmt: skip


def bounded_solve(matrix: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray, rounds: int = 6) -> np.ndarray:
    """Minimiser of x.A.x / 2 - b.x within low <= x <= high, A (N, N) positive definite, by clamping violators and solving for the rest."""
    fixed = np.zeros(len(right), bool)
    solution = np.zeros(len(right))
    for _ in range(rounds):
        free = ~fixed
        solution[free] = np.linalg.solve(matrix[np.ix_(free, free)], right[free] - matrix[np.ix_(free, fixed)] @ solution[fixed])
        outside = free & ((solution < low) | (solution > high))
        solution = np.clip(solution, low, high)
        # Let go of those that the rest now pushes back inside.
        pull = right - matrix @ solution
        released = fixed & (((solution <= low) & (pull > 0)) | ((solution >= high) & (pull < 0)))
        if not (outside.any() or released.any()):
            break
        fixed = (fixed | outside) & ~released
    return solution
