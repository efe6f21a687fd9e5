"""Parameter network (SeIF's parameter estimation): the face's square to the head model's parameters, each with its uncertainty."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..models.guess import HeadGuess
from ..photo.crop import FaceSquare, face_square, network_photo
from ..photo.view import View
from .layers import ConvNorm, Residual
from .normal import PHOTO_CHANNELS

SQUARE_SIZE = 128
IDENTITY, EXPRESSIONS = 80, 52
PARTS = {"identity": IDENTITY, "expression": EXPRESSIONS, "rotation": 3, "scale": 1, "offset": 2, "nearness": 1}
"""rotation: vector of the head's rotation in the levelled camera. scale: logarithm of the metres that half the square's side spans at
the eyes, over HALF_METRES. offset: where the point between the eyes lies, square's half sides right and down. nearness: 1 / distance of
the camera."""
HALF_METRES = 0.15
_SPREAD = {"identity": 1.0, "expression": 0.3, "rotation": 0.4, "scale": 0.15, "offset": 0.2, "nearness": 0.5}
_WIDTHS = (24, 48, 80, 128, 192)
_NARROWEST, _WIDEST = -3.0, 1.0  # logarithms of deviations, in spreads
_FARTHEST = 0.05  # 1 / metres


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
    """A small residual encoder. Untaught, its means are those of the population, about."""

    spread: torch.Tensor

    def __init__(self, widths: tuple[int, ...] = _WIDTHS) -> None:
        super().__init__()
        self.stem = ConvNorm(PHOTO_CHANNELS, widths[0], stride=2, kernel=5)
        steps = pairwise(widths)
        self.body = nn.Sequential(*(nn.Sequential(ConvNorm(a, b, stride=2), Residual(b)) for a, b in steps))
        side = SQUARE_SIZE // 2 ** len(widths)
        self.hidden = nn.Linear(widths[-1] * side**2, 256)
        self.output = nn.Linear(256, 2 * sum(PARTS.values()))
        spread = torch.cat([torch.full((count,), _SPREAD[name]) for name, count in PARTS.items()])
        self.register_buffer("spread", spread, persistent=False)
        with torch.no_grad():
            self.output.weight.mul_(0.1)
            self.output.bias.zero_()

    def forward(self, square: torch.Tensor) -> Estimate:
        """From squares (B, 4, SQUARE_SIZE, SQUARE_SIZE) of masked sRGB and matte."""
        hidden = F.relu(self.hidden(self.body(self.stem(square)).flatten(1)))
        mean, spread = self.output(hidden).float().chunk(2, dim=1)
        return Estimate(mean * self.spread, spread.clamp(_NARROWEST, _WIDEST).exp() * self.spread)


def cut_squares(photos: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
    """(B, C, SQUARE_SIZE, SQUARE_SIZE) of photos (B, C, S, S) in squares (B, 4): centre right and down, half side, turn, in a frame
    in which the photo reaches from -1 to 1. 0 outside the photo."""
    steps = (torch.arange(SQUARE_SIZE, device=photos.device) + 0.5) * (2 / SQUARE_SIZE) - 1
    v, u = torch.meshgrid(steps, steps, indexing="ij")
    cosine, sine = (function(squares[:, 3])[:, None, None] for function in (torch.cos, torch.sin))
    half = squares[:, 2, None, None]
    right, down = cosine * u - sine * v, sine * u + cosine * v
    grid = torch.stack([squares[:, 0, None, None] + half * right, squares[:, 1, None, None] + half * down], dim=-1)
    return F.grid_sample(photos, grid.to(photos.dtype), align_corners=False)


def seen_square(view: View) -> torch.Tensor:
    """The network's input (1, 4, SQUARE_SIZE, SQUARE_SIZE) of a view, from its landmarks; no fit is needed."""
    square: FaceSquare = face_square(view.landmarks)
    picture = torch.from_numpy(network_photo(view, square.around(), 2 * SQUARE_SIZE)).permute(2, 0, 1)[None]
    return cut_squares(picture, torch.tensor([[0.0, 0.0, 1 / FaceSquare.ROOM, square.turn]]))


@torch.inference_mode()
def guess(network: ParameterNetwork, view: View, device: torch.device) -> HeadGuess:
    """What the network makes of a view."""
    estimate = network(seen_square(view).to(device))
    part = lambda name: [values[0].double().cpu().numpy() for values in estimate.part(name)]  # noqa: E731
    (identity, identity_deviation), (expression, expression_deviation) = part("identity"), part("expression")
    nearness = float(np.nan_to_num(part("nearness")[0][0]))
    return HeadGuess(identity, identity_deviation, expression, expression_deviation, 1 / max(nearness, _FARTHEST))
