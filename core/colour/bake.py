"""A texture of any mesh that lies on a reconstruction, with what the photo shows of it, other colours elsewhere, and no seam between.

Everything here happens in the crop frame, where viewing rays are parallel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..errors import InputError
from ..geometry.mesh import vertex_normals
from ..geometry.raster import interpolate, rasterize
from ..geometry.visibility import depth_picture, sample_picture, smoothstep, visibility
from ..photo.crop import crop_picture
from ..photo.framing import Framing
from ..result import Mesh, Result, ResultView
from .seam import carried_difference
from .texels import PADDING, SIZES, Progress, Texels

_SIZE = 512  # of the pictures that say what is seen
_GRAZING = np.cos(np.radians([78, 50]))
_IN_FRONT = np.array([0.005, 0.008])  # metres: what is this far in front, hair for one, hides the mesh
_BEHIND = np.array([0.010, 0.016])  # metres: a mesh this far in front of what is seen is not what the photo shows
_LOOSE = 0.05  # metres: farther for clothes
_BLUR = 0.0025  # metres: colours of vertices, some millimetres apart, are means over such a distance
_SPACING = 0.6  # standard deviation, in edges of the mesh, of what its vertices' colours average
_FAR = -10.0
_COARSER = 4  # times smaller: the texture of nearest colours
_ASTRAY = 0.004  # metres
_ELSEWHERE = 0.03  # metres: farther from the reconstruction, half of a mesh is not on it


@dataclass(frozen=True)
class PhotoSample:
    """What the photo shows of a reconstruction. Pictures over the crop, row 0 at the top.

    photo (S, S, 3) float32 sRGB, smooth (S, S, 3) the same without fine detail; trust (T, T) float32: 1 where the photo shows the person
    well; depth (T, T) float32: z of the reconstruction, far behind where it is not; bare (T, T) float32: 1 where it may show bare skin.
    framing: of the crop.
    """

    photo: np.ndarray
    smooth: np.ndarray
    trust: np.ndarray
    depth: np.ndarray
    bare: np.ndarray
    framing: Framing

    @classmethod
    def of(cls, surface: Mesh, view: ResultView, framing: Framing, finest: int) -> "PhotoSample":
        """What a view shows of a result's surface. finest: pixels a side beyond which detail would be lost again."""
        box = framing.crop_box(view.camera)
        photo = crop_picture(view.photo, box, int(np.clip(box[2], _SIZE, max(finest, _SIZE))))
        faces = torch.from_numpy(surface.faces.astype(np.int64))
        drawn = rasterize(torch.from_numpy(in_crop(view, framing, surface.vertices)), faces, _SIZE)
        trust = interpolate(drawn, faces, torch.from_numpy(surface.observed)[:, None])[..., 0].numpy()
        depth = torch.where(drawn.mask, drawn.depth, _FAR).numpy()
        return cls(photo, _smoothed(photo, trust, framing), trust, depth, np.ones_like(trust), framing)

    def without(self, covered: np.ndarray) -> "PhotoSample":
        """The same without what covers the mesh in pixels (T, T): not copied, and mixed into nothing."""
        trust = self.trust * (1 - covered)
        return replace(self, trust=trust, smooth=_smoothed(self.photo, trust, self.framing))

    def with_bare(self, bare: np.ndarray) -> "PhotoSample":
        """The same with pixels (T, T) that do not show bare skin, whose colours do not run into their neighbours' either."""
        return replace(self, smooth=_smoothed(self.photo, self.trust * (0.02 + bare), self.framing), bare=bare)


def in_crop(view: ResultView, framing: Framing, points: np.ndarray) -> np.ndarray:
    """Crop-frame points (N, 3) float32 in a view of upright ones, metres."""
    return framing.to_crop(view.pose.to_camera(points), view.camera).astype(np.float32)


def _smoothed(photo: np.ndarray, weight: np.ndarray, framing: Framing, blur: float = _BLUR) -> np.ndarray:
    """The photo (P, P, 3) blurred by so many metres, of what weight (T, T) it counts with."""
    weight = cv2.resize(weight, photo.shape[:2], interpolation=cv2.INTER_LINEAR)[..., None] + 1e-4
    sigma = max(blur / framing.half * len(photo) / 2, 0.3)
    return cv2.GaussianBlur(photo * weight, (0, 0), sigma) / cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]


