"""The field of a clothed body in one photo: the networks' field, bounded where nobody sees it, and fitted to the photo's outline."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from ..geometry.visibility import sample_picture, smoothstep
from ..models.prior import POINT_CHANNELS, PriorSurface
from ..networks.encoded import EncodedCrop
from ..networks.semantic import fitted_correspondence
from ..progress import Cancel
from .crop import signed_distance_to_outline
from .field import Field, PointFunction, evaluate
from .fitted import FittedField
from .missing import with_missing_parts
from .silhouette import silhouette_stretch, stretched
from .skirt_outline import Wearer
from .skirts import with_skirt

_CELLS = 128  # of the picture a side, on which the outline is compared: 16 mm on a grown-up
_REACH, _MARGIN = 0.4, 0.07  # crop units from the fitted surface, and outside the outline, within which there may be surface
_HANDS, _AROUND, _APART = 0.9, 0.05, (0.03, 0.07)  # the fitted hands' largest share, how far it reaches, and the disagreement that ends it
_INWARDS = 0.05  # crop units: farther beyond the outline than that, a limb is not where the photo has it
_ROWS = 128
_LEAST, _MORE = 0.06, 0.05  # crop units: how far unseen surface may stand off the fit anyhow, and beyond what is seen at its height
_HANGS, _BLUR = 5, 2.0  # rows: what is seen at one height may be behind at the next
_AWAY = (0.0, 0.4)  # how much the fitted surface faces away from the camera, from seen to hidden


class BodyField:
    """Signed distance and colour in the crop frame of one photo. The fitted surface's features are exact: limbs are thin."""

    def __init__(self, encoded: EncodedCrop, surface: PriorSurface, matte: np.ndarray, hands: np.ndarray) -> None:
        """matte (S, S) in [0, 1]: of the crop; hands (V,) in [0, 1]: the fitted surface's, which no network knows as well."""
        self._encoded, self._fitted, self._surface = encoded, FittedField(surface), surface
        self._features = surface.point_features(hands[:, None])
        self._outside = signed_distance_to_outline(matte)
        self._allowed = allowed_excess(self.silhouette, self._fitted.outline)

    def prior_distance(self, points: np.ndarray) -> np.ndarray:
        """As Field."""
        return self._fitted.distance(points)

    def may_contain_surface(self, points: np.ndarray) -> np.ndarray:
        """As Field: within the silhouette (and a margin), and not far from the fitted body."""
        maybe = self.silhouette(points) < _MARGIN
        # The nearest vertex is as good as the nearest place here, and found in a fifth of the time.
        maybe[maybe] = self._surface.tree.query(points[maybe], distance_upper_bound=_REACH)[0] < _REACH
        return maybe

    def silhouette(self, points: np.ndarray) -> np.ndarray:
        """(N,) signed distance to the outline in the picture, negative inside."""
        return sample_picture(self._outside, points)

    def distance(self, points: np.ndarray) -> np.ndarray:
        """As Field: the network's, drawn to the fitted hands; no outline bounds it."""
        return self._in_batches(points, self._distance, ())

    def correspondence(self, points: np.ndarray) -> np.ndarray:
        """As Field: the fitted body's."""

        def correspondence(_: np.ndarray, values: np.ndarray) -> np.ndarray:
            return fitted_correspondence(torch.from_numpy(values[:, :POINT_CHANNELS]), "body").numpy()

        return self._in_batches(points, correspondence, (3,))

    def colours(self, points: np.ndarray) -> np.ndarray:
        """As Field."""

        def colours(points: np.ndarray, values: np.ndarray) -> np.ndarray:
            return self._encoded.colours(torch.from_numpy(points), torch.from_numpy(values[:, :POINT_CHANNELS])).cpu().numpy()

        return self._in_batches(points, colours, (3,))

    @torch.inference_mode()
    def _in_batches(self, points: np.ndarray, answer: Callable[[np.ndarray, np.ndarray], np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
        def batch(points: np.ndarray) -> np.ndarray:
            points = np.ascontiguousarray(points, np.float32)
            return answer(points, self._features(points))

        return evaluate(batch, points, size=self._encoded.batch, shape=shape)

    def _distance(self, points: np.ndarray, values: np.ndarray) -> np.ndarray:
        prior, away, hand = values[:, 0], -values[:, 6], values[:, POINT_CHANNELS]
        shape = self._encoded.shape(torch.from_numpy(points), torch.from_numpy(values[:, :POINT_CHANNELS]))
        # Nothing grows towards the outline as a head does: in depth, where limbs are uncertain, that would make slabs of them.
        learned = shape.distance.float().cpu().numpy()
        hidden = smoothstep(away, *_AWAY) * np.maximum(prior - self._allowed(points) - learned, 0)
        learned = learned + hidden
        near = np.exp(-((prior / _AROUND) ** 2))
        share = _HANDS * hand * near * (1 - smoothstep(np.abs(learned - prior), *_APART))
        return learned + share * (prior - learned)


def allowed_excess(silhouette: PointFunction, outline: PointFunction) -> PointFunction:
    """How far (N,) hidden surface may stand off the fitted body at crop-frame points (N, 3): cloth and hair that are behind somebody are
    nearly always seen beside them at the same height.

    silhouette, outline: signed distances in the picture to the person's outline and to the fitted body's.
    """
    axis = ((np.arange(_ROWS) + 0.5) * (2 / _ROWS) - 1).astype(np.float32)
    across, up = np.meshgrid(axis, axis)
    points = np.stack([across, up, np.zeros_like(up)], axis=-1).reshape(-1, 3)
    excess = np.where(silhouette(points) < 0, outline(points), 0).reshape(_ROWS, _ROWS).max(1)  # from the lowest row up
    allowed = gaussian_filter1d(np.maximum(maximum_filter1d(excess, _HANGS) + _MORE, _LEAST), _BLUR)
    return lambda points: np.interp(points[:, 1], axis, allowed).astype(np.float32)


def body_field(
    encoded: EncodedCrop,
    surface: PriorSurface,
    matte: np.ndarray,
    hands: np.ndarray,
    worn: tuple[np.ndarray, Wearer] | None = None,
    cancel: Cancel | None = None,
) -> Field:
    """What a body's surface is extracted from: a BodyField stretched to the outline of the crop's matte. worn: clothes (S, S) in [0, 1] of
    the crop, and who may wear a skirt. Raises Cancelled."""
    body = BodyField(encoded, surface, matte, hands)
    dressed = body if worn is None else with_skirt(body, worn[0], matte, worn[1])
    field = with_missing_parts(dressed, body.silhouette, cancel)
    return stretched(field, silhouette_stretch(field, silhouette=body.silhouette, cells=_CELLS, cancel=cancel, inwards=_INWARDS))
