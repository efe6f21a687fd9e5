"""Painted heads of a model, drawn from the side and from behind: their place is found again without landmarks."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from likeness.core.fields.crop import signed_distance_to_outline
from likeness.core.geometry.mesh import vertex_normals
from likeness.core.geometry.raster import interpolate, rasterize
from likeness.core.models.fit import ViewFit
from likeness.core.models.head import HeadModel
from likeness.core.models.register import HeadSurface
from likeness.core.models.side_search import SeenHead, found_side
from likeness.core.photo.crop import crop_picture
from likeness.core.photo.faceless import HeadPicture
from likeness.core.photo.framing import HEAD
from likeness.core.photo.parsing import CLASSES, Parsing
from likeness.core.photo.view import Camera, View

from .test_register import SIZE, degrees, drawn, fitted

AWAY = Camera((SIZE / 2 - 20, 0.5 * SIZE), 1050.0, 1.2)


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


def parsing(mask: np.ndarray, face: np.ndarray) -> Parsing:
    """Skin in the face, and else hair."""
    shares = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    shares[..., 0], shares[..., CLASSES.index("skin")], shares[..., CLASSES.index("hair")] = 1 - mask, mask * face, mask * (1 - face)
    return Parsing(shares, (0, 0, SIZE))


def photo_of(model: HeadModel, fit: ViewFit, plain: bool) -> tuple[np.ndarray, np.ndarray, Parsing]:
    """A photo of a fit with its mask and parsing."""
    picture, mask = drawn(model, fit, plain)
    flat = fit.camera.project(fit.closed_vertices) * (2 / SIZE) - 1
    points, faces = np.column_stack([flat * [1, -1], fit.closed_vertices[:, 2:]]).astype(np.float32), model.closed_mesh.faces
    triangles = torch.from_numpy(np.asarray(faces, np.int64))
    region = torch.from_numpy(model.closed_region("face")[:, None].astype(np.float32))
    face = interpolate(rasterize(torch.from_numpy(points), triangles, SIZE), triangles, region).numpy()[..., 0]
    return picture, mask, parsing(mask, face)


def main_head(model: HeadModel, plain: bool = False) -> tuple[SeenHead, ViewFit]:
    front = fitted(model, np.zeros(3))
    picture, mask, classes = photo_of(model, front, plain)
    points, faces = HEAD.to_crop(front.closed_vertices, front.camera).astype(np.float32), model.closed_mesh.faces
    counts = front.closed_vertices[:, 1] > -0.1
    surface = HeadSurface(front.closed_vertices, faces, counts, vertex_normals(points, faces)[:, 2] < -0.3)
    view = View(picture, mask, {}, None, "front", parsing=classes)
    return SeenHead.of(surface, model.closed_region("face"), view, front), front


def side(model: HeadModel, turn: float, plain: bool = False) -> tuple[HeadPicture, ViewFit]:
    truth = fitted(model, np.array([0.0, np.radians(turn), 0.0]), AWAY)
    picture, mask, classes = photo_of(model, truth, plain)
    head = (mask > 0.5) & (np.arange(SIZE) < 0.58 * SIZE)[:, None]
    return HeadPicture(picture, mask, classes, head, "side", None), truth


def found(model: HeadModel, photo: HeadPicture, plain: bool = False) -> ViewFit | None:
    seen, main = main_head(model, plain)
    outside = signed_distance_to_outline(crop_picture(photo.matte, photo.box(), 256, cv2.BORDER_REPLICATE))
    return found_side(seen, main, photo, outside, photo.box())


@pytest.mark.parametrize("turn", [90, -90, 80, 180])
def test_the_place_of_a_side_is_found(model, turn):
    photo, truth = side(model, turn)
    fit = found(model, photo)
    assert fit is not None and degrees(fit, truth) < 7
    assert abs(fit.camera.scale / AWAY.scale - 1) < 0.05
    apart = np.linalg.norm(fit.camera.project(fit.joints) - AWAY.project(truth.joints), axis=1)
    assert apart.max() < 15


def test_what_both_photos_show_tells_how_far_it_is_turned(model):
    """The outline of a plain head hardly does, and most people turn by a right angle."""
    photo, truth = side(model, 75)
    painted = found(model, photo)
    assert painted is not None and degrees(painted, truth) < 6


def test_known_turns_are_searched_around(model):
    photo, truth = side(model, 55)
    fit = found(model, replace(photo, turn=62.0))
    assert fit is not None and degrees(fit, truth) < 6


def test_another_outline_is_none(model):
    photo, _ = side(model, 90)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    box = (np.abs(columns - SIZE / 2) < 0.1 * SIZE) & (np.abs(rows - 0.4 * SIZE) < 0.3 * SIZE)
    mask = box.astype(np.float32)
    other = replace(photo, matte=mask, parsing=parsing(mask, mask), head=box)
    assert found(model, other) is None
