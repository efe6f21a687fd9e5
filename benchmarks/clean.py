"""Whether every result is clean, as QuadriFlow and Blender's 3D-print checks see it.

python -m likeness.benchmarks.clean --quality draft standard -- PHOTO... (in an environment that has bpy too) reconstructs each photo as a
head and prints a line for each: the report's own figures, what QuadriFlow makes of the surface as it is, and how many faces and edges
Blender's 3D-Print Toolbox would mark. It ends with 1 when one of them is not accepted.

The Toolbox is no part of Blender any more, so its checks are written here after its version 1.3 (GPL-2.0-or-later), in its units, with 1
unit a millimetre: Solid (edges without two faces, or whose faces face different ways), Intersections (a BVH tree with itself, epsilon
1e-5), Degenerate (edges and faces of 1e-4 or less), Distorted (non-flat faces, of 45 degrees or more), and, of what will be printed at
120 mm with a flat base, Thin (rays from the middles of the faces inwards that meet the surface within 1 mm). Its checks Sharp and Overhang
describe a shape, every nose has an overhang, and are no errors.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy  # isort: skip  # which brings bmesh
import bmesh
import numpy as np
from mathutils.bvhtree import BVHTree

from ..core.errors import NoSubjectError
from ..core.pipeline import Reconstructor
from ..core.printing import Printing, print_model
from ..core.settings import QUALITIES, Settings

_QUADS = 8000
_MILLIMETRES = 1000.0
_ZERO, _EPSILON, _DISTORTED = 1e-4, 1e-5, np.radians(45)
_THIN = 1.0  # mm
_LARGEST_ASPECT, _SHORTEST_EDGE = 20.0, 0.2


@dataclass(frozen=True)
class Checked:
    """One result. report: of its mesh; quads, share: QuadriFlow's faces and how many are quads; marks: of the print checks by name."""

    report: dict[str, Any]
    quads: int
    share: float
    marks: dict[str, int]

    @property
    def faults(self) -> list[str]:
        """What is not as it should be."""
        report, found = self.report, [name for name in ("solid", "intersections", "degenerate", "distorted") if self.marks[name]]
        found += [name for name in ("genus", "folded", "intersecting") if report[name]]
        found += ["short edges"] if report["shortest_edge"] < _SHORTEST_EDGE else []
        found += ["slivers"] if report["aspect"] > _LARGEST_ASPECT else []
        return found + (["QuadriFlow"] if not 0.3 * _QUADS < self.quads < 3 * _QUADS or self.share < 0.95 else [])


def print_checks(vertices: np.ndarray, faces: np.ndarray) -> dict[str, int]:
    """Edges and faces that the 3D-Print Toolbox marks on a mesh, vertices (V, 3) mm."""
    mesh = bpy.data.meshes.new("checked")
    mesh.from_pydata(vertices.tolist(), [], faces.tolist())
    work = bmesh.new()
    work.from_mesh(mesh)
    bpy.data.meshes.remove(mesh)
    try:
        tree: Any = BVHTree.FromBMesh(work, epsilon=_EPSILON)
        return {
            "solid": sum(not edge.is_manifold or not edge.is_contiguous for edge in work.edges),
            "intersections": len({face for pair in tree.overlap(tree) for face in pair}),
            "degenerate": sum(edge.calc_length() <= _ZERO for edge in work.edges) + sum(face.calc_area() <= _ZERO for face in work.faces),
            "distorted": sum(_is_distorted(face) for face in work.faces),
        }
    finally:
        work.free()


