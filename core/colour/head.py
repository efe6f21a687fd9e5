"""The rigged head's texture: skin from the photo, its other half and what lies around; clean eyes, teeth and mouth; no hair on the skin.

A rigged head is bald, for hair to be put on: where hair hides it, it gets skin, on the scalp with a shade of the hair like after a shave.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
import torch
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.closest import ClosestSurface
from ..geometry.raster import interpolate, rasterize
from ..geometry.visibility import smoothstep
from ..models.head import HeadModel
from ..models.joints import JOINT_NAMES
from ..photo.crop import crop_picture, shown
from ..photo.framing import HEAD, Framing
from ..photo.parsing import CLASSES, OVER_SKIN
from ..result import Result
from ..topology.rigged import MESH_PARTS, RiggedHead
from .bake import PhotoSample, ProjectionLayer, compose, in_crop, texture_pictures
from .eyes import paint_eye, seen_colours
from .hair import bare_skin
from .seam import carried_difference
from .texels import Progress, Texels

_SIZE = PARSING_SIZE = 512
_COVERED = (0.2, 0.6)  # share of what lies over the skin
_SURE = 0.8  # share of a class, and trust in a pixel
_SHADOW = 5  # pixels (4 mm) around it
_STANDS_OFF = 0.012  # metres: farther in front of the scalp than this is hair
_INSIDE = 0.07  # metres behind the eyes: the middle of the head
_ON_SURFACE = 0.008  # metres within which the reconstruction's hidden colours are the skin's own
_LOOSE = 0.06  # metres within which clothes are
_LIKE_SKIN = 0.12  # sRGB around the person's tone; shaded skin is farther
_SHAVED = 0.35  # share of the hair's colour on the scalp
_TEETH, _TONGUE, _MOUTH = (np.array(colour, np.float32) for colour in ([0.87, 0.83, 0.76], [0.68, 0.36, 0.35], [0.32, 0.10, 0.10]))
"""Where the eyes' islands go, a free corner of MakeHuman's layout: at their usual place an iris is a dozen texels wide."""


@dataclass(frozen=True)
class Anatomy:
    """What the vertices of a rigged head are: semantic correspondence (V, 3), the head model's regions by name, (V,) each in [0, 1],
    and mouth and sockets (V,), 1 inside the mouth and behind the lids."""

    correspondence: np.ndarray
    regions: Mapping[str, np.ndarray]
    mouth: np.ndarray
    sockets: np.ndarray

    @classmethod
    def of(cls, model: HeadModel) -> Self:
        """For heads in the model's own topology."""

        def inside(*cavities: str) -> np.ndarray:
            mask = np.zeros(len(model.mean), np.float32)
            for name in cavities:
                ids = model.closed_mesh.cavities[name]
                mask[ids[ids < len(mask)]] = 1
            return mask

        return cls(model.correspondence, model.regions, inside("mouth"), inside("left_eye", "right_eye"))

    def carried(self, corners: np.ndarray, barycentric: np.ndarray) -> Self:
        """For another topology whose vertices lie at barycentrics (N, 3) of vertices (N, 3) of this one."""

        def at(values: np.ndarray) -> np.ndarray:
            return np.einsum("ni...,ni->n...", values[corners], barycentric).astype(np.float32)

        regions = {name: at(mask) for name, mask in self.regions.items()}
        return replace(self, correspondence=at(self.correspondence), regions=regions, mouth=at(self.mouth), sockets=at(self.sockets))


def bake_head(
    rigged: RiggedHead,
    result: Result,
    anatomy: Anatomy,
    size: int = 2048,
    progress: Progress | None = None,
    parsing: np.ndarray | None = None,
    framing: Framing = HEAD,
) -> RiggedHead:
    """The rigged head with texture and texture_observed, size x size.

    rigged: with its own key values and rotations it lies on the result's mesh. anatomy: of its vertices. parsing: shares
    (PARSING_SIZE, PARSING_SIZE, len(CLASSES)) over the photo's crop; where it says that something lies over the skin, the skin is taken
    from the other half and from around. framing: of that crop.
    Raises InputError for a size that cannot be made.
    """
    step = progress or (lambda share: None)
    order = _outermost_last(rigged)
    texels = Texels.of(rigged.faces[order], rigged.uv, rigged.faces_uv[order], size)
    step(0.1)
    head = _Head(rigged, result, anatomy, framing)
    step(0.2)
    sample, layers, base = head.layers(PhotoSample.of(result.surface, result.views[0], framing, size), parsing)
    values, observed = compose(texels, head.skin_faces, sample, layers, base, progress=progress)
    inner = torch.from_numpy(np.stack([anatomy.mouth, anatomy.sockets], axis=1))
    part_of = rigged.face_part[order][texels.face.numpy()]
    rest = torch.from_numpy(rigged.neutral)
    for part in texels.chunks(progress, 0.9, 0.98):
        share = texels.interpolate(inner, part).numpy()
        values[part] += share[:, :1] * (_MOUTH - values[part])
        values[part] += share[:, 1:] * (head.tone * [0.85, 0.62, 0.6] - values[part])
        points, parts = texels.interpolate(rest, part).numpy(), part_of[part]
        for name, joint in (("left eye", "eye.L"), ("right eye", "eye.R")):
            chosen = parts == MESH_PARTS.index(name)
            if chosen.any():
                values[part][chosen] = paint_eye(points[chosen] - rigged.joints[JOINT_NAMES.index(joint)], *head.eyes)
        values[part][(parts == MESH_PARTS.index("upper teeth")) | (parts == MESH_PARTS.index("lower teeth"))] = _TEETH
        values[part][parts == MESH_PARTS.index("tongue")] = _TONGUE
        observed[part] *= (parts == 0) * (1 - share.sum(1))
    step(0.98)
    texture, seen = texture_pictures(texels, values, observed)
    return replace(rigged, texture=texture, texture_observed=seen)


