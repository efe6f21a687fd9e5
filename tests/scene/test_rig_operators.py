"""The rig's operators and the panel that offers them."""

import types

import bmesh
import bpy
import numpy as np
import pytest


@pytest.fixture
def armature(part, rigged_result):
    part("scene.build").build_result(bpy.context, rigged_result)
    return part("scene.rig").rig_of(bpy.context.object)


@pytest.fixture
def keys(part, armature):
    return part("scene.rig").head_of(armature).data.shape_keys.key_blocks


def test_rest_and_photo_pose(armature, keys, rigged):
    assert bpy.ops.likeness.pose_rig(pose="REST") == {"FINISHED"}
    assert all(key.value == 0 for key in keys[1:53])
    assert all(bone.matrix_basis.is_identity for bone in armature.pose.bones)
    assert bpy.ops.likeness.pose_rig(pose="PHOTO") == {"FINISHED"}
    assert np.allclose([key.value for key in keys[1:53]], rigged.key_values, atol=1e-4)
    assert not armature.pose.bones["jaw"].matrix_basis.is_identity


def test_reconstructed_head_is_deformed_and_shown_until_asked_again(part, armature):
    assert bpy.ops.likeness.deform_reconstructed() == {"FINISHED"}
    assert part("scene.reconstructed").is_bound(armature) and bpy.context.object == armature
    assert (bpy.data.objects["Ada"].hide_get(), bpy.data.objects["Ada Head"].hide_get()) == (False, True)
    assert bpy.ops.likeness.deform_reconstructed() == {"FINISHED"}
    assert not part("scene.reconstructed").is_bound(armature)
    assert (bpy.data.objects["Ada"].hide_render, bpy.data.objects["Ada Head"].hide_render) == (True, False)


def test_a_concave_quad_is_bound_to(part, armature):
    """Blender's Surface Deform refuses such polygons, and registered heads may have some at the corners of the mouth."""
    head = bpy.data.objects["Ada Head"]
    mesh = bmesh.new()
    mesh.from_mesh(head.data)
    edge = next(edge for edge in mesh.edges if len(edge.link_faces) == 2 and edge.calc_face_angle() < 0.5)
    first, second, third, fourth = bmesh.utils.face_join(edge.link_faces).verts
    for layer in mesh.verts.layers.shape.values():
        first[layer] = 0.45 * (second[layer] + fourth[layer]) + 0.1 * third[layer]
    first.co = 0.45 * (second.co + fourth.co) + 0.1 * third.co
    mesh.to_mesh(head.data)
    mesh.free()
    assert any(len(face.vertices) == 4 for face in head.data.polygons)
    assert bpy.ops.likeness.deform_reconstructed() == {"FINISHED"} and part("scene.reconstructed").is_bound(armature)
    assert "TRIANGULATE" in [modifier.type for modifier in head.modifiers]
    assert bpy.ops.likeness.deform_reconstructed() == {"FINISHED"}
    assert "TRIANGULATE" not in [modifier.type for modifier in head.modifiers]


def test_one_head_is_seen_at_a_time(armature):
    bpy.ops.likeness.show_head(head="RECONSTRUCTED")
    assert (bpy.data.objects["Ada"].hide_get(), bpy.data.objects["Ada Head"].hide_get()) == (False, True)
    bpy.ops.likeness.show_head(head="RIGGED")
    assert (bpy.data.objects["Ada"].hide_render, bpy.data.objects["Ada Head"].hide_render) == (True, False)


