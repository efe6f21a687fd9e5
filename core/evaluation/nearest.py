"""Exact closest points and area-weighted samples of any triangle mesh, slivers and open borders included."""

from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from scipy.spatial import cKDTree

from ..errors import ReconstructionError
from ..geometry.closest import closest_on_triangles
from ..geometry.mesh import face_normals, unique_edges

_BATCH = 4096  # points at once: bounds memory
_MOST_PIECES = 4_000_000
_GROUP = 24
_BORDER = 1e-9  # barycentric weight that counts as lying on the opposite edge


@dataclass(frozen=True)
class Samples:
    """Points of a surface: position (N, 3), unit normal (N, 3), face (N,)."""

    position: np.ndarray
    normal: np.ndarray
    face: np.ndarray


@dataclass(frozen=True)
class Closest:
    """Closest surface points: distance (N,), position (N, 3), unit normal (N, 3) of the triangle, face (N,), on_border (N,) bool: the
    point lies on an edge that belongs to one triangle alone."""

    distance: np.ndarray
    position: np.ndarray
    normal: np.ndarray
    face: np.ndarray
    on_border: np.ndarray


class NearestSurface:
    """A triangle mesh that answers exactly.

    `core.geometry.closest` looks only at triangles around the nearest vertices, which long triangles defeat. Here every triangle is
    covered by flat discs of like size, and groups of those by larger ones; only a disc that reaches nearer than the best distance so
    far can hold something nearer, so what is found is proven. Triangles without area are left out: their edges belong to
    neighbours.
    """

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        """vertices (V, 3), faces (F, 3). Raises ReconstructionError for coordinates that are no numbers, bad ids or no area at all."""
        self.vertices = np.ascontiguousarray(vertices, np.float64)
        self.faces = np.asarray(faces, np.int64)
        if not np.isfinite(self.vertices).all():
            raise ReconstructionError("A mesh to be measured has coordinates that are no numbers; make it again.")
        if len(self.faces) and not 0 <= self.faces.min() <= self.faces.max() < len(self.vertices):
            raise ReconstructionError("A mesh to be measured has faces without vertices; make it again.")
        normals = face_normals(self.vertices, self.faces)
        self._double_area = np.linalg.norm(normals, axis=1)
        self._used = np.flatnonzero(self._double_area > 1e-16)
        if not len(self._used):
            raise ReconstructionError("A mesh to be measured has no area; make it again.")
        self.normals = normals / np.maximum(self._double_area, 1e-300)[:, None]

    @property
    def area(self) -> float:
        """Square metres."""
        return float(self._double_area.sum() / 2)

    def sample(self, count: int, seed: int) -> Samples:
        """Uniform by area; the same for the same seed."""
        rng = np.random.default_rng(seed)
        total = np.cumsum(self._double_area)
        face = np.searchsorted(total, rng.random(count) * total[-1], side="right").clip(0, len(self.faces) - 1)
        root, share = np.sqrt(rng.random(count)), rng.random(count)
        weights = np.stack([1 - root, root * (1 - share), root * share], axis=1)
        position = np.einsum("nij,ni->nj", self.vertices[self.faces[face]], weights)
        return Samples(position, self.normals[face], face)

    def closest(self, points: np.ndarray) -> Closest:
        """Of points (N, 3)."""
        points = np.asarray(points, np.float64)
        squared, face = np.full(len(points), np.inf), np.zeros(len(points), np.int64)
        balls, groups, members = self._balls, self._groups, self._members
        self._improve(points, np.arange(len(points)), balls.owner[balls.tree.query(points)[1]], squared, face)
        for start in range(0, len(points), _BATCH):
            batch = slice(start, start + _BATCH)
            found = groups.tree.query_ball_point(points[batch], np.sqrt(squared[batch]) + groups.radius.max(), return_sorted=False)
            counts = np.fromiter(map(len, found), np.int64, len(found))
            row, near = (
                np.repeat(np.arange(start, start + len(found)), counts),
                np.fromiter(chain.from_iterable(found), np.int64, counts.sum()),
            )
            likely = groups.reach(near, points[row], squared[row])
            row, ball = row[likely], members[near[likely]]
            row, ball = np.repeat(row, members.shape[1])[ball.ravel() >= 0], ball[ball >= 0]
            likely = balls.reach(ball, points[row], squared[row])
            self._improve(points, row[likely], balls.owner[ball[likely]], squared, face)
        weights = closest_on_triangles(points, self.vertices[self.faces[face]])
        position = np.einsum("nij,ni->nj", self.vertices[self.faces[face]], weights)
        # Weight i is zero on the edge opposite to corner i.
        on_border = np.any((weights < _BORDER) & self._border[face], axis=1)
        return Closest(np.linalg.norm(points - position, axis=1), position, self.normals[face], face, on_border)

    def _improve(self, points: np.ndarray, rows: np.ndarray, faces: np.ndarray, squared: np.ndarray, best: np.ndarray) -> None:
        """Try the triangles faces (M,) for points[rows], rows (M,) ascending; keeps what is nearer."""
        if not len(rows):
            return
        corners = self.vertices[self.faces[faces]]
        offset = points[rows] - np.einsum("nij,ni->nj", corners, closest_on_triangles(points[rows], corners))
        tried = np.einsum("ij,ij->i", offset, offset)
        starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
        smallest = np.minimum.reduceat(tried, starts)
        winner = np.flatnonzero(tried == np.repeat(smallest, np.diff(np.r_[starts, len(rows)])))
        winner = winner[np.r_[True, rows[winner][1:] != rows[winner][:-1]]]
        nearer = smallest < squared[rows[starts]]
        squared[rows[starts][nearer]] = smallest[nearer]
        best[rows[starts][nearer]] = faces[winner][nearer]

    @cached_property
    def _balls(self) -> "_Discs":
        """Pieces of like size of all triangles that have an area."""
        corners = self.vertices[self.faces[self._used]]
        radius = np.linalg.norm(corners - corners.mean(1, keepdims=True), axis=2).max(1)
        # The radius that half of the area exceeds, so that a few thousand tiny triangles do not cut up all others.
        order = np.argsort(radius)
        share = np.cumsum(self._double_area[self._used][order])
        limit = 1.2 * float(radius[order][np.searchsorted(share, share[-1] / 2)])
        cuts = np.ceil(radius / limit)
        while (cuts**2).sum() > max(_MOST_PIECES, 2 * len(radius)):
            limit *= 2
            cuts = np.ceil(radius / limit)
        centres, owners, radii = [], [], []
        for n in np.unique(cuts).astype(int):
            chosen = np.flatnonzero(cuts == n)
            weights = _grid(n)
            centres.append(np.einsum("fij,gi->fgj", corners[chosen], weights).reshape(-1, 3))
            owners.append(np.repeat(self._used[chosen], len(weights)))
            radii.append(np.repeat(radius[chosen] / n, len(weights)))
        owner = np.concatenate(owners)
        return _Discs(np.concatenate(centres), self.normals[owner], np.concatenate(radii), np.zeros(len(owner)), owner)

    @cached_property
    def _members(self) -> np.ndarray:
        return self._balls.gathered()

    @cached_property
    def _groups(self) -> "_Discs":
        balls = self._balls
        members = np.where(self._members < 0, self._members[:, :1], self._members)
        centre = balls.centre[members].mean(1)
        normal = balls.normal[members].mean(1)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        offset = balls.centre[members] - centre[:, None]
        radius = (np.linalg.norm(offset, axis=2) + balls.radius[members]).max(1)
        # How far a tilted disc sticks out of the group's plane.
        tilt = np.sqrt(np.clip(1 - np.einsum("gmi,gi->gm", balls.normal[members], normal) ** 2, 0, 1))
        height = (np.abs(np.einsum("gmi,gi->gm", offset, normal)) + balls.radius[members] * tilt).max(1)
        return _Discs(centre, normal, radius, np.minimum(height, radius) + 1e-9, np.arange(len(centre)))

    @cached_property
    def _border(self) -> np.ndarray:
        """(F, 3) bool: does the edge opposite to corner i belong to this triangle alone?"""
        _, face_edges = unique_edges(self.faces)
        alone = np.bincount(face_edges.ravel()) == 1
        return alone[face_edges][:, [1, 2, 0]]


