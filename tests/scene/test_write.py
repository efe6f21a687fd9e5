"""The .blend writer of the command line, in a process of its own as it is used; it must also end."""

import os
import subprocess
import sys
from pathlib import Path

import bpy
import pytest

LAUNCH = Path(__file__).resolve().parents[2] / "worker" / "launch.py"


def _write(result: Path, blend: Path) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "BLENDER_USER_RESOURCES"}
    blender = [bpy.app.binary_path, "--background", "--factory-startup", "--python"]
    command = [*(blender if bpy.app.binary_path else [sys.executable]), str(LAUNCH), "--", "likeness.scene.write", str(result), str(blend)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_blend_holds_the_head_and_the_packed_photo(make_result, tmp_path):
    make_result("Ada").save(tmp_path / "result.npz")
    done = _write(tmp_path / "result.npz", tmp_path / "Ada.blend")
    assert done.returncode == 0, done.stderr
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "Ada.blend"))
    assert sorted(item.name for item in bpy.data.objects) == ["Ada", "Ada Camera"]
    assert bpy.context.scene.camera.name == "Ada Camera"
    assert bpy.data.images["Ada"].packed_file


@pytest.mark.parametrize("content", [b"", b"not a result", b"PK\x03\x04 cut off"])
def test_damaged_result_is_one_sentence_and_exit_code_3(tmp_path, content):
    (tmp_path / "result.npz").write_bytes(content)
    done = _write(tmp_path / "result.npz", tmp_path / "Ada.blend")
    assert done.returncode == 3 and "result.npz is not a Likeness result" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "Ada.blend").exists()
