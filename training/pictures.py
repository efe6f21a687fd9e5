"""Pictures of what a network in training predicts for held-out people."""

from pathlib import Path
from typing import cast

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..core.models.prior import POINT_CHANNELS, PriorSurface
from ..core.networks.field import ImplicitField
from ..core.networks.normal import NormalNetwork, refined_matte
from ..core.photo.framing import HEAD
from .data.dataset import Batch
from .objective import FieldObjective, Objective, ReferenceObjective, model_of

_PEOPLE, _SIDE = 3, 112
_RANGE = 0.1  # crop units to the darkest and lightest shade
_NEAR = 0.05  # labelled points this close to a slice are drawn on it


class Sheet:
    """Pictures of the first held-out people: normals and matte beside the truth, or profile and level slices through a field.

    Slices: light inside, dark outside, the surface black, the fitted model grey; labelled points green inside and red outside. A field
    that reads the fit can be drawn only where the batch carries its `prior_vertices`.
    """

    def __init__(self, objective: Objective, batch: Batch, subject: str = "head") -> None:
        self._subject = subject
        self._objective = objective
        self._batch = {name: values[:_PEOPLE] for name, values in batch.items()}
        self._slices = self._slice_points() if isinstance(objective, FieldObjective | ReferenceObjective) else None
        self._fitted = "prior_vertices" in batch

    @torch.no_grad()
    def draw(self, network: nn.Module, path: Path) -> None:
        """Write the sheet as PNG; there is none of networks whose answers are no pictures."""
        if not isinstance(network, NormalNetwork) and self._slices is None:
            return
        if isinstance(network, ImplicitField) and network.config.reads_fit and not self._fitted:
            return
        batch = self._batch
        photos = [_shown(photo.permute(1, 2, 0)[..., :3]) for photo in batch["photo"]]
        if self._slices is None:
            columns = [[_shown(picture.permute(1, 2, 0)) for picture in column] for column in self._relief(cast(NormalNetwork, network))]
        else:
            columns = list(zip(*self._drawn_slices(network), strict=True))
        rows = [np.concatenate([photo, *column], axis=1) for photo, *column in zip(photos, *columns, strict=True)]
        cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1])

    def _relief(self, network: NormalNetwork) -> list[torch.Tensor]:
        """Pictures (B, 3, S, S) in [0, 1], each beside its truth: normals of the front, then of the back, then the matte."""
        batch = self._batch
        relief, given = network(batch["photo"], batch["maps"]), batch["photo"][:, 3:].float()
        shown = lambda normals: F.normalize(normals, dim=1) * (given > 0.5) / 2 + 0.5  # noqa: E731
        pictures = [shown(relief.front), batch["normal"] / 2 + 0.5]
        if relief.back is not None and relief.shift is not None:
            mattes = [refined_matte(given, relief.shift), batch["mask"][:, None]]
            pictures += [shown(relief.back), batch["normal_back"] / 2 + 0.5, *(matte.expand(-1, 3, -1, -1) for matte in mattes)]
        return pictures

    def _slice_points(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Points (B, 2 · side², 3) of the planes x = 0 and y = 0, and their prior features, 0 where there is no fitted model."""
        axis = torch.linspace(-1, 1, _SIDE)
        up, across = torch.meshgrid(-axis, axis, indexing="ij")
        zero = torch.zeros_like(up)
        plane = torch.cat([torch.stack([zero, up, across], -1).reshape(-1, 3), torch.stack([across, zero, up], -1).reshape(-1, 3)])
        device, count = self._batch["photo"].device, len(self._batch["photo"])
        prior = torch.zeros(count, len(plane), POINT_CHANNELS)
        if "prior_vertices" in self._batch:
            model = model_of(self._subject)
            surfaces = [PriorSurface.of(model, vertices.float().cpu().numpy(), HEAD) for vertices in self._batch["prior_vertices"]]
            prior = torch.from_numpy(np.stack([surface.point_features()(plane.numpy()) for surface in surfaces]))
        return plane.expand(count, -1, -1).to(device), prior.to(device)

    def _drawn_slices(self, network: nn.Module) -> list[tuple[np.ndarray, ...]]:
        assert self._slices is not None and isinstance(self._objective, FieldObjective | ReferenceObjective)
        points, prior = self._slices
        distance = self._objective.distance(network, self._batch, points, prior)
        results = []
        for row in range(len(points)):
            found = distance[row].reshape(2, _SIDE, _SIDE).float().cpu().numpy()
            model = prior[row, :, 0].reshape(2, _SIDE, _SIDE).cpu().numpy()
            where, truth = self._batch["points"][row].cpu().numpy(), self._batch["distance"][row].cpu().numpy()
            pictures = []
            for plane, (off, right, up) in enumerate(((0, 2, 1), (1, 0, 2))):
                shade = 0.5 - np.clip(found[plane] / _RANGE, -1, 1) * 0.35
                picture = np.repeat(shade[..., None], 3, axis=2)
                if self._fitted:
                    picture[_edge(model[plane])] = 0.5
                picture[_edge(found[plane])] = 0
                near = np.abs(where[:, off]) < _NEAR
                column, line = _pixel(where[near, right]), _pixel(-where[near, up])
                picture[line, column] = np.where(truth[near, None] < 0, (0.1, 0.8, 0.2), (0.9, 0.2, 0.1))
                pictures.append(_shown(torch.from_numpy(picture)))
            results.append(tuple(pictures))
        return results


def _edge(distance: np.ndarray) -> np.ndarray:
    inside = distance < 0
    edge = np.zeros_like(inside)
    edge[:-1] |= inside[:-1] != inside[1:]
    edge[:, :-1] |= inside[:, :-1] != inside[:, 1:]
    return edge


def _pixel(coordinate: np.ndarray) -> np.ndarray:
    return np.clip((coordinate + 1) / 2 * (_SIDE - 1), 0, _SIDE - 1).round().astype(int)


def _shown(picture: torch.Tensor) -> np.ndarray:
    """(256, 256, 3) uint8 of a picture in [0, 1]."""
    values = (picture.float().cpu().numpy().clip(0, 1) * 255).astype(np.uint8)
    return cv2.resize(values, (256, 256), interpolation=cv2.INTER_AREA if len(values) > 256 else cv2.INTER_NEAREST)
