"""Marching cubes on a list of cells (Lorensen & Cline 1987), with the asymptotic decider on ambiguous faces (Nielson & Hamann 1991).

Both cells that share a face decide alike from the same four values, and no triangle's inner edge lies in a cell's face.
So the result is a closed manifold for any data, which the usual tables for dense grids do not promise.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

_EDGES = [(axis, corner) for axis in range(3) for corner in range(8) if not corner >> axis & 1]
"""The 12 edges of a cell as (axis, low corner); corner c is at offset (c & 1, c >> 1 & 1, c >> 2)."""
_EDGE_AXIS, _EDGE_LOW = np.array(_EDGES).T
_BLOCK = 8  # cells a side of the blocks in which cells are looked up
_SHIFT = 3  # _BLOCK is 2 to this
_EDGE_ID = {edge: number for number, edge in enumerate(_EDGES)}
_CLEARANCE = 0.01  # vertices keep this share of an edge from its ends, so that no two of them coincide

Triangles = tuple[tuple[int, int, int], ...]


def _face_corners(axis: int, side: int) -> tuple[int, ...]:
    """The face's corners, clockwise seen from outside the cell; this makes triangles look outwards."""
    u, v = 1 << (axis + 1) % 3, 1 << (axis + 2) % 3
    base = side << axis
    ring = (base, base | u, base | u | v, base | v)
    return ring[::-1] if side else ring


_FACES = [_face_corners(axis, side) for axis in range(3) for side in (0, 1)]


def _edge_between(a: int, b: int) -> int:
    return _EDGE_ID[((a ^ b).bit_length() - 1, min(a, b))]


_EDGE_FACES = [{face for face, ring in enumerate(_FACES) if {low, low | 1 << axis} <= set(ring)} for axis, low in _EDGES]


