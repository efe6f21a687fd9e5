"""Retopo meshes: the quads that come back are an object with colours, a UV map and editable modifiers, on the reconstruction."""

import dataclasses
import runpy
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils.bvhtree import BVHTree

SAMPLE = runpy.run_path(str(Path(__file__).with_name("sample.py")))


def _distance(places, surface):
    """Metres of places (N, 3) from a mesh of a result."""
    tree = BVHTree.FromPolygons(surface.vertices.tolist(), surface.faces.tolist())
    return np.array([tree.find_nearest(place)[3] for place in places.tolist()])


@pytest.fixture
def head(part, make_result):
    part("scene.build").build_result(bpy.context, make_result())
    return bpy.data.objects["Ada"]


@pytest.fixture
def stub(preferences, stub_python):
    preferences.existing_python = str(stub_python)


def test_template_lies_on_the_reconstruction_with_its_colours_and_modifiers(stub, head, evaluated, make_result):
    assert bpy.ops.likeness.retopologise(levels=2) == {"FINISHED"}
    item = bpy.context.object
    assert item.name == "Ada Retopo" and item.select_get() and head.hide_get() and head.hide_render
    assert item.users_collection == head.users_collection
    assert [modifier.type for modifier in item.modifiers] == ["SUBSURF", "SHRINKWRAP"]
    assert item.modifiers["Shrinkwrap"].target == head and item.modifiers["Shrinkwrap"].vertex_group == "On Surface"
    mesh = item.data
    assert [face.loop_total for face in mesh.polygons] == 8 * [4] + [3]
    assert len(mesh.uv_layers) == 1 and mesh.attributes["observed"].data[0].value == 1
    assert np.allclose(mesh.color_attributes["Colour"].data[0].color_srgb[:3], (0.2, 0.4, 0.6), atol=0.01)
    # The front is held on the ellipsoid; the rest of the box stays where it was.
    gap = _distance(evaluated(item), make_result().surface)
    vertices = item.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.vertices
    held = np.array([sum(group.weight for group in vertex.groups) for vertex in vertices]) > 0.99
    assert gap[held].max() < 1e-5 and gap[~held].max() > 0.01


def test_options_reach_the_worker(stub, head):
    assert bpy.ops.likeness.retopologise(cover="SKIN", inner=False) == {"FINISHED"}
    item = bpy.context.object
    assert len(item.data.polygons) == 8 and [modifier.type for modifier in item.modifiers] == ["SHRINKWRAP"]
    assert np.ptp([vertex.co.x for vertex in item.data.vertices]) < 0.95 * np.ptp([vertex.co.x for vertex in head.data.vertices])


def test_retopo_mesh_of_a_rig_moves_with_it_and_is_no_result(part, stub, rigged_result):
    part("scene.build").build_result(bpy.context, rigged_result)
    bpy.data.objects["Ada Rig"].location.x = 1
    bpy.context.view_layer.update()
    assert bpy.ops.likeness.retopologise() == {"FINISHED"}
    item = bpy.context.object
    bpy.context.view_layer.update()
    assert item.parent == bpy.data.objects["Ada Rig"] and abs(item.matrix_world.translation.x - 1) < 1e-6
    assert bpy.data.objects["Ada Head"].hide_get() and bpy.data.objects["Ada"].hide_get()
    assert not part("scene.source").is_result(item)


def test_selected_head_of_several_is_meant(part, stub, make_result, head):
    part("scene.build").build_result(bpy.context, make_result("Bo"))
    bpy.context.view_layer.objects.active = head
    assert bpy.ops.likeness.retopologise() == {"FINISHED"}
    assert bpy.context.object.name == "Ada Retopo"


def test_retopo_mesh_is_baked_without_further_ado(stub, head):
    assert bpy.ops.likeness.retopologise() == {"FINISHED"}
    assert bpy.ops.likeness.bake_uvs(size="1024") == {"FINISHED"}
    assert bpy.data.images["Ada Retopo Normal"].packed_file


def test_without_a_reconstruction_it_is_refused():
    with pytest.raises(RuntimeError, match="Reconstruct a photo first"):
        bpy.ops.likeness.retopologise()


