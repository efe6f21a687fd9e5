"""Levels of detail of the head model's quads: `python -m likeness.training.head_model.levels [--output FILE]`, a minute of one core.

Whole rows of quads are taken out of the mesh (polychords; Daniels et al. 2008), each time those that the shape needs least, together with
their mirror image. What is left are quads, face loops and clean borders, and a part of the model's own vertices: their places, weights,
shapes and UV coordinates are the model's. The closed paths along which heads are cut stay paths.
"""

import argparse
import heapq
import logging
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from likeness.core.models.head import HeadModel
from likeness.core.models.head_levels import LEVELS, LEVELS_FILE, RINGS, SCHEMA
from likeness.core.models.joints import NECK
from likeness.core.surface.cut import below_cut
from likeness.core.topology.quads import paired

from .quad_net import Edge, QuadNet, edge_of, euler_number, loop_lengths, mirrored_quads, root_of

log = logging.getLogger(__name__)
_SHAPES = (("jawOpen",), ("eyeBlinkLeft", "eyeBlinkRight"), ("mouthSmileLeft", "mouthSmileRight"), ("mouthPucker",))
"""Expressions in which the coarse mesh is to lie on the fine one too."""
_WEIGHTS = {"eyes": 3.0, "lips": 3.0, "face": 1.5, "scalp": 3.0}
"""How much a distance in these regions counts, beside 1 elsewhere."""
_SHORT = 1e-3  # how much an edge's own length counts beside distances from planes
_PATH_UNIT, _TURN = 0.02, 0.1  # metres from a cut that cost as much again as the way along it; a right angle's price in metres
_VALENCE = 3, 6  # of vertices inside
_CONVEX = 0.05  # least sine in a corner of a quad, seen along the fine mesh's normal


@dataclass(frozen=True)
class Shape:
    """What the coarse mesh is measured by. poses (P, V, 3); normals (V, 3) of the first; planes (P, V, 4, 4): quadrics of each vertex's
    faces, weighted; mirror (V,); middle (V,) bool: on the plane between both sides."""

    poses: np.ndarray
    normals: np.ndarray
    planes: np.ndarray
    mirror: np.ndarray
    middle: np.ndarray

    @classmethod
    def of(cls, model: HeadModel, quads: np.ndarray) -> "Shape":
        names = list(model.expression_names)
        poses = np.stack([model.mean, *(model.mean + sum(model.expression[names.index(one)] for one in shape) for shape in _SHAPES)])
        weight = np.ones(len(model.mean))
        for name, value in _WEIGHTS.items():
            weight = np.maximum(weight, 1 + (value - 1) * model.regions[name])
        planes = np.zeros((*poses.shape[:2], 4, 4))
        normals = np.zeros((len(poses), len(model.mean), 3))
        for number, vertices in enumerate(poses.astype(np.float64)):
            corners = vertices[quads]
            normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
            for corner in range(4):
                np.add.at(normals[number], quads[:, corner], normal)
            area = np.linalg.norm(normal, axis=1, keepdims=True) / 2
            unit = normal / np.maximum(2 * area, 1e-20)
            plane = np.concatenate([unit, -(unit * corners.mean(1)).sum(1, keepdims=True)], axis=1)
            square = (area * weight[quads].mean(1, keepdims=True))[..., None] * plane[:, :, None] * plane[:, None]
            for corner in range(4):
                np.add.at(planes[number], quads[:, corner], square)
        first = normals[0] / np.maximum(np.linalg.norm(normals[0], axis=1, keepdims=True), 1e-20)
        return cls(poses, first, planes, model.mirror, np.abs(model.mean[:, 0]) < 1e-5)

    def costs(self, vertices: np.ndarray, places: np.ndarray) -> np.ndarray:
        """(N,): of vertices that move to the places of others."""
        there = np.concatenate([self.poses[:, places], np.ones((len(self.poses), len(places), 1))], axis=2)
        far = np.einsum("pni,pnij,pnj->n", there, self.planes[:, vertices], there)
        length = ((self.poses[0, vertices] - self.poses[0, places]) ** 2).sum(1)
        return far + _SHORT * length * np.trace(self.planes[0, vertices, :3, :3], axis1=1, axis2=2)


