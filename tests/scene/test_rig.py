"""The rigged head in the scene: skeleton, skin, shape keys, gaze and materials, measured on what Blender evaluates."""

import dataclasses
import math

import addon_utils
import bpy
import numpy as np
import pytest

NAMES = "browDownLeft browInnerUp cheekPuff eyeBlinkLeft eyeLookInRight jawForward jawOpen mouthSmileRight noseSneerLeft tongueOut"
TO_BLENDER = np.float32([[1, 0, 0], [0, 0, -1], [0, 1, 0]])


@pytest.fixture
def rig(part):
    return part("scene.rig")


@pytest.fixture
def armature(rig, rigged):
    return rig.build_rig(bpy.context, rigged, "Ada", bpy.context.scene.collection)


@pytest.fixture
def head(rig, armature):
    return rig.head_of(armature)


@pytest.fixture
def rest(rig, armature):
    rig.set_pose(armature, photo=False)


def test_bones_stand_at_this_persons_joints(armature, rigged):
    bones = armature.data.bones
    parents = {bone.name: bone.parent.name if bone.parent else None for bone in bones}
    assert parents == {"root": None, "neck": "root", "head": "neck", "jaw": "head", "eye.L": "head", "eye.R": "head"}
    for name, joint in {"root": 0, "neck": 1, "jaw": 2, "eye.L": 3, "eye.R": 4}.items():
        assert np.allclose(bones[name].head_local, TO_BLENDER @ rigged.joints[joint], atol=1e-6)
    assert bones["eye.L"].head_local.x > 0 > bones["eye.R"].head_local.x
    assert bones["neck"].head_local.z < bones["head"].head_local.z < bones["jaw"].head_local.z


def test_x_axes_point_to_the_persons_left_so_that_positive_turns_nod_open_and_look_down(evaluated, armature, head, rest, rigged):
    for bone in armature.data.bones:
        assert bone.matrix_local.to_3x3().col[0].x > 0.999
    before = evaluated(head)
    chin, crown = rigged.weights[:, 2].argmax(), before[:, 1].argmax()
    armature.pose.bones["jaw"].rotation_euler.x = 0.3
    assert evaluated(head)[chin, 1] < before[chin, 1] - 0.01
    armature.pose.bones["neck"].rotation_quaternion = (math.cos(0.1), math.sin(0.1), 0, 0)
    assert evaluated(head)[crown, 2] > before[crown, 2] + 0.02
    left = armature.pose.bones["eye.L"]
    left.rotation_euler.x = 0.2
    bpy.context.view_layer.update()
    assert (left.tail - left.head).z < -0.003


def test_photo_pose_is_the_fits_own_and_rest_is_neutral(evaluated, rig, armature, head, rigged):
    assert np.abs(evaluated(head) - rigged.posed(rigged.key_values, rigged.rotations)).max() < 1e-5
    rig.set_pose(armature, photo=False)
    assert np.abs(evaluated(head) - rigged.neutral).max() < 1e-6
    rig.set_pose(armature, photo=True)
    assert np.abs(evaluated(head) - rigged.posed(rigged.key_values, rigged.rotations)).max() < 1e-5


def test_neck_and_head_share_the_necks_weights(evaluated, part, armature, head, rest, rigged):
    weights = part("scene.armature").bone_weights(rigged)
    assert np.abs(sum(weights.values()) - 1).max() < 1e-5
    assert np.allclose(weights["neck"] + weights["head"], rigged.weights[:, 1], atol=1e-6)
    before = evaluated(head)
    armature.pose.bones["head"].rotation_quaternion = (math.cos(0.2), 0, 0, math.sin(0.2))
    moved = np.linalg.norm(evaluated(head) - before, axis=1)
    skull = before[:, 1] > rigged.joints[3, 1] + 0.03
    below = (before[:, 1] < rigged.joints[1, 1]) & (rigged.weights[:, 2] < 0.01)  # the throat hangs on the jaw
    assert weights["head"][skull].min() > 0.999 and moved[below].max() < 0.02 * moved.max()
    assert weights["neck"].max() > 0.5, "the neck bone has a neck to turn"


