"""Performances on a rigged head: one pose, keyframes, and the operators in background mode."""

from types import SimpleNamespace

import bpy
import numpy as np
import pytest

HEADER = "Timecode,BlendShapeCount,EyeBlinkLeft,EyeBlinkRight,JawOpen,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw"


@pytest.fixture
def armature(part, rigged_result):
    part("scene.build").build_result(bpy.context, rigged_result)
    return part("scene.rig").rig_of(bpy.context.object)


@pytest.fixture
def keys(part, armature):
    return part("scene.rig").head_of(armature).data.shape_keys.key_blocks


@pytest.fixture
def performance(part, rigged):
    """Half a second at 30 frames a second of everything moving a little."""
    rng = np.random.default_rng(4)
    times = np.arange(16) / 30
    values = rng.uniform(0, 0.4, (16, 52))
    rotations = np.cumsum(rng.normal(0, 0.02, (16, 5, 3)), axis=0)
    rotations[:, 2] = np.abs(rotations[:, 2])  # jaws hardly close beyond their rest, and the bone is limited
    return part("core.animation.performance").Performance("take", times, rigged.key_names, values, rotations, np.ones(16, bool))


def test_one_pose_is_what_the_rigged_head_computes(part, armature, evaluated, rigged, performance):
    bpy.ops.likeness.pose_rig(pose="PHOTO")
    part("scene.animation").apply_pose(armature, performance, 7)
    bpy.context.view_layer.update()
    wanted = rigged.posed(performance.key_values[7], performance.rotations[7])
    assert np.abs(evaluated(bpy.data.objects["Ada Head"]) - wanted).max() < 1e-4


def test_keyframes_land_on_their_frames_with_their_values(part, armature, evaluated, rigged, performance):
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 60, 1.0
    assert part("scene.animation").animate(scene, armature, performance, 10) == (10, 40)
    for number in (0, 5, 15):
        scene.frame_set(10 + 2 * number)
        wanted = rigged.posed(performance.key_values[number], performance.rotations[number])
        assert np.abs(evaluated(bpy.data.objects["Ada Head"]) - wanted).max() < 1e-4


@pytest.mark.parametrize("mode", ["XYZ", "ZXY", "QUATERNION", "AXIS_ANGLE"])
def test_the_bones_own_way_to_turn_is_kept(part, armature, evaluated, rigged, performance, mode):
    for bone in armature.pose.bones:
        bone.rotation_mode = mode
    part("scene.animation").animate(bpy.context.scene, armature, performance, 1)
    assert {bone.rotation_mode for bone in armature.pose.bones} == {mode}
    bpy.context.scene.render.fps = 24
    bpy.context.scene.frame_set(1)
    wanted = rigged.posed(performance.key_values[0], performance.rotations[0])
    assert np.abs(evaluated(bpy.data.objects["Ada Head"]) - wanted).max() < 1e-4


def test_former_actions_stay_in_the_file(part, armature, performance):
    scene, head = bpy.context.scene, bpy.data.objects["Ada Head"]
    animate = part("scene.animation").animate
    animate(scene, armature, performance, 1)
    first = {armature.animation_data.action, head.data.shape_keys.animation_data.action}
    animate(scene, armature, performance, 300)
    second = {armature.animation_data.action, head.data.shape_keys.animation_data.action}
    assert not first & second and all(action.use_fake_user for action in first)
    assert scene.frame_end >= 300 + 12


def test_long_recordings_are_written_quickly(part, armature, rigged):
    import time

    count = 5000
    values = np.random.default_rng(0).uniform(0, 1, (count, 52))
    take = part("core.animation.performance").Performance(
        "long", np.arange(count) / 60, rigged.key_names, values, np.zeros((count, 5, 3)), np.ones(count, bool)
    )
    start = time.perf_counter()
    part("scene.animation").animate(bpy.context.scene, armature, take, 1)
    assert time.perf_counter() - start < 5


def write_recording(path, rows):
    path.write_text("\n".join([HEADER, *rows]))
    return str(path)


