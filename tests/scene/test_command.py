"""`blender --command likeness`: the module has no argument parsing of Blender's, so the registered function is called."""

import json

import bpy
import numpy as np
import pytest


@pytest.fixture
def command(part):
    return part("operators.command").run


def test_photo_becomes_files_beside_a_report(part, command, preferences, stub_python, tmp_path):
    pytest.importorskip("torch")
    preferences.existing_python = str(stub_python)
    photo = tmp_path / "Grace.png"
    photo.write_bytes(part("scene.photo").png_bytes(np.full((8, 8, 4), 200, np.uint8)))
    assert command(["reconstruct", str(photo), "--output", str(tmp_path / "out"), "--formats", "blend,glb"]) == 0
    assert json.loads((tmp_path / "out" / "report.json").read_text())["silhouette_iou"] == 0.97
    assert (tmp_path / "out" / "Grace.glb").exists()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out" / "Grace.blend"))
    assert "Grace" in bpy.data.objects


def test_bad_arguments_are_one_sentence_and_exit_code_2(command, capfd):
    assert command(["reconstruct"]) == 2
    assert command(["reconstruct", "a.png", "--output", "x", "--quality", "best"]) == 2
    assert "Traceback" not in capfd.readouterr().err


def test_missing_environment_is_one_sentence_and_exit_code_3(command, preferences, capfd, tmp_path):
    assert command(["reconstruct", "a.png", "--output", str(tmp_path)]) == 3
    assert capfd.readouterr().err == "Likeness needs Python packages of its own; install them once with Set Up Environment.\n"


def test_command_is_there_after_disabling_and_enabling(extension):
    extension.unregister()
    extension.register()
    assert len(extension._commands) == 1
