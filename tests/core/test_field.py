"""The implicit field: every configuration learns, answers in the same terms, and its parts do what they are for."""

import numpy as np
import pytest
import torch
import trimesh

from likeness.core.fields.crop import CropField
from likeness.core.models.head import HeadModel
from likeness.core.models.prior import FaceBlend, PriorSurface, PriorVolume
from likeness.core.networks.aligned import PointMLP
from likeness.core.networks.config import CONFIGURATIONS, FieldConfig
from likeness.core.networks.field import LOGITS, ImplicitField
from likeness.core.networks.normal import FRONT, INPUT_SIZE, WHOLE, NormalNetwork
from likeness.core.networks.predictor import Predictor
from likeness.core.networks.semantic import REACH, faded, fitted_correspondence, semantic_correspondence
from likeness.core.networks.views import facing_weight, pool_views
from likeness.core.networks.volume import UNet3d, VolumeEncoder, sample_volume, surface_clouds
from likeness.core.photo.framing import HEAD
from likeness.core.photo.landmarks import MEDIAPIPE
from likeness.core.photo.view import Camera, View
from likeness.core.surface.extract import extract_surface

WIDTHS = (8, 8, 8, 8, 8)
VARIANTS = CONFIGURATIONS | {
    "image alone": FieldConfig.from_values({"volume": 0, "fusion": "concatenate"}, CONFIGURATIONS["jiff"]),
    "volume alone": FieldConfig.from_values({"scales": [], "fusion": "concatenate"}, CONFIGURATIONS["jiff"]),
    "correspondence predicted": FieldConfig.from_values({"correspondence_in": "predicted"}, CONFIGURATIONS["seif"]),
    "absolute": FieldConfig(output="distance"),
    "everything": FieldConfig(volume=16, fusion="mlp", correspondence_in="given", correspondence_out=True),
}


def small(config: FieldConfig) -> FieldConfig:
    return FieldConfig.from_values({"widths": list(WIDTHS), "volume": min(config.volume, 16), "volume_channels": 8}, config)


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    torch.manual_seed(0)


def inputs(points: int, samples: int = 1) -> tuple[torch.Tensor, ...]:
    """photo, maps, normals, cloud; points; prior."""
    pictures = (torch.rand(samples, channels, 64, 64) for channels in (4, 8, 3))
    prior = torch.randn(samples, points, 7) * 0.3
    return *pictures, torch.rand(samples, 200, 9) * 2 - 1, torch.rand(samples, points, 3) - 0.5, prior


@pytest.mark.parametrize("name", VARIANTS)
def test_every_part_learns(name: str) -> None:
    network = ImplicitField(small(VARIANTS[name]))
    *pictures, points, prior = inputs(32, samples=2)
    features = network.features(network.encode(*pictures), points, prior)
    shape = network.shape(features, prior)
    total = network.colours(features).sum()
    for answer in (shape, *shape.stages):
        assert answer.distance.shape == (2, 32)
        total = total + answer.distance.square().sum() + (answer.correspondence.square().sum() if answer.correspondence is not None else 0)
    total.backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent


@pytest.mark.parametrize("name", VARIANTS)
def test_configurations_survive_their_text(name: str) -> None:
    assert FieldConfig.from_json(VARIANTS[name].to_json()) == VARIANTS[name]


