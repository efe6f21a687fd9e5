"""The writer of the command line for files that need Blender, in a process of its own as it is used; it must also end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

ANSWER = "likeness-written "
LAUNCH = Path(__file__).resolve().parents[2] / "worker" / "launch.py"


def _command(*arguments: Path | str) -> list[str]:
    blender = [bpy.app.binary_path, "--background", "--factory-startup", "--python"]
    return [
        *(blender if bpy.app.binary_path else [sys.executable]),
        str(LAUNCH),
        "--",
        "likeness.scene.write",
        *map(str, arguments),
    ]


def _write(result: Path, *files: Path | str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "BLENDER_USER_RESOURCES"}
    return subprocess.run(_command(result, *files), env=environment, capture_output=True, text=True, timeout=60)


def test_blend_holds_the_head_and_the_packed_photo(make_result, tmp_path):
    make_result("Ada").save(tmp_path / "result.npz")
    done = _write(tmp_path / "result.npz", tmp_path / "Ada.blend")
    assert done.returncode == 0, done.stderr
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "Ada.blend"))
    assert sorted(item.name for item in bpy.data.objects) == ["Ada", "Ada Camera"]
    assert bpy.context.scene.camera.name == "Ada Camera"
    assert bpy.data.images["Ada"].packed_file


def test_rigged_result_becomes_a_scene_and_files_for_other_programs(part, rigged_result, tmp_path):
    rigged_result.save(tmp_path / "result.npz")
    files = [tmp_path / f"Ada.{kind}" for kind in ("blend", "glb", "fbx", "usdz")]
    done = _write(tmp_path / "result.npz", *files)
    assert done.returncode == 0, done.stderr
    assert all(file.stat().st_size > 100_000 for file in files)
    bpy.ops.wm.open_mainfile(filepath=str(files[0]))
    rig = part("scene.rig")
    armature = rig.rig_of(bpy.data.objects["Ada Head"])
    assert rig.head_of(armature, rig.RECONSTRUCTED) == bpy.data.objects["Ada"]
    assert bpy.data.images["Ada Texture"].packed_file and armature.pose.bones["jaw"].constraints


def test_a_performance_is_played_at_its_own_rate(part, rigged_result, tmp_path):
    rigged_result.save(tmp_path / "result.npz")
    count, share = 16, np.linspace(0, 1, 16)
    rotations = np.zeros((count, 5, 3))
    rotations[:, 1, 1] = 0.3 * share
    take = part("core.animation.performance").Performance(
        "take", np.arange(count) / 29.97, ("jawOpen",), 0.5 * share[:, None], rotations, share >= 0
    )
    take.save(tmp_path / "take.npz")
    files = [tmp_path / f"Ada.{kind}" for kind in ("blend", "glb")]
    done = _write(tmp_path / "result.npz", *files, "--performance", tmp_path / "take.npz")
    assert done.returncode == 0, done.stderr
    data = files[1].read_bytes()
    tree = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])
    paths = {channel["target"]["path"] for animation in tree["animations"] for channel in animation["channels"]}
    assert len(tree["animations"]) == 1 and {"weights", "rotation"} <= paths
    bpy.ops.wm.open_mainfile(filepath=str(files[0]))
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_end) == (1, count)
    assert scene.render.fps / scene.render.fps_base == pytest.approx(29.97, rel=1e-4)
    scene.frame_set(count)
    assert bpy.data.objects["Ada Head"].data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(0.5, abs=1e-3)


def test_blend_renders_with_light(make_result, tmp_path):
    make_result("Ada").save(tmp_path / "result.npz")
    assert _write(tmp_path / "result.npz", tmp_path / "Ada.blend").returncode == 0
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "Ada.blend"))
    render = bpy.context.scene.render
    render.engine, render.resolution_percentage, render.filepath = "CYCLES", 25, str(tmp_path / "picture.png")
    bpy.context.scene.cycles.samples = 1
    bpy.ops.render.render(write_still=True)
    picture = bpy.data.images.load(render.filepath)
    values = np.empty(4 * picture.size[0] * picture.size[1], np.float32)
    picture.pixels.foreach_get(values)
    assert np.median(values.reshape(-1, 4)[:, :3]) > 0.2


def _serving() -> subprocess.Popen:
    return subprocess.Popen(_command("--serve"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _ask(child: subprocess.Popen, result: Path, file: Path) -> dict:
    child.stdin.write(json.dumps({"result": str(result), "files": [str(file)], "performance": None}) + "\n")
    child.stdin.flush()
    while not (line := child.stdout.readline()).startswith(ANSWER):
        assert line
    return json.loads(line.removeprefix(ANSWER))


def test_one_writer_writes_many_results_and_ends_with_its_input(make_result, tmp_path):
    make_result("Ada").save(tmp_path / "result.npz")
    with _serving() as child:
        try:
            assert _ask(child, tmp_path / "result.npz", tmp_path / "a.blend") == {"code": 0, "sentence": ""}
            failed = _ask(child, tmp_path / "missing.npz", tmp_path / "b.blend")
            assert failed["code"] == 3 and "missing.npz" in failed["sentence"]
            assert _ask(child, tmp_path / "result.npz", tmp_path / "c.blend")["code"] == 0
            child.stdin.close()
            assert child.wait(20) == 0
        finally:
            child.kill()
    assert sorted(path.name for path in tmp_path.glob("*.blend")) == ["a.blend", "c.blend"]
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "c.blend"))
    assert sorted(item.name for item in bpy.data.objects) == ["Ada", "Ada Camera"]  # nothing of the first one


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in folders")
def test_writer_ends_with_the_process_that_began_it(tmp_path):
    os.mkfifo(tmp_path / "result.npz")  # reading it takes for ever
    with _serving() as child:
        child.stdin.write(json.dumps({"result": str(tmp_path / "result.npz"), "files": ["Ada.blend"], "performance": None}) + "\n")
        child.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(5)
        child.stdin.close()
        try:
            assert child.wait(5) == 130
        finally:
            child.kill()


def test_result_without_a_rig_gives_no_rigged_file(make_result, tmp_path):
    make_result("Ada").save(tmp_path / "result.npz")
    done = _write(tmp_path / "result.npz", tmp_path / "Ada.glb")
    assert done.returncode == 2 and "Ada has no rig for Ada.glb" in done.stderr and not (tmp_path / "Ada.glb").exists()


@pytest.mark.parametrize("content", [b"", b"not a result", b"PK\x03\x04 cut off"])
def test_damaged_result_is_one_sentence_and_exit_code_3(tmp_path, content):
    (tmp_path / "result.npz").write_bytes(content)
    done = _write(tmp_path / "result.npz", tmp_path / "Ada.blend")
    assert done.returncode == 3 and "result.npz is not a Likeness result" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "Ada.blend").exists()
