"""What build_result puts into the file."""

import dataclasses
import json

import bpy
import numpy as np
import pytest


def _positions(mesh) -> np.ndarray:
    values = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.attributes["position"].data.foreach_get("vector", values)
    return values.reshape(-1, 3)


@pytest.fixture
def build(part):
    def run(result):
        return part("scene.build").build_result(bpy.context, result)

    return run


def test_head_is_upright_faces_minus_y_and_stands_on_its_neck(build, make_result):
    result = make_result()
    build(result)
    head = bpy.data.objects["Ada"]
    points = _positions(head.data)
    assert head.matrix_world.is_identity
    assert np.ptp(points[:, 2]) == pytest.approx(0.26, abs=1e-4)
    nose = points[points[:, 1].argmin()]
    assert abs(nose[0]) < 0.005
    assert -points[:, 1].min() > points[:, 1].max() + 0.02, "the nose must point to -Y"
    # the neck, 0.12 m below and 0.08 m behind the eyes in the head's frame, is the origin
    assert points.mean(0)[1:] == pytest.approx([-0.08, 0.12], abs=5e-3)


def test_mesh_is_valid_smooth_and_outward(build, make_result):
    result = make_result()
    build(result)
    mesh = bpy.data.objects["Ada"].data
    assert not mesh.validate()
    assert all(polygon.use_smooth for polygon in mesh.polygons)
    points, normals = _positions(mesh), np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertex_normals.foreach_get("vector", normals)
    assert ((points - points.mean(0)) * normals.reshape(-1, 3)).sum(1).min() > 0
    assert len(mesh.edges) == len(mesh.vertices) + len(mesh.polygons) - 2


def test_colours_survive_within_one_level(build, make_result):
    result = make_result()
    build(result)
    mesh = bpy.data.objects["Ada"].data
    attribute = mesh.color_attributes["Colour"]
    values = np.empty(4 * len(mesh.vertices), np.float32)
    attribute.data.foreach_get("color_srgb", values)
    assert np.abs(values.reshape(-1, 4)[:, :3] - result.surface.colours).max() <= 1 / 255
    assert mesh.color_attributes.active_color.name == "Colour"
    assert mesh.color_attributes.render_color_index == mesh.color_attributes.find("Colour")


def test_observed_share_is_a_point_attribute(build, make_result):
    result = make_result()
    build(result)
    attribute = bpy.data.objects["Ada"].data.attributes["observed"]
    values = np.empty(len(result.surface.observed), np.float32)
    attribute.data.foreach_get("value", values)
    assert (attribute.domain, attribute.data_type) == ("POINT", "FLOAT")
    assert np.array_equal(values, result.surface.observed)


def test_material_shows_the_colour_attribute(build, make_result):
    build(make_result())
    (material,) = bpy.data.objects["Ada"].data.materials
    (link,) = [link for link in material.node_tree.links if link.to_socket.name == "Base Color"]
    assert link.from_node.layer_name == "Colour"
    assert link.to_node.inputs["Roughness"].default_value == pytest.approx(0.6)


def test_collection_camera_and_active_object(build, make_result):
    collection = build(make_result())
    scene = bpy.context.scene
    assert collection.name == "Ada" and collection.name in scene.collection.children
    assert scene.camera.name in collection.objects
    assert (scene.render.resolution_x, scene.render.resolution_y) == (128, 96)
    assert bpy.context.view_layer.objects.active.name == "Ada"
    assert [item.name for item in bpy.context.selected_objects] == ["Ada"]


def test_camera_and_render_size_of_a_scene_stay_and_the_photos_come_on_request(build, make_result):
    scene = bpy.context.scene
    shot = bpy.data.objects.new("Shot", bpy.data.cameras.new("Shot"))
    scene.collection.objects.link(shot)
    scene.camera, scene.render.resolution_x, scene.render.resolution_y = shot, 1920, 817
    scene.render.resolution_percentage = 50
    build(make_result())
    assert scene.camera == shot
    assert (scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage) == (1920, 817, 50)
    assert bpy.ops.likeness.use_camera() == {"FINISHED"}
    assert scene.camera.name == "Ada Camera"
    assert (scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage) == (128, 96, 100)


def test_every_part_of_a_result_knows_its_camera_until_that_is_deleted(part, build, rigged_result):
    build(rigged_result)
    camera_of, camera = part("scene.source").camera_of, bpy.data.objects["Ada Camera"]
    for name in ("Ada", "Ada Head", "Ada Rig", "Ada Look At", "Ada Camera"):
        assert camera_of(bpy.data.objects[name]) == camera
    _delete(bpy.data.objects["Ada"])
    assert camera_of(bpy.data.objects["Ada Rig"]) == camera
    bpy.ops.mesh.primitive_cube_add()
    assert camera_of(bpy.context.object) is None and camera_of(None) is None
    head = bpy.context.view_layer.objects.active = bpy.data.objects["Ada Head"]
    _delete(camera)
    assert camera_of(head) is None and not bpy.ops.likeness.use_camera.poll()


def test_camera_without_its_photo_is_one_sentence(build, make_result):
    build(make_result())
    bpy.data.images.remove(bpy.data.images["Ada"])
    with pytest.raises(RuntimeError, match="Ada Camera has lost its photo"):
        bpy.ops.likeness.use_camera()


def _delete(item) -> None:
    """As with X: Blender keeps what a custom property points to."""
    with bpy.context.temp_override(selected_objects=[item]):
        bpy.ops.object.delete()


