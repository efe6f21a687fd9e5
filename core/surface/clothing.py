"""Clothes of a head: each garment ends in a step over what it covers, where the photo's line runs, and has the photo's folds and seams.

A field gives clothes the form of melted wax: its bends and torn rims are made even first, but not at the outline, which the photo tells.
"""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
import scipy.sparse as sp

from ..geometry.mesh import adjacency, compact, grown, vertex_normals, within
from ..geometry.visibility import depth_picture, sample_picture, smoothstep, visibility
from ..photo.parsing import CLASSES
from .creases import bounds, dark_lines
from .garments import BARE, seen_garments
from .mesoscopic import Material, linear_light, material_heights
from .refine import refine
from .smooth import spanned
from .worn import cloth_tones

_OVER_SKIN, _OVER_CLOTH = 4e-3, 2.5e-3  # metres by which the lowest garment stands off skin, and each one off the one below
_LINE = 3e-3  # metres, standard deviation, over which edges run evenly: beads and folds are no teeth of a collar
_SOFT = 0.9e-3  # metres, standard deviation, over which an edge rises
_EVENED = 12e-3  # metres, standard deviation, over which a garment comes down again from its edge
_HANGS, _ASIDE = (6e-3, 14e-3), 2e-3  # metres by which what hangs before cloth is nearer to the viewer, so far aside: it ends no garment
_CALM = (2e-3, 6e-3)  # metres from a garment's edge within which folds fade in: beads, buttons and borders are none
_COVERED, _HAIR = ("hair", "hat", "object"), (0.1, 0.4)  # share of what lies over clothes, over which steps end
_RIM, _OUTLINE = (0.5e-3, 4e-3), (2e-3, 8e-3)  # metres inside the outline over which relief fades in, and clothes may move across the view
_LAST, _BELOW = 0.02, 0.02  # share of the photo's lowest row that is of the person; metres below the photo over which relief ends
_WORN, _SPANS = (0.3, 0.7), 0.05  # share from which on a place is clothes; metres: shorter bends are the field's
_CLOTH = Material(("clothes",), 1.0, 0.3, 12.8e-3, 0.02)
_DARK = 0.02  # of white, linear
_LINES = ((1.2e-3, 0.06), (2.0e-3, 0.08), (3.0e-3, 0.1))  # metres, half the width of seams, and the logarithm up to which they are weave
_GROOVE, _WIDE, _MOST = 1.5, 3e-3, 0.25  # depth of a groove over its width, at that width, for each unit of the logarithm up to about that
_RAISED, _AROUND = 0.5, 6e-3  # share of a groove that is raised around it, and metres over which
_COLOURFUL, _FINE = (5.0, 10.0), (0.8e-3, 3e-3, 6e-3)  # of cloth_tones: hues within a garment, from folds to a pattern; metres of grain, of
# its border, and within which hues are compared
_BESIDE = 8  # pixels beside a garment that tell as much of it as all of the picture
_SLOPE = 0.15  # of the steps: where that or more, the mesh is made finer
_LONGEST, _SEEN = 0.9e-3, 0.3  # metres of an edge there, and share of what is seen
_FACING = (0.2, 0.5)  # z of the surface's normal over which relief fades in
_EVEN, _APART, _FADED = 6, 3, 8  # rounds of smoothing normals; rings within which what is hidden takes relief away; of fading that
_RINGS, _SIZE = 3, 256  # rings of vertices around clothes that hold them; pixels a side of the depth picture


