"""Training losses of the two networks. Each returns the loss and its parts for the log."""

import torch
from torch.nn import functional as F

from ..core.networks.field import ImplicitField
from ..core.networks.normal import NormalNetwork

Batch = dict[str, torch.Tensor]
Parts = dict[str, float]
_TRUNCATION = 0.1
_STEP = 0.012  # crop units, for finite differences across the surface


def normal_loss(network: NormalNetwork, batch: Batch) -> tuple[torch.Tensor, Parts]:
    """1 - cosine plus half of L1, on the visible surface."""
    predicted = network(batch["photo"], batch["maps"])
    truth = F.normalize(batch["normal"], dim=1, eps=1e-3)
    weight = (batch["mask"] > 0.95).float()[:, None]
    total = weight.sum().clamp(min=1)
    cosine = (F.normalize(predicted, dim=1, eps=1e-3) * truth).sum(1, keepdim=True)
    loss = ((1 - cosine) * weight).sum() / total + 0.5 * ((predicted - truth).abs().sum(1, keepdim=True) * weight).sum() / total
    angle = torch.rad2deg(torch.acos(cosine.detach().clamp(-1, 1)))
    prior = (F.normalize(batch["maps"][:, :3], dim=1, eps=1e-3) * truth).sum(1, keepdim=True)
    both = weight * batch["maps"][:, 7:8]
    prior_angle = torch.rad2deg(torch.acos(prior.clamp(-1, 1)))
    on_model = both.sum().clamp(min=1)
    return loss, {
        "loss": float(loss.detach()),
        "angle": float((angle * weight).sum() / total),
        "angle_on_model": float((angle * both).sum() / on_model),
        "prior_angle_on_model": float((prior_angle * both).sum() / on_model),
    }


def unit_normals(network: NormalNetwork, photo: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Predicted unit normals (B, 3, S, S), 0 outside the matte: what the field is given, in training and in use."""
    return F.normalize(network(photo, maps), dim=1, eps=1e-3) * (photo[:, 3:] > 0.5)


def field_loss(network: ImplicitField, normals: NormalNetwork, batch: Batch) -> tuple[torch.Tensor, Parts]:
    """Truncated distance, occupancy, smooth and upright surface, colour (weights: docs/training.md)."""
    with torch.no_grad(), torch.autocast(batch["photo"].device.type, torch.bfloat16):
        predicted = unit_normals(normals, batch["photo"], batch["maps"])
    encoded = network.encode(batch["photo"], batch["maps"], predicted.to(batch["photo"].dtype))
    prior = batch["prior"]
    distance = network.signed_distance(network.features(encoded, batch["points"], prior), prior)
    truth = batch["distance"]
    clamp = lambda x: x.clamp(-_TRUNCATION, _TRUNCATION)  # noqa: E731
    error = (clamp(distance) - clamp(truth)).abs()
    inside = (truth < 0).float()
    occupancy = F.binary_cross_entropy_with_logits(-distance * 60, inside)
    loss = error.mean() / _TRUNCATION + 0.15 * occupancy

    surface, surface_prior, normal = batch["surface"], batch["surface_prior"], F.normalize(batch["surface_normal"], dim=-1, eps=1e-6)
    features = network.features(encoded, surface, surface_prior)
    valid = batch["surface_valid"][..., None]
    colour = ((network.colours(features) - batch["surface_colour"]).abs() * valid).sum() / (3 * valid.sum()).clamp(min=1)

    half = surface.shape[1] // 2
    surface, surface_prior, normal = surface[:, :half], surface_prior[:, :half], normal[:, :half]
    tangent = F.normalize(torch.linalg.cross(torch.randn_like(normal), normal), dim=-1, eps=1e-6)

    def moved(offset: torch.Tensor) -> torch.Tensor:
        shifted = surface_prior.clone()
        shifted[..., 0] += (offset * surface_prior[..., 4:]).sum(-1)
        return network.signed_distance(network.features(encoded, surface + offset, shifted), shifted)

    ahead, behind = moved(_STEP * tangent), moved(-_STEP * tangent)
    out, into = moved(_STEP * normal), moved(-_STEP * normal)
    along = ((ahead - behind) / (2 * _STEP)).abs().mean()
    across = ((out - into) / (2 * _STEP) - 1).abs().mean()
    on_surface = ((ahead + behind) / 2).abs().clamp(max=_TRUNCATION).mean() / _TRUNCATION
    loss = loss + colour + 0.25 * along + 0.4 * across + 0.3 * on_surface
    predicted_inside, is_inside = distance.detach() < 0, inside > 0.5
    prior_inside = prior[..., 0] < 0
    union = lambda a, b: float((a & b).sum() / (a | b).sum().clamp(min=1))  # noqa: E731
    return loss, {
        "loss": float(loss.detach()),
        "distance": float(error.detach().mean()),
        "prior_distance": float((clamp(prior[..., 0]) - clamp(truth)).abs().mean()),
        "iou": union(predicted_inside, is_inside),
        "prior_iou": union(prior_inside, is_inside),
        "colour": float(colour.detach()),
        "along": float(along.detach()),
        "across": float(across.detach()),
    }
