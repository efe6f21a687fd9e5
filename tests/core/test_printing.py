"""Prints: closed, on a flat base, as high as wanted, hollow and drained if wanted, and read back by the 3MF Consortium's own library."""

from dataclasses import replace
from pathlib import Path

import lib3mf
import manifold3d
import numpy as np
import pytest
import trimesh

from likeness.core.errors import InputError
from likeness.core.print_files import write_print
from likeness.core.printing import TO_PRINTER, Printing, PrintModel, print_model
from likeness.core.result import Mesh, Result
from likeness.core.surface.extract import check_manifold


def base(model: PrintModel) -> float:
    """Area of the faces on z = 0, mm²."""
    low = (np.abs(model.vertices[model.faces][:, :, 2]) < 1e-3).all(1)
    a, b, c = model.vertices[model.faces[low]].transpose(1, 0, 2)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


@pytest.mark.parametrize("printing", [Printing(100), Printing(100, plinth=True), Printing(100, 3.0), Printing(60, 2.0, True)])
def test_a_print_is_closed_as_high_as_wanted_and_stands(bust: Result, printing: Printing) -> None:
    model = print_model(bust, printing)
    check_manifold(model.vertices, model.faces)
    assert model.vertices[:, 2].min() == pytest.approx(0, abs=1e-3)
    assert model.vertices[:, 2].max() == pytest.approx(printing.height, rel=1e-4)
    width = np.ptp(model.vertices, axis=0)
    assert base(model) > 0.1 * width[0] * width[1]
    solid = trimesh.Trimesh(model.vertices, model.faces, process=False)
    assert solid.is_watertight and solid.volume == pytest.approx(model.volume, rel=1e-3)


def test_the_face_looks_at_the_front_and_is_upright(bust: Result) -> None:
    vertices = print_model(bust, Printing(100)).vertices
    nose = vertices[vertices[:, 1].argmin()]
    assert abs(nose[0]) < 3 and 20 < nose[2] < 80


def test_hollow_prints_have_walls_of_the_wanted_thickness_and_a_drain(bust: Result) -> None:
    solid, hollow = print_model(bust, Printing(100)), print_model(bust, Printing(100, 3.0))
    assert hollow.volume < 0.6 * solid.volume
    assert hollow.thinnest == pytest.approx(3, abs=0.5)
    assert solid.thinnest > 5
    mesh = trimesh.Trimesh(hollow.vertices, hollow.faces, process=False)
    assert mesh.body_count == 1, "the cavity's wall and the outside are one surface, through the drain"


@pytest.mark.parametrize("plinth", [False, True])
def test_nothing_stands_in_the_hollow(bust: Result, plinth: bool) -> None:
    model = print_model(bust, Printing(100, 2.0, plinth))
    mesh = trimesh.Trimesh(model.vertices, model.faces, process=False)
    assert mesh.euler_number == 2, "pillars between the walls would be handles"


def test_walls_become_thicker_where_a_hollow_would_run_around_something(bust: Result) -> None:
    """Two pits that nearly meet, beside them 8 mm to a side: walls of 3 mm leave a passage there, walls of 4.5 mm none."""
    block = manifold3d.Manifold.cube((40, 40, 101))
    for low, high in ((-1, 18), (22, 41)):
        rod = manifold3d.Manifold.cylinder(high - low, 4, 4, 32).rotate((-90, 0, 0))
        block -= rod.translate((12, low, 50))
    mesh = block.to_mesh()
    vertices = np.asarray(mesh.vert_properties)[:, :3] @ TO_PRINTER / 1000
    nothing = np.zeros_like(vertices, np.float32)
    surface = Mesh(vertices.astype(np.float32), np.asarray(mesh.tri_verts).astype(np.int32), nothing, nothing, nothing[:, 0])
    model = print_model(replace(bust, meshes={"surface": surface}), Printing(100, 3.0))
    assert model.handles == 0
    assert 3.3 < model.thinnest < 5, "between the pits it is 4 mm"