def test_eyes_teeth_and_tongue_follow_their_bones_as_a_whole(evaluated, armature, head, rest, rigged):
    armature.pose.bones["jaw"].rotation_euler.x = 0.3
    armature.pose.bones["eye.L"].rotation_euler.z = 0.3
    for key in head.data.shape_keys.key_blocks:
        key.mute = True
    moved = np.linalg.norm(evaluated(head) - rigged.neutral, axis=1)
    of = {number: np.unique(rigged.faces[rigged.face_part == number]) for number in range(6)}
    assert moved[of[3]].max() < 1e-6 and moved[of[2]].max() < 1e-4
    assert moved[of[4]].min() > 0.003 and np.median(moved[of[5]]) > 0.003 and moved[of[1]].max() > 0.003
    radius = np.linalg.norm(evaluated(head)[of[1]] - rigged.joints[3], axis=1) / np.linalg.norm(
        rigged.neutral[of[1]] - rigged.joints[3], axis=1
    )
    assert np.abs(radius - 1).max() < 0.02


def test_52_shape_keys_by_exact_name_show_the_photos_expression(head, rigged):
    blocks = head.data.shape_keys.key_blocks
    assert blocks[0].name == "Basis" and head.data.shape_keys.use_relative
    keys = blocks[1:53]
    assert tuple(key.name for key in keys) == rigged.key_names and set(NAMES.split()) < set(rigged.key_names)
    assert all((key.slider_min, key.slider_max) == (0, 1) and key.relative_key == blocks[0] for key in keys)
    assert np.allclose([key.value for key in keys], rigged.key_values, atol=1e-4)


@pytest.mark.parametrize("name", ["jawOpen", "eyeBlinkLeft", "tongueOut"])
def test_key_moves_the_head_as_the_model_does(evaluated, head, rest, rigged, name):
    head.data.shape_keys.key_blocks[name].value = 1.0
    expected = rigged.neutral + rigged.keys[rigged.key_names.index(name)]
    assert np.abs(evaluated(head) - expected).max() < 1e-6 < np.abs(expected - rigged.neutral).max()


@pytest.mark.parametrize(("angle", "value"), [(-0.05, 0.0), (0.2, 0.5), (0.4, 1.0), (0.5, 1.0)])
def test_correctives_follow_the_jaw_without_scripts(armature, head, rest, angle, value):
    armature.pose.bones["jaw"].rotation_euler.x = angle
    bpy.context.view_layer.update()
    keys = head.data.shape_keys.evaluated_get(bpy.context.evaluated_depsgraph_get())
    assert keys.key_blocks["jawCorrective23"].value == pytest.approx(value, abs=1e-3)
    driver = head.data.shape_keys.animation_data.drivers[0].driver
    assert driver.type != "SCRIPTED" and driver.is_valid


def test_jaw_opens_no_wider_than_jaws_do(evaluated, armature, head, rest):
    armature.pose.bones["jaw"].rotation_euler.x = 2.0
    widest = evaluated(head)
    armature.pose.bones["jaw"].rotation_euler.x = math.radians(35)
    assert np.abs(evaluated(head) - widest).max() < 1e-5


def test_eyes_look_at_the_target_as_much_as_wanted(part, armature, rest):
    target = bpy.data.objects["Ada Look At"]
    target.location = (0.3, -0.5, 0.2)
    bpy.context.view_layer.update()

    def error(name):
        bone = armature.pose.bones[name]
        return bone.y_axis.angle(target.matrix_world.translation - bone.head)

    assert error("eye.L") > 0.3, "off at first: the photo's own gaze"
    armature[part("scene.armature").LOOK_AT] = 1.0
    armature.update_tag()
    bpy.context.view_layer.update()
    assert error("eye.L") < 1e-3 and error("eye.R") < 1e-3


