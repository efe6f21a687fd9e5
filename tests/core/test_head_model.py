"""The bundled head model: layout, frames, solid, landmarks; and how the loader treats files that are not one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from likeness.core.errors import AssetError
from likeness.core.geometry.mesh import signed_volume
from likeness.core.geometry.raster import fragments
from likeness.core.models.head import DEFAULT_FILE, HeadModel
from likeness.core.models.joints import LEFT_EYE, NECK, RIGHT_EYE
from likeness.core.models.parametric import Parameters
from likeness.core.models.rotation import rotation_matrix, rotation_vector


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


def some_person(model: HeadModel, seed: int = 0) -> Parameters:
    rng = np.random.default_rng(seed)
    expression = np.zeros(52)
    expression[[model.expression_names.index("jawOpen"), model.expression_names.index("mouthSmileLeft")]] = 0.5
    return Parameters(rng.normal(0, 0.8, len(model.identity)), expression, rng.normal(0, 0.2, (5, 3)))


def test_mean_head_is_in_the_documented_frame(model):
    posed = model.posed(model.neutral())
    assert np.allclose(posed.joints[LEFT_EYE], [0.0315, 0, 0], atol=2e-4)
    assert np.allclose(posed.joints[RIGHT_EYE], [-0.0315, 0, 0], atol=2e-4)
    assert posed.joints[NECK][1] < -0.1
    nose = model.mediapipe.on(posed.vertices)[4]
    assert abs(nose[0]) < 1e-3 and nose[1] < -0.02 and nose[2] > 0.02


def test_no_two_faces_of_the_uv_map_overlap_and_the_eyes_are_far_apart_in_it(model):
    flat = torch.from_numpy(np.pad(2 * model.uv - 1, [(0, 0), (0, 1)]))
    drawn = fragments(flat, torch.from_numpy(model.faces_uv.astype(np.int64)), 2048)
    assert len(torch.unique(drawn.pixel)) == len(drawn.pixel) and (drawn.sign > 0).all()
    corners = model.uv[model.faces_uv].mean(1)
    left, right = (corners[(np.abs(model.mean[model.faces].mean(1) - eye) < 0.02).all(1) & (corners[:, 1] > 0.4)].mean(0)
                   for eye in ([0.0315, 0, 0.01], [-0.0315, 0, 0.01]))  # fmt: skip
    assert left[0] - right[0] > 0.15 and abs(left[1] - right[1]) < 0.01


def test_every_person_has_the_same_eye_distance_and_stays_centred(model):
    for seed in range(4):
        posed = model.posed(some_person(model, seed))
        eyes = posed.joints[[LEFT_EYE, RIGHT_EYE]]
        assert np.linalg.norm(eyes[0] - eyes[1]) == pytest.approx(0.063, rel=0.02)
        assert np.allclose(eyes.mean(0), 0, atol=1e-6)


def test_solid_is_closed_and_looks_outwards_in_any_pose(model):
    faces = model.closed_mesh.faces
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    keys = directed @ [1_000_000, 1]
    assert len(np.unique(keys)) == len(keys)
    assert np.array_equal(np.sort(keys), np.sort(directed @ [1, 1_000_000]))
    posed = model.posed(some_person(model))
    assert 0.005 < signed_volume(posed.closed_vertices, faces) < 0.04
    assert np.allclose(np.linalg.norm(posed.closed_normals, axis=1), 1, atol=1e-4)


def test_eye_patches_lie_on_the_eyeballs(model):
    posed = model.posed(some_person(model))
    radius = np.median(np.linalg.norm(posed.vertices[model.part == 1] - posed.joints[LEFT_EYE], axis=1))
    # Subdivision keeps the first vertices in order; it cuts the corners of the eye a little.
    patch = posed.closed_vertices[model.closed_mesh.cavities["left_eye"]]
    near = np.linalg.norm(patch - posed.joints[LEFT_EYE], axis=1) / radius
    assert near.min() > 0.8 and near.max() < 1.02 and np.median(near) > 0.97


def test_the_patch_between_closed_lips_lies_a_little_behind_them(model):
    patch, lips = mouth(model)
    behind = lips[:, 2].min() - patch[:, 2]
    assert len(patch) > 20 and behind.min() > 0.002 and behind.max() < 0.005


def test_left_is_the_persons_left_and_the_mirror_maps_sides(model):
    assert (model.mean[model.part == 1][:, 0] > 0).all()
    assert (model.mirror[model.mirror] == np.arange(len(model.mirror))).mean() > 0.998
    assert np.abs(model.mean[model.mirror] * [-1, 1, 1] - model.mean).max() < 2e-3
    left, right = (model.expression[model.expression_names.index(f"mouthSmile{side}")] for side in ("Left", "Right"))
    assert np.abs(left).sum(1) @ model.mean[:, 0] > 0 > np.abs(right).sum(1) @ model.mean[:, 0]


def test_open_jaw_lowers_the_chin_and_closed_eyes_lower_the_lids(model):
    def landmark(name: str, point: int) -> float:
        expression = np.array([float(other == name) for other in model.expression_names])
        return (
            model.mediapipe.on(model.rest(np.zeros(len(model.identity)), expression)[0])[point, 1]
            - model.mediapipe.on(model.mean)[point, 1]
        )

    assert landmark("jawOpen", 152) < -0.01
    assert landmark("eyeBlinkLeft", 386) < -0.004 < landmark("eyeBlinkLeft", 159)


def test_neck_turns_the_head_and_leaves_the_chest(model):
    rotations = np.zeros((5, 3))
    rotations[NECK] = [0, 0.5, 0]
    posed = model.posed(replace(model.neutral(), rotations=rotations))
    turned = posed.vertices - posed.joints[NECK] + model.skeleton.joints[NECK]
    moved = np.linalg.norm(turned - model.mean, axis=1)
    assert moved[(model.weights[:, 0] > 0.999)].max() < 1e-6
    assert model.mediapipe.on(turned)[4, 0] > 0.03  # towards the person's left


def test_codes_and_regions_are_in_range_and_off_the_shoulders(model):
    assert model.closed_correspondence.min() >= 0 and model.closed_correspondence.max() <= 1
    chest = model.closed_mesh.on(model.mean)
    assert (model.closed_correspondence[chest[:, 1] < -0.25] == 0).all()
    for name in ("face", "ears", "scalp", "neck", "eyes", "lips", "head", "brows"):
        mask = model.closed_region(name)
        assert mask.min() >= 0 and 0.5 < mask.max() <= 1 and (mask > 0.5).mean() < 0.9


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_a_damaged_or_missing_file_is_named(tmp_path, content):
    path = tmp_path / "broken.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AssetError, match=r"broken\.npz"):
        HeadModel.load(path)


def test_a_file_of_another_layout_is_refused(tmp_path):
    with np.load(DEFAULT_FILE, allow_pickle=False) as data:
        arrays = {name: data[name] for name in data.files}
    np.savez(tmp_path / "model.npz", **arrays | {"weights": arrays["weights"][:-1]})
    with pytest.raises(AssetError, match="weights"):
        HeadModel.load(tmp_path / "model.npz")
    np.savez(tmp_path / "model.npz", **arrays | {"faces": arrays["faces"] + 10})
    with pytest.raises(AssetError, match="faces"):
        HeadModel.load(tmp_path / "model.npz")


def test_rotation_vectors_and_matrices_are_inverse_also_near_zero_and_half_a_turn():
    rng = np.random.default_rng(0)
    axes = rng.normal(size=(20, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    for angle in (0.0, 1e-9, 0.3, 3.0, np.pi - 1e-6):
        matrices = rotation_matrix(axes * angle)
        assert np.allclose(matrices @ np.swapaxes(matrices, 1, 2), np.eye(3))
        assert np.allclose(rotation_vector(matrices), axes * angle, atol=1e-7)
    quarter = rotation_matrix(np.array([0, 0, np.pi / 2]))
    assert np.allclose(quarter @ [1, 0, 0], [0, 1, 0])


def mouth(model: HeadModel, **expression: float) -> tuple[np.ndarray, np.ndarray]:
    """Middle of the patch behind the lips (N, 3), and of the lips (M, 3), of the mean head."""
    values = np.array([expression.get(name, 0.0) for name in model.expression_names])
    posed = model.posed(replace(model.neutral(), expression=values))
    patch = posed.closed_vertices[model.closed_mesh.cavity("mouth") > 0.9]
    lips = posed.vertices[model.regions["lips"] > 0.5]
    return patch[np.abs(patch[:, 0]) < 0.003], lips[np.abs(lips[:, 0]) < 0.003]


def test_between_smiling_lips_is_an_upright_row_of_teeth(model: HeadModel) -> None:
    """Unlike a membrane, which runs back beneath the upper lip and comes forward on the lower one as a ledge."""
    patch, lips = mouth(model, jawOpen=0.15, mouthSmileLeft=0.9, mouthSmileRight=0.9, mouthUpperUpLeft=0.4, mouthUpperUpRight=0.4)
    seen = patch[(patch[:, 1] < -0.064) & (patch[:, 1] > -0.072)]
    assert len(seen) > 5 and np.ptp(seen[:, 2]) < 0.003
    assert 0.002 < lips[:, 2].min() - seen[:, 2].mean() < 0.006


def test_an_open_mouth_is_not_filled_with_teeth(model: HeadModel) -> None:
    patch, lips = mouth(model, jawOpen=0.8)
    upper = lips[lips[:, 1] > -0.08]
    teeth, below = patch[patch[:, 1] > -0.079], patch[patch[:, 1] < -0.083]
    assert min(len(teeth), len(below)) > 5
    assert np.ptp(teeth[:, 2]) < 0.003 and upper[:, 2].min() - below[:, 2].mean() > 0.012
