import dataclasses
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from likeness.core import cli, preview
from likeness.core.animation.command import head_photo
from likeness.core.animation.performance import Performance
from likeness.core.errors import AssetError, Cancelled, InputError, NoFaceError
from likeness.core.models.head import HeadModel
from likeness.core.photo.view import Camera
from likeness.core.result import Result
from likeness.core.settings import Settings
from likeness.core.topology.rigged import RiggedHead


def head(name: str, settings: Settings) -> Result:
    """A tetrahedron, which every writer takes for a person."""
    return Result(
        name=name,
        vertices=np.array([[-0.1, -0.1, 0], [0.1, -0.1, 0], [0, 0.1, 0], [0, 0, 0.1]], np.float32),
        faces=np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32),
        colours=np.full((4, 3), 0.5, np.float32),
        observed=np.ones(4, np.float32),
        normals=np.tile(np.float32([0, 0, 1]), (4, 1)),
        photo=np.full((32, 32, 3), 128, np.uint8),
        camera=Camera((16.0, 16.0), 100.0, 1.0),
        rotation=np.eye(3),
        neck=np.array([0, -0.1, -0.05]),
        report={"settings": settings.to_dict(), "warnings": []},
    )


class Stub:
    def run(self, photo, settings, progress=None, cancel=None):
        progress("Looking at the photo", 0.5)
        if photo.stem == "noface":
            raise NoFaceError(f"{photo.name} shows no face; choose another photo.")
        if photo.stem == "bug":
            raise ZeroDivisionError("a bug")
        if photo.stem == "cancelled":
            raise Cancelled("Cancelled.")
        if photo.stem == "interrupted":
            raise KeyboardInterrupt
        os.write(2, b"a library in C++ speaks\n")
        return head(photo.stem, settings)


@pytest.fixture(autouse=True)
def stubs(monkeypatch):
    monkeypatch.setattr(cli, "_load", lambda device: Stub())
    monkeypatch.setattr(preview, "write_preview", lambda result, path: path.write_bytes(b"a picture"))


@pytest.fixture
def blender(tmp_path):
    """A program that writes its arguments after the .npz, or fails when the result is named 'unlucky'."""
    program = tmp_path / "mein blender"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nfrom pathlib import Path\n"
        "'unlucky' in sys.argv[-1] and sys.exit('the disk is full')\n"
        "result = next(a for a in sys.argv if a.endswith('.npz'))\nassert Path(result).exists()\n"
        "for file in sys.argv[sys.argv.index(result) + 1 :]:\n"
        "    Path(file).suffix in ('.blend', '.glb') and Path(file).write_text(' '.join(sys.argv))\n"
    )
    program.chmod(0o755)
    return program


def run(capfd, *arguments):
    code = cli.main(["reconstruct", *map(str, arguments)])
    return code, capfd.readouterr()


def test_one_photo_fills_the_output_folder(capfd, tmp_path):
    out = tmp_path / "neuer Ordner" / "out"
    code, said = run(capfd, "Zoë.jpg", "--output", out, "--formats", "glb,ply,obj", "--quality", "draft", "--subject-index", "3")
    assert code == 0 and said.err == ""
    names = ["Zoë.glb", "Zoë.ply", "Zoë.obj", "preview.png", "report.json"]
    assert said.out.splitlines() == [str(out / name) for name in names]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    assert json.loads((out / "report.json").read_text())["settings"] == Settings(quality="draft", subject_index=3).to_dict()


def test_a_second_run_replaces_the_files(capfd, tmp_path):
    for subject in ("1", "2"):
        assert run(capfd, "a.jpg", "--output", tmp_path, "--formats", "ply", "--subject-index", subject)[0] == 0
    assert json.loads((tmp_path / "report.json").read_text())["settings"]["subject_index"] == 2


def test_a_blend_file_is_written_by_the_given_blender(capfd, tmp_path, blender):
    code, _ = run(capfd, "a.jpg", "--output", tmp_path / "out", "--formats", "blend", "--blender", blender)
    assert code == 0
    command = (tmp_path / "out" / "a.blend").read_text()
    assert "--background --factory-startup --python-exit-code 3 --python" in command and "launch.py -- likeness.scene.write " in command


def test_a_rigged_glb_is_written_by_blender_beside_the_blend_file(capfd, monkeypatch, tmp_path, blender):
    model = HeadModel.load()
    rigged = RiggedHead.of_model(model, model.neutral())
    monkeypatch.setattr(Stub, "run", lambda self, photo, settings, *rest: dataclasses.replace(head(photo.stem, settings), rigged=rigged))
    out = tmp_path / "out"
    code, said = run(capfd, "a.jpg", "--output", out, "--formats", "blend,glb,ply", "--rig", "--blender", blender)
    assert code == 0, said.err
    assert (out / "a.glb").read_text() == (out / "a.blend").read_text() and (out / "a.ply").read_bytes().startswith(b"ply")
    code, said = run(capfd, "a.jpg", "--output", out, "--formats", "glb", "--rig", "--blender", tmp_path / "nothing")
    assert code == 2 and "is no program" in said.err


