"""A head's field that is reshaped to the outlines of further photos of the person. Its frame is the main photo's crop frame.

The fields of further photos take no part: where they see what the main photo hides, they err as the main photo's guess does, and by the
same (docs/decisions.md). Outlines are what further photos know better.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates
from scipy.sparse import diags, identity, kronsum
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from ..geometry.visibility import depth_picture, smoothstep
from ..models.carry import Carrier, lattice
from ..progress import Cancel, check
from .field import Field, PointFunction
from .silhouette import silhouette_stretch, stretched

_SIZE = 64  # pixels a side of the pictures in which outlines are compared; those of a head are 6.25 mm wide
_CELLS = 48  # a side of the lattice on which the shape moves
_ROUNDS = 2
_KNOWN = 0.8  # share of what an outline asks for that is done in a round: its photo's place is known to some millimetres
_OUT, _IN = 0.3, 0.2  # crop units (60 and 40 mm) by which an outline draws the surface out and in
_GIVES = 0.4  # crop units (80 mm) from the outline over which the shape gives way; more than _OUT, or it would fold
_FAR = (0.06, 0.12)  # crop units short from which on the shape's nearest place is drawn out, not what lies straight within
_ALONG, _STRAIGHT = 1.3, 1.0  # pixels over which the shortfall, and the outline's own direction, are smoothed
_OWN = 0.15  # crop units (30 mm) within the main photo's outline over which other outlines begin to count
_STAYS = 2.0  # cells, over which what stays in its place passes into what moves
_INSIDE = 0.94  # of a crop: outlines at its border are those of the picture


@dataclass(frozen=True)
class Silhouette:
    """A further photo's outline. carry: from the main photo's crop frame into its own; back: the other way. distance: signed distance (N,)
    to the outline in its picture, of points (N, 3) of its own frame; counts: share (N,) to which it has a say, of points (N, 3) of its own
    frame."""

    distance: PointFunction
    counts: PointFunction
    carry: PointFunction
    back: PointFunction


def multiview_field(
    field: Field,
    surface: tuple[np.ndarray, np.ndarray],
    silhouette: PointFunction,
    protect: PointFunction,
    others: Sequence[Silhouette],
    cancel: Cancel | None = None,
) -> Field:
    """The main photo's field, drawn to the outlines of the others and to its own, `silhouette`, last. surface: vertices (V, 3) and faces
    (F, 3) of the field, coarse; protect: [0, 1] (N,), what no outline moves (silhouette_stretch). Raises Cancelled."""
    vertices, faces = surface
    points, corners = lattice(_CELLS), (_CELLS + 1,) * 3
    moves = gaussian_filter(1 - protect(points).reshape(corners), _STAYS).reshape(-1, 1)
    # The main photo shows its own outline better, but not how deep it lies.
    own = smoothstep(-silhouette(points), 0, _OWN)[:, None]
    shares = moves * np.column_stack([own, own, np.ones_like(own)])
    before = Carrier.of(points)
    for seen in others * _ROUNDS:
        check(cancel)
        place, there = seen.carry(points), seen.carry(vertices)
        step = _KNOWN * _sampled(_asked(seen, there, faces), place)
        change = shares * seen.counts(place)[:, None] * (seen.back(place + np.pad(step, ((0, 0), (0, 1)))) - seen.back(place))
        moved = Carrier.of(points + gaussian_filter(change.reshape(*corners, 3), (1, 1, 1, 0)).reshape(-1, 3))
        # What a photo asks for that another one has asked for is done already.
        before, vertices = Carrier.of(before(moved(points))), moved.undone(vertices)
    whole = CarriedField(field, before)
    return stretched(whole, silhouette_stretch(whole, silhouette=silhouette, protect_mask=protect, cancel=cancel))


def _asked(seen: Silhouette, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """From where (2, S, S), x and y of its crop frame, a photo's outline draws each place of a shape, vertices (V, 3) of that frame."""
    middles = (np.arange(_SIZE) + 0.5) * (2 / _SIZE) - 1
    pixels = np.stack([*np.meshgrid(middles, -middles), np.zeros((_SIZE, _SIZE))], axis=-1).reshape(-1, 3).astype(np.float32)
    outside = seen.distance(pixels).reshape(_SIZE, _SIZE)
    drawn = depth_picture(vertices, faces, _SIZE).mask
    beyond, nearest = distance_transform_edt(~drawn, return_indices=True)
    within = distance_transform_edt(drawn)
    short = np.where(drawn, 0.5 - within, beyond - 0.5) * (2 / _SIZE) - outside
    to_shape = np.stack([nearest[1], nearest[0]]) - np.indices((_SIZE, _SIZE))[::-1]
    inward = -np.stack(np.gradient(gaussian_filter(outside, _STRAIGHT))[::-1])
    far = smoothstep(beyond * (2 / _SIZE), *_FAR)
    way = _unit((1 - far) * _unit(inward) + far * _unit(to_shape)) * np.clip(short, -_IN, _OUT)
    rim = (np.abs(outside) < 2 / _SIZE) & (np.abs(pixels[:, :2]).max(1) < _INSIDE).reshape(outside.shape)
    if not rim.any():
        return np.zeros_like(way)
    _, vertex = cKDTree(vertices[:, :2]).query(pixels[rim.ravel(), :2])
    weight = gaussian_filter(rim.astype(float), _ALONG)
    asked = np.zeros_like(way)
    asked[:, rim] = way[:, rim] * seen.counts(vertices[vertex])
    asked = np.stack([gaussian_filter(part, _ALONG) for part in asked]) / np.maximum(weight, 1e-6)
    return _spread(asked, rim) * np.array([1, -1])[:, None, None]


def _spread(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Values (2, S, S), known at some pixels (S, S) bool, spread over the picture (screened Poisson), fading over _GIVES."""
    line = diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(_SIZE, _SIZE)).tolil()
    line[0, 0] = line[-1, -1] = 1.0
    pull = 1e4 * known.ravel()
    solve = splu((kronsum(line, line) + identity(_SIZE**2) * (2 / _SIZE / _GIVES) ** 2 + diags(pull)).tocsc()).solve
    return np.stack([solve(pull * part.ravel()).reshape(known.shape) for part in values])


def _sampled(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N, 2) of a picture (2, S, S) at points (N, 3) of its crop frame."""
    place = (np.stack([1 - points[:, 1], points[:, 0] + 1]) * _SIZE - 1) / 2
    return np.stack([map_coordinates(part, place, order=1, mode="nearest") for part in picture], axis=1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (2, ...) of length one, or none."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=0), 1e-6)


@dataclass(frozen=True)
class CarriedField:
    """A field of another frame, into which `there` takes the points (N, 3) of this one."""

    base: Field
    there: PointFunction

    def distance(self, points: np.ndarray) -> np.ndarray:
        """As Field."""
        return self.base.distance(self.there(points))

    def colours(self, points: np.ndarray) -> np.ndarray:
        """As Field."""
        return self.base.colours(self.there(points))

    def correspondence(self, points: np.ndarray) -> np.ndarray:
        """As Field."""
        return self.base.correspondence(self.there(points))

    def may_contain_surface(self, points: np.ndarray) -> np.ndarray:
        """As Field."""
        return self.base.may_contain_surface(self.there(points))

    def prior_distance(self, points: np.ndarray) -> np.ndarray:
        """As Field."""
        return self.base.prior_distance(self.there(points))
