"""Framings: the maps between camera frame, crop frame and photo, and that what works in a crop takes any cube."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from likeness.core.colour.bake import PhotoSample, ProjectionLayer, bake_mesh
from likeness.core.geometry.mesh import vertex_normals
from likeness.core.models.head import HeadModel
from likeness.core.models.normal_term import NormalPicture
from likeness.core.models.prior import PriorSurface
from likeness.core.networks.colour import Pictures, mirror_of, textured
from likeness.core.networks.own import camera_normals, crop_normals
from likeness.core.networks.volume import surface_clouds
from likeness.core.photo.crop import FaceSquare, crop_picture
from likeness.core.photo.framing import HEAD, Framing
from likeness.core.photo.view import Camera
from likeness.core.preview import preview
from likeness.core.result import Result

WIDE = Framing(0.5, (0.06, -0.2, 0.05))  # a cube that shares no number with the head's
FRAMINGS = pytest.mark.parametrize("framing", [HEAD, WIDE], ids=["head", "wide"])


def cloud_of(distance: float) -> tuple[Camera, np.ndarray]:
    """A camera and points (200, 3) before it."""
    return Camera((321.5, 200.25), 1500, distance), np.random.default_rng(0).uniform(-0.2, 0.2, (200, 3))


@FRAMINGS
@pytest.mark.parametrize("distance", [0.5, 2.0, float("inf")])
def test_crop_and_camera_frames_round_trip(framing: Framing, distance: float) -> None:
    camera, points = cloud_of(distance)
    assert np.allclose(framing.from_crop(framing.to_crop(points, camera), camera), points, atol=1e-12)


@FRAMINGS
@pytest.mark.parametrize("distance", [0.5, float("inf")])
def test_crop_positions_are_where_the_photo_shows_the_points(framing: Framing, distance: float) -> None:
    camera, points = cloud_of(distance)
    crop = framing.to_crop(points, camera)
    left, top, side = framing.crop_box(camera)
    pixels = np.stack([left + (crop[:, 0] + 1) / 2 * side, top + (1 - crop[:, 1]) / 2 * side], axis=1)
    assert np.allclose(pixels, camera.project(points))


@FRAMINGS
def test_the_crop_reaches_half_a_side_from_its_centre(framing: Framing) -> None:
    camera, middle = Camera((100, 50), 1000), np.array(framing.centre)
    corners = np.stack([middle - framing.half, middle, middle + framing.half])
    assert np.allclose(framing.to_crop(corners, camera), [[-1] * 3, [0] * 3, [1] * 3])
    assert np.allclose(framing.to_crop(np.zeros((1, 3)), camera)[0, 2], framing.eye_depth)


def test_the_head_crop_is_the_one_that_the_weights_were_trained_in() -> None:
    points = np.array([[0.0, 0.0, 0.0], [0.2, -0.03, -0.08], [0.0, 0.17, 0.12]])
    assert np.allclose(HEAD.to_crop(points, Camera((0, 0), 1000)), [[0, 0.15, 0.4], [1, 0, 0], [0, 1, 1]])


def test_the_square_around_a_face_holds_it_however_it_leans() -> None:
    square = FaceSquare((40.0, 30.0), 10.0, 0.7)
    left, top, side = square.around()
    assert (left + side / 2, top + side / 2) == pytest.approx(square.centre)
    cosine, sine = np.cos(square.turn), np.sin(square.turn)
    corners = np.array([[x, y] for x in (-10, 10) for y in (-10, 10)]) @ [[cosine, sine], [-sine, cosine]] + square.centre
    assert (corners > [left, top]).all() and (corners < [left + side, top + side]).all()


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


def surface_in(framing: Framing, model: HeadModel, camera: Camera) -> PriorSurface:
    """The mean head as a camera sees it."""
    return PriorSurface.of(model, framing.to_crop(model.closed_rest, camera).astype(np.float32), framing)


def test_depth_and_code_are_lengths_over_the_framings_unit(model: HeadModel) -> None:
    camera = Camera((100, 100), 1000, 1.5)
    metres = []
    for framing in (HEAD, WIDE):
        maps = surface_in(framing, model, camera).maps(512)
        metres.append([float(maps[channel].max()) * framing.half for channel in (4, 5, 6)])
    assert metres[0] == pytest.approx(metres[1], abs=0.002)
    # The nose is the farthest forward, by the same distance at rest and before the camera.
    assert metres[0][1] == pytest.approx(metres[0][2], abs=0.002)


def test_own_normals_are_turned_into_any_framing(model: HeadModel) -> None:
    camera, size = Camera((100, 100), 1000, 0.8), 512
    for framing in (HEAD, WIDE):
        surface = surface_in(framing, model, camera)
        maps = surface.maps(size).numpy()
        normals = vertex_normals(model.closed_rest.astype(np.float32), model.closed_mesh.faces)
        answer = PriorSurface(surface.vertices, surface.faces, normals, framing).maps(size).numpy()[3:6].transpose(1, 2, 0)
        person = maps[7] > 0.5
        seen = camera_normals(answer, "own.onnx", camera, surface, person)
        found = crop_normals(NormalPicture(seen, person.astype(np.float32), framing.crop_box(camera)), camera, surface)
        face = person & (maps[3] ** 2 + maps[4] ** 2 < (0.06 / framing.half) ** 2) & (maps[5] > 0)
        # The fitted model's own normals in the crop frame, which the perspective has sheared.
        assert face.sum() > 100 and (found * maps[:3].transpose(1, 2, 0)).sum(-1)[face].mean() > 0.995


def test_visible_vertices_of_any_framing_take_the_photos_colours(model: HeadModel) -> None:
    trusted = []
    for framing in (HEAD, WIDE):
        surface = surface_in(framing, model, Camera((100, 100), 1000))
        vertices, canonical = (torch.from_numpy(values.astype(np.float32)) for values in (surface.vertices, surface.canonical))
        cloud = surface_clouds(vertices[None], torch.from_numpy(np.asarray(surface.faces, np.int64)), canonical)
        maps = surface.maps(256)[None]
        pictures = Pictures(torch.ones(1, 4, 256, 256), maps, maps[:, :3], cloud, mirror_of(surface.canonical), framing.eye_depth)
        trusted.append(textured(pictures, pictures.photo)[0, :, 12].numpy() > 0.5)
    inside = np.abs(HEAD.to_crop(model.closed_rest, Camera((100, 100), 1000))).max(1) < 0.9
    inside &= model.mouth_patch == 0  # what lies just behind closed lips is hidden, but for a wide framing's coarse pixels
    assert 0.2 < trusted[0][inside].mean() < 0.8
    assert (trusted[0] == trusted[1])[inside].mean() > 0.95


def test_a_texture_does_not_depend_on_the_framing(bust: Result) -> None:
    surface = bust.surface
    middle = surface.vertices.mean(0)
    angle = np.arctan2(surface.vertices[:, 0] - middle[0], surface.vertices[:, 2] - middle[2]) / (2 * np.pi) + 0.5
    uv = np.column_stack([angle, 0.1 + 0.8 * (surface.vertices[:, 1] - surface.vertices[:, 1].min()) / np.ptp(surface.vertices[:, 1])])
    noise = np.random.default_rng(0).integers(0, 255, (30, 24, 3)).astype(np.uint8).repeat(10, 0).repeat(10, 1)
    result = replace(bust, views=(replace(bust.views[0], photo=noise),))
    near = Framing(0.3, (0.02, 0.01, -0.02))
    baked = [bake_mesh(surface.vertices, surface.faces, uv, surface.faces, result, 256, framing=one) for one in (HEAD, near)]
    (first, seen), (second, other) = baked
    both = (seen > 128) & (other > 128)
    assert both.sum() > 0.9 * (seen > 128).sum() > 1000
    assert np.abs(first.astype(int) - second)[both].mean() < 8  # of 85 between neighbouring blocks


@FRAMINGS
@pytest.mark.parametrize(
    ("gap", "loose", "weight"),
    [(0.0, 0, 1), (0.004, 0, 1), (0.009, 0, 0), (-0.009, 0, 1), (-0.017, 0, 0), (0.054, 0, 0), (0.054, 1, 1), (0.059, 1, 0)],
)
def test_what_lies_millimetres_before_or_behind_is_told_apart_in_any_framing(
    framing: Framing, gap: float, loose: float, weight: float
) -> None:
    """gap: metres by which the reconstruction lies in front of the mesh."""
    ones, flat = np.ones((8, 8), np.float32), np.zeros((8, 8), np.float32)
    sample = PhotoSample(np.ones((8, 8, 3), np.float32), np.ones((8, 8, 3), np.float32), ones, flat, ones, framing)
    places = np.array([[0.0, 0.0, -gap / framing.half]], np.float32)
    ahead, tight = np.array([[0.0, 0.0, 1.0]], np.float32), np.zeros(1, np.float32)
    layer = ProjectionLayer(places, ahead, flat - 10, tight, tight + np.float32(loose))
    assert layer.sample_photo(sample, layer.packed(), fine=True)[1][0] == pytest.approx(weight, abs=0.01)


def test_a_preview_shows_the_framings_crop(bust: Result) -> None:
    pictures = [
        preview(replace(bust, views=(replace(bust.views[0], framing=framing),))) for framing in (HEAD, replace(HEAD, half=2 * HEAD.half))
    ]
    clay = [np.abs(picture[320:, 320:640].astype(int) - picture[320, 320]).sum(-1) > 20 for picture in pictures]
    assert clay[1].sum() == pytest.approx(clay[0].sum() / 4, rel=0.05)


def test_a_crop_box_cuts_what_it_says() -> None:
    picture = np.zeros((40, 60), np.float32)
    picture[10:20, 30:40] = 1
    assert crop_picture(picture, (30.0, 10.0, 10.0), 5) == pytest.approx(np.ones((5, 5)))
