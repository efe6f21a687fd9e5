"""Textures of known things: a painted ball before green, and a whole head painted, photographed and baked again."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from likeness.core.colour.bake import bake_mesh
from likeness.core.colour.eyes import paint_eye, seen_colours
from likeness.core.colour.hair import bare_skin
from likeness.core.colour.head import PARSING_SIZE, Anatomy, bake_head
from likeness.core.colour.project import Projection
from likeness.core.colour.texels import Texels
from likeness.core.errors import Cancelled, InputError
from likeness.core.geometry.mesh import vertex_normals
from likeness.core.geometry.raster import interpolate, rasterize
from likeness.core.models.head import HeadModel
from likeness.core.models.joints import JAW
from likeness.core.models.parametric import Parameters
from likeness.core.photo.crop import crop_picture
from likeness.core.photo.framing import HEAD
from likeness.core.photo.parsing import CLASSES
from likeness.core.photo.pose import Pose
from likeness.core.photo.view import Camera
from likeness.core.result import Mesh, Result, ResultView
from likeness.core.topology.rigged import MESH_PARTS, RiggedHead

from .model_rig import model_rig

SKIN, HAIR, GREEN = np.array([0.75, 0.55, 0.45]), np.array([0.15, 0.08, 0.05]), np.array([0.0, 1.0, 0.0])
SIZE = 512


def photographed(vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray, size: int = 600) -> tuple[np.ndarray, Camera]:
    """A picture of coloured vertices in the camera frame before bright green."""
    camera = Camera((size / 2, size / 2 - 40), size / 0.45)
    pixels = camera.project(vertices) * (2 / size) - 1
    flat = np.stack([pixels[:, 0], -pixels[:, 1], vertices[:, 2]], axis=1).astype(np.float32)
    drawn = rasterize(torch.from_numpy(flat), torch.from_numpy(faces.astype(np.int64)), size)
    picture = interpolate(drawn, torch.from_numpy(faces.astype(np.int64)), torch.from_numpy(colours.astype(np.float32))).numpy()
    picture = np.where(drawn.mask.numpy()[..., None], picture, GREEN)
    return (gaussian_filter(picture, (0.7, 0.7, 0)) * 255).astype(np.uint8), camera


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


def painted(vertices: np.ndarray) -> np.ndarray:
    """Skin that changes smoothly and, about the head's middle plane, evenly."""
    x, y, _ = vertices.T
    return SKIN + np.stack([0.1 * np.sin(40 * y), 0.05 * np.cos(35 * y), 0.1 * np.sin(30 * np.abs(x))], axis=1)


@pytest.fixture(scope="module")
def scene(model: HeadModel) -> tuple[RiggedHead, Result]:
    """The mean head, turned by 30 degrees, with a fringe and hair of 15 mm on its scalp; the reconstruction is the head and the hair."""
    turned = np.zeros((5, 3))
    turned[0, 1] = np.radians(30)
    parameters = Parameters(np.zeros(len(model.identity)), np.zeros(52), turned)
    rigged = model_rig(model, parameters)
    posed = model.posed(parameters)
    correspondence = model.closed_correspondence
    hair = np.clip((correspondence[:, 1] - 0.68) / 0.02, 0, 1)
    vertices = posed.closed_vertices + 0.015 * hair[:, None] * posed.closed_normals
    skin = painted((posed.closed_vertices - posed.joints[1]) @ posed.rotation)
    colours = np.clip(skin + hair[:, None] * (HAIR - skin), 0, 1).astype(np.float32)
    normals = vertex_normals(vertices, model.closed_mesh.faces)
    photo, camera = photographed(vertices, model.closed_mesh.faces, colours)
    box = HEAD.crop_box(camera)
    crop, matte = crop_picture(photo, box, SIZE), (crop_picture(photo, box, SIZE) @ [-1, 1, -1] < 0.3).astype(np.float32)
    points = HEAD.to_crop(vertices, camera).astype(np.float32)
    _, seen = Projection.of(points, model.closed_mesh.faces, crop, matte).sample_photo(points, normals)
    guess = np.where(seen[:, None] > 0, colours, np.where(hair[:, None] > 0.5, HAIR, SKIN)).astype(np.float32)
    faces = model.closed_mesh.faces.astype(np.int32)
    pose = Pose(posed.rotation, posed.joints[1])
    upright = pose.to_upright(vertices).astype(np.float32)
    mesh = Mesh(upright, faces, pose.directions_to_upright(normals).astype(np.float32), guess, seen)
    result = Result("head", {"surface": mesh}, (ResultView(photo, camera, pose),))
    return rigged, result


