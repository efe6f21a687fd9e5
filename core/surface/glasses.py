"""The arms of glasses: a photo from the front shows where the frame ends, and no more of them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.mesh import vertex_normals
from ..geometry.visibility import smoothstep
from ..models.prior import PriorSurface
from ..photo.parsing import CLASSES
from .refine import refine

_TOLD, _WORN, _SURE = 0.2, 0.4, 0.9  # share of glasses in a pixel of them, and in one by which they are worn; share of sure skin
_EYES, _FACE = (-0.16, 0.16), -0.2  # heights on the mean head between which frames are, and depth before which a face is; crop units
_MISSED = 0.1  # crop units beside the face beyond which glasses are not on it
_FRAME, _ENDS = 0.26, 0.29  # distances from the middle on the mean head, crop units, beyond which it is the frame's end, and its last part
_BRIDGE, _BELOW, _LEAST = (0.07, 0.03), -0.02, 5e-6  # distance from the middle and height, crop units, below which there is no brow;
# height of that elsewhere, and square metres of glasses there
_FEWEST = 3  # pixels of that
_HINGE, _EAR = (0.34, 0.0), (0.375, 0.0, -0.37)  # distance from the middle and depth of an arm's start, and where it lies on an ear
_OUTSTANDING = 80  # percentile of the difference from skin, beyond which a pixel is the frame's and not seen through it
_SHARE, _HEIGHTS = 0.6, (2.4e-3, 6e-3)  # of the height of the frame's end that an arm has; metres
_BESIDE = 0.12  # crop units from an arm's plane to the surface that it lies on
_BARE = (0.3, 0.7)  # share of bare skin over which hair ends that covers arms
_FACING = (0.3, 0.6)  # z of a normal over which the photo would show an arm
_SOFT, _AROUND, _LONGEST = 0.7e-3, 1.5e-3, 0.8e-3  # metres: of an arm's edge; around arms where the mesh is finer; of its edges there


@dataclass(frozen=True)
class GlassesArms:
    """In the crop frame: start, end (2, 3) of the right and the left arm; up (3,): the head's axis; high: half an arm's height, crop units;
    half: metres of a crop unit; colour (3,): sRGB."""

    start: np.ndarray
    end: np.ndarray
    up: np.ndarray
    high: float
    half: float
    colour: np.ndarray

    @classmethod
    def of(cls, surface: PriorSurface, up: np.ndarray, photo: np.ndarray, parsing: np.ndarray) -> Self | None:
        """Of the glasses that a crop's photo (S, S, 3) shows by its parsing (S, S, len(CLASSES)), None where nobody wears any. surface: the
        fitted head; up (3,): its axis."""
        half, pixel = surface.framing.half, 2 / len(photo)
        glasses = parsing[..., CLASSES.index("glasses")]
        rows, columns = np.nonzero(glasses > _TOLD)
        if not len(rows):
            return None
        place = surface.canonical
        on_face = (vertex_normals(surface.vertices, surface.faces)[:, 2] > 0) & (place[:, 2] > _FACE)
        face = np.flatnonzero(on_face & (place[:, 1] > _EYES[0]) & (place[:, 1] < _EYES[1]))
        seen = np.column_stack([(columns + 0.5) * pixel - 1, 1 - (rows + 0.5) * pixel])
        away, near = cKDTree(surface.vertices[face, :2]).query(seen)
        worn = place[face[near]]
        side = np.abs(worn[:, 0]) * (away < _MISSED)
        last, frame = side > _ENDS, side > _FRAME
        below = (worn[:, 1] < np.where(side < _BRIDGE[0], _BRIDGE[1], _BELOW)) & (away < _MISSED) & (glasses[rows, columns] > _WORN)
        skin = photo[parsing[..., CLASSES.index("skin")] > _SURE]
        # Dark brows look like a frame's upper half.
        if last.sum() < _FEWEST or below.sum() * (pixel * half) ** 2 < _LEAST or not len(skin):
            return None
        colours = photo[rows[frame], columns[frame]]
        apart = np.linalg.norm(colours - np.median(skin, axis=0), axis=1)
        heights = [np.ptp(np.percentile(worn[last & own, 1], [10, 90])) for own in (worn[:, 0] < 0, worn[:, 0] > 0) if (last & own).any()]

        def nearest(*there: float) -> np.ndarray:
            return surface.vertices[[np.linalg.norm(place - [way * there[0], *there[1:]], axis=1).argmin() for way in (-1, 1)]]

        return cls(
            nearest(_HINGE[0], float(np.median(worn[last, 1])), _HINGE[1]),
            nearest(*_EAR),
            up,
            float(np.clip(_SHARE * np.mean(heights) * half, *_HEIGHTS)) / 2 / half,
            half,
            np.median(colours[apart >= np.percentile(apart, _OUTSTANDING)], axis=0),
        )

    def share(self, points: np.ndarray, wider: float = 0.0) -> np.ndarray:
        """(N,) in [0, 1]: are points (N, 3) on an arm that is so many metres wider?"""
        found, soft, wider = np.zeros(len(points)), _SOFT / self.half, wider / self.half
        for start, end in zip(self.start, self.end, strict=True):
            length = np.linalg.norm(end - start)
            way = (end - start) / length
            up = self.up - (self.up @ way) * way
            up /= np.linalg.norm(up)
            along, height, beside = np.stack([way, up, np.cross(way, up)]) @ (points - start).T
            within = np.minimum(np.minimum(along, length - along), self.high - np.abs(height)) + wider
            found = np.maximum(found, smoothstep(within, -soft / 2, soft / 2) * (np.abs(beside) < _BESIDE))
        return found

    def prepared(self, vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (V', 3) and faces (F', 3) of a crop frame's surface, fine where arms lie."""
        return refine(vertices, faces, self.share(vertices, _AROUND) > 0, _LONGEST / self.half)

    def painted(self, colours: np.ndarray, vertices: np.ndarray, normals: np.ndarray, observed: np.ndarray, bare: np.ndarray) -> np.ndarray:
        """Colours (V, 3) of vertices (V, 3) with unit normals (V, 3), with arms where skin is bare (V,) and the photo, of which a share
        (V,) is copied, does not look straight at it; all in [0, 1]."""
        share = self.share(vertices) * smoothstep(bare, *_BARE) * (1 - observed * smoothstep(normals[:, 2], *_FACING))
        return colours + share[:, None] * (self.colour - colours)
