"""Photos of every kind that cameras, editors and attackers produce."""

import base64
import struct
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from likeness.core.errors import InputError
from likeness.core.photo.decode import read_photo

from .png_files import png

# The scene, saved by an encoder that is not among our packages, with a focal length of 26 mm.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAb5tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAADRpbG9jAAAAAERAAAIAAQAAAAAB"
    "4gABAAAAAAAAAHIAAgAAAAACVAABAAAAAAAAADYAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAA"
    "AAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAA"
    "AwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAAB"
    "AAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAABppcmVmAAAAAAAAAA5jZHNjAAIAAQABAAAAsG1k"
    "YXQAAABuKAGvE4D1P3eo6PrD2C2Tk/ufX+99zQTC5zjW+WXwPY2UbUH0GzJfgthQrw3kkapYvtgjyn4Ww6c72js1eUlVjapBuyF2nyeuZZH+KcucCTDrvc07Ngln0c3y"
    "UByXhiNRLj4T3kuN56+Zpkkr3FkAAAAGRXhpZgAATU0AKgAAAAgAAYdpAAQAAAABAAAAGgAAAAAAAaQFAAMAAAABABoAAAAAAAA="
)


def difference(photo, expected):
    assert photo.image.shape == expected.shape
    return np.abs(photo.image.astype(int) - expected).mean()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "tif", "bmp"])
def test_reads_each_allowed_format(tmp_path, scene, suffix):
    path = tmp_path / f"ann's photo ü.{suffix}"
    Image.fromarray(scene).save(path, quality=95)
    photo = read_photo(path)
    assert difference(photo, scene) < 3
    assert photo.image.dtype == np.uint8 and photo.image.flags.c_contiguous and photo.image.flags.writeable
    assert (photo.name, photo.alpha, photo.focal_35mm, photo.warnings) == ("ann's photo ü", None, None, ())


def test_heic_photos_of_phones_are_read(tmp_path, scene):
    (tmp_path / "IMG_1.heic").write_bytes(HEIC)
    photo = read_photo(tmp_path / "IMG_1.heic")
    assert difference(photo, scene) < 3 and (photo.focal_35mm, photo.warnings) == (26, ())


def test_without_its_package_a_heic_photo_is_refused_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "IMG_1.heic").write_bytes(HEIC)
    with pytest.raises(InputError, match=r"IMG_1\.heic is a HEIC photo.*Most Compatible"):
        read_photo(tmp_path / "IMG_1.heic")


def test_a_photo_saved_as_png_is_read_back_the_same(tmp_path, scene):
    save_with_focal(tmp_path / "a.jpg", scene, focal=50)
    alpha = np.full(scene.shape[:2], 255, np.uint8)
    alpha[:10] = 77
    Image.fromarray(np.dstack([scene, alpha])).save(tmp_path / "b.png")
    for name in ("a.jpg", "b.png"):
        photo = read_photo(tmp_path / name)
        photo.save(tmp_path / "copy.png")
        again = read_photo(tmp_path / "copy.png")
        assert np.array_equal(again.image, photo.image) and again.focal_35mm == photo.focal_35mm
        assert (again.alpha is None) == (photo.alpha is None) and (photo.alpha is None or np.allclose(again.alpha, photo.alpha))


STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_gives_the_same_upright_picture(tmp_path, scene, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "phone.png"
    Image.fromarray(np.ascontiguousarray(STORED[orientation](scene))).save(path, exif=exif)
    assert difference(read_photo(path), scene) == 0


def test_orientation_turns_alpha_with_the_colours(tmp_path, scene):
    exif = Image.Exif()
    exif[0x0112] = 6
    alpha = np.full(scene.shape[:2], 255, np.uint8)
    alpha[:10, :20] = 100
    stored = np.rot90(np.dstack([scene, alpha]), 1)
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    photo = read_photo(tmp_path / "a.png")
    assert np.allclose(photo.alpha, alpha / 255)
    assert difference(photo, scene) == 0


def save_with_focal(path, scene, **tags):
    names = {"focal": 0xA405, "width": 0xA002, "height": 0xA003}
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({names[key]: value for key, value in tags.items()})
    exif.get_ifd(0x8825)[1] = "N"  # a place, which must not travel further
    Image.fromarray(scene).save(path, exif=exif)


def test_focal_length_comes_from_exif_and_nothing_else_does(tmp_path, scene):
    save_with_focal(tmp_path / "a.jpg", scene, focal=50, width=64, height=48)
    photo = read_photo(tmp_path / "a.jpg")
    assert photo.focal_35mm == 50
    assert set(vars(photo)) == {"image", "alpha", "focal_35mm", "name", "warnings"}


@pytest.mark.parametrize("tags", [{"focal": 0}, {"focal": 50, "width": 64, "height": 96}, {"width": 64, "height": 48}])
def test_focal_length_is_unknown_when_unset_or_when_the_photo_was_cropped(tmp_path, scene, tags):
    save_with_focal(tmp_path / "a.jpg", scene, **tags)
    assert read_photo(tmp_path / "a.jpg").focal_35mm is None


def test_damaged_exif_is_ignored_with_a_warning_at_most(tmp_path, scene):
    Image.fromarray(scene).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(256)) * 4)
    assert read_photo(tmp_path / "a.jpg").image.shape == scene.shape


