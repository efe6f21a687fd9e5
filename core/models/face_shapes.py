"""The unknown shape of a head as its landmarks show it, and the priors on it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..geometry.mesh import vertex_normals
from ..photo.landmarks import LIDS, LIPS
from .guess import HeadGuess
from .head import HeadModel
from .parametric import LandmarkSet
from .projection import FitState, LinearPoints

_COMPONENTS = 80
_IDENTITY_BOUND = 3.0
# Weights, tuned on renders of known heads with the detector in the loop; one unit of residual is the eye distance.
_IDENTITY_PRIOR = 0.005
_EXPRESSION_PRIOR = 0.014
_TIE_PRIOR = 2.0  # left and right expressions alike
# What a guess of the identity knows more than the population counts several times: it has read the very same landmarks, and reads persons
# in them better. Around a guessed expression, which is nearer than none, they may have more of their way.
_GUESS_COUNTS, _GUESSED_EXPRESSION = 4.0, 0.6
_GUESSED_TURN = 0.1  # detectors tilt faces by some 4 degrees; a guess that has seen how they err, by less
_SUREST_IDENTITY = 0.5  # a guess never pins what the landmarks see
_HIDDEN_TRUST = 0.16  # detectors err 2.5 times as much on skin that they do not see
_HIDDEN, _SHOWN = -0.1, 0.2  # cosine between skin and view where trust begins to grow, and where it is whole
_REFINED = 4.0  # trust of lips and lids over what drawn faces say of it: on photographs the detector follows them to a millimetre
_UNSEEN = ("eyeLook", "tongue")  # expressions that landmarks of the skin do not show


@dataclass(frozen=True)
class Prior:
    """What is known of a shape before the landmarks: a Gaussian about mean (P,) with the inverse covariance matrix (P, P). turn (3, 3): a
    guess of the head's rotation, which counts by turn_weight, or None."""

    mean: np.ndarray
    matrix: np.ndarray
    turn: np.ndarray | None
    turn_weight: float


class FaceShapes:
    """How a head's landmarks depend on its shape (P,), within low..high (P,): `count` components of identity, none for a known person, then
    the expressions that landmarks show, whose places among the model's are visible_expressions.

    rest (V, 3): vertices at shape 0; points and normals (N, 3): the landmarks' places and rest normals; weight (N,): their trust,
    which adds up to the number of MediaPipe's landmarks, but for lips and lids, which count for more. landmarks: of the model; MediaPipe's
    if none are given.
    """

    def __init__(self, model: HeadModel, identity: np.ndarray | None = None, landmarks: LandmarkSet | None = None) -> None:
        self._model, self._identity = model, identity
        landmarks = landmarks or model.mediapipe
        self.count = min(_COMPONENTS, len(model.identity)) if identity is None else 0
        self._names = model.expression_names
        self.visible_expressions = np.array([i for i, name in enumerate(self._names) if not name.startswith(_UNSEEN)])
        self.rest = model.mean if identity is None else model.rest(identity, np.zeros(len(self._names)))[0]
        shapes = [model.identity[: self.count], model.expression[self.visible_expressions]]
        basis = np.concatenate([landmarks.changes(part) for part in shapes])
        self.points = LinearPoints(landmarks.on(self.rest) + landmarks.bias, basis)
        normals = landmarks.on(vertex_normals(self.rest, model.faces))
        self.normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
        self.size = len(basis)
        self.weight = landmarks.weight / landmarks.weight.mean() * (len(model.mediapipe.weight) / len(landmarks.weight))
        if landmarks is model.mediapipe:
            self.weight[[*LIPS, *LIDS]] *= _REFINED
        visible = len(self.visible_expressions)
        self.low = np.r_[np.full(self.count, -_IDENTITY_BOUND), np.zeros(visible)]
        self.high = np.r_[np.full(self.count, _IDENTITY_BOUND), np.ones(visible)]

    @cached_property
    def ibug68(self) -> "FaceShapes":
        """The same head by iBUG's landmarks."""
        return FaceShapes(self._model, self._identity, self._model.ibug68)

    def shown_weight(self, state: FitState) -> np.ndarray:
        """The landmarks' trust (N,), less where the head's turn in a state hides them."""
        shown = np.clip((self.normals @ state.rotation[2] - _HIDDEN) / (_SHOWN - _HIDDEN), 0, 1)
        return self.weight * (_HIDDEN_TRUST + (1 - _HIDDEN_TRUST) * shown)

    def prior(self, guess: HeadGuess | None) -> Prior:
        """The population's, or about a guess whose deviations and turn of the head count."""
        mean, weights = np.zeros(self.size), np.full(self.size, _IDENTITY_PRIOR)
        weights[self.count :] = _EXPRESSION_PRIOR
        landmarks, turn, turn_weight = float(self.weight.sum()), None, 0.0
        if guess is not None:
            known = min(self.count, len(guess.identity))
            mean[:known], mean[self.count :] = guess.identity[:known], guess.expression[self.visible_expressions]
            mean = np.clip(mean, self.low, self.high)
            surer = 1 / np.clip(guess.identity_deviation[:known], _SUREST_IDENTITY, 1) - 1
            weights[:known] *= 1 + _GUESS_COUNTS * surer
            weights[self.count :] *= _GUESSED_EXPRESSION
            turn, turn_weight = guess.rotation, landmarks * _GUESSED_TURN**2
        matrix = np.diag(weights**2)
        names = [self._names[i] for i in self.visible_expressions]
        for left, name in enumerate(names):
            if name.endswith("Left"):
                pair = np.array([left, names.index(name[: -len("Left")] + "Right")]) + self.count
                matrix[np.ix_(pair, pair)] += (_TIE_PRIOR * _EXPRESSION_PRIOR) ** 2 * np.array([[1.0, -1.0], [-1.0, 1.0]])
        return Prior(mean, matrix * landmarks, turn, turn_weight)

    def expression(self, shape: np.ndarray) -> np.ndarray:
        """All of the model's expression weights (E,) of a shape (P,)."""
        expression = np.zeros(len(self._names))
        expression[self.visible_expressions] = shape[self.count :]
        return expression
