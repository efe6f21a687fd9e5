"""Each term of hidden colours makes them better than they are without it: a two-coloured ball, of which the photo shows half."""

from types import SimpleNamespace

import numpy as np
import pytest
import trimesh

from likeness.core.colour import by_kind, project, seam
from likeness.core.colour.fill import colour_vertices
from likeness.core.colour.kinds import Places
from likeness.core.colour.project import Projection
from likeness.core.colour.voxel_means import VoxelMeans

RADIUS, SIZE = 0.6, 256
WARM, COOL = np.array([0.7, 0.5, 0.4]), np.array([0.2, 0.25, 0.5])
_AXIS = (np.arange(SIZE) + 0.5) * 2 / SIZE - 1
X, Y = np.meshgrid(_AXIS, -_AXIS)


@pytest.fixture(scope="module")
def ball() -> SimpleNamespace:
    mesh = trimesh.creation.icosphere(6, RADIUS)
    vertices = np.asarray(mesh.vertices, np.float32)
    return SimpleNamespace(vertices=vertices, faces=np.asarray(mesh.faces), normals=vertices / RADIUS)


def halves(height: np.ndarray) -> np.ndarray:
    """Colours by height: warm above, cool below."""
    return np.where(height[..., None] > 0, WARM, COOL).astype(np.float32)


