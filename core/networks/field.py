"""The implicit field of a head: distances and colours at points, from features of the photo and of the fitted model there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch

from .aligned import EMBEDDED, PixelAligned, PointMLP
from .config import LIKENESS, FieldConfig
from .semantic import fitted_correspondence
from .views import pool_views

LOGITS = 60.0
"""Logits of being inside a crop unit of depth: every field answers with distances, an occupancy field with logits divided by this."""
_DISTANCE_SCALE = 0.1  # crop units; distances are learned up to this truncation


@dataclass
class Shape:
    """A field's answer at points: signed distance (B, N) in crop units, negative inside; semantic correspondence (B, N, 3), fading with
    distance, if it predicts one; stages: answers of the parts that are supervised beside the whole."""

    distance: torch.Tensor
    correspondence: torch.Tensor | None = None
    stages: tuple[Self, ...] = ()


class ImplicitField(PixelAligned):
    """A field of any configuration."""

    def __init__(self, config: FieldConfig = LIKENESS) -> None:
        super().__init__(config)
        space = self.space_columns
        width = self.image_columns + space
        outputs = 4 if config.correspondence_out else 1
        if config.correspondence_in == "predicted":
            self.semantic = PointMLP(width, 4)
        joint = width + 3 * (config.correspondence_in != "none")
        if config.fusion == "mlp":
            self.image_branch = PointMLP(self.image_columns, 1)
            self.space_branch = PointMLP(space, 1)
            joint += 2 * EMBEDDED
        self.distance = PointMLP(joint, outputs)
        self.colour = PointMLP(width, 3)
        with torch.no_grad():
            self.distance.output.weight.mul_(0.1)
            self.distance.output.bias.zero_()

    def shape(
        self,
        features: torch.Tensor,
        prior: torch.Tensor,
        alter_correspondence: Callable[[torch.Tensor], torch.Tensor] | None = None,
        visibility: torch.Tensor | None = None,
    ) -> Shape:
        """The field at points with features (B, N, C) and prior features (B, N, 7).

        alter_correspondence: applied in training to the correspondences (B, N, 3) that the points are given. Features of several views are
        (V, B, N, C) with their visibility (V, B, N); `prior` may be any view's then, because only distance and correspondence are read
        from it.
        """
        pooled = features if visibility is None else pool_views(features, visibility)
        stages: list[Shape] = []
        if self.config.correspondence_in != "none":
            if self.config.correspondence_in == "predicted":
                stages.append(self._answer(self.semantic(features, visibility), prior))
                correspondence = stages[0].correspondence
                assert correspondence is not None
                correspondence = correspondence.detach()
            else:
                correspondence = fitted_correspondence(prior, self.config.subject)
            correspondence = alter_correspondence(correspondence) if alter_correspondence is not None else correspondence
            pooled = torch.cat([pooled, correspondence.to(pooled.dtype)], dim=-1)
            features = torch.cat([features, correspondence.to(features.dtype).expand(*features.shape[:-1], 3)], dim=-1)
        if self.config.fusion == "concatenate":
            values = self.distance(features, visibility)
        else:
            image, space = features.split([self.image_columns, features.shape[-1] - self.image_columns], dim=-1)
            space = space[..., : self.space_branch.first.in_features]
            parts = [self.image_branch.embed(image, visibility), self.space_branch.embed(space, visibility)]
            for branch, part in zip((self.image_branch, self.space_branch), parts, strict=True):
                stages.append(self._answer(branch.output(part), prior))
            values = self.distance(torch.cat([*parts, pooled.to(parts[0].dtype)], dim=-1))
        answer = self._answer(values, prior)
        answer.stages = tuple(stages)
        return answer

    def signed_distance(self, features: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """(B, N) crop units, negative inside."""
        return self.shape(features, prior).distance

    def colours(self, features: torch.Tensor, visibility: torch.Tensor | None = None) -> torch.Tensor:
        """(B, N, 3) sRGB in [0, 1]."""
        return torch.sigmoid(self.colour(features, visibility).float())

    def _answer(self, values: torch.Tensor, prior: torch.Tensor) -> Shape:
        values = values.float()
        correspondence = torch.sigmoid(values[..., 1:]) if values.shape[-1] > 1 else None
        if self.config.output == "occupancy":
            return Shape(-values[..., 0] / LOGITS, correspondence)
        learned = values[..., 0] * _DISTANCE_SCALE
        return Shape(prior[..., 0] + learned if self.config.output == "residual" else learned, correspondence)
