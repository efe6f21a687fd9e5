"""The field of a head in one photo: the networks' field, bounded and smoothed where it is hidden, and fitted to the photo's outline."""

import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.visibility import sample_picture
from ..models.prior import PriorSurface
from ..photo.crop import shown
from ..photo.framing import CropBox
from ..photo.parsing import CLASSES
from ..photo.view import Camera, View
from ..progress import Cancel
from .crop import CropField
from .field import Field, PointFunction
from .hidden import solid_bounds
from .silhouette import fit_field_to_silhouette
from .smoothed import smooth_hidden_field

_WORN_SIZE = 128  # pixels a side
_CHIN = -0.62  # crop units, height on the mean head: clothes begin below


def head_field(
    crop: CropField, surface: PriorSurface, protected: np.ndarray, view: View, camera: Camera, cancel: Cancel | None = None
) -> Field:
    """What a head's surface is extracted from. protected (V,) in [0, 1]: where the shape of the fitted surface (V vertices, crop frame) is
    so well known that no smoothing may change it. Raises Cancelled."""
    tree = cKDTree(surface.vertices)
    smooth = smooth_hidden_field(
        crop,
        protect_mask=lambda points: protected[tree.query(points)[1]],
        clothing_mask=lambda points: surface.canonical[tree.query(points)[1], 1] < _CHIN,
        bounds=solid_bounds(crop.prior_distance, crop.silhouette, worn_share(view, surface.framing.crop_box(camera))),
        cancel=cancel,
    )
    return fit_field_to_silhouette(smooth, silhouette=crop.silhouette, protect_mask=crop.face_trust, cancel=cancel)


def worn_share(view: View, box: CropBox) -> PointFunction | None:
    """Share (N,) of hair, hat and clothes in the picture at points (N, 3) of the crop frame, 1 where the photo does not reach; None where
    nothing has parsed the photo."""
    if view.parsing is None:
        return None
    shares = view.parsing.crop(box, _WORN_SIZE)[..., [CLASSES.index(name) for name in ("hair", "hat", "clothes")]].sum(-1)
    picture = np.where(shown(view.image, box, _WORN_SIZE), shares, 1)
    return lambda points: sample_picture(picture, points)