def test_vertices_that_fall_together_are_spread_before_quads_are_made(part):
    """QuadriFlow refuses a mesh with an edge of a ten thousandth of a unit, and a few voxels in a hundred thousand give one."""
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=6, y_subdivisions=6)
    mesh = bpy.context.object.data
    before = np.array([vertex.co[:] for vertex in mesh.vertices])
    ends = [edge.vertices[:] for edge in mesh.edges]
    first, second = next(pair for pair in ends if all((abs(before[list(pair)]) < 0.6).ravel()))
    mesh.vertices[second].co = before[first] + (1e-6, 0, 0)
    part("scene.quadriflow").spread_short_edges(mesh)
    after = np.array([vertex.co[:] for vertex in mesh.vertices])
    assert min(np.linalg.norm(after[one] - after[other]) for one, other in ends) > 0.1
    others = np.setdiff1d(np.arange(len(after)), (first, second))
    assert np.array_equal(after[others].astype(np.float32), before[others].astype(np.float32)), "all else stays"


def test_stairs_of_a_border_are_smoothed(part):
    number = {}
    quads = []
    for row in range(12):
        for column in range(12):
            if column <= row:
                corners = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
                quads.append([number.setdefault(corner, len(number)) for corner in corners])
    places = np.array([(*corner, 0) for corner in number], np.float32)
    fair = part("scene.quadriflow").fair_border(places, np.array(quads))
    stairs = [number[corner] for step in range(3, 9) for corner in ((step, step), (step + 1, step))]
    off = lambda where: np.ptp(where[stairs, 0] - where[stairs, 1])  # noqa: E731
    assert off(fair) < 0.5 * off(places)
    inside = number[(3, 8)]
    assert np.array_equal(fair[inside], places[inside])


def test_parts_have_no_slivers_and_end_in_a_smooth_line(part):
    """A half of a grid, with stairs, a tongue of 6 mm and a slit of 6 mm in it; millimetres."""
    script = part("scene.quadriflow")
    side = 61
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(side) * 0.002, np.arange(side) * 0.002))
    first = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    faces = np.concatenate([np.stack([first, first + 1, first + side], 1), np.stack([first + 1, first + side + 1, first + side], 1)])
    vertices = np.column_stack([x, y, 0 * x])
    tongue, slit = abs(y - 0.04) < 0.003, abs(y - 0.08) < 0.003
    share = (x < 0.06 + 0.003 * (np.floor(y / 0.006) % 2) + 0.03 * tongue - 0.03 * slit).astype(float)
    even = script.evened(share, vertices, faces)
    away = (y > 0.02) & (y < 0.1)
    assert not (even > 0.5)[away & (x > 0.07)].any() and (even > 0.5)[away & (x < 0.05)].all()
    inside = faces[(even > 0.5)[faces].all(1)]
    border = np.unique(script.border_edges(inside, len(x)))
    border = border[away[border] & (x[border] > 0.03)]
    line = script.on_contour(vertices, even, faces, border)[border]
    across = line[line[:, 1].argsort(), 0]
    assert np.abs(across[2:-2] - (across[:-4] + across[4:]) / 2).max() < 0.0005, "no stairs of the grid's 2 mm"


def test_free_quads_are_made_in_another_blender(head, evaluated, make_result):
    assert bpy.ops.likeness.retopologise(method="FREE", quads=400) == {"FINISHED"}
    item = bpy.context.object
    faces = [face.loop_total for face in item.data.polygons]
    assert 250 < len(faces) < 700 and np.mean(np.array(faces) == 4) > 0.95
    surface, places = make_result().surface, evaluated(item)
    assert _distance(places, surface).max() < 1e-5
    near = np.linalg.norm(places[:, None] - surface.vertices[None], axis=2).argmin(1)
    colours = np.array([value.color_srgb[:3] for value in item.data.color_attributes["Colour"].data])
    observed = np.array([value.value for value in item.data.attributes["observed"].data])
    assert np.percentile(np.abs(observed - surface.observed[near]), 95) < 0.1, "the share rises from crown to chin, but for the pole"
    assert colours.std() > 0.05
    uv = np.array([corner.uv for corner in item.data.uv_layers.active.data])
    assert uv.min() >= 0 and uv.max() <= 1 and np.ptp(uv, axis=0).min() > 0.5