def reduced(net: QuadNet, shape: Shape, count: int) -> QuadNet:
    """At most about so many quads, or as few as there can be."""
    refused: set[frozenset[Edge]] = set()
    while len(net.quads) > count:
        candidates = _candidates(net, shape)
        done = None
        for _, row in candidates:
            if frozenset(row) in refused:
                continue
            done = _without(net, shape, row)
            if done is not None:
                break
            refused.add(frozenset(row))
        if done is None:
            log.info("No row can be taken out of %d quads.", len(net.quads))
            return net
        net, moved = done
        log.debug("%d quads", len(net.quads))
        for vertex, place in moved.items():
            shape.planes[:, place] += shape.planes[:, vertex]
    return net


def _candidates(net: QuadNet, shape: Shape) -> list[tuple[float, list[Edge]]]:
    """Rows with their mirror images, and what each quad less costs, cheapest first."""
    rows, seen, found = net.rows(), set[Edge](), []
    row_of = {edge: name for name, row in rows.items() for edge in row}
    edges = list(net.edges)
    ends = np.array(edges)
    cost = dict(zip(edges, np.minimum(shape.costs(ends[:, 0], ends[:, 1]), shape.costs(ends[:, 1], ends[:, 0])).tolist(), strict=True))
    for name, row in rows.items():
        if name in seen:
            continue
        other = row_of[edge_of(int(shape.mirror[name[0]]), int(shape.mirror[name[1]]))]
        seen |= {name, other}
        both = row if other == name else row + rows[other]
        quads = {quad for edge in both for quad, _ in net.edges[edge]}
        found.append((sum(cost[edge] for edge in both) / len(quads), both))
    return sorted(found, key=lambda item: item[0])


def _without(net: QuadNet, shape: Shape, row: list[Edge]) -> tuple[QuadNet, dict[int, int]] | None:
    """The net without a row of quads, whose sides across it are drawn together, and which vertex became which; None when that spoils it."""
    gone = {quad for edge in row for quad, _ in net.edges[edge]}
    place = _places(net, shape, row)
    if place is None:
        return None
    uv = _uv_places(net, row, place, gone)
    if uv is None:
        return None
    left = np.array([number for number in range(len(net.quads)) if number not in gone])
    new = np.vectorize(lambda vertex: place.get(vertex, vertex))(net.quads[left])
    corners = [[uv.get((v, u), u if v not in place else -1) for v, u in zip(*pair, strict=True)]
               for pair in zip(net.quads[left].tolist(), net.uv[left].tolist(), strict=True)]  # fmt: skip
    after = QuadNet(new, np.array(corners), net.ring[left])
    if (after.uv < 0).any() or not _is_sound(net, after, shape, set(place.values())):
        return None
    return after, {vertex: to for vertex, to in place.items() if vertex != to}


def _places(net: QuadNet, shape: Shape, row: list[Edge]) -> dict[int, int] | None:
    """Where each vertex of the row goes: to the one of those drawn together that lies in the middle, on the border or between rings, and
    among equals to the one that costs least; alike on both sides."""
    parent = {vertex: vertex for edge in row for vertex in edge}
    for a, b in row:
        parent[root_of(parent, a)] = root_of(parent, b)
    groups = defaultdict(list)
    for vertex in parent:
        groups[root_of(parent, vertex)].append(vertex)
    kept = {vertex for edge in net.border | net.between_rings for vertex in edge}
    seams = _seams(net)
    place: dict[int, int] = {}
    for group in groups.values():
        if group[0] in place:
            continue
        mirrored = [int(shape.mirror[vertex]) for vertex in group]
        rank = lambda vertex: (bool(shape.middle[vertex]), vertex in kept, vertex in seams)  # noqa: E731
        best = max(map(rank, group))
        choices = [vertex for vertex in sorted(group) if rank(vertex) == best]
        sums = [shape.costs(np.array(group), np.full(len(group), choice)).sum() for choice in choices]
        chosen = choices[int(np.argmin(sums))]
        if set(mirrored) == set(group) and not shape.middle[chosen]:
            return None
        for vertex, image in zip(group, mirrored, strict=True):
            place[vertex] = chosen
            place[image] = int(shape.mirror[chosen])
    return place


