"""The papers' networks: names and shapes of the published files, blocks against plain NumPy, and files that users bring along."""

import argparse
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from likeness.core.errors import AssetError
from likeness.core.networks.checkpoints import load_reference, reference_of
from likeness.core.networks.reference import (
    ConvBlock,
    FilterMLP,
    GlobalGenerator,
    HGFilter,
    Hourglass,
    PifuhdCoarse,
    ReferenceColour,
    ReferencePifu,
    ReferencePifuhd,
    ResnetFilter,
    SkipMLP,
    sample_map,
    within,
)
from likeness.core.networks.reference_field import ReferenceField

State = dict[str, torch.Tensor]
PIFU_SKIPS, WIDTHS = (1, 2, 3, 4), (1024, 512, 256, 128)


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    torch.manual_seed(0)


def pifu(inputs: int = 3, given: int = 257, outputs: int = 1) -> nn.Module:
    return ReferencePifu(HGFilter(inputs), SkipMLP((given, *WIDTHS, outputs), PIFU_SKIPS))


def pifuhd(normed: bool) -> nn.Module:
    coarse = PifuhdCoarse(HGFilter(9), FilterMLP((257, *WIDTHS, 1), (2, 3, 4), normed), GlobalGenerator(), GlobalGenerator())
    return ReferencePifuhd(coarse, HGFilter(9, 1, 4, 16, halve=False), FilterMLP((272, 512, 256, 128, 1), (1, 2), normed))


def colour() -> nn.Module:
    return ReferenceColour(ResnetFilter(), SkipMLP((513, *WIDTHS, 3), PIFU_SKIPS))