def test_walls_without_a_hollow_are_refused(bust: Result) -> None:
    with pytest.raises(InputError, match="Walls of 45 mm"):
        print_model(bust, Printing(100, 45.0))


def test_a_plinth_takes_a_part_of_the_height(bust: Result) -> None:
    plain, stood = (print_model(bust, Printing(100, plinth=plinth)) for plinth in (False, True))
    disc = stood.vertices[stood.vertices[:, 2] < 0.5]
    assert base(stood) > base(plain) * 0.9
    assert np.allclose(stood.colours.min(1) >= 0, True) and len(disc) > 60
    assert np.ptp(stood.vertices[stood.vertices[:, 2] > 20][:, 0]) < np.ptp(plain.vertices[plain.vertices[:, 2] > 20][:, 0])


def test_3mf_is_read_by_the_consortiums_library_with_its_colours(bust: Result, tmp_path: Path) -> None:
    model = print_model(bust, Printing(80))
    write_print(model, 'A "print" & more', tmp_path / "head.3mf")
    wrapper = lib3mf.get_wrapper()
    read = wrapper.CreateModel()
    reader = read.QueryReader("3mf")
    reader.SetStrictModeActive(True)
    reader.ReadFromFile(str(tmp_path / "head.3mf"))
    assert reader.GetWarningCount() == 0 and read.GetUnit() == lib3mf.ModelUnit.MilliMeter
    objects = read.GetMeshObjects()
    assert objects.MoveNext()
    mesh = objects.GetCurrentMeshObject()
    assert mesh.IsManifoldAndOriented() and mesh.GetName() == 'A "print" & more'
    assert (mesh.GetVertexCount(), mesh.GetTriangleCount()) == (len(model.vertices), len(model.faces))
    places = np.array([list(vertex.Coordinates) for vertex in mesh.GetVertices()])
    assert np.abs(places - model.vertices).max() < 1e-3
    group = read.GetColorGroupByID(mesh.GetTriangleProperties(0).ResourceID)
    for index in range(0, len(model.faces), 97):
        properties = mesh.GetTriangleProperties(index)
        for corner in range(3):
            colour = group.GetColor(properties.PropertyIDs[corner])
            there = model.colours[model.faces[index, corner]]
            assert np.abs(np.array([colour.Red, colour.Green, colour.Blue]) / 255 - there).max() <= 0.51 / 255


def test_stl_is_read_by_trimesh(bust: Result, tmp_path: Path) -> None:
    model = print_model(bust, Printing(80))
    write_print(model, "head", tmp_path / "head.stl")
    mesh = trimesh.load(tmp_path / "head.stl")
    assert mesh.is_watertight and mesh.extents[2] == pytest.approx(80, rel=1e-4)


def test_a_pit_that_the_base_cuts_open_gets_a_floor() -> None:
    """As between a neck and a wide collar: cut off below it, the pit would be a hole through the print."""
    body = manifold3d.Manifold.sphere(0.1, 96).scale((1, 1, 1.3))
    pit = manifold3d.Manifold.cylinder(0.3, 0.015, 0.03, 48).translate((0, 0.03, -0.11))
    surface = (body - pit).to_mesh64()
    vertices = (np.asarray(surface.vert_properties)[:, :3] @ TO_PRINTER).astype(np.float32)
    nothing = np.zeros((len(vertices), 3), np.float32)
    mesh = Mesh(vertices, np.asarray(surface.tri_verts).astype(np.int32), nothing, nothing, nothing[:, 0])
    model = print_model(Result("Ada", {"surface": mesh}, ()), Printing(100))
    assert model.handles == 0
    assert trimesh.Trimesh(model.vertices, model.faces, process=False).euler_number == 2


def test_holes_through_a_print_are_told(bust: Result) -> None:
    model = print_model(bust, Printing(100))
    assert "hole" not in model.summary
    assert replace(model, handles=2).summary.endswith("with 2 holes through it")
