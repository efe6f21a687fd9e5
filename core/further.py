"""What further photos add to a head that is made from a main photo: shape, relief and colours of what they see better."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from .colour.several import SeenColours, blended_colours
from .fields.crop import CropField
from .fields.field import Field, PointFunction
from .fields.head import head_field
from .fields.multiview import FieldView, multiview_field
from .geometry.mesh import vertex_normals
from .geometry.visibility import depth_picture, smoothstep, visibility
from .models.carry import Carrier, FittedView
from .models.head import HeadModel
from .models.joints import NECK
from .models.prior import FaceBlend, protect_mask
from .photo.pose import Pose
from .prepared import PreparedPhoto, picture_size
from .progress import Cancel
from .result import ResultView
from .surface.detail import displace_front

_DEPTH = 512
_ASTRAY = 0.06  # crop units (12 mm): what a turn that is 5 degrees wrong, as those of landmarks are, does at the back of a head
_NECK = (-0.75, -0.55)  # crop units, height on the mean head, from the neck to the chin
_SHARP = 2.0  # power of the weights by which reliefs are mixed
_FINE, _BAD_FIT = 400.0, 0.03  # pixels of a crop above which more do not help; residual at which a photo counts for a third


class FurtherPhotos:
    """The photos of a person beside the main one, with the maps from the main photo's crop frame into theirs."""

    def __init__(self, model: HeadModel, main: PreparedPhoto, others: Sequence[PreparedPhoto], crops: Sequence[CropField]) -> None:
        """crops: the networks' fields of the others."""
        self._model, self._main, self._others, self._crops = model, main, others, crops
        start = _fitted(main)
        self._carry = [Carrier.between(start, _fitted(other)) for other in others]
        self._back = [carrier.inverse() for carrier in self._carry]

    def field(self, main: Field, crop: CropField, cancel: Cancel | None) -> Field:
        """The field of all photos, in the main photo's crop frame. main: the main photo's; crop: its networks' part. Raises Cancelled."""
        views = [FieldView(main, crop.silhouette, crop.prior_facing, confidence(self._main), protect=crop.face_trust)]
        for other, own, carry, back in zip(self._others, self._crops, self._carry, self._back, strict=True):
            protected = protect_mask(self._model, FaceBlend.of(self._model, other.fit))
            field = head_field(own, other.surface, protected, other.view, other.fit.camera, cancel)
            views.append(
                FieldView(field, own.silhouette, own.prior_facing, confidence(other), partial(_on_head, own), carry, back, _ASTRAY)
            )
        return multiview_field(views, cancel)

    def detailed(self, vertices: np.ndarray, faces: np.ndarray, resolution: int, strength: float) -> np.ndarray:
        """Vertices (V, 3) of the main photo's crop frame, without relief, with that of the photo that sees each place best. resolution:
        cells a side; strength: of what shading tells."""
        weights, moves = [], []
        for photo, carry, back in self._all():
            there = carry(vertices)
            normals = vertex_normals(there, faces)
            depth = depth_picture(there, faces, _DEPTH).depth
            weights.append(confidence(photo) * visibility(there, normals, depth) * np.clip(normals[:, 2], 0, 1))
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
        return [(self._main, same, same), *zip(self._others, self._carry, self._back, strict=True)]

    def coloured(
        self, vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray, observed: np.ndarray, size: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The colours (V, 3) of all photos on vertices (V, 3) of the main photo's crop frame, observed (V,) and source (V,). colours,
        observed: what the main photo gives alone; size: of the crops, pixels."""
        photos = []
        for photo, carry, _ in self._all():
            there = carry(vertices)
            normals = vertex_normals(there, faces)
            photos.append(SeenColours.of(there, faces, normals, *photo.pictures(size)))
        blended = blended_colours(vertices, colours, observed, photos)
        return blended.colours, blended.observed, blended.source


def result_view(photo: PreparedPhoto) -> ResultView:
    """How a photo shows the head that is fitted to it."""
    return ResultView(photo.view.image, photo.fit.camera, Pose(photo.fit.rotation, photo.fit.joints[NECK]))


def confidence(photo: PreparedPhoto) -> float:
    """How far a photo is to be trusted beside others, in (0, 1]: by the size of the head in it and by how well the model fits."""
    return float(min(1.0, photo.crop_box[2] / _FINE) * np.exp(-((photo.fit.residual / _BAD_FIT) ** 2)))


def _on_head(crop: CropField, points: np.ndarray) -> np.ndarray:
    """(N,) in [0, 1]: are points of a crop's frame on the head? What lies below moves otherwise, and reaches beyond the crop."""
    return smoothstep(crop.prior_place(points)[:, 1], *_NECK)


def _fitted(photo: PreparedPhoto) -> FittedView:
    return FittedView(photo.fit.closed_vertices, photo.surface, photo.fit.camera)
