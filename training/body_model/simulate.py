"""A pose detector in simulation: what it would read of people whom nobody has drawn.

Learned from real readings of drawn figures: a perceptron says what the detector reads on average, and to that comes the error that it made
on a figure seen in much the same way. Poses cost nothing, pictures do: so the guess network sees many more of them.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import nn

from ...core.models import body_guess
from ...core.photo.people import LANDMARKS, BodyLandmarks
from .truth import Truths

_HIDDEN, _STEPS, _BATCH = 256, 4000, 256
_AXES, _ALIKE = 16, 20  # principal axes in which views are alike, and how many of the nearest lend their errors
_HIP_MARKS = slice(23, 25)
_WORLD, _POINTS, _DEPTH, _VISIBILITY = 3 * LANDMARKS, 2 * LANDMARKS, LANDMARKS, LANDMARKS
_BASE = _WORLD + _POINTS + _DEPTH + _VISIBILITY + 1


def in_metres(reading: BodyLandmarks, focal: float, principal: np.ndarray, distance: float) -> BodyLandmarks:
    """A reading with points from the principal point in metres at the root's depth, rows still downwards."""
    scale = distance / focal
    return reading.placed(scale, -principal * scale)


class SimulatedDetector:
    """Learned from readings in metres, and what is true of each; parts (N,): numbers of two halves, no figure in both."""

    def __init__(self, readings: Sequence[BodyLandmarks], truths: Truths, parts: np.ndarray) -> None:
        inputs, size, hips = _seen(truths)
        base = np.stack([body_guess.features(reading)[:_BASE] for reading in readings])
        middle = np.stack([reading.points[_HIP_MARKS].mean(0) * [1, -1] for reading in readings])
        larger = np.log(np.array([body_guess.size_of(reading) for reading in readings]) / size)
        wanted = np.concatenate([base, (middle - hips) / size[:, None], larger[:, None]], axis=1)
        self._halves = [_perceptron(inputs[parts == part], wanted[parts == part]) for part in (0, 1)]
        # The errors of each half by the other's perceptron, which has not seen them.
        self._errors = np.empty_like(wanted)
        for part in (0, 1):
            self._errors[parts == part] = wanted[parts == part] - self._halves[1 - part](inputs[parts == part])
        self._axes = np.linalg.svd(inputs[::5] - inputs.mean(0), full_matrices=False)[2][:_AXES].T
        self._tree = cKDTree(inputs @ self._axes)

    def read(self, truths: Truths, rng: np.random.Generator) -> list[BodyLandmarks]:
        """A reading, in metres, of each view."""
        inputs, size, hips = _seen(truths)
        near = self._tree.query(inputs @ self._axes, k=_ALIKE)[1]
        lent = self._errors[near[np.arange(len(near)), rng.integers(0, _ALIKE, len(near))]]
        rows = (self._halves[0](inputs) + self._halves[1](inputs)) / 2 + lent
        readings = []
        for row, own_size, own_hips in zip(rows, size, hips, strict=True):
            world, points, depth, visibility, spread, middle, larger = np.split(
                row, np.cumsum([_WORLD, _POINTS, _DEPTH, _VISIBILITY, 1, 2])
            )  # fmt: skip
            unit = own_size * float(np.exp(larger[0]))
            centre = (own_hips + middle * own_size) * [1, -1]
            readings.append(
                BodyLandmarks(
                    points.reshape(-1, 2) * [unit, -unit] + centre,
                    depth * unit,
                    np.clip(visibility, 0, 1),
                    world.reshape(-1, 3) * max(float(spread[0]), 0.05),
                )
            )
        return readings


def _seen(truths: Truths) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the detector answers to: marks and their picture in sizes (N, 5 * 33); the sizes (N,) and the hips' middle (N, 2), metres."""
    hips = truths.flat[:, _HIP_MARKS].mean(1)
    flat = truths.flat - hips[:, None]
    size = np.sqrt((flat**2).sum(2).mean(1))
    marks = truths.marks - truths.marks[:, _HIP_MARKS].mean(1, keepdims=True)
    unit = size[:, None, None]
    return np.concatenate([(marks / unit).reshape(len(marks), -1), (flat / unit).reshape(len(flat), -1)], axis=1), size, hips


def _perceptron(inputs: np.ndarray, wanted: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A function from inputs (N, P) to the wanted (N, Q), learned."""
    torch.manual_seed(0)
    mean, spread, centre, unit = inputs.mean(0), inputs.std(0) + 0.02, wanted.mean(0), wanted.std(0) + 1e-3
    net = nn.Sequential(
        nn.Linear(inputs.shape[1], _HIDDEN), nn.GELU(), nn.Dropout(0.1), nn.Linear(_HIDDEN, _HIDDEN), nn.GELU(), nn.Dropout(0.1),
        nn.Linear(_HIDDEN, wanted.shape[1]),
    )  # fmt: skip
    there = lambda values: torch.from_numpy(values.astype(np.float32))  # noqa: E731
    known, right = there((inputs - mean) / spread), there((wanted - centre) / unit)
    optimiser = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, _STEPS)
    for _ in range(_STEPS):
        rows = torch.randint(len(known), (_BATCH,))
        error = (net(known[rows] + 0.02 * torch.randn(_BATCH, known.shape[1])) - right[rows]).abs().mean()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        schedule.step()
    net.eval()

    def answer(values: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return net(there((values - mean) / spread)).numpy() * unit + centre

    return answer
