"""The bones of a rigged head under other programs' names: what moves, is driven and leaves Blender is the same."""

import addon_utils
import bpy
import numpy as np
import pytest

RIGIFY = {"root", "spine.005", "spine.006", "jaw", "eye.L", "eye.R"}
GAME = {"root", "neck_01", "head", "jaw", "eye_l", "eye_r"}


@pytest.fixture
def rigged_with(part, rigged_result):
    """rigged_with(names): the armature of a result whose settings ask for them."""

    def build(names: str | None):
        rigged_result.report["settings"] = {"bones": names}
        part("scene.build").build_result(bpy.context, rigged_result)
        return part("scene.rig").rig_of(bpy.context.object)

    return build


@pytest.mark.parametrize(
    ("names", "bones"), [("rigify", RIGIFY), ("game", GAME), ("nonsense", {"root", "neck", "head", "jaw", "eye.L", "eye.R"})]
)
def test_settings_name_the_bones_and_nothing_else_changes(part, rigged_with, rigged, evaluated, names, bones):
    armature = rigged_with(names)
    assert {bone.name for bone in armature.data.bones} == bones
    head = bpy.data.objects["Ada Head"]
    bpy.context.view_layer.update()
    assert np.abs(evaluated(head) - rigged.posed(rigged.key_values, rigged.rotations)).max() < 1e-4
    bpy.ops.likeness.pose_rig(pose="REST")
    assert np.abs(evaluated(head) - rigged.neutral).max() < 1e-5
    bpy.ops.likeness.pose_rig(pose="PHOTO")
    assert np.abs(evaluated(head) - rigged.posed(rigged.key_values, rigged.rotations)).max() < 1e-4
    part("scene.bone_names").name_bones(armature, "likeness")
    assert np.abs(evaluated(head) - rigged.posed(rigged.key_values, rigged.rotations)).max() < 1e-4
    assert armature.pose.bones["jaw"].constraints and armature.pose.bones["eye.L"].constraints


def test_a_performance_finds_renamed_bones(part, rigged_with):
    armature = rigged_with("rigify")
    rotations = np.zeros((1, 5, 3))
    rotations[0, 1, 1] = 0.5
    take = part("core.animation.performance").Performance("take", np.zeros(1), ("jawOpen",), np.ones((1, 1)), rotations, np.ones(1, bool))
    part("scene.animation").apply_pose(armature, take)
    assert armature.pose.bones["spine.005"].matrix_basis.to_quaternion().angle == pytest.approx(0.5, abs=1e-4)


def test_a_games_rig_has_no_shapes_and_four_weights_a_vertex(part, rigged_with, tmp_path):
    armature = rigged_with("game")
    assert not any(bone.custom_shape for bone in armature.pose.bones)
    assert not [item for item in bpy.data.objects if item.name.startswith("WGT")]
    assert not [collection for collection in bpy.data.collections if collection.name.startswith("WGTS")]
    part("scene.rig_export").export_rig(bpy.context, armature, tmp_path / "head.fbx")
    size = np.array(bpy.data.objects["Ada Head"].dimensions)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    (bpy.ops.wm.fbx_import if bpy.app.version >= (5, 0) else bpy.ops.import_scene.fbx)(filepath=str(tmp_path / "head.fbx"))
    assert {item.type for item in bpy.data.objects} == {"ARMATURE", "MESH"}
    (head,) = [item for item in bpy.data.objects if item.type == "MESH"]
    bpy.context.view_layer.update()
    assert {bone.name for bone in head.parent.data.bones} == GAME
    assert np.allclose(head.matrix_world.to_scale(), 1, atol=1e-4) and np.allclose(head.dimensions, size, atol=0.02)
    for vertex in head.data.vertices:
        weights = [element.weight for element in vertex.groups if element.weight > 0]
        assert len(weights) <= 4 and sum(weights) == pytest.approx(1, abs=0.01)


@pytest.fixture
def rigify():
    addon_utils.enable("rigify", default_set=True)
    yield
    addon_utils.disable("rigify", default_set=True)


def test_rigify_makes_a_rig_of_the_head(part, rigged_with, rigged, evaluated, rigify):
    armature = rigged_with("likeness")
    assert bpy.ops.likeness.rigify() == {"FINISHED"}
    made = part("scene.rig").rig_of(bpy.data.objects["Ada Head"])
    assert made != armature and {"DEF-spine.005", "DEF-spine.006", "DEF-jaw", "DEF-eye.L", "head", "neck", "jaw"} <= {
        b.name for b in made.data.bones
    }
    head = bpy.data.objects["Ada Head"]
    bpy.context.view_layer.update()
    assert np.abs(evaluated(head) - rigged.neutral).max() < 1e-4
    made.pose.bones["jaw"].rotation_euler[0] = 0.3
    bpy.context.view_layer.update()
    turned = np.zeros((5, 3))
    turned[2, 0] = 0.3
    assert np.abs(evaluated(head) - rigged.posed(np.zeros(52), turned)).max() < 1e-3, "with its corrective"


def test_without_rigify_it_is_one_sentence(part, rigged_with):
    rigged_with("likeness")
    with pytest.raises(RuntimeError, match="Rigify is not enabled"):
        bpy.ops.likeness.rigify()