def test_a_recording_animates_the_head_of_a_photo(capfd, monkeypatch, tmp_path, blender):
    model = HeadModel.load()
    rigged = RiggedHead.of_model(model, model.neutral())
    monkeypatch.setattr(Stub, "run", lambda self, photo, settings, *rest: dataclasses.replace(head(photo.stem, settings), rigged=rigged))
    take = tmp_path / "take.csv"
    take.write_text("Timecode,BlendShapeCount,EyeBlinkLeft,EyeBlinkRight,JawOpen\n0:0:0:01,61,0,0,0.5\n")
    arguments = ["animate", str(take), "--output", str(tmp_path / "out"), "--blender", str(blender)]
    assert cli.main([*arguments, "--head", "a.jpg"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["preview.png", "report.json", "take.blend", "take.glb"]
    assert json.loads((tmp_path / "out" / "report.json").read_text())["settings"]["rig"] is True
    assert " --performance " in (tmp_path / "out" / "take.glb").read_text()
    capfd.readouterr()
    assert cli.main(arguments) == 2
    assert capfd.readouterr().err == "take.csv shows no head; give the photo of one with --head.\n"


def test_the_head_of_a_video_is_the_frame_most_from_the_front(tmp_path):
    for number in range(4):
        Image.fromarray(np.full((40, 40, 3), 60 * number, np.uint8)).save(tmp_path / f"{number}.png")
    rotations = np.zeros((4, 5, 3))
    rotations[:, 1, 1] = [0.4, -0.1, 0.2, 0.0]
    seen = np.array([True, True, True, False])
    performance = Performance("shot", np.arange(4.0), ("jawOpen",), np.zeros((4, 1)), rotations, seen)
    (tmp_path / "own").mkdir()
    options = cli.build_parser().parse_args(["animate", str(tmp_path), "--output", "out"])
    assert np.asarray(Image.open(head_photo(options, performance, tmp_path / "own"))).mean() == 60


def test_a_blender_that_fails_is_a_sentence_and_leaves_nothing(capfd, tmp_path, blender):
    code, said = run(capfd, "unlucky.jpg", "--output", tmp_path / "out", "--formats", "glb,blend", "--blender", blender)
    assert code == 3 and said.err.startswith("Blender could not write unlucky.blend (the disk is full)")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_missing_blender_is_noticed_before_the_work(capfd, tmp_path):
    code, said = run(capfd, "a.jpg", "--output", tmp_path / "out", "--blender", tmp_path / "nothing")
    assert code == 2 and "is no program; give --blender" in said.err
    assert not (tmp_path / "out").exists()


def test_one_bad_photo_does_not_stop_the_others(capfd, tmp_path):
    code, said = run(capfd, "a.jpg", "noface.jpg", "b/a.png", "--output", tmp_path, "--formats", "ply")
    assert code == 2 and said.err == "noface.jpg shows no face; choose another photo.\n"
    assert (tmp_path / "a" / "a.ply").exists() and (tmp_path / "a-2" / "a.ply").exists()
    assert not (tmp_path / "noface").exists()


def test_the_exit_code_is_the_worst(capfd, tmp_path):
    assert run(capfd, "noface.jpg", "bug.jpg", "a.jpg", "--output", tmp_path, "--formats", "ply")[0] == 3


def test_a_bug_is_one_sentence_that_names_the_photo(capfd, tmp_path):
    code, said = run(capfd, "bug.jpg", "--output", tmp_path, "--formats", "ply")
    assert code == 3 and said.err == "bug.jpg failed unexpectedly (ZeroDivisionError: a bug); please report this.\n"


def test_verbose_shows_the_traceback_and_what_libraries_say(capfd, caplog, tmp_path):
    code, said = run(capfd, "bug.jpg", "a.jpg", "--output", tmp_path, "--formats", "ply", "--verbose")
    assert code == 3 and "Traceback" in caplog.text and "a library in C++ speaks" in said.err


@pytest.mark.parametrize("photo", ["cancelled.jpg", "interrupted.jpg"])
def test_cancelling_is_130_and_stops_the_rest(capfd, tmp_path, photo):
    code, said = run(capfd, photo, "a.jpg", "--output", tmp_path, "--formats", "ply")
    assert code == 130 and said.err.count("\n") == 1
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--quality", "perfect"], "quality: invalid choice: 'perfect'"),
        (["--formats", "glb,fbx"], "'glb,fbx' is not a list of blend, glb, ply, obj"),
        (["--formats", ","], "is not a list of"),
        (["--subject-index", "many"], "invalid int value"),
        (["--colour", "red"], "Unrecognized arguments"),
    ],
)
def test_a_bad_command_line_is_2_and_one_sentence(capfd, tmp_path, arguments, sentence):
    with pytest.raises(SystemExit) as stop:
        run(capfd, "a.jpg", "--output", tmp_path, *arguments)
    said = capfd.readouterr().err
    assert stop.value.code == 2 and sentence in said and said.count("\n") == 1 and said.endswith("--help.\n")


