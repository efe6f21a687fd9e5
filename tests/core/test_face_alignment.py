"""The 68 landmarks of face-alignment, which a stand-in for the package reports: beside MediaPipe's, and alone."""

import hashlib
import sys
import types

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from likeness.core import intakes, pipeline
from likeness.core.errors import AssetError, NoFaceError, ReconstructionError
from likeness.core.models.fit import fit, fit_head, mesh_landmarks
from likeness.core.models.head import HeadModel
from likeness.core.models.observation import Observation
from likeness.core.models.parametric import Parameters
from likeness.core.models.rotation import rotation_matrix, rotation_vector
from likeness.core.photo import face_alignment_provider as provider
from likeness.core.photo.face_alignment_provider import FaceAlignmentDetector, check_face_alignment
from likeness.core.photo.faces import LEFT_EYE_CORNER, RIGHT_EYE_CORNER, FaceDetector, MediaPipeDetector
from likeness.core.photo.intake import Intake
from likeness.core.photo.landmarks import IBUG68, LIDS, LIPS, MEDIAPIPE
from likeness.core.photo.view import Camera
from likeness.core.settings import Settings


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return skimage.data.astronaut()


@pytest.fixture(scope="module")
def face(astronaut):
    (found,) = MediaPipeDetector().detect(astronaut)
    return found


class Fixed(FaceDetector):
    """A detector that finds what it is told."""

    def __init__(self, *faces):
        self.faces = list(faces)

    def detect(self, image):
        return self.faces


class FakeNetwork(torch.nn.Linear):
    def __init__(self, hourglasses):
        assert hourglasses == 4
        super().__init__(1, 1)

    def forward(self, picture):
        assert picture.shape == (1, 3, 256, 256)
        return [torch.zeros(1, 68, 64, 64)]


@pytest.fixture
def package(monkeypatch, tmp_path):
    """A stand-in for the package that sees `points` (68, 2) wherever it looks, and faces in `boxes`; sound weights where it keeps them."""
    names = ("", ".utils", ".models", ".detection", ".detection.sfd")
    modules = {name: types.ModuleType(f"face_alignment{name}") for name in names}
    modules[""].__spec__ = types.SimpleNamespace(name="face_alignment")
    modules[""].__path__ = modules[".detection"].__path__ = []
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, f"face_alignment{name}", module)
    utils = modules[".utils"]
    utils.CENTER_Y_OFFSET, utils.REFERENCE_SCALE, utils.SCALE_FACTOR = 0.12, 195, 200.0
    utils.points, utils.boxes = np.zeros((68, 2)), []

    def crop(image, centre, scale):
        utils.centre, utils.side = centre, 200 * scale
        return np.zeros((256, 256, 3), np.uint8)

    utils.crop, utils.flip = crop, lambda maps, is_label=False: maps
    utils.get_preds_fromhm = lambda maps: (((utils.points - utils.centre) / utils.side + 0.5)[None] * maps.shape[-1], None, None)
    modules[".models"].FAN = FakeNetwork

    class Finder:
        def __init__(self, device, path_to_detector):
            assert path_to_detector.endswith(provider.FACES)

        def detect_from_image(self, image):
            return utils.boxes

    modules[".detection.sfd"].FaceDetector = Finder
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(FakeNetwork(4).state_dict(), folder / "weights")
    digest = hashlib.sha256((folder / "weights").read_bytes()).hexdigest()[:10]
    for name in ("LANDMARKS", "FACES"):
        monkeypatch.setattr(provider, name, f"{name.lower()}-{digest}.pth")
    (folder / "weights").rename(provider.weights_path())
    return utils


def add_finder():
    path = provider.weights_path()
    path.with_name(provider.FACES).write_bytes(path.read_bytes())


def photographed(model, yaw=0.2, seed=3):
    """A head of the model in a photo: MediaPipe's landmarks, iBUG's, and where its vertices are."""
    rng = np.random.default_rng(seed)
    rotations = np.zeros((5, 3))
    rotations[0] = rotation_vector(rotation_matrix(np.array([0.1, yaw, 0])))
    posed = model.posed(Parameters(np.clip(rng.normal(0, 0.8, len(model.identity)), -2, 2), np.zeros(52), rotations))
    camera = Camera((260.0, 240.0), 1500.0, 1.5)
    points = model.mediapipe.on(posed.vertices) + model.mediapipe.bias @ posed.rotation.T
    mesh = np.concatenate([camera.project(points), points[:, 2:] * camera.scale], axis=1)
    return mesh, camera.project(model.ibug68.on(posed.vertices)), posed


