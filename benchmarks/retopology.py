"""Figures of retopo meshes and of what is baked on them: python benchmarks/retopology.py RESULT.npz [QUADS.npz ...].

RESULT.npz is what Result.save writes, of a head. Measured are the template on the skin, over all, and over all with its quads cut into
four, and the free meshes of QUADS.npz, made by `python scene/quadriflow.py -- SURFACE.npz QUADS.npz COUNT` or saved by Blender. Columns:

quads, and their share of the faces; stretch: the mean over the faces, by area, of the larger singular value of the UV map over the
smaller; distance (mm) of the mesh from the reconstruction, mean and 95 % by area, with the vertices where the Shrinkwrap modifier puts
them: of all that it holds, and of the face where it is bare; PSNR (dB) of pictures of the mesh with what was baked against pictures of the
reconstruction, from the front and from 45 degrees beside, over the pixels at which the one lies on the other: lit from above left with the
normal map (and with the mesh's own normals alone), and the texture's colours against the vertices', which are coarser than the photo. The
template on the skin is compared where the reconstruction shows skin, as its parts tell, since it lies below hair and clothes; what it would
be with the places at which it comes within 3 mm of them, and of the base of the cut, is told as well.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from likeness.core.colour.textures import bake_textures
from likeness.core.colour.uv_mesh import COLOUR, NORMAL, BakedMaps, Textures, UvMesh
from likeness.core.geometry.mesh import face_normals, vertex_normals
from likeness.core.geometry.raster import interpolate, rasterize
from likeness.core.models.head import HeadModel
from likeness.core.models.head_levels import HeadLevel
from likeness.core.result import Mesh, Result
from likeness.core.topology.quads import QuadMesh
from likeness.core.topology.retopology import template_mesh
from likeness.core.topology.transfer import Transfer

_SIZE = 768  # pixels of the pictures that are compared
_SAMPLES = 25_000
_LIGHT = np.array([-0.4, 0.6, 0.7])
_TURNS = (0.0, 45.0)
_SAME = 0.003  # metres between two surfaces, seen from the picture, that count as one


def triangulated(faces: np.ndarray) -> np.ndarray:
    """Triangles (T, 3) of quads and triangles (F, 4), as Blender cuts a plane quad."""
    return np.concatenate([faces[:, :3], faces[faces[:, 3] >= 0][:, [0, 2, 3]]])


def shrinkwrapped(quads: QuadMesh, surface: Mesh) -> np.ndarray:
    """Vertices (V, 3) where the modifier puts them."""
    there = Transfer.between(surface.vertices, surface.faces, quads.vertices)
    return quads.vertices + quads.wrapped[:, None] * (there(surface.vertices) - quads.vertices)


def subdivided(quads: QuadMesh) -> QuadMesh:
    """Each quad cut into four through its middle, as one level of the modifier does before it rounds them."""

    def cut(values: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pairs = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
        edges, number = np.unique(pairs, axis=0, return_inverse=True)
        number, middle = number.reshape(faces.shape) + len(values), np.arange(len(faces)) + len(values) + len(edges)
        parts = [np.stack([faces[:, k], number[:, k], middle, number[:, k - 1]], axis=1) for k in range(4)]
        return np.concatenate([values, values[edges].mean(1), values[faces].mean(1)]), np.concatenate(parts).astype(np.int32)

    of_vertices = np.column_stack([quads.vertices, quads.colours, quads.observed, quads.wrapped])
    (values, faces), (uv, faces_uv) = cut(of_vertices, quads.faces), cut(quads.uv, quads.faces_uv)
    return QuadMesh(values[:, :3], faces, uv, faces_uv, values[:, 3:6], values[:, 6], values[:, 7])


def uv_mesh(quads: QuadMesh, vertices: np.ndarray) -> UvMesh:
    """The mesh with smooth normals, and tangents along U of each corner."""
    faces, faces_uv = triangulated(quads.faces), triangulated(quads.faces_uv)
    of_vertex = np.zeros(len(quads.uv), np.int64)
    of_vertex[faces_uv] = faces
    normals = vertex_normals(vertices, faces)[of_vertex]
    edges, sides = vertices[faces[:, 1:]] - vertices[faces[:, :1]], quads.uv[faces_uv[:, 1:]] - quads.uv[faces_uv[:, :1]]
    area = sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 1, 0] * sides[:, 0, 1]
    along = (sides[:, 1, 1:] * edges[:, 0] - sides[:, 0, 1:] * edges[:, 1]) * np.sign(area)[:, None]
    tangents = np.zeros((len(quads.uv), 3))
    np.add.at(tangents, faces_uv.ravel(), np.repeat(along, 3, axis=0))
    tangents -= (tangents * normals).sum(1, keepdims=True) * normals
    tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-12)
    signs = np.ones(len(quads.uv))
    signs[faces_uv] = np.where(area < 0, -1, 1)[:, None]
    frames = np.column_stack([tangents, signs]).astype(np.float32)
    return UvMesh(vertices.astype(np.float32), faces, quads.uv, faces_uv, normals.astype(np.float32), frames)


def stretch(mesh: UvMesh) -> float:
    """Mean anisotropy of the UV map, by area; 1 for none."""
    a, b, c = (mesh.vertices[mesh.faces[:, corner]].astype(np.float64) for corner in range(3))
    first = np.linalg.norm(b - a, axis=1)
    x, area = ((c - a) * (b - a)).sum(1) / np.maximum(first, 1e-12), np.linalg.norm(np.cross(b - a, c - a), axis=1)
    place = np.zeros((len(first), 2, 2))
    place[:, 0, 0], place[:, 0, 1], place[:, 1, 1] = first, x, area / np.maximum(first, 1e-12)
    corners = mesh.uv[mesh.faces_uv].astype(np.float64)
    flat = np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], axis=2)
    sound = np.abs(np.linalg.det(place)) > 1e-14
    values = np.linalg.svd(flat[sound] @ np.linalg.inv(place[sound]), compute_uv=False)
    used = values[:, 1] > 1e-9
    return float(np.average(values[used, 0] / values[used, 1], weights=area[sound][used]))


def distances(mesh: UvMesh, surface: Mesh, weight: np.ndarray) -> np.ndarray:
    """Millimetres from points all over those faces whose vertices have weight (V,), by area."""
    kept = mesh.faces[(weight[mesh.faces] > 0.5).all(1)]
    area = np.linalg.norm(face_normals(mesh.vertices, kept), axis=1)
    rng = np.random.default_rng(0)
    chosen = kept[rng.choice(len(kept), _SAMPLES, p=area / area.sum())]
    points = np.einsum("nij,ni->nj", mesh.vertices[chosen], rng.dirichlet([1, 1, 1], len(chosen)))
    return 1000 * np.abs(Transfer.between(surface.vertices, surface.faces, points.astype(np.float32)).distance)


def psnr(mesh: UvMesh, surface: Mesh, result: Result, size: int, covered: np.ndarray) -> tuple[float, float, float, float]:
    """Of the relief with the normal map, without it, and of the colours, where nothing is covered (V,); and of the relief anywhere."""
    textures = bake_textures(mesh, result, BakedMaps((COLOUR, NORMAL), size))
    smooth = replace(textures, normal=np.full_like(textures.normal, (128, 128, 255)))
    errors = []
    for degrees in _TURNS:
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        turn = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]], np.float32)
        frame = turn, (surface.vertices.max(0) + surface.vertices.min(0)) / 2, np.ptp(surface.vertices, axis=0).max() / 2
        true, there = _drawn(surface.vertices, surface.faces, *frame, np.hstack([surface.colours, surface.normals, covered[:, None]]))
        (colour, normal), here = _shaded(mesh, textures, *frame)
        same = np.abs(there - here) * frame[2] < _SAME
        bare = same & (true[..., 6] < 0.5)
        lit = _lit(true[..., 3:6], turn)
        of_mesh = _lit(normal, turn), _lit(_shaded(mesh, smooth, *frame)[0][1], turn)
        pairs = (of_mesh[0], lit, bare), (of_mesh[1], lit, bare), (colour, true[..., :3], bare), (of_mesh[0], lit, same)
        errors.append([((one - other)[where] ** 2).mean() for one, other, where in pairs])
    return tuple(-10 * np.log10(np.mean(errors, axis=0)))


def _drawn(
    vertices: np.ndarray, faces: np.ndarray, turn: np.ndarray, middle: np.ndarray, half: float, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    seen = torch.from_numpy((((vertices - middle) @ turn.T) / half).astype(np.float32))
    corners = torch.from_numpy(faces.astype(np.int64))
    drawn = rasterize(seen, corners, _SIZE)
    depth = torch.where(drawn.mask, drawn.depth, torch.nan)
    return interpolate(drawn, corners, torch.from_numpy(values.astype(np.float32))).numpy(), depth.numpy()


def _shaded(
    mesh: UvMesh, textures: Textures, turn: np.ndarray, middle: np.ndarray, half: float
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Colours and normals of the baked mesh, as a shader finds them, and its depth."""
    corners = mesh.faces_uv.ravel()
    split = mesh.vertices[mesh.faces.ravel()], np.arange(len(corners)).reshape(-1, 3)
    values, there = _drawn(*split, turn, middle, half, np.hstack([mesh.uv, mesh.normals, mesh.tangents])[corners])
    uv, normal, tangent, sign = values[..., :2], values[..., 2:5], values[..., 5:8], values[..., 8:]
    normal = normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    colour, map_ = (_looked_up(getattr(textures, name), uv) for name in (COLOUR, NORMAL))
    x, y, z = np.moveaxis(2 * map_ - 1, 2, 0)[..., None]
    return (colour, x * tangent + y * np.sign(sign) * np.cross(normal, tangent) + z * normal), there


