"""A result in the artist's scene: what belongs to it, where it stands, how it is looked at, and how it goes again."""

import dataclasses
import json
from types import SimpleNamespace

import bpy
import numpy as np
import pytest


@pytest.fixture
def build(part, make_result):
    return lambda **changes: part("scene.build").build_result(bpy.context, make_result(**changes))


@pytest.fixture
def anatomy(part, make_result):
    """Of the sample head: hair above, skin below, and two landmarks."""
    vertices = make_result().surface.vertices
    hair = (vertices[:, 1] > np.median(vertices[:, 1])).astype(np.float32)
    places = np.float32([[0, 0.1, 0.2], [0, 0.02, 0.15]])
    return part("core.topology.anatomy").Anatomy(("Hair", "Skin"), np.stack([hair, 1 - hair]), ("Nose Tip", "Chin"), places)


def _counts() -> dict[str, int]:
    kinds = ("objects", "meshes", "cameras", "materials", "images", "armatures", "collections", "actions")
    return {kind: len(getattr(bpy.data, kind)) for kind in kinds}


def _cube(size: float) -> bpy.types.Object:
    bpy.ops.mesh.primitive_cube_add(size=size)
    return bpy.context.object


def test_deleting_a_result_leaves_the_file_as_it_was_before(part, build, rigged_result):
    before = _counts()
    build()
    assert bpy.ops.likeness.delete_result() == {"FINISHED"} and _counts() == before
    part("scene.build").build_result(bpy.context, rigged_result)
    bpy.ops.likeness.delete_result()
    assert _counts() == before


def test_deleting_a_result_spares_what_the_artist_made_and_copied(build):
    collection = build()
    head = bpy.context.object
    bpy.ops.object.duplicate()
    copy = bpy.context.object
    mine = _cube(0.1)
    for other in mine.users_collection:
        other.objects.unlink(mine)
    collection.objects.link(mine)
    bpy.context.view_layer.objects.active = head
    bpy.ops.likeness.delete_result()
    assert set(bpy.context.scene.objects) == {copy, mine} and collection.name in bpy.data.collections


def test_selecting_a_result_selects_its_camera_too_and_nothing_else(build):
    cube = _cube(0.1)
    build()
    bpy.ops.likeness.select_result()
    assert {item.type for item in bpy.context.selected_objects} == {"MESH", "CAMERA"} and not cube.select_get()


def test_renamed_and_moved_parts_stay_members(part, build):
    collection = build()
    head = bpy.context.object
    head.name = "Mine"
    collection.objects.unlink(head)
    bpy.context.scene.collection.objects.link(head)
    assert part("scene.members").collection_of(head) == collection


def test_a_head_does_not_hide_in_the_start_up_cube(part, build):
    cube = _cube(2.0)
    collection = build()
    head, camera = bpy.context.object, next(item for item in collection.objects if item.type == "CAMERA")
    apart = camera.location.x - head.location.x
    assert part("scene.placement").stand_clear(bpy.context.scene, collection)
    bpy.context.view_layer.update()
    lowest = min((head.matrix_world @ vertex.co).x for vertex in head.data.vertices)
    assert lowest > cube.dimensions.x / 2 and camera.location.x - head.location.x == pytest.approx(apart)
    assert not part("scene.placement").stand_clear(bpy.context.scene, collection)


def test_a_second_result_stands_beside_the_first(part, build):
    stand_clear = part("scene.placement").stand_clear
    first, second = build(), build()
    assert stand_clear(bpy.context.scene, second)
    bpy.context.view_layer.update()
    places = [
        np.array([item.matrix_world @ vertex.co for vertex in item.data.vertices]) for item in bpy.data.objects if item.type == "MESH"
    ]
    assert len(places) == 2 and first != second and places[0][:, 0].max() < places[1][:, 0].min()


def test_a_head_beside_other_things_stays_where_it_is(part, build):
    _cube(0.1)
    assert not part("scene.placement").stand_clear(bpy.context.scene, build())