# Keys, scalars (shared ones counted twice) and a hash of all names and shapes, taken from the authors' classes.
PUBLISHED = {
    "PIFu geometry": (pifu, 441, 15_605_122, "337d776c1f485b51"),
    "PIFu colour": (colour, 53, 9_139_398, "c85fdafff4ce0dd8"),
    "PIFuHD": (lambda: pifuhd(False), 764, 387_050_393, "e640f04ecf43cc87"),
    "PIFuHD, normed": (lambda: pifuhd(True), 778, 387_056_025, "13a37fd1eac5ee30"),
    "SeIF": (lambda: pifu(6, 260, 4), 441, 15_621_460, "49aa3daee63f515e"),
    "SeIF semantic": (lambda: pifu(6, 257, 4), 441, 15_615_688, "34dde34e694b7a3a"),
    "SeIF normals": (lambda: nn.ModuleDict({"netF": GlobalGenerator()}), 56, 182_443_267, "1abb65a26ca724cf"),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_names_and_shapes_are_the_published_ones_and_are_recognised(name: str) -> None:
    make, keys, scalars, digest = PUBLISHED[name]
    with torch.device("meta"):
        state = make().state_dict()
    assert (len(state), sum(value.numel() for value in state.values())) == (keys, scalars)
    text = "\n".join(f"{key} {'x'.join(map(str, value.shape))}" for key, value in sorted(state.items()))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest
    found = reference_of(state, name)
    assert {key: value.shape for key, value in found.state_dict().items()} == {key: value.shape for key, value in state.items()}


def plain_norm(state: State, name: str, x: np.ndarray) -> np.ndarray:
    grouped = x.reshape(len(x), 32, -1)
    grouped = (grouped - grouped.mean(2, keepdims=True)) / np.sqrt(grouped.var(2, keepdims=True) + 1e-5)
    scale, shift = (state[f"{name}.{kind}"].numpy()[None, :, None, None] for kind in ("weight", "bias"))
    return np.maximum(grouped.reshape(x.shape) * scale + shift, 0)


def plain_conv(state: State, name: str, x: np.ndarray, stride: int = 1) -> np.ndarray:
    """Convolution as a sum over shifted copies."""
    weight = state[f"{name}.weight"].numpy()
    size, pad = weight.shape[-1], weight.shape[-1] // 2
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = ((x.shape[axis] - 1) // stride + 1 for axis in (2, 3))
    total = np.zeros((len(x), len(weight), rows, columns))
    for i in range(size):
        for j in range(size):
            part = padded[:, :, i : i + (rows - 1) * stride + 1 : stride, j : j + (columns - 1) * stride + 1 : stride]
            total += np.einsum("oc,bchw->bohw", weight[:, :, i, j], part)
    bias = state.get(f"{name}.bias")
    return total if bias is None else total + bias.numpy()[None, :, None, None]


def plain_block(state: State, name: str, x: np.ndarray) -> np.ndarray:
    parts = [x]
    for i in (1, 2, 3):
        parts.append(plain_conv(state, f"{name}conv{i}", plain_norm(state, f"{name}bn{i}", parts[-1])))
    residual = x
    if f"{name}downsample.2.weight" in state:
        residual = plain_conv(state, f"{name}downsample.2", plain_norm(state, f"{name}bn4", x))
    return np.concatenate(parts[1:], axis=1) + residual


def halved(x: np.ndarray) -> np.ndarray:
    return x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2).mean((3, 5))


def cubic_matrix(size: int) -> np.ndarray:
    """(2 size, size) weights that double a row: Keys' cubic with a = -0.75, corners on corners, borders repeated."""
    matrix = np.zeros((2 * size, size))
    for i in range(2 * size):
        place = i * (size - 1) / (2 * size - 1)
        for tap in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            t = abs(place - tap)
            near, far = 1.25 * t**3 - 2.25 * t**2 + 1, -0.75 * (t**3 - 5 * t**2 + 8 * t - 4)
            matrix[i, min(max(tap, 0), size - 1)] += near if t <= 1 else far
    return matrix


def plain_hourglass(state: State, name: str, level: int, x: np.ndarray) -> np.ndarray:
    low = plain_block(state, f"{name}b2_{level}.", halved(x))
    low = plain_hourglass(state, name, level - 1, low) if level > 1 else plain_block(state, f"{name}b2_plus_1.", low)
    low = plain_block(state, f"{name}b3_{level}.", low)
    rows, columns = cubic_matrix(low.shape[2]), cubic_matrix(low.shape[3])
    return plain_block(state, f"{name}b1_{level}.", x) + np.einsum("ij,bcjk,lk->bcil", rows, low, columns)


def randomised(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.GroupNorm):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize(("inputs", "outputs"), [(64, 64), (64, 128)])
def test_convolution_block(inputs: int, outputs: int) -> None:
    block, x = randomised(ConvBlock(inputs, max(outputs, 128))), torch.randn(2, inputs, 6, 5)
    assert np.abs(block(x).numpy() - plain_block(block.state_dict(), "", x.numpy())).max() < 1e-4


def test_hourglass() -> None:
    network, x = randomised(Hourglass(2, 128)), torch.randn(1, 128, 8, 8)
    assert np.abs(network(x).numpy() - plain_hourglass(network.state_dict(), "", 2, x.numpy())).max() < 1e-3


@pytest.mark.parametrize("halve", [True, False])
def test_stacked_hourglasses(halve: bool) -> None:
    network, x = randomised(HGFilter(3, stacks=2, depth=1, outputs=16, halve=halve)), torch.randn(1, 3, 16, 16)
    state = network.state_dict()
    y = plain_block(state, "conv2.", plain_norm(state, "bn1", plain_conv(state, "conv1", x.numpy(), 2)))
    y = plain_block(state, "conv4.", plain_block(state, "conv3.", halved(y) if halve else y))
    for stack, found in enumerate(network(x)):
        z = plain_block(state, f"top_m_{stack}.", plain_hourglass(state, f"m{stack}.", 1, y))
        z = plain_norm(state, f"bn_end{stack}", plain_conv(state, f"conv_last{stack}", z))
        out = plain_conv(state, f"l{stack}", z)
        assert np.abs(found.numpy() - out).max() < 1e-3
        if stack == 0:
            y = y + plain_conv(state, "bl0", z) + plain_conv(state, "al0", out)


def test_gradients_reach_every_used_parameter() -> None:
    network = HGFilter(3, stacks=2, depth=1, outputs=16)
    sum(features.square().sum() for features in network(torch.randn(1, 3, 32, 32))).backward()
    used = {name: p for name, p in network.named_parameters() if "bn4" not in name or p.grad is not None}
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in used.values())


