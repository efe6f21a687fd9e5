"""The photo's own colours on the vertices that it shows."""

import numpy as np
from scipy.ndimage import distance_transform_edt

from ..geometry.visibility import depth_picture, sample_picture, smoothstep, visibility

_DEPTH_SIZE = 512
_SURE = 0.9  # a pixel with this much of the person in it is not mixed with background
_MARGIN = 0.008  # crop units (1.6 mm) from the sure matte's edge that may still hold a blend of person and background
_RAMP = 0.012  # crop units over which trust grows beyond the margin
_GRAZING = np.cos(np.radians([80, 60]))


def project_colours(
    vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray, photo_crop: np.ndarray, matte_crop: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Colours (V, 3) float32 sRGB of the photo at the vertices and how far they can be trusted, (V,) float32 in [0, 1].

    vertices (V, 3) and unit normals (V, 3) in the crop frame; photo_crop (S, S, 3) float sRGB in [0, 1]; matte_crop (S, S) in [0, 1].
    Trust is 0 where another part of the surface is in front, the surface is seen at a grazing angle or the matte ends. Colours near and
    beyond the matte's edge are carried outwards from well inside it, so that no background ever reaches a vertex.
    """
    size = len(matte_crop)
    inside, person_only = _carry_outwards(photo_crop, matte_crop)
    trust = smoothstep(inside * (2 / size), _MARGIN, _MARGIN + _RAMP).astype(np.float32)
    seen = visibility(vertices, normals, depth_picture(vertices, faces, _DEPTH_SIZE).depth)
    weight = seen * smoothstep(normals[:, 2], *_GRAZING) * sample_picture(trust, vertices)
    return sample_picture(person_only, vertices).astype(np.float32), weight.astype(np.float32)


def _carry_outwards(photo: np.ndarray, matte: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance in pixels (S, S) into the sure matte, and the photo with its colours carried outwards from its inner part."""
    size = len(matte)
    inside = distance_transform_edt(matte >= _SURE)
    inner = inside * (2 / size) > _MARGIN
    if not inner.any():
        inner = matte >= min(_SURE, matte.max())
    rows, columns = distance_transform_edt(~inner, return_distances=False, return_indices=True)
    return inside, photo[rows, columns]