def test_parts_become_vertex_groups_and_face_sets(part, build, anatomy):
    build(anatomy=anatomy)
    head = bpy.context.object
    assert [group.name for group in head.vertex_groups] == ["Hair", "Skin"]
    sets = np.empty(len(head.data.polygons), np.int32)
    head.data.attributes[".sculpt_face_set"].data.foreach_get("value", sets)
    above = np.array([polygon.center.z for polygon in head.data.polygons]) > np.median([v.co.z for v in head.data.vertices])
    assert len(np.unique(sets)) == 2 and (sets[above] == np.bincount(sets[above]).argmax()).mean() > 0.95


def test_landmarks_become_empties_once(part, build, anatomy):
    build(anatomy=anatomy)
    head = bpy.context.object
    for _ in range(2):
        assert bpy.ops.likeness.add_landmarks() == {"FINISHED"}
        assert sorted(child["likeness_landmark"] for child in head.children) == ["Chin", "Nose Tip"]
    tip = next(child for child in head.children if child["likeness_landmark"] == "Nose Tip")
    assert tuple(tip.matrix_world.translation) == pytest.approx((0, -0.2, 0.1), abs=1e-6)
    before = len(bpy.data.objects)
    bpy.ops.likeness.delete_result()
    assert len(bpy.data.objects) == before - 4


def test_a_head_without_landmarks_says_so(build):
    build()
    with pytest.raises(RuntimeError, match="has no landmarks"):
        bpy.ops.likeness.add_landmarks()


def test_anatomy_of_another_surface_is_refused(part, make_result, anatomy):
    wrong = dataclasses.replace(anatomy, parts=anatomy.parts[:, :-1])
    with pytest.raises(part("core.errors").AssetError, match="damaged"):
        part("scene.build").build_result(bpy.context, make_result(anatomy=wrong))


def test_an_asset_is_the_whole_collection(build):
    collection = build()
    assert bpy.ops.likeness.mark_asset() == {"FINISHED"}
    assert {tag.name for tag in collection.asset_data.tags} == {"Likeness", "Person"}


def test_retopology_begins_with_a_mesh_that_snaps_to_an_unselectable_target(build):
    build()
    head = bpy.context.object
    assert bpy.ops.likeness.set_up_retopo() == {"FINISHED"}
    assert bpy.context.mode == "EDIT_MESH" and bpy.context.object != head and head.hide_select
    settings = bpy.context.scene.tool_settings
    assert settings.use_snap and "FACE_PROJECT" in settings.snap_elements_individual
    bpy.ops.object.mode_set(mode="OBJECT")


def test_wire_over_the_photo_and_back(build):
    collection = build()
    head = bpy.context.object
    bpy.context.scene.camera = None
    bpy.ops.likeness.wire_over_photo()
    assert head.display_type == "WIRE" and bpy.context.scene.camera in list(collection.objects)
    bpy.ops.likeness.wire_over_photo()
    assert head.display_type == "TEXTURED"


def test_the_view_transform_is_changed_on_request_only(part, build):
    view = bpy.context.scene.view_settings
    view.view_transform = "AgX"
    build()
    assert view.view_transform == "AgX" and part("scene.colour_view").changes_colours(bpy.context.scene) == "AgX"
    bpy.ops.likeness.standard_view()
    assert not part("scene.colour_view").changes_colours(bpy.context.scene)


def test_the_viewport_colour_is_the_mean_of_the_skins(build):
    build()
    colour = bpy.context.object.active_material.diffuse_color[:3]
    assert tuple(colour) == pytest.approx((0.212,) * 3, abs=0.02)  # of random colours, linear


def _rig_like() -> bpy.types.Object:
    """A mesh without colours of its vertices, as a rigged head is."""
    return bpy.data.objects.new("Rig", bpy.data.meshes.new("Rig"))


