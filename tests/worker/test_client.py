import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from likeness.core.animation.performance import Performance
from likeness.core.animation.video_frames import VideoFrames
from likeness.core.colour.uv_mesh import BakedMaps, Textures, UvMesh
from likeness.core.error_report import error_report
from likeness.core.errors import AssetError, InputError, MemoryExhausted, NoFaceError, ReconstructionError, WorkerError
from likeness.core.fitted_face import FittedFace
from likeness.core.inspection import Inspection
from likeness.core.result import Result
from likeness.core.settings import Settings
from likeness.worker import client as client_module
from likeness.worker import protocol
from likeness.worker.client import WorkerClient, close_shared, shared_client

from .jobs import run, until


def test_a_job_reports_progress_and_hands_back_its_result(client):
    stages = []
    client.reconstruct([Path("/photos/Zoë ☺.png")], Settings(subject_index=7))
    result = Result.load(client.wait(lambda stage, fraction: stages.append((stage, fraction))))
    assert result.name == "Zoë ☺" and result.report["person"] == 7 and result.report["photo"] == str(Path("/photos/Zoë ☺.png"))
    assert ("Finishing", 1.0) in stages
    assert client.versions["python"].startswith("3.")


def test_a_video_becomes_a_performance(client, tmp_path):
    stages = []
    client.track(tmp_path / "talk.mp4", 0.25)
    found = Performance.load(client.wait(lambda stage, fraction: stages.append(stage)))
    assert (found.name, found.key_names, found.key_values.tolist()) == ("talk", ("jawOpen",), [[0.25]])
    assert stages == ["load", "track"]
    client.track(tmp_path / "noface.mp4", 0.25)
    with pytest.raises(NoFaceError, match="choose another video"):
        client.wait()


def test_a_mesh_becomes_textures(client, tmp_path):
    """With the real baking: a grey tetrahedron on itself."""
    result = run(client, "a.png")
    mesh, there, stages = tmp_path / "mesh.npz", tmp_path / "there.npz", []
    uv = np.float32([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.9]])
    surface = result.surface
    tangents = np.column_stack([np.cross(surface.normals, [0.3, 0.5, 0.7]), np.ones(4)]).astype(np.float32)
    UvMesh(surface.vertices, surface.faces, uv, surface.faces, surface.normals, tangents).save(mesh)
    result.save(there)
    client.bake(mesh, there, BakedMaps(("colour", "normal", "displacement"), 256))
    found = Textures.load(client.wait(lambda stage, fraction: stages.append(stage)))
    assert found.colour.shape == (256, 256, 3) and np.abs(found.colour.astype(int) - 128).max() <= 2 and set(stages) == {"texture"}
    assert found.normal.shape == (256, 256, 3) and found.displacement.shape == (256, 256) and found.observed is None
    mesh.write_bytes(b"no arrays")
    client.bake(mesh, there, BakedMaps(size=256))
    with pytest.raises(AssetError, match=r"mesh\.npz is damaged; bake again"):
        client.wait()


def test_no_photo_at_all_is_refused_in_one_sentence(client):
    client.reconstruct([], Settings())
    with pytest.raises(InputError, match=r"^No photo was given; give one, or several of the same person\."):
        client.wait()


def test_several_photos_are_one_job(client):
    client.reconstruct([Path("/photos/a.png"), Path("/photos/b.png")], Settings())
    assert Result.load(client.wait()).report["photo"] == [str(Path("/photos/a.png")), str(Path("/photos/b.png"))]


def test_a_result_becomes_files(client, tmp_path):
    result = tmp_path / "result.npz"
    client.reconstruct([Path("a.png")], Settings(), result)
    client.wait()
    for name in ("顔.ply", "顔.glb", "preview.png"):
        client.export(result, tmp_path / name)
        assert client.wait() == tmp_path / name and (tmp_path / name).stat().st_size > 100
    client.export(result, tmp_path / "a.xyz")
    with pytest.raises(InputError, match="unknown mesh format"):
        client.wait()
    client.export(result, tmp_path / "missing" / "a.ply")
    with pytest.raises(InputError, match="Could not write"):
        client.wait()


def test_two_jobs_share_one_process_and_its_models(client):
    first, second = run(client, "a.png").report, run(client, "b.png").report
    assert first["pid"] == second["pid"] and second["loads"] == 1


def test_the_result_lands_where_it_is_wanted_and_nothing_else_does(client, tmp_path):
    output = tmp_path / "mein Ordner" / "ergebnis.npz"
    output.parent.mkdir()
    client.reconstruct([Path("a.png")], Settings(), output)
    assert client.wait() == output
    assert [path.name for path in output.parent.iterdir()] == ["ergebnis.npz"]


