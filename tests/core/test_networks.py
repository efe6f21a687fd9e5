"""Networks: shapes, folding, what the facing gate hides, and loading of weights."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from likeness.core.errors import AssetError
from likeness.core.networks.field import ImplicitField
from likeness.core.networks.layers import UNet, fold_norms, positional_encoding
from likeness.core.networks.normal import NormalNetwork
from likeness.core.networks.weights import load_weights

WIDTHS = (8, 8, 8, 8, 8)


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    torch.manual_seed(0)


def randomised_norms(network: torch.nn.Module) -> torch.nn.Module:
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
    return network.eval()


def test_encoder_hands_out_strides_two_four_and_eight() -> None:
    features = UNet(5, WIDTHS)(torch.rand(2, 5, 64, 64))
    assert [tuple(f.shape) for f in features] == [(2, 8, 32, 32), (2, 8, 16, 16), (2, 8, 8, 8)]


def test_folding_norms_changes_nothing() -> None:
    network = randomised_norms(UNet(5, WIDTHS))
    picture = torch.rand(1, 5, 64, 64)
    before = network(picture)
    after = fold_norms(network)(picture)
    for a, b in zip(before, after, strict=True):
        assert torch.allclose(a, b, atol=1e-4)


def test_an_untaught_normal_network_returns_the_models_normals() -> None:
    network = NormalNetwork(WIDTHS)
    torch.nn.init.zeros_(network.output.weight)
    torch.nn.init.zeros_(network.output.bias)
    maps = torch.rand(1, 8, 64, 64)
    assert torch.allclose(network(torch.rand(1, 4, 64, 64), maps), maps[:, :3])


def field_inputs(points: int) -> tuple[torch.Tensor, ...]:
    return torch.rand(1, 4, 64, 64), torch.rand(1, 8, 64, 64), torch.rand(1, 3, 64, 64), torch.rand(1, points, 3) - 0.5


def test_field_corrects_the_models_distance() -> None:
    network = ImplicitField(WIDTHS).eval()
    torch.nn.init.zeros_(network.distance.output.weight)
    photo, maps, normals, points = field_inputs(10)
    prior = torch.randn(1, 10, 7)
    features = network.features(network.encode(photo, maps, normals), points, prior)
    assert torch.allclose(network.signed_distance(features, prior), prior[..., 0])
    assert network.colours(features).shape == (1, 10, 3)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_points_are_independent_of_their_batch(count: int) -> None:
    network = ImplicitField(WIDTHS).eval()
    photo, maps, normals, points = field_inputs(7)
    prior = torch.randn(1, 7, 7)
    encoded = network.encode(photo, maps, normals)
    whole = network.colours(network.features(encoded, points, prior))
    part = network.colours(network.features(encoded, points[:, :count], prior[:, :count]))
    assert torch.allclose(whole[:, :count], part, atol=1e-6)


def test_a_point_behind_the_head_does_not_see_the_faces_pixels() -> None:
    network = ImplicitField(WIDTHS).eval()
    photo, maps, normals, points = field_inputs(4)
    encoded = network.encode(photo, maps, normals)
    away = torch.zeros(1, 4, 7)
    away[..., 6] = -1
    behind = network.features(encoded, points, away)
    towards = away.clone()
    towards[..., 6] = 1
    fine = 2 * WIDTHS[0]
    assert behind[..., :fine].abs().max() < 1e-2
    assert network.features(encoded, points, towards)[..., :fine].abs().max() > 0.05


def test_every_part_of_the_field_learns() -> None:
    network = ImplicitField(WIDTHS)
    photo, maps, normals, points = field_inputs(16)
    prior = torch.randn(1, 16, 7)
    features = network.features(network.encode(photo, maps, normals), points, prior)
    (network.signed_distance(features, prior).square().sum() + network.colours(features).sum()).backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent


def test_positional_encoding_is_bounded_and_tells_points_apart() -> None:
    x = torch.linspace(-1, 0.9, 50)[:, None]
    code = positional_encoding(x, 4)
    assert code.shape == (50, 8)
    assert code.abs().max() <= 1
    assert torch.pdist(code).min() > 1e-3


def written(folder: Path, listed: str | None = None) -> Path:
    network = NormalNetwork(WIDTHS)
    save_file({k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items()}, folder / "n.safetensors")
    digest = hashlib.sha256((folder / "n.safetensors").read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{listed or digest}  n.safetensors\n")
    return folder


def test_weights_are_loaded_when_their_hash_fits(tmp_path: Path) -> None:
    network = load_weights(NormalNetwork(WIDTHS), "n.safetensors", written(tmp_path))
    assert next(network.parameters()).dtype == torch.float32


@pytest.mark.parametrize("damage", ["hash", "flip", "missing", "other network", "pickle"])
def test_weights_that_are_not_ours_are_refused(tmp_path: Path, damage: str) -> None:
    folder = written(tmp_path, "0" * 64 if damage == "hash" else None)
    file = folder / "n.safetensors"
    if damage == "flip":
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    if damage == "missing":
        file.unlink()
    if damage == "pickle":
        file.write_bytes(b"\x80\x04K\x01.")
        (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  n.safetensors\n")
    network = NormalNetwork((4, 4, 4, 4, 4)) if damage == "other network" else NormalNetwork(WIDTHS)
    with pytest.raises(AssetError, match=r"n\.safetensors"):
        load_weights(network, "n.safetensors", folder)


def test_numbers_survive_half_precision(tmp_path: Path) -> None:
    network = NormalNetwork(WIDTHS)
    loaded = load_weights(NormalNetwork(WIDTHS), "n.safetensors", written(tmp_path))
    assert np.isfinite(sum(p.abs().sum().item() for p in loaded.parameters()))
    assert sum(p.numel() for p in loaded.parameters()) == sum(p.numel() for p in network.parameters())