@pytest.fixture
def dressed(part, make_result):
    """A head whose upper third is hair, as is a patch of the lower third, which is clothes otherwise; and a speck of hair on the nose."""
    result = make_result(surface=SAMPLE["fine_surface"](61))
    height = result.surface.vertices[:, 1]
    low, high = height.min(), height.max()
    share = (height - low) / (high - low)
    speck = np.linalg.norm(result.surface.vertices - result.surface.vertices[result.surface.vertices[:, 2].argmax()], axis=1) < 0.01
    patch = (share < 0.2) & (result.surface.vertices[:, 2] > 0)
    shares = np.stack([(share > 0.66) | speck | patch, (share < 0.33) & ~patch, share > 0.33]).astype(np.float32)
    anatomy = part("core.topology.anatomy").Anatomy(("Hair", "Clothes", "Head"), shares, (), np.zeros((0, 3), np.float32))
    part("scene.build").build_result(bpy.context, dataclasses.replace(result, anatomy=anatomy))
    return bpy.data.objects["Ada"]


def _border_turns(mesh) -> np.ndarray:
    """Cosines between the edges of a mesh's border that follow each other."""
    border = [edge.vertices[:] for edge in mesh.edges if sum(edge.key in face.edge_keys for face in mesh.polygons) == 1]
    next_to = {}
    for a, b in border:
        next_to.setdefault(a, []).append(b)
        next_to.setdefault(b, []).append(a)
    assert border and all(len(others) == 2 for others in next_to.values()), "a border that meets itself"
    place = lambda vertex: np.array(mesh.vertices[vertex].co)  # noqa: E731
    unit = lambda vector: vector / np.linalg.norm(vector)  # noqa: E731
    return np.array([unit(place(v) - place(a)) @ unit(place(b) - place(v)) for v, (a, b) in next_to.items()])


@pytest.mark.parametrize("method", ["TEMPLATE", "FREE"])
def test_hair_and_clothes_are_meshes_of_their_own(stub, dressed, evaluated, make_result, method):
    assert bpy.ops.likeness.retopologise(method=method, parts="SEPARATE", quads=900) == {"FINISHED"}
    names = ["Ada Retopo", "Ada Retopo Clothes", "Ada Retopo Hair"]
    assert sorted(item.name for item in bpy.context.selected_objects) == names and bpy.context.object.name == "Ada Retopo"
    surface = make_result(surface=SAMPLE["fine_surface"](61)).surface
    low, high = surface.vertices[:, 1].min(), surface.vertices[:, 1].max()
    for name, (least, most) in {"Ada Retopo Hair": (0.66, 1), "Ada Retopo Clothes": (0, 0.33)}.items():
        item = bpy.data.objects[name]
        mesh = item.data
        assert np.mean([face.loop_total == 4 for face in mesh.polygons]) > 0.9 and len(mesh.polygons) > 30
        assert len(mesh.uv_layers) == 1 and mesh.color_attributes and item.modifiers["Shrinkwrap"].target == dressed
        places = evaluated(item)
        share = (places[:, 1] - low) / (high - low)
        assert abs(share.min() - least) < 0.08 and abs(share.max() - most) < 0.08, "neither the speck nor the patch is hair"
        assert _distance(places, surface).max() < 1e-5
        assert np.mean(_border_turns(mesh) > 0.7) > 0.9, "no steps"


def test_each_part_is_baked(stub, dressed):
    assert bpy.ops.likeness.retopologise(parts="SEPARATE") == {"FINISHED"}
    for name in ("Ada Retopo", "Ada Retopo Hair", "Ada Retopo Clothes"):
        bpy.context.view_layer.objects.active = bpy.data.objects[name]
        assert bpy.ops.likeness.bake_uvs(size="1024") == {"FINISHED"}
        assert bpy.data.images[f"{name} Texture"].packed_file


def test_parts_need_a_result_that_knows_them(stub, head):
    with pytest.raises(RuntimeError, match="Ada does not say what is hair and clothes"):
        bpy.ops.likeness.retopologise(parts="SEPARATE")