def test_an_unwritable_output_is_a_sentence(client, tmp_path):
    client.reconstruct([Path("a.png")], Settings(), tmp_path / "missing" / "x.npz")
    with pytest.raises(ReconstructionError, match=r"Writing the reconstruction failed because .*missing is missing .*; check"):
        client.wait()


def test_closing_removes_the_private_folder(client):
    client.reconstruct([Path("a.png")], Settings())
    path = client.wait()
    client.close()
    assert not path.parent.exists() and not client.alive


@pytest.mark.parametrize(
    ("photo", "kind", "sentence"),
    [
        ("noface.png", NoFaceError, "shows no face"),
        (
            "bug.png",
            ReconstructionError,
            r"unexpectedly .KeyError: 'a bug'.; please report this with its error file",
        ),
        ("full.png", ReconstructionError, "failed because there is no space left for a file or folder .* free some"),
        ("homeless.png", ReconstructionError, "failed because /no/such/folder is missing .* check that it exists"),
    ],
)
def test_a_failed_job_raises_its_error_and_the_worker_lives_on(client, photo, kind, sentence):
    before = run(client, "a.png").report["pid"]
    with pytest.raises(kind, match=sentence):
        run(client, photo)
    assert run(client, "a.png").report["pid"] == before


@pytest.mark.parametrize("photo", ["greedy.png", "unloadable.png", "misled.png"])
def test_memory_that_ran_out_is_named_and_the_next_job_gets_a_clean_process(client, photo):
    before = run(client, "a.png").report["pid"]
    with pytest.raises(MemoryExhausted, match="needs more memory than there is; close other programs"):
        run(client, photo)
    assert run(client, "a.png").report["pid"] != before


def test_the_traceback_of_a_bug_is_in_the_log_and_in_the_error_file(client):
    with pytest.raises(ReconstructionError) as caught:
        run(client, "bug.png")
    assert until(lambda: "Traceback" in client.log and "KeyError" in client.log)
    client.close()
    report = error_report(caught.value, str(caught.value), {}, client.log.splitlines(), {})
    assert 'raise KeyError("a bug")' in report.partition("Log\n")[0] and 'raise KeyError("a bug")' in report.partition("Log\n")[2]


@pytest.mark.parametrize(
    ("photo", "sentence"),
    [
        ("killed.png", "was killed, perhaps because memory ran out; close other programs"),
        ("segfault.png", "crashed .SIGSEGV., perhaps because memory ran out"),
    ],
)
def test_a_death_is_one_error_and_the_next_job_starts_afresh(client, photo, sentence):
    client.reconstruct([Path(photo)], Settings())
    errors = []
    assert until(lambda: errors.extend(event for event in client.poll() if isinstance(event, protocol.Error)) or errors)
    assert len(errors) == 1 and errors[0].kind == "WorkerError"
    with pytest.raises(WorkerError, match=sentence):
        raise errors[0].exception()
    assert client.poll() == [] and not client.busy
    assert run(client, "a.png").name == "a"


def test_an_abort_after_an_allocation_failed_says_that_memory_ran_out(client):
    with pytest.raises(MemoryExhausted, match="The reconstruction needs more memory than there is"):
        run(client, "aborted.png")
    assert "Fatal Python error: Aborted" in client.log, "the log of a dead worker stays, with what it was doing"


@pytest.mark.parametrize("code", [-9, 137, -11, 139, -6, 134, 0xC0000005, 0xC00000FD, 0xC0000017])
def test_every_kind_of_crash_says_what_to_do(code):
    message = client_module._death(code, [], "The reconstruction").message
    assert "memory" in message and "lower quality" in message and message.endswith(".")


def test_what_an_earlier_job_left_unread_is_dropped(client):
    stages = []
    client.reconstruct([Path("gossip.png")], Settings())
    assert Result.load(client.wait(lambda stage, fraction: stages.append(stage))).name == "gossip" and "fit" not in stages


def test_what_libraries_print_never_reaches_the_messages(client):
    assert run(client, "noisy.png").name == "noisy"
    assert until(lambda: "a library prints" in client.log and "so does C++" in client.log)


def test_a_little_nonsense_is_tolerated_and_logged(client):
    assert run(client, "rude.png").name == "rude"
    assert "not a message: b'[1]'" in client.log and "over-long" in client.log


def test_ten_megabytes_of_garbage_end_the_worker(client):
    with pytest.raises(WorkerError, match="no message"):
        run(client, "garbage.png")
    assert not client.alive
    assert run(client, "a.png").name == "a"


def test_a_second_job_at_the_same_time_is_refused(client):
    client.reconstruct([Path("slow.png")], Settings())
    with pytest.raises(WorkerError, match="already running"):
        client.reconstruct([Path("a.png")], Settings())