def thin_faces(vertices: np.ndarray, faces: np.ndarray) -> int:
    """Faces that have less than _THIN mm below them; vertices (V, 3) mm."""
    tree: Any = BVHTree.FromPolygons(vertices.tolist(), faces.tolist(), all_triangles=True)
    corners = vertices[faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inwards = -normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
    start = corners.mean(1) + _ZERO * inwards
    return sum(tree.ray_cast(a, b, _THIN)[0] is not None for a, b in zip(start.tolist(), inwards.tolist(), strict=True))


def _is_distorted(face: Any) -> bool:
    """Whether a corner's own normal is far from the face's; never of triangles."""
    return len(face.verts) > 3 and any(face.normal.angle(loop.calc_normal(), 0) > _DISTORTED for loop in face.loops)


def quadriflow(surface: Path) -> tuple[int, float]:
    """Faces that QuadriFlow makes of a saved surface, and the share of quads, in a process of its own, which may crash."""
    command = [sys.executable, "-m", "likeness.benchmarks.clean", "--quads", str(surface)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if line.startswith("quads ")]
    return (int(found[0].split()[1]), float(found[0].split()[2])) if found else (0, 0.0)


def _make_quads(path: Path) -> None:
    """As an artist would: the mesh in metres, Object Data ▸ Remesh ▸ Quad."""
    with np.load(path) as data:
        vertices, faces = data["vertices"], data["faces"]
    mesh = bpy.data.meshes.new("surface")
    mesh.from_pydata(vertices.tolist(), [], faces.tolist())
    item = bpy.data.objects.new("surface", mesh)
    context: Any = bpy.context
    context.scene.collection.objects.link(item)
    context.view_layer.objects.active = item
    done: Any = bpy.ops.object.quadriflow_remesh(mode="FACES", target_faces=_QUADS, use_mesh_symmetry=False, seed=0)
    sides = [face.loop_total for face in mesh.polygons]
    if "FINISHED" in done and len(sides) != len(faces):
        print(f"\nquads {len(sides)} {np.mean(np.array(sides) == 4):.4f}", flush=True)


def check(reconstructor: Reconstructor, photo: Path, quality: str) -> Checked:
    """Reconstruct a photo and look at the surface in all these ways."""
    result = reconstructor.run(photo, Settings(quality=quality, subject="head"))
    surface = result.surface
    with tempfile.TemporaryDirectory() as folder:
        np.savez(path := Path(folder) / "surface.npz", vertices=surface.vertices, faces=surface.faces)
        quads, share = quadriflow(path)
    marks = print_checks(_MILLIMETRES * surface.vertices, surface.faces)
    print_ = print_model(result, Printing())
    marks |= {"thin": thin_faces(print_.vertices, print_.faces)}
    return Checked(result.report["mesh"], quads, share, marks)


def row(name: str, quality: str, checked: Checked, seconds: float) -> str:
    """A line of the table."""
    report, marks = checked.report, checked.marks
    printed = " / ".join(str(marks[one]) for one in ("solid", "intersections", "degenerate", "distorted"))
    verdict = "accepted" if not checked.faults else ", ".join(checked.faults)
    return (
        f"| {name} | {quality} | {report['vertices']:,} | {report['genus']} | {report['shortest_edge']:.2f} | {report['aspect']:.1f}"
        f" | {report['folded']} / {report['intersecting']} | {checked.quads:,}, {checked.share:.1%} | {printed} | {marks['thin']}"
        f" | {verdict} | <!-- {seconds:.0f} s -->"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="*")
    parser.add_argument("--quality", nargs="+", choices=QUALITIES, default=["draft"])
    parser.add_argument("--quads", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.quads:
        _make_quads(options.quads)
        return 0
    reconstructor, bad = Reconstructor.load(), 0
    for quality in options.quality:
        for photo in options.photos:
            begun = time.perf_counter()
            name = photo.parent.name if photo.stem == "photo" else photo.stem
            try:
                checked = check(reconstructor, photo, quality)
            except NoSubjectError as error:
                print(f"{name} is left out: {error}", flush=True)
                continue
            print(row(name, quality, checked, time.perf_counter() - begun), flush=True)
            bad += bool(checked.faults)
    return int(bool(bad))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # Blender as a module can hang at its ordinary end
