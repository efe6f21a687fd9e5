"""A head's surface in the place of a body's own head: the two are blended where they meet, cut, and joined to one closed manifold.

The head is finer than the body and knows more of the face; the body goes on where the head's crop ends. In a band along the border of the
head's region the signed distances of both are blended, so that neither a step nor the cut end of a lock of hair is seen there. The zero of
the blend becomes a third mesh between the two, and manifold3d puts the three together.
"""

from dataclasses import dataclass

import manifold3d
import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..errors import ReconstructionError
from ..geometry.closest import ClosestSurface
from ..geometry.visibility import smoothstep
from .extract import check_manifold, extract_components, largest_component
from .mend import mend_surface
from .near import NearPart, other_solid
from .solid import ClosedSurface, from_solid

_BAND = 0.05  # metres over which the surfaces are blended above the region's lower end
_WALL, _WALL_BAND = 0.006, 0.03  # metres between the crop's walls and the region, and of the band there where the head goes on beyond
_CLEAR_BAND = 0.012  # metres of the band at walls that the head does not reach
_REACHED = 0.004  # metres from a wall
_TRUNCATION = 0.02  # metres beyond which neither surface draws the other towards it any further
_CELLS = (32, 512)  # along the cube around the region, at least and at most
_SPARE = 2  # cells by which the blended mesh is made larger than its place, before it is cut
_OVERLAP = 2e-4  # metres by which the three meshes overlap
_LOWER_ENDS = np.linspace(-0.06, 0.01, 8)  # metres above the neck joint, along the head, where the region may end
_USUAL_END, _UNUSUAL = 0.0, 0.02  # which of them is usual; metres of disagreement that a metre away from it is worth
_AGREED, _DISAGREED = 0.012, 0.04  # metres between the surfaces that do not matter, and beyond which more does not matter
_POOR = 0.015  # metres of disagreement from which on shoulders are the body's: raised ones are as high as the head
_SHOULDERS = 0.1  # metres from the neck at which they begin, at the region's lower end; as many farther as they are higher
_AT_WALL = 0.03  # metres inside a wall of the head's crop within which shoulders must be the body's too
_ASIDE = np.pi / 4 * np.arange(-2, 3)  # of the directions in which they lie, from straight away from the camera; a chin lies before
_SEARCH = np.linspace(-0.1, 0.1, 41)  # metres along the rays to the head: how far away it may stand
_TOLD = 5000  # vertices of each surface, at most about, that tell where they agree; of a hand all do
_SEARCHED, _ROBUST = 1500, 0.01  # points; metres
_NEAR = 0.15  # metres around the region in which the body's surface is looked at
_APART = "The head does not meet the body; try another photo, or reconstruct the head alone."
_LEAST = 0.5  # share of the head's vertices that must be left in the joined surface
_LEAST_PIECE, _BESIDE_HAND = 2e-7, 0.05  # cubic metres, and metres: another piece, and what is farther from the fitted hand, is no hand


@dataclass(frozen=True)
class JoinPlace:
    """Where a head, or a hand, lies in a body's camera frame, metres. corners (8, 3): of a box around it, such as a head's crop
    (`Framing.corners`); neck (3,): the neck's joint, or the wrist's; up (3,): unit, from there along the head, or the hand."""

    corners: np.ndarray
    neck: np.ndarray
    up: np.ndarray

    def height(self, points: np.ndarray) -> np.ndarray:
        """Metres (N,) of points (N, 3) above the neck's joint."""
        return (points - self.neck) @ self.up

    def farther(self, scale: float, camera: np.ndarray) -> "JoinPlace":
        """`scale` times as far from a camera (3,), and as large."""
        return JoinPlace(camera + scale * (self.corners - camera), camera + scale * (self.neck - camera), self.up)


@dataclass(frozen=True)
class JoinedSurface:
    """surface: head and body in one. from_head (V,) in [0, 1]: the head's share in it. scale: how many times as far from the camera, and as
    large, the head became."""

    surface: ClosedSurface
    from_head: np.ndarray
    scale: float


