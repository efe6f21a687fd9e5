"""Whatever picture the artist points at reaches the worker as a file."""

from pathlib import Path

import bpy
import numpy as np
import pytest

PIXELS = np.random.default_rng(3).integers(0, 256, (5, 7, 4), np.uint8)


@pytest.fixture
def photo_file(part):
    return part("scene.photo").photo_file


@pytest.fixture
def png(part, tmp_path) -> Path:
    path = tmp_path / "portrait of Ada.png"
    path.write_bytes(part("scene.photo").png_bytes(PIXELS))
    return path


def _read(path: Path) -> np.ndarray:
    image = bpy.data.images.load(str(path))
    image.alpha_mode = "CHANNEL_PACKED"
    values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(values)
    return np.round(values.reshape(image.size[1], image.size[0], 4)[::-1] * 255).astype(np.uint8)


def test_written_png_is_read_back_exactly(png):
    assert np.array_equal(_read(png), PIXELS)


def test_file_on_disk_is_used_itself(photo_file, png, tmp_path):
    assert photo_file(bpy.data.images.load(str(png)), tmp_path / "nowhere") == png


def test_packed_file_is_handed_over_byte_for_byte(photo_file, png, tmp_path):
    image = bpy.data.images.load(str(png))
    image.pack()
    content = png.read_bytes()
    png.unlink()
    copy = photo_file(image, tmp_path)
    assert copy.read_bytes() == content and copy.stem == "portrait of Ada"


def test_painted_image_is_written_as_it_looks(photo_file, png, tmp_path):
    image = bpy.data.images.load(str(png))
    image.pixels[0] = 0.0
    copy = photo_file(image, tmp_path / "..")
    assert copy != png or copy.read_bytes() != b""
    changed = _read(copy)
    assert changed[-1, 0, 0] == 0


@pytest.mark.parametrize("is_float", [False, True])
def test_generated_image_is_written_in_srgb(photo_file, tmp_path, is_float):
    image = bpy.data.images.new("Generated: one/two", 4, 3, alpha=True, float_buffer=is_float)
    stored = 0.5 if not is_float else ((0.5 + 0.055) / 1.055) ** 2.4
    image.pixels.foreach_set(np.tile(np.float32([stored, stored, stored, 1]), 12))
    copy = photo_file(image, tmp_path)
    assert copy.parent == tmp_path and np.abs(_read(copy)[..., :3].astype(int) - 128).max() <= 1


def test_image_without_picture_is_refused_in_one_sentence(photo_file, part, tmp_path):
    image = bpy.data.images.new("gone", 4, 4)
    image.source = "FILE"
    image.filepath = str(tmp_path / "missing.png")
    with pytest.raises(part("core.errors").InputError, match="gone"):
        photo_file(image, tmp_path)
