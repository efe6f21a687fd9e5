"""Quads as a net of edges: what rows and borders they make, and which of them are alike on both sides."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Edge = tuple[int, int]


@dataclass
class QuadNet:
    """Quads with UV corners and the ring that they lie in. quads (Q, 4), uv (Q, 4), ring (Q,)."""

    quads: np.ndarray
    uv: np.ndarray
    ring: np.ndarray
    edges: dict[Edge, list[tuple[int, int]]] = field(init=False)
    """Quads and their sides at each edge."""

    def __post_init__(self) -> None:
        self.edges = defaultdict(list)
        for number, quad in enumerate(self.quads.tolist()):
            for side in range(4):
                self.edges[edge_of(quad[side], quad[side - 3])].append((number, side))

    def rows(self) -> dict[Edge, list[Edge]]:
        """Edges that lie across a row of quads, by one of them."""
        parent: dict[Edge, Edge] = {edge: edge for edge in self.edges}
        for a, b, c, d in self.quads.tolist():
            for one, other in ((edge_of(a, b), edge_of(c, d)), (edge_of(b, c), edge_of(d, a))):
                parent[root_of(parent, one)] = root_of(parent, other)
        found = defaultdict(list)
        for edge in self.edges:
            found[root_of(parent, edge)].append(edge)
        return found

    @property
    def border(self) -> set[Edge]:
        return {edge for edge, beside in self.edges.items() if len(beside) == 1}

    @property
    def between_rings(self) -> set[Edge]:
        return {edge for edge, beside in self.edges.items() if len({int(self.ring[quad]) for quad, _ in beside}) > 1}


def euler_number(net: QuadNet) -> int:
    """Vertices - edges + quads."""
    return len(np.unique(net.quads)) - len(net.edges) + len(net.quads)


def loop_lengths(edges: Iterable[Edge]) -> list[int] | None:
    """Lengths of the closed paths that edges make; None where a path branches or ends."""
    beside = defaultdict(list)
    for a, b in edges:
        beside[a].append(b)
        beside[b].append(a)
    if any(len(others) != 2 for others in beside.values()):
        return None
    left, lengths = set(beside), []
    while left:
        start = here = left.pop()
        last, length = beside[start][0], 1
        while (here_next := next(one for one in beside[here] if one != last)) != start:
            last, here, length = here, here_next, length + 1
            left.discard(here)
        lengths.append(length)
    return lengths


def edge_of(a: int, b: int) -> Edge:
    """Between two vertices."""
    return (a, b) if a < b else (b, a)


def root_of(parent: dict[Any, Any], item: Any) -> Any:
    """What stands for all that an item was joined with."""
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


def mirrored_quads(mirror: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """(Q,) bool: which faces (Q, 4) are quads, whose fourth corner is not -1, have a mirror image among them, and leave no vertex at which
    the border meets itself. mirror (V,): each vertex's image. Blender's X-mirror by topology fails on far more than what is not alike."""
    kept = quads[:, 3] >= 0
    images = [tuple(row) for row in np.sort(mirror[quads], axis=1).tolist()]
    rows = np.sort(quads, axis=1)
    while True:
        there = set(map(tuple, rows[kept].tolist()))
        pinched = _pinched(quads[kept], len(mirror))
        still = kept & np.array([image in there for image in images]) & ~pinched[quads].any(1)
        if still.sum() == kept.sum():
            return kept
        kept = still


def _pinched(quads: np.ndarray, count: int) -> np.ndarray:
    """(V,) bool: vertices of more than two border edges."""
    edges = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    single, uses = np.unique(edges, axis=0, return_counts=True)
    return np.bincount(single[uses == 1].ravel(), minlength=count) > 2