def error(model, fitted, posed):
    """Millimetres."""
    face = model.regions["face"] > 0.5
    return 1000 * np.linalg.norm(fitted.vertices - posed.vertices, axis=1)[face].mean()


@pytest.mark.parametrize("yaw", [0.0, 0.4, -0.6])
def test_the_68_points_alone_give_pose_and_shape(model, yaw):
    mesh, points, posed = photographed(model, yaw)
    fitted = fit_head(model, Observation({IBUG68: points}))
    assert np.degrees(np.linalg.norm(rotation_vector(fitted.rotation.T @ posed.rotation))) < 6
    assert fitted.camera.scale == pytest.approx(1500, rel=0.05)
    assert error(model, fitted, posed) < 5
    eyes = np.linalg.norm(mesh[LEFT_EYE_CORNER] - mesh[RIGHT_EYE_CORNER])
    assert np.linalg.norm((mesh_landmarks(model, points) - mesh)[:, :2], axis=1).mean() < 0.06 * eyes


@pytest.mark.parametrize("points", [np.full((68, 2), 7.0), np.random.default_rng(0).normal(size=(68, 2)) * 100])
def test_68_points_that_are_no_face_are_refused(model, points):
    with pytest.raises(ReconstructionError, match="do not form a face"):
        mesh_landmarks(model, points)


