"""What further photos add to a head that is made from a main photo: shape, relief and colours of what they see better."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Self

import cv2
import numpy as np

from .colour.several import SeenColours, blended_colours
from .fields.crop import CropField, signed_distance_to_outline
from .fields.field import Field, PointFunction
from .fields.multiview import Silhouette, multiview_field
from .geometry.mesh import vertex_normals
from .geometry.visibility import depth_picture, sample_picture, smoothstep, visibility
from .models.carry import Carrier, FittedView
from .models.head import HeadModel
from .models.joints import NECK
from .models.photo_flow import PhotoFit
from .models.register import HeadSurface, registered
from .models.side_search import SeenHead, found_side
from .networks.predictor import Predictor
from .photo.crop import crop_picture, shown
from .photo.faceless import HeadPicture
from .photo.framing import HEAD
from .photo.pose import Pose
from .prepared import PreparedPhoto, picture_size, placed_side
from .progress import Cancel
from .result import ResultView
from .surface.build import build_surface
from .surface.detail import displace_front

_DEPTH = 512
_NECK = (-0.75, -0.55)  # crop units, height on the mean head, from the neck to the chin: what lies below moves otherwise
_HEAD = 0.5  # least share of a vertex in the head whose outline tells a photo's place
_OUTLINE = 256  # pixels a side of the outline by which a photo without a face finds its place
_BEHIND = -0.3  # cosine to the main camera below which a surface is a guess
_COARSE = 64  # cells a side of the surface that does
_BORDER = 0.05  # crop units from a crop's border over which its pictures begin to count
_SHARP = 2.0  # power of the weights by which reliefs are mixed
_FINE, _BAD_FIT = 400.0, 0.03  # pixels of a crop above which more do not help; residual at which a photo counts for a third


class FurtherPhotos:
    """The photos of a person beside the main one, with the maps from the main photo's crop frame into theirs. others: these photos."""

    def __init__(self, main: PreparedPhoto, others: Sequence[PreparedPhoto], crop: CropField, sides: int = 0) -> None:
        """others: as they show the main photo's head (`placed`); crop: the networks' part of the main photo's field; sides: how many at
        the others' end show no face, whose shoulders nothing was fitted to."""
        self.others, self._main, self._crop = others, main, crop
        self._faces = 1 + len(others) - sides  # photos with a face, the main one among them
        self._carry = [self._carrier(number, photo) for number, photo in enumerate(others, 1)]
        self._back = [carrier.inverse() for carrier in self._carry]

    @classmethod
    def placed(
        cls,
        model: HeadModel,
        predictor: Predictor,
        main: PreparedPhoto,
        others: Sequence[PreparedPhoto],
        field: Field,
        crop: CropField,
        cancel: Cancel | None,
        sides: Sequence[HeadPicture] = (),
        unplaced: Callable[[int], None] | None = None,
    ) -> Self:
        """With the turns and cameras from which the others show the main photo's head. field: the main photo's; crop: its networks' part.
        sides: photos in which no face was found; unplaced: is told the number of each of them that shows another head, or none; the rest
        come after the others. Raises Cancelled."""
        vertices, faces = build_surface(field, _COARSE, cancel=cancel)
        behind = vertex_normals(vertices, faces)[:, 2] < _BEHIND
        head = HeadSurface(HEAD.from_crop(vertices, main.fit.camera), faces, _on_head(crop, vertices) > _HEAD, behind)
        start = PhotoFit(main.view.image, main.fit)
        found = list(others)
        seen = SeenHead.of(head, crop.prior_face(vertices), main.view, main.fit) if sides else None
        for number, side in enumerate(sides):
            outside = signed_distance_to_outline(crop_picture(side.matte, side.box(), _OUTLINE, cv2.BORDER_REPLICATE))
            fit = None if seen is None else found_side(seen, main.fit, side, outside, side.box())
            if fit is not None:
                found.append(placed_side(model, predictor, side, main.own, fit))
            elif unplaced is not None:
                unplaced(number)
        fits = [registered(model, start, PhotoFit(other.view.image, other.fit), _outside(other), head) for other in found]
        placed = [other.placed(model, predictor, fit) for other, fit in zip(found, fits, strict=True)]
        return cls(main, placed, crop, len(found) - len(others))

    def _carrier(self, number: int, photo: PreparedPhoto) -> Carrier:
        start, end = _fitted(self._main), _fitted(photo)
        if number < self._faces:
            return Carrier.between(start, end)
        return Carrier.rigid(start, end, photo.fit.rotation @ self._main.fit.rotation.T)

    def field(self, main: Field, cancel: Cancel | None) -> Field:
        """The field of all photos, in the main photo's crop frame. main: the main photo's. Raises Cancelled."""
        seen = [self._silhouette(*parts) for parts in zip(self.others, self._carry, self._back, strict=True)]
        return multiview_field(main, self._crop.silhouette, self._crop.face_trust, seen, cancel)

    def _silhouette(self, photo: PreparedPhoto, carry: Carrier, back: Carrier) -> Silhouette:
        outside = _outside(photo)
        there = shown(photo.view.image, photo.crop_box, len(outside)).astype(np.float32)
        counts = lambda points: sample_picture(there, points) * _on_head(self._crop, back(points))  # noqa: E731
        return Silhouette(partial(sample_picture, outside), counts, carry, back)

    def detailed(self, vertices: np.ndarray, faces: np.ndarray, resolution: int, strength: float) -> np.ndarray:
        """Vertices (V, 3) of the main photo's crop frame, without relief, with that of the photo that sees each place best. resolution:
        cells a side; strength: of what shading tells."""
        weights, moves = [], []
        for number, (photo, carry, back) in enumerate(self._all()):
            there = carry(vertices)
            normals = vertex_normals(there, faces)
            depth = depth_picture(there, faces, _DEPTH).depth
            weight = confidence(photo) * visibility(there, normals, depth) * np.clip(normals[:, 2], 0, 1)
            weights.append(weight * self._told_by(number, vertices, there))
            front, _ = photo.relief()
            moved = there if front is None else displace_front(there, faces, normals, front.normals, front.mask, front.strength)
            detail = photo.fine_detail(resolution, strength, photo.pictures(picture_size(resolution)))
            moved = moved if detail is None else detail.on(moved, faces)
            moves.append(back(moved) - back(there))
        shares = np.stack(weights) ** _SHARP
        shares[0] += 1e-4  # nobody sees it
        shares /= shares.sum(0)
        return (vertices + np.einsum("kv,kvc->vc", shares, np.stack(moves))).astype(np.float32)

    def _all(self) -> list[tuple[PreparedPhoto, PointFunction, PointFunction]]:
        """Every photo, the main one first, with the maps from the main photo's crop frame into its own and back."""
        same = lambda points: points  # noqa: E731
        return [(self._main, same, same), *zip(self.others, self._carry, self._back, strict=True)]

    def _told_by(self, number: int, vertices: np.ndarray, there: np.ndarray) -> np.ndarray:
        """(N,) in [0, 1]: may a photo tell of vertices (N, 3), which lie `there` in its own crop frame?"""
        return _inside(there) * (1 if number < self._faces else _on_head(self._crop, vertices))

    def coloured(
        self, vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray, observed: np.ndarray, size: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The colours (V, 3) of all photos on vertices (V, 3) of the main photo's crop frame, observed (V,) and source (V,). colours,
        observed: what the main photo gives alone; size: of the crops, pixels."""
        photos = []
        for number, (photo, carry, _) in enumerate(self._all()):
            there = carry(vertices)
            normals = vertex_normals(there, faces)
            seen = SeenColours.of(there, faces, normals, *photo.pictures(size))
            photos.append(seen.within(self._told_by(number, vertices, there)))
        blended = blended_colours(vertices, colours, observed, photos)
        return blended.colours, blended.observed, blended.source


def result_view(photo: PreparedPhoto) -> ResultView:
    """How a photo shows the head that is fitted to it."""
    return ResultView(photo.view.image, photo.fit.camera, Pose(photo.fit.rotation, photo.fit.joints[NECK]))


def confidence(photo: PreparedPhoto) -> float:
    """How far a photo is to be trusted beside others, in (0, 1]: by the size of the head in it and by how well the model fits."""
    return float(min(1.0, photo.crop_box[2] / _FINE) * np.exp(-((photo.fit.residual / _BAD_FIT) ** 2)))


def _on_head(crop: CropField, points: np.ndarray) -> np.ndarray:
    """(N,) in [0, 1]: are points of the main photo's crop frame on the head? Outlines reach beyond the crop below it."""
    return smoothstep(crop.prior_place(points)[:, 1], *_NECK)


def _inside(points: np.ndarray) -> np.ndarray:
    """(N,) in [0, 1]: do a photo's crop pictures reach over points (N, 3) of its crop frame?"""
    return smoothstep(1 - np.abs(points[:, :2]).max(1), 0, _BORDER)


def _outside(photo: PreparedPhoto) -> np.ndarray:
    """(S, S) signed distance, crop units, to the person's outline in a photo's crop."""
    return signed_distance_to_outline(photo.prediction.photo[0, 3].cpu().numpy())


def _fitted(photo: PreparedPhoto) -> FittedView:
    return FittedView(photo.fit.closed_vertices, photo.surface, photo.fit.camera)