class _Head:
    """The rigged head as it is in the photo, and what the photo tells about its owner's colours."""

    def __init__(self, rigged: RiggedHead, result: Result, anatomy: Anatomy, framing: Framing) -> None:
        self._rigged, self._surface, self._view, self._anatomy = rigged, result.surface, result.views[0], anatomy
        self._posed = rigged.posed(rigged.key_values, rigged.rotations)
        self._half, self._box = framing.half, framing.crop_box(self._view.camera)
        self.vertices = in_crop(self._view, framing, self._posed)
        self.skin_faces = rigged.faces[rigged.face_part == MESH_PARTS.index("skin")]
        self._photo = crop_picture(self._view.photo, self._box, _SIZE)
        self._drawn = rasterize(torch.from_numpy(self.vertices), torch.from_numpy(rigged.faces), _SIZE)
        self.eyes = self._seen_eyes()
        self.tone = np.full(3, 0.5, np.float32)

    def region(self, name: str) -> np.ndarray:
        return self._anatomy.regions[name]

    def layers(self, sample: PhotoSample, parsing: np.ndarray | None = None) -> tuple[PhotoSample, list[ProjectionLayer], np.ndarray]:
        """The sample with what is bare skin in it; its layers, the mirrored half below; the colours (V, 3) where neither shows anything."""
        own = ProjectionLayer.of(self.vertices, self._rigged.faces)
        on_head, guarded = self._guarded()
        sure_skin, sure_hair = self._samples(sample, guarded)
        if parsing is not None:
            sure_skin &= parsing[..., CLASSES.index("skin")] > _SURE
            sure_hair = (parsing[..., CLASSES.index("hair")] > _SURE) & (sample.trust > _SURE)
            covered = parsing[..., [CLASSES.index(name) for name in OVER_SKIN]].sum(-1)
            # Where hair begins parsing is soft, and its shadow lies on the skin beside.
            reach = cv2.dilate(covered.astype(np.float32), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_SHADOW, _SHADOW)))
            sample = sample.without(smoothstep(cv2.GaussianBlur(reach, (0, 0), 1.0), *_COVERED))
        sample = sample.with_bare(bare_skin(self._photo, sure_skin, sure_hair, _SIZE / self._box[2]))
        # Clothes lie loosely and are painted on the chest all the same.
        own = replace(own, guarded=guarded, loose=1 - np.clip(self.region("head"), 0, 1))
        surface = ClosestSurface(self._anatomy.correspondence, self.skin_faces)
        _, face_ids, barycentric = surface.query(self._anatomy.correspondence * [-1, 1, 1] + [1, 0, 0])
        mirrored = replace(
            own,
            vertices=surface.interpolate(own.vertices, face_ids, barycentric).astype(np.float32),
            normals=surface.interpolate(own.normals, face_ids, barycentric).astype(np.float32),
            # Off the head nothing has a mirrored place.
            guarded=np.where(on_head, guarded, 1),
        )
        colours, weight = own.sample_photo(sample, own.packed(), fine=False)
        core = (weight > 0.8) & (guarded < 0.1) & (self.region("face") > 0.9) & (self.region("eyes") < 0.1) & (self.region("lips") < 0.1)
        if core.sum() > 20:
            self.tone = np.median(colours[core], axis=0).astype(np.float32)
        return sample, [mirrored, own], self._base(colours, weight, guarded, sure_hair)

    def _guarded(self) -> tuple[np.ndarray, np.ndarray]:
        """Which vertices (V,) are the head's, bool; and how far each may show nothing but skin, (V,) float32.

        Beards, lips and brows belong to the face and stay; hair hangs in from above and from the sides.
        """
        correspondence, face, brows = self._anatomy.correspondence, self.region("face"), self.region("brows")
        on_head = (correspondence != 0).any(axis=1)
        top = correspondence[brows > 0.5, 1].max()
        high = smoothstep(correspondence[:, 1], top - 0.015, top + 0.005) * (1 - np.clip(2 * brows, 0, 1))
        across = np.abs(correspondence[:, 0] - 0.5)
        corner = across[brows > 0.5].max()
        lips = correspondence[self.region("lips") > 0.5, 1].max()
        beside = smoothstep(across, corner, corner + 0.04) * smoothstep(correspondence[:, 1], lips, lips + 0.05)
        return on_head, np.where(on_head, np.maximum.reduce([high, beside, 1 - face]), 0).astype(np.float32)

    def _samples(self, sample: PhotoSample, guarded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (S, S) bool that surely show skin, and those that by the shape surely show hair, which stands off the scalp."""
        attributes = torch.from_numpy(np.stack([self.region("face") * (1 - guarded) - self.region("brows"), self.vertices[:, 2]], axis=1))
        shown = interpolate(self._drawn, torch.from_numpy(self._rigged.faces), attributes.float()).numpy()
        there, gap, stands_off = self._drawn.mask.numpy(), sample.depth - shown[..., 1], _STANDS_OFF / self._half
        skin = there & (shown[..., 0] > 0.9) & (np.abs(gap) < stands_off / 2) & (sample.trust > _SURE)
        up = self._view.pose.rotation[1, 1]
        rows = np.arange(_SIZE)[:, None]
        eyes = (1 - self.vertices[self.region("eyes") > 0.5, 1].mean()) * _SIZE / 2
        above = np.broadcast_to(rows < eyes - 0.02 * up / self._half * _SIZE / 2, skin.shape)
        return skin, above & (sample.trust > _SURE) & (~there | (gap > stands_off))

    def _base(self, colours: np.ndarray, weight: np.ndarray, guarded: np.ndarray, hair: np.ndarray) -> np.ndarray:
        """Colours (V, 3) without the photo's detail: seen skin, the reconstruction's hidden colours where it is skin, and between them
        what is around, fading into the person's tone."""
        distance, near = cKDTree(self._surface.vertices).query(self._posed, workers=-1)
        hidden = self._surface.colours[near]
        like = np.exp(-(((hidden - self.tone) / _LIKE_SKIN) ** 2).sum(1))
        loose = 1 - np.clip(self.region("head"), 0, 1)
        reach = _ON_SURFACE + loose * (_LOOSE - _ON_SURFACE)
        trust = np.clip(1 - distance / reach, 0, 1) * (1 - guarded + guarded * like) * (1 - weight)
        known = np.maximum(weight, trust)
        mixed = (weight[:, None] * colours + trust[:, None] * hidden) / np.maximum(weight + trust, 1e-6)[:, None]
        # On the head skin alone goes on into what is not known, below it clothes.
        dressed = loose * known > 0.5
        clothes = np.median(mixed[dressed], axis=0) if dressed.any() else self.tone
        prior = self.tone + loose[:, None] * (clothes - self.tone)
        skin = np.exp(-(((mixed - self.tone) / _LIKE_SKIN) ** 2).sum(1))
        filled = prior + carried_difference(
            self.vertices, self.skin_faces, mixed - prior, known * np.maximum(skin, smoothstep(loose, 0.5, 1.0))
        )
        filled = np.clip(filled, 0, 1)
        filled = (filled + known[:, None] * (mixed - filled)).astype(np.float32)
        if hair.any():
            shade = np.median(self._photo[hair], axis=0)
            filled += _SHAVED * self.region("scalp")[:, None] * (np.minimum(shade, filled) - filled)
        return filled

    def _seen_eyes(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Colours of iris and white, means of the eyes that show them."""
        there = self._drawn.mask.numpy() & shown(self._view.photo, self._box, _SIZE)
        parts = self._rigged.face_part[self._drawn.face.numpy()] * there
        found = []
        for name in ("left eye", "right eye"):
            index = MESH_PARTS.index(name)
            ball = self.vertices[np.unique(self._rigged.faces[self._rigged.face_part == index])]
            middle = (ball.min(0) + ball.max(0)) / 2
            centre = np.array([middle[0] + 1, 1 - middle[1]]) * _SIZE / 2
            found.append(seen_colours(self._photo, parts == index, centre, _SIZE / 2 / self._half))
        known = [pair for pair in found if pair is not None]
        return (None, None) if not known else (np.mean([p[0] for p in known], axis=0), np.mean([p[1] for p in known], axis=0))


def _outermost_last(rigged: RiggedHead) -> np.ndarray:
    """An order of the faces (F,) in which the outer ones are shown where a UV map lays faces over each other, as a FLAME head's does."""
    middle = rigged.joints[[JOINT_NAMES.index("eye.L"), JOINT_NAMES.index("eye.R")]].mean(0) - [0, 0, _INSIDE]
    return np.argsort(np.linalg.norm(rigged.neutral[rigged.faces].mean(1) - middle, axis=1), kind="stable")