def test_a_view_of_vertices_colours_shows_the_texture_of_a_rigged_head(part) -> None:
    viewport, area = part("scene.viewport"), _view("VERTEX")
    assert viewport.show_first_colours(SimpleNamespace(area=area, scene=bpy.context.scene), _rig_like())
    assert area.spaces.active.shading.color_type == "TEXTURE"


def test_colours_that_the_artist_has_put_out_meanwhile_stay_out(part) -> None:
    viewport, area = part("scene.viewport"), _view("MATERIAL")
    assert not viewport.show_first_colours(SimpleNamespace(area=area, scene=bpy.context.scene), _rig_like(), refined=True)
    assert area.spaces.active.shading.color_type == "MATERIAL"


def _view(color_type: str = "MATERIAL") -> SimpleNamespace:
    shading = SimpleNamespace(type="SOLID", color_type=color_type)
    return SimpleNamespace(type="VIEW_3D", spaces=SimpleNamespace(active=SimpleNamespace(shading=shading)))


def test_a_plain_solid_view_shows_the_colours_at_once(part, build):
    viewport = part("scene.viewport")
    build()
    area, head = _view(), bpy.context.object
    context = SimpleNamespace(area=area, scene=bpy.context.scene)
    assert viewport.show_first_colours(context, head) and viewport.shows_colours(area, head)
    viewport.show_colours(context, head, False)
    assert area.spaces.active.shading.color_type == "MATERIAL"


def test_a_view_that_the_artist_has_set_up_stays(part, build):
    viewport = part("scene.viewport")
    build()
    head, area = bpy.context.object, _view("OBJECT")
    assert not viewport.show_first_colours(SimpleNamespace(area=area, scene=bpy.context.scene), head)
    assert area.spaces.active.shading.color_type == "OBJECT"
    cube, area = _cube(0.1), _view()
    material = bpy.data.materials.new("Red")
    material.diffuse_color = (1, 0, 0, 1)
    cube.data.materials.append(material)
    assert not viewport.show_first_colours(SimpleNamespace(area=area, scene=bpy.context.scene), head)


def test_a_result_takes_the_place_of_an_earlier_one(part, make_result, anatomy):
    build, replace = part("scene.build").build_result, part("scene.replace").replace_result
    before = _counts()
    collection = build(bpy.context, make_result())
    head, camera = bpy.context.object, bpy.context.scene.camera
    head.location.x, camera.location.x = 3.0, camera.location.x + 3.0
    bpy.context.view_layer.update()
    modifier = head.modifiers.new("Mine", "SUBSURF")
    place, counts = camera.matrix_world.copy(), _counts()
    result = make_result(anatomy=anatomy, surface={"observed": np.ones(len(make_result().surface.vertices), np.float32)})
    assert replace(bpy.context, collection, result) == collection
    bpy.context.view_layer.update()
    assert _counts() == counts and bpy.context.object == head and bpy.context.scene.camera == camera
    assert head.location.x == pytest.approx(3.0) and np.allclose(np.array(camera.matrix_world), np.array(place), atol=1e-5)
    assert head.modifiers[:] == [modifier] and head.name == "Ada" == head.data.name and len(head.vertex_groups) == 2
    assert part("scene.source").is_result(head) and set(part("scene.members").members(collection)) == {head, camera}
    bpy.ops.likeness.delete_result()
    assert _counts() == before


def test_a_rigged_result_takes_the_place_of_a_first_look_and_of_a_rigged_one(part, make_result, rigged_result):
    replace = part("scene.replace").replace_result
    collection = part("scene.build").build_result(bpy.context, make_result())
    head = bpy.context.object
    head.location.x = 2.0
    for _ in range(2):
        bpy.context.view_layer.update()
        replace(bpy.context, collection, rigged_result)
        bpy.context.view_layer.update()
        armature = head.parent
        assert armature.type == "ARMATURE" and armature.matrix_world.translation.x == pytest.approx(2.0)
        rig = part("scene.rig")
        assert rig.head_of(armature, rig.RECONSTRUCTED) == head and rig.head_of(armature).visible_get() and not head.visible_get()
        assert len([item for item in bpy.context.scene.objects if item.type == "ARMATURE"]) == 1
        assert head.matrix_world.translation.x == pytest.approx(2.0)


