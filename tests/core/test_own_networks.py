"""Detail networks of the user's own: files that we make here, on the astronaut's photo and on a stored case with its truth."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness.core.bodies import PreparedBody
from likeness.core.errors import InputError
from likeness.core.geometry.mesh import vertex_normals
from likeness.core.geometry.raster import interpolate, rasterize
from likeness.core.networks.own import BUNDLED, DetailNetwork, OwnNetworks, camera_normals
from likeness.core.photo.crop import crop_picture
from likeness.core.photo.figure import BodyView
from likeness.core.photo.framing import HEAD
from likeness.core.photo.intake import Intake
from likeness.core.photo.parsing import CLASSES
from likeness.core.photo.view import Camera
from likeness.core.pipeline import Reconstructor
from likeness.core.prepared import PreparedPhoto
from likeness.core.result import Result
from likeness.core.settings import Settings
from likeness.evaluation.case import Case

from .onnx_files import SHAPE, node, outside_tensor, tensor, write_answers, write_channel, write_onnx

CASE = Path(__file__).parents[1] / "gate" / "cases" / "bust_1008"
SIZE = 512
ORDER, SIGNS = [2, 0, 1], np.array([1, -1, -1], np.float32)  # a network whose first axis is our -y, and so on


def over_crop(vertices: np.ndarray, camera: Camera, box: tuple[float, float, float]) -> torch.Tensor:
    """Camera-frame vertices (V, 3) as a camera's photo shows them over a square of it, in [-1, 1]."""
    pixels = camera.project(vertices)
    left, top, side = box
    flat = np.stack([(pixels[:, 0] - left) / side * 2 - 1, 1 - (pixels[:, 1] - top) / side * 2], axis=1)
    return torch.from_numpy(np.concatenate([flat, vertices[:, 2:] / HEAD.half], axis=1).astype(np.float32))


def drawn(
    vertices: np.ndarray, faces: np.ndarray, values: np.ndarray, camera: Camera, box: tuple[float, float, float]
) -> np.ndarray:  # fmt: skip
    """Values (V, C) of a mesh's vertices (SIZE, SIZE, C) as its camera sees them over a square of the photo, 0 off it."""
    triangles = torch.from_numpy(faces.astype(np.int64))
    raster = rasterize(over_crop(vertices, camera, box), triangles, SIZE)
    return (interpolate(raster, triangles, torch.from_numpy(values.astype(np.float32))) * raster.mask[..., None]).numpy()


def normal_map(vertices: np.ndarray, faces: np.ndarray, camera: Camera, box: tuple[float, float, float]) -> np.ndarray:
    """Unit camera-frame normals (SIZE, SIZE, 3) towards the viewer, 0 off the mesh; hair's sheets are seen from both sides."""
    values = drawn(vertices, faces, vertex_normals(vertices.astype(np.float32), faces), camera, box)
    values *= np.where(values[..., 2:] < 0, -1, 1)
    return values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-6)


def degrees(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    """Mean angle of two maps of normals."""
    cosine = (one[where] * other[where]).sum(-1) / np.maximum(np.linalg.norm(one[where], axis=-1), 1e-6)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean())


def true_normals(case: Case, box: tuple[float, float, float]) -> np.ndarray:
    """The subject's `normal_map` over a square of the photo."""
    assert case.truth is not None and case.camera is not None
    return normal_map(case.truth.vertices, case.truth.faces, case.camera, box)


def true_face(case: Case, box: tuple[float, float, float]) -> np.ndarray:
    """(SIZE, SIZE) bool: where a square of the photo shows the true face."""
    assert case.truth is not None and case.camera is not None
    there = (case.truth.region == case.truth.region_names.index("face"))[:, None]
    return drawn(case.truth.vertices, case.truth.faces, there, case.camera, box)[..., 0] > 0.9


@pytest.fixture(scope="module")
def case() -> Case:
    return Case.load(CASE)