def test_photo_is_packed_unchanged(build, make_result):
    result = make_result()
    build(result)
    (background,) = bpy.context.scene.camera.data.background_images
    image = background.image
    pixels = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(pixels)
    stored = np.round(pixels.reshape(96, 128, 4)[::-1, :, :3] * 255).astype(np.uint8)
    assert image.packed_file and np.array_equal(stored, result.views[0].photo)


def test_metadata_is_strict_json(build, make_result):
    result = make_result()
    build(result)
    head = bpy.data.objects["Ada"]
    assert json.loads(head["likeness_settings"]) == {"quality": "draft"}
    assert json.loads(head["likeness_version"]) == "0.1.0"
    assert json.loads(head["likeness_weights"]) == {"head_model.npz": "00"}
    assert json.loads(head["likeness_report"]) == result.report


def test_every_mesh_becomes_an_object_of_the_collection(part, build, make_result):
    surface = make_result().surface
    bald = dataclasses.replace(surface, vertices=0.9 * surface.vertices)
    collection = build(make_result(meshes={"bald": bald, "surface": surface}))
    assert bpy.context.object.name == "Ada" and set(collection.objects.keys()) == {"Ada", "Ada bald", "Ada Camera"}
    assert np.abs(_positions(collection.objects["Ada bald"].data) - 0.9 * _positions(bpy.context.object.data)).max() < 1e-6
    assert part("scene.source").sources(bpy.context.scene) == [bpy.context.object]


def test_same_photo_twice_keeps_both(build, make_result):
    first, second = build(make_result()), build(make_result())
    assert first.name == "Ada" and second.name == "Ada.001"
    assert len(bpy.data.meshes) == 2 and first.objects[0].data != second.objects[0].data


def test_edit_mode_is_left_alone(build, make_result):
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    build(make_result())
    assert bpy.context.mode == "EDIT_MESH" and bpy.context.active_object.name == "Cube"
    bpy.ops.object.mode_set(mode="OBJECT")


@pytest.mark.parametrize(
    "changes",
    [
        {"faces": np.array([[0, 1, 10**6]], np.int32)},
        {"faces": np.array([[0, 1, -1]], np.int32)},
        {"observed": np.zeros(3, np.float32)},
        {"vertices": np.zeros((0, 3), np.float32), "colours": np.zeros((0, 3), np.float32), "observed": np.zeros(0, np.float32)},
    ],
)
def test_damaged_results_are_refused_before_anything_is_made(build, part, make_result, changes):
    with pytest.raises(part("core.errors").AssetError, match="Ada"):
        build(make_result(surface=changes))
    assert not bpy.data.meshes and not bpy.data.images and not bpy.data.collections


@pytest.mark.parametrize("wrong", ["no view", "a camera that sees nothing", "a pose that is none"])
def test_views_that_cannot_be_are_refused_before_anything_is_made(build, part, make_result, wrong):
    (view,) = make_result().views
    camera = dataclasses.replace(view.camera, scale=0.0)
    pose = dataclasses.replace(view.pose, rotation=2 * view.pose.rotation)
    changed = {"a camera that sees nothing": {"camera": camera}, "a pose that is none": {"pose": pose}}.get(wrong)
    views = () if changed is None else (dataclasses.replace(view, **changed),)
    with pytest.raises(part("core.errors").AssetError, match="Ada"):
        build(make_result(views=views))
    assert not bpy.data.meshes and not bpy.data.images and not bpy.data.collections


def test_numbers_that_are_not_numbers_are_refused(build, part, make_result):
    result = make_result()
    result.surface.vertices[3, 1] = np.nan
    with pytest.raises(part("core.errors").AssetError, match="not numbers"):
        build(result)


def _duplicate(item):
    """As Shift D does."""
    for other in bpy.context.selected_objects:
        other.select_set(False)
    item.select_set(True)
    bpy.context.view_layer.objects.active = item
    bpy.ops.object.duplicate()
    return bpy.context.object


def test_copies_and_remeshed_heads_are_no_results(part, make_result):
    is_result = part("scene.source").is_result
    part("scene.build").build_result(bpy.context, make_result())
    head = bpy.data.objects["Ada"]
    copy = _duplicate(head)
    head.name = "Zoe"  # names say nothing
    assert is_result(head) and "likeness_report" in copy and not is_result(copy)
    assert not is_result(None) and not is_result(bpy.data.objects["Ada Camera"])
    head.modifiers.new("Fewer", "DECIMATE").ratio = 0.5
    bpy.context.view_layer.objects.active = head
    bpy.ops.object.modifier_apply(modifier="Fewer")
    assert "likeness_report" in head and not is_result(head)
    assert is_result(copy)  # what is left of the head as it was


def test_rigs_heads_are_results_and_copies_of_them_are_none(part, rigged_result):
    is_result = part("scene.source").is_result
    part("scene.build").build_result(bpy.context, rigged_result)
    rigged, reconstructed = bpy.data.objects["Ada Head"], bpy.data.objects["Ada"]
    assert is_result(rigged) and is_result(reconstructed)
    assert not is_result(_duplicate(rigged)) and is_result(rigged)


def test_heads_of_two_photos_are_two_results(part, build, make_result):
    heads = [build(make_result(name)).objects[name] for name in ("Ada", "Bo")]
    assert all(part("scene.source").is_result(head) for head in heads)
