"""Surfaces around the body that garments are cut from, and what makes a closed piece of cloth out of a cut.

MakeHuman's hm08 mesh (CC0; `base_mesh.py`) holds two cages beside the body: `helper-tights` hugs it from the neck to the
toes and the wrists, `helper-skirt` is a tube from the waist to the ankles. Both follow every body shape and pose, as they are vertices
of hm08. A garment is a part of a refined cage, cut along the zero line of a field and raised along the cage's normals.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from ...core.geometry.mesh import compact, loop_subdivision, smoothing_matrix, vertex_normals
from .part import Binding

_SOFT = 4  # relaxations of the cage whose normals cloth rises along


@dataclass(frozen=True)
class Cut:
    """Part of a cage. face (N,), barycentric (N, 3): where its vertices lie on the cage's fine faces; faces (F, 3) among them."""

    face: np.ndarray
    barycentric: np.ndarray
    faces: np.ndarray


class Cage:
    """A cage refined by two Loop subdivisions.

    template (19158, 3): the vertices of hm08 on which fields are designed; triangles (F, 3) over hm08's ids.
    at (V, 3): the fine vertices on the template; faces (16 F, 3) outward.
    """

    def __init__(self, template: np.ndarray, triangles: np.ndarray) -> None:
        _, coarse, self.ids = compact(template, triangles)
        count = len(self.ids)
        first, middle = loop_subdivision(coarse, count)
        second, self.faces = loop_subdivision(middle, first.shape[0])
        self._refine = (second @ first).tocsr().astype(np.float32)
        self._relax = smoothing_matrix(coarse, count)
        self._coarse = coarse
        self.at = self._refine @ template[self.ids]

    @cached_property
    def smooth(self) -> sp.csr_matrix:
        """(V, V) one step of smoothing of values on the fine vertices."""
        return smoothing_matrix(self.faces, len(self.at))

    @cached_property
    def _incident(self) -> tuple[np.ndarray, np.ndarray]:
        """One face (V,) and corner (V,) of each fine vertex."""
        _, first = np.unique(self.faces, return_index=True)
        return first // 3, first % 3

    @cached_property
    def _corners(self) -> np.ndarray:
        """(16 F, 3, 3) barycentrics, in the coarse face that a fine face came from, of its corners; as loop_subdivision orders them."""
        corners = np.eye(3, dtype=np.float32)[None]
        for _ in range(2):
            a, b, c = np.moveaxis(corners, 1, 0)
            ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
            corners = np.concatenate([np.stack(child, 1) for child in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))])
        return np.repeat(corners, len(self._coarse), axis=0)

    def surface(self, vertices: np.ndarray, relaxations: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """The fine cage on a body (19158, 3): points (V, 3), soft unit normals (V, 3) along which cloth may rise far without folding
        over, and the points (V, 3) after each count of relaxations: cloth that spans hollows."""
        stages = [vertices[self.ids]]
        for _ in range(max(_SOFT, *relaxations)):
            stages.append(self._relax @ stages[-1])
        normals = self._refine @ vertex_normals(stages[_SOFT], self._coarse)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        return self._refine @ stages[0], normals, [self._refine @ stages[steps] for steps in relaxations]

    def cut(self, field: np.ndarray) -> Cut:
        """The part where a field (V,) is positive; its edge follows the zero line exactly."""
        field = np.where(np.abs(field) < 1e-6, 1e-6, field)
        positive = field > 0
        inside = positive[self.faces]
        total = inside.sum(1)
        whole = np.flatnonzero(total == 3)
        one, two = np.flatnonzero(total == 1), np.flatnonzero(total == 2)
        # Turn the faces so that the corner on its own side of the line comes first.
        turn = np.concatenate([inside[one].argmax(1), (~inside[two]).argmax(1)])
        crossed = np.concatenate([one, two])
        lone, following, previous = np.take_along_axis(self.faces[crossed], (turn[:, None] + np.arange(3)) % 3, axis=1).T
        count = len(field)
        ends = np.stack([np.concatenate([lone, lone]), np.concatenate([following, previous])], axis=1)
        key = ends.min(1) * count + ends.max(1)
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        at_following, at_previous = inverse.reshape(2, -1) + count
        tip, wide = slice(0, len(one)), slice(len(one), None)
        faces = np.concatenate(
            [
                self.faces[whole],
                np.stack([lone, at_following, at_previous], 1)[tip],
                np.stack([at_following, following, previous], 1)[wide],
                np.stack([at_following, previous, at_previous], 1)[wide],
            ]
        )
        # A crossing lies on a side of the face that was cut: its barycentrics have two entries.
        a, b = field[ends[first, 0]], field[ends[first, 1]]
        share = (a / (a - b)).astype(np.float32)
        side, crossing = np.divmod(first, len(crossed)) if len(crossed) else (first, first)
        rows = np.arange(len(first))
        on_edge = np.zeros((len(first), 3), np.float32)
        on_edge[rows, turn[crossing]] = 1 - share
        on_edge[rows, (turn[crossing] + 1 + side) % 3] = share
        face, corner = self._incident
        barycentric = np.concatenate([np.eye(3, dtype=np.float32)[corner], on_edge])
        _, faces, kept = compact(barycentric, faces)
        return Cut(np.concatenate([face, crossed[crossing]])[kept], barycentric[kept], faces)

    def take(self, cut: Cut, values: np.ndarray) -> np.ndarray:
        """Values (V, C) of the fine vertices at a cut's vertices, (N, C)."""
        return np.einsum("nic,ni->nc", values[self.faces[cut.face]], cut.barycentric)

    def binding(self, cut: Cut) -> Binding:
        """How a cut's vertices hang on hm08."""
        parent = self._coarse[cut.face % len(self._coarse)]
        return Binding(self.ids[parent], np.einsum("nij,ni->nj", self._corners[cut.face], cut.barycentric))


def closed_shell(outer: np.ndarray, inner: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cloth between an outer and an inner side (N, 3) of one open mesh, with rounded rims.

    Returns vertices (2 N + R, 3), faces (G, 3) outward, and the open mesh's vertex (2 N + R,) that each vertex stems from.
    """
    count, edges = len(outer), rim_edges(faces)
    start, end = edges.T
    ids = np.unique(edges)
    place = np.full(count, -1)
    place[ids] = 2 * count + np.arange(len(ids))
    # Beyond the edge: across the rim's edges, within the cloth.
    along = outer[end] - outer[start]
    across = np.cross(along, (outer - inner)[start] + (outer - inner)[end])
    away = np.stack([np.bincount(edges.T.ravel(), np.tile(across[:, axis], 2), minlength=count)[ids] for axis in range(3)], axis=1)
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
    thickness = np.linalg.norm(outer[ids] - inner[ids], axis=1, keepdims=True)
    bulge = (outer[ids] + inner[ids]) / 2 + away * thickness * 0.45
    a, b, ma, mb = start, end, place[start], place[end]
    strips = [(b, a, ma), (b, ma, mb), (mb, ma, a + count), (mb, a + count, b + count)]
    sides = [faces, faces[:, ::-1] + count, *(np.stack(strip, axis=1) for strip in strips)]
    return np.concatenate([outer, inner, bulge]), np.concatenate(sides), np.concatenate([np.arange(count), np.arange(count), ids])


def rim_edges(faces: np.ndarray) -> np.ndarray:
    """Directed edges (E, 2) of an open mesh that only one face has."""
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    count = int(faces.max(initial=-1)) + 1
    # Around an inner vertex the fan of faces closes, so that labels of following less previous neighbours cancel: few edges remain.
    label = np.random.default_rng(0).integers(1, 2**40, count)
    following, previous = label[np.roll(faces, -1, axis=1)], label[np.roll(faces, 1, axis=1)]
    open_fan = np.bincount(faces.ravel(), (following - previous).ravel(), minlength=count) != 0
    directed = directed[open_fan[directed].all(1)]
    there, back = directed[:, 0] * count + directed[:, 1], directed[:, 1] * count + directed[:, 0]
    return directed[~np.isin(there, back)]
