"""Where a head ends below: in a bowl that leaves shoulders blunt ends and hanging hair a clean one, with a rounded rim."""

from dataclasses import dataclass, replace
from itertools import product

import manifold3d
import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.mesh import adjacency, touching, vertex_normals, within
from ..geometry.visibility import smoothstep
from .refine import refine
from .solid import ClosedSurface, to_solid
from .trim import trimmed

_SPACING, _FINER = 0.003, 1.8  # metres between the vertices of the face that closes a cut; its edges near the rim, in those of the surface
_EDGES = (0.0015, 0.003)  # metres of a surface's edges at the rim
_AT_RIM = 0.002  # metres from the bowl within which a surface's vertices are at the rim
_CLEAR = 0.03  # metres under the face that no cut enters
_ON_FACE = 5e-4  # metres between the cut and the triangles of the face that closes it
_UNDER = -0.94  # of the normal, upwards: what closes a head below, and not at its sides
_ROUND = 0.008  # metres on both sides of the rim that are rounded
_ROUNDS, _MOST_ROUNDS = 6.0, 300  # of smoothing, for a width of one edge; it grows with the width's square
_RELAX = 0.6  # of the way to the neighbours' mean, in one round
_SHRINK = np.linspace(1.0, 0.5, 11)  # shares of a cut's half axes that are tried
_SHALLOWEST, _NARROWEST = 0.5, 0.75  # shares of a cut's depth and width that stay
_MIDDLE = 0.65  # share of a cut's half width within which nothing unseen stays
_FIRST = 95  # percentile of the heights of what is unseen
_THICK, _END = 0.36, 0.97  # share of a cut's depth that a shoulder is high at its end, which is at this share of the half width
_SOME = 2000  # vertices at the crop's walls that are looked at
_UNWANTED, _SIZE = 100.0, 0.5  # prices: of all at the walls, or of a whole depth below the photo; of a half axis; no thickness costs 1


