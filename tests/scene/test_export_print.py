"""The operator that writes a print: what leaves the scene for the worker, and the file that it makes of it."""

import zipfile

import bpy
import pytest


@pytest.fixture
def head(part, make_result, preferences, stub_python):
    # The stub of the worker runs on this Python, and a print needs what the worker's environment has.
    pytest.importorskip("trimesh")
    pytest.importorskip("manifold3d")
    preferences.existing_python = str(stub_python)
    part("scene.build").build_result(bpy.context, make_result())
    return bpy.data.objects["Ada"]


def test_a_print_is_written_with_colours_and_at_the_wanted_height(head, tmp_path):
    bpy.context.scene.likeness.print_height = 80
    assert bpy.ops.likeness.export_print(filepath=str(tmp_path / "Ada")) == {"FINISHED"}
    with zipfile.ZipFile(tmp_path / "Ada.3mf") as archive:
        model = archive.read("3D/3dmodel.model").decode()
    heights = [float(part.partition('"')[0]) for part in model.split(' z="')[1:]]
    assert 'unit="millimeter"' in model and model.count("<m:color ") > 100
    assert min(heights) == pytest.approx(0, abs=1e-3) and max(heights) == pytest.approx(80, abs=0.01)
    assert bpy.ops.likeness.export_print(filepath=str(tmp_path / "Ada.stl")) == {"FINISHED"}
    assert (tmp_path / "Ada.stl").stat().st_size > 1000


def test_walls_that_leave_nothing_are_one_sentence(head, tmp_path):
    bpy.context.scene.likeness.print_wall = 50
    with pytest.raises(RuntimeError, match="leave nothing hollow"):
        bpy.ops.likeness.export_print(filepath=str(tmp_path / "Ada.3mf"))
    assert not (tmp_path / "Ada.3mf").exists()


def test_without_a_reconstruction_it_is_refused():
    assert not bpy.ops.likeness.export_print.poll()