@pytest.mark.parametrize(("make", "skips"), [(SkipMLP, (1, 2, 3)), (FilterMLP, (2,))])
def test_point_mlp(make: type[SkipMLP], skips: tuple[int, ...]) -> None:
    widths = (7, 12, 10, 8, 2)
    mlp, x = make(widths, skips).requires_grad_(False), torch.randn(2, 7, 5)
    y = x.numpy()
    for i in range(4):
        layer = mlp.layer(i)
        y = np.concatenate([y, x.numpy()], axis=1) if i in skips else y
        y = np.einsum("oi,bin->bon", layer.weight[..., 0].numpy(), y) + layer.bias.numpy()[:, None]
        y = np.where(y > 0, y, 0.01 * y) if i < 3 else y
        if i == 2:
            handed_on = y
    found, third = mlp(x)
    assert np.abs(found.numpy() - y).max() < 1e-5
    assert np.abs(third.numpy() - handed_on).max() < 1e-5


def test_maps_are_read_at_their_corners_and_rows_grow_downwards() -> None:
    features = torch.arange(12.0).view(1, 1, 3, 4)
    points = torch.tensor([[[-1.0, 1, 0], [1, 1, 0], [-1, -1, 0], [0, 0, 0], [-1, 0.5, 0]]])
    assert sample_map(features, points)[0, 0].tolist() == pytest.approx([0, 3, 8, 5.5, 2])
    assert within(points + 0.01, 2)[0, 0].tolist() == [0, 0, 1, 1, 1]


def test_reflecting_encoders_against_plain_functions() -> None:
    network, x = randomised(ResnetFilter(1)), torch.randn(1, 3, 16, 16)
    state = network.state_dict()
    norm = lambda name, y: torch.from_numpy(plain_norm(state, name, y.numpy()))  # noqa: E731
    y = norm("model.2", F.conv2d(F.pad(x, (3,) * 4, "reflect"), state["model.1.weight"]))
    for conv in (4, 7):
        y = norm(f"model.{conv + 1}", F.conv2d(y, state[f"model.{conv}.weight"], stride=2, padding=1))
    z = norm("model.10.conv_block.2", F.conv2d(F.pad(y, (1,) * 4, "reflect"), state["model.10.conv_block.1.weight"]))
    y = y + F.conv2d(F.pad(z, (1,) * 4, "reflect"), state["model.10.conv_block.5.weight"])
    assert torch.allclose(network(x), y.float(), atol=1e-4)
    normals = GlobalGenerator(width=8, halvings=2, blocks=1)(x)
    assert normals.shape == x.shape
    assert normals.abs().max() < 1


def small_pifu(outputs: int = 1) -> ReferencePifu:
    given = 257 if outputs == 1 else 260
    return ReferencePifu(HGFilter(3, stacks=1, depth=1), SkipMLP((given, 16, 16, 16, 8, outputs), PIFU_SKIPS))


@pytest.mark.parametrize("outputs", [1, 4])
def test_occupancy_is_zero_outside_the_picture(outputs: int) -> None:
    network, points = small_pifu(outputs).eval(), torch.tensor([[[0.0, 0, 0.3], [1.2, 0, 0.3]]])
    values = network.query(network.encode(torch.randn(1, 3, 32, 32))[-1], points, torch.rand(1, 2, 3) if outputs == 4 else None)
    assert values.shape == (1, 2, outputs)
    assert values[0, 1].abs().max() == 0 < values[0, 0].min()


def test_coarse_to_fine_query() -> None:
    coarse = PifuhdCoarse(
        HGFilter(9, 1, 1), FilterMLP((257, 16, 16, 8, 8, 1), (2, 3, 4)), GlobalGenerator(width=4, halvings=1, blocks=1),
        GlobalGenerator(width=4, halvings=1, blocks=1),
    )  # fmt: skip
    network = ReferencePifuhd(coarse, HGFilter(9, 1, 1, 16, halve=False), FilterMLP((24, 16, 8, 1), (1,))).eval()
    features = network.encode(torch.randn(1, 3, 64, 64))
    assert [tuple(f.shape[1:]) for f in features] == [(256, 8, 8), (16, 32, 32)]
    points = torch.tensor([[[0.1, 0.2, 0.3], [0.1, 0.2, -0.4], [0, 0, 1.5]]])
    values = network.query(features, points)[0, :, 0]
    assert values[2] == 0 < values[0] != values[1]