def test_a_second_opinion_that_agrees_makes_the_fit_better(model):
    gains = []
    for seed in range(4):
        mesh, points, posed = photographed(model, seed=seed)
        rng = np.random.default_rng(seed)
        # Errors of a detector are alike over each part of a face, and smaller at lips and lids.
        errors = rng.normal(0, 1.5, (12, 2))[np.arange(468) * 12 // 468]
        errors[[*LIPS, *LIDS]] /= 2
        mesh[:, :2] += errors
        seen = Observation({MEDIAPIPE: mesh})
        both = Observation({MEDIAPIPE: mesh, IBUG68: points})
        gains.append(error(model, fit_head(model, seen), posed) - error(model, fit_head(model, both), posed))
    assert np.mean(gains) > 0.05


def test_a_second_opinion_that_disagrees_hardly_counts(model):
    mesh, points, _ = photographed(model)
    alone = fit_head(model, Observation({MEDIAPIPE: mesh}))
    eyes = np.linalg.norm(mesh[LEFT_EYE_CORNER] - mesh[RIGHT_EYE_CORNER])
    torn = fit_head(model, Observation({MEDIAPIPE: mesh, IBUG68: points + np.array([0.6 * eyes, 0])}))
    assert np.linalg.norm(torn.vertices - alone.vertices, axis=1).mean() < 0.001


def test_photos_with_different_landmarks_are_fitted_together(model):
    mesh, points, posed = photographed(model)
    both = fit(model, [Observation({MEDIAPIPE: mesh}), Observation({IBUG68: points}), Observation({MEDIAPIPE: mesh, IBUG68: points})])
    assert len({view.identity.tobytes() for view in both.views}) == 1
    assert max(error(model, view, posed) for view in both.views) < 4


@pytest.mark.parametrize("turns", [0, 1])
def test_a_face_that_is_found_is_looked_at_again(package, astronaut, face, turns):
    package.points = face.mesh[:68, :2] + 3
    image = np.ascontiguousarray(np.rot90(astronaut, turns))
    detector = FaceAlignmentDetector(Fixed(face.turned(turns, astronaut.shape)), lambda points: pytest.fail("the face was found"))
    view = Intake(detector).view(image, "a.jpg")
    assert np.allclose(view.landmarks[IBUG68], package.points, atol=1e-3) and not view.modelled
    assert np.allclose(view.mesh, face.mesh, atol=1e-3) and view.warnings == ()
    assert np.allclose((package.centre - face.mesh[:, :2].mean(0)) / face.size, 0, atol=0.3)
    seen = Observation.of(view)
    assert all(seen.landmarks[kind] is view.landmarks[kind] for kind in (MEDIAPIPE, IBUG68))


def test_a_face_that_mediapipe_misses_is_found_alone_with_a_warning(package, model, astronaut, face):
    add_finder()
    package.points = model_points(model, face)
    left, top, right, bottom = face.box
    package.boxes = [np.array([left, top, right, bottom, 0.9])]
    detector = FaceAlignmentDetector(Fixed(), lambda points: mesh_landmarks(model, points))
    view = Intake(detector).view(astronaut, "a.jpg")
    assert view.modelled and np.allclose(view.landmarks[IBUG68], package.points, atol=1e-3)
    assert view.warnings == (
        "MediaPipe found no face in a.jpg; the head is fitted to the 68 points of face-alignment alone, which is rougher.",
    )
    apart = np.linalg.norm((view.mesh - face.mesh)[:, :2], axis=1).mean()
    assert apart < 0.1 * np.linalg.norm(face.mesh[LEFT_EYE_CORNER] - face.mesh[RIGHT_EYE_CORNER])
    seen = Observation.of(view)
    assert seen.landmarks.keys() == {IBUG68} and fit_head(model, seen).residual < 0.03


def test_a_head_is_made_of_a_photo_in_which_mediapipe_finds_nothing(package, model, astronaut, face, monkeypatch, tmp_path):
    add_finder()
    package.points = model_points(model, face)
    package.boxes = [np.array([*face.box, 0.9])]
    monkeypatch.setattr(intakes, "MediaPipeDetector", Fixed)
    Image.fromarray(astronaut).save(tmp_path / "a.png")
    own = provider.weights_path()
    settings = Settings(quality="draft", detector="face-alignment", detector_weights=str(own))
    report = pipeline.Reconstructor.load("cpu").run(tmp_path / "a.png", settings).report
    assert any("which is rougher" in warning for warning in report["warnings"])
    assert report["settings"]["detector"] == "face-alignment" and report["settings"]["detector_weights"] == own.name
    assert report["mesh"]["watertight"] and report["silhouette_iou"] > 0.9


def model_points(model, face):
    """iBUG's landmarks of the head fitted to a face."""
    fitted = fit_head(model, Observation({MEDIAPIPE: face.mesh}))
    return fitted.camera.project(model.ibug68.on(fitted.vertices))


def test_what_forms_no_face_is_not_found(package, model, astronaut):
    add_finder()
    package.boxes = [np.array([100.0, 100, 300, 300, 0.9])]
    package.points = np.full((68, 2), 7.0)
    for boxes in (package.boxes, []):
        package.boxes = boxes
        with pytest.raises(NoFaceError):
            Intake(FaceAlignmentDetector(Fixed(), lambda points: mesh_landmarks(model, points))).view(astronaut, "a.jpg")


def test_weights_that_the_user_names_are_used(package, tmp_path, face, astronaut):
    own = tmp_path / "my.tar"
    provider.weights_path().rename(own)
    with pytest.raises(AssetError, match="is missing; place"):
        FaceAlignmentDetector(Fixed(face), mesh_landmarks)
    again = FaceAlignmentDetector(Fixed(face), mesh_landmarks, str(own)).with_all_landmarks(astronaut, face)
    assert again.landmarks[IBUG68].shape == (68, 2)


def test_unsound_weights_are_refused(package, monkeypatch, face):
    path = provider.weights_path()
    sound = path.read_bytes()
    path.write_bytes(b"tampered")
    with pytest.raises(AssetError, match="is damaged or not"):
        FaceAlignmentDetector(Fixed(face), mesh_landmarks)
    path.write_bytes(sound)
    path.with_name(provider.FACES).write_bytes(b"tampered")
    with pytest.raises(AssetError, match="is damaged or not"):
        FaceAlignmentDetector(Fixed(face), mesh_landmarks)
    monkeypatch.setattr(provider, "_LARGEST", 10)
    with pytest.raises(AssetError, match="is larger than"):
        FaceAlignmentDetector(Fixed(face), mesh_landmarks)


def test_weights_that_would_run_code_are_refused(package, monkeypatch, face):
    class Hostile:
        def __reduce__(self):
            return pytest.fail, ("ran",)

    path = provider.weights_path()
    torch.save({"weight": Hostile()}, path)
    monkeypatch.setattr(provider, "LANDMARKS", f"own-{hashlib.sha256(path.read_bytes()).hexdigest()[:10]}.pth")
    with pytest.raises(AssetError, match="holds no network"):
        FaceAlignmentDetector(Fixed(face), mesh_landmarks, str(path))


def test_other_versions_of_the_package_are_refused(package, face):
    del sys.modules["face_alignment.models"].FAN
    with pytest.raises(AssetError, match=r"install version 1\.5"):
        FaceAlignmentDetector(Fixed(face), mesh_landmarks)


def test_a_missing_package_is_told_in_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    with pytest.raises(AssetError, match=r"^The detector face-alignment needs the package face-alignment; install it for .*\.$"):
        check_face_alignment()
