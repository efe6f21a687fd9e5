"""The light and the ends of clothes that are seen and hidden, on a ball whose front a camera sees."""

from types import SimpleNamespace

import numpy as np
import pytest

from likeness.core.colour import fill
from likeness.core.colour.channels import OF_KIND
from likeness.core.colour.fill import colour_vertices
from likeness.core.colour.kinds import CLOTHES, KINDS, SKIN, Places
from likeness.core.colour.voxel_means import VoxelMeans
from likeness.core.photo.parsing import CLASSES

from .colour_ball import FAIR, RADIUS, SIZE, X, Y, cells, coloured, skin_levels


def test_a_white_shirt_that_is_taken_for_skin_makes_no_skin_pale() -> None:
    of = cells()
    shirt = of.places[:, 1] < 0.1
    seen = np.where(shirt[:, None], [0.95, 0.95, 0.97], FAIR)
    hidden = of.weight == 0
    assert np.abs(skin_levels(of, seen, face=(~shirt).astype(np.float32))[hidden] - FAIR).max() < 0.05
    assert np.abs(skin_levels(of, seen)[hidden] - FAIR).max() > 0.1, "the case is none if the shirt never counts"


def test_a_coat_of_two_colours_goes_on_below_the_photo_and_is_not_observed(ball: SimpleNamespace) -> None:
    red, blue = np.array([0.6, 0.2, 0.2]), np.array([0.2, 0.2, 0.6])
    photo = np.where(Y[..., None] > -0.2, np.where(X[..., None] > 0, red, blue), 0)
    colours, observed = coloured(ball, photo, Y > -0.2, kind="clothes")
    below = (ball.vertices[:, 1] < -0.26) & (ball.vertices[:, 1] > -0.4) & (ball.normals[:, 2] > 0.6) & (np.abs(ball.vertices[:, 0]) > 0.1)
    right = ball.vertices[:, 0] > 0
    assert below.sum() > 100 and observed[below].max() == 0
    assert np.abs(colours[below & right] - red).max() < 0.05 and np.abs(colours[below & ~right] - blue).max() < 0.05


def test_the_face_that_a_cut_has_closed_has_the_colour_of_the_clothes_around_and_is_not_observed(ball: SimpleNamespace) -> None:
    """Though the camera sees some of it: a red tie before a blue coat."""
    photo = np.where(np.abs(X[..., None]) < 0.15, [0.6, 0.1, 0.1], [0.1, 0.1, 0.5])
    closed = (ball.normals[:, 1] < -0.6) & (ball.normals[:, 1] > -0.9)
    colours, observed = coloured(ball, photo, np.full_like(X, True, bool), kind="clothes", closed=closed)
    assert observed[closed].max() == 0 and np.ptp(colours[closed], axis=0).max() < 1e-6
    assert colours[closed, 2].min() > 0.4
    beside = (observed > 0.99) & (np.abs(ball.vertices[:, 0]) < 0.1)
    assert colours[beside, 0].min() > 0.5


def test_folds_of_a_garment_fade_out_where_it_is_no_longer_seen(ball: SimpleNamespace) -> None:
    folds = np.full(3, 0.3) * (1 + 0.5 * np.sin(Y * 120))[..., None]
    colours, observed = coloured(ball, folds, np.full_like(X, True, bool), kind="clothes")
    border, front = (observed > 0.8) & (ball.normals[:, 2] < np.cos(np.radians(68))), ball.normals[:, 2] > 0.8
    assert border.sum() > 100 and colours[border].mean(1).std() < 0.7 * colours[front].mean(1).std()


def test_clothes_end_in_a_line_where_the_photo_ends(ball: SimpleNamespace) -> None:
    """A white shirt's front between a dark coat's: where the shirt is seen too steeply to be copied nothing is grey."""
    photo = np.where((np.abs(X) < 0.3)[..., None], 0.95, 0.05) * np.ones(3)
    colours, observed = coloured(ball, photo, np.full_like(X, True, bool), kind="clothes")
    grey, border = np.abs(colours.mean(1) - 0.5) < 0.3, (observed > 0.05) & (observed < 0.95) & (np.abs(ball.vertices[:, 0]) < 0.24)
    assert border.sum() > 50 and grey[border].mean() < 0.3


def test_what_differs_from_hidden_clothes_ends_in_a_line() -> None:
    """Of the photo's weight from nothing to all."""
    weight, white, coat = np.linspace(0, 1, 101), np.full((101, 3), 0.9), np.full((101, 3), 0.1)
    line = fill._ending_in_a_line(weight, weight, white, coat, np.ones(101), np.zeros(101))
    assert ((line > 0.05) & (line < 0.95)).sum() < 25
    assert np.allclose(fill._ending_in_a_line(weight, weight, coat + 0.02, coat, np.ones(101), np.zeros(101)), weight, atol=0.05)