@pytest.fixture(scope="module")
def baked(model: HeadModel, scene: tuple[RiggedHead, Result]) -> RiggedHead:
    return bake_head(*scene, Anatomy.of(model), SIZE)


def at_vertices(head: RiggedHead) -> tuple[np.ndarray, np.ndarray]:
    """Texture and observed (F, 3), (F,) in [0, 1] in the middle of each face."""
    assert head.texture is not None and head.texture_observed is not None
    middle = head.uv[head.faces_uv].mean(1)
    column, row = (middle[:, 0] * SIZE).astype(int), ((1 - middle[:, 1]) * SIZE).astype(int)
    return head.texture[row, column] / 255, head.texture_observed[row, column] / 255


def test_seen_skin_is_copied_and_the_other_half_follows_it(baked: RiggedHead, model: HeadModel) -> None:
    colours, observed = at_vertices(baked)
    middle = baked.neutral[baked.faces].mean(1)
    face = (model.regions["face"] * (1 - model.regions["eyes"]))[model.faces].min(1) > 0.95
    face &= (model.correspondence[model.faces][..., 1].max(1) < 0.6) & (model.regions["lips"][model.faces].max(1) < 0.05)
    error = np.abs(colours - painted(middle)).max(1)
    assert observed[face].mean() > 0.4
    assert np.percentile(error[face & (observed > 0.95)], 95) < 0.06
    assert np.percentile(error[face & (observed < 0.05)], 90) < 0.12


def test_no_hair_is_painted_on_the_forehead_and_no_background_anywhere(baked: RiggedHead, model: HeadModel) -> None:
    colours, observed = at_vertices(baked)
    correspondence = model.correspondence[model.faces].mean(1)
    hidden = (correspondence[:, 1] > 0.72) & (model.regions["scalp"][model.faces].max(1) < 0.05)
    assert hidden.sum() > 20
    assert observed[hidden].max() < 0.05
    assert np.abs(colours[hidden] - SKIN).max() < 0.3
    head = (model.correspondence[model.faces] != 0).any(2).all(1) & (model.face_part == 0)
    assert (colours[head, 1] - colours[head, 0]).max() < 0.02


def test_the_scalp_is_shaved_but_not_skin(baked: RiggedHead, model: HeadModel) -> None:
    colours, _ = at_vertices(baked)
    scalp = colours[model.regions["scalp"][model.faces].min(1) > 0.95].mean(0)
    assert HAIR.mean() + 0.15 < scalp.mean() < SKIN.mean() - 0.05


def test_hair_too_short_to_stand_off_is_a_shade_on_the_scalp_when_parsing_tells_it(
    model: HeadModel, scene: tuple[RiggedHead, Result]
) -> None:
    rigged, result = scene
    view = result.views[0]
    crop = crop_picture(view.photo, HEAD.crop_box(view.camera), PARSING_SIZE)
    hair = np.linalg.norm(crop - HAIR, axis=-1) < 0.1
    parsing = np.stack([hair & (name == "hair") | ~hair & (name == "skin") for name in CLASSES], axis=-1).astype(np.float32)
    scalp = model.regions["scalp"][model.faces].min(1) > 0.95

    colours, _ = at_vertices(bake_head(rigged, flat(result, model), Anatomy.of(model), SIZE, parsing=parsing))
    assert HAIR.mean() + 0.15 < colours[scalp].mean() < SKIN.mean() - 0.05


def flat(result: Result, model: HeadModel) -> Result:
    """The same with the hair as paint on the skull."""
    posed = model.posed(Parameters(np.zeros(len(model.identity)), np.zeros(52), np.array([[0, np.radians(30), 0], *[[0, 0, 0]] * 4])))
    surface = replace(result.surface, vertices=result.views[0].pose.to_upright(posed.closed_vertices).astype(np.float32))
    return replace(result, meshes={"surface": surface})


