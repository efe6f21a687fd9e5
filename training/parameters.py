"""Training of the parameter network: true parameters of synthetic people, and the loss."""

from typing import cast

import numpy as np
import torch
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]
from torch import nn
from torch.nn import functional as F

from ..core.models.head import HeadModel
from ..core.networks.parameters import HALF_METRES, PARTS, SPREAD, Estimate, ParameterNetwork, levelled
from ..core.photo.crop import face_square
from .data.dataset import Batch
from .losses import Parts

_RIDGE = 1e-3  # metres of all vertices together a standard deviation is worth
_NEAREST_ANGLE = 1e-6


class TrueIdentity:
    """The head model's identity that comes closest to a person's head, by least squares over head and neck."""

    def __init__(self, model: HeadModel) -> None:
        weight = np.sqrt(model.regions["head"] * (model.part == 0))
        self._model, self._weight = model, weight[:, None]
        self._basis = (model.identity * self._weight).reshape(len(model.identity), -1)
        self._matrix = self._basis @ self._basis.T + _RIDGE**2 * np.eye(len(self._basis))

    def of(self, vertices: np.ndarray, expression: np.ndarray) -> np.ndarray:
        """(K,) of a head at rest, vertices (V, 3) in the head model's frame and topology, with known expression weights (52,)."""
        shape = vertices - self._model.mean - np.tensordot(expression, self._model.expression, 1)
        return np.linalg.solve(self._matrix, self._basis @ (shape * self._weight).ravel()).astype(np.float32)

    def mirror(self) -> np.ndarray:
        """(K, K): the mirror image's identity is this times a person's."""
        mirrored = (self._model.identity * [-1, 1, 1])[:, self._model.mirror] * self._weight
        return np.linalg.solve(self._matrix, self._basis @ mirrored.reshape(len(mirrored), -1).T).astype(np.float32)


def mirrored_expressions(names: tuple[str, ...]) -> list[int]:
    """For each expression the one on the other side of the face."""
    other = {"Left": "Right", "Right": "Left"}
    swap = lambda name: next((name[: -len(side)] + to for side, to in other.items() if name.endswith(side)), name)  # noqa: E731
    return [names.index(swap(name)) for name in names]


def mirrored_landmarks(model: HeadModel) -> np.ndarray:
    """For each of the 468 landmarks the one on the other side of the face."""
    rest = model.mediapipe.on(model.mean)
    return cKDTree(rest).query(rest * [-1, 1, 1])[1]


class ParameterObjective:
    """Gaussian negative log-likelihood of every parameter, parts counting alike; within the identity, components by how far they move
    the face."""

    def __init__(self, device: str) -> None:
        model = HeadModel.load()
        self._mirror = torch.from_numpy(TrueIdentity(model).mirror()).to(device)
        self._other = mirrored_expressions(model.expression_names)
        self._weights = {"identity": torch.from_numpy(_strengths(model)).to(device)}
        self._across = torch.from_numpy(mirrored_landmarks(model)).to(device)

    def __call__(self, network: nn.Module, batch: Batch, noise: torch.Generator) -> tuple[torch.Tensor, Parts]:
        with torch.autocast(batch["square"].device.type, enabled=False):
            landmarks, picture, truth = self.levelled(batch)
        estimate: Estimate = cast(ParameterNetwork, network)(landmarks, picture)
        loss, parts = torch.zeros((), device=landmarks.device), {}
        for name in PARTS:
            mean, deviation = estimate.part(name)
            likelihood = F.gaussian_nll_loss(mean, truth[name], deviation**2, reduction="none")
            # Times its variance (Seitzer et al. 2022): what is known well, such as the pose, would drown what hardly shows.
            share = (deviation.detach() / SPREAD[name]) ** 2
            loss = loss + (likelihood * share * self._weights.get(name, 1.0)).mean() / len(PARTS)
            parts[name] = float((mean.detach() - truth[name]).square().mean().sqrt())
        parts["identity_spread"] = float(truth["identity"].square().mean().sqrt())
        return loss, {"loss": float(loss.detach()), **parts}

    def levelled(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, Batch]:
        """Landmarks and pictures as the network is given them, and the true parameters as seen there; of mirror images where the batch
        says so."""
        flip = batch["mirrored"][:, None]
        landmarks = torch.where(flip[..., None] > 0, batch["landmarks"][:, self._across] * flip.new_tensor([-1, 1, 1]), batch["landmarks"])
        picture = torch.where(flip[..., None, None] > 0, batch["square"].flip(-1), batch["square"])
        centre, half, turn = batched_squares(landmarks)
        landmarks, camera = levelled(landmarks, turn), batch["camera"] * (1 - 2 * flip * flip.new_tensor([1, 0, 0, 0]))
        cosine, sine = turn.cos(), turn.sin()
        zero, one = torch.zeros_like(sine), torch.ones_like(sine)
        level = torch.stack([cosine, -sine, zero, sine, cosine, zero, zero, zero, one], dim=1).view(-1, 3, 3)
        across = (camera[:, :2] - centre) / half
        identity, expression = batch["identity"], batch["expression"]
        truth = {
            "identity": torch.lerp(identity, identity @ self._mirror.T, flip)[:, : PARTS["identity"]],
            "expression": torch.lerp(expression, expression[:, self._other], flip),
            "rotation": _rotation_vectors(level @ _mirrored_rotations(batch["rotation"], flip)),
            "scale": (half / (camera[:, 2:3] * HALF_METRES)).log(),
            "offset": torch.stack([cosine * across[:, 0] + sine * across[:, 1], cosine * across[:, 1] - sine * across[:, 0]], dim=1),
            "nearness": camera[:, 3:],
        }
        return landmarks, picture, truth


def _strengths(model: HeadModel) -> np.ndarray:
    """(IDENTITY,) mean movement of the face a standard deviation of each component of the identity, over their mean."""
    face = model.regions["face"] * (model.part == 0)
    moves = np.linalg.norm(model.identity[: PARTS["identity"]], axis=2) @ face
    return (moves / moves.mean()).astype(np.float32)


def batched_squares(landmarks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Centres (B, 2), half sides (B, 1) and turns (B,) of the squares around landmarks (B, 468, 3)."""
    squares = [face_square(points) for points in landmarks.double().cpu().numpy()]
    values = landmarks.new_tensor([[*square.centre, square.half, square.turn] for square in squares])
    return values[:, :2], values[:, 2:3], values[:, 3]


def _mirrored_rotations(rotation: torch.Tensor, flip: torch.Tensor) -> torch.Tensor:
    """Rotations (B, 3, 3) seen in a mirror across x where flip (B, 1) is 1."""
    sides = torch.diag(rotation.new_tensor([-1.0, 1, 1]))
    return torch.lerp(rotation, sides @ rotation @ sides, flip[:, None])


def _rotation_vectors(rotation: torch.Tensor) -> torch.Tensor:
    """(B, 3) of rotations (B, 3, 3) by less than half a turn."""
    double = torch.stack([rotation[:, i, j] - rotation[:, j, i] for i, j in ((2, 1), (0, 2), (1, 0))], dim=1)
    length = double.norm(dim=1, keepdim=True)
    angle = torch.atan2(length, (rotation.diagonal(dim1=1, dim2=2).sum(1, keepdim=True) - 1))
    return double * torch.where(length > _NEAREST_ANGLE, angle / length.clamp(min=_NEAREST_ANGLE), 0.5)
