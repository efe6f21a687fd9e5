"""The colour network: branches learn, visible colours are on the textured model, hidden ones come from the other side."""

import json

import numpy as np
import pytest
import torch
import trimesh
from safetensors.torch import save

from likeness.core.errors import AssetError
from likeness.core.models.prior import PriorSurface
from likeness.core.networks.aligned import PointMLP
from likeness.core.networks.colour import ColourConfig, ColourNetwork, Pictures, mirror_of, textured
from likeness.core.networks.volume import surface_clouds
from likeness.core.networks.weights import colour_from, load_colour
from likeness.core.photo.framing import HEAD

WIDTHS = (8, 8, 8, 8, 8)
COARSE = {"fine": False, "textured": False}


def small(**values: bool) -> ColourConfig:
    return ColourConfig(widths=WIDTHS, fine_widths=WIDTHS, cells=16, cell_channels=8, **values)


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def ball() -> tuple[PriorSurface, torch.Tensor]:
    """A ball as the fitted model, with its cloud (1, V, 9)."""
    mesh = trimesh.creation.icosphere(4, 0.5)
    vertices = np.asarray(mesh.vertices, np.float32)
    surface = PriorSurface(vertices, np.asarray(mesh.faces), vertices, HEAD)
    cloud = surface_clouds(torch.from_numpy(vertices)[None], torch.from_numpy(np.asarray(mesh.faces)), torch.from_numpy(vertices))
    return surface, cloud


def half_red(surface: PriorSurface, cloud: torch.Tensor, size: int = 128) -> Pictures:
    """A photo of the ball that is red where x < 0 and green elsewhere."""
    maps = surface.maps(size)[None]
    photo = torch.zeros(1, 4, size, size)
    photo[:, 0, :, : size // 2], photo[:, 1, :, size // 2 :], photo[:, 3] = 1, 1, 1
    photo = photo * maps[:, 7:8]
    return Pictures(photo, maps, maps[:, :3], cloud, mirror_of(surface.canonical), surface.framing.eye_depth)


def test_visible_vertices_have_the_photos_colours(ball: tuple[PriorSurface, torch.Tensor]) -> None:
    pictures = half_red(*ball)
    cloud = textured(pictures, pictures.photo)[0]
    position, colour, trust = cloud[:, :3], cloud[:, 9:12], cloud[:, 12]
    front = (position[:, 2] > 0.3) & (position[:, 0].abs() > 0.05)
    assert (trust[front] > 0.9).all()
    assert torch.allclose(
        colour[front], torch.where(position[front, :1] < 0, torch.tensor([1.0, 0, 0]), torch.tensor([0, 1.0, 0])), atol=0.02
    )
    assert (trust[position[:, 2] < -0.1] == 0).all() and (colour[position[:, 2] < -0.1] == 0).all()


def test_hidden_vertices_have_the_colours_of_the_other_side(ball: tuple[PriorSurface, torch.Tensor]) -> None:
    surface, cloud = ball
    pictures = half_red(surface, cloud)
    pictures.photo[..., : pictures.photo.shape[-1] // 2] = 0  # the left half of the picture is not the person
    found = textured(pictures, pictures.photo)[0]
    left = (found[:, 0] < -0.1) & (found[:, 2] > 0.3)
    assert torch.allclose(found[left, 9:12], torch.tensor([0, 1.0, 0]).expand(int(left.sum()), 3), atol=0.02)
    assert ((found[left, 12] > 0.3) & (found[left, 12] < 0.6)).all()


@pytest.mark.parametrize("values", [{}, {"textured": False}, COARSE])
def test_every_part_learns(ball: tuple[PriorSurface, torch.Tensor], values: dict[str, bool]) -> None:
    network = ColourNetwork(small(**values))
    if network.colours_config.fine:
        torch.nn.init.normal_(network.detail.output.weight)
    points, prior = torch.rand(1, 32, 3) - 0.5, torch.randn(1, 32, 7) * 0.3
    whole, coarse = network.colours(network.encode_pictures(half_red(*ball)), points, prior)
    assert whole.shape == coarse.shape == (1, 32, 3)
    assert ((whole >= 0) & (whole <= 1)).all()
    whole.square().sum().backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent


def test_an_untaught_fine_branch_says_what_the_coarse_one_says(ball: tuple[PriorSurface, torch.Tensor]) -> None:
    network = ColourNetwork(small()).eval()
    whole, coarse = network.colours(network.encode_pictures(half_red(*ball)), torch.rand(1, 9, 3) - 0.5, torch.randn(1, 9, 7))
    assert torch.equal(whole, coarse)


def test_the_network_keeps_its_budget() -> None:
    network = ColourNetwork()
    assert 2 * sum(p.numel() for p in network.parameters()) < 16 * 2**20
    branches = [part for part in network.children() if isinstance(part, PointMLP)]
    assert sum(layer.weight.numel() for part in branches for layer in part.modules() if isinstance(layer, torch.nn.Linear)) <= 400_000


@pytest.mark.parametrize("values", [{"fine": False}, {"cells": 20}, {"fine_widths": (8,)}, {"prior": False, "gate": False}])
def test_parts_that_do_not_fit_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        ColourConfig(**values)


def test_weights_tell_their_configuration() -> None:
    network = ColourNetwork(small(textured=False))
    tensors = {name: value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()}
    assert colour_from(save(tensors, {"likeness-config": network.config.to_json()}), "c").colours_config == small(textured=False)
    for text in (None, "{", json.dumps({"speed": 1})):
        with pytest.raises(AssetError, match="colour network"):
            colour_from(save(tensors, None if text is None else {"likeness-config": text}), "c")


def test_there_need_not_be_weights() -> None:
    assert load_colour("nowhere.safetensors") is None
