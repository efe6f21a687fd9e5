"""From a network and a batch to its loss: what each kind of network is given beside the stored samples."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn

from ..core.models.head import HeadModel
from ..core.models.prior import PriorSurface
from ..core.networks.field import Encoded, ImplicitField
from ..core.networks.layers import channels_last
from ..core.networks.normal import NormalNetwork
from ..core.networks.reference import ReferencePifu
from ..core.networks.volume import surface_clouds
from ..core.networks.weights import load_normal, normal_from
from .dataset import PICTURE_FIELDS, Batch
from .losses import Parts, field_loss, masked, normal_loss, stacks_loss, unit_normals
from .recipe import Recipe

Objective = Callable[[nn.Module, Batch, torch.Generator], tuple[torch.Tensor, Parts]]
"""Loss and its parts; the generator, on the batch's device, is where its random numbers come from."""
_SPACE = ("points", "distance", "prior", "surface", "surface_prior", "surface_normal", "surface_albedo", "surface_valid")


class FieldObjective:
    """A field's loss on the predictions of a frozen normal network, `normal.safetensors` in the run's folder or else the bundled one."""

    def __init__(self, recipe: Recipe, output: Path, device: str) -> None:
        self._weights, config = recipe.loss, recipe.config
        self._normals = _normal_network(output).to(device) if config.normals else None
        if config.volume:
            model = HeadModel.load()
            surface = PriorSurface.of(model, model.posed(model.neutral()).solid_vertices)
            self._faces = torch.from_numpy(np.asarray(surface.faces, np.int64)).to(device)
            self._rest = torch.from_numpy(surface.code.astype(np.float32)).to(device)

    def encode(self, network: ImplicitField, batch: Batch) -> Encoded:
        """The batch's photos (and fitted surfaces) as the field sees them."""
        normals = cloud = None
        if self._normals is not None:
            with torch.no_grad(), torch.autocast(batch["photo"].device.type, torch.bfloat16):
                normals = unit_normals(self._normals, batch["photo"], batch["maps"]).to(batch["photo"].dtype)
        if network.config.volume:
            cloud = surface_clouds(batch["prior_vertices"], self._faces, self._rest)
        return network.encode(batch["photo"], batch["maps"], normals, cloud)

    def distance(self, network: nn.Module, batch: Batch, points: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """Signed distance (B, N) at points (B, N, 3) with prior features (B, N, 7)."""
        field = cast(ImplicitField, network)
        return field.signed_distance(field.features(self.encode(field, batch), points, prior), prior)

    def __call__(self, network: nn.Module, batch: Batch, noise: torch.Generator) -> tuple[torch.Tensor, Parts]:
        field = cast(ImplicitField, network)
        return field_loss(field, self.encode(field, batch), batch, self._weights, noise)


class ReferenceObjective:
    """The loss of PIFu at its own width."""

    def distance(self, network: nn.Module, batch: Batch, points: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """(B, N), of which only the zero means something."""
        pifu = cast(ReferencePifu, network)
        return 0.5 - pifu.query(pifu.encode(masked(batch["photo"]))[-1].float(), points)[..., 0]

    def __call__(self, network: nn.Module, batch: Batch, noise: torch.Generator) -> tuple[torch.Tensor, Parts]:
        return stacks_loss(cast(ReferencePifu, network), batch)


def objective(recipe: Recipe, output: Path, device: str) -> Objective:
    """The loss of a recipe's network."""
    if recipe.network == "normal":
        return lambda network, batch, noise: normal_loss(cast(NormalNetwork, network), batch)
    return FieldObjective(recipe, output, device) if recipe.network == "field" else ReferenceObjective()


def network_of(recipe: Recipe) -> nn.Module:
    """An untaught network."""
    if recipe.network == "normal":
        return NormalNetwork()
    return ImplicitField(recipe.config) if recipe.network == "field" else ReferencePifu.untaught()


def stored_fields(recipe: Recipe) -> tuple[str, ...]:
    """What must be stored of each sample for this recipe."""
    if recipe.network == "normal":
        return PICTURE_FIELDS
    pictures = tuple(name for name in PICTURE_FIELDS if name != "normal_back")
    if recipe.network == "pifu":
        return pictures + _SPACE
    code = ("code",) if recipe.config.code_out or recipe.config.code_in == "predicted" else ()
    return pictures + _SPACE + code + (("prior_vertices",) if recipe.config.volume or recipe.config.reads_fit else ())


def _normal_network(output: Path) -> NormalNetwork:
    own = output / "normal.safetensors"
    return channels_last(normal_from(own.read_bytes(), own.name) if own.exists() else load_normal())
