"""Crop, focal length, mask and size as the user gives them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likeness.core.corrections import corrected_photo, corrected_view, read_mask, sized
from likeness.core.errors import InputError
from likeness.core.fitted_face import FittedFace
from likeness.core.inspection import THUMBNAIL, Inspection
from likeness.core.photo.decode import Photo
from likeness.core.photo.landmarks import MEDIAPIPE
from likeness.core.photo.named_landmarks import NAMED_LANDMARKS
from likeness.core.photo.parsing import CLASSES, Parsing
from likeness.core.photo.pins import Pin, pins_text
from likeness.core.photo.view import View
from likeness.core.settings import Settings


@pytest.fixture
def photo() -> Photo:
    picture = np.zeros((120, 200, 3), np.uint8)
    picture[:, :, 0] = np.arange(200)
    return Photo(picture, np.ones((120, 200), np.float32), 50.0, "photo")


def test_a_crop_keeps_the_focal_length_in_pixels(photo):
    cut = corrected_photo(photo, Settings(crop_left=0.25, crop_right=0.75, crop_bottom=0.5))
    assert cut.image.shape == (60, 100, 3) and cut.alpha is not None and cut.alpha.shape == (60, 100)
    assert cut.image[0, 0, 0] == 50 and cut.focal_35mm == pytest.approx(100)
    assert corrected_photo(photo, Settings()).image is photo.image


def test_a_given_focal_length_stands_in_for_the_photos(photo):
    assert corrected_photo(photo, Settings(focal=85.0)).focal_35mm == 85
    assert corrected_photo(Photo(photo.image, None, None, "photo"), Settings()).focal_35mm is None


@pytest.mark.parametrize("crop", [{"crop_left": 0.5, "crop_right": 0.5}, {"crop_top": 0.9, "crop_bottom": 0.2}])
def test_a_crop_of_nothing_is_refused(photo, crop):
    with pytest.raises(InputError, match="widen it"):
        corrected_photo(photo, Settings(**crop))


def _mask(folder: Path, values: np.ndarray) -> Path:
    Image.fromarray(values).save(folder / "mask.png")
    return folder / "mask.png"


def test_a_mask_replaces_the_matte_and_what_the_parsing_covers(tmp_path):
    shares = np.full((32, 32, len(CLASSES)), 0, np.float32)
    shares[..., CLASSES.index("hair")] = 1
    view = View(np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), np.float32), {}, None, "view", parsing=Parsing(shares, (0, 0, 64)))
    half = np.zeros((64, 64), np.uint8)
    half[:, :32] = 255
    made = corrected_view(view, Settings(mask=str(_mask(tmp_path, half))))
    assert made.matte[:, :30].min() == 1 and made.matte[:, 34:].max() == 0
    assert made.parsing is not None
    hair = made.parsing.share("hair")
    assert hair[:, :14].min() > 0.98 and hair[:, 18:].max() < 0.02 and np.allclose(made.parsing.shares.sum(-1), 1, atol=1e-5)


def test_masks_of_another_shape_and_of_nobody_are_refused(tmp_path):
    with pytest.raises(InputError, match="must have the photo's shape, 64 by 64 pixels"):
        read_mask(_mask(tmp_path, np.full((64, 80), 255, np.uint8)), (64, 64))
    with pytest.raises(InputError, match="shows nobody"):
        read_mask(_mask(tmp_path, np.zeros((64, 64), np.uint8)), (64, 64))
    assert read_mask(_mask(tmp_path, np.full((128, 128), 255, np.uint8)), (64, 64)).shape == (64, 64), "a mask may be finer"


def test_pins_of_a_file_reach_the_view(tmp_path):
    mesh = np.random.default_rng(0).random((468, 3)).astype(np.float32) * 60
    view = View(np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), np.float32), {MEDIAPIPE: mesh}, None, "view")
    (tmp_path / "pins.json").write_text(pins_text([Pin((30.0, 40.0), "Nose Tip")]))
    made = corrected_view(view, Settings(pins=str(tmp_path / "pins.json")))
    assert made.pins is not None and made.pins.target.tolist() == [[30, 40]]
    assert made.mesh[NAMED_LANDMARKS["Nose Tip"], :2] == pytest.approx([30, 40], abs=0.1)


def test_a_larger_head_lies_over_the_photo_as_before(bust):
    larger = sized(bust, Settings(eye_distance=0.126))
    assert np.allclose(larger.surface.vertices, 2 * bust.surface.vertices)
    for view, before in zip(larger.views, bust.views, strict=True):
        seen = view.camera.project(view.pose.to_camera(larger.surface.vertices))
        assert np.allclose(seen, before.camera.project(before.pose.to_camera(bust.surface.vertices)), atol=1e-3)
        there = view.framing.to_crop(view.pose.to_camera(larger.surface.vertices), view.camera)
        assert np.allclose(there, before.framing.to_crop(before.pose.to_camera(bust.surface.vertices), before.camera), atol=1e-4)
    assert sized(bust, Settings()) is bust


def test_what_the_bench_says_survives_its_files(tmp_path):
    face = FittedFace(np.ones((3, 3)), np.array([[0, 1, 2]]), ("Chin",), np.ones((1, 3)), np.zeros((0, 3)))
    face.save(tmp_path / "face.npz")
    assert FittedFace.load(tmp_path / "face.npz").landmark_names == ("Chin",)
    seen = Inspection(np.zeros((2, 4)), np.zeros((2, THUMBNAIL, THUMBNAIL, 3), np.uint8), 35.0)
    seen.save(tmp_path / "seen.npz")
    back = Inspection.load(tmp_path / "seen.npz")
    assert back.focal_35mm == 35 and back.matte is None and len(back.boxes) == 2