def test_live_link_recordings_are_imported(armature, keys, tmp_path):
    rows = [f"01:00:0{n // 24}:{n % 24:02d}.000,61,{n / 30},0,{n / 60},0.1,0,0,0.5" for n in range(30)]
    bpy.context.scene.render.fps = 24
    bpy.context.scene.frame_set(1)
    assert bpy.ops.likeness.import_live_link(filepath=write_recording(tmp_path / "take.csv", rows)) == {"FINISHED"}
    bpy.context.scene.frame_set(21)
    assert keys["jawOpen"].value == pytest.approx(20 / 60, abs=1e-4)
    assert keys["eyeBlinkLeft"].value == pytest.approx(20 / 30, abs=1e-4)
    neck = armature.pose.bones["neck"].matrix_basis.to_quaternion()
    assert np.degrees(neck.angle) == pytest.approx(18, abs=0.1)
    assert armature.pose.bones["eye.L"].matrix_basis.to_quaternion().angle == pytest.approx(0, abs=1e-4)


def test_wrong_recordings_are_one_sentence(armature, tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(RuntimeError, match=r"other\.csv is no recording of Live Link Face"):
        bpy.ops.likeness.import_live_link(filepath=str(tmp_path / "other.csv"))
    assert armature.animation_data is None or armature.animation_data.action is None


@pytest.fixture
def worker(preferences, stub_python):
    preferences.existing_python = str(stub_python)


def test_expression_is_copied_from_a_photo(worker, armature, keys, tmp_path):
    (tmp_path / "smile.png").touch()
    before = keys["mouthSmileLeft"].value
    assert bpy.ops.likeness.copy_expression(filepath=str(tmp_path / "smile.png")) == {"FINISHED"}
    assert keys["jawOpen"].value == pytest.approx(0.6) and keys["mouthSmileLeft"].value == before
    assert armature.pose.bones["neck"].matrix_basis.to_quaternion().angle == pytest.approx(0.5, abs=1e-4)
    assert armature.animation_data is None or armature.animation_data.action is None


def test_pictures_animate_the_head_from_the_current_frame(worker, armature, keys, tmp_path):
    (tmp_path / "shot").mkdir()
    (tmp_path / "shot" / "0001.png").touch()
    bpy.context.scene.render.fps = 24
    bpy.context.scene.frame_set(5)
    assert bpy.ops.likeness.animate_video(filepath=str(tmp_path / "shot" / "0001.png"), smoothing=0.3) == {"FINISHED"}
    for frame, value in ((5, 0.0), (14, 0.6)):
        bpy.context.scene.frame_set(frame)
        assert keys["jawOpen"].value == pytest.approx(value, abs=1e-4)
        assert keys["mouthPucker"].value == pytest.approx(0.3, abs=1e-4)


def test_failures_of_tracking_are_one_sentence(worker, armature, tmp_path):
    (tmp_path / "broken.png").touch()
    with pytest.raises(RuntimeError, match=r"broken\.png shows no face"):
        bpy.ops.likeness.copy_expression(filepath=str(tmp_path / "broken.png"))
    with pytest.raises(RuntimeError, match="does not exist"):
        bpy.ops.likeness.animate_video(filepath=str(tmp_path / "nothing.mp4"))
    with pytest.raises(RuntimeError, match="is no photo"):
        bpy.ops.likeness.copy_expression(filepath=str(tmp_path / "film.mp4"))


def test_a_rig_must_be_selected(extension):
    bpy.ops.mesh.primitive_cube_add()
    for name in ("copy_expression", "animate_video", "import_live_link"):
        with pytest.raises(RuntimeError, match="Select a rigged head"):
            getattr(bpy.ops.likeness, name)(filepath="x")
        assert "UNDO" in getattr(bpy.types, f"LIKENESS_OT_{name}").bl_options


def test_panel_offers_all_three(part, layout, armature):
    panel = part("panels.head_rig").LIKENESS_PT_head_rig
    bpy.context.view_layer.objects.active = armature
    panel.draw(SimpleNamespace(layout=layout), bpy.context)
    drawn = {arguments[0] for name, arguments, _ in layout.calls if name == "operator"}
    assert {"likeness.copy_expression", "likeness.animate_video", "likeness.import_live_link"} <= drawn
