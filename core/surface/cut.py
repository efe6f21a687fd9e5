"""Where a head ends below: within a bowl that cuts off the shoulders' ends and whatever lies below, with a rounded rim."""

from dataclasses import dataclass, replace
from itertools import product

import manifold3d
import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.mesh import adjacency, vertex_normals
from ..geometry.visibility import smoothstep
from .solid import ClosedSurface, from_solid, largest_part, to_solid

_SPACING = (0.0015, 0.003)  # metres between the vertices of the face that closes a cut
_CLEAR = 0.03  # metres under the face that no cut enters
_ON_FACE = 5e-4  # metres between the cut and the triangles of the face that closes it
_SHRINK = np.linspace(1.0, 0.5, 11)  # shares of a cut's half axes that are tried
_SHALLOWEST = 0.55  # share of a cut's depth that stays
_MIDDLE = 0.65  # share of a cut's half width within which nothing unseen stays
_FIRST = 95  # percentile of the heights of what is unseen
_THICK, _END = 0.375, 0.97  # share of a cut's depth that a shoulder is high at its end, which is at this share of the half width
_SOME = 2000  # vertices at the crop's walls that are looked at
_WALLS, _SIZE = 100.0, 0.5  # prices: of all that is at the walls, and of a whole half axis, where an end of no thickness costs 1
_UNDER = -0.8  # of the normal, upwards: what a cut closes below
_ROUND = 0.008  # metres on both sides of the rim that are rounded
_ROUNDS, _MOST_ROUNDS = 6.0, 300  # of smoothing, for a width of one edge; it grows with the width's square
_RELAX = 0.6  # of the way to the neighbours' mean, in one round


