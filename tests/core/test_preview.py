"""The preview sheet of a small bust: what is where."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likeness.core.errors import InputError
from likeness.core.photo.framing import HEAD
from likeness.core.photo.pose import Pose
from likeness.core.photo.view import Camera
from likeness.core.preview import TILE, write_preview
from likeness.core.result import Result


@pytest.fixture
def two_tone(bust: Result) -> Result:
    colours = np.where(bust.surface.vertices[:, 2:] > 0, [[0.8, 0.2, 0.2]], [[0.2, 0.2, 0.8]]).astype(np.float32)
    photo = bust.views[0].photo.copy()
    photo[140, 120] = (0, 255, 0)
    meshes = {"surface": dataclasses.replace(bust.surface, colours=colours)}
    return dataclasses.replace(bust, meshes=meshes, views=(dataclasses.replace(bust.views[0], photo=photo),))


@pytest.fixture
def tiles(two_tone: Result, tmp_path: Path) -> np.ndarray:
    """(2, 5, TILE, TILE, 3) float."""
    write_preview(two_tone, tmp_path / "preview.png")
    sheet = np.asarray(Image.open(tmp_path / "preview.png"), float)
    assert sheet.shape == (2 * TILE, 5 * TILE, 3)
    return sheet.reshape(2, TILE, 5, TILE, 3).swapaxes(1, 2)


def head(tile: np.ndarray) -> np.ndarray:
    return np.abs(tile - tile[0, -1]).max(-1) > 20


def test_front_is_red_and_back_is_blue(tiles: np.ndarray) -> None:
    front, side, back = tiles[0, 1], tiles[0, 3], tiles[0, 4]
    assert (front[..., 0] > front[..., 2])[head(front)].mean() > 0.7
    assert (back[..., 2] > back[..., 0])[head(back)].mean() > 0.99
    assert (side[..., 0] > side[..., 2])[head(side)].mean() == pytest.approx(0.5, abs=0.15)


def test_nose_points_to_the_right_in_the_side_view(tiles: np.ndarray) -> None:
    covered = head(tiles[1, 3])
    columns = np.flatnonzero(covered.any(0))
    assert covered[:, columns[-1] - 4].sum() < 0.5 * covered[:, columns[0] + 4].sum()


def test_front_covers_what_the_camera_projects(two_tone: Result, tiles: np.ndarray) -> None:
    view = two_tone.views[0]
    left, top, side = HEAD.crop_box(view.camera)
    expected = (view.camera.project(view.pose.to_camera(two_tone.surface.vertices)) - (left, top)) * TILE / side
    rows, columns = np.nonzero(head(tiles[0, 1]))
    assert columns.min() == pytest.approx(expected[:, 0].min(), abs=2)
    assert columns.max() == pytest.approx(expected[:, 0].max(), abs=2)
    assert rows.min() == pytest.approx(expected[:, 1].min(), abs=2)


def test_photo_tile_shows_the_same_square(two_tone: Result, tiles: np.ndarray) -> None:
    left, top, side = HEAD.crop_box(two_tone.views[0].camera)
    green = tiles[0, 0][..., 1] - tiles[0, 0][..., 0]
    row, column = np.unravel_index(green.argmax(), green.shape)
    assert (column, row) == pytest.approx(((120.5 - left) * TILE / side, (140.5 - top) * TILE / side), abs=2)


def test_clay_is_grey_and_shaded(tiles: np.ndarray) -> None:
    clay = tiles[1, 1]
    assert np.ptp(clay, axis=-1).max() < 20
    assert clay.mean(-1)[head(clay)].std() > 10


def test_photo_smaller_than_the_crop_is_padded(two_tone: Result, tmp_path: Path) -> None:
    far = dataclasses.replace(two_tone, views=(dataclasses.replace(two_tone.views[0], camera=Camera((-900.0, 140.0), 1000.0)),))
    write_preview(far, tmp_path / "preview.png")
    assert (tmp_path / "preview.png").stat().st_size > 1000


def test_missing_folder_is_named(two_tone: Result, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        write_preview(two_tone, tmp_path / "missing" / "preview.png")


def test_each_view_has_its_photo_and_its_side_of_the_head(two_tone: Result, tmp_path: Path) -> None:
    from_behind = np.diag([-1.0, 1, -1])
    pose = Pose(from_behind, from_behind @ np.array([0.0, -0.1, -0.05]))
    behind = dataclasses.replace(two_tone.views[0], pose=pose, photo=np.full((300, 240, 3), 40, np.uint8))
    write_preview(dataclasses.replace(two_tone, views=(*two_tone.views, behind)), tmp_path / "preview.png")
    sheet = np.asarray(Image.open(tmp_path / "preview.png"), float)
    assert sheet.shape == (2 * TILE, 7 * TILE, 3)
    photo, back = sheet[:TILE, 2 * TILE : 3 * TILE], sheet[:TILE, 3 * TILE : 4 * TILE]
    assert photo[TILE // 2, TILE // 2] == pytest.approx([40, 40, 40])
    assert (back[..., 2] > back[..., 0])[head(back)].mean() > 0.99
