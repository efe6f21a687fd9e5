"""Removes spikes that point at the viewer: the photo does not show them, but every other side does."""

import cv2
import numpy as np

from ..geometry.visibility import depth_picture, sample_picture

_SIZE = 512  # pixels: 0.8 mm
_THIN = 11  # pixels, 8.6 mm: what is narrower and stands out is a spike or a fin
_LOW, _TALL = 0.015, 0.03  # crop units (3 and 6 mm) before the ground: what belongs to a spike, and what the tallest of one must reach
_LEFT = 0.1  # share of the height that stays, so that no two vertices fall together
_NOWHERE = -10.0


def remove_depth_spikes(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Vertices (V, 3) float32 of a closed mesh, crop frame, with its spikes and fins towards the viewer pressed into what they stand on.

    The features of one pixel can mislead a pixel-aligned field along the whole ray: a rod a few millimetres thick and up to centimetres
    long, end on in the photo. The ground is the depth picture after a grey-scale opening (Serra 1982); what stands before it
    is taken with two thresholds, as Canny (1986) takes edges. Parts at the outline stay as they are.
    """
    drawn = depth_picture(vertices, faces, _SIZE)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_THIN, _THIN))
    depth = np.where(drawn.mask, drawn.depth, _NOWHERE)
    ground = cv2.morphologyEx(depth, cv2.MORPH_OPEN, disc)
    height = np.where(cv2.erode(drawn.mask.astype(np.uint8), disc) > 0, depth - ground, 0)
    count, found = cv2.connectedComponents((height > _LOW).astype(np.uint8))
    part = np.asarray(found, np.intp)
    tallest = np.zeros(count, np.float32)
    np.maximum.at(tallest, part.ravel(), height.ravel().astype(np.float32))
    spike = cv2.dilate(((part > 0) & (tallest[part] > _TALL)).astype(np.uint8), np.ones((3, 3), np.uint8))
    column, row = np.clip((vertices[:, :2] * [1, -1] + 1) * (_SIZE / 2), 0, _SIZE - 1).astype(int).T
    chosen = np.flatnonzero(spike[row, column])
    above = vertices[chosen, 2] - sample_picture(ground, vertices[chosen])
    pressed = vertices.copy()
    pressed[chosen, 2] -= (1 - _LEFT) * np.maximum(above, 0)
    return pressed
