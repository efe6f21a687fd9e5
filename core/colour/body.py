"""Colours of a body: what the photo shows, and where nobody sees it the garment, skin or hair that is seen around at the same place.

A body's parsing tells neither where a sleeve ends nor one garment from another, so materials are groups of seen colours. Each hidden place
takes the material that most of what is seen around the body or the limb there is of, so that a hem is as high behind as in front, and
neither a print nor a face goes on behind.
"""

from collections.abc import Callable
from typing import NamedTuple, Self

import cv2
import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.visibility import smoothstep
from ..photo.parsing import CLASSES
from .before import as_before
from .garments import Garments, softened
from .project import Projection
from .seam import with_local_light, without_seam
from .voxel_means import VoxelMeans

ARMS = ("upper_arms", "forearms", "hands")
"""The body model's regions in which length counts as height does elsewhere."""
_SCALP, _HEAD, _HANDS = 1, 2, 3  # parts of a body, beside the rest
_CELL = 0.012  # crop units (some 12 mm): nothing that is guessed is finer
_SEEN = 0.5  # weight of what tells about hidden places
_MATERIALS = 8
_LIGHTNESS = np.array([0.5, 1, 1])  # of CIE Lab: folds change it
_SAMPLES, _AROUND = 2000, 160  # seen cells of each part that tell, and how many for each place
_ROUND = 0.4  # of a distance around the body or the limb: what is at the same height is near
_SMALL = 3.0  # times finer
_OTHER_SIDE, _OTHER_PART = 0.03, 10.0  # metres by which the other side, and another part of the body, count as farther away
_BARE_APART, _ON_ARM = 10.0, 0.5  # metres by which sleeves and bare arms count as farther away from each other, and share of an arm
_BARE = 2  # what is bare of an arm; what is not is 1
_THINNED = 4  # one of so many vertices tells what is bare
_NEAREST = 0.05  # metres: what is nearer is equally near, so that a pattern has no say
_ALIKE = 12.0  # of CIE Lab: materials nearer than that are one in two lights
_GRADUAL, _OFTEN = 0.5, 40  # share of two materials' distance that neighbours are apart where one is the other in the shade, and how many
_TINTED, _SHADED = 6.0, 25.0  # of CIE Lab's tint, and in all, that light and shade of one material may be apart
_ONE = 0.5  # likeness from which on two materials are one garment
_EVEN = 12  # rounds of smoothing what is guessed of a garment, over a cell each
_STRANGE = (0.2, 0.6)  # share of what is no person, or something held
_SURE, _LEAST = 0.9, 100  # weight and number of seen vertices that show a pattern
_BEFORE = (0.01, 0.03)  # crop units (1 to 3 cm) across the photo within which a seen place is before a hidden one
_UNUSUAL = (2.5, 4.0)  # times the usual contrast: a print, a belt or the wall behind
_BESIDE = (0.01, 0.04)  # crop units (1 to 4 cm) beside what stands out over which the pattern begins


class BodyPlaces(NamedTuple):
    """Where the V vertices are on the body: mean (V, 3), the nearest points on the mean body, metres, x to the person's left and odd;
    part (V,) int: only vertices of one part tell about each other; arms (V,) in [0, 1]."""

    mean: np.ndarray
    part: np.ndarray
    arms: np.ndarray

    @classmethod
    def of(cls, mean: np.ndarray, regions: Callable[..., np.ndarray]) -> Self:
        """regions: of names, how far the vertices are in each of these regions of the body model, (V, N) in [0, 1]."""
        skin, scalp, hands = (regions(*names).max(1) > 0.5 for names in (("head", "neck"), ("scalp",), ("hands",)))
        return cls(mean, np.select([scalp, skin, hands], [_SCALP, _HEAD, _HANDS]), regions(*ARMS).max(1))


class Bare(NamedTuple):
    """How far some vertices (N, 3), crop frame, are bare: share (N,) in [0, 1], as the surface has the form of what is worn."""

    vertices: np.ndarray
    share: np.ndarray

    def at(self, vertices: np.ndarray) -> np.ndarray:
        """(K,) bool: whether places (K, 3) are bare."""
        tree = cKDTree(self.vertices[::_THINNED], balanced_tree=False, compact_nodes=False)
        return self.share[::_THINNED][tree.query(vertices)[1]] > 0.5


