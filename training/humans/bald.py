"""The bald head that hair, beards, glasses and hats are made for: measures, closest skin and ties to hm08."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from ...core.geometry.mesh import face_normals, vertex_normals
from ...core.models.head import HeadModel
from .clumps import unit
from .noise import smoothstep
from .part import Binding
from .styles import HeadFrame

_REGIONS = ("head", "face", "ears", "brows", "lips", "scalp", "neck")


@dataclass(frozen=True)
class Roots:
    """Places on the bust: corners (N, 3) vertex ids and weight (N, 3) of them; points (N, 3) and unit normals (N, 3)."""

    corners: np.ndarray
    weight: np.ndarray
    points: np.ndarray
    normals: np.ndarray

    def of(self, values: np.ndarray) -> np.ndarray:
        """Values (V,) or (V, C) of the bust's vertices at the roots."""
        return np.einsum("ni...,ni->n...", values[self.corners], self.weight)


@dataclass(frozen=True)
class BaldHead:
    """A closed bald bust at rest, metres, in the frame of `bodies.Body`.

    vertices (V, 3), faces (F, 3) outward; region: soft masks (V,) by name; body (19158, 3): hm08's rest vertices;
    skull (A,) and trunk (B,): the hm08 ids that turn with the head and those that stay with the body.
    """

    vertices: np.ndarray
    faces: np.ndarray
    region: dict[str, np.ndarray]
    body: np.ndarray
    skull: np.ndarray
    trunk: np.ndarray

    @classmethod
    def of(cls, model: HeadModel, head: np.ndarray, joints: np.ndarray, body: np.ndarray) -> "BaldHead":
        """The head model's solid over its vertices (V, 3) and joints (5, 3) at rest, and hm08's rest vertices (19158, 3)."""
        known, turning = model.hm08 >= 0, model.weights[:, 1:].sum(1)
        return cls(
            model.closed_vertices(head, joints, np.eye(3)),
            model.closed_mesh.faces,
            {name: model.closed_region(name) for name in _REGIONS},
            body,
            model.hm08[known & (turning > 0.9) & (model.part == 0)],
            model.hm08[known & (turning < 0.3) & (np.abs(model.mean[:, 0]) < 0.12)],
        )

    @cached_property
    def frame(self) -> HeadFrame:
        return HeadFrame.measure(self.vertices, self.region)

    @cached_property
    def normals(self) -> np.ndarray:
        """Unit normals (V, 3)."""
        return vertex_normals(self.vertices, self.faces)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.vertices, balanced_tree=False, compact_nodes=False)

    def skin(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Height (N,) of points (N, 3) over the skin, negative inside, and its outward normal (N, 3) there; good near the skin."""
        near = self._tree.query(points)[1]
        normal = self.normals[near]
        return np.einsum("ni,ni->n", points - self.vertices[near], normal), normal

    def azimuth(self, points: np.ndarray) -> np.ndarray:
        """Degrees (N,) around the head's vertical axis: 0 in front, 90 at the person's left ear, negative on the right."""
        return np.degrees(np.arctan2(points[:, 0], points[:, 2] - self.frame.centre[2]))

    def bound(self, roots: np.ndarray, vertices: np.ndarray) -> Binding:
        """Locks with roots (N, 3) and equally many vertices each, (N * R, 3) lock by lock: each turns as one with the skull at its root,
        but follows the trunk more and more where it hangs below the chin."""
        repeat = len(vertices) // len(roots)
        root = self.skull[self._skull_tree.query(roots)[1]]
        ref = np.repeat(np.stack([root, root, root], axis=1), repeat, axis=0)
        share = 0.75 * smoothstep((self.frame.chin - 0.01 - vertices[:, 1]) / 0.14)
        low = share > 0
        ref[low, 1] = self.trunk[self._trunk_tree.query(vertices[low])[1]]
        return Binding(ref, np.stack([1 - share, share, np.zeros_like(share)], axis=1).astype(np.float32))

    @cached_property
    def _skull_tree(self) -> cKDTree:
        return cKDTree(self.body[self.skull])

    @cached_property
    def _trunk_tree(self) -> cKDTree:
        return cKDTree(self.body[self.trunk])

    def scatter(self, mask: np.ndarray, count: int, rng: np.random.Generator) -> "Roots":
        """Evenly spread places on the skin, as dense as the mask (V,) says."""
        faces = self.faces[mask[self.faces].mean(1) > 0.08]
        corners = self.vertices[faces]
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) * mask[faces].mean(1)
        # Walking along a space-filling curve in equal shares of area keeps roots apart without comparing them.
        order = np.argsort(_morton(corners.mean(1)))
        ends = np.cumsum(area[order])
        share = (np.arange(count) + rng.random(count)) / count * ends[-1]
        face = faces[order[np.minimum(np.searchsorted(ends, share), len(order) - 1)]]
        one, two = np.sqrt(rng.random(count)), rng.random(count)
        roots = Roots(face, np.stack([1 - one, one * (1 - two), one * two], axis=1), self.vertices[:0], self.normals[:0])
        return replace(roots, points=roots.of(self.vertices), normals=unit(roots.of(self.normals)))

    def area(self, mask: np.ndarray) -> float:
        """Square metres of skin under a mask (V,)."""
        return float((np.linalg.norm(face_normals(self.vertices, self.faces), axis=1) / 2 * mask[self.faces].mean(1)).sum())

    def shell(self, mask: np.ndarray, lift: np.ndarray, depth: float = 0.005) -> tuple[np.ndarray, np.ndarray, Binding]:
        """Closed slab over the skin where the mask (V,) is positive: vertices, outward faces, binding.

        Its top lies `lift` (V,) metres over the skin, which should be negative along the mask's edge; its bottom `depth` under the skin.
        """
        faces = self.faces[(mask[self.faces] > 0.02).all(1)]
        used, inverse = np.unique(faces, return_inverse=True)
        faces, count = inverse.reshape(-1, 3), len(used)
        skin, normals = self.vertices[used], self.normals[used]
        directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        rim = directed[~np.isin(directed @ [count, 1], directed @ [1, count])]
        wall = np.concatenate([np.column_stack([rim[:, ::-1], rim[:, 0] + count]), np.column_stack([rim[:, 1], rim + count])])
        vertices = np.concatenate([skin + lift[used, None] * normals, skin - depth * normals]).astype(np.float32)
        binding = Binding.nearest(vertices, self.body, self.skull)
        return vertices, np.concatenate([faces, faces[:, ::-1] + count, wall]), binding


def angular_uv(vertices: np.ndarray, faces: np.ndarray, pole: np.ndarray, lane: float = 0.015) -> np.ndarray:
    """Corner coordinates (F, 3, 2) of a sheet whose strands run away from a vertical axis through pole (3,): u counts lanes around it,
    each `lane` metres wide at an average head's girth."""
    angle = np.arctan2(vertices[:, 0] - pole[0], vertices[:, 2] - pole[2])[faces]
    angle = angle[:, :1] + (angle - angle[:, :1] + np.pi) % (2 * np.pi) - np.pi
    return np.stack([angle * (0.09 / lane), vertices[faces, 1] / lane], axis=-1).astype(np.float32)


def _morton(points: np.ndarray) -> np.ndarray:
    """Place (N,) of points (N, 3) along a Z-order curve of 4 mm cells."""
    cells = ((points - points.min(0)) / 0.004).astype(np.int64)
    code = np.zeros(len(points), np.int64)
    for bit in range(7):
        for axis in range(3):
            code |= ((cells[:, axis] >> bit) & 1) << (3 * bit + axis)
    return code
