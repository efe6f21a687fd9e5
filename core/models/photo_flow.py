"""The same places of a face in two photos: one photo is laid over the fitted head, drawn as the other photo shows it, and optical flow
tells how far off that is. Flow does not share the errors that a landmark detector makes on turned faces."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from scipy.ndimage import map_coordinates

from ..geometry.mesh import vertex_normals
from ..geometry.raster import interpolate, rasterize
from ..geometry.visibility import depth_picture, sample_picture
from ..photo.crop import crop_picture
from ..photo.framing import HEAD
from .fit import ViewFit
from .head import HeadModel

_SIZE = 320  # pixels a side of the crops, 1.25 mm each
_FACING = 0.3  # least cosine to both cameras
_BEHIND = 0.03  # crop units (6 mm): what is farther behind the nearest surface is hidden
_SURE = 0.8  # share of a pixel's face that both photos show
_BORDER = 4  # pixels within the border of what is compared
_CONTRAST, _TILES = 3.0, (8, 8)  # of CLAHE, which evens out different light
_WINDOW = 7  # pixels in which texture is looked for
_PLAIN = 30  # percentage of the pixels that have too little of it
_RETURNS = 1.0  # pixels by which flow there and back may miss its start
_LEAST = 60  # places that tell a pose


@dataclass(frozen=True)
class PhotoFit:
    """A photo (H, W, 3) uint8 and the head fitted to it."""

    image: np.ndarray
    fit: ViewFit


@dataclass(frozen=True)
class Matches:
    """Places of a head in another photo: points (N, 3) of the fitted head in that photo's camera frame, metres, and pixels (N, 2) where it
    shows them."""

    points: np.ndarray
    pixels: np.ndarray


def matches(model: HeadModel, main: PhotoFit, other: PhotoFit) -> Matches | None:
    """Where `other` shows the places of the face and the ears that `main` shows too; None if those are too few. By dense inverse search
    (Kroeger et al. 2016), kept where the way back ends at its start."""
    faces = model.closed_mesh.faces
    here, there = (HEAD.to_crop(one.fit.closed_vertices, one.fit.camera).astype(np.float32) for one in (main, other))
    face = np.clip(model.closed_region("face") + model.closed_region("ears"), 0, 1)
    for vertices in (here, there):
        face = face * (vertex_normals(vertices, faces)[:, 2] > _FACING)
    triangles = torch.from_numpy(np.asarray(faces, np.int64))
    raster = rasterize(torch.from_numpy(there), triangles, _SIZE)
    places = interpolate(raster, triangles, torch.from_numpy(np.column_stack([here, face]).astype(np.float32))).numpy().reshape(-1, 4)
    depth = depth_picture(here, faces, _SIZE).depth
    front = sample_picture(np.where(np.isfinite(depth), depth, -1), places[:, :3])
    both = ((places[:, 3] > _SURE) & (places[:, 2] > front - _BEHIND)).reshape(_SIZE, _SIZE)
    if both.sum() < _LEAST:
        return None
    column, row = ((1 + places[:, :2] * [1, -1]) * (_SIZE / 2) - 0.5).astype(np.float32).T.reshape(2, _SIZE, _SIZE)
    pictures = [crop_picture(one.image, HEAD.crop_box(one.fit.camera), _SIZE) for one in (main, other)]
    laid = _levelled(cv2.remap(pictures[0], column, row, cv2.INTER_LINEAR), pictures[1], both)
    rows, columns, flow = _flow(laid, pictures[1], both)
    if len(rows) < _LEAST:
        return None
    corners, weights = faces[raster.face.numpy()[rows, columns]], raster.barycentric.numpy()[rows, columns]
    left, top, side = HEAD.crop_box(other.fit.camera)
    pixels = (np.stack([columns, rows], axis=1) + 0.5 + flow) * (side / _SIZE) + [left, top]
    return Matches(np.einsum("nk,nkc->nc", weights, other.fit.closed_vertices[corners]), pixels)


def _levelled(picture: np.ndarray, target: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A picture (S, S, 3) with the target's mean and deviation of each channel in the mask, and the target outside it."""
    inside, wanted = picture[mask], target[mask]
    levelled = target.copy()
    levelled[mask] = (inside - inside.mean(0)) / (inside.std(0) + 1e-3) * wanted.std(0) + wanted.mean(0)
    return levelled


def _flow(start: np.ndarray, end: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns (N,) and flow (N, 2) of the textured pixels in the mask where flow from start to end (S, S, 3) comes back."""
    grey = [_grey(picture) for picture in (start, end)]
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # pyright: ignore[reportAttributeAccessIssue]
    there, back = (search.calc(*pair, None) for pair in (grey, grey[::-1]))
    window = np.ones((2 * _BORDER + 1,) * 2, np.uint8)
    rows, columns = np.nonzero(cv2.erode(mask.astype(np.uint8), window))
    flow = there[rows, columns]
    ends = [rows + flow[:, 1], columns + flow[:, 0]]
    returned = np.stack([map_coordinates(back[..., axis], ends, order=1, mode="nearest") for axis in (0, 1)], axis=1)
    texture = cv2.cornerMinEigenVal(grey[0], _WINDOW)[rows, columns]
    kept = np.linalg.norm(returned + flow, axis=1) < _RETURNS
    if len(texture):
        kept &= texture > np.percentile(texture, _PLAIN)
    return rows[kept], columns[kept], flow[kept]


def _grey(picture: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(np.round(picture.clip(0, 1) * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY)
    return cv2.createCLAHE(_CONTRAST, _TILES).apply(grey)
