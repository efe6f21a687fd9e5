"""Edits of a closed manifold's triangles, one at a time: collapses and flips of edges that leave it a closed manifold."""

import numpy as np

from ..geometry.mesh import compact, grown, touching

Vector = tuple[float, float, float]


class EditablePatch:
    """The surroundings of some vertices of a closed manifold with vertices (V, 3) and faces (F, 3), as they are after each edit."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray, touched: np.ndarray) -> None:
        """touched: ids of the vertices whose edges may be edited."""
        self._vertices, self._faces = vertices.copy(), faces.copy()
        near = np.zeros(len(vertices), bool)
        near[touched] = True
        # Whether an edge may be collapsed also depends on the faces around the vertices opposite to it.
        chosen = np.flatnonzero(touching(faces, grown(faces, near, 1)))
        near[faces[chosen]] = True
        used = np.flatnonzero(near)
        # Plain numbers: arithmetic with one place at a time is several times as fast in them as in arrays.
        self._places: dict[int, Vector] = dict(zip(used.tolist(), zip(*vertices[used].T.tolist(), strict=True), strict=True))
        self._around: dict[int, set[int]] = {vertex: set() for vertex in self._places}
        self._corners: dict[int, list[int]] = dict(zip(chosen.tolist(), faces[chosen].tolist(), strict=True))
        for number, face in self._corners.items():
            for vertex in face:
                self._around[vertex].add(number)
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
        (ax, ay, az), (bx, by, bz) = ends = self._places[kept], self._places[lost]
        middle = (ax + bx) / 2, (ay + by) / 2, (az + bz) / 2
        place = middle
        if self._turned(kept, lost, shared, middle):
            place = min((middle, *ends), key=lambda point: self._turned(kept, lost, shared, point))
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
        if left == right:
            return False
        before, after = (self._corners[one], self._corners[other]), ([left, right, end], [right, left, start])
        (one_normal, one_aspect), (other_normal, other_aspect), *turned = [self._shape(*face) for face in (*before, *after)]
        if max(aspect for _, aspect in turned) >= max(one_aspect, other_aspect):
            return False
        facing = min(_dot(one_normal, normal) + _dot(other_normal, normal) for normal, _ in turned)
        if facing <= 0 or right in self._ring(left):
            return False
        self._corners[one], self._corners[other] = after
        self._around[start].discard(one)
        self._around[end].discard(other)
        self._around[right].add(one)
        self._around[left].add(other)
        return True

    def result(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vertices, faces, and the ids that the vertices had before."""
        for array, items in ((self._faces, self._corners), (self._vertices, self._places)):
            array[list(items)] = np.reshape(list(items.values()), (-1, 3))
        alive = np.ones(len(self._faces), bool)
        alive[self._dead] = False
        return compact(self._vertices, self._faces[alive])

    def _ring(self, vertex: int) -> set[int]:
        return {other for face in self._around[vertex] for other in self._corners[face]} - {vertex}

    def _turned(self, kept: int, lost: int, shared: set[int], place: Vector) -> float:
        """How far, as the largest negative cosine, a face turns when both ends go to a place; 0 where none turns by a right angle."""
        worst = 0.0
        for face in (self._around[kept] | self._around[lost]) - shared:
            corners = self._corners[face]
            points = [self._places[vertex] for vertex in corners]
            moved = [place if vertex in (kept, lost) else point for vertex, point in zip(corners, points, strict=True)]
            before, after = _cross(*points), _cross(*moved)
            length = (_dot(before, before) * _dot(after, after)) ** 0.5
            worst = max(worst, 1.0 if length == 0 else -_dot(before, after) / length)
        return worst

    def _shape(self, a: int, b: int, c: int) -> tuple[Vector, float]:
        """A face's normal, as long as twice its area, and its aspect: longest edge over height."""
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = self._places[a], self._places[b], self._places[c]
        ux, uy, uz, vx, vy, vz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
        wx, wy, wz = vx - ux, vy - uy, vz - uz
        normal = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        longest = max(ux * ux + uy * uy + uz * uz, vx * vx + vy * vy + vz * vz, wx * wx + wy * wy + wz * wz)
        return normal, longest / max(_dot(normal, normal) ** 0.5, 1e-30)


def _follows(face: list[int], start: int, end: int) -> bool:
    """Whether the face goes from start to end."""
    return face[(face.index(start) + 1) % 3] == end


def _cross(a: Vector, b: Vector, c: Vector) -> Vector:
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = a, b, c
    ux, uy, uz, vx, vy, vz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
    return uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