def patch(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A disc on the upper left of the picture, mirrored by -x."""
    return np.hypot(x + 0.25, y - 0.35) < 0.1


def codes(points: np.ndarray) -> np.ndarray:
    """Semantic codes with the plane of symmetry at x = 0; a chin at y = -0.2."""
    return np.clip(np.column_stack([(points[:, 0] + 1) / 2, points[:, 1] * 0.9 + 0.35, (points[:, 2] + 1) / 2]), 0.001, 1)


def coloured(ball: SimpleNamespace, photo: np.ndarray, shown: np.ndarray, guess, codes=np.zeros_like, bare: float = 0.0) -> np.ndarray:
    """Colours (V, 3) of the ball before a photo (S, S, 3) of which `shown` (S, S) bool is the person."""
    matte = (shown & (np.hypot(X, Y) < RADIUS)).astype(np.float32)
    return colour_vertices(ball.vertices, ball.faces, ball.normals, photo, matte, lambda points: (guess(points), at(codes(points), bare)))[
        0
    ]


def at(codes: np.ndarray, bare: float = 0.0) -> Places:
    """Places of codes on a head without regions, or of a bare face all over."""
    nothing = np.zeros(len(codes), np.float32)
    return Places(codes, nothing, nothing + bare, nothing, nothing)


def test_what_the_photo_corrects_in_one_material_stays_out_of_the_other(ball: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = halves(Y) - 0.2  # the warm half, which alone is seen, is darker than guessed
    below = (ball.vertices[:, 1] < -0.04) & (ball.vertices[:, 1] > -0.2)

    def error() -> float:
        found = coloured(ball, photo, Y > 0, lambda points: halves(points[:, 1]))
        return float(np.abs(found - COOL)[below].mean())

    kept_apart = error()
    monkeypatch.setattr(seam, "_OTHER", 100.0)
    assert kept_apart < 0.75 * error()


def mirrored(ball: SimpleNamespace) -> tuple[np.ndarray, np.ndarray]:
    """Colours where only the left of the photo shows the person, who has a white patch there; and the vertices across from the patch."""
    photo = np.where(patch(X, Y)[..., None], 1.0, halves(Y)).astype(np.float32)
    found = coloured(ball, photo, X < 0, lambda points: halves(points[:, 1]), codes)
    return found, patch(-ball.vertices[:, 0], ball.vertices[:, 1]) & (ball.vertices[:, 2] > 0)


def test_what_one_side_alone_has_is_not_mirrored(ball: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    found, across = mirrored(ball)
    error = np.abs(found - WARM)[across].mean()
    monkeypatch.setattr(by_kind, "_UNLIKE", 100.0)
    found, _ = mirrored(ball)
    assert error < 0.5 * np.abs(found - WARM)[across].mean()


def test_the_mirror_image_is_better_than_the_guess_on_the_head_and_not_used_below_it(ball: SimpleNamespace) -> None:
    photo = (halves(Y) + 0.05 * np.sin(40 * X)[..., None]).astype(
        np.float32
    )  # a pattern that no guess has, the same on both sides of x = 0
    photo[:, X[0] > 0] = photo[:, ::-1][:, X[0] > 0]
    found = coloured(ball, photo, X < 0, lambda points: halves(points[:, 1]), codes)
    x, y, _ = ball.vertices.T
    true = 0.05 * np.sin(-40 * np.abs(x))
    there = {"head": y > 0.1, "below": y < -0.4}
    slope = {}
    for name, where in there.items():
        chosen = where & (x > 0.06) & (ball.normals[:, 2] > 0.6)
        slope[name] = np.polyfit(true[chosen], (found - halves(y))[chosen].mean(1), 1)[0]
    assert slope["head"] > 0.7
    assert abs(slope["below"]) < 0.3


def background(ball: SimpleNamespace) -> float:
    """How much of a white wall gets onto a dark ball whose matte is four pixels too large, where the photo is copied."""
    photo = np.where((np.hypot(X, Y) < RADIUS - 8 / SIZE)[..., None], 0.1, 1.0).astype(np.float32)
    matte = (np.hypot(X, Y) < RADIUS).astype(np.float32)
    colours, weight = Projection.of(ball.vertices, ball.faces, photo, matte).sample_photo(ball.vertices, ball.normals)
    return float(((colours.mean(1) - 0.1) * weight).sum())


@pytest.mark.parametrize(("term", "off"), [("_MARGIN", 0.0), ("_RAMP", 1e-6)])
def test_without_the_mattes_margins_more_background_is_copied(
    ball: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, term: str, off: float
) -> None:
    with_term = background(ball)
    monkeypatch.setattr(project, "_GRAZING", np.cos(np.radians([89.9, 89.0])))  # on a ball the rim is grazing as well
    both = background(ball)
    monkeypatch.setattr(project, term, off)
    assert with_term < 0.5 * both < 0.5 * background(ball)


def test_grazing_surface_is_not_copied(ball: SimpleNamespace) -> None:
    everything = np.ones((SIZE, SIZE), np.float32)
    _, weight = Projection.of(ball.vertices, ball.faces, np.zeros((SIZE, SIZE, 3), np.float32), everything).sample_photo(
        ball.vertices, ball.normals
    )
    angle = np.degrees(np.arccos(np.clip(ball.normals[:, 2], -1, 1)))
    assert weight[angle < 50].min() > 0.99
    assert weight[angle > 76].max() == 0


def test_strands_are_as_visible_as_the_shape_that_they_lie_on(ball: SimpleNamespace) -> None:
    steep = ball.normals + np.random.default_rng(0).normal(0, 0.4, ball.normals.shape)
    strands = SimpleNamespace(**vars(ball) | {"normals": (steep / np.linalg.norm(steep, axis=1, keepdims=True)).astype(np.float32)})
    shown = np.hypot(X, Y) < RADIUS
    smooth, rough = (coloured(one, halves(Y), shown, lambda points: np.ones_like(points)) for one in (ball, strands))
    turned = (ball.normals[:, 2] > 0.6) & (ball.normals[:, 2] < 0.75)  # where the photo's trust would begin to fade
    assert np.percentile(np.abs(smooth - rough)[turned], 99) < 0.01


def test_a_bump_where_the_shape_turns_away_is_no_blot_of_the_photo(ball: SimpleNamespace) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.02)
    bump = np.random.default_rng(0).random(len(cells.first)) < 0.04
    steep = ball.normals + 1.5 * bump[cells.cell][:, None] * [0, 0, 1]
    bumps = SimpleNamespace(**vars(ball) | {"normals": (steep / np.linalg.norm(steep, axis=1, keepdims=True)).astype(np.float32)})
    shown = np.hypot(X, Y) < RADIUS
    smooth, rough = (coloured(one, halves(Y), shown, lambda points: np.ones_like(points), bare=1.0) for one in (ball, bumps))
    turned = (ball.normals[:, 2] > 0.15) & (ball.normals[:, 2] < 0.22) & bump[cells.cell]
    assert turned.sum() > 30 and np.abs(smooth - rough)[turned].mean() < 0.05