def test_settings_outside_their_limits_are_2(capfd, tmp_path):
    code, said = run(capfd, "a.jpg", "--output", tmp_path, "--formats", "ply", "--subject-index", "-2")
    assert code == 2 and said.err == "subject_index must be at least -1, not -2.\n"


def test_every_setting_has_its_flag(tmp_path):
    options = cli.build_parser().parse_args(
        ["reconstruct", "a.jpg", "--output", "x", "--quality", "high", "--subject-index", "2", "--device", "cpu", "--rig"]
    )
    assert cli.settings_of(options) == Settings("high", 2, "cpu", rig=True)
    assert options.formats == ["blend", "glb"]


def test_rigs_settings_have_their_flags_too():
    arguments = ["reconstruct", "a.jpg", "--output", "x", "--rig", "--texture", "1024", "--flame", "my flame.pkl"]
    settings = cli.settings_of(cli.build_parser().parse_args(arguments))
    assert settings == Settings(rig=True, texture="1024", flame="my flame.pkl") and settings.texels == 1024
    assert Settings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_older_manifests_with_a_seed_still_load():
    assert Settings.from_dict({"quality": "draft", "seed": 3}) == Settings("draft")
    with pytest.raises(InputError, match="Unknown option sead"):
        Settings.from_dict({"sead": 3})


@pytest.mark.parametrize("option", [["--texture", "4096"], ["--flame", "f.pkl"]])
def test_what_would_change_nothing_without_a_rig_is_2(capfd, tmp_path, option):
    code, said = run(capfd, "a.jpg", "--output", tmp_path, "--formats", "ply", *option)
    assert code == 2 and said.err == f"{option[0]} needs --rig; add it.\n"


def test_flame_parameters_lie_beside_the_head(capfd, monkeypatch, tmp_path):
    parameters = {"model": "FLAME", "jaw_pose": [0.1, 0.0, 0.0]}

    def with_flame(self, photo, settings, *rest):
        result = head(photo.stem, settings)
        return dataclasses.replace(result, report={**result.report, "flame": parameters})

    monkeypatch.setattr(Stub, "run", with_flame)
    code, said = run(capfd, "Zoë.jpg", "--output", tmp_path, "--formats", "ply", "--rig", "--flame", "f.pkl")
    assert code == 0 and str(tmp_path / "Zoë.flame.json") in said.out.splitlines()
    assert json.loads((tmp_path / "Zoë.flame.json").read_text()) == parameters


def test_models_that_do_not_load_are_3(capfd, tmp_path, monkeypatch):
    def fail(device):
        raise AssetError("head_model.npz is missing; reinstall the extension.")

    monkeypatch.setattr(cli, "_load", fail)
    code, said = run(capfd, "a.jpg", "--output", tmp_path, "--formats", "ply")
    assert code == 3 and said.err == "head_model.npz is missing; reinstall the extension.\n"


def test_an_output_that_cannot_be_made_is_2(capfd, tmp_path):
    (tmp_path / "file").touch()
    code, said = run(capfd, "a.jpg", "--output", tmp_path / "file" / "out", "--formats", "ply")
    assert code == 2 and "cannot be written" in said.err and "choose another output folder" in said.err


def test_a_report_goes_where_its_path_says(capfd, tmp_path):
    place = tmp_path / "reports" / "r.json"
    assert run(capfd, "a.jpg", "--output", tmp_path / "out", "--formats", "ply", "--report", place)[0] == 0
    assert place.exists() and not (tmp_path / "out" / "report.json").exists()
    assert run(capfd, "a.jpg", "b.jpg", "--output", tmp_path / "out", "--formats", "ply", "--report", place)[0] == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_control_c_ends_with_130_and_leaves_no_file(tmp_path):
    script = (
        "import sys, time\nfrom likeness.core import cli\n"
        "class Stub:\n"
        "    def run(self, *arguments):\n"
        "        sys.stdout.write('running\\n'); sys.stdout.flush(); time.sleep(20)\n"
        "cli._load = lambda device: Stub()\n"
        "sys.exit(cli.main(['reconstruct', 'a.jpg', '--output', sys.argv[1], '--formats', 'ply']))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "out")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "running\n"
    start = time.monotonic()
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=10)
    assert child.returncode == 130 and said.startswith("Cancelled") and said.count("\n") == 1
    assert time.monotonic() - start < 2.0
    assert not (tmp_path / "out").exists()


def test_importing_the_command_line_needs_neither_torch_nor_bpy():
    code = "import sys, likeness.core.cli as cli; cli.build_parser(); sys.exit(bool({'torch', 'bpy', 'trimesh'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_real_blend_file_is_written_by_bpy(capfd, tmp_path):
    if not importlib.util.find_spec("bpy"):
        pytest.skip("this Python has no bpy")
    code, said = run(capfd, "Zoë.jpg", "--output", tmp_path, "--formats", "blend")
    assert code == 0, said.err
    assert (tmp_path / "Zoë.blend").stat().st_size > 10_000
