"""A person in a crop: all pieces' triangles on one device, and their fragments."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import torch

from ...core.geometry.raster import Fragments, LayeredDepth, fragments
from ..humans.part import Part, Shade
from .hull import Hull

HAIR = ("hair", "beard")
"""Kinds of pieces whose locks have air between them."""


@dataclass(frozen=True)
class Scene:
    """Pieces joined to one mesh in the crop frame.

    vertices (V, 3), unit normals (V, 3) and semantic correspondence (V, 3), 0 off the head; faces (F, 3); part (F,): whose face it is;
    first (P,): the pieces' first faces; pieces: the fragments over a size x size raster; unit: metres of one crop unit.
    """

    parts: Sequence[Part]
    vertices: torch.Tensor
    normals: torch.Tensor
    correspondence: torch.Tensor
    faces: torch.Tensor
    part: torch.Tensor
    first: torch.Tensor
    pieces: Fragments
    unit: float

    @classmethod
    def of(
        cls, parts: Sequence[Part], to_crop: Callable[[np.ndarray], np.ndarray], size: int, unit: float, device: str = "cpu"
    ) -> Self:  # fmt: skip
        """Maps the parts from the camera frame to a crop frame and finds their fragments."""
        counts = np.array([len(part.vertices) for part in parts])
        offsets = np.cumsum(counts) - counts
        faces = np.concatenate([part.faces + offset for part, offset in zip(parts, offsets, strict=True)])
        lengths = np.array([len(part.faces) for part in parts])
        there = lambda array: torch.from_numpy(np.ascontiguousarray(array)).to(device)  # noqa: E731
        vertices = there(to_crop(np.concatenate([part.vertices for part in parts])).astype(np.float32))
        normals = there(np.concatenate([part.normals for part in parts]).astype(np.float32))
        correspondence = [
            np.zeros((len(part.vertices), 3)) if part.rest.correspondence is None else part.rest.correspondence for part in parts
        ]
        corners = there(faces)
        owner = there(np.repeat(np.arange(len(parts)), lengths))
        first = there(np.cumsum(lengths) - lengths)
        pieces = fragments(vertices, corners, size)
        return cls(parts, vertices, normals, there(np.concatenate(correspondence).astype(np.float32)), corners, owner, first, pieces, unit)

    @cached_property
    def solid(self) -> torch.Tensor:
        """(P,) bool: does the piece count for the labelled shape?"""
        return torch.tensor([part.solid for part in self.parts], device=self.vertices.device)

    @cached_property
    def depth(self) -> LayeredDepth:
        """Layered depth of the union of the solid pieces."""
        return LayeredDepth(self.pieces, torch.nonzero(self.solid[self.part[self.pieces.face]])[:, 0])

    @cached_property
    def hull(self) -> Hull:
        """Closed outside of the hair."""
        owner = self.part[self.pieces.face]
        hair = torch.tensor([part.kind in HAIR for part in self.parts], device=owner.device)
        return Hull.of(self.pieces, self.solid[owner], hair[owner])

    def interpolate(self, values: torch.Tensor, face: torch.Tensor, barycentric: torch.Tensor) -> torch.Tensor:
        """Values (V, C) of the vertices at surface points (N,), (N, 3)."""
        return torch.einsum("nic,ni->nc", values[self.faces[face]], barycentric)

    def shade(self, face: torch.Tensor, barycentric: torch.Tensor) -> Shade:
        """The painted surface points of any pieces; opacity and height are always given."""
        count = len(face)
        albedo, opacity, height = (barycentric.new_empty(count, 3), barycentric.new_ones(count), barycentric.new_zeros(count))
        material = face.new_zeros(count)
        owner = self.part[face]
        for index in torch.unique(owner).tolist():
            chosen = torch.nonzero(owner == index)[:, 0]
            shade = self.parts[index].shade(face[chosen] - self.first[index], barycentric[chosen])
            albedo[chosen], material[chosen] = shade.albedo, shade.material
            if shade.opacity is not None:
                opacity[chosen] = shade.opacity
            if shade.height is not None:
                height[chosen] = shade.height
        return Shade(albedo, material, opacity, height)
