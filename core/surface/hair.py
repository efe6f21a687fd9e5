"""Long hair that a photo shows, without the short bends of its field: locks are in the photo's shading (mesoscopic.py)."""

import cv2
import numpy as np

from ..geometry.mesh import compact, grown, within
from ..geometry.visibility import depth_picture, sample_picture, smoothstep
from ..photo.parsing import CLASSES
from .smooth import spanned

_SPANS = 25e-3  # metres: shorter bends are the field's
_MOST = 6e-3  # metres that anything is moved, approached smoothly: more is a step between two things
_BESIDE, _SOFT = 3e-3, 1.5e-3  # metres of the face beside it, where its inner edge begins, and over which that fades
_OUTLINE = (2e-3, 10e-3)  # metres inside the person's outline over which it fades in: the outline is the photo's
_BEHIND = (15e-3, 30e-3)  # metres behind the nearest surface over which it fades out, beyond the wall beside a lock
_LOWEST = 98  # percentile of the rows of hair where it ends
_EYES = 0.15  # crop units, height of the eyes
_LONG = (0.15, 0.4)  # crop units below the eyes, over which its end makes it long
_ABOVE = (0.15, 0.3)  # crop units, height over which it fades out: a fringe is what the normals say
_SURE = 0.5  # share of hair in a pixel
_DEPTH_SIZE, _RINGS = 256, 2  # pixels a side of the depth picture; rings of vertices around that hold it


def without_bumps(vertices: np.ndarray, faces: np.ndarray, matte: np.ndarray, parsing: np.ndarray, half: float) -> np.ndarray:
    """Vertices (V, 3) float32 of the crop frame, faces (F, 3), without short bends of long hair that is seen below the brows, and at its
    edge beside the face. matte (S, S) and parsing (S, S, len(CLASSES)) over the crop; half: metres of a crop unit."""
    worn = _long_hair(vertices, faces, matte, np.ascontiguousarray(parsing[..., CLASSES.index("hair")], np.float32), half)
    near = worn > 0
    if not near.any():
        return vertices
    part, part_faces, kept = compact(vertices, faces[within(faces, grown(faces, near, _RINGS))])
    change = (spanned(part, part_faces, worn[kept], _SPANS / half) - part) * worn[kept, None]
    far = np.linalg.norm(change, axis=1, keepdims=True) * half / _MOST
    moved = vertices.copy()
    moved[kept] += change * np.tanh(far) / np.maximum(far, 1e-6)
    return moved


def _long_hair(vertices: np.ndarray, faces: np.ndarray, matte: np.ndarray, hair: np.ndarray, half: float) -> np.ndarray:
    """(V,) in [0, 1]: how far vertices are of long hair that is seen, share (S, S); 0 without any."""
    rows, pixel = np.nonzero(hair > _SURE)[0], 2 * half / len(hair)
    if not len(rows):
        return np.zeros(len(vertices), np.float32)
    lowest = 1 - 2 * np.percentile(rows, _LOWEST) / len(hair)
    long = smoothstep(np.array(_EYES - lowest), *_LONG)
    if not long:
        return np.zeros(len(vertices), np.float32)
    wide = cv2.dilate(hair, np.ones((2 * round(_BESIDE / pixel) + 1,) * 2, np.uint8))
    inside = cv2.distanceTransform((matte > 0.5).astype(np.uint8), cv2.DIST_L2, 5) * pixel
    shown = (long * cv2.GaussianBlur(wide, (0, 0), _SOFT / pixel) * smoothstep(inside, *_OUTLINE)).astype(np.float32)
    depth = depth_picture(vertices, faces, _DEPTH_SIZE)
    behind = sample_picture(np.where(depth.mask, depth.depth, -1).astype(np.float32), vertices) - vertices[:, 2]
    share = sample_picture(shown, vertices) * (1 - smoothstep(behind * half, *_BEHIND)) * (1 - smoothstep(vertices[:, 1], *_ABOVE))
    return np.where(share > 0.01, share, 0).astype(np.float32)
