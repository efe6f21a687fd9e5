"""The field of a head in one photo: the networks' field, bounded and smoothed where it is hidden, and fitted to the photo's outline."""

import numpy as np

from ..geometry.visibility import sample_picture, smoothstep
from ..models.prior import PriorSurface
from ..photo.crop import shown
from ..photo.framing import CropBox
from ..photo.parsing import CLASSES
from ..photo.view import Camera, View
from ..progress import Cancel
from .bare import BareSkin, Covers
from .crop import CropField
from .ears import Ears
from .field import Field, PointFunction
from .hidden import PictureShares, solid_bounds
from .silhouette import silhouette_stretch, stretched
from .smoothed import smooth_hidden_field

_WORN_SIZE, _EARS_SIZE = 128, 512  # pixels a side
_COVER_EARS = ("hair", "hat", "object", "clothes")
_EARS = -0.35  # crop units, height on the mean head: ears are above
_ABOVE_SHOULDERS = (-0.75, -0.6)  # the same over which skin may be the fitted model's: shoulders differ too much
_LOCKS = (
    (-0.05, 0.1),
    (-0.72, -0.62),
)  # the same over which hair beside eyes becomes locks beside a cheek, and these lie on neck and shoulders
_CHIN = -0.62  # crop units, height on the mean head: clothes begin below


def head_field(
    crop: CropField, surface: PriorSurface, protected: np.ndarray, view: View, camera: Camera, cancel: Cancel | None = None
) -> Field:
    """What a head's surface is extracted from. protected (V,) in [0, 1]: where the shape of the fitted surface (V vertices, crop frame) is
    so well known that no smoothing may change it. Raises Cancelled."""
    nearest = lambda points: surface.tree.query(points, workers=-1)[1]  # noqa: E731
    smooth = smooth_hidden_field(
        crop,
        protect_mask=lambda points: protected[nearest(points)],
        clothing_mask=lambda points: surface.canonical[nearest(points), 1] < _CHIN,
        bounds=solid_bounds(crop.prior_distance, crop.silhouette, picture_shares(view, surface.framing.crop_box(camera), crop)),
        cancel=cancel,
    )
    return stretched(smooth, silhouette_stretch(smooth, silhouette=crop.silhouette, protect_mask=crop.face_trust, cancel=cancel))


def head_ears(field: Field, crop: CropField, surface: PriorSurface, masks: np.ndarray, view: View, camera: Camera) -> Ears:
    """The fitted ears in a head's field, of one photo or several; all else is the main photo's. masks (2, V): HeadModel.ears."""
    box = surface.framing.crop_box(camera)
    return Ears.of(surface, masks, field, crop.silhouette, _shares(view, box, *_COVER_EARS), _shares(view, box, "hair"))


def head_skin(field: Field, surface: PriorSurface, masks: np.ndarray, neck: np.ndarray, ears: Ears, view: View, camera: Camera) -> Field:
    """A head's field with the fitted model's bare ears and skin. surface: that model; masks (2, V): HeadModel.ears; neck (V,) in [0, 1]:
    which of its vertices are the neck's; ears: its ears in the field."""
    if view.parsing is None:
        return ears.on(field)
    shares = view.parsing.crop(surface.framing.crop_box(camera), _EARS_SIZE)
    hair, beard = (shares[..., CLASSES.index(name)] for name in ("hair", "beard"))
    covers = Covers(shares[..., [CLASSES.index(name) for name in _COVER_EARS]].sum(-1), hair, beard)
    head = smoothstep(surface.canonical[:, 1], *_ABOVE_SHOULDERS) * (1 - np.maximum(masks.max(0) - ears.share, 0))
    return ears.on(BareSkin.of(surface, head, neck, masks.max(0), ears, field, covers).on(field))


def _shares(view: View, box: CropBox, *names: str) -> np.ndarray | None:
    """(S, S) in [0, 1]: where the picture shows what has these names; None where nothing has parsed the photo."""
    if view.parsing is None:
        return None
    return view.parsing.crop(box, _EARS_SIZE)[..., [CLASSES.index(name) for name in names]].sum(-1)


def picture_shares(view: View, box: CropBox, crop: CropField) -> PictureShares | None:
    """What the picture shows around a head; None where nothing has parsed the photo."""
    if view.parsing is None:
        return None
    shares, there = view.parsing.crop(box, _WORN_SIZE), shown(view.image, box, _WORN_SIZE)

    def share(*names: str, beyond: float) -> PointFunction:
        picture = np.where(there, shares[..., [CLASSES.index(name) for name in names]].sum(-1), beyond)
        return lambda points: sample_picture(picture, points)

    hair, skin, clothes = (share(name, beyond=0) for name in ("hair", "skin", "clothes"))

    def trunk(points: np.ndarray) -> np.ndarray:
        height = crop.prior_place(points)[:, 1]
        return skin(points) * (height < _EARS) + clothes(points) * (height < _CHIN)

    def locks(points: np.ndarray) -> np.ndarray:
        height = crop.prior_place(points)[:, 1]
        return hair(points) * (1 - smoothstep(height, *_LOCKS[0])) * smoothstep(height, *_LOCKS[1])

    on_face = lambda points: clothes(points) * crop.prior_face(points)  # noqa: E731
    return PictureShares(share("hair", "hat", "clothes", beyond=1), hair, trunk, on_face, clothes, locks)