@dataclass(frozen=True)
class _Region:
    """The convex region where the head's surface counts, inside planes with outward unit normals (N, 3) at offsets (N,). bands (N,):
    metres from each plane inwards over which the surfaces are blended."""

    normals: np.ndarray
    offsets: np.ndarray
    bands: np.ndarray

    def inside(self, points: np.ndarray, level: float) -> np.ndarray:
        """Metres (N,) that points (N, 3) lie inside the nearest plane of `solid(level)`."""
        return (self.offsets - level * self.bands - points @ self.normals.T).min(1)

    def share(self, points: np.ndarray) -> np.ndarray:
        """The head's share (N,) at points (N, 3)."""
        return smoothstep(((self.offsets - points @ self.normals.T) / self.bands).min(1), 0, 1)

    def solid(self, level: float, margin: float = 0.0) -> manifold3d.Manifold:
        """What lies `level` bands inside the planes, grown by a margin in metres."""
        solid = manifold3d.Manifold.cube((20, 20, 20), True)
        for normal, offset in zip(self.normals, self.offsets - level * self.bands + margin, strict=True):
            solid = solid.trim_by_plane(tuple(-normal), -float(offset))
        return solid


def join_head(body: ClosedSurface, head: ClosedSurface, place: JoinPlace, distance: float, unit: float = 1.0) -> JoinedSurface:
    """A body with a head, whose surfaces and place are given in the body's camera frame (origin on the camera's axis, `distance` metres
    before the camera), as one closed manifold. Both need the same kinds of values. unit: metres of the finished body that a metre here
    becomes; what mend_surface promises holds there.

    In the picture the head stays where it is; how far away it stands, and so how large it is, is chosen so that its neck meets the body's.
    Raises ReconstructionError when the two do not make one closed surface.
    """
    joined = _joined(body, head, place, distance)
    vertices, faces, kept = mend_surface(unit * joined.surface.vertices, joined.surface.faces)
    check_manifold(vertices, faces)
    return JoinedSurface(ClosedSurface(vertices / unit, faces, joined.surface.values[kept]), joined.from_head[kept], joined.scale)


def join_hand(body: ClosedSurface, hand: ClosedSurface, place: JoinPlace, distance: float) -> ClosedSurface:
    """A body with a hand in the place of its own, as `join_head`, but not mended. place: its neck is the wrist. Raises ReconstructionError
    where the body has something else than that hand in the place, such as the hip beside it."""
    return _joined(body, hand, place, distance, free=True).surface


def _joined(body: ClosedSurface, head: ClosedSurface, place: JoinPlace, distance: float, free: bool = False) -> JoinedSurface:
    """As `join_head`, not mended. free: the head is a hand, which the body may have lost, and nothing else may be in its place."""
    camera = np.array([0.0, 0.0, distance])
    rough = 1.0 if free else _rough_scale(body.vertices, head.vertices, place, camera)  # a body may have lost a hand
    widest = _region(place.farther(rough, camera), _LOWER_ENDS[0], np.zeros(6, bool))
    near = NearPart.of(body, widest.inside(body.vertices, 0) > -_NEAR, place.farther(rough, camera).corners.mean(0))
    scale = rough * _fine_scale(near.surface.vertices, camera + rough * (head.vertices - camera), place.farther(rough, camera), camera)
    place = place.farther(scale, camera)
    head = ClosedSurface(camera + scale * (head.vertices - camera), head.faces, head.values)
    pair = _Pair(near.surface, head)
    end, apart = _lower_end(pair, place)
    region = _region(place, end, _clear(head.vertices, place))
    if not free:
        without = _without_shoulders(region, place, end, camera)
        region = without if max(apart, _apart_at_walls(pair, region, without)) > _POOR else region
    blend = _Blend(pair, region)
    if free and not _only(near.solid ^ region.solid(0), head):
        raise ReconstructionError("The hand is not free, or not where the body has it.")
    band = (other_solid(blend.surface()) ^ region.solid(0, _OVERLAP)) - region.solid(1, -_OVERLAP)
    surface, cut = near.put_back((near.solid - region.solid(0)) + band + (other_solid(head) ^ region.solid(1)))
    surface.values[cut] = blend.values(surface.vertices[cut])
    vertices, faces, kept = largest_component(surface.vertices, surface.faces)
    surface = ClosedSurface(vertices, faces, surface.values[kept])
    from_head = region.share(surface.vertices)
    if (from_head == 1).sum() < _LEAST * (region.share(head.vertices) == 1).sum():
        raise ReconstructionError(_APART)
    return JoinedSurface(surface, from_head, scale)


def _only(solid: manifold3d.Manifold, hand: ClosedSurface) -> bool:
    """Whether a solid is one piece and nowhere far from a hand."""
    if len([piece for piece in solid.decompose() if piece.volume() > _LEAST_PIECE]) != 1:
        return False
    return bool(cKDTree(hand.vertices).query(from_solid(solid)[0].vertices)[0].max() < _BESIDE_HAND)