def _seams(net: QuadNet) -> set[int]:
    """Vertices with several UV corners."""
    corners = defaultdict(set)
    for vertex, uv in zip(net.quads.ravel().tolist(), net.uv.ravel().tolist(), strict=True):
        corners[vertex].add(uv)
    return {vertex for vertex, found in corners.items() if len(found) > 1}


def _uv_places(net: QuadNet, row: list[Edge], place: dict[int, int], gone: set[int]) -> dict[tuple[int, int], int] | None:
    """The UV corner that each (vertex, UV corner) of the row becomes; None when one becomes two."""
    chosen, parent = set(row), dict[tuple[int, int], tuple[int, int]]()
    for number in gone:
        quad, uv = net.quads[number].tolist(), net.uv[number].tolist()
        for side in range(4):
            if edge_of(quad[side], quad[side - 3]) in chosen:
                a, b = (quad[side], uv[side]), (quad[side - 3], uv[side - 3])
                parent.setdefault(a, a)
                parent.setdefault(b, b)
                parent[root_of(parent, a)] = root_of(parent, b)
    ends = defaultdict(set)
    for corner in parent:
        if place[corner[0]] == corner[0]:
            ends[root_of(parent, corner)].add(corner[1])
    found = {corner: ends[root_of(parent, corner)] for corner in parent if place[corner[0]] != corner[0]}
    if any(len(to) > 1 for to in found.values()):
        return None
    return {corner: next(iter(to)) for corner, to in found.items() if to} | {
        corner: corner[1] for corner in parent if place[corner[0]] == corner[0]
    }


def _is_sound(before: QuadNet, after: QuadNet, shape: Shape, moved: set[int]) -> bool:
    """Whether a net is still a manifold of convex quads with the same borders and rings. moved: vertices to which others came."""
    if any(len(set(quad)) < 4 for quad in after.quads.tolist()) or any(len(beside) > 2 for beside in after.edges.values()):
        return False
    if euler_number(before) != euler_number(after):
        return False
    for lines in ("border", "between_rings"):
        one, other = (loop_lengths(getattr(net, lines)) for net in (before, after))
        if one is None or other is None or len(one) != len(other) or min(other, default=3) < 3:
            return False
    valence = Counter(after.quads.ravel().tolist())
    edge_count = Counter(vertex for edge in after.edges for vertex in edge)
    outer = {vertex for edge in after.border for vertex in edge}
    for vertex in moved:
        if valence[vertex] != edge_count[vertex] - (vertex in outer):
            return False
        if vertex not in outer and not _VALENCE[0] <= valence[vertex] <= _VALENCE[1]:
            return False
    if any(count < 3 for vertex, count in valence.items() if vertex not in outer):
        return False
    corners = {frozenset((quad[k - 1], quad[k], quad[k - 3])) for quad in after.quads.tolist() for k in range(4)}
    if len(corners) < 4 * len(after.quads):
        return False
    near = np.isin(after.quads, list(moved)).any(1)
    return bool((_sines(after.quads[near], shape).min(1) > _CONVEX).all())


def _sines(quads: np.ndarray, shape: Shape) -> np.ndarray:
    """(Q, 4) of the corners, seen along the mean of their vertices' normals; negative where a quad is folded."""
    corners = shape.poses[0][quads]
    normal = shape.normals[quads].sum(1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-20)
    onwards, back = np.roll(corners, -1, axis=1) - corners, np.roll(corners, 1, axis=1) - corners
    product = np.einsum("qki,qi->qk", np.cross(onwards, back), normal)
    return product / np.maximum(np.linalg.norm(onwards, axis=2) * np.linalg.norm(back, axis=2), 1e-20)


