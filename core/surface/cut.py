"""Where a head ends below: a smooth cut across the neck, around the collar or around the shoulders, closed by a curved face."""

from dataclasses import dataclass, replace

import numpy as np

from .solid import ClosedSurface
from .trim import trimmed

_SPACING = (0.0015, 0.003)  # metres between the vertices of the face that closes a cut
_BEYOND = 0.02  # metres that the cutter reaches beyond the head
_CLEAR = 0.03  # metres under the face that no cut enters
_ON_FACE = 5e-4  # metres between the cut and the triangles of the face that closes it
_SHRINK = np.linspace(1.0, 0.4, 25)  # shares of a cut's size that are tried until nothing is left at the crop's walls
_SHALLOWEST, _FIRST = 0.35, 0.2  # share of a bell's depth that stays; percentile of the depths at which what is unseen comes in


@dataclass(frozen=True)
class _Cut:
    """A height over the ground plane of the torso, metres from the neck's joint: y = top - slope z - depth b + rise e, where b is a bell
    with the half axes across and along, about `forward`, and e grows from the bell's edge outwards. What lies below is cut off."""

    top: float
    slope: float
    depth: float
    across: float = 0.1
    along: float = 0.1
    forward: float = 0.0
    rise: float = 0.0

    def height(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """y of the cut at places x, z."""
        squared = (x / self.across) ** 2 + ((z - self.forward) / self.along) ** 2
        return self.top - self.slope * z - self.depth / (1 + squared**2) + self.rise * np.maximum(np.sqrt(squared) - 1, 0) ** 2

    def above(self, points: np.ndarray) -> "_Cut":
        """As deep a bell as leaves none of the points (N, 3) under its middle, as far as that is possible."""
        squared = (points[:, 0] / self.across) ** 2 + ((points[:, 2] - self.forward) / self.along) ** 2
        x, y, z = points[squared < 1].T
        if not len(x):
            return self
        deep = (self.top - self.slope * z - y) * (1 + squared[squared < 1] ** 2)
        return replace(self, depth=float(np.clip(np.percentile(deep, _FIRST), _SHALLOWEST * self.depth, self.depth)))

    def scaled(self, share: float) -> "_Cut":
        """A bell of so much of its size."""
        return replace(self, depth=share * self.depth, across=share * self.across, along=share * self.along)


_CUTS = {
    "neck": _Cut(top=0.018, slope=0.55, depth=0.0),
    "collar": _Cut(top=0.005, slope=0.25, depth=0.07, across=0.085, along=0.085, forward=0.01, rise=0.01),
    "bust": _Cut(top=0.01, slope=0.0, depth=0.10, across=0.16, along=0.14, rise=0.02),
}


def below_cut(points: np.ndarray, kind: str) -> np.ndarray:
    """How far below a cut points (N, 3) lie, metres, negative above; points and kind as in `cut_head`, of the cut's full size."""
    return _CUTS[kind].height(points[:, 0], points[:, 2]) - points[:, 1]


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

    kind: one of `CUTS` of core/settings.py but none. at_wall (V,) bool: vertices where the crop ends and the head does not; the bell
    becomes smaller until none of them are left, as far as that is possible. face (N, 3): points of the face; a chin that is bent down to
    the chest is rather kept than the cut smooth. unseen (V,) bool: what lies in front, but below the photo; the bell becomes shallower
    until none of that is left, as far as that is possible.
    """
    whole = _CUTS[kind] if unseen is None else _CUTS[kind].above(vertices[unseen])
    walls, cuts = vertices[at_wall], [whole.scaled(share) for share in _SHRINK]
    left = np.array([(walls[:, 1] > cut.height(walls[:, 0], walls[:, 2])).sum() for cut in cuts], float)
    if face is not None:
        into = np.array([(face[:, 1] - cut.height(face[:, 0], face[:, 2])).min() < _CLEAR for cut in cuts])
        left[1:][into[1:]] = np.inf
    cut = cuts[int(np.argmin(left))]
    edges = np.linalg.norm(vertices[faces[::50, 0]] - vertices[faces[::50, 1]], axis=1)
    below = _below(cut, vertices.min(0) - _BEYOND, vertices.max(0) + _BEYOND, float(np.clip(np.median(edges), *_SPACING)))
    vertices, faces = trimmed(vertices, faces, vertices[:, 1] - cut.height(vertices[:, 0], vertices[:, 2]), below)
    x, y, z = vertices.T
    outside = np.abs(y - cut.height(x, z)) > _ON_FACE
    edge = np.unique(faces[outside[faces].any(1)])
    outside[edge] = True
    return vertices, faces, ~outside


def _below(cut: _Cut, low: np.ndarray, high: np.ndarray, spacing: float) -> ClosedSurface:
    """The solid below a cut, within and under a box."""
    columns, rows = (int(np.ceil((high[axis] - low[axis]) / spacing)) + 1 for axis in (0, 2))
    z, x = np.meshgrid(np.linspace(low[2], high[2], rows), np.linspace(low[0], high[0], columns), indexing="ij")
    top = np.stack([x, cut.height(x, z), z], axis=2).reshape(-1, 3)
    number = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]))
    over = np.concatenate([np.stack([a, c, b], axis=1), np.stack([b, c, d], axis=1)])
    border = np.concatenate([number[0, :-1], number[:-1, -1], number[-1, :0:-1], number[:0:-1, 0]])
    floor = min(float(low[1]), float(top[:, 1].min())) - _BEYOND
    under = top[border] * [1, 0, 1] + [0, floor, 0]
    following, lower = np.roll(border, -1), len(top) + np.arange(len(border))
    next_lower, middle = np.roll(lower, -1), np.full(len(border), len(top) + len(border))
    sides = [np.stack(three, axis=1) for three in ((border, following, lower), (following, next_lower, lower), (lower, next_lower, middle))]
    vertices = np.concatenate([top, under, [[(low[0] + high[0]) / 2, floor, (low[2] + high[2]) / 2]]])
    return ClosedSurface(vertices, np.concatenate([over, *sides]), np.zeros((len(vertices), 0)))
