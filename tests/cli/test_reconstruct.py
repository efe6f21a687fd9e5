"""`likeness reconstruct` as its user sees it: files, exit codes, sentences. The worker and Blender are stubs."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from likeness.cli import head
from likeness.cli.options import settings_of
from likeness.cli.parser import build_parser
from likeness.core.errors import InputError, WorkerError
from likeness.core.settings import Settings


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_one_photo_fills_the_output_folder(run, picture, tmp_path):
    out = tmp_path / "neuer Ordner" / "out"
    code, said = run(picture("Zoë.jpg"), "--output", out, "--formats", "glb,ply,obj", "--quality", "draft")
    assert code == 0 and said.err == ""
    files = ["Zoë.glb", "Zoë.ply", "Zoë.obj", "preview.png", "report.json"]
    assert said.out.splitlines() == [str(out / name) for name in files]
    assert names(out) == sorted(files)
    report = json.loads((out / "report.json").read_text())
    assert report["settings"] == Settings(quality="draft").to_dict() and set(report["files"]) == set(files) - {"report.json"}


def test_a_second_run_replaces_the_files(run, picture, tmp_path):
    photo = picture("a.jpg")
    for quality in ("draft", "high"):
        assert run(photo, "--output", tmp_path / "out", "--formats", "ply", "--quality", quality)[0] == 0
    assert json.loads((tmp_path / "out" / "report.json").read_text())["settings"]["quality"] == "high"
    assert names(tmp_path / "out") == ["a.ply", "preview.png", "report.json"]


def test_photos_one_after_the_other_may_share_a_folder_and_be_made_again(run, picture, tmp_path):
    for name in ("a.jpg", "b.jpg", "a.jpg"):
        code, said = run(picture(name), "--output", tmp_path / "out", "--formats", "ply")
        assert code == 0, said.err
    assert names(tmp_path / "out") == ["a.ply", "b.ply", "preview.png", "report.json"]


def test_a_blend_file_is_written_by_the_given_blender(run, picture, tmp_path, blender):
    code, _ = run(picture("a.jpg"), "--output", tmp_path / "out", "--formats", "blend", "--blender", blender)
    assert code == 0
    command = (tmp_path / "out" / "a.blend").read_text()
    assert "--background --factory-startup --python-exit-code 3 --python" in command and "launch.py -- likeness.scene.write " in command


def test_a_rigged_glb_is_written_by_blender_beside_the_blend_file(run, picture, tmp_path, blender):
    out, photo = tmp_path / "out", picture("a.jpg")
    code, said = run(photo, "--output", out, "--formats", "blend,glb,ply", "--rig", "--blender", blender)
    assert code == 0, said.err
    assert (out / "a.glb").read_text() == (out / "a.blend").read_text() and (out / "a.ply").read_text().startswith(".ply of ")
    code, said = run(photo, "--output", out, "--formats", "glb", "--rig", "--blender", tmp_path / "nothing")
    assert code == 2 and "is no program" in said.err


def test_a_blender_that_fails_is_a_sentence_and_leaves_only_an_error_file(run, picture, tmp_path, blender):
    out = tmp_path / "out"
    code, said = run(picture("unlucky.jpg"), "--output", out, "--formats", "glb,blend", "--blender", blender)
    assert code == 3 and said.err.startswith("Blender could not write unlucky.blend (the disk is full)")
    [left] = out.iterdir()
    assert left.name.startswith("likeness-error-")


def test_a_blender_that_cannot_be_started_is_a_sentence(run, picture, tmp_path):
    program = tmp_path / "blender"
    program.write_text("neither a script nor a program")
    program.chmod(0o755)
    code, said = run(picture("a.jpg"), "--output", tmp_path / "out", "--formats", "blend", "--blender", program)
    assert code == 2 and said.err.startswith(f"{program} cannot be started")


def test_a_missing_blender_is_noticed_before_the_work(run, picture, tmp_path, workers):
    code, said = run(picture("a.jpg"), "--output", tmp_path / "out", "--blender", tmp_path / "nothing")
    assert code == 2 and "is no program; give --blender" in said.err
    assert not (tmp_path / "out").exists() and not workers


def test_one_bad_photo_does_not_stop_the_others(run, picture, tmp_path, workers):
    photos = [picture("a.jpg"), picture("noface.jpg"), tmp_path / "missing.jpg", picture("a.png", tmp_path / "b")]
    code, said = run(*photos, "--output", tmp_path / "out", "--formats", "ply")
    assert code == 2 and said.err.splitlines() == [
        f"{tmp_path / 'missing.jpg'} does not exist; check the path.",  # at once, before the first reconstruction
        "noface.jpg shows no face; choose another photo.",
    ]
    assert names(tmp_path / "out") == ["a", "a-2"] and (tmp_path / "out" / "a-2" / "a.ply").exists()
    assert len(workers) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_there_may_be_more_photos_than_files_can_be_open(run, picture, tmp_path):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    photos = [picture(f"{number}.png") for number in range(80)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/dev/fd").iterdir())) + 40, limits[1]))
    try:
        code, said = run(*photos, "--output", tmp_path / "out", "--formats", "ply")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert code == 0 and len(names(tmp_path / "out")) == 80, said.err


def test_two_photos_never_share_a_folder(run, picture, tmp_path):
    photos = [picture("a.png"), picture("a.png", tmp_path / "x"), picture("a-2.png")]
    code, said = run(*photos, "--output", tmp_path / "out", "--formats", "ply")
    assert code == 0 and len(said.out.splitlines()) == len(set(said.out.splitlines())) == 9
    assert names(tmp_path / "out") == ["a", "a-2", "a-3"] and (tmp_path / "out" / "a-2" / "a-2.ply").exists()


def test_photos_together_are_one_result_in_the_output_folder(run, picture, tmp_path, workers):
    out = tmp_path / "out"
    code, said = run(picture("a.jpg"), picture("b.jpg"), picture("c.jpg"), "--together", "--output", out, "--formats", "ply")
    assert code == 0 and said.err == ""
    assert names(out) == ["a.ply", "preview.png", "report.json"]
    assert [[photo.name for photo in worker.photos] for worker in workers] == [["a.jpg", "b.jpg", "c.jpg"]]


def test_photos_together_are_not_made_when_one_is_missing_or_all_people_are_wanted(run, picture, tmp_path, workers):
    code, said = run(picture("a.jpg"), tmp_path / "in" / "none.jpg", "--together", "--output", tmp_path / "out", "--formats", "ply")
    assert code == 2 and "none.jpg" in said.err and not any(worker.photos for worker in workers)
    code, said = run(picture("a.jpg"), picture("b.jpg"), "--together", "--all-subjects", "--output", tmp_path / "out")
    assert code == 2 and "leave --all-subjects out" in said.err


def test_the_exit_code_is_the_worst(run, picture, tmp_path):
    photos = [picture(name) for name in ("noface.jpg", "bug.jpg", "a.jpg")]
    assert run(*photos, "--output", tmp_path / "out", "--formats", "ply")[0] == 3


def test_a_bug_is_one_sentence_with_an_error_file(run, picture, tmp_path):
    code, said = run(picture("bug.jpg"), "--output", tmp_path / "out", "--formats", "ply")
    [file] = (tmp_path / "out").iterdir()
    assert code == 3 and said.err.count("\n") == 1
    assert "failed unexpectedly (ZeroDivisionError: a bug); please report this" in said.err
    assert said.err.endswith(f" The error file is {file}.\n")
    assert "quality: standard" in file.read_text() and "the worker's last words" in file.read_text()


def test_a_bug_of_the_command_line_itself_names_the_photo(run, picture, tmp_path, monkeypatch):
    monkeypatch.setattr(head.HeadPlan, "make", lambda *arguments: 1 / 0)
    photos = [picture("a.jpg"), picture("b.jpg")]
    code, said = run(*photos, "--output", tmp_path / "out", "--formats", "ply")
    assert code == 3 and [line.partition(" ")[0] for line in said.err.splitlines()] == ["a.jpg", "b.jpg"]
    assert all("ZeroDivisionError" in path.read_text() for path in (tmp_path / "out").glob("likeness-error-*.txt"))


@pytest.mark.parametrize("photo", ["cancelled.jpg", "interrupted.jpg"])
def test_cancelling_is_130_and_stops_the_rest(run, picture, tmp_path, photo):
    code, said = run(picture(photo), picture("a.jpg"), "--output", tmp_path / "out", "--formats", "ply")
    assert code == 130 and said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--quality", "perfect"], "quality: invalid choice: 'perfect'"),
        (["--formats", "glb,dae"], "'glb,dae' is not a list of blend, glb, fbx, usdz, ply, obj, 3mf, stl"),
        (["--formats", ","], "is not a list of"),
        (["--subject-index", "many"], "invalid int value"),
        (["--colour", "red"], "Unrecognized arguments"),
    ],
)
def test_a_bad_command_line_is_2_and_one_sentence(run, capfd, tmp_path, arguments, sentence):
    with pytest.raises(SystemExit) as stop:
        run("a.jpg", "--output", tmp_path, *arguments)
    said = capfd.readouterr().err
    assert stop.value.code == 2 and sentence in said and said.count("\n") == 1 and said.endswith("--help.\n")


def test_settings_outside_their_limits_are_2(run, picture, tmp_path):
    code, said = run(picture("a.jpg"), "--output", tmp_path / "out", "--formats", "ply", "--subject-index", "-2")
    assert code == 2 and said.err == "subject_index must be at least -1, not -2.\n"


def test_every_setting_has_its_flag():
    options = build_parser().parse_args(
        ["reconstruct", "a.jpg", "--output", "x", "--quality", "high", "--subject-index", "2", "--device", "cpu", "--rig"]
    )
    assert settings_of(options) == Settings(quality="high", subject_index=2, device="cpu", rig=True)
    assert options.formats == ["blend", "glb"]


def test_rigs_settings_have_their_flags_too():
    arguments = ["reconstruct", "a.jpg", "--output", "x", "--rig", "--texture", "1024", "--flame", "my flame.pkl"]
    settings = settings_of(build_parser().parse_args(arguments))
    assert settings == Settings(rig=True, texture="1024", flame="my flame.pkl") and settings.texels == 1024
    assert Settings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_paths_are_described_by_their_names_alone():
    settings = Settings(rig=True, flame="/a/my flame.pkl", detector="face-alignment", detector_weights="/b/fan.tar")
    described = settings.to_report()
    assert (described["flame"], described["detector_weights"], described["detector"]) == ("my flame.pkl", "fan.tar", "face-alignment")
    assert {path.as_posix() for _, path in settings.files()} == {"/a/my flame.pkl", "/b/fan.tar"}


def test_older_manifests_with_a_seed_still_load():
    assert Settings.from_dict({"quality": "draft", "seed": 3}) == Settings("draft")
    with pytest.raises(InputError, match="Unknown option sead"):
        Settings.from_dict({"sead": 3})


def test_a_doubtful_head_is_told(run, picture, tmp_path):
    code, said = run(picture("covered.jpg"), "--output", tmp_path / "out", "--formats", "ply")
    assert code == 0 and said.err == "The result from covered.jpg is doubtful.\nThe face is covered.\n"


@pytest.mark.parametrize(
    ("option", "needed"),
    [
        (["--texture", "4096"], "--rig"),
        (["--flame", "f.pkl"], "--rig"),
        (["--detector-weights", "w.tar"], "--detector face-alignment"),
    ],
)
def test_what_would_change_nothing_without_another_option_is_2(run, picture, tmp_path, option, needed):
    code, said = run(picture("a.jpg"), "--output", tmp_path / "out", "--formats", "ply", *option)
    assert code == 2 and said.err == f"{option[0]} needs {needed}; add it.\n"


def test_flame_parameters_lie_beside_the_head(run, picture, tmp_path):
    (tmp_path / "f.pkl").write_bytes(b"FLAME")
    out = tmp_path / "out"
    code, said = run(picture("Zoë.jpg"), "--output", out, "--formats", "ply", "--rig", "--flame", tmp_path / "f.pkl")
    assert code == 0 and str(out / "Zoë.flame.json") in said.out.splitlines()
    assert json.loads((out / "Zoë.flame.json").read_text()) == {"model": "FLAME"}


def test_a_worker_that_cannot_be_started_is_3(run, picture, tmp_path, monkeypatch):
    def fail(blender):
        raise WorkerError("python cannot be started; set up the Python environment again.")

    monkeypatch.setattr("likeness.cli.reconstruct.Processes", fail)
    code, said = run(picture("a.jpg"), "--output", tmp_path / "out", "--formats", "ply")
    assert code == 3 and said.err == "python cannot be started; set up the Python environment again.\n"
    assert not (tmp_path / "out").exists()


def test_a_report_goes_where_its_path_says(run, picture, tmp_path):
    place, photo = tmp_path / "reports" / "r.json", picture("a.jpg")
    for _ in range(2):  # the report tells the second run that the files may be replaced
        code, said = run(photo, "--output", tmp_path / "out", "--formats", "ply", "--report", place)
        assert code == 0, said.err
    assert names(tmp_path / "out") == ["a.ply", "preview.png"] and names(tmp_path / "reports") == ["r.json"]
    assert run(photo, picture("b.jpg"), "--output", tmp_path / "out", "--formats", "ply", "--report", place)[0] == 2


def test_the_parser_needs_neither_networks_nor_blender():
    code = "import sys, likeness.cli.parser as cli; cli.build_parser(); sys.exit(bool({'torch', 'bpy', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_real_blend_file_is_written_by_bpy(run, picture, tmp_path):
    if not importlib.util.find_spec("bpy"):
        pytest.skip("this Python has no bpy")
    code, said = run(picture("Zoë.jpg"), "--output", tmp_path / "out", "--formats", "blend")
    assert code == 0, said.err
    assert (tmp_path / "out" / "Zoë.blend").stat().st_size > 10_000


def test_every_person_of_a_photo_gets_a_result(run, picture, tmp_path, workers):
    out = tmp_path / "out"
    code, said = run(picture("three.jpg"), "--output", out, "--formats", "ply", "--all-subjects")
    assert code == 0, said.err
    assert sorted(path.name for path in out.iterdir()) == ["person-0", "person-1", "person-2"]
    reports = [json.loads((out / f"person-{person}" / "report.json").read_text()) for person in range(3)]
    assert [report["settings"]["subject_index"] for report in reports] == [0, 1, 2]


def test_a_person_that_fails_costs_the_others_nothing(run, picture, tmp_path, workers):
    out = tmp_path / "out"
    code, said = run(picture("three_blurred.jpg"), "--output", out, "--formats", "ply", "--all-subjects")
    assert code == 2 and "person 0 is blurred" in said.err
    assert sorted(path.name for path in out.iterdir()) == ["person-1", "person-2"]


def test_a_photo_of_nobody_fails_once_for_all_people(run, picture, tmp_path, workers):
    code, said = run(picture("nobody.jpg"), "--output", tmp_path / "out", "--formats", "ply", "--all-subjects")
    assert code == 2 and said.err.count("shows nobody") == 1 and len(workers[0].photos) == 1


def test_one_report_cannot_serve_all_people(run, picture, tmp_path):
    code, said = run(picture("three.jpg"), "--output", tmp_path / "out", "--all-subjects", "--report", tmp_path / "r.json")
    assert code == 2 and "cannot serve several people" in said.err


def test_a_video_gives_one_result_of_its_best_frames(run, workers, picture, tmp_path):
    out = tmp_path / "out"
    code, said = run("--frames", picture("film.mp4"), "--output", out, "--formats", "ply")
    assert code == 0 and said.err == "" and names(out) == ["film.ply", "preview.png", "report.json"]
    assert [photo.name for photo in workers[0].photos] == ["film 1 (frame 7).png", "film 2 (frame 2).png", "film 3 (frame 11).png"]
    assert not workers[0].photos[0].exists(), "the frames are no files of the user's"
    assert run("--frames", picture("still.mp4"), "--output", out, "--formats", "ply")[1].err.startswith(
        "still.mp4 shows the person from one"
    )


def test_a_video_takes_the_place_of_photos(run, picture, tmp_path):
    assert run("--output", tmp_path / "out")[1].err.startswith("No photo was given; give photos, or a video with --frames.")
    code, said = run(picture("a.jpg"), "--frames", tmp_path / "film.avi", "--output", tmp_path / "out")
    assert code == 2 and said.err.startswith("--frames takes the place of photos")
    code, said = run("--frames", tmp_path / "film.avi", "--output", tmp_path / "out")
    assert code == 2 and "film.avi does not exist; check the path." in said.err
