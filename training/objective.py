"""The loss of each kind of network on a batch, and what the network is given beside the stored samples."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn

from ..core.models.body import BodyModel
from ..core.models.head import HeadModel
from ..core.models.parametric import ParametricModel
from ..core.models.prior import PriorSurface
from ..core.networks.aligned import Encoded
from ..core.networks.colour import FINE_SIZE, ColourConfig, ColourNetwork, Pictures, mirror_of, resized
from ..core.networks.field import ImplicitField
from ..core.networks.layers import fold_norms
from ..core.networks.normal import INPUT_SIZE, NormalNetwork
from ..core.networks.parameters import ParameterNetwork
from ..core.networks.reference import ReferencePifu
from ..core.networks.volume import surface_clouds
from ..core.networks.weights import BODY_NORMAL, NORMAL, load_normal, load_parsing, normal_from
from ..core.photo.framing import HEAD
from .data.dataset import PICTURE_FIELDS, Batch
from .data.real_landmarks import DETECTED_FIELDS
from .losses import Parts, colour_loss, field_loss, masked, normal_loss, stacks_loss, unit_normals
from .parameters import ParameterObjective
from .recipe import Recipe

Objective = Callable[[nn.Module, Batch, torch.Generator], tuple[torch.Tensor, Parts]]
"""Loss and its parts; the generator, on the batch's device, is where its random numbers come from."""
_SURFACE = ("surface", "surface_prior", "surface_normal", "surface_albedo", "surface_valid")
_SPACE = ("points", "distance", "prior", *_SURFACE)


class FieldObjective:
    """A field's loss on the predictions of a frozen normal network, `normal.safetensors` in the run's folder or else the bundled one."""

    def __init__(self, recipe: Recipe, output: Path, device: str) -> None:
        self._weights, config = recipe.loss, recipe.config
        self._normals = _normal_network(output, config.subject).to(device) if config.normals else None
        if config.volume:
            self._faces, self._rest = _closed_mesh(device, config.subject)

    def see(self, batch: Batch) -> None:
        """Add the normals that the field reads to the batch, unless it has them: networks and steps on one batch share them."""
        if self._normals is not None and "seen_normals" not in batch:
            with torch.no_grad():
                batch["seen_normals"] = unit_normals(self._normals, batch["photo"], batch["maps"]).to(batch["photo"].dtype)

    def encode(self, network: ImplicitField, batch: Batch) -> Encoded:
        """The batch's photos (and fitted surfaces) as the field sees them."""
        self.see(batch)
        normals, cloud = batch.get("seen_normals"), None
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


class ColourObjective:
    """A colour network's loss, on the predictions of the same frozen normal network as a field's."""

    def __init__(self, recipe: Recipe, output: Path, device: str) -> None:
        self._normals = _normal_network(output, recipe.config.subject).to(device) if recipe.config.normals else None
        self._faces, self._rest = _closed_mesh(device, recipe.config.subject)
        self._mirror = mirror_of(self._rest.cpu().numpy()).to(device)

    def __call__(self, network: nn.Module, batch: Batch, noise: torch.Generator) -> tuple[torch.Tensor, Parts]:
        colour = cast(ColourNetwork, network)
        small, maps = resized(batch["photo"], INPUT_SIZE), resized(batch["maps"], INPUT_SIZE)
        normals = None
        if self._normals is not None:
            with torch.no_grad():
                normals = unit_normals(self._normals, small, maps).to(small.dtype)
        cloud = surface_clouds(batch["prior_vertices"], self._faces, self._rest)
        pictures = Pictures(resized(batch["photo"], FINE_SIZE), maps, normals, cloud, self._mirror, HEAD.eye_depth)
        return colour_loss(colour, colour.encode_pictures(pictures), batch)


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
    match recipe.network:
        case "normal" | "normal_features":
            return lambda network, batch, noise: normal_loss(cast(NormalNetwork, network), batch)
        case "parameters":
            return ParameterObjective(device)
        case "field":
            return FieldObjective(recipe, output, device)
        case "colour":
            return ColourObjective(recipe, output, device)
    return ReferenceObjective()


def network_of(recipe: Recipe) -> nn.Module:
    """A network with random weights."""
    match recipe.network:
        case "normal":
            return NormalNetwork()
        case "normal_features":
            parsing = load_parsing()
            assert parsing is not None
            return NormalNetwork(backbone=parsing.backbone.eval())
        case "parameters":
            return ParameterNetwork.with_random_weights(HeadModel.load())
        case "field":
            return ImplicitField(recipe.config)
        case "colour":
            return ColourNetwork(cast(ColourConfig, recipe.config))
    return ReferencePifu.with_random_weights()


def stored_fields(recipe: Recipe) -> tuple[str, ...]:
    """What must be stored of each sample for this recipe."""
    if recipe.network in ("normal", "normal_features"):
        return PICTURE_FIELDS
    if recipe.network == "parameters":
        return DETECTED_FIELDS
    pictures = tuple(name for name in PICTURE_FIELDS if name != "normal_back")
    if recipe.network == "colour":
        return pictures + _SURFACE + ("prior_vertices",)
    if recipe.network == "pifu":
        return pictures + _SPACE
    truth = ("code",) if recipe.config.correspondence_out or recipe.config.correspondence_in == "predicted" else ()
    return pictures + _SPACE + truth + (("prior_vertices",) if recipe.config.volume or recipe.config.reads_fit else ())


def model_of(subject: str) -> ParametricModel:
    """The model that is fitted to a subject's photo."""
    return HeadModel.load() if subject == "head" else BodyModel.load()


def _closed_mesh(device: str, subject: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Faces (F, 3) and canonical coordinates (V, 3) of the fitted model's closed mesh."""
    model = model_of(subject)
    surface = PriorSurface.of(model, model.closed_rest, HEAD)
    return torch.from_numpy(np.asarray(surface.faces, np.int64)).to(device), torch.from_numpy(surface.canonical.astype(np.float32)).to(
        device
    )


def _normal_network(output: Path, subject: str) -> NormalNetwork:
    listed = NORMAL if subject == "head" else BODY_NORMAL
    own, parsing = output / listed.file, load_parsing()
    return fold_norms(normal_from(own.read_bytes(), own.name, parsing) if own.exists() else load_normal(listed.file, parsing=parsing))
