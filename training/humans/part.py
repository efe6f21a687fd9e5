"""What a person is made of: closed pieces with paint, at rest and posed.

Everything at rest lies in the frame of `bodies.Body`: metres scaled to 63 mm between the eyes' joints, y up, facing +z, origin between
the eyes' joints. Pieces hang on the hm08 mesh, so that one skinning poses them all.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from ...core.geometry.mesh import vertex_normals

MATERIALS = ("skin", "hair", "cloth", "eye", "gloss")
"""How light meets a surface; `gloss` is plastic and metal, such as glasses and buttons."""


@dataclass(frozen=True)
class SurfacePoints:
    """Points to be painted, float32 on any device.

    uv (N, 2), bottom-left origin; anchor (N, 3) their place on the rest person, metres; values (N, C) the piece's own vertex values.
    """

    uv: torch.Tensor
    anchor: torch.Tensor
    values: torch.Tensor


@dataclass(frozen=True)
class Shade:
    """Painted points: albedo (N, 3) linear light; material (N,) int64, index into MATERIALS; opacity (N,) in [0, 1] or None for opaque;
    height (N,) metres of fine relief (wrinkles, knit, strands) along the normal, which only tilts normals, or None."""

    albedo: torch.Tensor
    material: torch.Tensor
    opacity: torch.Tensor | None = None
    height: torch.Tensor | None = None


class Paint(Protocol):
    """Colours points of one piece; a function of the points alone, so that two renderings agree."""

    def __call__(self, points: SurfacePoints) -> Shade: ...


@dataclass(frozen=True)
class PlainPaint:
    """One colour (3,), linear light, and one material."""

    colour: tuple[float, float, float]
    material: str = "gloss"
    opacity: float | None = None

    def __call__(self, points: SurfacePoints) -> Shade:
        count, like = len(points.uv), points.uv
        return Shade(
            like.new_tensor(self.colour).expand(count, 3),
            torch.full((count,), MATERIALS.index(self.material), dtype=torch.int64, device=like.device),
            None if self.opacity is None else like.new_full((count,), self.opacity),
        )


@dataclass(frozen=True)
class Binding:
    """What vertices of hm08 a piece's vertices follow: ref (V, 3) ids, weight (V, 3) non-negative, rows sum to 1."""

    ref: np.ndarray
    weight: np.ndarray

    @classmethod
    def nearest(cls, vertices: np.ndarray, body: np.ndarray, allowed: np.ndarray) -> "Binding":
        """To the closest of the allowed ids (A,) on the rest body (19158, 3)."""
        from scipy.spatial import cKDTree

        near = allowed[cKDTree(body[allowed]).query(vertices)[1]]
        return cls(np.repeat(near[:, None], 3, axis=1), np.tile(np.array([[1, 0, 0]], np.float32), (len(vertices), 1)))

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values (19158, C) of hm08's vertices, such as skinning weights, on this piece: (V, C)."""
        return np.einsum("nic,ni->nc", values[self.ref], self.weight).astype(np.float32)


@dataclass(frozen=True)
class RestPart:
    """One piece at rest.

    kind: bust, body, hair, beard, brow, lash, eye, cloth, shoe, hat, glasses, lens, … ; vertices (V, 3); faces (F, 3) int64, outward;
    corner_uv (F, 3, 2) or None; values (V, C) for the paint; anchor (V, 3): where the paint thinks the vertices are, by default where
    they are; correspondence (V, 3): the head model's, by default 0. solid: closed, and counts for the labelled shape; the others
    (brows, lashes, lenses) are drawn only. binding: None where the maker poses the piece itself.
    """

    kind: str
    vertices: np.ndarray
    faces: np.ndarray
    binding: Binding | None
    paint: Paint
    corner_uv: np.ndarray | None = None
    values: np.ndarray | None = None
    anchor: np.ndarray | None = None
    correspondence: np.ndarray | None = None
    solid: bool = True


@dataclass(frozen=True)
class Part:
    """A posed piece: vertices (V, 3) and unit normals (V, 3) in the camera frame, metres."""

    rest: RestPart
    vertices: np.ndarray
    normals: np.ndarray

    @classmethod
    def of(cls, rest: RestPart, vertices: np.ndarray) -> "Part":
        vertices = np.ascontiguousarray(vertices, np.float32)
        return cls(rest, vertices, vertex_normals(vertices, rest.faces))

    @property
    def kind(self) -> str:
        return self.rest.kind

    @property
    def faces(self) -> np.ndarray:
        return self.rest.faces

    @property
    def solid(self) -> bool:
        return self.rest.solid

    def surface(self, face: torch.Tensor, barycentric: torch.Tensor) -> SurfacePoints:
        """Points (N,) of this piece, ready for its paint, on the device of the arguments."""
        rest, device = self.rest, face.device
        mixed = lambda corners: torch.einsum("nic,ni->nc", corners, barycentric)  # noqa: E731
        there = lambda array: torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(device)  # noqa: E731
        corners = torch.from_numpy(np.ascontiguousarray(rest.faces)).to(device)[face]
        anchor = there(rest.vertices if rest.anchor is None else rest.anchor)[corners]
        values = barycentric.new_zeros(len(face), 0) if rest.values is None else mixed(there(rest.values)[corners])
        uv = barycentric.new_zeros(len(face), 2) if rest.corner_uv is None else mixed(there(rest.corner_uv)[face])
        return SurfacePoints(uv, mixed(anchor), values)

    def shade(self, face: torch.Tensor, barycentric: torch.Tensor) -> Shade:
        """The painted points (N,) at faces (N,) and barycentrics (N, 3)."""
        return self.rest.paint(self.surface(face, barycentric))