@pytest.mark.parametrize(
    "values",
    [
        {"prior": False}, {"scales": []}, {"fusion": "sum"}, {"scales": [4, 2]}, {"volume": 20}, {"widths": [8]}, {"output": "sdf"},
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        FieldConfig.from_values(values)


@pytest.mark.parametrize("name", [*CONFIGURATIONS, "everything"])
def test_compact_fields_keep_their_budget(name: str) -> None:
    network = ImplicitField(VARIANTS[name])
    assert 2 * sum(p.numel() for p in network.parameters()) < 16 * 2**20
    branches = [part for part in network.children() if isinstance(part, PointMLP) and part is not network.colour]
    products = sum(layer.weight.numel() for branch in branches for layer in branch.modules() if isinstance(layer, torch.nn.Linear))
    assert products <= 400_000


@pytest.mark.parametrize("name", ["pifu", "jiff", "likeness"])
def test_encoders_keep_their_budget(name: str) -> None:
    network = ImplicitField(VARIANTS[name]).eval()
    products: list[float] = []

    def count(layer: torch.nn.Module, _: object, result: torch.Tensor) -> None:
        assert isinstance(layer, torch.nn.Conv2d)
        products.append(layer.weight.numel() * result[0, 0].numel())

    for layer in network.encoder.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(count)
    network.encoder(torch.rand(1, network.encoder.stem.conv.in_channels, 64, 64))
    assert 2 * sum(products) * (512 / 64) ** 2 < 45e9


@pytest.mark.parametrize("count", [0, 1, 7])
@pytest.mark.parametrize("name", ["likeness", "everything"])
def test_points_are_independent_of_their_batch(name: str, count: int) -> None:
    network = ImplicitField(small(VARIANTS[name])).eval()
    *pictures, points, prior = inputs(7)
    encoded = network.encode(*pictures)
    whole = network.signed_distance(network.features(encoded, points, prior), prior)
    part = network.signed_distance(network.features(encoded, points[:, :count], prior[:, :count]), prior[:, :count])
    assert torch.allclose(whole[:, :count], part, atol=1e-6)


def test_a_residual_field_corrects_the_models_distance() -> None:
    network = ImplicitField(small(CONFIGURATIONS["likeness"])).eval()
    torch.nn.init.zeros_(network.distance.output.weight)
    *pictures, points, prior = inputs(10)
    features = network.features(network.encode(*pictures), points, prior)
    assert torch.allclose(network.signed_distance(features, prior), prior[..., 0])


def test_an_occupancy_field_does_not_know_the_fit() -> None:
    network = ImplicitField(small(CONFIGURATIONS["pifu"])).eval()
    *pictures, points, prior = inputs(10)
    encoded = network.encode(pictures[0], None, None)
    mine = network.signed_distance(network.features(encoded, points, prior), prior)
    other = network.signed_distance(network.features(encoded, points, prior + 1), prior + 1)
    assert torch.equal(mine, other)
    assert mine.abs().max() * LOGITS < 10


def test_a_point_behind_the_head_does_not_see_the_faces_pixels() -> None:
    network = ImplicitField(small(CONFIGURATIONS["likeness"])).eval()
    *pictures, points, _ = inputs(4)
    encoded = network.encode(*pictures)
    away = torch.zeros(1, 4, 7)
    away[..., 6] = -1
    behind = network.features(encoded, points, away)
    fine = 2 * WIDTHS[0]
    assert behind[..., :fine].abs().max() < 1e-2
    assert network.features(encoded, points, -away)[..., :fine].abs().max() > 0.05


def test_given_codes_are_what_training_makes_of_them() -> None:
    network = ImplicitField(small(CONFIGURATIONS["seif"])).eval()
    *pictures, points, prior = inputs(6)
    prior[..., 0] = 0
    features = network.features(network.encode(*pictures), points, prior)
    plain = network.shape(features, prior).distance
    seen: list[torch.Tensor] = []
    network.shape(features, prior, lambda given: seen.append(given) or given)
    assert torch.allclose(seen[0], fitted_correspondence(prior))
    assert not torch.allclose(network.shape(features, prior, lambda given: given + 1).distance, plain)


def test_semantic_code_is_the_head_models() -> None:
    model = HeadModel.load()
    rest = torch.from_numpy(PriorSurface.of(model, model.posed(model.neutral()).closed_vertices, HEAD).canonical)
    found, truth = semantic_correspondence(rest).numpy(), model.closed_correspondence
    assert ((found.max(1) > 0) == (truth.max(1) > 0)).mean() > 0.97
    error = np.abs(found - truth)[rest[:, 1].numpy() > -0.45].max(1)
    assert np.median(error) < 1e-4
    assert error.max() < 0.05  # patches over sockets and lips, whose correspondences were interpolated


def test_codes_fade_with_distance() -> None:
    given = torch.full((2, 3), 0.8)
    assert torch.allclose(faded(given, torch.tensor([0.0, REACH])), given * torch.tensor([[1.0], [np.exp(-1)]], dtype=torch.float32))


def test_views_are_pooled_by_visibility() -> None:
    values = torch.rand(3, 2, 5, 4)
    one = torch.zeros(3, 2, 5)
    one[1] = 1
    assert torch.allclose(pool_views(values, one), values[1], atol=1e-3)
    assert torch.allclose(pool_views(values, torch.zeros(3, 2, 5)), values.mean(0), atol=1e-5)
    order = torch.tensor([2, 0, 1])
    some = torch.rand(3, 2, 5)
    assert torch.allclose(pool_views(values, some), pool_views(values[order], some[order]), atol=1e-5)
    prior = torch.zeros(2, 7)
    prior[:, 6] = torch.tensor([1.0, -1.0])
    assert facing_weight(prior)[0] > 0.99 > 0.01 > facing_weight(prior)[1]


@pytest.mark.parametrize("name", ["multiscale", "likeness", "everything"])
def test_many_equal_views_say_what_one_says(name: str) -> None:
    network = ImplicitField(small(VARIANTS[name])).eval()
    *pictures, points, prior = inputs(9)
    encoded = network.encode(*pictures)
    alone = network.shape(network.features(encoded, points, prior), prior).distance
    several, visibility = network.features_of_views([encoded] * 3, [points] * 3, [prior] * 3)
    assert torch.allclose(network.shape(several, prior, visibility=visibility).distance, alone, atol=1e-5)


def test_a_view_that_does_not_see_a_point_has_no_say_in_it() -> None:
    network = ImplicitField(small(CONFIGURATIONS["likeness"])).eval()
    *pictures, points, prior = inputs(9)
    *others, _, _ = inputs(9)
    prior[..., 6] = 2  # faces the first camera
    turned = prior * torch.tensor([1.0, 1, 1, 1, -1, 1, -1])  # and not the second, on the other side
    flipped = points * torch.tensor([-1.0, 1, -1])
    encoded = [network.encode(*pictures), network.encode(*others)]
    alone = network.shape(network.features(encoded[0], points, prior), prior).distance
    features, visibility = network.features_of_views(encoded, [points, flipped], [prior, turned])
    assert torch.allclose(network.shape(features, prior, visibility=visibility).distance, alone, atol=2e-6)
    even = network.shape(features, prior, visibility=torch.ones_like(visibility)).distance
    assert not torch.allclose(even, alone, atol=2e-5)


def test_volume_features_are_where_their_points_are() -> None:
    encoder = VolumeEncoder(16, 8)
    encoder.unet = torch.nn.Identity()  # type: ignore[assignment]
    cloud = torch.zeros(1, 2, 9)
    cloud[0, 0, :3] = torch.tensor([0.72, -0.4, 0.1])
    cloud[0, 1, :3] = torch.tensor([3.0, 0, 0])  # outside the cube
    volume = encoder(cloud)
    filled = torch.nonzero(volume[0].abs().sum(0))
    expected = ((cloud[0, 0, :3] + 1) * 8).floor().long()
    assert filled.tolist() == [expected.flip(0).tolist()]
    x, y, z = expected.tolist()
    centre = (expected + 0.5) / 8 - 1
    assert torch.allclose(sample_volume(volume, centre[None, None])[0, 0], volume[0, :, z, y, x], atol=1e-5)


def test_points_of_a_cell_are_averaged() -> None:
    encoder = VolumeEncoder(16, 8)
    encoder.unet = torch.nn.Identity()  # type: ignore[assignment]
    one = torch.rand(1, 1, 9) * 0.01
    assert torch.allclose(encoder(one), encoder(one.expand(1, 5, 9)), atol=1e-5)


def test_volume_unet_keeps_the_size() -> None:
    assert UNet3d(8)(torch.rand(2, 8, 16, 16, 16)).shape == (2, 8, 16, 16, 16)


def test_clouds_point_outwards_and_know_mirrors() -> None:
    mesh = trimesh.creation.icosphere(2, 0.5)
    vertices, faces = torch.tensor(mesh.vertices, dtype=torch.float32)[None], torch.tensor(mesh.faces)
    rest = vertices[0] * 2
    plain = surface_clouds(vertices, faces, rest)[0]
    assert torch.allclose(plain[:, 3:6], vertices[0] * 2, atol=0.03)
    flip = torch.tensor([-1.0, 1, 1])
    mirror = surface_clouds(vertices * flip, faces, rest)[0]
    assert torch.allclose(mirror, plain * flip.repeat(3), atol=1e-5)


@pytest.fixture(scope="module")
def sphere() -> PriorSurface:
    mesh = trimesh.creation.icosphere(3, 0.5)
    vertices = np.asarray(mesh.vertices, np.float32)
    return PriorSurface(vertices, np.asarray(mesh.faces), vertices * 0.8, HEAD)


@pytest.fixture
def coarse_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact distances at 128³ take longer than the fields."""
    monkeypatch.setattr(PriorVolume, "LEVELS", ((32, np.inf),))


def disc() -> tuple[View, Camera]:
    """A white disc of radius 0.6 in a photo that is all crop."""
    y, x = np.mgrid[-1 : 1 : INPUT_SIZE * 1j, -1 : 1 : INPUT_SIZE * 1j]
    matte = (x**2 + y**2 < 0.6**2).astype(np.float32)
    image = np.repeat((255 * matte).astype(np.uint8)[..., None], 3, axis=2)
    scale = INPUT_SIZE / (2 * HEAD.half)
    camera = Camera((INPUT_SIZE / 2, INPUT_SIZE / 2 + HEAD.centre[1] * scale), scale)
    return View(image, matte, {MEDIAPIPE: np.zeros((468, 3))}, None, "disc"), camera


def crop_field(
    config: FieldConfig, surface: PriorSurface, random_weights: bool = False, normal: NormalNetwork | None = None, weight: float = 0.0
) -> CropField:
    field = ImplicitField(small(config))
    if random_weights:
        torch.nn.init.zeros_(field.distance.output.weight)
    predictor = Predictor(normal or NormalNetwork(WIDTHS), field, torch.device("cpu"))
    blend = FaceBlend(np.full(len(surface.vertices), weight, np.float32), 0.0)
    prediction = predictor.predict(*disc(), surface)
    return CropField.of(predictor.encode(prediction, surface), surface, blend, prediction.photo[0, 3].numpy())


@pytest.mark.usefixtures("coarse_prior")
@pytest.mark.parametrize(("outputs", "shift", "kept"), [(FRONT, 0.0, True), (WHOLE, 0.0, True), (WHOLE, 20.0, True), (WHOLE, -20.0, False)])
def test_the_networks_matte_narrows_what_is_coloured_and_leaves_the_outline(
    sphere: PriorSurface, outputs: int, shift: float, kept: bool
) -> None:
    normal = NormalNetwork(WIDTHS, outputs)
    torch.nn.init.zeros_(normal.output.weight)
    torch.nn.init.constant_(normal.output.bias, 0.0)
    normal.output.bias.data[6:] = shift
    points = np.array([[0, 0, 0], [0.5, 0, 0], [0.9, 0, 0]], np.float32)
    assert crop_field(CONFIGURATIONS["likeness"], sphere, True, normal).may_contain_surface(points).tolist() == [True, True, False]
    predictor = Predictor(normal, ImplicitField(small(CONFIGURATIONS["likeness"])), torch.device("cpu"))
    matte = disc()[0].matte
    assert np.allclose(predictor.predict(*disc(), sphere).intersect_matte(matte), matte if kept else 0, atol=0.011)


@pytest.mark.usefixtures("coarse_prior")
@pytest.mark.parametrize("name", ["pifu", "correspondence predicted", "everything"])
def test_any_configuration_answers_the_surface(name: str, sphere: PriorSurface) -> None:
    field = crop_field(VARIANTS[name], sphere)
    points = np.random.default_rng(0).uniform(-0.6, 0.6, (50, 3)).astype(np.float32)
    assert np.isfinite(field.distance(points)).all()
    for values in (field.colours(points), field.correspondence(points)):
        assert values.shape == (50, 3)
        assert values.min() >= 0 <= 1 >= values.max()
    assert field.correspondence(points[:0]).shape == (0, 3)


@pytest.mark.usefixtures("coarse_prior")
def test_an_untaught_residual_field_is_the_fitted_model(sphere: PriorSurface) -> None:
    field = crop_field(CONFIGURATIONS["likeness"], sphere, random_weights=True)
    vertices, _ = extract_surface(field.distance, field.may_contain_surface, 32, prior=field.prior_distance)
    radius = np.linalg.norm(vertices, axis=1)
    assert abs(radius.mean() - 0.5) < 0.01


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["likeness", "everything"])
def test_gpu_and_cpu_agree(name: str) -> None:
    network = ImplicitField(small(VARIANTS[name])).eval()
    *pictures, points, prior = inputs(64)
    answers = []
    for device in ("cpu", "cuda"):
        network.to(device)
        there = [value.to(device) for value in (*pictures, points, prior)]
        features = network.features(network.encode(*there[:4]), *there[4:])
        answers.append(network.signed_distance(features, there[5]).detach().cpu())
    assert torch.allclose(*answers, atol=1e-4)


@pytest.mark.usefixtures("coarse_prior")
def test_behind_parted_lips_nothing_but_the_model_counts(sphere: PriorSurface) -> None:
    points = np.random.default_rng(0).uniform(-0.02, 0.02, (50, 3)).astype(np.float32) + sphere.vertices[:50]
    points = points[np.linalg.norm(points[:, :2], axis=1) < 0.3]
    ends = {}
    for weight in (0.0, 2.0):
        torch.manual_seed(0)
        field = crop_field(CONFIGURATIONS["likeness"], sphere, weight=weight)
        ends[weight] = np.abs(field.distance(points) - field.prior_distance(points)).mean()
    assert ends[2.0] < 0.2 * ends[0.0]


def test_the_mouths_patch_lies_behind_the_lips() -> None:
    model = HeadModel.load()
    mouth = model.closed_rest[model.mouth_patch > 0]
    lips = model.closed_rest[model.closed_region("lips") > 0.5]
    assert np.abs(mouth.mean(0) - lips.mean(0)).max() < 0.012
    assert (np.ptp(mouth, axis=0)[:2] < np.ptp(lips, axis=0)[:2] + 0.004).all()
