"""Training losses of the networks. Each returns the loss and its parts for the log. What a batch holds: dataset.py."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ..core.networks.aligned import Encoded
from ..core.networks.colour import ColourFeatures, ColourNetwork
from ..core.networks.field import LOGITS, ImplicitField, Shape
from ..core.networks.normal import NormalNetwork, matte_logits, refined_matte
from ..core.networks.reference import ReferencePifu
from ..core.networks.semantic import faded
from .data.dataset import Batch

Parts = dict[str, float]
_BACK, _MATTE = 0.5, 0.5
_HAIR = 0.2  # what hair counts beside skin and cloth: directions of single strands are noise that drowns the face
_STEP = 0.012  # crop units, for finite differences across the surface
_FACE = {"head": ((-0.4, -0.6, -0.15), (0.4, 0.3, 0.3)), "body": ((-0.15, 0.62, -0.1), (0.15, 1.0, 0.35))}
"""The box of a face's canonical coordinates; of a body the whole head's."""
_FACE_REACH = 0.1  # crop units
_CORRESPONDENCE_SHIFT, _CORRESPONDENCE_NOISE = 0.03, 0.02  # of a head's size: a fit's error as a whole, and from point to point


@dataclass(frozen=True)
class FieldWeights:
    """Weights of the field's losses; docs/training.md says why.

    kind: `bce` or `mse` (PIFu, JIFF and SeIF) of occupancy. occupancy: its weight beside the distance; an occupancy field has it at 1.
    correspondence: SeIF's 0.7. stages: of the parts supervised beside the whole. face: how much more than elsewhere distances and slopes
    around the fitted model's face count. truncation: crop units at which distances end. colour, along, across, on_surface: at surface
    points; the last three only for distances.
    """

    kind: str = "bce"
    occupancy: float = 0.15
    correspondence: float = 0.7
    stages: float = 1.0
    face: float = 0.0
    truncation: float = 0.1
    colour: float = 1.0
    along: float = 0.25
    across: float = 0.4
    on_surface: float = 0.3


def normal_loss(network: NormalNetwork, batch: Batch) -> tuple[torch.Tensor, Parts]:
    """Of normals 1 - cosine plus half of L1, on the visible and on the farthest surface; of the matte binary cross-entropy.

    Visible hair counts a fifth. Parts on the model are measured off the hair. A network of front normals alone has the first part only.
    """
    relief = network(batch["photo"], batch["maps"])
    covered = (batch["mask"] > 0.95).float()[:, None]
    truth = F.normalize(batch["normal"], dim=1, eps=1e-3)
    hair = batch["hair"][:, None]
    loss = _direction_loss(relief.front, truth, covered * (1 - (1 - _HAIR) * hair))
    angle, prior = _angle(relief.front, truth), _angle(batch["maps"][:, :3], truth)
    bare = covered * (1 - hair)
    both = bare * batch["maps"][:, 7:8]
    parts = {"angle": _mean(angle, covered), "angle_off_hair": _mean(angle, bare)}
    parts |= {"angle_on_model": _mean(angle, both), "prior_angle_on_model": _mean(prior, both)}
    if relief.back is not None and relief.shift is not None:
        # Stored as zero where no solid piece is.
        there = covered * (batch["normal_back"].norm(dim=1, keepdim=True) > 0.5)
        behind = F.normalize(batch["normal_back"], dim=1, eps=1e-3)
        back = _direction_loss(relief.back, behind, there)
        given, mask = batch["photo"][:, 3:].float(), batch["mask"][:, None]
        matte = F.binary_cross_entropy_with_logits(matte_logits(given, relief.shift), mask)
        loss = loss + _BACK * back + _MATTE * matte
        refined = refined_matte(given, relief.shift.detach())
        parts |= {"back_angle": _mean(_angle(relief.back, behind), there), "matte_error": float((refined - mask).abs().mean())}
        parts["given_matte_error"] = float((given - mask).abs().mean())
    return loss, {"loss": float(loss.detach()), **parts}


def _direction_loss(predicted: torch.Tensor, truth: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    total = weight.sum().clamp(min=1)
    cosine = (F.normalize(predicted, dim=1, eps=1e-3) * truth).sum(1, keepdim=True)
    return ((1 - cosine) * weight).sum() / total + 0.5 * ((predicted - truth).abs().sum(1, keepdim=True) * weight).sum() / total


@torch.no_grad()
def _angle(normals: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Degrees (B, 1, S, S) between normals and unit ones (B, 3, S, S)."""
    return torch.rad2deg(torch.acos((F.normalize(normals, dim=1, eps=1e-3) * truth).sum(1, keepdim=True).clamp(-1, 1)))


