"""Relief of a dense ball with bumps, baked on a coarse smooth one: the maps give the dense ball back."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from likeness.core.colour.relief import Relief, bake_relief
from likeness.core.colour.textures import bake_textures
from likeness.core.colour.uv_mesh import BakedMaps, UvMesh
from likeness.core.errors import InputError
from likeness.core.geometry.mesh import vertex_normals
from likeness.core.geometry.raster import fragments, nearest
from likeness.core.geometry.walk import WalkedSurface
from likeness.core.result import Mesh

RADIUS, BUMPS = 0.1, 0.001
SIZE = 256


def ball(rows: int, bumps: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (V, 3) with a seam, triangles (F, 3), outward, and the UV map (V, 2) in which the seam is the left and right border."""
    v, u = np.meshgrid(np.linspace(0.1, 0.9, rows), np.linspace(0, 1, 2 * rows), indexing="ij")
    polar, around = np.pi * (1 - v), 2 * np.pi * u
    radius = RADIUS + bumps * np.sin(12 * around) * np.sin(8 * polar)
    vertices = radius[..., None] * np.stack([np.sin(polar) * np.sin(around), np.cos(polar), np.sin(polar) * np.cos(around)], axis=-1)
    number = np.arange(v.size).reshape(v.shape)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]).astype(np.int32)
    return vertices.reshape(-1, 3).astype(np.float32), faces, np.stack([u, v], axis=-1).reshape(-1, 2).astype(np.float32)


@pytest.fixture(scope="module")
def dense() -> Mesh:
    vertices, faces, _ = ball(160, BUMPS)
    flat = np.full(len(vertices), 1, np.float32)
    return Mesh(vertices, faces, vertex_normals(vertices, faces), np.full_like(vertices, 0.5), flat)


@pytest.fixture(scope="module")
def coarse() -> UvMesh:
    vertices, faces, uv = ball(24)
    normals = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    around = np.cross([0, 1, 0], normals)
    tangents = np.column_stack([around / np.linalg.norm(around, axis=1, keepdims=True), np.ones(len(uv))])
    return UvMesh(vertices, faces, uv, faces, normals, tangents.astype(np.float32))


def at(mesh: UvMesh, values: np.ndarray, size: int = SIZE) -> np.ndarray:
    """Values (V, C) of the vertices over the texels (S, S, C), row 0 at the top."""
    flat = np.column_stack([2 * mesh.uv - 1, np.zeros(len(mesh.uv))]).astype(np.float32)
    picture = nearest(fragments(torch.from_numpy(flat), torch.from_numpy(mesh.faces_uv.astype(np.int64)), size))
    corners = mesh.faces_uv[picture.face.clamp_min(0).numpy()]
    return np.einsum("hwic,hwi->hwc", values[corners], picture.barycentric.numpy())


def inside(relief: Relief) -> tuple[slice, slice]:
    rows = len(relief.displacement)
    return slice(rows // 8, -rows // 8), slice(2, -2)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


@pytest.fixture(scope="module")
def relief(coarse: UvMesh, dense: Mesh) -> Relief:
    return bake_relief(coarse, dense, SIZE, 0.005)


def test_displacement_leads_from_the_mesh_to_the_surface(relief: Relief, coarse: UvMesh) -> None:
    normal = unit(at(coarse, coarse.normals))
    there = at(coarse, coarse.vertices) + relief.displacement[..., None] * normal
    polar, around = np.arccos(unit(there)[..., 1]), np.arctan2(there[..., 0], there[..., 2])
    true = RADIUS + BUMPS * np.sin(12 * around) * np.sin(8 * polar)
    error = np.abs(np.linalg.norm(there, axis=-1) - true)[inside(relief)]
    assert error.mean() < 1e-5 and error.max() < 1e-4
    assert np.abs(relief.displacement[inside(relief)]).max() > 0.8 * BUMPS, "the bumps are there"


def test_normal_map_shades_the_mesh_like_the_surface(relief: Relief, coarse: UvMesh, dense: Mesh) -> None:
    normal, tangent = unit(at(coarse, coarse.normals)), at(coarse, coarse.tangents[:, :3])
    x, y, z = np.moveaxis(relief.normal / 127.5 - 1, 2, 0)[..., None]
    shaded = unit(x * tangent + y * np.cross(normal, tangent) + z * normal)
    there = at(coarse, coarse.vertices) + relief.displacement[..., None] * normal
    _, face, shares = WalkedSurface(dense.vertices, dense.faces).meet(
        there.reshape(-1, 3).astype(np.float32), normal.reshape(-1, 3).astype(np.float32), 0.001
    )
    true = unit(np.einsum("ni,nij->nj", shares, dense.normals[dense.faces[face]])).reshape(there.shape)
    angle = np.degrees(np.arccos(np.clip((shaded * true).sum(-1), -1, 1)))[inside(relief)]
    flat = np.degrees(np.arccos(np.clip((normal * true).sum(-1), -1, 1)))[inside(relief)]
    print(angle.mean(), angle.max(), flat.mean())
    assert angle.mean() < 0.6 and angle.max() < 5 and flat.mean() > 4


def test_what_is_out_of_reach_stays_flat(coarse: UvMesh, dense: Mesh) -> None:
    away = dense.vertices[:, 1] > 0.02
    found = bake_relief(coarse, replace(dense, faces=dense.faces[~away[dense.faces].any(1)]), SIZE, 0.005)
    high = at(coarse, coarse.vertices)[..., 1] > 0.03
    high[: SIZE // 10] = high[-SIZE // 10 :] = False
    assert (found.displacement[high] == 0).all()
    assert np.abs(found.normal[high].astype(int) - (128, 128, 255)).max() <= 1


def test_large_maps_are_like_small_ones(coarse: UvMesh, dense: Mesh, relief: Relief, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("likeness.core.colour.relief._FINEST", SIZE)
    large = bake_relief(coarse, dense, 2 * SIZE, 0.005)
    means = large.displacement.reshape(SIZE, 2, SIZE, 2).mean((1, 3))
    exact = np.abs(means - relief.displacement)[inside(relief)]
    assert large.displacement.shape == (512, 512) and exact.mean() < 2e-5 and exact.max() < 3e-4


def test_only_what_is_wanted_is_made_and_the_margin_is_kept(coarse: UvMesh, dense: Mesh) -> None:
    steps: list[float] = []
    result = SimpleNamespace(surface=dense)
    found = bake_textures(coarse, result, BakedMaps(("displacement",), SIZE, 0.005, 3), steps.append)
    assert found.colour is found.normal is found.observed is None and steps == sorted(steps) and max(steps) <= 1
    heights = found.displacement
    border = int(np.flatnonzero(at(coarse, coarse.vertices)[:, SIZE // 2].any(1))[0])
    assert heights is not None
    column = heights[:border, SIZE // 2]
    assert len(np.unique(column[-2:])) <= 2 and len(np.unique(column[: border - 5])) == 1


def test_a_mesh_that_lies_elsewhere_is_refused(coarse: UvMesh, dense: Mesh) -> None:
    away = replace(coarse, vertices=coarse.vertices + np.float32(0.2))
    with pytest.raises(InputError, match="does not lie on the reconstruction"):
        bake_relief(away, dense, SIZE, 0.005)
