"""The whole way on a real photo: NASA's portrait of Eileen Collins, public domain, from scikit-image's wheel."""

import importlib.util
import io
import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from scipy.spatial import cKDTree

from likeness.cli.main import main as command_line
from likeness.core.colour.fill import colour_vertices
from likeness.core.errors import Cancelled, InputError
from likeness.core.geometry.mesh import unique_edges
from likeness.core.geometry.raster import interpolate, rasterize
from likeness.core.pipeline import Reconstructor
from likeness.core.result import Result
from likeness.core.settings import Settings
from likeness.core.surface.extract import check_manifold

from .flame_files import flame_table, write_npz

DRAFT = Settings(quality="draft")


@pytest.fixture(scope="module")
def run(reconstructor: Reconstructor, astronaut: Path) -> tuple[Result, list[tuple[str, float]]]:
    steps: list[tuple[str, float]] = []
    return reconstructor.run(astronaut, DRAFT, lambda stage, share: steps.append((stage, share))), steps


@pytest.fixture(scope="module")
def result(run: tuple[Result, list[tuple[str, float]]]) -> Result:
    return run[0]


def in_camera(result: Result) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and normals of the surface (V, 3) in the camera frame of the photo."""
    pose = result.views[0].pose
    return pose.to_camera(result.surface.vertices), pose.directions_to_camera(result.surface.normals)


def test_eyes_and_mouth_are_finer_than_the_cells_of_the_field(result: Result) -> None:
    assert result.anatomy is not None
    vertices, places = result.surface.vertices, dict(zip(result.anatomy.landmark_names, result.anatomy.landmarks, strict=True))
    edges = unique_edges(result.surface.faces)[0]

    def length(name: str) -> float:
        near = (np.linalg.norm(vertices - places[name], axis=1) < 0.008)[edges].all(1)
        return float(np.median(np.linalg.norm(vertices[edges[near, 0]] - vertices[edges[near, 1]], axis=1)))

    assert max(map(length, ("Upper Lid.L", "Lower Lid.R", "Upper Lip"))) < 0.0012
    assert length("Chin") > 0.0018


def drawn(result: Result, size: int = 512) -> tuple[torch.Tensor, np.ndarray]:
    """Normals of the mesh as the photo's camera sees them (H, W, 3), and where it is; the astronaut's photo is 512 x 512."""
    points, normals = in_camera(result)
    pixels = result.views[0].camera.project(points) * (2 / size) - 1
    vertices = np.stack([pixels[:, 0], -pixels[:, 1], points[:, 2]], axis=1).astype(np.float32)
    faces = torch.from_numpy(result.surface.faces.astype(np.int64))
    picture = rasterize(torch.from_numpy(vertices), faces, size)
    return interpolate(picture, faces, torch.from_numpy(normals.astype(np.float32))), picture.mask.numpy()


def test_the_mesh_fills_the_silhouette(result: Result) -> None:
    assert result.report["silhouette_iou"] >= 0.95


def test_a_head_at_high_quality_is_made_without_the_reader_of_bodies(
    reconstructor: Reconstructor, astronaut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes 0.12 GB of what such a head may take."""

    class Prepared(Exception):
        pass

    def stop(*_: object) -> None:
        raise Prepared

    persons = reconstructor.intake.persons
    assert persons.reader is persons.reader
    monkeypatch.setattr(reconstructor, "prepare", stop)
    for quality, loaded in (("standard", True), ("high", False)):
        with pytest.raises(Prepared):
            reconstructor.run(astronaut, Settings(quality=quality))
        assert ("reader" in vars(persons)) == loaded


def test_without_surface_detail_the_skin_and_hair_are_smooth(reconstructor: Reconstructor, astronaut: Path, result: Result) -> None:
    smooth = reconstructor.run(astronaut, replace(DRAFT, detail=0.0)).surface
    apart, _ = cKDTree(smooth.vertices).query(result.surface.vertices)
    seen = result.surface.observed > 0.5
    assert 0.0003 < np.sqrt((apart[seen] ** 2).mean()) < 0.003
    height = result.surface.vertices[:, 1]
    assert np.percentile(apart[~seen & (height > 0)], 25) < 1e-4, "hidden skin is smooth in both"
    assert 1e-4 < np.median(apart[~seen & (height > 0.1)]) < 2e-3, "and hidden hair has strands"


def test_edges_of_clothes_are_raised(reconstructor: Reconstructor, astronaut: Path, result: Result, monkeypatch) -> None:
    def raised(*given):
        found = colour_vertices(*given)
        return found._replace(edges=np.full_like(found.edges, 0.02))

    monkeypatch.setattr("likeness.core.heads.colour_vertices", raised)
    larger = reconstructor.run(astronaut, DRAFT).surface
    assert 0.005 < np.ptp(larger.vertices, axis=0)[0] - np.ptp(result.surface.vertices, axis=0)[0] < 0.011, "4 mm on each side"