@dataclass(frozen=True)
class _Discs:
    """Flat cylinders that hold pieces of surface: centre (D, 3), unit normal (D, 3), radius (D,) also of the ball around all of it,
    half their height (D,), and what they stand for (D,)."""

    centre: np.ndarray
    normal: np.ndarray
    radius: np.ndarray
    height: np.ndarray
    owner: np.ndarray

    @cached_property
    def tree(self) -> cKDTree:
        return cKDTree(self.centre)

    def reach(self, chosen: np.ndarray, points: np.ndarray, squared: np.ndarray) -> np.ndarray:
        """(N,) bool: may disc chosen (N,) hold something nearer to points (N, 3) than squared distances (N,)?"""
        offset = points - self.centre[chosen]
        above = np.einsum("ij,ij->i", offset, self.normal[chosen])
        sideways = np.sqrt(np.maximum(np.einsum("ij,ij->i", offset, offset) - above**2, 0)) - self.radius[chosen]
        return np.maximum(np.abs(above) - self.height[chosen], 0) ** 2 + np.maximum(sideways, 0) ** 2 < squared

    def gathered(self) -> np.ndarray:
        """Ids (G, M) of neighbouring discs, -1 behind the last: halved at the median of the longest side until a group has a dozen or two.

        A group across a gap would be near to everything: its members stand alone.
        """
        levels = max(int(np.ceil(np.log2(len(self.centre) / _GROUP))), 0)
        size = -(-len(self.centre) // 2**levels)
        members = np.resize(np.arange(len(self.centre)), (1, size * 2**levels))
        for _ in range(levels):
            places = self.centre[members]
            axis = np.ptp(places, axis=1).argmax(1)
            order = np.take_along_axis(places, axis[:, None, None], axis=2)[..., 0].argsort(1)
            members = np.take_along_axis(members, order, axis=1).reshape(2 * len(members), -1)
        extent = np.ptp(self.centre[members], axis=1).max(1)
        wide = extent > 2 * np.median(extent)
        alone = np.full((wide.sum() * size, size), -1)
        alone[:, 0] = members[wide].ravel()
        return np.concatenate([members[~wide], alone])


def _grid(n: int) -> np.ndarray:
    """Barycentrics (n * n, 3) of the centroids when each edge is cut into n."""
    i, j = np.divmod(np.arange(n * n), n)
    upright = i + j < n
    first, second = np.where(upright, i + 1 / 3, n - 1 - i + 2 / 3), np.where(upright, j + 1 / 3, n - 1 - j + 2 / 3)
    return np.stack([n - first - second, first, second], axis=1) / n