def _region(place: JoinPlace, lower_end: float, clear: np.ndarray) -> _Region:
    """The crop's inside above a plane across the neck, `lower_end` metres above its joint; clear (6,) as of `_clear`."""
    normals, offsets = _walls(place)
    lowest = -(place.up @ place.neck) - lower_end
    bands = np.where(clear, _CLEAR_BAND, _WALL_BAND)
    return _Region(np.vstack([normals, -place.up]), np.r_[offsets - _WALL, lowest], np.r_[bands, _BAND])


def _without_shoulders(region: _Region, place: JoinPlace, lower_end: float, camera: np.ndarray) -> _Region:
    """The part of a region that widens from the neck upwards."""
    back = place.neck - camera
    back = back - (back @ place.up) * place.up
    back /= np.linalg.norm(back)
    out = np.cos(_ASIDE)[:, None] * back + np.sin(_ASIDE)[:, None] * np.cross(place.up, back)
    normals = (out - place.up) / np.sqrt(2)
    offsets = (normals * (place.neck + lower_end * place.up + _SHOULDERS * out)).sum(1)
    bands = np.full(len(out), _WALL_BAND)
    return _Region(np.vstack([region.normals, normals]), np.r_[region.offsets, offsets], np.r_[region.bands, bands])


def _apart_at_walls(pair: "_Pair", region: _Region, without: _Region) -> float:
    """How many metres the surfaces disagree, on the mean, at that wall of the crop where a region's shoulders meet the body's worst.
    without: the region without them."""
    points = pair.surfaces[1].vertices
    walls = slice(0, 6)
    within = region.offsets[walls] - points @ region.normals[walls].T
    some = (region.inside(points, 0) > 0) & (without.inside(points, 0) < 0) & (within.min(1) < _AT_WALL)
    some = np.flatnonzero(some)
    error, wall = np.abs(pair.closest[0].query(points[some])[0]), within[some].argmin(1)
    return max((float(error[wall == one].mean()) for one in np.unique(wall)), default=0.0)


def _walls(place: JoinPlace) -> tuple[np.ndarray, np.ndarray]:
    """Outward unit normals (6, 3) and offsets (6,) of the crop's walls."""
    corners, middle = place.corners.reshape(2, 2, 2, 3), place.corners.mean(0)
    walls = [np.take(corners, side, axis) for axis in range(3) for side in (0, 1)]
    normals = np.stack([np.cross(wall[0, 1] - wall[0, 0], wall[1, 0] - wall[0, 0]) for wall in walls])
    origins = np.stack([wall[0, 0] for wall in walls])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    normals *= np.sign(((origins - middle) * normals).sum(1, keepdims=True))
    return normals, (origins * normals).sum(1)


def _clear(vertices: np.ndarray, place: JoinPlace) -> np.ndarray:
    """(6,) bool: which of the crop's walls the head, vertices (V, 3), does not reach."""
    normals, offsets = _walls(place)
    return (offsets - vertices @ normals.T).min(0) > _REACHED


def _rough_scale(body: np.ndarray, head: np.ndarray, place: JoinPlace, camera: np.ndarray) -> float:
    """How many times as far away as the head (Vh, 3) the body (Vb, 3) is where the picture shows the head."""
    seen = lambda points: points[:, :2] / (camera[2] - points[:, 2:])  # noqa: E731
    above = head[place.height(head) > 0]
    if not len(above):
        raise ReconstructionError(_APART)
    low, high = np.percentile(seen(above), [5, 95], axis=0)
    behind = body[((seen(body) > low) & (seen(body) < high)).all(1)]
    if not len(behind):
        raise ReconstructionError(_APART)
    far = lambda points: float(np.median(camera[2] - points[:, 2]))  # noqa: E731
    return far(behind) / far(above)


