"""Parameter network (SeIF's parameter estimation): a face and its landmarks to the head model's parameters, each with its uncertainty."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..models.guess import HeadGuess
from ..models.head import HeadModel
from ..models.rotation import rotation_matrix
from ..photo.crop import FaceSquare, face_square, network_photo
from ..photo.view import View
from .layers import ConvNorm
from .normal import PHOTO_CHANNELS

PICTURE_SIZE = 32
LANDMARKS = 468
IDENTITY, EXPRESSIONS = 80, 52
PARTS = {"identity": IDENTITY, "expression": EXPRESSIONS, "rotation": 3, "scale": 1, "offset": 2, "nearness": 1}
"""rotation: vector of the head's rotation in the levelled camera. scale: logarithm of the metres that half the square's side spans at
the eyes, over HALF_METRES. offset: where the point between the eyes lies, square's half sides right and down. nearness: 1 / distance of
the camera."""
HALF_METRES = 0.15
SPREAD = {"identity": 1.0, "expression": 0.3, "rotation": 0.4, "scale": 0.15, "offset": 0.2, "nearness": 0.5}
"""What the population's deviations are, about."""
_POSE = 9
_NARROWEST, _WIDEST = -3.0, 1.0  # logarithms of deviations, in spreads
_FINER = 4  # what a square is cut at, over PICTURE_SIZE: the mean of its pixels does not alias


@dataclass
class Estimate:
    """Gaussians of the parameters: mean and deviation (B, sum of PARTS), in real units, in the order of PARTS."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def part(self, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and deviation (B, PARTS[name]) of one part."""
        names = list(PARTS)
        start = sum(PARTS[other] for other in names[: names.index(name)])
        return self.mean[:, start : start + PARTS[name]], self.deviation[:, start : start + PARTS[name]]


