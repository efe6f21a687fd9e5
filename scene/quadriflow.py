"""Quads at a chosen count on a surface, by QuadriFlow in a Blender of its own, which can be ended at any time and may crash.

A script: FILE.npz OUTPUT.npz COUNT, the arguments after "--". FILE holds vertices (V, 3) metres, faces (F, 3), colours (V, 3) and observed
(V,), and perhaps part, one of PARTS, with hair, clothes and head (V,), their shares in each vertex: then only that part of the surface gets
quads, as an open mesh; COUNT is always of the whole. OUTPUT appears with the arrays of a QuadMesh. What it says on standard output is
"stage: share" for the stages below; it ends with 0, with NO_QUADS, or with NO_PART when that part is too small.
"""

import os
import sys
from typing import Any

import bpy
import numpy as np

NO_QUADS, NO_PART = 9, 10
PARTS = SKIN, HAIR, CLOTHES = "skin", "hair", "clothes"
STAGES = {"clean": "Cleaning the Surface", "quads": "Making Quads", "carry": "Carrying the Colours", "unwrap": "Unwrapping"}
_SHARES = {"clean": 0.05, "quads": 0.15, "carry": 0.8, "unwrap": 0.9}
_CELLS, _FEWEST, _MOST = 12, 20_000, 400_000  # voxels on the cleaned surface: for each quad, and in all
_SCALE = 100.0  # QuadriFlow refuses edges of a tenth of a millimetre in metres
_SHORT = 0.02  # share of the median edge: of 280,000 edges between voxels one may be shorter than a micrometre, which it refuses as well
_ANGLE = np.radians(66)
_SMOOTHED, _BORDER_SMOOTHED = 8, 60  # steps of smoothing: of the share along the surface, of a part's border along itself
_EVEN = 0.0075  # metres: standard deviation over which a part is evened: what is narrower than 1.35 of these is dropped, or filled
_ROUNDS, _MOST_STEPS = 3, 100  # of this, each by so many steps of smoothing at most
_QUADS_SMOOTHED = 10  # steps of smoothing of the border of a part's quads along itself
_PIECE = 0.1  # share of a part's largest piece that another one must have to be kept
_LEAST = 0.002  # square metres: a smaller part is none, a smaller hole is filled


def main(source: str, output: str, count: int) -> None:
    """Make the quads. Ends the process with NO_QUADS when QuadriFlow makes none."""
    with np.load(source) as data:
        given = {name: data[name] for name in data.files}
    vertices, faces = given["vertices"] * _SCALE, given["faces"]
    _tell("clean")
    whole = _areas(vertices, faces).sum()
    if "part" in given:
        item = _object("part", *_part(vertices, faces, str(given["part"]), *(given[name] for name in (HAIR, CLOTHES, "head"))))
        count = max(round(count * _areas(*_arrays(item)).sum() / whole), 1)
    else:
        item = _object("surface", vertices, faces)
        item.data.remesh_voxel_size = float(np.sqrt(whole / np.clip(_CELLS * count, _FEWEST, _MOST)))
        bpy.ops.object.voxel_remesh()
    mesh = item.data
    spread_short_edges(mesh)
    _tell("quads")
    before = len(mesh.polygons)
    done: Any = bpy.ops.object.quadriflow_remesh(
        mode="FACES", target_faces=count, use_mesh_symmetry=False, use_preserve_boundary="part" in given, seed=0
    )
    if "FINISHED" not in done or len(item.data.polygons) in (0, before):
        sys.stdout.flush()
        os._exit(NO_QUADS)
    _tell("carry")
    mesh = item.data
    flat, (quads, loops) = _get(mesh.vertices, "co", 3), _corners(mesh)
    if "part" in given:
        flat = fair_border(flat, quads)
    surface = _object("target", vertices, faces)
    found = [surface.closest_point_on_mesh(place) for place in flat]
    places = np.array([place for _, place, _, _ in found], np.float32)
    corners = faces[[index for *_, index in found]]
    shares = _barycentric(vertices[corners], places)
    mesh.vertices.foreach_set("co", places.ravel())
    mesh.update()
    _tell("unwrap")
    layer: Any = bpy.context.view_layer
    layer.objects.active = item
    bpy.ops.object.select_all(action="DESELECT")
    item.select_set(True)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.uv.smart_project(angle_limit=_ANGLE, island_margin=0.003)
    bpy.ops.object.mode_set(mode="OBJECT")
    carried = {name: np.einsum("ni...,ni->n...", given[name][corners], shares).astype(np.float32) for name in ("colours", "observed")}
    partial = output + ".part.npz"
    np.savez(
        partial,
        vertices=places / np.float32(_SCALE),
        faces=quads,
        uv=_get(mesh.uv_layers.active.data, "uv", 2),
        faces_uv=loops,
        wrapped=np.ones(len(places), np.float32),
        format=np.array(1),
        **carried,
    )
    os.replace(partial, output)
    _tell("unwrap", 1.0)