@pytest.fixture(scope="module")
def seen(reconstructor: Reconstructor, case: Case) -> PreparedPhoto:
    return reconstructor.prepare(reconstructor.intake.view(case.photo, case.name))


@pytest.fixture(scope="module")
def truth(case: Case, seen: PreparedPhoto) -> np.ndarray:
    return true_normals(case, seen.crop_box)


@pytest.fixture(scope="module")
def face(case: Case, seen: PreparedPhoto) -> np.ndarray:
    return true_face(case, seen.crop_box)


@pytest.fixture(scope="module")
def oracle(truth: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that answers the truth, in other axes and lengths than ours."""
    answer = 3 * (truth[..., ORDER] * SIGNS).transpose(2, 0, 1)[None]
    return write_answers(tmp_path_factory.mktemp("oracle") / "oracle.onnx", answer)


def test_a_network_sees_blue_green_red_between_0_and_1(tmp_path: Path) -> None:
    picture = np.broadcast_to(np.array([0.25, 0.5, 1.0], np.float32), (SIZE, SIZE, 3))
    for channel, value in enumerate((1.0, 0.5, 0.25)):
        network = DetailNetwork(write_channel(tmp_path / f"{channel}.onnx", channel))
        assert network(picture, "matte").shape == (SIZE, SIZE, 1) and np.allclose(network(picture, "matte"), value)


def test_true_normals_in_any_axes_come_out_right(reconstructor: Reconstructor, case: Case, seen: PreparedPhoto, oracle: Path) -> None:
    own = OwnNetworks.of(Settings(normals=str(oracle)), BUNDLED)
    prepared = reconstructor.prepare(seen.view, own)
    prediction, camera = prepared.prediction, prepared.fit.camera
    assert prediction.own is not None and prediction.front is prediction.own
    found = prediction.own[0].permute(1, 2, 0).numpy()
    size = np.linalg.norm(found, axis=-1)
    person = crop_picture(seen.view.matte, prepared.crop_box, SIZE)
    face = true_face(case, prepared.crop_box)
    assert np.allclose(size[size > 0], 1, atol=1e-4) and (size[person < 0.1] == 0).all() and (size[face & (person > 0.9)] > 0).mean() > 0.99
    face = face & (size > 0)
    maps = prepared.surface.maps(SIZE).numpy()
    across = (np.arange(SIZE) + 0.5) * 2 / SIZE - 1
    crop = np.stack([*np.meshgrid(across, -across), maps[6] + HEAD.eye_depth], axis=-1)
    places = HEAD.from_crop(crop.reshape(-1, 3), camera).reshape(SIZE, SIZE, 3)
    back = camera.normals_from_crop(found[face], places[face])
    assert degrees(back, true_normals(case, prepared.crop_box)[face], np.ones(len(back), bool)) < 1
    # What the field reads is a smaller picture of the same; the back is the bundled network's still.
    assert prediction.normals.shape == seen.prediction.normals.shape
    assert (prediction.back is None) == (seen.prediction.back is None)


def test_the_fit_takes_true_normals_in(reconstructor: Reconstructor, case: Case, seen: PreparedPhoto, oracle: Path) -> None:
    refined = reconstructor.prepare(seen.view, OwnNetworks.of(Settings(normals=str(oracle)), BUNDLED))

    def error(prepared: PreparedPhoto) -> float:
        box, faces = prepared.crop_box, prepared.surface.faces
        found = normal_map(prepared.fit.closed_vertices, faces, prepared.fit.camera, box)
        return degrees(found, true_normals(case, box), true_face(case, box))

    before, after = error(seen), error(refined)
    print(f"degrees from the truth: {before:.2f} before, {after:.2f} with true normals")
    assert after < 0.8 * before


def test_with_true_normals_the_face_comes_out_nearer_to_the_truth(
    reconstructor: Reconstructor, seen: PreparedPhoto, oracle: Path, truth: np.ndarray, face: np.ndarray
) -> None:
    box, settings = seen.crop_box, Settings(quality="draft", normals=str(oracle))

    def error(result: Result) -> float:
        surface, view = result.surface, result.views[0]
        return degrees(normal_map(view.pose.to_camera(surface.vertices), surface.faces, view.camera, box), truth, face)

    without = error(reconstructor.run(seen, settings))
    result = reconstructor.run(CASE / "photo.jpg", settings)
    with_it = error(result)
    print(f"degrees from the truth: {without:.2f} without, {with_it:.2f} with true normals")
    assert with_it < 0.55 * without  # measured: 11.5 and 5.1
    assert result.report["weights"]["normals/oracle.onnx"] == hashlib.sha256(oracle.read_bytes()).hexdigest()
    assert result.report["settings"]["normals"] == "oracle.onnx"


@pytest.mark.parametrize("normal", [(0, 0, 1), (0.6, 0, 0.8), (0, 0, 0)])
def test_normals_that_fit_no_axes_are_refused(seen: PreparedPhoto, normal: tuple[float, float, float]) -> None:
    answer = np.broadcast_to(np.array(normal, np.float32), (SIZE, SIZE, 3))
    with pytest.raises(InputError, match=r"The normals of flat.onnx do not agree .*\.$"):
        camera_normals(answer, "flat.onnx", seen.fit.camera, seen.surface, np.ones((SIZE, SIZE), bool))


def test_normals_go_to_the_crop_frame_as_the_surface_does() -> None:
    rng = np.random.default_rng(0)
    camera = Camera((0.0, 0.0), 1000.0, 0.7)
    points, first, second = rng.uniform(-0.1, 0.1, (3, 50, 3))
    normals = np.cross(first, second)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    step = 1e-6
    along = [(HEAD.to_crop(points + step * side, camera) - HEAD.to_crop(points, camera)) / step for side in (first, second)]
    wanted = np.cross(*along)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert np.allclose(camera.normals_to_crop(normals, points), wanted, atol=1e-3)
    assert np.allclose(camera.normals_from_crop(wanted, points), normals, atol=1e-3)


def test_an_own_matte_cuts_the_person_out_and_keeps_the_classes(reconstructor: Reconstructor, case: Case, tmp_path: Path) -> None:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    disc = np.hypot(rows - 256, columns - 256) < 180
    file = write_answers(tmp_path / "disc.onnx", np.where(disc, 1.5, -0.5)[None, None])
    own = OwnNetworks.of(Settings(matte=str(file)), BUNDLED)
    bundled = reconstructor.intake
    view = Intake(bundled.detector, own.parser(bundled.parser)).view(case.photo, case.name)
    plain = bundled.view(case.photo, case.name)
    assert view.parsing is not None and view.parsing.shares.shape == (SIZE, SIZE, len(CLASSES))
    coverage = 1 - view.parsing.share("background")
    assert coverage.min() >= 0 and coverage.max() <= 1 and ((coverage > 0.5) == disc).mean() > 0.999
    left, top, side = view.parsing.square
    height, width = view.matte.shape
    y, x = np.mgrid[:height, :width] + 0.5
    away = np.hypot(x - left - side / 2, y - top - side / 2) / side * SIZE
    assert view.matte[away < 165].min() > 0.9 and view.matte[away > 195].max() < 0.1
    assert not np.array_equal(view.matte, plain.matte)
    assert own.matte is not None and reconstructor.prepare(view, own).prediction.shift is None


def test_a_matte_leaves_other_people_out(reconstructor: Reconstructor, case: Case, tmp_path: Path) -> None:
    pair = np.concatenate([case.photo, case.photo], axis=1)
    file = write_answers(tmp_path / "all.onnx", np.ones((1, 1, SIZE, SIZE)))
    own, bundled = OwnNetworks.of(Settings(matte=str(file)), BUNDLED), reconstructor.intake
    intake = Intake(bundled.detector, own.parser(bundled.parser))
    view, alone = intake.view(pair, "pair", subject=0), intake.view(case.photo, "alone")
    half = case.photo.shape[1]
    assert alone.matte[:, half // 2 - 20 : half // 2 + 20].mean() > 0.5
    assert view.matte[:, half + half // 2 - 20 :].max() < 0.05


def test_one_file_may_give_depth_normals_and_foreground(tmp_path: Path) -> None:
    normals, matte = np.full(SHAPE, 0.5), np.full((1, 1, SIZE, SIZE), 0.25)
    file = str(write_answers(tmp_path / "all.onnx", np.zeros((1, SIZE, SIZE)), normals, matte))
    own = OwnNetworks.of(Settings(normals=file, matte=file), BUNDLED)
    assert own.normals is not None and own.normals is own.matte
    picture = np.zeros((SIZE, SIZE, 3), np.float32)
    assert (own.normals(picture, "normals") == 0.5).all() and (own.normals(picture, "matte") == 0.25).all()
    digest = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    assert own.hashes() == {"normals/all.onnx": digest, "matte/all.onnx": digest}
    assert OwnNetworks.of(Settings(normals=file, matte=file), own) is own
    write_answers(Path(file), normals * 2, matte)
    assert OwnNetworks.of(Settings(normals=file, matte=file), own) is not own


def broken_files(folder: Path) -> dict[str, Path]:
    ones = np.ones(SHAPE)
    (folder / "photo.onnx").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (folder / "empty.onnx").write_bytes(b"")
    whole = write_answers(folder / "whole.onnx", ones).read_bytes()
    (folder / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    identity = [node("Identity", ["w"], ["answer"])]
    strange = [node("Strange", ["picture"], ["answer"], "com.example")]
    return {
        "missing.onnx cannot be read": folder / "missing.onnx",
        "photo.onnx is not an ONNX file": folder / "photo.onnx",
        "empty.onnx is not an ONNX file": folder / "empty.onnx",
        "cut.onnx is not an ONNX file": folder / "cut.onnx",
        "small.onnx gives no normals": write_answers(folder / "small.onnx", np.ones((1, 3, 256, 256))),
        "matte.onnx gives no normals": write_answers(folder / "matte.onnx", np.ones((1, 1, SIZE, SIZE))),
        "input.onnx does not take one picture": write_onnx(
            folder / "input.onnx", identity, [tensor("w", ones)], {"answer": SHAPE}, (1, 3, 224, 224)
        ),
        "outside.onnx keeps weights in other files": write_onnx(
            folder / "outside.onnx", identity, [outside_tensor("w", SHAPE, "whole.onnx")], {"answer": SHAPE}
        ),
        "strange.onnx cannot be run by onnxruntime": write_onnx(folder / "strange.onnx", strange, [], {"answer": SHAPE}),
    }


def test_files_that_cannot_be_used_are_refused_with_a_sentence(tmp_path: Path) -> None:
    for sentence, path in broken_files(tmp_path).items():
        with pytest.raises(InputError) as refused:
            OwnNetworks.of(Settings(normals=str(path)), BUNDLED)
        assert str(refused.value).startswith(sentence) and str(refused.value).endswith(".") and "\n" not in str(refused.value)


def test_answers_of_undeclared_shape_or_without_numbers_are_refused(tmp_path: Path) -> None:
    picture = np.zeros((SIZE, SIZE, 3), np.float32)
    tall = write_onnx(
        tmp_path / "tall.onnx",
        [node("Identity", ["w"], ["answer"])],
        [tensor("w", np.ones((1, 3, 4, 4)))],
        {"answer": ("n", "c", "h", "w")},
    )
    with pytest.raises(InputError, match="gives no normals"):
        DetailNetwork(tall)(picture, "normals")
    with pytest.raises(InputError, match="not finite"):
        DetailNetwork(write_answers(tmp_path / "nan.onnx", np.full(SHAPE, np.nan)))(picture, "normals")


def test_a_file_of_more_than_2_gb_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "huge.onnx").open("wb") as file:
        file.truncate(2 * 2**30 + 1)  # takes no room on the disk
    with pytest.raises(InputError, match=r"huge.onnx is larger than 2 GB"):
        DetailNetwork(tmp_path / "huge.onnx")


def test_without_onnxruntime_the_sentence_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"needs the package onnxruntime.*install onnxruntime"):
        DetailNetwork(write_answers(tmp_path / "good.onnx", np.ones(SHAPE)))


def test_a_report_names_files_without_their_folders() -> None:
    settings = Settings(normals=str(Path("folder") / "n.onnx"), matte="m.onnx")
    assert settings.to_report() == settings.to_dict() | {"normals": "n.onnx"}
    assert [path for _, path in settings.files()] == [Path("folder") / "n.onnx", Path("m.onnx")]


@pytest.fixture(scope="module")
def standing(reconstructor: Reconstructor) -> PreparedBody:
    view = reconstructor.intake.load_subject(Path(__file__).parent / "figures" / "front.jpg")
    assert isinstance(view, BodyView)
    return reconstructor.bodies.prepare(view)


def test_normals_of_a_body_in_any_axes_come_out_right(reconstructor: Reconstructor, standing: PreparedBody, tmp_path: Path) -> None:
    fitted = standing.surface.maps(SIZE)[:3].permute(1, 2, 0).numpy()
    path = write_answers(tmp_path / "body.onnx", 2 * (fitted[..., ORDER] * SIGNS).transpose(2, 0, 1)[None])
    seen = reconstructor.bodies.predict(standing, OwnNetworks.of(Settings(normals=str(path)), BUNDLED))
    assert seen.own is not None
    found, there = seen.own[0].permute(1, 2, 0).numpy(), np.linalg.norm(fitted, axis=-1) > 0.9
    there &= np.linalg.norm(found, axis=-1) > 0.9
    assert there.mean() > 0.05 and degrees(found, fitted, there) < 3  # perspective was taken out and put back
    # The field sees them too, and the back stays the bundled network's.
    bundled = reconstructor.bodies.predict(standing)
    assert not torch.equal(seen.normals, bundled.normals) and seen.back is not None and bundled.back is not None
    assert torch.equal(seen.back, bundled.back)


def test_normals_that_fit_no_body_are_refused(reconstructor: Reconstructor, standing: PreparedBody, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    own = OwnNetworks.of(Settings(normals=str(write_answers(tmp_path / "noise.onnx", noise))), BUNDLED)
    with pytest.raises(InputError, match="do not agree with the body"):
        reconstructor.bodies.predict(standing, own)


def test_a_matte_of_ones_own_cuts_figures_out_and_leaves_others_alone(tmp_path: Path) -> None:
    class Parser:
        size = 256

        def __call__(self, picture: np.ndarray, guide: np.ndarray) -> np.ndarray:
            assert picture.shape == (256, 256, 3) and set(np.unique(guide)) == {-1.0, 0.0, 1.0}
            shares = np.zeros((256, 256, len(CLASSES)), np.float32)
            shares[..., CLASSES.index("clothes")] = 1
            return shares

    coverage = np.zeros((1, 1, SIZE, SIZE), np.float32)
    coverage[..., 100:400, 50:450] = 0.75  # two people
    own = OwnNetworks.of(Settings(matte=str(write_answers(tmp_path / "matte.onnx", coverage))), BUNDLED)
    guide = np.zeros((SIZE, SIZE), np.float32)
    guide[150:350, 100:130], guide[150:350, 370:400] = 1, -1
    parser = own.figure_parser(Parser())
    assert parser is not None
    shares = parser(np.zeros((SIZE, SIZE, 3), np.uint8), guide)
    assert shares.sum(-1) == pytest.approx(np.ones((SIZE, SIZE)), abs=1e-5)
    person = 1 - shares[..., 0]
    assert person[200, 100] == pytest.approx(0.75, abs=1e-4) and person[200, 400] == 0 and person[50, 100] == 0
    assert BUNDLED.figure_parser(None) is None
    with pytest.raises(InputError, match="needs the parsing network"):
        own.figure_parser(None)
