"""What a small network makes of a pose detector's whole answer: how the person stands, and how far each joint is away.

The detector's own depths are flattened, and it errs in the same ways again and again; the network has learned how from known figures.
Its frame is the camera's, turned so that the root joint lies straight ahead: the same person beside the picture's middle looks the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..arrays import ANY, REAL, TEXT, Array, Schema
from ..photo.people import LANDMARKS, BodyLandmarks
from .files import read_model
from .rotation import rotation_vector, smallest_turn

GUESS_FILE = Path(__file__).parents[2] / "weights" / "body_guess.npz"
MAJOR_JOINTS = (
    *(f"{name}.{side}" for name in ("upperarm01", "lowerarm01", "wrist", "upperleg01", "lowerleg01", "foot") for side in "LR"),
    "neck01",
    "head",
)
"""The joints whose places are guessed."""
HIPS = (6, 7)
"""The hips' places among them."""
_MARKS = ((11,), (12,), (13,), (14,), (15,), (16,), (23,), (24,), (25,), (26,), (27,), (28,), (11, 12), (7, 8))  # near MAJOR_JOINTS
_BONES = (
    (11, 13), (13, 15), (12, 14), (14, 16), (23, 25), (25, 27), (24, 26), (26, 28), (11, 12), (23, 24), (11, 23), (12, 24), (27, 31),
    (28, 32), (27, 29), (28, 30), (15, 19), (16, 20), (7, 8), (0, 7), (0, 8), (0, 11), (0, 12),
)  # fmt: skip
FEATURES = 7 * LANDMARKS + 7 * len(_BONES) + 1
SCHEMA = Schema(
    {
        "mean": Array(REAL, (FEATURES,)),
        "spread": Array(REAL, (FEATURES,), low=1e-6),
        "first": Array(REAL, ("M", "H", FEATURES)),
        "first_bias": Array(REAL, ("M", "H")),
        "second": Array(REAL, ("M", "H", "H")),
        "second_bias": Array(REAL, ("M", "H")),
        "last": Array(REAL, ("M", ANY, "H")),
        "last_bias": Array(REAL, ("M", ANY)),
        "group_names": Array(TEXT, ("G",)),
        "shape_mean": Array(REAL, ("S",)),
        "correlation": Array(REAL, ("P", "P")),
        "rotation_deviation": Array(REAL, (3,), low=1e-4),
        "stretch": Array(REAL, (4,), low=0.1, high=10),
    },
    most=1_000_000,
)


def size_of(reading: BodyLandmarks) -> float:
    """How large the person is in the photo, pixels: the points' spread about the hips."""
    return max(float(np.sqrt(((reading.points - reading.points[23:25].mean(0)) ** 2).sum(1).mean())), 1e-6)


def marks(reading: BodyLandmarks) -> np.ndarray:
    """(14, 2) photo pixels: the landmarks nearest to MAJOR_JOINTS."""
    return np.stack([reading.points[list(pair)].mean(0) for pair in _MARKS])


def features(reading: BodyLandmarks) -> np.ndarray:
    """(FEATURES,) of a reading, whatever its place and size in the photo: its landmarks, and the bones between them."""
    size, spread = size_of(reading), max(float(np.sqrt((reading.world**2).sum(1).mean())), 1e-6)
    world, points = reading.world / spread, (reading.points - reading.points[23:25].mean(0)) * [1, -1] / size
    first, second = np.array(_BONES).T
    bones, flat = world[second] - world[first], points[second] - points[first]
    length = np.linalg.norm(bones, axis=1)
    parts = (world, points, reading.depth / size, reading.visibility, [spread])
    more = (bones / np.maximum(length, 1e-3)[:, None], length, flat, np.linalg.norm(flat, axis=1))
    return np.concatenate([np.ravel(part) for part in (*parts, *more)])


@dataclass(frozen=True)
class BodyGuess:
    """A Gaussian guess of one person. rotation (3, 3): the root's, in the frame with the root straight ahead; up (3,): against gravity,
    there. groups (G, 3), shape (S,). covariance (3 + 3 G + S,)²: of a rotation vector on the left of rotation, of groups and of shape.
    depth (14,) metres: of MAJOR_JOINTS towards the camera, against the hips' middle, and points (14, 2) photo pixels where they are seen;
    depth_deviation (14,), point_deviation (14,), of each coordinate.
    """

    rotation: np.ndarray
    up: np.ndarray
    groups: np.ndarray
    shape: np.ndarray
    covariance: np.ndarray
    depth: np.ndarray
    depth_deviation: np.ndarray
    points: np.ndarray
    point_deviation: np.ndarray