def test_near_the_border_clothes_are_copied_only_where_the_photo_shows_the_hidden_garment() -> None:
    seen, white, coat, border = np.ones(101), np.full((101, 3), 0.9), np.full((101, 3), 0.1), np.linspace(0, 1, 101)
    line = fill._ending_in_a_line(seen, seen, white, coat, seen, border)
    assert line[0] > 0.99 and line[-1] < 0.01
    assert np.allclose(fill._ending_in_a_line(seen, seen, coat + 0.02, coat, seen, border), 1)


def test_a_ragged_collar_that_is_seen_steeply_ends_as_the_hidden_one_does(ball: SimpleNamespace) -> None:
    """A white shirt below a coat: between them teeth of a centimetre at the sides."""
    teeth = 0.06 * np.sign(np.sin(np.abs(X) * np.pi / 0.05)) * (np.abs(X) > 0.35)
    photo = np.where((teeth > Y)[..., None], 0.9, 0.1) * np.ones(3)
    colours, _ = coloured(ball, photo, np.full_like(X, True, bool), kind="clothes")
    x, y, _ = ball.vertices.T
    steep = (ball.normals[:, 2] < np.cos(np.radians(66))) & (ball.normals[:, 2] > 0.2) & (np.abs(x) > 0.35)
    above = steep & (y > 0.03) & (y < 0.06)
    assert above.sum() > 20 and colours[above].mean() < 0.45


def test_a_red_lining_that_is_seen_steeply_stays_and_skin_beside_a_collar_does_not(ball: SimpleNamespace) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.02)
    white, skin, above = np.full(3, 0.9), np.array(FAIR), cells.centre[:, 1] > 0
    level = np.where(above[:, None], skin, white)
    share = np.eye(len(KINDS))[np.where(above, SKIN, CLOTHES)]
    hidden = SimpleNamespace(share=share, worn=SimpleNamespace(garment=np.where(above, 0, 1)))
    shown = np.array([[0.8, 0.05, 0.1], skin, 0.5 * skin, 0.5 * (skin + white), white, 0.3 * white])
    own = fill._tint_of_its_own(hidden, level, shown)  # pyright: ignore[reportArgumentType]
    assert own[0] > 0.99 and own[1:].max() < 0.01


def test_ties_at_a_cut_face_the_camera_and_stay(ball: SimpleNamespace) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.02)
    surface = SimpleNamespace(cells=cells, vertices=ball.vertices, normals=ball.normals)
    away = fill._turned_away(surface, np.full(len(cells.first), 0.5))  # pyright: ignore[reportArgumentType]
    assert away[ball.normals[:, 2] > 0.85].max() < 0.01 and away[ball.normals[:, 2] < 0.4].min() > 0.99
    inside = fill._turned_away(surface, np.ones(len(cells.first)))  # pyright: ignore[reportArgumentType]
    assert inside.max() < 0.01


def test_clothes_end_in_an_even_line_though_what_is_copied_does_not(ball: SimpleNamespace) -> None:
    """It ends in teeth of a centimetre."""
    cells = VoxelMeans.of(ball.vertices, 0.02)
    x, y, _ = ball.vertices.T
    observed = 1.0 * (x + 0.03 * np.sign(np.sin(y * np.pi / 0.05)) > 0)
    around = fill._evenly(SimpleNamespace(cells=cells, vertices=ball.vertices), observed)  # pyright: ignore[reportArgumentType]
    white, coat = (np.full((len(x), 3), light) for light in (0.9, 0.1))
    line = fill._ending_in_a_line(np.maximum(observed, 0.2), around, white, coat, np.ones(len(x)), np.zeros(len(x)))
    wrong = (line > 0.5) != (x > 0)
    assert wrong.sum() < 0.6 * ((observed > 0.5) != (x > 0)).sum()


def test_clothes_that_are_seen_steeply_are_no_skin(ball: SimpleNamespace) -> None:
    """Beside the border of what is copied the pixels show a coat, though by place a cheek goes on there."""
    photo, matte = np.broadcast_to(FAIR, (SIZE, SIZE, 3)).copy(), (np.hypot(X, Y) < RADIUS)
    coat = (np.hypot(X, Y) > RADIUS * np.sin(np.radians(60))) & (X > 0.2)
    photo[coat] = [0.1, 0.1, 0.5]
    parsing = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    parsing[..., CLASSES.index("skin")], parsing[..., CLASSES.index("background")] = matte & ~coat, ~matte
    parsing[..., CLASSES.index("clothes")] = matte & coat

    def guess(points: np.ndarray) -> tuple[np.ndarray, Places]:
        codes = np.column_stack([(points[:, 0] + 1) / 2, points[:, 1] * 0.5 + 0.6, (points[:, 2] + 1) / 2]).clip(0.001, 1)
        none = np.zeros(len(points), np.float32)
        return np.tile(FAIR, (len(points), 1)), Places(codes.astype(np.float32), none, none, none, none)

    colours, observed = colour_vertices(ball.vertices, ball.faces, ball.normals, photo, matte.astype(np.float32), guess, parsing)[:2]
    steep = (ball.normals[:, 0] > 0.9) & (ball.normals[:, 2] > 0.04) & (ball.normals[:, 2] < 0.15)
    assert steep.sum() > 50 and observed[steep].max() < 0.1
    assert (colours[steep, 2] > colours[steep, 0]).mean() > 0.9


