"""Textures for the artist's own meshes: what leaves the scene, what comes back into it, and what is said when it cannot."""

import dataclasses
import math

import bpy
import numpy as np
import pytest


@pytest.fixture
def source(part):
    return part("scene.source")


@pytest.fixture
def head(part, make_result):
    part("scene.build").build_result(bpy.context, make_result())
    return bpy.data.objects["Ada"]


@pytest.fixture
def copy(head):
    """A copy of the head with a UV map, active, beside the head."""
    other = head.copy()
    other.data = head.data.copy()
    other.name = "Retopo"
    head.users_collection[0].objects.link(other)
    return _active(other, "Mine")


def _active(item, uv_map=""):
    if uv_map:
        uv = item.data.uv_layers.new(name=uv_map).data
        uv.foreach_set("uv", np.random.default_rng(0).random(2 * len(uv)).astype(np.float32))
    for other in bpy.context.selected_objects:
        other.select_set(False)
    item.select_set(True)
    bpy.context.view_layer.objects.active = item
    return item


@pytest.mark.parametrize(("distance", "count"), [(0.6, 1), (math.inf, 3)])
def test_reconstruction_is_read_back_from_a_saved_file(part, source, make_result, tmp_path, distance, count):
    result = make_result(distance=distance)
    views = [dataclasses.replace(result.views[0], photo=result.views[0].photo // (number + 1)) for number in range(count)]
    result = dataclasses.replace(result, views=tuple(views))
    part("scene.build").build_result(bpy.context, result)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "head.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "head.blend"))
    (head,) = source.sources(bpy.context.scene)
    back = source.result_of(head)
    here, there = back.surface, result.surface
    assert back.name == "Ada" and len(back.views) == len(result.views)
    assert np.array_equal(here.faces, there.faces)
    assert np.abs(here.vertices - there.vertices).max() < 1e-6 and np.allclose(here.observed, there.observed)
    assert np.abs(here.colours - there.colours).max() < 0.51 / 255
    assert (here.normals * there.normals).sum(1).mean() > 0.9
    for view, expected in zip(back.views, result.views, strict=True):
        assert np.array_equal(view.photo, expected.photo) and view.camera == expected.camera
        assert np.array_equal(view.pose.rotation, expected.pose.rotation)
        assert np.array_equal(view.pose.translation, expected.pose.translation)


def test_head_is_a_reconstruction_until_its_mesh_is_another(source, copy, head):
    for item in (head, copy):
        assert source.is_reconstruction(item)
    copy.data.vertices[0].co.z += 0.01  # sculpted
    copy.modifiers.new("Finer", "SUBSURF")
    assert source.is_reconstruction(copy)
    copy.modifiers.clear()
    copy.data.remesh_voxel_size = 0.02
    bpy.ops.object.voxel_remesh()
    assert "likeness_report" in copy and not source.is_reconstruction(copy), "custom properties survive remeshing"
    assert not source.is_reconstruction(None) and not source.is_reconstruction(bpy.data.objects["Ada Camera"])


@pytest.mark.parametrize("counts", ["many", 3, [1.5, 2.5], {"vertices": 3}, None])
def test_head_of_a_foreign_file_is_no_reconstruction(source, head, counts):
    if counts is None:
        del head["likeness_counts"]
    else:
        head["likeness_counts"] = counts
    assert not source.is_reconstruction(head)


def test_rigged_head_is_a_reconstruction_too(part, source, rigged_result):
    part("scene.build").build_result(bpy.context, rigged_result)
    assert source.is_reconstruction(bpy.data.objects["Ada"]) and source.is_reconstruction(bpy.data.objects["Ada Head"])


def test_unchanged_head_is_the_source_and_no_finer_copy(source, copy, head):
    finer = head.copy()
    finer.data = head.data.copy()
    head.users_collection[0].objects.link(finer)
    _active(finer)
    finer.modifiers.new("Finer", "SUBSURF")
    bpy.ops.object.modifier_apply(modifier="Finer")
    assert len(finer.data.vertices) > len(head.data.vertices)
    assert source.source_of(bpy.context.scene, copy) == head


def test_mesh_goes_out_as_it_is_seen_on_the_head_wherever_that_stands(part, source, rigged_result):
    part("scene.build").build_result(bpy.context, rigged_result)
    rig, hidden = bpy.data.objects["Ada Rig"], bpy.data.objects["Ada"]
    other = bpy.data.objects.new("Retopo", hidden.data.copy())
    bpy.context.scene.collection.objects.link(other)
    _active(other, "Mine")
    rig.location, rig.rotation_euler, rig.scale = (1, 2, 3), (0.1, 0.2, 0.3), (2, 2, 2)
    bpy.context.view_layer.update()
    other.matrix_world = rig.matrix_world.copy()
    bpy.context.view_layer.update()
    assert hidden.hide_get() and source.source_of(bpy.context.scene, other) == hidden
    found = part("scene.baking").uv_mesh_of(bpy.context, other, hidden)
    assert np.abs(found.vertices - rigged_result.surface.vertices).max() < 1e-5
    assert np.array_equal(found.faces, rigged_result.surface.faces) and found.faces_uv.max() == len(found.uv) - 1
    other.modifiers.new("Finer", "SUBSURF")
    assert len(part("scene.baking").uv_mesh_of(bpy.context, other, hidden).vertices) > 3 * len(found.vertices)


def test_mirrored_mesh_still_faces_outwards(part, copy, head):
    copy.scale.x = -1
    bpy.context.view_layer.update()
    mesh = part("scene.baking").uv_mesh_of(bpy.context, copy, head)
    corners = mesh.vertices[mesh.faces]
    volume = np.einsum("ni,ni->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
    assert volume > 0 and mesh.vertices[:, 0].max() > 0.05


@pytest.fixture
def stub(preferences, stub_python):
    preferences.existing_python = str(stub_python)


def _base_colour(item):
    (slot,) = item.material_slots
    shader = next(node for node in slot.material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    return shader.inputs["Base Color"].links[0].from_node


def test_baking_paints_the_active_mesh_and_nothing_else(stub, copy, head, make_result):
    before = _base_colour(head).bl_idname
    assert bpy.ops.likeness.bake_uvs(size="1024") == {"FINISHED"}
    node = _base_colour(copy)
    assert node.image.name == "Retopo Texture" and tuple(node.image.size) == (1024, 1024) and node.image.packed_file
    assert node.inputs["Vector"].links[0].from_node.uv_map == "Mine"
    pixel = np.round(np.array(node.image.pixels[:3]) * 255)
    assert pixel[0] == 255 and np.abs(pixel[1:] - make_result().views[0].photo.mean((0, 1))[1:]).max() <= 1
    # The copy shared the head's material.
    assert _base_colour(head).bl_idname == before == "ShaderNodeVertexColor"


def test_maps_are_packed_and_wired(stub, copy):
    assert bpy.ops.likeness.bake_uvs(size="1024", cage=0.002) == {"FINISHED"}
    tree = copy.material_slots[0].material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    normal = shader.inputs["Normal"].links[0].from_node
    assert normal.bl_idname == "ShaderNodeNormalMap" and normal.uv_map == "Mine" and normal.space == "TANGENT"
    picture = normal.inputs["Color"].links[0].from_node.image
    assert picture.name == "Retopo Normal" and picture.packed_file and picture.colorspace_settings.name == "Non-Color"
    displacement = tree.get_output_node("ALL").inputs["Displacement"].links[0].from_node
    assert displacement.inputs["Midlevel"].default_value == 0 and displacement.inputs["Scale"].default_value == 1
    heights = displacement.inputs["Height"].links[0].from_node.image
    assert heights.name == "Retopo Displacement" and heights.is_float and heights.packed_file
    assert abs(heights.pixels[0] + 0.002) < 1e-6, "metres, of either sign"
    observed = bpy.data.images["Retopo Observed"]
    assert observed.packed_file and observed in [node.image for node in tree.nodes if node.type == "TEX_IMAGE"]


def test_only_chosen_maps_are_baked(stub, copy):
    before = _base_colour(copy).bl_idname
    assert bpy.ops.likeness.bake_uvs(size="1024", maps={"normal"}) == {"FINISHED"}
    assert [image.name for image in bpy.data.images if image.name.startswith("Retopo")] == ["Retopo Normal"]
    assert _base_colour(copy).bl_idname == before
    with pytest.raises(RuntimeError, match="Nothing is chosen"):
        bpy.ops.likeness.bake_uvs(maps=set())


def test_mesh_goes_out_with_the_frames_that_its_shading_has(part, copy, head):
    copy.rotation_euler, copy.scale = (0.3, 0.2, 0.1), (1, 2, 1)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.dissolve_limited(angle_limit=0.2)  # faces of more than four corners
    bpy.ops.object.mode_set(mode="OBJECT")
    assert max(face.loop_total for face in copy.data.polygons) > 4
    bpy.context.view_layer.update()
    mesh = part("scene.baking").uv_mesh_of(bpy.context, copy, head)
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-4)
    a, b, c = (mesh.vertices[mesh.faces[:, corner]] for corner in range(3))
    flat = np.cross(b - a, c - a)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
    assert np.median((flat * mesh.normals[mesh.faces_uv[:, 0]]).sum(1)) > 0.95, "normals of a turned and stretched object"
    assert set(np.unique(mesh.tangents[:, 3])) <= {-1, 1}
    tangents = mesh.tangents[mesh.faces_uv[:, 0], :3]
    assert np.median(np.abs((tangents * mesh.normals[mesh.faces_uv[:, 0]]).sum(1))) < 0.3


def test_baking_again_replaces_what_was_baked(stub, copy):
    def counts():
        return len(copy.material_slots[0].material.node_tree.nodes), len(bpy.data.materials), len(bpy.data.images)

    assert bpy.ops.likeness.bake_uvs() == {"FINISHED"}
    before = counts()
    assert bpy.ops.likeness.bake_uvs() == {"FINISHED"}
    assert counts() == before and _base_colour(copy).image.name == "Retopo Texture"


def test_mesh_without_materials_gets_one(stub, copy):
    copy.data.materials.clear()
    assert bpy.ops.likeness.bake_uvs() == {"FINISHED"}
    assert copy.material_slots[0].material.name == "Retopo Baked" and _base_colour(copy).image.name == "Retopo Texture"


def test_heads_own_mesh_can_be_baked(stub, head):
    _active(head, "Mine")
    assert bpy.ops.likeness.bake_uvs() == {"FINISHED"}
    assert _base_colour(head).image.name == "Ada Texture"


def test_what_is_missing_is_said(head):
    with pytest.raises(RuntimeError, match="no UV map; unwrap it first"):
        bpy.ops.likeness.bake_uvs()
    bpy.context.view_layer.objects.active = bpy.data.objects["Ada Camera"]
    with pytest.raises(RuntimeError, match="Select a mesh"):
        bpy.ops.likeness.bake_uvs()
    _active(head, "Mine")
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="object mode"):
        bpy.ops.likeness.bake_uvs()
    bpy.ops.object.mode_set(mode="OBJECT")
    del head["likeness_views"]
    with pytest.raises(RuntimeError, match="Reconstruct a photo first"):
        bpy.ops.likeness.bake_uvs()


def test_collection_tells_which_of_two_reconstructions_is_meant(part, source, make_result, head):
    part("scene.build").build_result(bpy.context, make_result("Bo"))
    bo = bpy.context.object
    bpy.ops.mesh.primitive_cube_add()
    cube = _active(bpy.context.object)
    for collection in list(cube.users_collection):
        collection.objects.unlink(cube)
    bpy.context.scene.collection.objects.link(cube)
    with pytest.raises(part("core.errors").InputError, match="several reconstructions"):
        source.source_of(bpy.context.scene, cube)
    bo.users_collection[0].objects.link(cube)
    assert source.source_of(bpy.context.scene, cube) == bo


VIEW = '{"centre": [1, 2], "scale": %s, "distance": null, "rotation": [[1,0,0],[0,1,0],[0,0,%s]], "translation": [0,0,0]}'
GOOD = VIEW % ("5", "1")


def test_views_that_are_whole_are_read(part, head):
    head["likeness_views"] = f"[{GOOD}]"
    (view,) = part("scene.views").views_of(head)
    assert view.camera == part("core.photo.view").Camera((1, 2), 5) and np.array_equal(view.pose.rotation, np.eye(3))


@pytest.mark.parametrize(
    "views",
    ["", "[]", "{", 7, "[7]", GOOD, f"[{GOOD}, {GOOD}]"]
    + [f"[{VIEW % wrong}]" for wrong in (("0", "1"), ("NaN", "1"), ("5", "3"), ('"x"', "1"), ("1" + 400 * "0", "1"))],
)
def test_foreign_data_are_refused_in_one_sentence(stub, copy, head, views):
    head["likeness_views"] = views
    with pytest.raises(RuntimeError, match="about its photo cannot be read; reconstruct the photo again"):
        bpy.ops.likeness.bake_uvs()
    assert not [image for image in bpy.data.images if "Texture" in image.name]


def test_lost_colours_are_said(stub, copy, head):
    head.data.attributes.remove(head.data.attributes["Colour"])
    with pytest.raises(RuntimeError, match="lost its vertices' attribute Colour"):
        bpy.ops.likeness.bake_uvs()


def _drawn(part, layout):
    """What the panel shows, or None where it is not there."""
    panel = part("panels.bake").LIKENESS_PT_bake
    if not panel.poll(bpy.context):
        return None
    layout.calls.clear()
    panel.draw(type("Drawn", (), {"layout": layout})(), bpy.context)
    return str(layout.calls)


def test_panel_offers_baking_for_meshes_beside_a_reconstruction(part, layout, head, copy):
    shown = _drawn(part, layout)
    assert "UV map: Mine" in shown and "likeness.bake_uvs" in shown and "likeness.retopologise" in shown
    bpy.context.view_layer.objects.active = bpy.data.objects["Ada Camera"]
    assert "likeness.retopologise" in _drawn(part, layout) and "likeness.bake_uvs" not in _drawn(part, layout)


def test_panel_offers_no_baking_for_heads_as_they_were_made(part, layout, make_result, rigged_result):
    assert _drawn(part, layout) is None, "nothing is reconstructed"
    part("scene.build").build_result(bpy.context, make_result())
    assert "likeness.bake_uvs" not in _drawn(part, layout)
    _active(bpy.data.objects["Ada"], "Mine")  # the artist has unwrapped it
    assert "likeness.bake_uvs" in _drawn(part, layout)
    part("scene.build").build_result(bpy.context, make_result("Bo", rigged=rigged_result.rigged))
    assert bpy.context.object.name == "Bo Head" and "likeness.bake_uvs" not in _drawn(part, layout)


def test_flame_parameters_are_a_property_of_the_rigged_head(part, make_result, rigged_result):
    report = {**rigged_result.report, "flame": {"model": "FLAME", "jaw_pose": [0.1, 0, 0]}}
    part("scene.build").build_result(bpy.context, make_result(rigged=rigged_result.rigged, report=report))
    assert bpy.data.objects["Ada Head"]["likeness_flame"] == '{"jaw_pose": [0.1, 0, 0], "model": "FLAME"}'
    assert "likeness_flame" not in bpy.data.objects["Ada"]