def test_settings_of_a_result_can_be_repeated_but_its_files_must_be_known(part, build):
    build()
    head, properties = bpy.context.object, bpy.context.scene.likeness
    settings_of, errors = part("operators.repeat_settings").settings_of, part("core.errors")
    assert settings_of(head, properties).quality == "draft"
    head["likeness_settings"] = json.dumps({"quality": "high", "flame": "mine.npz"})
    with pytest.raises(errors.InputError, match=r"Choose mine\.npz"):
        settings_of(head, properties)
    properties.flame = "/somewhere/mine.npz"
    assert settings_of(head, properties).flame == "/somewhere/mine.npz"
    head["likeness_settings"] = "[]"
    with pytest.raises(errors.InputError, match="cannot be read"):
        settings_of(head, properties)


def test_the_time_of_the_last_run_is_told_before_the_next(part, monkeypatch):
    estimates, settings = part("operators.estimates"), part("core.settings").Settings(quality="draft")
    monkeypatch.setattr(estimates, "_READ", {})
    assert estimates.sentence(settings).startswith("About ")
    estimates.remember({"settings": settings.to_report(), "timings": {"fit": 2.0, "surface": 5.2}, "peak_memory_mb": 1234})
    assert estimates.sentence(settings) == "7 s, 1.2 GB as last time"
    monkeypatch.setattr(estimates, "_READ", None)
    assert estimates.sentence(settings) == "7 s, 1.2 GB as last time", "it is kept in a file"
    estimates.remember({"settings": {"quality": "none"}, "timings": []})


def test_every_panel_has_help_and_every_topic_a_panel(part):
    topics = {cls.help_topic for cls in part("panels").CLASSES if hasattr(cls, "help_topic")} - {""}
    assert topics <= set(part("operators.help").TOPICS)
    without = [
        cls.__name__ for cls in part("panels").CLASSES if getattr(cls, "help_topic", "-") == "" and not getattr(cls, "bl_parent_id", "")
    ]
    assert not without


@pytest.mark.parametrize("panel", ["view.LIKENESS_PT_view", "manage.LIKENESS_PT_manage"])
def test_panels_draw(part, build, layout, panel):
    build()
    module, _, name = panel.partition(".")
    cls = getattr(part(f"panels.{module}"), name)
    cls.draw(SimpleNamespace(layout=layout), bpy.context)
    assert any(name == "operator" for name, _, _ in layout.calls)


@pytest.fixture
def running(part, make_result, monkeypatch):
    """running() is an operator whose job has given a first look, as it is in a window."""
    reconstruct = part("operators.reconstruct")

    def make():
        job = object.__new__(reconstruct.Reconstruction)
        job.first, job.failures = make_result(), []
        monkeypatch.setattr(reconstruct, "current", lambda: job)
        return type("Running", (reconstruct.ReconstructOperator,), {})()

    return make


def test_a_first_look_is_refined_in_place(part, running, make_result, anatomy):
    operator, context = running(), bpy.context
    operator.meanwhile(context)
    head = context.object
    operator.meanwhile(context)
    assert len(bpy.data.collections) == 1 and not head.vertex_groups
    operator.use(context, [make_result(anatomy=anatomy)])
    operator._end(context)
    assert len(bpy.data.collections) == 1 and context.object == head and len(head.vertex_groups) == 2


def test_a_first_look_goes_with_its_job(part, running):
    before, operator = _counts(), running()
    operator.meanwhile(bpy.context)
    assert _counts() != before
    operator._end(bpy.context)
    assert _counts() == before


def test_the_artist_may_delete_a_first_look(part, running, make_result):
    operator = running()
    operator.meanwhile(bpy.context)
    bpy.ops.likeness.delete_result()
    operator.use(bpy.context, [make_result()])
    operator._end(bpy.context)
    assert len(bpy.data.collections) == 1 and bpy.context.object is not None