def test_published_networks_answer_the_surface() -> None:
    picture, points = np.random.default_rng(0).random((64, 64, 4), np.float32), np.zeros((9000, 3), np.float32)
    points[:, 0] = np.linspace(-1.1, 1.1, 9000)
    geometry, colouring = small_pifu().eval(), ReferenceColour(ResnetFilter(1), SkipMLP((513, 16, 16, 8, 8, 3), PIFU_SKIPS)).eval()
    field = ReferenceField(picture, geometry, colouring)
    values, colours = field.distance(points), field.colours(points)
    assert values.shape == (9000,) and colours.shape == (9000, 3)
    assert values[0] == 0.5 > values[4500]
    image = torch.from_numpy(((picture[..., :3] * 2 - 1) * picture[..., 3:]).transpose(2, 0, 1))[None]
    expected = geometry.query(geometry.encode(image)[-1], torch.from_numpy(points)[None])[0, :, 0].detach()
    assert values == pytest.approx(0.5 - expected.numpy(), abs=1e-5)


def test_seif_asks_its_semantic_network_first() -> None:
    picture, points = np.random.default_rng(0).random((32, 32, 4), np.float32), np.zeros((4, 3), np.float32)
    geometry = ReferencePifu(HGFilter(6, 1, 1), SkipMLP((260, 16, 16, 16, 8, 4), PIFU_SKIPS), -1.0).eval()
    semantic = ReferencePifu(HGFilter(6, 1, 1), SkipMLP((257, 16, 16, 16, 8, 4), PIFU_SKIPS), -1.0).eval()
    normals = GlobalGenerator(width=4, halvings=1, blocks=1).eval()
    before = ReferenceField(picture, geometry, semantic=semantic, normals=normals).distance(points)
    torch.nn.init.constant_(semantic.surface_classifier.layer(4).bias, 5.0)
    after = ReferenceField(picture, geometry, semantic=semantic, normals=normals).distance(points)
    assert np.isfinite(before).all() and (before != after).all()


@pytest.mark.parametrize("form", ["safetensors", "zip", "legacy", "PIFuHD's container"])
def test_files_that_users_bring_along(form: str, tmp_path: Path) -> None:
    network = small_pifu()
    state = network.state_dict()
    path = tmp_path / ("net.safetensors" if form == "safetensors" else "net.pt")
    if form == "safetensors":
        save_file({name: value.clone() for name, value in state.items()}, path)
    elif form == "PIFuHD's container":
        torch.save({"model_state_dict": state, "opt": argparse.Namespace(hg_depth=2), "opt_netG": argparse.Namespace()}, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form == "zip")
    loaded = load_reference(path)
    assert isinstance(loaded, ReferencePifu)
    image = torch.randn(1, 3, 32, 32)
    assert torch.equal(loaded.encode(image)[0], network.eval().encode(image)[0])


class _Harm:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("code has run",)


@pytest.mark.parametrize("damage", ["code", "code in pickle", "key", "shape", "text", "missing", "number", "wide"])
def test_other_files_are_refused_in_one_sentence(damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, state = tmp_path / "net.pt", small_pifu().state_dict()
    if damage == "code":
        torch.save({"a": _Harm()}, path)
    elif damage == "code in pickle":
        path.write_bytes(b"cbuiltins\nprint\n(Vcode has run\ntR.")
    elif damage == "text":
        path.write_text("hello")
    elif damage != "missing":
        if damage == "key":
            del state["image_filter.conv3.bn2.bias"]
        if damage == "shape":
            state["image_filter.conv1.weight"] = torch.zeros(64, 5, 7, 6)
        if damage == "wide":
            state["surface_classifier.conv0.weight"] = torch.zeros(1, 1, 1).expand(10**9, 257, 1)
        torch.save([1] if damage == "number" else state, path)
    with pytest.raises(AssetError, match=r"^net\.pt .*[.]$"):
        load_reference(path)
    assert "code has run" not in capsys.readouterr().out