def test_a_part_too_small_is_left_out(part, stub, make_result):
    result = make_result()
    shares = np.zeros((3, len(result.surface.vertices)), np.float32)
    shares[0, :3] = 1
    anatomy = part("core.topology.anatomy").Anatomy(("Hair", "Clothes", "Head"), shares, (), np.zeros((0, 3), np.float32))
    part("scene.build").build_result(bpy.context, dataclasses.replace(result, anatomy=anatomy))
    assert bpy.ops.likeness.retopologise(parts="SEPARATE") == {"FINISHED"}
    assert [item.name for item in bpy.context.selected_objects] == ["Ada Retopo"]


def test_the_template_is_told_what_is_worn_over_its_skin(part, dressed, head):
    anatomy, groups = part("scene.anatomy"), dressed.vertex_groups
    worn = anatomy.worn_on(dressed)
    assert worn.part_names == ("Hair", "Clothes") and worn.parts.shape == (2, len(dressed.data.vertices))
    assert np.array_equal(worn.parts[1], anatomy.part_of(dressed, "Clothes")) and worn.parts[1].max() > 0.5
    read = type(worn).from_arrays(worn.arrays())
    assert read.part_names == worn.part_names and np.array_equal(read.parts, worn.parts)
    groups.remove(groups["Clothes"])
    assert anatomy.worn_on(dressed) is None


def test_cancelling_ends_the_part_that_is_being_made(part, dressed):
    jobs, part_of = part("operators.retopology_jobs"), part("scene.anatomy").part_of
    shares = {name.lower(): part_of(dressed, name) for name in ("Hair", "Clothes", "Head")}
    job = jobs.PartsRetopology(part("scene.source").result_of(dressed), shares, 400)
    process = job._job._process
    job.cancel()
    with pytest.raises(part("core.errors").Cancelled):
        job.poll()
    assert process.poll() is not None
    job.close()


def test_failures_of_the_other_blender_are_one_sentence(part, head):
    errors, script = part("core.errors"), part("scene.quadriflow")
    job = part("operators.retopology_jobs").FreeRetopology(part("scene.source").result_of(head), 400)
    job.cancel()
    with pytest.raises(errors.ReconstructionError, match="makes no quads of this surface; try another number"):
        job.outcome(script.NO_QUADS)
    for code in (0, 1, -11):  # nothing was written
        with pytest.raises(errors.ReconstructionError, match="QuadriFlow failed in another Blender"):
            job.outcome(code)
    job.close()


def test_cancelling_ends_the_other_blender(part, head):
    job = part("operators.retopology_jobs").FreeRetopology(part("scene.source").result_of(head), 400)
    process, folder = job._process, job._folder.path
    job.cancel()
    assert process.poll() is not None
    with pytest.raises(part("core.errors").Cancelled):
        job.poll()
    job.close()
    assert not folder.exists()


def test_x_mirror_by_topology_works_on_the_template(part, sample_model):
    """As Blender's own tools do it: weights of one side are carried to the other by topology, on a head that is not the same on both."""
    level = part("core.models.head_levels").HeadLevel.load("full")
    skin = np.unique(sample_model.faces[sample_model.face_part == 0])
    faces = level.quads[np.isin(level.quads, skin).all(1)]
    places = sample_model.mean + np.random.default_rng(0).normal(0, 0.003, sample_model.mean.shape)
    used = np.unique(faces)
    number = np.zeros(len(places), int)
    number[used] = np.arange(len(used))
    mesh = bpy.data.meshes.new("Template")
    mesh.from_pydata(places[used].tolist(), [], number[faces].tolist())
    item = bpy.data.objects.new("Template", mesh)
    bpy.context.collection.objects.link(item)
    bpy.context.view_layer.objects.active = item
    left = sample_model.mean[used, 0] > 0.001
    item.vertex_groups.new(name="Side.L").add(np.flatnonzero(left).tolist(), 1.0, "REPLACE")
    bpy.ops.object.vertex_group_mirror(flip_group_names=False, use_topology=True)
    weight = np.zeros(len(used))
    for vertex in mesh.vertices:
        for element in vertex.groups:
            weight[vertex.index] = element.weight
    right = number[sample_model.mirror[used]][left]
    assert len(right) > 2000 and (weight[right] == 1).all() and weight.sum() == len(right)