@dataclass(frozen=True)
class _Bowl:
    """In the axes of the torso, metres from the neck's joint: below the height `top` half a superellipsoid with the half axes across, depth
    and along, upright at its sides and almost flat below; above, it widens, so that it leaves hanging hair. All of it falls by `slope`
    times z. What lies outside is cut off."""

    top: float
    depth: float
    across: float
    along: float
    forward: float = 0.0
    slope: float = 0.0

    _ROUNDISH, _SQUARISH = 2.6, 4.0  # exponents, seen from above and from the front
    _WIDENS, _BEND = 0.6, 0.05  # metres by which it widens in every metre above its top, and over about which it begins to
    _HIGH = 1.0  # metres above its top at which it ends

    @property
    def centre(self) -> np.ndarray:
        """(3,): the point from which all of the bowl is seen."""
        return np.array([0.0, self.top - self.slope * self.forward, self.forward])

    def gauge(self, points: np.ndarray) -> np.ndarray:
        """(N,): how many times as far from the centre as the bowl are points (N, 3)."""
        x, y, z = (points - self.centre).T
        y = y + self.slope * z
        wide = ((np.abs(x) / self.across) ** self._ROUNDISH + (np.abs(z) / self.along) ** self._ROUNDISH) ** (1 / self._ROUNDISH)
        below = (wide**self._SQUARISH + (np.maximum(-y, 0) / self.depth) ** self._SQUARISH) ** (1 / self._SQUARISH)
        above, bend = np.maximum(y, 0), self._BEND * wide
        wider = self._WIDENS / self.across * (np.hypot(above, bend) - bend)
        return np.maximum(below - wider, above / self._HIGH)

    def beyond(self, points: np.ndarray) -> np.ndarray:
        """(N,): metres that points (N, 3) lie outside, as seen from the centre, negative inside."""
        return np.linalg.norm(points - self.centre, axis=1) * (1 - 1 / np.maximum(self.gauge(points), 1e-3))

    def solid(self, rim: np.ndarray, spacing: float) -> manifold3d.Manifold:
        """What is left of everything, with about so many metres between vertices beside the rim, which is at points (N, 3), and at the
        sides, where hair is cut; under the head nobody looks, and they are farther apart."""
        segments = 4 * int(np.ceil(np.pi / 2 * max(self.across, self.along) / _SPACING))
        sphere = manifold3d.Manifold.sphere(1.0, segments).to_mesh64()
        on_bowl = lambda points: self.centre + (points - self.centre) / self.gauge(points)[:, None]  # noqa: E731
        vertices, faces = on_bowl(self.centre + np.asarray(sphere.vert_properties)), np.asarray(sphere.tri_verts).astype(np.int64)
        if len(rim):
            side = vertex_normals(vertices, faces)[:, 1] > _UNDER
            side &= ((vertices > rim.min(0) - _ROUND) & (vertices < rim.max(0) + _ROUND)).all(1)
            near = cKDTree(rim).query(vertices, distance_upper_bound=_ROUND)[0] < np.inf
            vertices, faces = refine(vertices, faces, near | side, _FINER * spacing)
        return to_solid(ClosedSurface(on_bowl(vertices), faces, np.zeros((len(vertices), 0))))

    def fitted(self, vertices: np.ndarray, at_wall: np.ndarray, face: np.ndarray, unseen: np.ndarray) -> "_Bowl":
        """The largest such bowl that leaves nothing at the crop's walls, nothing unseen under the chest, and thick ends of shoulders, as
        far as that is possible; arguments as of `cut_head`."""
        height = vertices[:, 1] + self.slope * (vertices[:, 2] - self.forward) - self.top
        hidden = height[unseen & (np.abs(vertices[:, 0]) < _MIDDLE * self.across) & (vertices[:, 2] > self.forward)]
        least = _SHALLOWEST * self.depth
        deepest = float(np.clip(-np.percentile(hidden, _FIRST), least, self.depth)) if len(hidden) else self.depth
        depths = np.unique(np.maximum([*_SHRINK * self.depth, deepest], least))
        walls, under = vertices[at_wall][:: max(at_wall.sum() // _SOME, 1)], face - [0, _CLEAR, 0]
        best, lowest = self, np.inf
        for across in _SHRINK[_SHRINK >= _NARROWEST] * self.across:
            ends = [np.abs(vertices[:, 0] / across - side * _END) < 1 - _END for side in (-1, 1)]
            high = min(height[end].max(initial=-self.depth) for end in ends)
            for depth, along in product(depths, _SHRINK * self.along):
                bowl = replace(self, across=across, depth=depth, along=along)
                thin = np.clip(1 - (high + depth) / (_THICK * self.depth), 0, 1)
                left = (bowl.gauge(walls) < 1).sum() / max(len(walls), 1)
                price = _UNWANTED * (left + max(depth - deepest, 0) / self.depth) + thin
                price -= _SIZE * (across / self.across + depth / self.depth + along / self.along)
                if price < lowest and not (bowl.gauge(under) > 1).any():
                    best, lowest = bowl, price
        return best


_CUTS = {
    "neck": _Bowl(top=0.098, depth=0.08, across=0.14, along=0.2, slope=0.55),
    "collar": _Bowl(top=0.015, depth=0.08, across=0.105, along=0.13, forward=0.02, slope=0.25),
    "bust": _Bowl(top=0.02, depth=0.12, across=0.155, along=0.17, forward=0.02),
}


def below_cut(points: np.ndarray, kind: str) -> np.ndarray:
    """How far below or beside a cut points (N, 3) lie, metres, negative inside; points, kind as in `cut_head`, of the cut's full size."""
    return _CUTS[kind].beyond(points)


def onto_cut(points: np.ndarray, kind: str) -> np.ndarray:
    """Points (N, 3), of which those below or beside a cut have come straight towards its middle until they lie on it."""
    bowl = _CUTS[kind]
    return bowl.centre + (points - bowl.centre) / np.maximum(bowl.gauge(points), 1)[:, None]


def cut_head(
    vertices: np.ndarray,
    faces: np.ndarray,
    kind: str,
    at_wall: np.ndarray,
    face: np.ndarray | None = None,
    unseen: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A head, closed surface in the axes of its torso with the neck's joint as origin, vertices (V, 3) metres and faces (F, 3), cut off
    below and closed; and which vertices (V,) bool lie under it, within the face that closes it.

    kind: one of `CUTS` of core/settings.py but none. at_wall (V,) bool: vertices where the crop ends and the head does not; the cut
    becomes smaller until none of them are left, as far as that is possible. face (N, 3): points of the face; a chin that is bent down to
    the chest is rather kept than the crop's walls left out. unseen (V,) bool: what lies in front, but below the photo; the cut becomes
    shallower until none of that is left, as far as that is possible.
    """
    face = np.zeros((0, 3)) if face is None else face
    bowl = _CUTS[kind].fitted(vertices, at_wall, face, np.zeros(len(vertices), bool) if unseen is None else unseen)
    edges = np.linalg.norm(vertices[faces[::50, 0]] - vertices[faces[::50, 1]], axis=1)
    spacing, beyond = float(np.clip(np.median(edges), *_EDGES)), bowl.beyond(vertices)
    solid = bowl.solid(vertices[np.abs(beyond) < _AT_RIM], spacing)
    vertices, faces = trimmed(vertices, faces, beyond, solid, bowl.centre)
    closing = np.abs(bowl.beyond(vertices)) < _ON_FACE
    rim = np.unique(faces[touching(faces, closing) & ~within(faces, closing)])
    ended = _rounded(vertices, faces, rim, spacing)
    closing[rim] = False
    return ended, faces, closing & (vertex_normals(ended, faces[touching(faces, closing)])[:, 1] < _UNDER)


def _rounded(vertices: np.ndarray, faces: np.ndarray, rim: np.ndarray, spacing: float) -> np.ndarray:
    """Vertices (V, 3), smoothed around those of the rim."""
    if not len(rim):
        return vertices
    low, high = vertices[rim].min(0) - _ROUND, vertices[rim].max(0) + _ROUND
    some = np.flatnonzero(((vertices > low) & (vertices < high)).all(1))
    away, _ = cKDTree(vertices[rim]).query(vertices[some], distance_upper_bound=_ROUND)
    some, away = some[away < _ROUND], away[away < _ROUND]
    weight = _RELAX * smoothstep(1 - away / _ROUND, 0, 1)[:, None]
    near = np.zeros(len(vertices), bool)
    near[some] = True
    neighbours = adjacency(faces[touching(faces, near)], len(vertices))[some]
    degree = np.diff(neighbours.indptr)[:, None]
    smooth = vertices.copy()
    for _ in range(min(round(_ROUNDS * (_ROUND / spacing) ** 2), _MOST_ROUNDS)):
        smooth[some] += weight * (neighbours @ smooth / degree - smooth[some])
    return smooth