@dataclass(frozen=True)
class _Cut:
    """A bowl in the axes of the torso, metres from the neck's joint: below the height `top` half a superellipsoid with the half axes
    across, depth and along, upright at its sides and almost flat below; above it widens so that it leaves hanging hair. Its points are
    raised by slope z. What lies outside is cut off."""

    top: float
    depth: float
    across: float
    along: float
    forward: float = 0.0
    slope: float = 0.0

    _ROUNDISH, _SQUARISH = 2.6, 4.0  # exponents of the superellipsoid, seen from above and from the front
    _WIDENS, _BEND = 0.6, 0.05  # metres by which the bowl widens in every metre above its top, and over about which it begins to
    _HIGH = 1.0  # metres over the top at which the solid bowl ends

    @property
    def centre(self) -> np.ndarray:
        """(3,): the point from which all of the bowl is seen."""
        return np.array([0.0, self.top - self.slope * self.forward, self.forward])

    def gauge(self, points: np.ndarray) -> np.ndarray:
        """(N,): by how many times points (N, 3) are farther from the centre than the bowl is."""
        x, y, z = (points - self.centre).T
        y = y + self.slope * z
        round_axis = ((np.abs(x) / self.across) ** self._ROUNDISH + (np.abs(z) / self.along) ** self._ROUNDISH) ** (1 / self._ROUNDISH)
        below = (round_axis**self._SQUARISH + (np.maximum(-y, 0) / self.depth) ** self._SQUARISH) ** (1 / self._SQUARISH)
        above, bend = np.maximum(y, 0), self._BEND * round_axis
        wider = self._WIDENS / self.across * (np.sqrt(above**2 + bend**2) - bend)
        return np.maximum(below - wider, above / self._HIGH)

    def beyond(self, points: np.ndarray) -> np.ndarray:
        """How far outside the bowl points (N, 3) lie as seen from the centre, metres, negative inside: (N,)."""
        return np.linalg.norm(points - self.centre, axis=1) * (1 - 1 / np.maximum(self.gauge(points), 1e-3))

    def solid(self, spacing: float) -> manifold3d.Manifold:
        """What is left, with so many metres between its vertices."""

        def to_bowl(directions: np.ndarray) -> np.ndarray:
            return self.centre + directions / self.gauge(self.centre + directions)[:, None]

        segments = 4 * int(np.ceil(np.pi / 2 * max(self.across, self.along) / spacing))
        return manifold3d.Manifold.sphere(1.0, segments).warp_batch(to_bowl)

    def fitted(self, vertices: np.ndarray, at_wall: np.ndarray, face: np.ndarray, unseen: np.ndarray) -> "_Cut":
        """The largest such cut that leaves nothing at the crop's walls, nothing unseen below the chest, and thick ends of shoulders, as far
        as that is possible. Arguments as of `cut_head`; face (N, 3), perhaps of no points."""
        height = vertices[:, 1] + self.slope * (vertices[:, 2] - self.forward) - self.top
        hidden = height[unseen & (np.abs(vertices[:, 0]) < _MIDDLE * self.across) & (vertices[:, 2] > self.forward)]
        lowest = -np.percentile(hidden, _FIRST) if len(hidden) else self.depth
        deepest = replace(self, depth=float(np.clip(lowest, _SHALLOWEST * self.depth, self.depth)))
        walls = vertices[at_wall][:: max(at_wall.sum() // _SOME, 1)]
        under = face - [0, _CLEAR, 0]
        best, least = deepest, np.inf
        for wide in _SHRINK:
            across = wide * self.across
            ends = [np.abs(vertices[:, 0] / across - side * _END) < 1 - _END for side in (-1, 1)]
            high = min(height[end].max(initial=-self.depth) for end in ends)
            for deep, long in product(_SHRINK[_SHRINK * self.depth >= _SHALLOWEST * self.depth], _SHRINK):
                cut = replace(self, across=across, along=long * self.along, depth=min(deep * self.depth, deepest.depth))
                if len(face) and (cut.gauge(under) > 1).any():
                    continue
                left = (cut.gauge(walls) < 1).mean() if len(walls) else 0.0
                price = _WALLS * left + np.clip(1 - (high + cut.depth) / (_THICK * self.depth), 0, 1) - _SIZE * (wide + deep + long)
                if price < least:
                    best, least = cut, price
        return best


_CUTS = {
    "neck": _Cut(top=0.058, depth=0.04, across=0.12, along=0.2, slope=0.55),
    "collar": _Cut(top=0.015, depth=0.08, across=0.105, along=0.13, forward=0.02, slope=0.25),
    "bust": _Cut(top=0.02, depth=0.12, across=0.155, along=0.17, forward=0.02),
}


def below_cut(points: np.ndarray, kind: str) -> np.ndarray:
    """How far below or beside a cut points (N, 3) lie, metres, negative inside; points and kind as in `cut_head`, of the cut's full size."""
    return _CUTS[kind].beyond(points)


def onto_cut(points: np.ndarray, kind: str) -> np.ndarray:
    """The points (N, 3) that lie below or beside a cut, moved straight towards its middle until they lie on it; the others as they are."""
    cut = _CUTS[kind]
    return cut.centre + (points - cut.centre) / np.maximum(cut.gauge(points), 1)[:, None]


def cut_head(
    vertices: np.ndarray,
    faces: np.ndarray,
    kind: str,
    at_wall: np.ndarray,
    face: np.ndarray | None = None,
    unseen: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A head, closed surface in the axes of its torso with the neck's joint as origin, vertices (V, 3) metres and faces (F, 3), cut off
    below and closed; and which vertices (V,) bool lie within the face that closes it.

    kind: one of `CUTS` of core/settings.py but none. at_wall (V,) bool: vertices where the crop ends and the head does not; the cut
    becomes smaller until none of them are left, as far as that is possible. face (N, 3): points of the face; a chin that is bent down to
    the chest is rather kept than the cut smooth. unseen (V,) bool: what lies in front, but below the photo; the cut becomes shallower
    until none of that is left, as far as that is possible.
    """
    none = np.zeros((0, 3))
    cut = _CUTS[kind].fitted(vertices, at_wall, none if face is None else face, np.zeros(len(vertices), bool) if unseen is None else unseen)
    edges = np.linalg.norm(vertices[faces[::50, 0]] - vertices[faces[::50, 1]], axis=1)
    spacing = float(np.clip(np.median(edges), *_SPACING))
    whole = to_solid(ClosedSurface(vertices, faces, np.zeros((len(vertices), 0))))
    surface, _ = from_solid(largest_part(whole ^ cut.solid(spacing)))
    closed = np.abs(cut.beyond(surface.vertices)) < _ON_FACE
    rim = np.unique(surface.faces[(closed[surface.faces].any(1)) & ~closed[surface.faces].all(1)])
    rounded = _rounded(surface.vertices, surface.faces, rim, spacing)
    closed[rim] = False
    return rounded, surface.faces, closed & (vertex_normals(rounded, surface.faces)[:, 1] < _UNDER)


def _rounded(vertices: np.ndarray, faces: np.ndarray, rim: np.ndarray, spacing: float) -> np.ndarray:
    """Vertices (V, 3) with what lies near those of the rim smoothed, the more the nearer."""
    away, _ = cKDTree(vertices[rim]).query(vertices, distance_upper_bound=_ROUND)
    some = np.flatnonzero(away < _ROUND)
    weight = _RELAX * smoothstep(1 - away[some] / _ROUND, 0, 1)[:, None]
    neighbours = adjacency(faces, len(vertices))[some].astype(float)
    mean = neighbours.multiply(1 / neighbours.sum(1)).tocsr()
    smooth = vertices.astype(float)
    for _ in range(min(round(_ROUNDS * (_ROUND / spacing) ** 2), _MOST_ROUNDS)):
        smooth[some] += weight * (mean @ smooth - smooth[some])
    return smooth.astype(vertices.dtype)