class _Samples(NamedTuple):
    """Seen colours (N, 3) of materials (N,), their places (N, 6), and how alike the materials are (_MATERIALS, _MATERIALS) in [0, 1]."""

    colours: np.ndarray
    material: np.ndarray
    places: np.ndarray
    alike: np.ndarray

    def around(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Colours (K, 3) of the material around places (K, 6) that has the most of its like there, cloth in the sun and in the shade
        counting together; and which garment that is, (K,) int: materials that are alike are one."""
        distance, index = cKDTree(self.places).query(places, k=min(_AROUND, len(self.places)))
        distance, index = distance.reshape(len(places), -1), index.reshape(len(places), -1)
        near = 1 / (distance + _NEAREST) ** 2
        bins = np.arange(len(places))[:, None] * _MATERIALS + self.material[index]
        summed = lambda values: np.bincount(bins.ravel(), values.ravel(), len(places) * _MATERIALS).reshape(-1, _MATERIALS)  # noqa: E731
        weight = summed(near)
        colours = np.stack([summed(near * self.colours[index, channel]) for channel in range(3)], axis=-1)
        colours /= np.maximum(weight, 1e-9)[..., None]
        garment = connected_components(self.alike > _ONE)[1]
        most = garment[(weight @ self.alike).argmax(1)]
        share = weight * (garment == most[:, None])
        share /= np.maximum(share.sum(1, keepdims=True), 1e-9)
        return np.einsum("km,kmc->kc", share, colours).astype(np.float32), most


def colour_body(
    vertices: np.ndarray,
    faces: np.ndarray,
    normals: np.ndarray,
    photo_crop: np.ndarray,
    matte_crop: np.ndarray,
    places: BodyPlaces,
    parsing_crop: np.ndarray | None = None,
    bare: Bare | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Colours (V, 3) float32 sRGB in [0, 1] of all vertices, and observed (V,) float32 in [0, 1], 1 where the photo was copied.

    vertices (V, 3) and unit normals (V, 3) in the crop frame, faces (F, 3); photo_crop (S, S, 3) float sRGB, matte_crop (S, S);
    parsing_crop: (S, S, len(CLASSES)) shares, by which background and things that are held are not carried on. bare: where sleeves end, if
    the surface has the form of what is worn.
    """
    told = np.zeros((*matte_crop.shape, 2), np.float32)
    if parsing_crop is not None:
        classes = (("background", "object"), ("hair", "beard", "hat"))
        told = np.stack([parsing_crop[..., [CLASSES.index(name) for name in names]].sum(-1) for names in classes], axis=-1)
    picture = np.concatenate([photo_crop, told], axis=-1, dtype=np.float32)
    projection = Projection.of(vertices, faces, picture, matte_crop)
    shown, observed = projection.sample_photo(vertices, normals)
    cells = VoxelMeans.of_surface(vertices, faces, _CELL)
    seen, weight = cells.mean(shown, observed), cells.mean(observed)
    weight = weight * (1 - smoothstep(seen[:, 3], *_STRANGE))
    place = _stretched(places, cells.first, _part_of_head(places.part[cells.first], seen[:, 4], weight))
    place = as_before(place, vertices[cells.first], places.mean[cells.first], places.arms[cells.first], weight)
    sleeve = np.zeros(len(place), np.int64)
    if bare is not None:
        arm = np.flatnonzero(places.arms[cells.first] > _ON_ARM)
        sleeve[arm] = 1 + bare.at(vertices[cells.first[arm]])
    place = np.column_stack([place, _BARE_APART * sleeve])
    level, garment = _samples(seen[:, :3], weight, place, cells.links).around(place)
    garment = np.unique(np.column_stack([garment, sleeve == _BARE]), axis=0, return_inverse=True)[1].ravel()
    share = softened(cells, garment)
    garments = Garments(cells, share, vertices, garment)
    level = garments.smoothed(level, _EVEN)
    own = np.eye(garment.max() + 1)[garment]
    level = with_local_light(cells, level, seen[:, :3], weight, own)
    plain = garments.spread(level)
    level = without_seam(cells, level, seen[:, :3], weight, np.zeros_like(weight), own)
    cloth = np.where(places.part == 0, garments.of, -1)
    hidden = garments.spread(level) + _pattern(vertices, shown[:, :3] - plain, observed, cloth)
    hidden = np.clip(hidden, 0, 1)
    return (hidden + observed[:, None] * (shown[:, :3] - hidden)).astype(np.float32), observed


def _part_of_head(part: np.ndarray, hair: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Parts (K,) of cells of which hair (K,) is seen with weight (K,): a scalp without hair is skin, and hair may hang over skin."""
    shown = (weight > _SEEN) & np.isin(part, (_SCALP, _HEAD)) & (hair > _SEEN)
    if not shown.any():
        return part
    part = np.where((weight > _SEEN) & (part == _SCALP), _HEAD, part)
    return np.where(shown, _SCALP, part)


def _stretched(places: BodyPlaces, chosen: np.ndarray, part: np.ndarray) -> np.ndarray:
    """(K, 5): places in a space in which what is at one height of the body, or one length of an arm, is near; then side and part."""
    mean, arms = places.mean[chosen], places.arms[chosen, None]
    factor = (1 - arms) * [_ROUND, 1, _ROUND] + arms * [1, _ROUND, _ROUND]
    # Heads and hands are small.
    factor = factor * np.where(part > 0, _SMALL, 1)[:, None]
    return np.column_stack([mean * factor, np.zeros(len(mean)), part * _OTHER_PART])


def _samples(seen: np.ndarray, weight: np.ndarray, place: np.ndarray, links: sp.csr_matrix) -> _Samples:
    """From colours (K, 3) of cells seen with weight (K,) at places (K, 6), of which links (K, K) are neighbours; each tells about the
    body's other side too."""
    chosen = np.flatnonzero(weight > _SEEN)
    if not len(chosen):
        chosen = np.array([int(weight.argmax())])
    of_part = np.unique(place[chosen, 4], return_inverse=True)[1]
    chosen = np.concatenate([one[:: -(-len(one) // _SAMPLES)] for one in (chosen[of_part == part] for part in range(of_part.max() + 1))])
    colours = seen[chosen]
    lab = cv2.cvtColor(np.ascontiguousarray(colours[None], np.float32), cv2.COLOR_RGB2LAB)[0] * _LIGHTNESS
    material = np.zeros(len(chosen), np.int64)
    if len(chosen) > _MATERIALS:
        cv2.setRNGSeed(0)
        stop = (cv2.TERM_CRITERIA_MAX_ITER, 30, 0.0)
        material = cv2.kmeans(lab.astype(np.float32), _MATERIALS, np.empty(0), stop, 2, cv2.KMEANS_PP_CENTERS)[1][:, 0]
    mirrored = place[chosen] * [-1, 1, 1, 1, 1, 1] + [0, 0, 0, _OTHER_SIDE, 0, 0]
    alike = _alike(lab, material, *_steps(lab, material, links[chosen][:, chosen]))
    return _Samples(np.tile(colours, (2, 1)), np.tile(material, 2), np.concatenate([place[chosen], mirrored]), alike)


def _steps(lab: np.ndarray, material: np.ndarray, links: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Median distance (_MATERIALS, _MATERIALS) of colours lab (N, 3) of materials (N,) that links (N, N) say lie beside each other, and how
    many of them do."""
    beside = links.tocoo()
    pair = material[beside.row] * _MATERIALS + material[beside.col]
    step = np.linalg.norm(lab[beside.row] - lab[beside.col], axis=1)
    median = [np.median(step[pair == one]) if (pair == one).any() else np.inf for one in range(_MATERIALS**2)]
    count = np.bincount(pair, minlength=_MATERIALS**2)
    return np.reshape(median, (_MATERIALS, _MATERIALS)), count.reshape(_MATERIALS, _MATERIALS)


def _alike(lab: np.ndarray, material: np.ndarray, step: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """(_MATERIALS, _MATERIALS) in [0, 1], by colours lab (N, 3) of materials (N,), and step and beside as of `_steps`: one garment's light
    and shade pass gradually into each other, two garments meet in a line."""
    centres, known = np.zeros((_MATERIALS, 3)), np.zeros(_MATERIALS, bool)
    for number in np.unique(material):
        centres[number], known[number] = np.median(lab[material == number], axis=0), True
    apart = np.linalg.norm(centres[:, None] - centres, axis=-1)
    tint = np.linalg.norm(centres[:, None, 1:] - centres[None, :, 1:], axis=-1)
    shade = (step < _GRADUAL * apart) & (beside >= _OFTEN) & (tint < _TINTED) & (apart < _SHADED)
    return np.where(shade, 1, np.exp(-((apart / _ALIKE) ** 2))) * (known[:, None] & known)


def _pattern(vertices: np.ndarray, detail: np.ndarray, observed: np.ndarray, garment: np.ndarray) -> np.ndarray:
    """(V, 3): the pattern of hidden cloth, garment (V,) or -1: what it has before it in the photo, in detail (V, 3), but for what stands
    out there."""
    strength, result = np.abs(detail).mean(1), np.zeros_like(detail)
    for one in np.unique(garment[garment >= 0]):
        seen = np.flatnonzero((garment == one) & (observed > _SURE))
        hidden = np.flatnonzero((garment == one) & (observed < 1))
        if len(seen) < _LEAST or not len(hidden):
            continue
        usual = max(float(np.median(strength[seen])), 1e-6)
        distance, index = cKDTree(vertices[seen, :2]).query(vertices[hidden, :2])
        share = (1 - smoothstep(distance, *_BEFORE)) * (1 - smoothstep(strength[seen[index]] / usual, *_UNUSUAL))
        # What is faint of a print tells that there is one as well.
        outstanding = seen[strength[seen] > _UNUSUAL[1] * usual]
        if len(outstanding):
            share *= smoothstep(cKDTree(vertices[outstanding, :2]).query(vertices[hidden, :2])[0], *_BESIDE)
        result[hidden] = share[:, None] * detail[seen[index]]
    return result