def test_cmyk_jpeg(tmp_path, scene):
    Image.fromarray(scene).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert difference(read_photo(tmp_path / "a.jpg"), scene) < 4


@pytest.mark.parametrize("mode", ["L", "1", "LA", "I;16", "F", "I"])
def test_grey_pictures_of_every_depth(tmp_path, mode):
    ramp = np.tile(np.linspace(0, 1, 64), (48, 1))
    grey = np.round(ramp * 255).astype(np.uint8)
    image = {
        "L": lambda: Image.fromarray(grey),
        "1": lambda: Image.fromarray(grey > 127),
        "LA": lambda: Image.fromarray(np.dstack([grey, np.full_like(grey, 255)])),
        "I;16": lambda: Image.fromarray(np.round(ramp * 65535).astype(np.uint16)),
        "F": lambda: Image.fromarray(ramp.astype(np.float32)),
        "I": lambda: Image.fromarray(np.round(ramp * 65535).astype(np.int32)),
    }[mode]()
    assert image.mode == mode
    image.save(tmp_path / "a.tif")
    expected = np.where(grey > 127, 255, 0) if mode == "1" else grey
    assert difference(read_photo(tmp_path / "a.tif"), np.repeat(expected[..., None], 3, axis=2)) < 1


def light(scene):
    """What a linear picture stores for an sRGB one."""
    values = scene / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_colours_in_floating_point_are_light_and_said_to_be(tmp_path, scene, orientation):
    stored = np.ascontiguousarray(STORED[orientation](light(scene)))
    stored[0, 0], stored[0, 1] = np.nan, 7.0
    extra = [(0x0112, "H", 1, orientation, True)]
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", compression="zlib", extratags=extra)
    photo = read_photo(tmp_path / "a.tif")
    assert difference(photo, scene) < 0.5
    assert [note.split(" are taken")[0] for note in photo.warnings] == ["The floating-point colours of a.tif"]


def test_colours_in_floating_point_follow_their_profile(tmp_path, scene):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    values = (scene / 255).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", extratags=[(34675, "B", len(srgb), srgb, True)])
    photo = read_photo(tmp_path / "a.tif")
    assert difference(photo, scene) < 1 and photo.warnings == ()


def test_floating_point_files_that_are_huge_or_half_there_are_refused(tmp_path, scene):
    tifffile.imwrite(tmp_path / "a.tif", light(scene), photometric="rgb")
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data.replace(struct.pack("<HHII", 256, 4, 1, 64), struct.pack("<HHII", 256, 4, 1, 2**30)))
    with pytest.raises(InputError, match=r"a\.tif has more than 100 megapixels"):
        read_photo(tmp_path / "a.tif")
    tifffile.imwrite(tmp_path / "half.tif", light(scene).astype(np.float16), photometric="rgb")
    with pytest.raises(InputError, match=r"floating-point colours of half\.tif cannot be read"):
        read_photo(tmp_path / "half.tif")


@pytest.mark.parametrize(
    ("suffix", "options"),
    [("png", {"dpi": (100, 150)}), ("jpg", {"dpi": (72, 96)}), ("tif", {"dpi": (300, 200)}), ("webp", {"exif": True})],
)
def test_pixels_that_are_not_square_are_mentioned(tmp_path, scene, suffix, options):
    if "exif" in options:
        options = {"exif": Image.Exif()}
        options["exif"][0x011A], options["exif"][0x011B] = 72.0, 96.0
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(scene).save(path, **options)
    (note,) = read_photo(path).warnings
    assert note.startswith(f"a.{suffix} says that its pixels are not square (by a factor of 1.")
    Image.fromarray(scene).save(path, dpi=(72, 72))
    assert read_photo(path).warnings == ()