@dataclass(frozen=True)
class ProjectionLayer:
    """Places of the photo at which a mesh's vertices find colours: their own ones, or those of the other half of the face.

    vertices (V, 3) and unit normals (V, 3), crop frame; own_depth (T, T): of the mesh that they lie on;
    guarded (V,): 1 where nothing but bare skin is copied;
    loose (V,): 1 where also what hangs some centimetres in front is copied.
    """

    vertices: np.ndarray
    normals: np.ndarray
    own_depth: np.ndarray
    guarded: np.ndarray
    loose: np.ndarray

    @classmethod
    def of(cls, vertices: np.ndarray, faces: np.ndarray) -> "ProjectionLayer":
        """A mesh's own places, with nothing guarded."""
        depth = depth_picture(vertices, faces, _SIZE).depth
        none = np.zeros(len(vertices), np.float32)
        return cls(vertices, vertex_normals(vertices, faces), depth, none, none)

    def packed(self) -> np.ndarray:
        """Vertex attributes (V, 8) that `sample_photo` needs."""
        return np.column_stack([self.vertices, self.normals, self.guarded, self.loose]).astype(np.float32)

    def sample_photo(self, sample: PhotoSample, packed: np.ndarray, fine: bool) -> tuple[np.ndarray, np.ndarray]:
        """Colours (N, 3) and how far they can be trusted (N,) in [0, 1] at places (N, 8) on the mesh."""
        points, guarded, loose = packed[:, :3], packed[:, 6], packed[:, 7]
        half = sample.framing.half
        normals = packed[:, 3:6] / np.maximum(np.linalg.norm(packed[:, 3:6], axis=1, keepdims=True), 1e-6)
        gap = sample_picture(sample.depth, points) - points[:, 2]
        gap = np.sign(gap) * np.maximum(np.abs(gap) - loose * (_LOOSE / half), 0)
        weight = smoothstep(normals[:, 2], *_GRAZING) * sample_picture(sample.trust, points)
        weight *= (1 - smoothstep(gap, *(_IN_FRONT / half))) * (1 - smoothstep(-gap, *(_BEHIND / half)))
        weight *= 1 - guarded * (1 - sample_picture(sample.bare, points))
        weight *= visibility(points, normals, self.own_depth)
        return sample_picture(sample.photo if fine else sample.smooth, points), weight.astype(np.float32)


