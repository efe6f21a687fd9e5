"""What the field of a body makes of a network's answer, and of the fit where nobody sees the surface."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import trimesh

from likeness.core.errors import AssetError
from likeness.core.fields.body import BodyField, allowed_excess, body_field
from likeness.core.fields.field import Field, ReshapedField
from likeness.core.models.body import BodyModel
from likeness.core.models.prior import PriorSurface
from likeness.core.networks.config import FieldConfig
from likeness.core.networks.field import ImplicitField, Shape
from likeness.core.networks.semantic import semantic_correspondence
from likeness.core.networks.weights import load_own_field
from likeness.core.photo.framing import Framing

RADIUS = 0.3  # of the fitted model, a ball
SIZE = 256


class Says:
    """A crop whose network answers with a function of points and their prior features."""

    batch = 1000

    def __init__(self, answer: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        self._answer = answer

    def shape(self, points: torch.Tensor, prior: torch.Tensor) -> Shape:
        return Shape(self._answer(points, prior))


def disc(radius: float) -> np.ndarray:
    """The matte of a disc."""
    axis = (np.arange(SIZE) + 0.5) * (2 / SIZE) - 1
    return (np.hypot(*np.meshgrid(axis, axis)) < radius).astype(np.float32)


def field(learned: float, outline: float = 0.6, hands: float = 0.0) -> BodyField:
    """Of a network that is sure of a ball of some radius; the fit is a ball of RADIUS and all hand, or none."""
    mesh = trimesh.creation.icosphere(4, RADIUS)
    vertices = np.asarray(mesh.vertices, np.float32)
    surface = PriorSurface(vertices, np.asarray(mesh.faces), vertices, Framing(1.0, (0.0, 0.0, 0.0)))
    says = Says(lambda points, _: points.norm(dim=1) - learned)
    return BodyField(says, surface, disc(outline), np.full(len(vertices), hands, np.float32))  # type: ignore[arg-type]


def along(direction: tuple[float, float, float], low: float = 0.1, high: float = 0.9) -> np.ndarray:
    return (np.linspace(low, high, 400)[:, None] * np.array(direction)).astype(np.float32)


def radius(of: Field, direction: tuple[float, float, float]) -> float:
    """How far from the middle the surface is."""
    points = along(direction)
    return float(np.linalg.norm(points[of.distance(points).searchsorted(0)]))


def test_seen_surface_is_the_networks() -> None:
    assert radius(field(0.45), (0, 0, 1)) == pytest.approx(0.45, abs=0.01)


def test_nothing_lies_outside_the_outline() -> None:
    made = field(0.5)
    bounded = body_field(made._encoded, _surface(), disc(0.4), np.zeros(len(_surface().vertices), np.float32))
    assert radius(bounded, (1, 0, 0)) == pytest.approx(0.4, abs=0.015)


def test_a_skirt_takes_the_fields_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("likeness.core.fields.body.with_skirt", lambda field, *_: ReshapedField(field, lambda x: field.distance(x) + 0.1))
    hands = np.zeros(len(_surface().vertices), np.float32)
    worn = np.ones((SIZE, SIZE)), None
    made = body_field(field(0.5)._encoded, _surface(), disc(0.6), hands, worn)  # type: ignore[arg-type]
    assert radius(made, (0, 0, 1)) == pytest.approx(0.4, abs=0.01)


def test_hidden_surface_keeps_near_the_fit_where_nothing_is_seen_beside_it() -> None:
    tight = field(0.5, outline=0.31)
    assert radius(tight, (0, 0, -1)) < 0.4
    assert radius(tight, (0, 0, 1)) == pytest.approx(0.5, abs=0.01)


def test_hidden_cloth_stays_where_it_is_seen_beside_the_body() -> None:
    assert radius(field(0.5), (0, 0, -1)) == pytest.approx(0.5, abs=0.01)


def test_fitted_hands_are_kept_unless_the_network_sees_something_else() -> None:
    assert radius(field(RADIUS + 0.025, hands=1.0), (0, 0, 1)) == pytest.approx(RADIUS, abs=0.006)
    assert radius(field(RADIUS + 0.065, hands=1.0), (0, 0, 1)) == pytest.approx(RADIUS + 0.065, abs=0.006)


def test_the_coarse_lattice_looks_within_reach_of_the_fit_and_the_outline() -> None:
    points = np.array([[0, 0, 0.31], [0, 0, 0.65], [0, 0, 0.9], [0.62, 0, 0], [0.7, 0, 0]], np.float32)
    assert field(0.4).may_contain_surface(points).tolist() == [True, True, False, True, False]
    assert (field(0.4).prior_distance(points) > 0).all()


def test_cloth_hangs_as_far_as_it_is_seen() -> None:
    wide = lambda points: np.abs(points[:, 0]) - np.where(points[:, 1] < -0.3, 0.5, 0.2)  # noqa: E731
    allowed = allowed_excess(wide, lambda points: np.abs(points[:, 0]) - 0.2)
    low, high = allowed(np.array([[0, -0.8, 0], [0, 0.5, 0]], np.float32))
    assert low == pytest.approx(0.35, abs=0.03) and high == pytest.approx(0.06, abs=0.01)


def test_a_limb_beside_its_outline_is_drawn_in_and_stays_round() -> None:
    made = field(0.45)
    drawn_in = body_field(made._encoded, _surface(), disc(0.41), np.zeros(len(_surface().vertices), np.float32))
    assert radius(drawn_in, (0.92, 0, 0.39)) < 0.43  # it would be 0.45, where the cut is flat


def test_an_uncertain_field_reaches_the_outline() -> None:
    made = field(0.45, outline=0.5)
    stretched = body_field(made._encoded, _surface(), disc(0.5), np.zeros(len(_surface().vertices), np.float32))
    points = along((1, 0, 0))
    assert float(points[stretched.distance(points).searchsorted(0), 0]) == pytest.approx(0.5, abs=0.02)


def _surface() -> PriorSurface:
    mesh = trimesh.creation.icosphere(4, RADIUS)
    vertices = np.asarray(mesh.vertices, np.float32)
    return PriorSurface(vertices, np.asarray(mesh.faces), vertices, Framing(1.0, (0.0, 0.0, 0.0)))


def test_codes_of_a_body_span_it_and_mirror() -> None:
    rest = torch.from_numpy(BodyModel.load().closed_rest)
    code, mirrored = semantic_correspondence(rest, "body"), semantic_correspondence(rest * torch.tensor([-1.0, 1, 1]), "body")
    assert (code.amin(0) < 0.12).all() and (code.amax(0) > 0.88).all()
    assert torch.allclose(code[:, 0], 1 - mirrored[:, 0], atol=1e-5) and ((code > 0) & (code < 1)).float().mean() > 0.99


def test_a_field_of_another_subject_is_refused(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import save_file

    from likeness.core.networks.config import METADATA_KEY

    config = FieldConfig(widths=(8,) * 5, subject="body", output="distance")
    save_file(ImplicitField(config).state_dict(), tmp_path / "own.safetensors", {METADATA_KEY: config.to_json()})
    assert load_own_field(tmp_path / "own.safetensors", "body").config.subject == "body"
    with pytest.raises(AssetError, match="another subject"):
        load_own_field(tmp_path / "own.safetensors")