@dataclass(frozen=True)
class Layout:
    """Where the network's outputs lie: two columns of the rotation (6), up (3), groups (3 G), shape (S), depth (14), points against `marks`
    in sizes, y up (28); then the logarithms of the deviations of groups, shape, depth, and of each point's coordinates (14)."""

    groups: int
    shapes: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the parts, in their order."""
        joints, spread = len(MAJOR_JOINTS), (3 * self.groups, self.shapes, len(MAJOR_JOINTS))
        return (6, 3, *spread, 2 * joints, *spread, joints)

    def parts(self, output: Any) -> list[Any]:
        """An output (..., total) in its parts."""
        ends = np.cumsum(self.sizes)
        return [output[..., end - size : end] for end, size in zip(ends, self.sizes, strict=True)]


@dataclass(frozen=True)
class GuessNetwork:
    """M perceptrons of two hidden layers, whose outputs are averaged; read from its file."""

    arrays: dict[str, Any]

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read a guess file, the bundled one by default. Raises AssetError when it is missing, damaged or of another layout."""
        return cls(read_model(GUESS_FILE if path is None else Path(path), SCHEMA, "body guess"))

    def __call__(self, readings: Sequence[BodyLandmarks]) -> BodyGuess:
        """The guess from one or more readings of a person, the mean of theirs."""
        get = self.arrays
        layout = Layout(len(get["group_names"]), len(get["shape_mean"]))
        output = self._output(np.stack([features(reading) for reading in readings])).mean(0)
        columns, up, groups, shape, depth, offsets, *logs = layout.parts(output)
        spread = [np.exp(log) * stretch for log, stretch in zip(logs, get["stretch"], strict=True)]
        deviation = np.concatenate([get["rotation_deviation"], spread[0], spread[1]])
        size = float(np.mean([size_of(reading) for reading in readings]))
        near = np.mean([marks(reading) for reading in readings], axis=0)
        return BodyGuess(
            rotation=orthonormal(columns),
            up=up / np.linalg.norm(up),
            groups=groups.reshape(-1, 3),
            shape=shape + get["shape_mean"],
            covariance=get["correlation"] * np.outer(deviation, deviation),
            depth=depth,
            depth_deviation=spread[2],
            points=near + offsets.reshape(-1, 2) * [size, -size],
            point_deviation=spread[3] * size,
        )

    def _output(self, inputs: np.ndarray) -> np.ndarray:
        """(N, outputs) for features (N, FEATURES), the members' mean."""
        get = self.arrays
        inputs = (inputs - get["mean"]) / get["spread"]
        hidden = _gelu(np.einsum("mhf,nf->mnh", get["first"], inputs) + get["first_bias"][:, None])
        hidden = _gelu(np.einsum("mhf,mnf->mnh", get["second"], hidden) + get["second_bias"][:, None])
        return (np.einsum("mof,mnf->mno", get["last"], hidden) + get["last_bias"][:, None]).mean(0).astype(np.float64)


def orthonormal(columns: np.ndarray) -> np.ndarray:
    """The rotation (3, 3) whose first two columns are nearest to six numbers, by Gram and Schmidt (Zhou et al. 2019)."""
    first = columns[:3] / max(np.linalg.norm(columns[:3]), 1e-9)
    second = columns[3:] - (first @ columns[3:]) * first
    second /= max(np.linalg.norm(second), 1e-9)
    return np.stack([first, second, np.cross(first, second)], axis=1)


def straight_ahead(direction: np.ndarray) -> np.ndarray:
    """The smallest rotation (3, 3) that brings a viewing ray (3,), camera axes, to straight ahead, -z."""
    return smallest_turn(direction, np.array([0.0, 0.0, -1.0]))


def turn_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The rotation vector (3,) that, applied on the left of the second rotation (3, 3), gives the first."""
    return rotation_vector(first @ second.T)


def _gelu(values: np.ndarray) -> np.ndarray:
    # The tanh form: training uses the same.
    return 0.5 * values * (1 + np.tanh(0.7978845608 * (values + 0.044715 * values**3)))