def _fine_scale(body: np.ndarray, head: np.ndarray, place: JoinPlace, camera: np.ndarray) -> float:
    """How many times as far away the head (Vh, 3) meets the body (Vb, 3) best around the neck."""
    height = place.height(head)
    around = head[(height > _LOWER_ENDS[0]) & (height < _BAND) & (_region(place, -1, np.ones(6, bool)).inside(head, 1) > 0)]
    if not len(around):
        raise ReconstructionError(_APART)
    rays = around[:: max(len(around) // _SEARCHED, 1)] - camera
    scales = 1 + _SEARCH / (camera[2] - place.neck[2])
    tree = cKDTree(body)
    losses = [np.log1p((tree.query(camera + scale * rays)[0] / _ROBUST) ** 2).mean() for scale in scales]
    best = int(np.clip(np.argmin(losses), 1, len(losses) - 2))
    before, here, after = losses[best - 1 : best + 2]
    between = np.clip(0.5 * (before - after) / max(before - 2 * here + after, 1e-9), -1, 1)
    return float(scales[best] + between * (scales[1] - scales[0]))


class _Pair:
    """Body and head, and the closest points on them."""

    def __init__(self, body: ClosedSurface, head: ClosedSurface) -> None:
        self.surfaces = (body, head)
        self.closest = tuple(ClosestSurface(surface.vertices, surface.faces) for surface in self.surfaces)


def _lower_end(pair: _Pair, place: JoinPlace) -> tuple[float, float]:
    """Where the two surfaces agree best: metres above the neck joint at which the head's region should end; and how many metres they
    disagree there, each in so far as it matters.
    """
    apart = []
    for surface, other in zip(pair.surfaces, pair.closest[::-1], strict=True):
        height = place.height(surface.vertices)
        low, high = _LOWER_ENDS[[0, -1]] + [0, _BAND]
        within = (height > low) & (height < high)
        within[within] = _region(place, -1, np.zeros(6, bool)).inside(surface.vertices[within], 1) > 0
        within = np.flatnonzero(within)
        within = within[:: max(len(within) // _TOLD, 1)]
        error = np.clip(np.abs(other.query(surface.vertices[within])[0]) - _AGREED, 0, _DISAGREED)
        slabs = [(height[within] > end) & (height[within] < end + _BAND) for end in _LOWER_ENDS]
        apart.append([error[slab].sum() / max(slab.sum(), 1) for slab in slabs])
    error = np.sum(apart, axis=0)
    best = int(np.argmin(error + _UNUSUAL * np.abs(_LOWER_ENDS - _USUAL_END)))
    return float(_LOWER_ENDS[best]), float(error[best])


class _Blend:
    """The blend of both surfaces over the bands of a region."""

    def __init__(self, pair: _Pair, region: _Region) -> None:
        self._pair, self.region = pair, region

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Signed distance (N,) of points (N, 3), not beyond _TRUNCATION."""
        of_body, of_head = (np.clip(closest.query(points)[0], -_TRUNCATION, _TRUNCATION) for closest in self._pair.closest)
        return of_body + self.region.share(points) * (of_head - of_body)

    def values(self, points: np.ndarray) -> np.ndarray:
        """Values (N, C) at points (N, 3) near the surface."""
        share = self.region.share(points)[:, None]
        pairs = zip(self._pair.surfaces, self._pair.closest, strict=True)
        of_body, of_head = (closest.interpolate(surface.values, *closest.query(points)[1:]) for surface, closest in pairs)
        return of_body + share * (of_head - of_body)

    def _cells(self, half: float) -> int:
        """How many cells of a lattice, `half` metres to each side, are about as large as those of the head's."""
        head = self._pair.surfaces[1]
        a, b = (head.vertices[head.faces[:: max(len(head.faces) // 5000, 1), corner]] for corner in (0, 1))
        cell = 1.1 * float(np.linalg.norm(b - a, axis=1).mean())
        return int(np.clip(2 ** round(np.log2(2 * half / cell)), *_CELLS))

    def surface(self) -> ClosedSurface:
        """The blended surface in the bands, which reaches a little beyond them."""
        region = self.region
        low, high = np.reshape(region.solid(0).bounding_box(), (2, 3))
        middle, half = (low + high) / 2, 1.05 * float((high - low).max()) / 2
        cells = self._cells(half)
        spare = _SPARE * 2 * half / cells

        def outside(points: np.ndarray) -> np.ndarray:
            return np.maximum(-region.inside(points, 0), region.inside(points, 1)) - spare

        def distance(cube: np.ndarray) -> np.ndarray:
            points = middle + half * cube
            result = outside(points)
            within = result <= 0
            result[within] = np.maximum(self.distance(points[within]), result[within])
            return result / half

        coarse = lambda cube: outside(middle + half * cube) < half / 16  # noqa: E731
        vertices, faces = extract_components(distance, coarse, cells)
        vertices = (middle + half * vertices).astype(np.float32)
        # What lies farther out is cut off, with all triangles that it is in.
        kept = outside(vertices) < -0.1 * spare
        values = np.zeros((len(vertices), self._pair.surfaces[0].values.shape[1]), np.float32)
        values[kept] = self.values(vertices[kept])
        return ClosedSurface(vertices, faces, values)