def _reveal() -> None:
    """Alt+H, which needs a 3D view."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    with bpy.context.temp_override(window=window, area=area, region=area.regions[-1]):
        bpy.ops.object.hide_view_clear()


def test_hidden_head_comes_back_with_the_others(armature):
    _reveal()
    assert all(bpy.data.objects[name].visible_get() for name in ("Ada", "Ada Head"))
    bpy.ops.likeness.show_head(head="RECONSTRUCTED")
    assert [bpy.data.objects[name].visible_get() for name in ("Ada", "Ada Head")] == [True, False]


def test_everything_works_from_pose_mode(armature, tmp_path):
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="POSE")
    assert bpy.ops.likeness.pose_rig(pose="REST") == {"FINISHED"}
    assert bpy.ops.likeness.deform_reconstructed() == {"FINISHED"}
    assert bpy.ops.likeness.transfer_data(data="COLOR_VERTEX", to="RIGGED") == {"FINISHED"}
    assert "Colour" in bpy.data.objects["Ada Head"].data.color_attributes
    for kind in (".glb", ".fbx"):
        assert bpy.ops.likeness.export_rig(filepath=str(tmp_path / "head"), format=kind) == {"FINISHED"}
        assert (tmp_path / f"head{kind}").stat().st_size > 100_000
    assert bpy.context.object == armature


def test_operators_need_a_rig_and_say_so(extension):
    bpy.ops.mesh.primitive_cube_add()
    for name in ("pose_rig", "deform_reconstructed", "show_head", "transfer_data", "export_rig"):
        assert not getattr(bpy.ops.likeness, name).poll()
    with pytest.raises(RuntimeError, match="Select a rigged head"):
        bpy.ops.likeness.pose_rig(pose="REST")


def test_edit_mode_is_refused(armature):
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="object or pose mode"):
        bpy.ops.likeness.deform_reconstructed()
    bpy.ops.object.mode_set(mode="OBJECT")


def test_heads_of_an_excluded_collection_are_one_sentence(armature, tmp_path):
    collection = armature.users_collection[0]
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.layer_collection.children[collection.name].exclude = True
    bpy.context.view_layer.objects.active = armature
    for call in (bpy.ops.likeness.deform_reconstructed, lambda: bpy.ops.likeness.export_rig(filepath=str(tmp_path / "head.glb"))):
        with pytest.raises(RuntimeError, match="not in this view layer"):
            call()
    assert bpy.ops.likeness.show_head(head="RECONSTRUCTED") == {"FINISHED"}


def test_head_deleted_as_an_artist_does_is_gone(part, armature):
    _reveal()
    with bpy.context.temp_override(selected_objects=[bpy.data.objects["Ada"]]):
        bpy.ops.object.delete()
    rig = part("scene.rig")
    assert "Ada" in bpy.data.objects and rig.head_of(armature, rig.RECONSTRUCTED) is None
    with pytest.raises(RuntimeError, match="lost one of its heads"):
        bpy.ops.likeness.deform_reconstructed()


def test_failures_are_one_sentence(armature, tmp_path):
    bpy.data.objects.remove(bpy.data.objects["Ada"])
    with pytest.raises(RuntimeError, match="lost one of its heads"):
        bpy.ops.likeness.deform_reconstructed()
    (tmp_path / "file").touch()
    for kind in (".glb", ".fbx"):
        with pytest.raises(RuntimeError, match="cannot be written"):
            bpy.ops.likeness.export_rig(filepath=str(tmp_path / "file" / "head"), format=kind)
    assert [item.name for item in bpy.context.selected_objects] == ["Ada Head"]


def _drawn(panel, layout) -> list[str]:
    panel.draw(types.SimpleNamespace(layout=layout), bpy.context)
    return [str(argument) for _, arguments, options in layout.calls for argument in (*arguments, *options.values())]


def test_panel_is_there_for_rigs_only(part, layout, armature):
    panel, result = part("panels.head_rig").LIKENESS_PT_head_rig, part("panels.sidebar").LIKENESS_PT_result
    for name in ("Ada", "Ada Head", "Ada Rig", "Ada Look At"):
        bpy.context.view_layer.objects.active = bpy.data.objects[name]
        assert bpy.context.object is None or (panel.poll(bpy.context) and result.poll(bpy.context))
    bpy.context.view_layer.objects.active = armature
    drawn = _drawn(panel, layout)
    for text in ("likeness.pose_rig", "likeness.show_head", "likeness.export_rig", '["look_at"]'):
        assert text in drawn
    bpy.context.view_layer.objects.active = bpy.data.objects["Ada Camera"]
    assert not panel.poll(bpy.context)


def test_panel_tells_what_is_approximate_about_the_active_shape(part, layout, armature, keys):
    head = part("scene.rig").head_of(armature)
    head["likeness_key_notes"] = {"cheekPuff": "The cheeks keep their wrinkles."}
    panel = part("panels.head_rig").LIKENESS_PT_head_rig
    assert "The cheeks keep their wrinkles." not in " ".join(_drawn(panel, layout))
    head.active_shape_key_index = keys.find("cheekPuff")
    assert "cheeks keep" in " ".join(_drawn(panel, layout))


def test_panel_survives_what_an_artist_deletes(part, layout, armature):
    bpy.context.view_layer.objects.active = armature
    bpy.data.objects.remove(bpy.data.objects["Ada"])
    del armature["look_at"]
    assert "likeness.show_head" not in _drawn(part("panels.head_rig").LIKENESS_PT_head_rig, layout)
    bpy.data.objects.remove(bpy.data.objects["Ada Head"])
    assert not part("panels.head_rig").LIKENESS_PT_head_rig.poll(bpy.context)