def test_clothes_go_on_below_what_is_reconstructed_and_do_not_climb_the_neck(model: HeadModel, scene: tuple[RiggedHead, Result]) -> None:
    """A red jumper whose collar goes up to the chin; the reconstruction ends a little below it, and above it hair hides the neck."""
    rigged, result = scene
    surface, collar, end = result.surface, 0.04, -0.03
    height = surface.vertices[:, 1]
    kept = (height > end) & ((height < collar) | (height > collar + 0.08))
    renumbered, faces = np.cumsum(kept) - 1, surface.faces[kept[surface.faces].all(1)]
    colours = np.where(surface.vertices[:, 1:2] < collar, [0.8, 0.05, 0.05], SKIN).astype(np.float32)
    seen = np.where(surface.vertices[:, 1] < collar + 0.05, 0, surface.observed).astype(np.float32)
    parts = (values[kept] for values in (surface.vertices, surface.normals, colours, seen))
    vertices, normals, colours, observed = parts
    dressed = Mesh(vertices, renumbered[faces].astype(np.int32), normals, colours, observed)
    found, _ = at_vertices(bake_head(rigged, replace(result, meshes={"surface": dressed}), Anatomy.of(model), SIZE))
    height = rigged.posed(rigged.key_values, rigged.rotations)[rigged.faces][..., 1]
    skin = rigged.face_part == 0
    below, above = (height.max(1) < end - 0.05) & skin, (height.min(1) > collar + 0.02) & (height.max(1) < collar + 0.05) & skin
    assert min(below.sum(), above.sum()) > 20
    assert np.abs(found[below] - [0.8, 0.05, 0.05]).max() < 0.1
    assert np.percentile(np.abs(found[above] - SKIN).max(1), 75) < 0.1


def test_eyes_teeth_and_mouth_have_their_own_colours(baked: RiggedHead) -> None:
    colours, observed = at_vertices(baked)
    for name in ("upper teeth", "lower teeth"):
        assert colours[baked.face_part == MESH_PARTS.index(name)].min() > 0.7
    tongue = colours[baked.face_part == MESH_PARTS.index("tongue")]
    assert (tongue[:, 0] > tongue[:, 1] + 0.2).all()
    eye = baked.face_part == MESH_PARTS.index("left eye")
    middle = baked.neutral[baked.faces].mean(1) - baked.joints[3]
    front = eye & (np.hypot(middle[:, 0], middle[:, 1]) < 0.003) & (middle[:, 2] > 0)
    assert colours[front].max() < 0.5 < colours[eye & (middle[:, 2] < 0)].min()
    assert observed[baked.face_part != 0].max() == 0


