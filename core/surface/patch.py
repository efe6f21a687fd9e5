"""Edits of a closed manifold's triangles, one at a time: collapses and flips of edges that leave it a closed manifold."""

import numpy as np

from ..geometry.mesh import compact

Vector = tuple[float, float, float]


class EditablePatch:
    """The surroundings of some vertices of a closed manifold with vertices (V, 3) and faces (F, 3), as they are after each edit."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray, touched: np.ndarray) -> None:
        """touched: ids of the vertices whose edges may be edited."""
        self._vertices, self._faces = vertices, faces
        near = np.zeros(len(vertices), bool)
        near[touched] = True
        # Whether an edge may be collapsed also depends on the faces around the vertices opposite to it.
        near[faces[near[faces].any(1)]] = True
        self._around: dict[int, set[int]] = {}
        self._corners: dict[int, list[int]] = {}
        for number, face in zip(*_listed(faces, near[faces].any(1)), strict=True):
            self._corners[number] = face
            for vertex in face:
                self._around.setdefault(vertex, set()).add(number)
        ids = list(self._around)
        # Floats of Python: arithmetic on single elements of arrays takes many times as long.
        self._places: dict[int, Vector] = dict(zip(ids, map(tuple, vertices[ids].tolist()), strict=True))
        self._into: dict[int, int] = {}
        self._dead: list[int] = []

    def current(self, vertex: int) -> int:
        """The vertex that this one was collapsed into, or itself."""
        while vertex in self._into:
            vertex = self._into[vertex]
        return vertex

    def has(self, face: int, corners: list[int]) -> bool:
        """Whether this face still has these corners."""
        return self._corners.get(face) == corners

    def collapse(self, kept: int, lost: int) -> bool:
        """Collapse an edge; whether that could be done. It goes to its middle, or to an end where the middle would turn a face over."""
        shared = self._around[kept] & self._around[lost]
        common = self._ring(kept) & self._ring(lost)
        # The link condition (Dey et al. 1999), and no flap of two faces back to back.
        if len(shared) != 2 or len(common) != 2 or any(len(self._around[other]) < 4 for other in common):
            return False
        place = self._best_place(kept, lost, shared)
        for other in common:
            self._around[other] -= shared
        for face in shared:
            del self._corners[face]
        self._dead += shared
        for face in self._around[lost] - shared:
            self._corners[face] = [kept if vertex == lost else vertex for vertex in self._corners[face]]
        self._around[kept] = (self._around[kept] | self._around.pop(lost)) - shared
        self._into[lost] = kept
        self._places[kept] = place
        return True

    def flip(self, start: int, end: int) -> bool:
        """Turn an edge to the other diagonal of its two faces, if the worse of them gets better shaped by it; whether it was turned."""
        shared = self._around[start] & self._around[end]
        if len(shared) != 2 or min(len(self._around[start]), len(self._around[end])) < 4:
            return False
        one, other = shared
        if not _follows(self._corners[one], start, end):
            one, other = other, one
        (left,), (right,) = (set(self._corners[face]) - {start, end} for face in (one, other))
        if left == right or right in self._ring(left):
            return False
        before, after = (self._corners[one], self._corners[other]), ([left, right, end], [right, left, start])
        if max(map(self._aspect, after)) >= max(map(self._aspect, before)):
            return False
        (ax, ay, az), (bx, by, bz), *turned = (self._normal(face) for face in (*before, *after))
        if any(_dot((ax + bx, ay + by, az + bz), normal) <= 0 for normal in turned):
            return False
        self._corners[one], self._corners[other] = after
        self._around[start].discard(one)
        self._around[end].discard(other)
        self._around[right].add(one)
        self._around[left].add(other)
        return True

    def result(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vertices, faces, and the ids that the vertices had before."""
        vertices, faces = self._vertices.copy(), self._faces.copy()
        if self._places:
            vertices[list(self._places)] = list(self._places.values())
            faces[list(self._corners)] = list(self._corners.values())
        alive = np.ones(len(faces), bool)
        alive[self._dead] = False
        return compact(vertices, faces[alive])

    def _ring(self, vertex: int) -> set[int]:
        return {other for face in self._around[vertex] for other in self._corners[face]} - {vertex}

    def _best_place(self, kept: int, lost: int, shared: set[int]) -> Vector:
        """Where both ends of an edge go: to its middle, or to the end by which faces turn least."""
        one, other = self._places[kept], self._places[lost]
        middle = (one[0] + other[0]) / 2, (one[1] + other[1]) / 2, (one[2] + other[2]) / 2
        ends = (kept, lost)
        rest = [self._corners[face] for face in (self._around[kept] | self._around[lost]) - shared]
        best, least = middle, 2.0
        for place in (middle, one, other):
            turned = 0.0
            for face in rest:
                a, b, c = (self._places[vertex] for vertex in face)
                before = _cross(a, b, c)
                after = _cross(*(place if vertex in ends else self._places[vertex] for vertex in face))
                length = (_dot(before, before) * _dot(after, after)) ** 0.5
                # The negative cosine of a face's turn; up to a right angle is no matter.
                turned = max(turned, 1.0 if length == 0 else -_dot(before, after) / length)
            if turned < least:
                best, least = place, turned
            if least == 0:
                break
        return best

    def _normal(self, face: list[int]) -> Vector:
        a, b, c = face
        return _cross(self._places[a], self._places[b], self._places[c])

    def _aspect(self, face: list[int]) -> float:
        a, b, c = (self._places[vertex] for vertex in face)
        normal = _cross(a, b, c)
        return max(_squared(a, b), _squared(b, c), _squared(c, a)) / max(_dot(normal, normal) ** 0.5, 1e-30)


def _listed(faces: np.ndarray, chosen: np.ndarray) -> tuple[list[int], list[list[int]]]:
    return np.flatnonzero(chosen).tolist(), faces[chosen].tolist()


def _follows(face: list[int], start: int, end: int) -> bool:
    """Whether the face goes from start to end."""
    return face[(face.index(start) + 1) % 3] == end


def _cross(a: Vector, b: Vector, c: Vector) -> Vector:
    """The normal of a triangle, as long as twice its area."""
    ux, uy, uz, vx, vy, vz = b[0] - a[0], b[1] - a[1], b[2] - a[2], c[0] - a[0], c[1] - a[1], c[2] - a[2]
    return uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx


def _squared(a: Vector, b: Vector) -> float:
    """The squared distance of two points."""
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
