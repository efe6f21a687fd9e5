"""The parsing network's loss: on the classes where they are known, and everywhere on how much of a pixel is person."""

import torch
from torch.nn import functional as F

from ...core.photo.parsing import CLASSES
from ..data.dataset import Batch

_WEIGHTS = {"eyes": 3.0, "lips": 3.0, "teeth": 3.0, "glasses": 3.0, "beard": 2.0, "object": 2.0, "hat": 1.5}
_EDGE = 4.0


def parsing_loss(logits: torch.Tensor, batch: Batch, phase: int) -> tuple[torch.Tensor, dict[str, float]]:
    """Cross-entropy with the pixels' true shares, and L1 of the coverage, at outlines the most, on every second pixel of every second row:
    `phase` 0 to 3 tells which, so that four steps see all of them at half the cost of one.

    batch: covered, weight (B, S, S) in [0, 1]; label (B, S, S) int64, classes, or any other number where only the coverage is known.
    """
    covered = batch["covered"]
    outline = F.max_pool2d(covered[:, None], 5, 1, 2) + F.max_pool2d(-covered[:, None], 5, 1, 2)
    some = lambda values: values[..., phase // 2 :: 2, phase % 2 :: 2]  # noqa: E731
    near, covered, weight, label = some(1 + _EDGE * outline[:, 0].clamp(0, 1)), some(covered), some(batch["weight"]), some(batch["label"])
    shares = some(logits).log_softmax(1)
    background = shares[:, 0].exp()
    person = (1 - background).clamp(min=1e-6).log()
    labelled = (label > 0) & (label < len(CLASSES))
    chosen = torch.where(labelled, label, torch.ones_like(label))
    named = shares.gather(1, chosen[:, None])[:, 0]
    each = torch.tensor([_WEIGHTS.get(name, 1.0) for name in CLASSES])[chosen] * labelled + ~labelled
    entropy = -covered * torch.where(labelled, named, person) * each - (1 - covered) * shares[:, 0]
    total = weight.sum().clamp(min=1)
    first = (weight * entropy).sum() / total
    second = (weight * near * (1 - background - covered).abs()).sum() / total
    return first + second, {"entropy": first.item(), "coverage": second.item()}
