"""The last step of a surface: no short edges, no slivers, no folds, no triangles that run through each other, no thin handles."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..geometry.mesh import adjacency, compact, cross, grown, touching, vertex_normals, within
from ..geometry.parallel import in_threads
from .collapse import collapse_short_edges
from .handles import cut_handles, genus
from .intersections import intersecting_faces
from .patch import EditablePatch

SHORTEST = 2e-4
"""Metres: shorter edges are collapsed. QuadriFlow, as Blender calls it, refuses meshes with edges below half of that."""
SLIVER = 20.0
"""Longest edge over height beyond which a triangle is a sliver."""
_MARGIN = 1.25  # collapsed below so many times SHORTEST, because what follows moves vertices a little
_POOR = 8.0  # triangles are reshaped from this aspect on
_NEEDLE = 0.3  # share of the longest edge up to which a poor triangle's shortest one is collapsed
_HANDLE = 0.06  # metres: longest loop around a handle that is cut; a wrist is thicker
_FOLD = -0.05  # cosine between neighbours below which they make a fold; the edge of a flat end is none
_TRIES = 2
_ROUNDS = 24
_PASSES = 3  # over the whole, because relaxing may leave a fold at the border of the part that was looked at
_RINGS = (1, 5)  # rings of vertices around what is wrong that are relaxed, in the first and in the last round
_STEPS = 8  # of relaxing in a round
_BORDER = 2  # rings of vertices at the border of what is looked at that stay
_AROUND = 8  # rings of vertices around what is wrong that are looked at in a round


@dataclass(frozen=True)
class Shape:
    """How well shaped the faces of a mesh are. aspect (F,): longest edge over height; shortest (F,): shortest edge; folded (F,) bool:
    whether a neighbour is turned to the face by more than a right angle; intersecting (F,) bool: whether another face runs through it."""

    aspect: np.ndarray
    shortest: np.ndarray
    folded: np.ndarray
    intersecting: np.ndarray

    @classmethod
    def of(cls, vertices: np.ndarray, faces: np.ndarray, hasty: bool = False) -> "Shape":
        """Of a manifold with or without borders. hasty: without triangles that run through each other at a small angle."""
        corners = np.stack([np.take(vertices, corner, axis=0) for corner in faces.T])
        along = corners - np.roll(corners, -1, axis=0)
        squared = np.einsum("kfi,kfi->kf", along, along)
        normals = cross(along[0], along[1])
        del along  # as much as the corners: what follows takes the most memory of mending
        area = np.sqrt(np.einsum("fi,fi->f", normals, normals)) + 1e-20
        unit = normals / area[:, None]
        intersecting = np.zeros(len(faces), bool)
        looks = (lambda: _folded(vertices, faces, normals, unit)), (lambda: intersecting_faces(corners, unit, faces, hasty))
        folded, through = in_threads(lambda look: look(), looks)
        intersecting[through] = True
        longest, shortest = np.maximum.reduce(squared), np.sqrt(np.minimum.reduce(squared))
        return cls(longest / area, shortest, folded, intersecting)

    @property
    def wrong(self) -> np.ndarray:
        """(F,) bool: what is to be mended."""
        return self.folded | self.intersecting | (self.aspect > SLIVER) | (self.shortest < SHORTEST)


def mend_surface(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A closed manifold, vertices (V, 3) metres and faces (F, 3), without what is named above wherever that can be; and for each of its
    vertices the id of the one that it was, or is a copy of.

    Only what is wrong and a few edges around it is altered: thin handles are cut, short edges collapsed, slivers turned, and around folds
    and intersections the surface is relaxed to its neighbours' mean, over more of it in every round.
    """
    source = np.arange(len(vertices))
    for _ in range(_TRIES):
        vertices, faces, kept = _tried(vertices, faces)
        source = source[kept]
        # Relaxing draws a handle that was too thick to be cut, a film between a sleeve and a robe, into a thread.
        if genus(vertices, faces) == 0 or not Shape.of(vertices, faces).wrong.any():
            break
    return vertices, faces, source