def test_relief_is_raised_wherever_it_is_told_and_hair_has_no_bumps(
    reconstructor: Reconstructor, astronaut: Path, result, monkeypatch
) -> None:
    """Where hair turns away the photo gives its colours but no relief: between both kinds of strands was a smooth band."""

    def raised(*given):
        found = colour_vertices(*given)
        return found._replace(relief=np.full_like(found.relief, 0.02))

    def depth() -> float:
        return np.ptp(reconstructor.run(astronaut, DRAFT).surface.vertices[:, 2])

    before = np.ptp(result.surface.vertices[:, 2])
    with monkeypatch.context() as patched:
        patched.setattr("likeness.core.heads.colour_vertices", raised)
        assert 0.0065 < depth() - before < 0.011, "4 mm in front, too"
    monkeypatch.setattr("likeness.core.heads.without_bumps", lambda vertices, *_: vertices * np.float32([1, 1, 1.1]))
    assert depth() > 1.03 * before


def test_the_fitted_face_lies_on_the_landmarks(result: Result) -> None:
    assert result.report["landmark_error"] <= 0.015


def test_the_mesh_is_one_closed_manifold(result: Result) -> None:
    vertices, faces = result.surface.vertices, result.surface.faces
    check_manifold(vertices, faces)
    known = {
        "vertices": len(vertices),
        "faces": len(faces),
        "watertight": True,
        "components": 1,
        "genus": 0,
        "folded": 0,
        "intersecting": 0,
    }
    mesh = result.report["mesh"]
    assert {name: mesh[name] for name in known} == known
    assert mesh["shortest_edge"] > 0.2 and mesh["aspect"] < 20
    edges = vertices[faces] - vertices[np.roll(faces, -1, axis=1)]
    assert 1000 * np.linalg.norm(edges, axis=2).min() == pytest.approx(mesh["shortest_edge"], abs=1e-3)


def test_the_head_ends_in_a_smooth_cut_and_not_where_the_crop_does(result: Result) -> None:
    points, _ = in_camera(result)
    view = result.views[0]
    assert (np.abs(view.framing.to_crop(points, view.camera)).max(1) < 0.99).all()


def test_the_head_has_a_heads_size_and_place(result: Result) -> None:
    points, _ = in_camera(result)
    extent = np.ptp(points, axis=0)
    assert 0.3 < extent[1] < 0.42  # the crop's height, with chest
    head = points[points[:, 1] > -0.05]
    assert 0.14 < np.ptp(head[:, 0]) < 0.30
    assert 0.16 < np.ptp(head[:, 2]) < 0.32
    assert head[:, 2].max() > 0.0  # the nose is in front of the eyes


def test_the_head_is_upright_whatever_its_pose(result: Result) -> None:
    view, vertices = result.views[0], result.surface.vertices
    assert 0.05 < np.arccos((np.trace(view.pose.rotation) - 1) / 2) < 0.6  # she leans her head
    head = vertices[vertices[:, 1] > 0.1]
    tip = head[head[:, 2].argmax()]
    assert abs(tip[0]) < 0.015 and abs(head[:, 0].mean()) < 0.015  # straight ahead, and above the neck
    neck = view.camera.project(view.pose.to_camera(np.zeros((1, 3))))[0]
    assert neck[1] > view.camera.centre[1] + 0.08 * view.camera.scale  # in the photo, well below the eyes