def test_skin_that_is_seen_steeply_is_no_collar(ball: SimpleNamespace) -> None:
    """Beside a coat whose colour goes on by place the pixels show the neck."""
    photo, matte = np.broadcast_to([0.1, 0.1, 0.5], (SIZE, SIZE, 3)).astype(np.float32), (np.hypot(X, Y) < RADIUS)
    neck = (np.hypot(X, Y) > RADIUS * np.sin(np.radians(58))) & (X > 0.2)
    photo[neck] = FAIR
    parsing = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    parsing[..., CLASSES.index("clothes")], parsing[..., CLASSES.index("background")] = matte & ~neck, ~matte
    parsing[..., CLASSES.index("skin")] = matte & neck

    def guess(points: np.ndarray) -> tuple[np.ndarray, Places]:
        codes = np.column_stack([(points[:, 0] + 1) / 2, points[:, 1] + 0.3, (points[:, 2] + 1) / 2]).clip(0.001, 1)
        none = np.zeros(len(points), np.float32)
        return np.tile(FAIR, (len(points), 1)), Places(codes.astype(np.float32), none, none, none, none)

    colours = colour_vertices(ball.vertices, ball.faces, ball.normals, photo, matte.astype(np.float32), guess, parsing)[0]
    steep = (ball.normals[:, 0] > 0.85) & (ball.normals[:, 2] > 0.04) & (ball.normals[:, 2] < 0.2) & (ball.vertices[:, 1] < -0.2)
    assert steep.sum() > 50 and (colours[steep, 0] > colours[steep, 2]).mean() > 0.8


def test_clothes_are_copied_where_they_are_seen_more_steeply_than_skin_is(ball: SimpleNamespace) -> None:
    steep = (ball.normals[:, 2] > np.cos(np.radians(68))) & (ball.normals[:, 2] < np.cos(np.radians(64)))
    grey = np.full((SIZE, SIZE, 3), 0.4)
    for kind, least, most in (("clothes", 0.9, 1), ("skin", 0, 0.3)):
        observed = coloured(ball, grey, np.full_like(X, True, bool), kind=kind)[1]
        assert steep.sum() > 50 and least <= observed[steep].mean() <= most


@pytest.mark.parametrize(("evens", "most"), [(True, 0.015), (False, 0.06)])
def test_one_garment_has_no_line_where_its_rim_is_lit(
    ball: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, evens: bool, most: float
) -> None:
    """The sky lights the rim of a coat: seen and hidden cloth meet in the light of the hidden one, and softly even where they do not."""
    if not evens:
        monkeypatch.setattr(fill, "evened", lambda cells, level, *_: np.zeros((len(level), 1)))
    photo = 0.35 * np.where(np.hypot(X, Y) > RADIUS * np.sin(np.radians(66)), 1.7, 1)[..., None] * np.ones(3)
    colours, observed = coloured(ball, photo, np.full_like(X, True, bool), kind="clothes")
    start, end = ball.faces.ravel(), np.roll(ball.faces, -1, axis=1).ravel()
    border = (np.minimum(observed[start], observed[end]) < 0.6) & (np.maximum(observed[start], observed[end]) > 0.4)
    step = np.abs(colours[start] - colours[end]).max(1)[border]
    assert border.sum() > 50 and step.max() < most


def test_cells_do_not_show_where_a_garment_is_seen(ball: SimpleNamespace) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.02)
    seen = (cells.centre[:, 0] > 0).astype(np.int64)
    of = np.ones(len(ball.vertices), np.int64)
    same = fill._same_garment(SimpleNamespace(cells=cells, vertices=ball.vertices), seen, of)
    border = np.abs(ball.vertices[:, 0]) < 0.008
    assert ((same > 0.1) & (same < 0.9))[border].mean() > 0.9
    assert same[ball.vertices[:, 0] > 0.04].min() > 0.95 and same[ball.vertices[:, 0] < -0.04].max() < 0.05
    assert not fill._same_garment(SimpleNamespace(cells=cells, vertices=ball.vertices), seen, 0 * of).any()


@pytest.mark.parametrize(
    ("kind", "pixel", "around", "kept"), [(CLOTHES, SKIN, 0.5, 0), (SKIN, CLOTHES, 0.5, 0), (CLOTHES, SKIN, 1, 1), (SKIN, SKIN, 0.5, 1)]
)
def test_the_photos_skin_is_not_copied_on_a_collar_at_its_border(
    ball: SimpleNamespace, kind: int, pixel: int, around: float, kept: int
) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.02)
    shown = np.zeros((len(ball.vertices), OF_KIND.stop), np.float32)
    shown[:, OF_KIND.start + pixel] = 1
    kinds = np.eye(len(KINDS))[np.full(len(cells.first), kind)]
    surface = SimpleNamespace(cells=cells, vertices=ball.vertices)
    found = fill._of_its_kind(surface, shown, kinds, np.full(len(kinds), around))
    assert np.allclose(found, kept, atol=1e-3)