def compose(
    texels: Texels,
    faces: np.ndarray,
    sample: PhotoSample,
    layers: Sequence[ProjectionLayer],
    base: np.ndarray,
    progress: Progress | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Colours (N, 3) float32 sRGB of texels and how far the last layer's photo was copied, (N,) float32.

    base (V, 3): colours of the vertices where no layer shows anything.
    layers cover each other, the last on top. What lies below a layer takes its level around the places that the layer covers.
    progress: from 0.4 to 0.9; what comes before and after is the caller's.
    """
    level, corrections = base, []
    for number, layer in enumerate(layers):
        if progress is not None:
            progress(0.4 + 0.1 * number / len(layers))
        colours, weight = layer.sample_photo(sample, layer.packed(), fine=False)
        difference = carried_difference(layers[-1].vertices, faces, colours - level, weight).astype(np.float32)
        corrections.append(difference)
        level = np.clip(level + difference, 0, 1)
        level = level + weight[:, None] * (colours - level)
    # One gather for all that a texel needs: the time goes into reaching the memory.
    attributes = torch.from_numpy(np.column_stack([base, *(layer.packed() for layer in layers), *corrections]).astype(np.float32))
    stride = 8
    first = 3 + stride * len(layers)
    values = np.empty((len(texels.index), 3), np.float32)
    observed = np.zeros(len(texels.index), np.float32)
    for part in texels.chunks(progress, 0.5, 0.9):
        found = texels.interpolate(attributes, part).numpy()
        here = found[:, :3]
        for number, layer in enumerate(layers):
            colours, weight = layer.sample_photo(sample, found[:, 3 + stride * number : 3 + stride * (number + 1)], fine=True)
            here = np.clip(here + found[:, first + 3 * number : first + 3 * (number + 1)], 0, 1)
            here = here + weight[:, None] * (colours - here)
            observed[part] = weight
        values[part] = here
    return values, observed


def bake_mesh(
    vertices: np.ndarray,
    faces: np.ndarray,
    uv: np.ndarray,
    faces_uv: np.ndarray,
    result: Result,
    size: int = 2048,
    progress: Progress | None = None,
    framing: Framing | None = None,
    margin: int = PADDING,
) -> tuple[np.ndarray, np.ndarray]:
    """Texture (size, size, 3) uint8 sRGB for any mesh that lies on a reconstruction; (size, size) uint8, 255 where the photo was copied.

    vertices (V, 3) metres in the upright frame of the result; faces (F, 3), outward; uv (U, 2) bottom-left origin, faces_uv (F, 3).
    framing: what of the photo is read, by default all that was reconstructed. Texels take the colours of the reconstruction's nearest
    vertices, whose light is even, and where the photo shows the mesh, its detail that is finer than these.
    margin: texels around the islands that repeat them.
    Raises InputError for a mesh without a usable UV map or one that lies elsewhere.
    """
    step = progress or (lambda share: None)
    texels = Texels.of(faces, uv, faces_uv, size)
    step(0.1)
    vertices, surface, view = vertices.astype(np.float32), result.surface, result.views[0]
    framing = framing or view.framing
    tree = cKDTree(surface.vertices)
    if np.median(tree.query(vertices[np.unique(faces)], workers=-1)[0]) > _ELSEWHERE:
        raise InputError("The mesh does not lie on the reconstruction; move it onto the head that it was made from.")

    def nearest_colours(points: np.ndarray) -> np.ndarray:
        distance, near = tree.query(points, k=3, workers=-1)
        share = 1 / (distance[..., None] ** 2 + 1e-8)
        return ((surface.colours[near] * share).sum(1) / share.sum(1)).astype(np.float32)

    base = nearest_colours(vertices)
    step(0.2)
    fine = _Magnified(Texels.of(faces, uv, faces_uv, max(size // _COARSER, SIZES[0])), texels, vertices, base, nearest_colours)
    step(0.3)
    layer, sample = ProjectionLayer.of(in_crop(view, framing, vertices), faces), PhotoSample.of(surface, view, framing, size)
    packed = torch.from_numpy(np.concatenate([layer.packed(), base], axis=1).astype(np.float32))
    detail = _detail(sample, surface)
    values, observed = np.empty((len(texels.index), 3), np.float32), np.empty(len(texels.index), np.float32)
    for part in texels.chunks(progress, 0.4, 0.9):
        found = texels.interpolate(packed, part).numpy()
        finer, observed[part] = layer.sample_photo(detail, found[:, :8], fine=True)
        values[part] = fine.colours(part) + observed[part][:, None] * finer
    return texture_pictures(texels, values, observed, margin)


def _detail(sample: PhotoSample, surface: Mesh) -> PhotoSample:
    """What of the photo is finer than the colours of a surface's vertices, which know better what is light and what is seen of whom."""
    edges = surface.vertices[surface.faces[:, 0]] - surface.vertices[surface.faces[:, 1]]
    blur = _SPACING * float(np.median(np.linalg.norm(edges, axis=1)))
    return replace(sample, photo=sample.photo - _smoothed(sample.photo, sample.trust, sample.framing, blur))


class _Magnified:
    """Colours of texels from a smaller texture, since every query for a nearest point costs."""

    def __init__(
        self, small: Texels, texels: Texels, vertices: np.ndarray, colours: np.ndarray, nearest: Callable[[np.ndarray], np.ndarray]
    ) -> None:
        self._texels = texels
        self._attributes = torch.from_numpy(np.concatenate([vertices, colours], axis=1))
        points = np.concatenate([small.interpolate(self._attributes, part)[:, :3].numpy() for part in small.chunks()])
        picture = small.picture(np.concatenate([points, nearest(points)], axis=1))
        self._picture = cv2.resize(picture, (texels.size, texels.size), interpolation=cv2.INTER_LINEAR).reshape(-1, 6)

    def colours(self, part: slice) -> np.ndarray:
        found, exact = self._picture[self._texels.index[part].numpy()], self._texels.interpolate(self._attributes, part).numpy()
        # Islands too small for the smaller texture would take a neighbour's colours.
        far = np.abs(found[:, :3] - exact[:, :3]).max(1) > _ASTRAY
        return np.where(far[:, None], exact[:, 3:], found[:, 3:])


def texture_pictures(texels: Texels, values: np.ndarray, observed: np.ndarray, margin: int = PADDING) -> tuple[np.ndarray, np.ndarray]:
    """Colours (N, 3) and observed (N,), both in [0, 1], as uint8 pictures."""
    packed = np.concatenate([values, observed[:, None]], axis=1)
    picture = texels.picture((np.clip(packed, 0, 1) * 255 + 0.5).astype(np.uint8), margin)
    return picture[..., :3], picture[..., 3]