def test_the_faces_normals_are_those_of_a_face(result: Result) -> None:
    normals, mask = drawn(result)
    camera = result.views[0].camera
    row, column = int(camera.centre[1]), int(camera.centre[0])
    unit = int(0.063 * camera.scale)  # the distance between her eyes
    assert mask[row - unit // 2 : row + unit, column - unit // 2 : column + unit // 2].all()
    nose = normals[row + unit // 3 : row + unit // 2, column - unit // 8 : column + unit // 8].reshape(-1, 3).mean(0)
    left, right = (normals[row + unit // 2, column + side * unit * 6 // 10] for side in (-1, 1))
    assert nose[2] > 0.5
    assert left[0] < -0.1
    assert right[0] > 0.1


def test_the_photo_is_copied_where_it_was_seen(result: Result) -> None:
    view, seen = result.views[0], result.surface.observed > 0.95
    assert 0.1 < seen.mean() < 0.6
    pixels = np.floor(view.camera.project(in_camera(result)[0][seen])).astype(int)
    inside = ((pixels >= 1) & (pixels < 511)).all(1)
    photo = view.photo[pixels[inside, 1], pixels[inside, 0]] / 255
    assert np.abs(result.surface.colours[seen][inside] - photo).mean() < 0.04


def test_the_back_of_the_head_is_no_second_face(result: Result) -> None:
    points, normals = in_camera(result)
    behind = (normals[:, 2] < -0.5) & (points[:, 1] > -0.03)
    assert behind.sum() > 100
    # A strand at the outline has a far flank.
    assert (result.surface.observed[behind] > 0.05).mean() < 0.001
    # Her hair is a dull brown; her skin is not.
    red, green, blue = result.surface.colours[behind].mean(0)
    assert red - blue < 0.45
    assert (red + green + blue) / 3 < 0.65


def test_progress_grows_to_the_end(run: tuple[Result, list[tuple[str, float]]]) -> None:
    shares = [share for _, share in run[1]]
    assert shares == sorted(shares)
    assert shares[0] >= 0
    assert shares[-1] == pytest.approx(1)
    assert len({stage for stage, _ in run[1]}) == 9


def test_the_report_is_strict_json_with_what_was_promised(result: Result) -> None:
    report = json.loads(json.dumps(result.report, allow_nan=False))
    promised = {"quality", "settings", "version", "weights", "timings", "peak_memory_mb", "silhouette_iou", "landmark_error"}
    assert 0.5 < report["fit_disagreement"] < 5 and 0 < report["hidden_excess"] < 5 and 0 < report["matte_unsure"] < 0.3
    assert promised | {"mesh", "observed_share", "fit", "warnings"} <= set(report)
    assert {"normal.safetensors", "field.safetensors", "head_model.npz"} <= set(report["weights"])
    assert (next(iter(report)), report["quality"], report["warnings"]) == ("quality", "good", [])


def test_a_head_that_the_photo_cuts_off_is_closed(reconstructor: Reconstructor, result: Result, tmp_path: Path) -> None:
    Image.fromarray(skimage.data.astronaut()[60:]).save(tmp_path / "cut.png")
    cut = reconstructor.run(tmp_path / "cut.png", DRAFT)
    assert cut.report["warnings"] == ["cut cuts off the top of the head; what is missing is guessed."]
    rows = [one.views[0].camera.project(in_camera(one)[0])[:, 1] for one in (result, cut)]
    assert rows[1].min() + 60 == pytest.approx(rows[0].min(), abs=12)  # of 512 pixels; the photo ends some 45 below
    # Round, not flat: around the highest point little lies as high.
    flat = [(row < np.percentile(row, 0.1) + 4).mean() for row in rows]  # a single strand may stand higher
    assert flat[1] < 2 * flat[0]
    # Hair in the hair's colour, not in the background's or smeared.
    hidden = cut.surface.colours[(rows[1] < -10) & (in_camera(cut)[1][:, 2] > 0)]
    assert np.abs(hidden.mean(0) - [0.45, 0.35, 0.2]).max() < 0.2 and not cut.surface.observed[rows[1] < 0].any()


@pytest.mark.slow
def test_two_runs_give_the_same_head(reconstructor: Reconstructor, astronaut: Path, result: Result) -> None:
    again = reconstructor.run(astronaut, DRAFT)
    assert np.array_equal(again.surface.faces, result.surface.faces)
    assert np.array_equal(again.surface.vertices, result.surface.vertices)


def test_cancelling_stops_the_surface(reconstructor: Reconstructor, astronaut: Path) -> None:
    reached: list[str] = []
    with pytest.raises(Cancelled):
        reconstructor.run(astronaut, DRAFT, lambda stage, _: reached.append(stage), lambda: "surface" in reached)
    assert reached[-1] == "surface"


@pytest.fixture(scope="module")
def rig_run(
    reconstructor: Reconstructor, astronaut: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Result, list[tuple[str, float]]]:
    """With a FLAME-shaped file, so that one run shows everything of a rig."""
    path = write_npz(flame_table(), tmp_path_factory.mktemp("flame") / "my flame.npz")
    steps: list[tuple[str, float]] = []
    settings = Settings(quality="draft", rig=True, texture="1024", flame=str(path))
    return reconstructor.run(astronaut, settings, lambda stage, share: steps.append((stage, share))), steps


@pytest.mark.slow
def test_a_rigged_head_comes_textured_and_in_flames_topology(rig_run: tuple[Result, list[tuple[str, float]]]) -> None:
    result, steps = rig_run
    rigged, report = result.rigged, json.loads(json.dumps(result.report, allow_nan=False))
    assert rigged is not None and rigged.texture is not None and rigged.texture_observed is not None
    assert len(rigged.neutral) == 5023 and rigged.texture.shape == (1024, 1024, 3)
    assert 0.02 < (rigged.texture_observed > 200).mean() < 0.8
    assert report["rig"]["face_distance_mm"] < 0.8 and report["rig"]["landmark68_distance_mm"] < 1.5
    assert len(report["flame"]["shape"]) == 300 and report["flame"]["median_distance_mm"] < 3
    assert {"rig", "flame", "texture"} <= set(report["timings"])
    shares = [share for _, share in steps]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)


@pytest.mark.slow
def test_a_rig_changes_nothing_of_the_reconstructed_head(rig_run: tuple[Result, list[tuple[str, float]]], result: Result) -> None:
    with_rig = rig_run[0]
    for name, values in vars(result.surface).items():
        assert np.array_equal(getattr(with_rig.surface, name), values), name
    view, other = result.views[0], with_rig.views[0]
    assert np.array_equal(other.pose.rotation, view.pose.rotation) and np.array_equal(other.pose.translation, view.pose.translation)
    assert other.camera == view.camera


@pytest.mark.slow
def test_the_command_line_writes_the_textured_rig(astronaut: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if not importlib.util.find_spec("bpy"):
        pytest.skip("this Python has no bpy")
    arguments = ["--output", str(tmp_path), "--quality", "draft", "--rig", "--texture", "1024", "--formats", "glb"]
    assert command_line(["reconstruct", str(astronaut), *arguments]) == 0, capfd.readouterr().err
    data = (tmp_path / "astronaut.glb").read_bytes()
    size = struct.unpack_from("<I", data, 12)[0]
    tree = json.loads(data[20 : 20 + size])
    textures = [material["pbrMetallicRoughness"]["baseColorTexture"]["index"] for material in tree["materials"]]
    (source,) = {tree["textures"][texture]["source"] for texture in textures}
    picture = tree["bufferViews"][tree["images"][source]["bufferView"]]
    start = 20 + size + 8 + picture["byteOffset"]
    with Image.open(io.BytesIO(data[start : start + picture["byteLength"]])) as image:
        assert image.size == (1024, 1024) and np.ptp(np.asarray(image)) > 150
    assert json.loads((tmp_path / "report.json").read_text())["rig"]["texture"] == 1024


@pytest.mark.slow
def test_reports_name_files_without_their_folders(rig_run: tuple[Result, list[tuple[str, float]]]) -> None:
    assert rig_run[0].report["settings"]["flame"] == "my flame.npz"


@pytest.mark.slow
def test_cancelling_stops_the_texture(reconstructor: Reconstructor, astronaut: Path) -> None:
    reached: list[str] = []
    settings = Settings(quality="draft", rig=True, texture="4096")
    with pytest.raises(Cancelled):
        reconstructor.run(astronaut, settings, lambda stage, _: reached.append(stage), lambda: reached.count("texture") > 2)
    assert reached[-1] == "texture"


def test_a_bad_flame_file_is_one_sentence_before_any_work(reconstructor: Reconstructor, astronaut: Path, tmp_path: Path) -> None:
    (tmp_path / "flame.pkl").write_bytes(b"not a model")
    steps: list[str] = []
    for name, sentence in (("flame.pkl", "flame.pkl is not"), ("nothing.pkl", "nothing.pkl cannot be read")):
        settings = Settings(quality="draft", rig=True, flame=str(tmp_path / name))
        with pytest.raises(InputError, match=sentence):
            reconstructor.run(astronaut, settings, lambda stage, _: steps.append(stage))
    assert not steps


def test_an_absent_device_is_one_sentence() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has it")
    with pytest.raises(InputError, match="cuda"):
        Reconstructor.load("cuda")


def test_several_photos_make_one_head_that_lies_over_each_of_them(reconstructor, result, astronaut, tmp_path):
    """The portrait, a wall, and the portrait cut and darkened as another photo of the same woman."""
    wall, other = tmp_path / "wall.png", tmp_path / "other.png"
    Image.fromarray(np.full((300, 300, 3), 150, np.uint8)).save(wall)
    Image.fromarray((skimage.data.astronaut()[:420, 40:400] * 0.7).astype(np.uint8)).save(other)
    found = reconstructor.run([astronaut, wall, other], DRAFT)
    first, none, second = found.report["photos"]
    assert [row["used"] for row in (first, none, second)] == [True, False, True] and first["role"] == second["role"] == "front"
    assert "No face was found in wall.png" in none["reason"] and none["reason"] in found.report["warnings"]
    assert len(found.views) == 2 and found.surface.source.min() == -1 and found.surface.source.max() <= 1
    points = found.views[0].pose.to_upright(np.array([[0.0, 0.0, 0.0]]))  # between the eyes
    pixels = [view.camera.project(view.pose.to_camera(points))[0] for view in found.views]
    assert np.abs(pixels[1] + [40, 0] - pixels[0]).max() < 4
    face = np.abs(result.surface.vertices - points[0] - [0, -0.03, 0.02]).max(1) < 0.04
    apart = cKDTree(found.surface.vertices).query(result.surface.vertices[face])[0]
    assert face.sum() > 100 and apart.mean() < 0.002