def test_float_tiff_with_nan_and_infinity(tmp_path):
    values = np.full((40, 40), 0.5, np.float32)
    values[0], values[1] = np.nan, np.inf
    Image.fromarray(values).save(tmp_path / "a.tif")
    image = read_photo(tmp_path / "a.tif").image
    assert image[0].max() == 0 and image[20, 20, 0] == 128


def test_16_bit_rgb_png(tmp_path, scene):
    deep = scene.astype(">u2") * 257
    (tmp_path / "a.png").write_bytes(png(64, 48, 16, 2, b"".join(b"\0" + row.tobytes() for row in deep)))
    assert difference(read_photo(tmp_path / "a.png"), scene) < 1


def test_palette_with_a_transparent_colour(tmp_path):
    indices = np.zeros((48, 64), np.uint8)
    indices[:, 32:] = 1
    image = Image.fromarray(indices, "P")
    image.putpalette([200, 30, 30, 30, 200, 30])
    image.save(tmp_path / "a.png", transparency=1)
    photo = read_photo(tmp_path / "a.png")
    assert photo.image[0, 0].tolist() == [200, 30, 30]
    assert photo.alpha[0, 0] == 1 and photo.alpha[0, 40] == 0
    Image.fromarray(indices).quantize(8).save(tmp_path / "opaque.png")
    assert read_photo(tmp_path / "opaque.png").alpha is None


def test_alpha_is_kept_and_hidden_colours_are_blanked(tmp_path, scene):
    alpha = np.full(scene.shape[:2], 255, np.uint8)
    alpha[:, :8], alpha[:, 8:16] = 0, 128
    Image.fromarray(np.dstack([scene, alpha])).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert np.allclose(photo.alpha, alpha / 255)
    assert np.all(photo.image[:, :8] == 128)
    assert np.array_equal(photo.image[:, 8:], scene[:, 8:])


def test_a_wholly_transparent_photo_is_read_as_opaque(tmp_path, scene):
    Image.fromarray(np.dstack([scene, np.zeros(scene.shape[:2], np.uint8)])).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert photo.alpha is None and difference(photo, scene) == 0
    assert photo.warnings == ("a.png is transparent everywhere; its transparency was ignored.",)


def test_colour_profile_is_applied(tmp_path, scene):
    lab = ImageCms.createProfile("LAB")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(scene).save(tmp_path / "same.png", icc_profile=srgb)
    assert difference(read_photo(tmp_path / "same.png"), scene) < 1
    # A profile of another colour space than the picture's cannot be applied.
    Image.fromarray(scene).save(tmp_path / "wrong.png", icc_profile=ImageCms.ImageCmsProfile(lab).tobytes())
    photo = read_photo(tmp_path / "wrong.png")
    assert difference(photo, scene) == 0 and "colour profile of wrong.png" in photo.warnings[0]


def swapped_primaries_profile():
    """An sRGB profile in which red and blue change places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    entries = {bytes(profile[i : i + 4]): i for i in range(132, 132 + 12 * int.from_bytes(profile[128:132], "big"), 12)}
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def test_colour_profile_changes_the_colours(tmp_path, scene):
    Image.fromarray(scene).save(tmp_path / "a.png", icc_profile=swapped_primaries_profile())
    assert difference(read_photo(tmp_path / "a.png"), scene[..., ::-1]) < 2


@pytest.mark.parametrize("suffix", ["webp", "png", "tif"])
def test_first_picture_of_several_with_a_warning(tmp_path, scene, suffix):
    path = tmp_path / f"wave.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(scene).save(path, save_all=True, append_images=[Image.fromarray(scene[::-1])], **options)
    photo = read_photo(path)
    assert difference(photo, scene) == 0
    assert photo.warnings == (f"wave.{suffix} holds several pictures; only the first is used.",)


def test_what_follows_the_first_picture_may_be_damaged(tmp_path, scene):
    Image.fromarray(scene).save(tmp_path / "a.tif")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    start = struct.unpack("<I", data[4:8])[0]
    entries = struct.unpack("<H", data[start : start + 2])[0]
    link = start + 2 + 12 * entries
    data[link : link + 4] = struct.pack("<I", len(data))
    (tmp_path / "a.tif").write_bytes(bytes(data) + struct.pack("<H", 1) + struct.pack("<HHII", 254, 4, 1, 0) + bytes(4))
    assert difference(read_photo(tmp_path / "a.tif"), scene) == 0


def test_the_second_picture_that_phones_hide_in_a_jpeg_is_no_cause_for_a_warning(tmp_path, scene):
    Image.fromarray(scene).save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[Image.fromarray(scene[::-1])], quality=95)
    photo = read_photo(tmp_path / "a.jpg")
    assert difference(photo, scene) < 3 and photo.warnings == ()