def spread_short_edges(mesh: bpy.types.Mesh) -> None:
    """Vertices that nearly fall together move to the middles of their neighbours, which lie on different sides of them."""
    places, ends = _get(mesh.vertices, "co", 3), np.empty(2 * len(mesh.edges), np.int32)
    mesh.edges.foreach_get("vertices", ends)
    ends = ends.reshape(-1, 2)
    lengths = np.linalg.norm(places[ends[:, 0]] - places[ends[:, 1]], axis=1)
    near = np.unique(ends[lengths < _SHORT * np.median(lengths)])
    start, end = np.concatenate([ends, ends[:, ::-1]]).T
    number = np.bincount(start, minlength=len(places))[near, None]
    places[near] = np.stack([np.bincount(start, places[end, axis], len(places)) for axis in range(3)], axis=1)[near] / number
    mesh.vertices.foreach_set("co", places.ravel())
    mesh.update()


def fair_border(places: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """Places (V, 3) of an open mesh of quads (F, 4) with its borders smoothed along themselves: where they run across the quads' rows,
    QuadriFlow leaves stairs."""
    start, end = _sides(quads)
    count = len(places)
    edges, uses = np.unique(np.minimum(start, end) * count + np.maximum(start, end), return_counts=True)
    border = np.stack(np.divmod(edges[uses == 1], count), axis=1)
    return _smoothed(places, border, _QUADS_SMOOTHED) if len(border) else places


def _sides(quads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last vertices of all sides (E,) of quads (F, 4), a triangle's fourth corner -1."""
    following = np.roll(quads, -1, axis=1)
    following = np.where(following < 0, quads[:, :1], following)
    there = quads >= 0
    return quads[there].astype(np.int64), following[there].astype(np.int64)


def _smoothed(places: np.ndarray, lines: np.ndarray, steps: int) -> np.ndarray:
    """Places (V, 3) smoothed along closed lines of edges (E, 2), by Taubin's steps, or short lines would shrink to points."""
    a, b = np.concatenate([lines, lines[:, ::-1]]).T
    on, degree = np.unique(lines), np.bincount(a, minlength=len(places))
    places = places.copy()
    for strength in steps * (0.5, -0.53):
        summed = np.stack([np.bincount(a, places[b, axis], len(places)) for axis in range(3)], axis=1)
        places[on] += (strength * (summed[on] / degree[on, None] - places[on])).astype(places.dtype)
    return places


def _tell(stage: str, share: float | None = None) -> None:
    sys.stdout.write(f"{stage}: {_SHARES[stage] if share is None else share}\n")
    sys.stdout.flush()


def _object(name: str, vertices: np.ndarray, faces: np.ndarray) -> Any:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices, [], faces)
    item = bpy.data.objects.new(name, mesh)
    context: Any = bpy.context
    context.scene.collection.objects.link(item)
    context.view_layer.objects.active = item
    context.view_layer.update()
    return item


def _areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def _part(
    vertices: np.ndarray, faces: np.ndarray, part: str, hair: np.ndarray, clothes: np.ndarray, head: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A part of a closed surface as an open one: its large pieces, with even borders, and no vertex at which a border meets itself. Ends
    the process with NO_PART when it is too small."""
    share = evened(_shares(faces, hair, clothes, head)[part], vertices / _SCALE, faces)
    whole = faces
    faces = _simple(share, faces, _areas(vertices, faces) / _SCALE**2)
    piece = _pieces(faces, len(vertices))
    sizes = np.bincount(piece, _areas(vertices, faces) / _SCALE**2, minlength=len(vertices))
    if sizes.max() < _LEAST:
        sys.stdout.flush()
        os._exit(NO_PART)
    faces = faces[(sizes >= _PIECE * sizes.max())[piece]]
    vertices = on_contour(vertices, share, whole, np.unique(border_edges(faces, len(vertices))))
    used = np.unique(faces)
    number = np.zeros(len(vertices), np.int64)
    number[used] = np.arange(len(used))
    vertices, faces = vertices[used].astype(np.float64), number[faces]
    return _smoothed(vertices, border_edges(faces, len(vertices)), _BORDER_SMOOTHED), faces


def evened(share: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """A share (V,) of a surface in metres, spread and set to 0 or 1 in turns, as a border moves that grows shorter: without slivers,
    gaps and teeth narrower than a centimetre; at last spread, so that one half is a smooth line."""
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    degree = np.maximum(np.bincount(start, minlength=len(share)), 1)
    length = float(np.linalg.norm(vertices[start] - vertices[end], axis=1).mean())
    for _ in range(_ROUNDS):
        share = (share > 0.5).astype(np.float64)
        for _ in range(min(round(4 * (_EVEN / length) ** 2), _MOST_STEPS)):  # each has a variance of a quarter of the squared length
            share = (share + np.bincount(start, share[end], len(degree)) / degree) / 2
    return share


def on_contour(vertices: np.ndarray, share: np.ndarray, faces: np.ndarray, border: np.ndarray) -> np.ndarray:
    """Vertices (V, 3) with those of a border (B,) moved to where the share (V,) is one half, on their sides that cross it."""
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    of_border = np.zeros(len(vertices), bool)
    of_border[border] = True
    crossing = of_border[start] & (share[end] <= 0.5)
    start, end = start[crossing], end[crossing]
    way = ((share[start] - 0.5) / (share[start] - share[end]))[:, None] * (vertices[end] - vertices[start])
    number = np.maximum(np.bincount(start, minlength=len(vertices)), 1)
    return vertices + np.stack([np.bincount(start, way[:, axis], len(vertices)) for axis in range(3)], axis=1) / number[:, None]


def _shares(faces: np.ndarray, hair: np.ndarray, clothes: np.ndarray, head: np.ndarray) -> dict[str, np.ndarray]:
    """Shares (V,) of PARTS, even along the surface. Hair that does not hang together with the head's is taken for clothes."""
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    shares = np.stack([hair, clothes]).astype(np.float64)
    degree = np.maximum(np.bincount(start, minlength=shares.shape[1]), 1)
    for _ in range(_SMOOTHED):
        shares = np.stack([share + np.bincount(start, share[end], len(degree)) / degree for share in shares]) / 2
    hairy = faces[(shares[0] > 0.5)[faces].all(1)]
    piece = _pieces(hairy, len(degree))
    heads = np.zeros(len(degree), bool)
    heads[piece[(head > 0.5)[hairy].any(1)]] = True
    attached = np.zeros(len(degree), bool)
    attached[hairy[heads[piece]]] = True
    for _ in range(_SMOOTHED):  # with all that smoothing has made of it
        attached[end[attached[start]]] = True
    shares += np.where(attached, 0, shares[0]) * [[-1], [1]]
    return {HAIR: shares[0], CLOTHES: shares[1], SKIN: 1 - shares.sum(0)}


def _simple(share: np.ndarray, faces: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """The faces where a share (V,) is above one half, small holes filled, without those at which their border meets itself."""
    inside = (share > 0.5)[faces].all(1)
    hole = _pieces(faces[~inside], len(share))
    inside[~inside] = np.bincount(hole, areas[~inside], minlength=len(share))[hole] < _LEAST
    while True:
        pinched = np.bincount(border_edges(faces[inside], len(share)).ravel(), minlength=len(share)) > 2
        if not pinched.any():
            return faces[inside]
        inside &= ~pinched[faces].any(1)


def border_edges(faces: np.ndarray, count: int) -> np.ndarray:
    """(E, 2): edges of one face only."""
    start, end = faces.ravel().astype(np.int64), np.roll(faces, -1, axis=1).ravel().astype(np.int64)
    edges, uses = np.unique(np.minimum(start, end) * count + np.maximum(start, end), return_counts=True)
    return np.stack(np.divmod(edges[uses == 1], count), axis=1)


def _pieces(faces: np.ndarray, count: int) -> np.ndarray:
    """(F,): the same number for faces that hang together."""
    label = np.arange(count)
    while True:
        before = label.copy()
        np.minimum.at(label, faces.ravel(), np.repeat(label[faces].min(1), 3))
        label = label[label]
        if np.array_equal(label, before):
            return label[faces[:, 0]]


def _arrays(item: Any) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and triangles (F, 3) of an object of triangles."""
    return _get(item.data.vertices, "co", 3), _corners(item.data)[0][:, :3]


def _get(collection: Any, member: str, size: int) -> np.ndarray:
    values = np.empty(size * len(collection), np.float32)
    collection.foreach_get(member, values)
    return values.reshape(-1, size)


def _corners(mesh: bpy.types.Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (F, 4) and corners (F, 4) of quads and triangles; a triangle's fourth is -1."""
    start, total = (np.empty(len(mesh.polygons), np.int32) for _ in range(2))
    mesh.polygons.foreach_get("loop_start", start)
    mesh.polygons.foreach_get("loop_total", total)
    of_corner = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", of_corner)
    loops = start[:, None] + np.arange(4, dtype=np.int32)
    there = np.arange(4) < total[:, None]
    loops = np.where(there, loops, -1)
    return np.where(there, of_corner[loops], -1), loops


def _barycentric(corners: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(N, 3) of places (N, 3) in triangles (N, 3, 3), in [0, 1]."""
    a, b, c = (corners[:, corner].astype(np.float64) for corner in range(3))
    normal = np.cross(b - a, c - a)
    opposite = np.stack([np.cross(c - b, places - b), np.cross(a - c, places - c), np.cross(b - a, places - a)], axis=1)
    shares = np.clip(np.einsum("nij,nj->ni", opposite, normal), 0, None)
    return shares / np.maximum(shares.sum(1, keepdims=True), 1e-30)


if __name__ == "__main__":
    made, wanted, quads = sys.argv[sys.argv.index("--") + 1 :][:3]
    main(made, wanted, int(quads))
    sys.stdout.flush()
    os._exit(0)  # a module's Blender can hang at its ordinary end