def cut_path(net: QuadNet, model: HeadModel, kind: str) -> list[int]:
    """A closed path of vertices along edges, near the cut of the mean head and alike on both sides, that turns as little as can be."""
    places = model.mean - model.skeleton.joints[NECK]
    away, middle = below_cut(places, kind), np.abs(model.mean[:, 0]) < 1e-5
    beside = defaultdict(set)
    for a, b in net.edges:
        if model.mean[a, 0] > -1e-5 and model.mean[b, 0] > -1e-5:
            beside[a].add(b)
            beside[b].add(a)

    def price(a: int, b: int) -> float:
        return float(np.linalg.norm(places[a] - places[b]) * (1 + ((away[a] / _PATH_UNIT) ** 2 + (away[b] / _PATH_UNIT) ** 2) / 2))

    def turned(a: int, b: int, c: int) -> float:
        one, other = places[b] - places[a], places[c] - places[b]
        return _TURN * float(1 - one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))

    # From the front to the back of the middle, over pairs of vertices.
    front = [vertex for vertex in beside if middle[vertex] and places[vertex, 2] > 0]
    waiting: list[tuple[float, tuple[int, int], tuple[int, ...]]] = [
        (price(a, b), (a, b), (a,)) for a in front for b in beside[a] if not middle[b]
    ]
    heapq.heapify(waiting)
    known = set()
    while True:
        cost, (a, b), path = heapq.heappop(waiting)
        if middle[b] and places[b, 2] < 0:
            half = [*path, b]
            return half + [int(model.mirror[vertex]) for vertex in half[-2:0:-1]]
        if (a, b) in known or (middle[b]):
            continue
        known.add((a, b))
        for c in beside[b] - {a}:
            heapq.heappush(waiting, (cost + price(b, c) + turned(a, b, c), (b, c), (*path, b)))


def rings_of(net: QuadNet, model: HeadModel) -> np.ndarray:
    """(Q,): of how many of RINGS' cuts, from the innermost, a quad lies outside. Grown from the face, across all edges but the cuts'."""
    ring = np.zeros(len(net.quads), int)
    start = int(model.mean[net.quads].mean(1)[:, 2].argmax())
    for kind in RINGS:
        path = cut_path(net, model, kind)
        closed = {edge_of(a, b) for a, b in zip(path, [*path[1:], path[0]], strict=True)}
        inside, waiting = {start}, [start]
        while waiting:
            quad = net.quads[waiting.pop()].tolist()
            for side in range(4):
                edge = edge_of(quad[side], quad[side - 3])
                for other, _ in net.edges[edge] if edge not in closed else ():
                    if other not in inside:
                        inside.add(other)
                        waiting.append(other)
        ring += ~np.isin(np.arange(len(ring)), list(inside))
        log.info("%s: a path of %d vertices, %d quads inside", kind, len(path), len(inside))
    return ring


def build() -> dict[str, np.ndarray]:
    """The arrays of SCHEMA."""
    model = HeadModel.load()
    quads, uv = paired(model.faces, model.faces_uv)
    kept = mirrored_quads(model.mirror, quads)
    quads, uv = quads[kept], uv[kept]
    skin = model.part[quads[:, 0]] == 0
    net = QuadNet(quads[skin], uv[skin], np.zeros(int(skin.sum()), int))
    net.ring = rings_of(net, model)
    shape, arrays = Shape.of(model, net.quads), dict[str, np.ndarray]()
    whole = len(net.quads)
    for name, share in LEVELS.items():
        net = reduced(net, shape, round(whole * share))
        sines = _sines(net.quads, shape)
        log.info("%s: %d quads, worst corner %.2f", name, len(net.quads), sines.min())
        arrays |= {
            f"{name}_quads": np.concatenate([net.quads, quads[~skin]]).astype(np.int32),
            f"{name}_uv": np.concatenate([net.uv, uv[~skin]]).astype(np.int32),
            f"{name}_ring": np.concatenate([net.ring, np.zeros(int((~skin).sum()), int)]).astype(np.int32),
        }
    return arrays


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=LEVELS_FILE)
    SCHEMA.save(parser.parse_args().output, build(), compressed=True)


if __name__ == "__main__":
    main()