def _tried(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As mend_surface, once."""
    count = len(vertices)
    vertices, faces, source = cut_handles(vertices, faces, _HANDLE)
    cut = np.zeros(len(vertices), bool)
    cut[source[count:]] = cut[count:] = True
    looked_at = np.ones(len(vertices), bool)
    for number in range(_PASSES):
        near, some, ids = compact(vertices, faces[touching(faces, looked_at)])
        shape = Shape.of(near, some, hasty=number == 0)
        wrong = cut if number == 0 else np.zeros(len(vertices), bool)
        wrong[ids[some[shape.wrong | (number == 0) & (shape.aspect > _POOR)]]] = True
        if not wrong.any():
            break
        part = _Part.around(vertices, faces, wrong)
        looked_at = np.zeros(len(vertices), bool)
        looked_at[part.ids] = True
        vertices, faces, kept = part.put_back(vertices, *_mended(part, wrong[part.ids], hasty=number == 0))
        looked_at, source = looked_at[kept], source[kept]
    return vertices, faces, source


@dataclass(frozen=True)
class _Part:
    """A part of a surface: its vertices (N, 3) with their ids (N,) in the whole, its faces, and the whole's other faces, `rest`.
    border (N,) bool: vertices that stay, because neighbours of their faces are not in the part."""

    vertices: np.ndarray
    faces: np.ndarray
    ids: np.ndarray
    rest: np.ndarray
    border: np.ndarray

    @classmethod
    def around(cls, vertices: np.ndarray, faces: np.ndarray, wrong: np.ndarray, fixed: np.ndarray | None = None) -> "_Part":
        """The surroundings of the wrong vertices (V,) bool. fixed (V,) bool: vertices that stay for other reasons."""
        inside = within(faces, grown(faces, wrong, _AROUND))
        border = np.zeros(len(vertices), bool)
        border[faces[~inside]] = True
        local, some, ids = compact(vertices, faces[inside])
        border = grown(some, border[ids], _BORDER)
        return cls(local, some, ids, faces[~inside], border if fixed is None else border | fixed[ids])

    def put_back(
        self, whole: np.ndarray, vertices: np.ndarray, faces: np.ndarray, kept: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The whole surface, of vertices (V, 3), with what was made of this part, in which `kept` are the ids that its vertices had here;
        and the ids of all vertices in the whole before."""
        moved = whole.copy()
        moved[self.ids[kept]] = vertices
        return compact(moved, np.concatenate([self.rest, self.ids[kept][faces].astype(self.rest.dtype)]))


def _mended(whole: _Part, wrong: np.ndarray, hasty: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A part mended around its wrong vertices (N,) bool: vertices, faces, and the ids that the vertices had in it. Each round looks only
    at the surroundings of what the one before has left, which may have come near the part's border."""
    vertices, faces, fixed = whole.vertices, whole.faces, whole.border
    kept = np.arange(len(vertices))
    for number in range(_ROUNDS):
        part = _Part.around(vertices, faces, wrong, fixed)
        *mended, left = _round(part, number, hasty)
        wrong = np.zeros(len(vertices), bool)
        wrong[part.ids[mended[2][left]]] = True
        vertices, faces, still = part.put_back(vertices, *mended)
        wrong, fixed, kept = wrong[still], fixed[still], kept[still]
        if not wrong.any():
            break
    return vertices, faces, kept


def _round(part: _Part, number: int, hasty: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A part after one round: vertices, faces, the ids of its vertices before, and which of them were wrong until the last step."""
    vertices, faces, kept = _reshaped(part.vertices, part.faces, part.border)
    vertices, faces, still = collapse_short_edges(vertices, faces, _MARGIN * SHORTEST, part.border[kept])
    kept, shape = kept[still], Shape.of(vertices, faces, hasty)
    wrong = np.zeros(len(vertices), bool)
    wrong[faces[shape.wrong]] = True
    if wrong.any():
        # What sliding along the surface has not mended in half of the rounds is relaxed too.
        crumpled = shape.folded | shape.intersecting if number < _ROUNDS // 2 else shape.wrong
        rings = int(_RINGS[0] + (_RINGS[1] - _RINGS[0]) * number / (_ROUNDS - 1))
        vertices = _relaxed(vertices, faces, np.unique(faces[crumpled]), rings)
        vertices = _slid(vertices, faces, np.unique(faces[shape.wrong & ~crumpled]))
    return vertices, faces, kept, wrong


def _reshaped(vertices: np.ndarray, faces: np.ndarray, fixed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """With poor triangles' longest edges turned or, failing that, needles' shortest ones collapsed; as collapse_short_edges."""
    corners = vertices[faces]
    length = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    aspect = length.max(1) ** 2 / np.maximum(area, 1e-20)
    poor = np.flatnonzero((aspect > _POOR) & ~touching(faces, fixed))
    poor = poor[np.argsort(-aspect[poor])]
    patch = EditablePatch(vertices, faces, np.unique(faces[poor]))
    needle = length.min(1) < _NEEDLE * length.max(1)
    for number in poor.tolist():
        face, longest, shortest = faces[number].tolist(), int(length[number].argmax()), int(length[number].argmin())
        if patch.has(number, face) and not patch.flip(face[longest], face[(longest + 1) % 3]) and needle[number]:
            patch.collapse(face[shortest], face[(shortest + 1) % 3])
    return patch.result()


def _relaxed(vertices: np.ndarray, faces: np.ndarray, wrong: np.ndarray, rings: int) -> np.ndarray:
    """Vertices with those of the ids, and so many rings around them, drawn to the means of their neighbours."""
    free = np.zeros(len(vertices), bool)
    free[wrong] = True
    free = grown(faces, free, rings)
    means = _neighbour_means(faces, len(vertices))
    points = vertices.astype(np.float64)
    for _ in range(_STEPS):
        points[free] = means(points)[free]
    return points.astype(vertices.dtype)


def _slid(vertices: np.ndarray, faces: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Vertices with those of the ids drawn half way to the means of their neighbours, along the surface only."""
    step = (_neighbour_means(faces, len(vertices))(vertices) - vertices)[wrong] / 2
    normals = vertex_normals(vertices, faces)[wrong]
    slid = vertices.copy()
    slid[wrong] += step - (step * normals).sum(1, keepdims=True) * normals
    return slid


def _neighbour_means(faces: np.ndarray, count: int) -> Callable[[np.ndarray], np.ndarray]:
    neighbours = adjacency(faces, count)
    degree = np.diff(neighbours.indptr)[:, None]
    return lambda points: (neighbours @ points) / degree


def _folded(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray, unit: np.ndarray) -> np.ndarray:
    summed = np.stack([np.bincount(faces.ravel(), np.repeat(normals[:, k], 3), len(vertices)) for k in range(3)], axis=1)
    of_vertices = (summed / (np.linalg.norm(summed, axis=1, keepdims=True) + 1e-20)).astype(unit.dtype)
    # Of two unit vectors that are a right angle apart, one is 45 degrees or more from any third, here a vertex normal.
    least = np.minimum.reduce([np.einsum("fi,fi->f", unit, np.take(of_vertices, corner, axis=0)) for corner in faces.T])
    maybe = np.flatnonzero(least < 0.7072)
    start, end = faces[maybe].ravel(), np.roll(faces[maybe], -1, axis=1).ravel()
    edge = np.minimum(start, end).astype(np.int64) * len(vertices) + np.maximum(start, end)
    order = np.argsort(edge, kind="stable")
    pair = np.flatnonzero(edge[order][1:] == edge[order][:-1])
    one, other = maybe[order[pair] // 3], maybe[order[pair + 1] // 3]
    turned = np.einsum("fi,fi->f", unit[one], unit[other]) < _FOLD
    folded = np.zeros(len(faces), bool)
    folded[one[turned]] = folded[other[turned]] = True
    return folded