class ParameterNetwork(nn.Module):
    """Landmarks after rigid alignment with the mean head's, which tell most, and a small picture, whose outline and shading tell more.

    The detector is the deep network of the two: it was trained on more faces than we can draw. An encoder of ours that saw pictures alone
    had learned no identity after two thousand people.
    """

    reference: torch.Tensor
    weight: torch.Tensor
    spread: torch.Tensor

    def __init__(self, width: int = 256, dropped: float = 0.3) -> None:
        super().__init__()
        self.register_buffer("reference", torch.zeros(LANDMARKS, 3))
        self.register_buffer("weight", torch.full((LANDMARKS,), 1 / LANDMARKS))
        rest = lambda inputs, outputs: (nn.Linear(inputs, outputs), nn.SiLU(), nn.Dropout(dropped))  # noqa: E731
        inputs = 3 * LANDMARKS + _POSE
        # A detector is surer of some coordinates than of others, and none lies where the model's does on average.
        self.shape = nn.Sequential(nn.BatchNorm1d(inputs, momentum=0.03), *rest(inputs, width))
        encoder = (ConvNorm(PHOTO_CHANNELS, 16, stride=2), ConvNorm(16, 32, stride=2), ConvNorm(32, 64, stride=2), nn.Flatten())
        self.picture = nn.Sequential(*encoder, *rest(64 * (PICTURE_SIZE // 8) ** 2, width // 2))
        self.joint = nn.Sequential(*rest(width + width // 2, width))
        self.output = nn.Linear(width, 2 * sum(PARTS.values()))
        spread = torch.cat([torch.full((count,), SPREAD[name]) for name, count in PARTS.items()])
        self.register_buffer("spread", spread, persistent=False)
        with torch.no_grad():
            self.output.weight.mul_(0.1)
            self.output.bias.zero_()

    @classmethod
    def with_random_weights(cls, model: HeadModel) -> Self:
        """Knows the mean head of a model; its means are those of the population, about."""
        network = cls()
        landmarks = model.mediapipe.on(model.mean) + model.mediapipe.bias
        weight = model.mediapipe.weight / model.mediapipe.weight.sum()
        network.reference.copy_(torch.from_numpy(landmarks - weight @ landmarks))
        network.weight.copy_(torch.from_numpy(weight))
        return network

    def forward(self, landmarks: torch.Tensor, picture: torch.Tensor) -> Estimate:
        """From landmarks (B, 468, 3) of any scale, level, x right, y down and z towards the viewer, and the levelled square
        (B, 4, PICTURE_SIZE, PICTURE_SIZE) of masked sRGB and matte."""
        with torch.no_grad(), torch.autocast(landmarks.device.type, enabled=False):
            aligned = self._aligned(landmarks)
        values = self.output(self.joint(torch.cat([self.shape(aligned), self.picture(picture)], dim=1)))
        mean, spread = values.float().chunk(2, dim=1)
        return Estimate(mean * self.spread, spread.clamp(_NARROWEST, _WIDEST).exp() * self.spread)

    def _aligned(self, landmarks: torch.Tensor) -> torch.Tensor:
        """(B, 3 · 468 + 9): what is left between the landmarks and the mean head's after Umeyama's (1991) alignment, in the head's axes and
        metres, and the rotation."""
        seen = landmarks.float() * landmarks.new_tensor([1.0, -1.0, 1.0])
        seen = seen - torch.einsum("n,bnd->bd", self.weight, seen)[:, None]
        left, values, right = torch.linalg.svd(torch.einsum("n,bnd,ne->bde", self.weight, seen, self.reference))
        sign = torch.ones_like(values)
        sign[:, 2] = torch.det(left @ right).sign()
        rotation = left * sign[:, None] @ right
        scale = (values * sign).sum(1) / torch.einsum("n,nd->", self.weight, self.reference**2)
        back = seen @ rotation / scale.clamp(min=1e-9)[:, None, None] - self.reference
        return torch.cat([back.flatten(1), rotation.flatten(1)], dim=1)


def cut_squares(photos: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
    """(B, C, PICTURE_SIZE, PICTURE_SIZE) of photos (B, C, S, S) in squares (B, 4): centre right and down, half side, turn, in a frame
    in which the photo reaches from -1 to 1. 0 outside the photo."""
    size = PICTURE_SIZE * _FINER
    steps = (torch.arange(size, device=photos.device) + 0.5) * (2 / size) - 1
    v, u = torch.meshgrid(steps, steps, indexing="ij")
    cosine, sine = (function(squares[:, 3])[:, None, None] for function in (torch.cos, torch.sin))
    half = squares[:, 2, None, None]
    right, down = cosine * u - sine * v, sine * u + cosine * v
    grid = torch.stack([squares[:, 0, None, None] + half * right, squares[:, 1, None, None] + half * down], dim=-1)
    return F.avg_pool2d(F.grid_sample(photos, grid.to(photos.dtype), align_corners=False), _FINER)


def levelled(landmarks: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    """Landmarks (B, 468, 3), x right and y down, of faces that lean clockwise by turn (B,) radians, as if these stood upright."""
    cosine, sine = turn.cos()[:, None], turn.sin()[:, None]
    x, y, z = landmarks.unbind(-1)
    return torch.stack([cosine * x + sine * y, cosine * y - sine * x, z], dim=-1)


def seen_square(view: View) -> torch.Tensor:
    """The network's picture (1, 4, PICTURE_SIZE, PICTURE_SIZE) of a view, from its landmarks; no fit is needed."""
    square: FaceSquare = face_square(view.mesh)
    picture = torch.from_numpy(network_photo(view, square.around(), 2 * _FINER * PICTURE_SIZE)).permute(2, 0, 1)[None]
    return cut_squares(picture, torch.tensor([[0.0, 0.0, 1 / FaceSquare.ROOM, square.turn]]))


@torch.inference_mode()
def guess(network: ParameterNetwork, view: View) -> HeadGuess:
    """What the network makes of a view. Not how far the camera was: it hardly knows, and a usual distance serves better."""
    landmarks = torch.from_numpy(np.asarray(view.mesh, np.float32))[None]
    turn = face_square(view.mesh).turn
    estimate = network(levelled(landmarks, torch.tensor([turn])), seen_square(view))
    part = lambda name: [values[0].double().numpy() for values in estimate.part(name)]  # noqa: E731
    (identity, deviation), (expression, _), (level, _) = part("identity"), part("expression"), part("rotation")
    return HeadGuess(identity, deviation, expression, rotation_matrix(np.array([0, 0, -turn])) @ rotation_matrix(level))