def _mean(values: torch.Tensor, weight: torch.Tensor) -> float:
    return float((values * weight).sum() / weight.sum().clamp(min=1))


def unit_normals(network: NormalNetwork, photo: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Predicted unit normals (B, 3, S, S), 0 outside the matte: what the field is given, in training and in use."""
    return F.normalize(network(photo, maps).front, dim=1, eps=1e-3) * (photo[:, 3:] > 0.5)


def field_loss(
    network: ImplicitField, encoded: Encoded, batch: Batch, weights: FieldWeights, noise: torch.Generator
) -> tuple[torch.Tensor, Parts]:
    """Losses of a field of any configuration at the batch's points and surface points, from its encoded photos."""
    prior, truth, probes = batch["prior"], batch["distance"], _probes(network, batch, noise)
    # One look-up of features for all: its backward pass costs as much for few points as for many.
    places = [(batch["points"], prior), (batch["surface"], batch["surface_prior"]), *probes]
    everywhere = network.features(encoded, *(torch.cat(column, dim=1) for column in zip(*places, strict=True)))
    features, on_surface, *probed = everywhere.split([points.shape[1] for points, _ in places], dim=1)
    true_correspondence = faded(batch["code"], truth) if "code" in batch else None
    shape = network.shape(features, prior, (lambda true: _imperfect(true, noise)) if network.training else None)
    subject = network.config.subject
    counts = _counts(prior, weights.face, subject)
    loss = _point_loss(network, shape, truth, true_correspondence, counts, weights)
    for stage in shape.stages:
        loss = loss + weights.stages * _point_loss(network, stage, truth, true_correspondence, counts, weights)
    parts = _measures(network, shape, prior, truth, true_correspondence, weights.truncation)

    valid = batch["surface_valid"][..., None]
    colour = ((network.colours(on_surface) - batch["surface_colour"]).abs() * valid).sum() / (3 * valid.sum()).clamp(min=1)
    loss = loss + weights.colour * colour
    parts["colour"] = float(colour.detach())
    if probes:
        ahead, behind, out, into = (network.signed_distance(at, there) for at, (_, there) in zip(probed, probes, strict=True))
        along, across, away = _surface_losses(ahead, behind, out, into, _counts(probes[0][1], weights.face, subject), weights.truncation)
        loss = loss + weights.along * along + weights.across * across + weights.on_surface * away
        parts |= {"along": float(along.detach()), "across": float(across.detach())}
    return loss, {"loss": float(loss.detach()), **parts}


def colour_loss(network: ColourNetwork, features: ColourFeatures, batch: Batch) -> tuple[torch.Tensor, Parts]:
    """L1 of the whole network's colours and of its coarse branch's at surface points (JIFF trains the branches one after the other)."""
    whole, coarse = network.colours(features, batch["surface"], batch["surface_prior"])
    valid = batch["surface_valid"]
    error = lambda colours: (colours - batch["surface_colour"]).abs().mean(-1)  # noqa: E731
    mean = lambda values, weight: (values * weight).sum() / weight.sum().clamp(min=1)  # noqa: E731
    loss = mean(error(whole), valid)
    hidden = valid * (batch["surface_normal"][..., 2] < 0)
    parts = {"colour": float(loss.detach()), "colour_hidden": float(mean(error(whole.detach()), hidden))}
    parts["colour_coarse"] = float(mean(error(coarse.detach()), valid))
    if features.fine is not None:
        loss = loss + mean(error(coarse), valid)
    return loss, {"loss": float(loss.detach()), **parts}


def stacks_loss(network: ReferencePifu, batch: Batch) -> tuple[torch.Tensor, Parts]:
    """PIFu's own loss: squared error of occupancy, mean over the stacks of hourglasses, which all answer."""
    inside = (batch["distance"] < 0).float()
    answers = [network.query(features.float(), batch["points"])[..., 0] for features in network.encode(masked(batch["photo"]))]
    loss = torch.stack([F.mse_loss(answer.float(), inside) for answer in answers]).mean()
    found, truth = answers[-1].detach() > 0.5, inside > 0.5
    return loss, {"loss": float(loss.detach()), "iou": float((found & truth).sum() / (found | truth).sum().clamp(min=1))}


def masked(photo: torch.Tensor) -> torch.Tensor:
    """(B, 3, S, S) in [-1, 1] and 0 off the person, as the papers' networks see it, from our photo (B, 4, S, S)."""
    return (photo[:, :3] * 2 - 1) * photo[:, 3:]


def _on_face(prior: torch.Tensor, subject: str) -> torch.Tensor:
    """(B, N) bool: are points with prior features (B, N, 7) around the fitted model's face?"""
    place, (low, high) = prior[..., 1:4], prior.new_tensor(_FACE[subject])
    return ((place > low) & (place < high)).all(-1) & (prior[..., 0].abs() < _FACE_REACH)


def _counts(prior: torch.Tensor, face: float, subject: str) -> torch.Tensor:
    """(B, N) how much points count, 1 on average."""
    counts = 1 + face * _on_face(prior, subject)
    return counts / counts.mean()


def _point_loss(
    network: ImplicitField,
    shape: Shape,
    truth: torch.Tensor,
    true_correspondence: torch.Tensor | None,
    counts: torch.Tensor,
    weights: FieldWeights,
) -> torch.Tensor:
    logits, inside = -shape.distance * LOGITS, (truth < 0).float()
    if weights.kind == "mse":
        occupancy = F.mse_loss(torch.sigmoid(logits), inside)
    else:
        occupancy = F.binary_cross_entropy_with_logits(logits, inside)
    if network.config.output == "occupancy":
        loss = occupancy
    else:
        error = _truncated_error(shape.distance, truth, weights.truncation)
        loss = (error * counts).mean() / weights.truncation + weights.occupancy * occupancy
    if shape.correspondence is not None:
        assert true_correspondence is not None
        loss = loss + weights.correspondence * F.mse_loss(shape.correspondence, true_correspondence)
    return loss


def _probes(network: ImplicitField, batch: Batch, noise: torch.Generator) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Points (B, N, 3) with prior features (B, N, 7) beside half of the surface points, if the network answers with distances: a step
    ahead and behind along the surface in a random direction, out of it and into it."""
    if network.config.output == "occupancy":
        return []
    half = batch["surface"].shape[1] // 2
    surface, prior = batch["surface"][:, :half], batch["surface_prior"][:, :half]
    normal = F.normalize(batch["surface_normal"][:, :half], dim=-1, eps=1e-6)
    tangent = F.normalize(torch.linalg.cross(_normal(normal.shape, noise), normal), dim=-1, eps=1e-6)

    def moved(offset: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        shifted = prior.clone()
        shifted[..., 0] += (offset * prior[..., 4:]).sum(-1)
        return surface + offset, shifted

    return [moved(_STEP * tangent), moved(-_STEP * tangent), moved(_STEP * normal), moved(-_STEP * normal)]


def _surface_losses(
    ahead: torch.Tensor, behind: torch.Tensor, out: torch.Tensor, into: torch.Tensor, counts: torch.Tensor, truncation: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """From the distances (B, N) at the probes: slope along the surface, error of the slope across it, and distance on it."""
    mean = lambda values: (values * counts).mean()  # noqa: E731
    along = mean(((ahead - behind) / (2 * _STEP)).abs())
    across = mean(((out - into) / (2 * _STEP) - 1).abs())
    return along, across, mean(((ahead + behind) / 2).abs().clamp(max=truncation)) / truncation


def _imperfect(correspondence: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
    """Correspondences (B, N, 3) that points are given, with noise: SeIF learned from true ones, which tell the true distance, and is
    then fed predicted ones. Here they come from simulated fits or predictions in training too, and err a little more than in use."""
    shift = _CORRESPONDENCE_SHIFT * _normal((len(correspondence), 1, 3), noise) + _CORRESPONDENCE_NOISE * _normal(
        correspondence.shape, noise
    )
    return (correspondence + shift * correspondence.amax(dim=-1, keepdim=True)).clamp(0, 1)


@torch.no_grad()
def _measures(
    network: ImplicitField,
    shape: Shape,
    prior: torch.Tensor,
    truth: torch.Tensor,
    true_correspondence: torch.Tensor | None,
    truncation: float,
) -> Parts:
    inside = truth < 0
    union = lambda found: float((found & inside).sum() / (found | inside).sum().clamp(min=1))  # noqa: E731
    parts = {"iou": union(shape.distance < 0), "prior_iou": union(prior[..., 0] < 0)}
    if network.config.output != "occupancy":
        face = _on_face(prior, network.config.subject).float()
        for name, distance in (("", shape.distance), ("prior_", prior[..., 0])):
            error = _truncated_error(distance, truth, truncation)
            parts |= {f"{name}distance": float(error.mean()), f"{name}face": _mean(error, face)}
    if shape.correspondence is not None and true_correspondence is not None:
        parts["correspondence"] = float((shape.correspondence - true_correspondence).abs().mean())
    return parts


def _normal(shape: tuple[int, ...], noise: torch.Generator) -> torch.Tensor:
    return torch.randn(shape, generator=noise, device=noise.device)


def _truncated_error(distance: torch.Tensor, truth: torch.Tensor, truncation: float) -> torch.Tensor:
    """How far distances (...), cut at the truncation, are from true ones (...)."""
    return (distance.clamp(-truncation, truncation) - truth.clamp(-truncation, truncation)).abs()
