"""What the user puts right by hand in a photo before it is reconstructed: crop, focal length, mask, pins, and the size of the head."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from .errors import InputError
from .models.head import EYE_DISTANCE
from .photo.crop import crop_picture
from .photo.decode import Photo, read_photo
from .photo.figure import BodyView
from .photo.matte import with_coverage
from .photo.parsing import Parsing
from .photo.pins import pinned, read_pins
from .photo.view import Camera, View
from .result import Mesh, Result
from .settings import Settings

_LEAST = 32  # pixels a side that a crop leaves


def corrected_photo(photo: Photo, settings: Settings) -> Photo:
    """A photo cut to the crop of the settings, with the focal length that they know. Raises InputError when nothing is left."""
    height, width = photo.image.shape[:2]
    left, right = round(settings.crop_left * width), round(settings.crop_right * width)
    top, bottom = round(settings.crop_top * height), round(settings.crop_bottom * height)
    if min(right - left, bottom - top) < min(_LEAST, width, height):
        raise InputError(f"The crop leaves nothing of {photo.name}; widen it.")
    focal = settings.focal or photo.focal_35mm
    if (right - left, bottom - top) == (width, height):
        return replace(photo, focal_35mm=focal)
    part = np.s_[top:bottom, left:right]
    # The focal length in pixels stays, while the picture that it is a share of is smaller.
    focal = focal and focal * max(width, height) / max(right - left, bottom - top)
    alpha = None if photo.alpha is None else np.ascontiguousarray(photo.alpha[part])
    return replace(photo, image=np.ascontiguousarray(photo.image[part]), alpha=alpha, focal_35mm=focal)


def corrected(view: View | BodyView, settings: Settings) -> View | BodyView:
    """What a photo shows of a head, with the user's mask and pins, or of a body, with the mask. Raises InputError."""
    return corrected_view(view, settings) if isinstance(view, View) else _corrected_body(view, settings)


def corrected_view(view: View, settings: Settings) -> View:
    """A head's view with the user's mask and pins. Raises InputError."""
    if settings.mask:
        matte = read_mask(Path(settings.mask), view.image.shape[:2])
        view = replace(view, matte=matte, parsing=view.parsing and _covered(view.parsing, matte))
    return pinned(view, read_pins(Path(settings.pins))) if settings.pins else view


def _corrected_body(view: BodyView, settings: Settings) -> BodyView:
    return replace(view, matte=read_mask(Path(settings.mask), view.image.shape[:2])) if settings.mask else view


def read_mask(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The matte (H, W) float32 in [0, 1] of a picture in which the person is white. Raises InputError."""
    picture = read_photo(path).image.mean(2) / 255
    height, width = shape
    if abs(picture.shape[1] / picture.shape[0] - width / height) > 0.01 * width / height:
        raise InputError(f"{path.name} must have the photo's shape, {width} by {height} pixels; paint the mask over the photo.")
    matte = cv2.resize(picture.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    if not matte.max() > 0.5:
        raise InputError(f"{path.name} shows nobody; paint the person white.")
    return np.clip(matte, 0, 1)


def sized(result: Result, settings: Settings) -> Result:
    """A head's result whose eyes are as far from each other as the settings say."""
    factor = settings.eye_distance / EYE_DISTANCE
    if abs(factor - 1) < 1e-6:
        return result
    scale = lambda mesh: replace(mesh, vertices=(mesh.vertices * factor).astype(np.float32))  # noqa: E731
    meshes: dict[str, Mesh] = {name: scale(mesh) for name, mesh in result.meshes.items()}
    views = tuple(
        replace(
            view,
            camera=Camera(view.camera.centre, view.camera.scale / factor, view.camera.distance * factor),
            pose=replace(view.pose, translation=view.pose.translation * factor),
            framing=view.framing.scaled(factor),
        )
        for view in result.views
    )
    rigged, anatomy = result.rigged, result.anatomy
    if rigged is not None:
        lengths = {name: (getattr(rigged, name) * factor).astype(np.float32) for name in ("neutral", "joints", "keys", "correctives")}
        rigged = replace(rigged, **lengths)
    if anatomy is not None:
        anatomy = replace(anatomy, landmarks=anatomy.landmarks * np.float32(factor))
    return replace(result, meshes=meshes, views=views, rigged=rigged, anatomy=anatomy)


def _covered(parsing: Parsing, matte: np.ndarray) -> Parsing:
    """The parsing with as much of a person in each pixel as the matte (H, W) has there."""
    coverage = np.clip(crop_picture(matte, parsing.square, len(parsing.shares)), 0, 1)
    return replace(parsing, shares=with_coverage(parsing.shares, coverage).astype(np.float32))