def test_materials_by_part_show_the_packed_texture(head, rigged):
    mesh = head.data
    assert [material.name for material in mesh.materials] == ["Ada Skin", "Ada Eyes", "Ada Teeth", "Ada Tongue"]
    slots = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("material_index", slots)
    assert np.array_equal(slots, np.int32([0, 1, 1, 2, 2, 3])[rigged.face_part])
    for material in mesh.materials:
        (link,) = [link for link in material.node_tree.links if link.to_socket.name == "Base Color"]
        assert link.from_node.image == bpy.data.images["Ada Texture"]
    image = bpy.data.images["Ada Texture"]
    pixels = np.empty(64 * 64 * 4, np.float32)
    image.pixels.foreach_get(pixels)
    assert image.packed_file and image.colorspace_settings.name == "sRGB"
    assert np.array_equal(np.round(pixels.reshape(64, 64, 4)[::-1, :, :3] * 255), rigged.texture)
    assert bpy.data.images["Ada Observed"].colorspace_settings.name == "Non-Color"


def test_uv_map_and_code_are_the_models(head, rigged):
    (layer,) = head.data.uv_layers
    values = np.empty(2 * len(head.data.loops), np.float32)
    layer.data.foreach_get("uv", values)
    assert np.allclose(values.reshape(-1, 3, 2), rigged.uv[rigged.faces_uv], atol=1e-6)
    correspondence = np.empty(3 * len(rigged.correspondence), np.float32)
    head.data.attributes["correspondence"].data.foreach_get("vector", correspondence)
    assert np.array_equal(correspondence.reshape(-1, 3), rigged.correspondence)
    assert not head.data.validate()


def test_head_without_a_texture_has_plain_materials(rig, rigged):
    plain = dataclasses.replace(rigged, texture=None, texture_observed=None)
    head = rig.head_of(rig.build_rig(bpy.context, plain, "Bo", bpy.context.scene.collection))
    assert not bpy.data.images and [m.name for m in head.data.materials] == ["Bo Skin", "Bo Eyes", "Bo Teeth", "Bo Tongue"]


def test_result_with_a_rig_gives_both_heads_at_one_place(evaluated, part, rig, rigged_result):
    collection = part("scene.build").build_result(bpy.context, rigged_result)
    assert sorted(item.name for item in collection.objects) == ["Ada", "Ada Camera", "Ada Head", "Ada Look At", "Ada Rig"]
    assert bpy.context.object.name == "Ada Head" and "likeness_report" in bpy.context.object
    armature = rig.rig_of(bpy.context.object)
    assert armature.name == "Ada Rig"
    for name in ("Ada", "Ada Head", "Ada Look At", "Ada Rig"):
        assert rig.rig_of(bpy.data.objects[name]) == armature
    assert rig.rig_of(bpy.data.objects["Ada Camera"]) is None and rig.rig_of(None) is None
    assert bpy.data.objects["Ada"].hide_get() and not bpy.data.objects["Ada Head"].hide_get()
    reconstructed, skin = evaluated(bpy.data.objects["Ada"]), evaluated(bpy.data.objects["Ada Head"])
    assert np.abs(reconstructed - skin[: len(reconstructed)]).max() < 1e-5


def test_rig_is_built_while_another_object_is_edited(part, rig, rigged_result):
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    part("scene.build").build_result(bpy.context, rigged_result)
    assert bpy.context.mode == "EDIT_MESH" and len(bpy.data.objects["Ada Rig"].data.bones) == 6
    bpy.ops.object.mode_set(mode="OBJECT")


def test_joints_that_coincide_are_refused_before_anything_is_made(part, rigged_result):
    joints = np.zeros_like(rigged_result.rigged.joints)
    damaged = dataclasses.replace(rigged_result, rigged=dataclasses.replace(rigged_result.rigged, joints=joints))
    with pytest.raises(part("core.errors").AssetError, match="no length"):
        part("scene.build").build_result(bpy.context, damaged)
    assert not bpy.data.meshes and not bpy.data.armatures and not bpy.data.collections


