"""The relief that a mesh of the artist's lacks: normal map and displacement of the reconstruction that it lies on, by its UV map."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ..errors import InputError
from ..geometry.walk import WalkedSurface
from ..result import Mesh
from .texels import PADDING, Progress, Texels
from .uv_mesh import UvMesh

_FINEST = 2048  # texels a side in which the surface is looked up: finer than its vertices even where a head fills the whole map

_LEAST = 0.05  # share of the texels from which the surface is in reach


@dataclass(frozen=True)
class Relief:
    """normal (S, S, 3) uint8: tangent space, X right, Y up (OpenGL), as Blender reads it; displacement (S, S) float32: metres along the
    mesh's normal; both flat where the reconstruction is out of reach."""

    normal: np.ndarray
    displacement: np.ndarray


def bake_relief(mesh: UvMesh, surface: Mesh, size: int, reach: float, margin: int = PADDING, progress: Progress | None = None) -> Relief:
    """Relief of a surface on a mesh that lies on it, both in the same frame, metres.

    size: texels a side; reach: how far the surface is looked for along the mesh's normals, either way; margin: texels around the islands
    that repeat them. Raises InputError for a mesh without a usable UV map.
    """
    step = progress or (lambda share: None)
    texels = Texels.of(mesh.faces, mesh.uv, mesh.faces_uv, size)
    step(0.1)
    coarse = texels if size <= _FINEST else Texels.of(mesh.faces, mesh.uv, mesh.faces_uv, _FINEST)
    found, met = _met(mesh, coarse, WalkedSurface(surface.vertices, surface.faces), reach, progress)
    if met.mean() < _LEAST:
        raise InputError(
            "The mesh does not lie on the reconstruction; move it onto the head that it was made from, or raise the cage distance."
        )
    if coarse is not texels:
        picture = cv2.resize(coarse.picture(found), (size, size), interpolation=cv2.INTER_LINEAR)
        found = picture.reshape(-1, 4)[texels.index.numpy()]
    step(0.8)
    normals = np.empty((len(texels.index), 3), np.uint8)
    frames = _frames(mesh)
    for part in texels.chunks(progress, 0.8, 0.95):
        normals[part] = np.round((_in_tangent_space(_corner_values(mesh, texels, frames, part), found[part, :3]) + 1) * 127.5)
    return Relief(texels.picture(normals, margin), texels.picture(found[:, 3], margin))


def _met(mesh: UvMesh, texels: Texels, surface: WalkedSurface, reach: float, progress: Progress | None) -> tuple[np.ndarray, np.ndarray]:
    """The surface's normals and the distances to it along the mesh's, (N, 4), and whether it is in reach (N,): where not, the mesh's own
    normal and 0."""
    places, found = torch.from_numpy(mesh.vertices), np.empty((len(texels.index), 4), np.float32)
    reached = np.empty(len(found), bool)
    frames = _frames(mesh)
    for part in texels.chunks(progress, 0.1, 0.8):
        points = texels.interpolate(places, part).numpy()
        own = _unit(_corner_values(mesh, texels, frames, part)[:, :3])
        along, face, shares = surface.meet(points, own, reach)
        normal = _unit(np.einsum("ni,nij->nj", shares, surface.normals[surface.faces[face]]))
        reached[part] = met = np.isfinite(along)
        found[part, :3] = np.where(met[:, None], normal, own)
        found[part, 3] = np.where(met, along, 0)
    return found, reached


def _frames(mesh: UvMesh) -> torch.Tensor:
    """Normal, tangent and the sign of the bitangent of each corner (U, 7)."""
    return torch.from_numpy(np.concatenate([mesh.normals, mesh.tangents], axis=1))


def _corner_values(mesh: UvMesh, texels: Texels, values: torch.Tensor, part: slice) -> np.ndarray:
    """Values (U, C) of the corners at some texels."""
    corners = torch.from_numpy(mesh.faces_uv.astype(np.int64))[texels.face[part]]
    return torch.einsum("nic,ni->nc", values[corners], texels.barycentric[part]).numpy()


def _in_tangent_space(frames: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Unit normals (N, 3) as shares of tangent, bitangent and normal, which a shader adds up again: the exact inverse of that."""
    normal, tangent = _unit(frames[:, :3]), frames[:, 3:6]
    bitangent = np.sign(frames[:, 6:]) * np.cross(normal, tangent)
    basis = np.stack([tangent, bitangent, normal], axis=2)
    flat = np.abs(np.linalg.det(basis)) < 1e-4  # no tangents where the UV map is folded up
    basis[flat] = np.eye(3)
    found = np.linalg.solve(basis, normals[..., None])[..., 0]
    found[flat] = (0, 0, 1)
    found[:, 2] = np.maximum(found[:, 2], 0)  # a map cannot say more
    return _unit(found)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