def test_a_python_that_is_not_there_is_a_sentence(package, tmp_path):
    client = WorkerClient(tmp_path / "no python", package)
    with pytest.raises(WorkerError, match=r"cannot be started .* set up"):
        client.reconstruct([Path("a.png")], Settings())
    assert not client.busy


def test_an_environment_without_its_packages_says_so(package):
    pipeline = package / "core" / "pipeline.py"
    stub = pipeline.read_bytes()
    pipeline.write_text("import a_package_that_is_not_there\n")
    client = WorkerClient(Path(sys.executable), package)
    try:
        with pytest.raises(WorkerError, match=r"incomplete .*a_package_that_is_not_there.* set it up again"):
            run(client, "a.png")
    finally:
        client.close()
        pipeline.write_bytes(stub)


def test_python_variables_of_blender_do_not_reach_the_worker(client, monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert run(client, "a.png").name == "a"


@pytest.mark.skipif(sys.platform != "linux", reason="only there memory is kept apart by threads")
def test_threads_of_the_worker_share_freed_memory(client):
    run(client, "a.png")
    assert b"MALLOC_ARENA_MAX=1" in Path(f"/proc/{client.pid}/environ").read_bytes().split(b"\0")


def test_settings_are_checked_on_the_other_side_too(client):
    settings = Settings()
    object.__setattr__(settings, "quality", "perfect")
    client.reconstruct([Path("a.png")], settings)
    with pytest.raises(InputError, match="quality must be one of"):
        client.wait()


def test_the_shared_client_is_one_until_it_is_closed():
    python = Path(sys.executable)
    first = shared_client(python)
    assert shared_client(python) is first
    close_shared()
    assert shared_client(python) is not first
    close_shared()


def test_the_self_test_answers_with_a_summary_to_copy(client):
    client.self_test()
    events = []
    assert until(lambda: events.extend(client.poll()) or any(isinstance(event, protocol.Tested | protocol.Error) for event in events), 60.0)
    assert events[-1].passed, events[-1].summary
    assert "torch 2." in events[-1].summary and "test photo: 4 vertices" in events[-1].summary
    assert events[-1].summary.startswith("Self-test passed.\n")
    fractions = [event.fraction for event in events if isinstance(event, protocol.Progress)]
    assert fractions == sorted(fractions) and len(set(fractions)) >= 4  # it does not stand still while the networks load


@pytest.mark.slow
def test_the_real_worker_makes_a_head(tmp_path):
    """Everything between Blender and the networks as it is shipped."""
    if not (client_module.PACKAGE_ROOT / "weights" / "field.safetensors").exists():
        pytest.skip("the networks are not trained yet")
    import skimage.data
    from PIL import Image

    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "astronaut.png")
    client = WorkerClient(Path(sys.executable))
    try:
        result = run(client, tmp_path / "astronaut.png", quality="draft")
    finally:
        client.close()
    vertices = result.surface.vertices
    assert len(vertices) > 1000 and result.report["mesh"]["watertight"] and np.isfinite(vertices).all()


def test_a_first_look_arrives_before_the_end_when_it_is_wanted(client):
    for wanted in (True, False):
        client.reconstruct([Path("early.png")], Settings(), early=wanted)
        names, done = [], None
        while done is None:
            for event in client.poll():
                if isinstance(event, protocol.Early):
                    names.append(Result.load(Path(event.path)).name)
                assert not isinstance(event, protocol.Error), event
                done = event if isinstance(event, protocol.Done) else done
        assert names == (["first look"] if wanted else []) and Result.load(Path(done.path)).name == "early"


def test_a_face_follows_pins_and_a_photo_is_inspected(client):
    client.follow(Path("a.png"), Settings(), '{"pins": [{"landmark": "Chin", "at": [3, 4]}]}')
    assert FittedFace.load(client.wait()).pins.tolist() == [[3, 4, 0]]
    client.follow(Path("a.png"), Settings(), '{"pins": 3}')
    with pytest.raises(InputError, match="list"):
        client.wait()
    client.inspect(Path("a.png"), Settings(), mask=True)
    assert Inspection.load(client.wait()).matte.tolist() == [[0, 255]]
    client.inspect(Path("a.png"), Settings())
    found = Inspection.load(client.wait())
    assert found.matte is None and len(found.boxes) == 1 and found.focal_35mm == 50


def test_frames_of_a_video_are_chosen(client, tmp_path):
    video = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 12.5, (320, 320))
    video.write(np.ascontiguousarray(skimage.data.astronaut()[:320, 60:380, ::-1]))
    video.release()
    client.choose_frames(tmp_path / "clip.avi", 3)
    frames = VideoFrames.load(client.wait())
    assert frames.numbers.tolist() == [0] and frames.pictures.shape == (1, 320, 320, 3)
    client.choose_frames(tmp_path / "other.avi", 3)
    with pytest.raises(InputError, match="does not exist"):
        client.wait()