@dataclass(frozen=True)
class Clothing:
    """What a photo's crop tells of the form of clothes, (S, S) float32 each. heights: crop units along the surface's normals; shown: how
    far the photo tells them, and edges: where they have a step, both in [0, 1]; cloth: 1 where that is seen; inside: crop units from the
    person's outline; half: metres of a crop unit."""

    heights: np.ndarray
    shown: np.ndarray
    edges: np.ndarray
    cloth: np.ndarray
    inside: np.ndarray
    half: float

    @classmethod
    def of(
        cls, photo: np.ndarray, matte: np.ndarray, parsing: np.ndarray, half: float, cells: int, photo_pixel: float, strength: float = 1.0
    ) -> Self:
        """As FineDetail.of; strength: of folds and seams."""
        size, pixel = len(photo), 2 * half / len(photo)
        rows = max(int(np.flatnonzero((matte > 0.5).mean(1) > _LAST).max(initial=0)), 1)
        photo, matte, parsing = photo[:rows], matte[:rows], parsing[:rows]
        garment = seen_garments(photo, matte, parsing, pixel)
        heights = _edges(garment, pixel)
        covered = parsing[..., [CLASSES.index(name) for name in _COVERED]].sum(-1).astype(np.float32)
        uncovered = 1 - smoothstep(cv2.GaussianBlur(covered, (0, 0), 2 * _SOFT / pixel), *_HAIR)
        inside = cv2.distanceTransform((matte > 0.5).astype(np.uint8), cv2.DIST_L2, 5) * pixel
        shown = (garment.max() > BARE) * uncovered * smoothstep(inside, *_RIM)
        slope = np.hypot(*np.gradient(heights, pixel))
        if strength:
            finest = max(half / cells, photo_pixel)
            for one in range(BARE + 1, garment.max() + 1):
                heights += strength * _folds(photo, garment == one, pixel, finest)
        edges = shown * cv2.dilate((slope > _SLOPE).astype(np.float32), np.ones((3, 3)))
        # Below, what the lowest row shows goes on for a while.
        fade = 1 - smoothstep(np.arange(size, dtype=np.float32) - rows + 1, 0, _BELOW / pixel)[:, None]
        whole = [
            np.pad(one, ((0, size - rows), (0, 0)), mode="edge") for one in (heights / half, shown, edges, garment > BARE, inside / half)
        ]
        heights, shown, edges, cloth, inside = (one.astype(np.float32) for one in whole)
        return cls(heights, fade * shown, fade * edges, cloth, inside, half)

    def prepared(self, vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (V', 3) and faces (F', 3) of a crop frame's surface before it is coloured: even where clothes are seen, and fine
        where they will have steps."""
        seen = visibility(vertices, vertex_normals(vertices, faces), depth_picture(vertices, faces, _SIZE).depth)
        # Torn rims would tear the photo's colours.
        vertices = self._evened(vertices, faces, smoothstep(seen * sample_picture(self.cloth, vertices), *_WORN))
        return refine(vertices, faces, seen * sample_picture(self.edges, vertices) > _SEEN, _LONGEST / self.half)

    def on(self, vertices: np.ndarray, faces: np.ndarray, cloth: np.ndarray, elsewhere: np.ndarray) -> np.ndarray:
        """Vertices (V, 3) float32 of a crop frame's surface with the form of clothes. cloth (V,) in [0, 1]: what is worn; elsewhere (V,):
        crop units along the normals that edges of clothes rise where the photo does not show them."""
        vertices = self._evened(vertices, faces, smoothstep(cloth, *_WORN))
        neighbours = adjacency(faces, len(vertices))
        mean = sp.diags(1 / np.asarray(neighbours.sum(1)).ravel()) @ neighbours
        normals = vertex_normals(vertices, faces)
        depth = depth_picture(vertices, faces, _SIZE).depth
        visible = visibility(vertices, normals, depth)
        for _ in range(_EVEN):
            normals = mean @ normals
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        seen = visible * smoothstep(normals[:, 2], *_FACING)
        # What is hidden and what is seen meet in no step.
        for _ in range(_APART):
            seen = np.minimum(seen, np.minimum.reduceat(seen[neighbours.indices], neighbours.indptr[:-1]))
        for _ in range(_FADED):
            seen = mean @ seen
        seen *= sample_picture(self.shown, vertices)
        moved = elsewhere + seen * (sample_picture(self.heights, vertices) - elsewhere)
        moved *= 1 - visible * sample_picture(self._hanging(depth), vertices)
        return (vertices + moved[:, None] * normals).astype(np.float32)

    def _hanging(self, depth: np.ndarray) -> np.ndarray:
        """(D, D) float32 in [0, 1]: where something hangs before an edge of cloth, as a chin before a jumper, in depth (D, D)."""
        size, pixel = len(depth), 2 * self.half / len(depth)
        there = np.isfinite(depth).astype(np.float32)
        cloth = there * cv2.resize(self.cloth, (size, size), interpolation=cv2.INTER_AREA)
        z = np.where(there > 0, depth, 0) * self.half
        blurred = lambda picture, sigma: cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma / pixel)  # noqa: E731
        share, other = blurred(cloth, _ASIDE), blurred(there - cloth, _ASIDE)
        before = blurred(z * (there - cloth), _ASIDE) / np.maximum(other, 1e-3) - blurred(z * cloth, _ASIDE) / np.maximum(share, 1e-3)
        edge = share * other
        return blurred(edge * smoothstep(before, *_HANGS), _EVENED) / np.maximum(blurred(edge, _EVENED), 1e-6)

    def _evened(self, vertices: np.ndarray, faces: np.ndarray, worn: np.ndarray) -> np.ndarray:
        """Vertices (V, 3) without short bends where clothes are worn (V,), but of the same outline."""
        near = grown(faces, worn > 0, _RINGS)
        if not near.any():
            return vertices
        part, part_faces, kept = compact(vertices, faces[within(faces, near)])
        change = (spanned(part, part_faces, worn[kept], _SPANS / self.half) - part) * (worn[kept] > 0)[:, None]
        change[:, :2] *= smoothstep(sample_picture(self.inside, part) * self.half, *_OUTLINE)[:, None]
        moved = vertices.copy()
        moved[kept] += change
        return moved


def _edges(garment: np.ndarray, pixel: float) -> np.ndarray:
    """Metres (S, T) float32 by which garments (S, T) stand off what they cover, at their edges alone."""
    blurred = lambda mask, sigma: cv2.GaussianBlur(np.asarray(mask, np.float32), (0, 0), sigma / pixel)  # noqa: E731
    even = np.stack([blurred(garment == one, _LINE) for one in range(garment.max() + 1)]).argmax(0)
    known = blurred(even >= BARE, _EVENED)
    heights = np.zeros(garment.shape, np.float32)
    for one in range(BARE + 1, garment.max() + 1):
        over = even >= one
        raised = blurred(over, _SOFT) - blurred(over, _EVENED) / np.maximum(known, 1e-3)
        heights += 2 * (_OVER_SKIN if one == BARE + 1 else _OVER_CLOTH) * np.maximum(raised, 0)
    return heights * blurred(even >= BARE, _SOFT)


def _folds(photo: np.ndarray, own: np.ndarray, pixel: float, finest: float) -> np.ndarray:
    """Metres (S, T) that folds and seams of one garment (S, T) bool move the surface outwards; finest: metres."""
    folds, box = np.zeros(own.shape, np.float32), bounds(own, _BESIDE)
    if box is None:
        return folds
    soft = lambda mask: cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)  # noqa: E731
    inner = soft(cv2.erode(own.astype(np.uint8), np.ones((3, 3))))
    calm = smoothstep(cv2.distanceTransform(np.pad(own, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1] * pixel, *_CALM)
    light = np.zeros(own.shape, np.float32)
    light[box] = np.log(linear_light(photo[box]) @ np.array(_CLOTH.channels) + _DARK)
    groove = np.zeros_like(light)
    for width, weave in _LINES:
        if width >= finest:
            dark = np.maximum(dark_lines(light[..., None], inner, width / pixel)[..., 0] - weave, 0)
            groove = np.maximum(groove, _GROOVE * np.sqrt(width * _WIDE) * _MOST * np.tanh(dark / _MOST))
    groove -= _RAISED * cv2.GaussianBlur(groove, (0, 0), _AROUND / pixel)
    shading = material_heights(_CLOTH, photo[box], soft(own)[box], inner[box], pixel, finest)
    folds[box] = _plain(photo[box], own[box], pixel) * calm[box] * (shading - inner[box] * groove[box])
    return folds


def _plain(photo: np.ndarray, own: np.ndarray, pixel: float) -> float:
    """From 1 where a garment (S, T) bool has folds alone, which change its light, to 0 where it has a pattern, which changes its hue."""
    grain, border, around = (max(one / pixel, 0.3) for one in _FINE)
    inner = cv2.erode(own.astype(np.uint8), np.ones((2 * round(border) + 1,) * 2)).astype(np.float32)
    if not inner.any():
        return 1.0
    hue = cv2.GaussianBlur(cloth_tones(photo), (0, 0), grain)[..., 1:]
    mean = cv2.GaussianBlur(hue * inner[..., None], (0, 0), around) / np.maximum(cv2.GaussianBlur(inner, (0, 0), around), 1e-3)[..., None]
    apart = np.sqrt((((hue - mean)[inner > 0]) ** 2).sum(-1).mean())
    return float(1 - smoothstep(apart, *_COLOURFUL))