def triangulate_cells(cells: np.ndarray, values: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Zero surface of cells with low corners (M, 3) and corner values (M, 8), negative inside, on a lattice of `size` cells a side.

    Returns vertices (V, 3) float64 in lattice coordinates and faces (F, 3) int32, outward. Vertices are linear interpolations along the
    lattice's edges, half way on edges that end on the lattice's border. Every cell that the surface cuts must be listed, and the border
    must be outside.
    """
    inside = values < 0
    case = np.packbits(inside, axis=1, bitorder="little")[:, 0].astype(np.uint16)
    for number, (a, b, c, d) in enumerate(_FACES):
        ambiguous = (inside[:, a] == inside[:, c]) & (inside[:, b] == inside[:, d]) & (inside[:, a] != inside[:, b])
        # The sign of the bilinear saddle tells whether the two inside corners are joined.
        determinant = values[:, a] * values[:, c] - values[:, b] * values[:, d]
        joined = ambiguous & (np.where(inside[:, a], determinant, -determinant) > 0)
        case |= joined.astype(case.dtype) << (8 + number)
    # Every cut edge belongs to the cell at its low end, which is cut too.
    owned = np.stack([inside[:, 0] != inside[:, 1 << axis] for axis in range(3)], axis=1)
    number = (np.cumsum(owned, dtype=np.int32) - 1).reshape(-1, 3)
    member, axis = np.nonzero(owned)
    vertices = [_on_edge(cells, values, member, np.array([_EDGE_ID[axis, 0] for axis in range(3)])[axis], size)]
    find = _finder(cells, size)
    on_edges = np.empty((len(cells), len(_EDGES)), np.int32)
    for low, offset in enumerate(_corner_offset(np.arange(8))):
        owner = find(cells + offset)
        for axis in range(3):
            if not low >> axis & 1:
                on_edges[:, _EDGE_ID[axis, low]] = number[owner, axis]
    order = np.argsort(case, kind="stable")
    kinds, starts = np.unique(case[order], return_index=True)
    faces, count = [], len(member)
    for kind, members in zip(kinds.tolist(), np.split(order, starts[1:]), strict=True):
        triangles, hub_loops = _triangles(kind)
        local = on_edges[members]
        for loop in hub_loops:
            vertices.append(np.mean([_on_edge(cells, values, members, np.full(len(members), edge), size) for edge in loop], axis=0))
            local = np.concatenate([local, count + np.arange(len(members), dtype=np.int32)[:, None]], axis=1)
            count += len(members)
        faces.append(local[:, triangles].reshape(-1, 3))
    return np.concatenate(vertices), np.concatenate(faces)


def _finder(cells: np.ndarray, size: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function from cells (N, 3) to their numbers (N,) in the list (M, 3); of those that are not in it, to any number."""
    width = size // _BLOCK + 1

    def place(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        (x, y, z), (u, v, w) = (cells >> _SHIFT).T, (cells & (_BLOCK - 1)).T
        return (x * width + y) * width + z, (u * _BLOCK + v) * _BLOCK + w

    block, local = place(cells)
    present = np.zeros(width**3, bool)
    present[block] = True
    slot = np.where(present, np.cumsum(present) - 1, 0) * _BLOCK**3
    number = np.zeros(np.count_nonzero(present) * _BLOCK**3, np.int32)
    number[slot[block] + local] = np.arange(len(cells), dtype=np.int32)

    def find(cells: np.ndarray) -> np.ndarray:
        block, local = place(cells)
        return number[slot[block] + local]

    return find


def _on_edge(cells: np.ndarray, values: np.ndarray, member: np.ndarray, edge: np.ndarray, size: int) -> np.ndarray:
    """Lattice coordinates (N, 3) where the surface cuts edges (N,) of the cells number `member` (N,)."""
    axis, low = _EDGE_AXIS[edge], _EDGE_LOW[edge]
    rows = np.arange(len(edge))
    start, end = values[member, low].astype(np.float64), values[member, low | 1 << axis].astype(np.float64)
    share = np.clip(start / (start - end), _CLEARANCE, 1 - _CLEARANCE)
    points = (cells[member] + _corner_offset(low)).astype(np.float64)
    far = points.copy()
    far[rows, axis] += 1
    on_border = ((points == 0) | (far == size)).any(1)
    points[rows, axis] += np.where(on_border, 0.5, share)
    return points


def _corner_offset(corner: np.ndarray) -> np.ndarray:
    return np.stack([corner & 1, corner >> 1 & 1, corner >> 2], axis=-1)


@cache
def _triangles(case: int) -> tuple[np.ndarray, tuple[tuple[int, ...], ...]]:
    """Triangles (T, 3) on edge ids, and loops of edges that need a hub: vertex 12 + i, in the middle of loop i.

    Bits 0-7 of the case: corners inside; bits 8-13: inside corners joined across an ambiguous face.
    """
    following = {}
    for number, ring in enumerate(_FACES):
        inside = [bool(case >> corner & 1) for corner in ring]
        crossed = [k for k in range(4) if inside[k] != inside[(k + 1) % 4]]
        # On an ambiguous face an inside corner is either joined with the next one or cut off by itself.
        partner = 1 if case >> (8 + number) & 1 else 3
        for k in crossed:
            if inside[k]:
                other = (k + partner) % 4 if len(crossed) == 4 else sum(crossed) - k
                following[_edge_between(ring[k], ring[(k + 1) % 4])] = _edge_between(ring[other], ring[(other + 1) % 4])
    triangles: list[tuple[int, int, int]] = []
    hub_loops: list[tuple[int, ...]] = []
    while following:
        first = min(following)
        loop = [first]
        while (edge := following.pop(loop[-1])) != first:
            loop.append(edge)
        filled = _fill_loop(tuple(loop))
        if filled is None:
            hub = len(_EDGES) + len(hub_loops)
            hub_loops.append(tuple(loop))
            filled = tuple((a, b, hub) for a, b in zip(loop, loop[1:] + loop[:1], strict=True))
        triangles += filled
    return np.array(triangles, np.intp).reshape(-1, 3), tuple(hub_loops)


def _fill_loop(loop: tuple[int, ...]) -> Triangles | None:
    """A triangulation of the loop without diagonals in a face of the cell."""
    if len(loop) == 2:
        return ()
    a, b = loop[0], loop[-1]
    for k in range(1, len(loop) - 1):
        chords = [(0, k)] * (k > 1) + [(k, len(loop) - 1)] * (k < len(loop) - 2)
        if any(_EDGE_FACES[loop[i]] & _EDGE_FACES[loop[j]] for i, j in chords):
            continue
        left, right = _fill_loop(loop[: k + 1]), _fill_loop(loop[k:])
        if left is not None and right is not None:
            return (*left, (a, loop[k], b), *right)
    return None