@pytest.mark.parametrize("text", ["", "[]", "{", '{"keys": 3, "rotations": {}}', '{"keys": {"jawOpen": "wide"}, "rotations": {}}', 7])
def test_pose_that_cannot_be_read_is_the_rest_pose(evaluated, rig, armature, head, rigged, text):
    armature["likeness_photo_pose"] = text
    rig.set_pose(armature, photo=True)
    assert np.abs(evaluated(head) - rigged.neutral).max() < 1e-6


def test_bones_have_shapes_colours_and_collections_that_leave_with_the_result(part, rigged_result):
    collection = part("scene.build").build_result(bpy.context, rigged_result)
    armature = bpy.data.objects["Ada Rig"]
    (shapes,) = collection.children
    assert shapes.hide_viewport and shapes.hide_render
    for bone in armature.pose.bones:
        shape = bone.custom_shape
        assert shape.name in shapes.objects and len(shape.data.edges) >= 16 and not shape.data.polygons
        size = max(shape.dimensions)
        assert 0.01 < size < 0.5, f"{bone.name}'s shape is {size} m wide"
        assert bone.bone.color.palette != "DEFAULT"
    assert armature.data.bones["eye.L"].color.palette != armature.data.bones["eye.R"].color.palette
    assert {c.name: {bone.name for bone in c.bones} for c in armature.data.collections} == {
        "Head": {"root", "neck", "head"},
        "Face": {"jaw", "eye.L", "eye.R"},
    }


def test_joints_only_turn(armature):
    for bone in armature.pose.bones:
        assert [*bone.lock_location, *bone.lock_scale] == [bone.name != "root"] * 6
        assert bone.lock_rotation[:] == (False, bone.name.startswith("eye"), False)


def test_rigify_generates_a_rig_from_it(armature, rest):
    addon_utils.enable("rigify", default_set=True)
    try:
        for bone in armature.pose.bones:
            if bone.parent is not None:
                bone.rigify_type = "basic.super_copy"
        for row, collection in enumerate(armature.data.collections, 1):
            collection.rigify_ui_row = row
        bpy.context.view_layer.objects.active = armature
        bpy.ops.object.mode_set(mode="POSE")
        assert bpy.ops.pose.rigify_generate() == {"FINISHED"}
        made = bpy.context.object.data.bones
        for name in ("neck", "head", "jaw", "eye.L", "eye.R"):
            assert np.allclose(made[f"DEF-{name}"].matrix_local, armature.data.bones[name].matrix_local, atol=1e-5)
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
        addon_utils.disable("rigify", default_set=True)


def test_split_quads_are_quads_again_with_their_uv_and_materials(rig, rigged):
    whole = dataclasses.replace(rigged, split=1)
    collection = bpy.context.scene.collection
    mesh = rig.head_of(rig.build_rig(bpy.context, whole, "Quads", collection)).data
    sides = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_total", sides)
    assert (sides == 4).mean() > 0.9 and (sides - 2).sum() == len(rigged.faces)
    assert not mesh.validate()
    corners, layer = np.empty(len(mesh.loops), np.int32), np.empty(2 * len(mesh.loops), np.float32)
    mesh.loops.foreach_get("vertex_index", corners)
    mesh.uv_layers[0].data.foreach_get("uv", layer)
    pairs = lambda vertices, uv: set(zip(vertices.ravel().tolist(), map(tuple, uv.reshape(-1, 2).tolist()), strict=True))  # noqa: E731
    assert pairs(corners, layer) == pairs(rigged.faces, rigged.uv[rigged.faces_uv])
    part_of = np.empty(len(rigged.neutral), np.int32)
    part_of[rigged.faces] = rigged.face_part[:, None]
    slots = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("material_index", slots)
    assert np.array_equal(np.repeat(slots, sides), np.int32([0, 1, 1, 2, 2, 3])[part_of[corners]])