def test_islands_are_padded(baked: RiggedHead) -> None:
    texels = Texels.of(baked.faces, baked.uv, baked.faces_uv, SIZE)
    covered = np.zeros(SIZE * SIZE, bool)
    covered[texels.index.numpy()] = True
    assert baked.texture is not None
    covered, texture = covered.reshape(SIZE, SIZE), baked.texture.astype(int)
    for axis, shift in ((0, 8), (0, -8), (1, 8), (1, -8)):
        edge = covered & ~np.roll(covered, -shift // 8, axis)
        outside = ~np.roll(covered, -shift, axis) & edge
        # Eight texels out, the colour is still one of the island's edge.
        assert np.percentile(np.abs(np.roll(texture, -shift, axis) - texture)[outside].max(1), 80) < 25


def test_any_mesh_on_the_reconstruction_takes_its_colours(scene: tuple[RiggedHead, Result]) -> None:
    _, result = scene
    vertices = result.surface.vertices
    # Front and back halves side by side.
    front = vertices[result.surface.faces].mean(1)[:, 2] > vertices[:, 2].mean()
    flat = (vertices[:, :2] - vertices[:, :2].min(0)) / np.ptp(vertices[:, :2], axis=0)
    uv = np.concatenate([flat * [0.5, 1], flat * [0.5, 1] + [0.5, 0]])
    faces_uv = np.where(front[:, None], result.surface.faces, result.surface.faces + len(vertices))
    texture, observed = bake_mesh(vertices, result.surface.faces, uv, faces_uv, result, SIZE)
    assert texture.shape == (SIZE, SIZE, 3) and observed.shape == (SIZE, SIZE)
    middle = uv[faces_uv].mean(1)
    column, row = (middle[:, 0] * SIZE).astype(int), ((1 - middle[:, 1]) * SIZE).astype(int)
    error = np.abs(texture[row, column] / 255 - result.surface.colours[result.surface.faces].mean(1)).max(1)
    assert np.median(error) < 0.02 and np.percentile(error, 90) < 0.15
    assert 0.1 < (observed[row, column] > 128).mean() < 0.6


def test_a_baked_texture_has_the_vertices_light_and_the_photos_detail(scene: tuple[RiggedHead, Result]) -> None:
    """Vertices' colours have an even light, which a photo with a shadow across it does not; freckles are in the photo alone."""
    rigged, result = scene
    view = result.views[0]
    photo = np.clip(view.photo * np.linspace(0.6, 1.2, len(view.photo))[None, :, None], 0, 255)
    freckled = photo.copy()
    freckled[::6, ::6] *= 0.5

    def baked_from(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shown = replace(result, views=(replace(view, photo=picture.astype(np.uint8)),))
        return bake_mesh(rigged.posed(rigged.key_values, rigged.rotations), rigged.faces, rigged.uv, rigged.faces_uv, shown, SIZE)

    even, seen = baked_from(view.photo)
    shaded, speckled = baked_from(photo)[0], baked_from(freckled)[0]
    where = seen > 200
    assert np.abs(shaded[where].astype(float) - even[where]).mean() < 3
    assert np.abs(speckled[where].astype(float) - shaded[where]).max() > 20


def test_a_mesh_that_lies_elsewhere_is_refused(scene: tuple[RiggedHead, Result]) -> None:
    rigged, result = scene
    with pytest.raises(InputError, match="move it onto the head"):
        bake_mesh(rigged.neutral + 0.3, rigged.faces, rigged.uv, rigged.faces_uv, result, SIZE)


def test_baking_tells_how_far_it_is_and_stops_when_told(model: HeadModel, scene: tuple[RiggedHead, Result]) -> None:
    told: list[float] = []

    def stop(share: float) -> None:
        told.append(share)
        if share > 0.8:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        bake_head(*scene, Anatomy.of(model), 1024, stop)
    # A worker that tells nothing for long is taken for one that hangs.
    assert told == sorted(told) and told[0] < 0.2 and max(np.diff(told)) < 0.3


def test_a_mesh_without_a_usable_uv_map_or_size_is_refused(scene: tuple[RiggedHead, Result]) -> None:
    rigged, result = scene
    with pytest.raises(InputError, match="unwrap"):
        bake_mesh(rigged.neutral, rigged.faces, rigged.uv + 5, rigged.faces_uv, result, SIZE)
    with pytest.raises(InputError, match="texels"):
        bake_mesh(rigged.neutral, rigged.faces, rigged.uv, rigged.faces_uv, result, 100_000)


def test_baking_twice_changes_nothing(model: HeadModel, scene: tuple[RiggedHead, Result], baked: RiggedHead) -> None:
    again = bake_head(replace(baked, texture=None), scene[1], Anatomy.of(model), SIZE)
    assert np.allclose(again.uv, baked.uv, atol=1e-6)
    assert again.texture is not None and baked.texture is not None
    assert (np.abs(again.texture.astype(int) - baked.texture).max(2) > 3).mean() < 1e-3


def test_another_topology_is_baked_like_our_own(model: HeadModel, scene: tuple[RiggedHead, Result], baked: RiggedHead) -> None:
    """The same head with its vertices in another order, laid out so that the inside of the mouth covers the face."""
    rigged, result = scene
    order = np.random.default_rng(0).permutation(len(rigged.neutral))
    place = np.argsort(order).astype(np.int32)
    anatomy = Anatomy.of(model).carried(np.stack([order] * 3, axis=1), np.tile([0.2, 0.3, 0.5], (len(order), 1)))
    flat = rigged.neutral[:, :2] - rigged.neutral[:, :2].min(0)
    flat /= flat.max()
    behind = rigged.neutral[rigged.faces].mean(1)[:, 2] < rigged.joints[JAW, 2]
    other = replace(
        rigged,
        neutral=rigged.neutral[order],
        faces=place[rigged.faces],
        keys=rigged.keys[:, order],
        correctives=rigged.correctives[:, order],
        weights=rigged.weights[order],
        correspondence=rigged.correspondence[order],
        uv=np.concatenate([flat * [0.5, 1], flat * [0.5, 1] + [0.5, 0]]).astype(np.float32),
        faces_uv=rigged.faces + len(order) * behind[:, None],
    )
    colours, _ = at_vertices(bake_head(other, result, anatomy, SIZE))
    expected, _ = at_vertices(baked)
    visible = (model.regions["face"][model.faces].min(1) > 0.95) & (model.face_part == 0)
    visible &= vertex_normals(rigged.neutral, rigged.faces)[rigged.faces].mean(1)[:, 2] > 0.6
    visible &= model.regions["eyes"][model.faces].max(1) < 0.05
    assert visible.sum() > 500
    assert np.percentile(np.abs(colours - expected)[visible].max(1), 90) < 0.05


def test_the_iris_is_found_wherever_the_eye_looks() -> None:
    rows, columns = np.mgrid[:60, :80] + 0.5
    metre = 1500.0
    photo = np.full((60, 80, 3), [0.8, 0.6, 0.5])
    opening = (np.abs(columns - 40) / 22) ** 2 + (np.abs(rows - 30) / 10) ** 2 < 1
    photo[opening] = [0.8, 0.78, 0.76]
    distance = np.hypot(columns - 45, rows - 29)
    photo[opening & (distance < 0.0059 * metre)] = [0.25, 0.4, 0.55]
    photo[opening & (distance < 3)] = 0.02
    found = seen_colours(photo, opening, np.array([40.0, 30.0]), metre)
    assert found is not None
    assert np.abs(found[0] - [0.25, 0.4, 0.55]).max() < 0.03 and np.abs(found[1] - [0.8, 0.78, 0.76]).max() < 0.03
    assert seen_colours(np.full((60, 80, 3), 0.6), opening, np.array([40.0, 30.0]), metre) is None


def test_a_painted_eye_has_pupil_iris_and_white() -> None:
    angle = np.radians([0, 14, 45, 170])
    points = 0.017 * np.stack([np.sin(angle), np.zeros(4), np.cos(angle)], axis=1)
    pupil, iris, white, back = paint_eye(points, np.array([0.2, 0.4, 0.6]), None)
    assert pupil.max() < 0.1
    assert iris[2] > iris[0] + 0.15
    assert white.min() > 0.7 and back.min() > 0.6


def test_hair_is_told_from_skin_by_this_photos_own_colours() -> None:
    rng = np.random.default_rng(0)
    photo = np.where(np.arange(64)[:, None, None] < 32, HAIR, SKIN) + rng.normal(0, 0.03, (64, 64, 3))
    hair, skin = np.zeros((2, 64, 64), bool)
    hair[:12], skin[-12:] = True, True
    bare = bare_skin(photo.clip(0, 1), skin, hair, 1.0)
    assert bare[:32].max() < 0.2 and bare[40:].min() > 0.9
    assert bare_skin(photo.clip(0, 1), skin, np.zeros_like(hair), 1.0).min() == 1


def test_hair_over_the_face_is_not_painted_on_it(model: HeadModel, scene: tuple[RiggedHead, Result]) -> None:
    rigged, result = scene
    view = result.views[0]
    points = HEAD.to_crop(view.pose.to_camera(rigged.posed(rigged.key_values, rigged.rotations)), view.camera)
    cheek = points[(model.regions["face"] > 0.95) & (model.correspondence[:, 1] < 0.6) & (model.correspondence[:, 1] > 0.5)].mean(0)
    column, row = view.camera.project(HEAD.from_crop(cheek[None], view.camera))[0].astype(int)
    photo, half = view.photo.copy(), int(0.012 * view.camera.scale)
    photo[row - half : row + half, column - half : column + half] = [0, 0, 255]
    stained = replace(result, views=(replace(view, photo=photo),))
    covered = crop_picture(photo, HEAD.crop_box(view.camera), PARSING_SIZE) @ [-1, 0, 1] > 0.5
    parsing = np.stack([covered & (name == "object") | ~covered & (name == "skin") for name in CLASSES], axis=-1).astype(np.float32)
    head = (model.correspondence[model.faces] != 0).any(2).all(1) & (model.face_part == 0)

    def blue(shares: np.ndarray | None) -> float:
        colours, _ = at_vertices(bake_head(rigged, stained, Anatomy.of(model), SIZE, parsing=shares))
        return float((colours[head, 2] - colours[head, 0]).max())

    assert blue(None) > 0.5
    assert blue(parsing) < 0.1
