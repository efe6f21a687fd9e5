"""Networks: shapes, folding, and loading of weights."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from likeness.core.errors import AssetError
from likeness.core.networks.config import METADATA_KEY, FieldConfig
from likeness.core.networks.field import ImplicitField
from likeness.core.networks.layers import UNet, fold_norms, positional_encoding
from likeness.core.networks.normal import FRONT, WHOLE, NormalNetwork, refined_matte
from likeness.core.networks.parsing import ParsingNetwork
from likeness.core.networks.weights import NETWORKS, ListedNetwork, hashes, load_field, load_normal, load_own_field, reader

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


@pytest.mark.parametrize("scales", [(4,), (2, 8), (8,)])
def test_encoder_makes_only_the_scales_that_are_asked_for(scales: tuple[int, ...]) -> None:
    network = UNet(5, WIDTHS, scales)
    features = network(torch.rand(2, 5, 64, 64))
    assert [f.shape[-1] for f in features] == [64 // scale for scale in scales]
    sum(f.sum() for f in features).backward()
    assert all(p.grad is not None for p in network.parameters())


def test_folding_norms_changes_nothing() -> None:
    network = randomised_norms(UNet(5, WIDTHS))
    picture = torch.rand(1, 5, 64, 64)
    before = network(picture)
    after = fold_norms(network)(picture)
    for a, b in zip(before, after, strict=True):
        assert torch.allclose(a, b, atol=1e-4)


def test_an_untaught_normal_network_returns_the_models_normals_and_the_given_matte() -> None:
    network = NormalNetwork(WIDTHS)
    torch.nn.init.zeros_(network.output.weight)
    torch.nn.init.zeros_(network.output.bias)
    photo, maps = torch.rand(1, 4, 64, 64), torch.rand(1, 8, 64, 64)
    photo[:, 3, :, :9], photo[:, 3, :, -9:] = 0, 1
    relief = network(photo, maps)
    assert torch.allclose(relief.front, maps[:, :3])
    assert torch.allclose(relief.back, maps[:, :3] * torch.tensor([1.0, 1, -1])[:, None, None])
    refined = refined_matte(photo[:, 3:], relief.shift)
    assert torch.allclose(refined, photo[:, 3:], atol=0.011)
    assert torch.equal(refined[..., :9], photo[:, 3:, :, :9]) and torch.allclose(refined[..., -9:], photo[:, 3:, :, -9:], atol=1e-6)


def test_the_bundled_normals_are_those_of_the_network_that_was_measured() -> None:
    network = load_normal()
    photo, maps = torch.rand(1, 4, 64, 64), torch.rand(1, 8, 64, 64) - 0.5
    x = torch.cat([photo, maps], dim=1)
    assert network.backbone is not None
    added = [enter(values) for enter, values in zip(network.enter, network.backbone(photo[:, :3]), strict=True)]
    fine = torch.nn.functional.interpolate(network.encoder(x, added)[0], scale_factor=2, mode="bilinear", align_corners=False)
    relief = network(photo, maps)
    assert torch.equal(relief.front, network.output(network.head(torch.cat([fine, x], dim=1)))[:, :3] + maps[:, :3])
    assert (relief.back is None) == (relief.shift is None)
    assert (relief.back is None) == (len(network.output.bias) == 3)


@pytest.mark.parametrize("outputs", [FRONT, WHOLE])
def test_a_normal_network_has_the_form_of_its_file(tmp_path: Path, outputs: int) -> None:
    loaded = load_normal("n.safetensors", written(tmp_path, network=NormalNetwork(outputs=outputs)))
    relief = loaded(torch.rand(1, 4, 64, 64), torch.rand(1, 8, 64, 64))
    assert (relief.back is None) == (relief.shift is None) == (outputs == FRONT)


def test_features_of_the_parsing_network_add_nothing_before_training_and_are_no_weights_of_the_normal_network() -> None:
    torch.manual_seed(0)
    shared, plain = NormalNetwork(backbone=ParsingNetwork().backbone).eval(), NormalNetwork().eval()
    plain.load_state_dict({name: values for name, values in shared.state_dict().items() if not name.startswith("enter.")})
    photo, maps = torch.rand(1, 4, 64, 64), torch.rand(1, 8, 64, 64) - 0.5
    before = plain(photo, maps)
    assert torch.allclose(shared(photo, maps).front, before.front, atol=1e-6)
    assert not any("backbone" in name or "stem.weight" in name for name in shared.state_dict())
    for convolution in shared.enter:
        torch.nn.init.normal_(convolution.weight, std=0.1)
    assert (shared(photo, maps).front - before.front).abs().max() > 1e-3


def test_a_normal_network_that_reads_features_shares_the_parsing_networks_backbone(tmp_path: Path) -> None:
    parsing = ParsingNetwork()
    folder = written(tmp_path, network=NormalNetwork(backbone=parsing.backbone))
    assert load_normal("n.safetensors", folder, parsing).backbone is parsing.backbone
    with pytest.raises(AssetError, match=r"needs parsing\.safetensors, which is missing"):
        load_normal("n.safetensors", folder)


def test_positional_encoding_is_bounded_and_tells_points_apart() -> None:
    x = torch.linspace(-1, 0.9, 50)[:, None]
    code = positional_encoding(x, 4)
    assert code.shape == (50, 8)
    assert code.abs().max() <= 1
    assert torch.pdist(code).min() > 1e-3


def written(folder: Path, listed: str | None = None, network: torch.nn.Module | None = None, config: str | None = None) -> Path:
    network = NormalNetwork(WIDTHS) if network is None else network
    tensors = {k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items()}
    save_file(tensors, folder / "n.safetensors", metadata=None if config is None else {METADATA_KEY: config})
    digest = hashlib.sha256((folder / "n.safetensors").read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{listed or digest}  n.safetensors\n")
    return folder


def loaded(folder: Path, widths: tuple[int, ...] = WIDTHS) -> NormalNetwork:
    return ListedNetwork("n.safetensors", reader(lambda: NormalNetwork(widths))).load(folder=folder)


def test_weights_are_loaded_when_their_hash_fits(tmp_path: Path) -> None:
    network = loaded(written(tmp_path))
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
    with pytest.raises(AssetError, match=r"n\.safetensors"):
        loaded(folder, (4, 4, 4, 4, 4) if damage == "other network" else WIDTHS)


@pytest.mark.parametrize("listed", [b"garbage\n", b"\xff\xfe\x00", b"0123  n.safetensors\n", None])
def test_a_damaged_list_of_weights_is_a_sentence(tmp_path: Path, listed: bytes | None) -> None:
    folder = written(tmp_path)
    (folder / "SHA256SUMS").unlink() if listed is None else (folder / "SHA256SUMS").write_bytes(listed)
    for load in (lambda: hashes(folder), lambda: loaded(folder)):
        with pytest.raises(AssetError, match=r"SHA256SUMS, the list of weights, is (damaged|missing); reinstall the extension"):
            load()


def test_numbers_survive_half_precision(tmp_path: Path) -> None:
    network = NormalNetwork(WIDTHS)
    read = loaded(written(tmp_path))
    assert np.isfinite(sum(p.abs().sum().item() for p in read.parameters()))
    assert sum(p.numel() for p in read.parameters()) == sum(p.numel() for p in network.parameters())


def test_a_field_comes_in_the_configuration_that_its_file_tells(tmp_path: Path) -> None:
    config = FieldConfig(widths=WIDTHS, scales=(4, 8), volume=16, volume_channels=8, correspondence_out=True, output="distance")
    network = ImplicitField(config)
    loaded = load_field("n.safetensors", written(tmp_path, network=network, config=config.to_json()))
    assert loaded.config == config
    for name, value in loaded.state_dict().items():
        assert torch.allclose(value.float(), network.state_dict()[name].float(), atol=1e-3), name


def test_a_field_of_ones_own_needs_no_list(tmp_path: Path) -> None:
    config = FieldConfig(widths=WIDTHS)
    written(tmp_path, network=ImplicitField(config), config=config.to_json())
    assert load_own_field(tmp_path / "n.safetensors").config == config
    (tmp_path / "text.safetensors").write_text("hello")
    for name in ("missing.safetensors", "text.safetensors"):
        with pytest.raises(AssetError, match=name):
            load_own_field(tmp_path / name)


def test_the_bundled_field_is_readable() -> None:
    assert load_field().config.output == "residual"


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "[]",
        '{"volume": 1000000}',
        '{"volume": "32"}',
        '{"widths": [8, 8, 8, 8, 1e9]}',
        '{"speed": 1}',
        "[" * 10_000,
        '{"scales": [3]}',
    ],
)
def test_strange_configurations_are_refused(tmp_path: Path, config: str) -> None:
    with pytest.raises(AssetError, match=r"n\.safetensors"):
        load_field("n.safetensors", written(tmp_path, config=config))


def test_a_network_that_is_not_listed_is_left_out_only_if_something_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_text("")
    for network in NETWORKS:
        if network.without is None:
            with pytest.raises(AssetError, match="missing"):
                network.load(folder=tmp_path)
        else:
            assert network.load_if_listed(folder=tmp_path) is None


def test_every_network_that_nothing_can_replace_is_bundled() -> None:
    assert all(network.file in hashes() for network in NETWORKS if network.without is None)