def _looked_up(picture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Bilinear, in [0, 1]."""
    place = torch.from_numpy(np.stack([2 * uv[..., 0] - 1, 1 - 2 * uv[..., 1]], axis=-1).astype(np.float32))
    values = torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)[None]
    return torch.nn.functional.grid_sample(values, place[None], align_corners=False)[0].permute(1, 2, 0).numpy()


def _lit(normal: np.ndarray, turn: np.ndarray) -> np.ndarray:
    normal = normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    light = _LIGHT / np.linalg.norm(_LIGHT) @ turn
    return 0.25 + 0.75 * np.clip(normal @ light, 0, 1)


def clothed(result: Result) -> np.ndarray:
    """(V,): how much of each vertex of the reconstruction is hair or clothes."""
    anatomy = result.anatomy
    if anatomy is None:
        return np.zeros(len(result.surface.vertices), np.float32)
    return anatomy.parts[[anatomy.part_names.index(name) for name in ("Hair", "Clothes")]].sum(0)


def report(name: str, quads: QuadMesh, result: Result, face: np.ndarray | None, size: int, covered: np.ndarray | None = None) -> None:
    """One line of the table. face (V,): 1 on the face, where it is known; covered: where the mesh does not lie on the surface, nowhere by
    default."""
    surface, number = result.surface, int((quads.faces[:, 3] >= 0).sum())
    mesh = uv_mesh(quads, shrinkwrapped(quads, surface))
    nowhere = np.zeros(len(surface.vertices), np.float32)
    shape, smooth, colour, anywhere = psnr(mesh, surface, result, size, nowhere if covered is None else covered)
    held = distances(mesh, surface, quads.wrapped)
    on_face = "" if face is None else f" | face {distances(mesh, surface, face).mean():.3f}"
    fits = f"PSNR {shape:.1f} ({smooth:.1f}) dB, colours {colour:.1f} dB" + ("" if covered is None else f", anywhere {anywhere:.1f} dB")
    print(
        f"{name:16} | {number:6} quads {number / len(quads.faces):6.1%} | stretch {stretch(mesh):.2f}"
        f" | distance {held.mean():.3f} {np.percentile(held, 95):.3f} mm{on_face} | {fits}",
        flush=True,
    )


def main(path: Path, free: list[Path], size: int = 2048) -> None:
    result, model = Result.load(path), HeadModel.load()
    face = model.regions["face"] * (1 - model.regions["ears"]) * (model.part == 0)
    settings = result.report.get("settings", {})
    used = np.unique(HeadLevel.load("full").inside(settings.get("cut", "none")).quads)
    bare = np.ones(len(used), bool)
    for cover, name in ((False, "template, skin"), (True, "template, all")):
        quads = template_mesh(result, cover, True, lambda share: None)
        bare &= quads.wrapped > 0.5
        report(name, quads, result, face[used] * bare, size, None if cover else clothed(result))
    report("the same, cut", subdivided(quads), result, None, size)
    for file in free:
        quads = QuadMesh.load(file)
        report(f"free {len(quads.faces)}", quads, result, None, size)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(file) for file in sys.argv[2:]])
