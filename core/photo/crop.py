"""The square head crop that the networks and the colour projection read."""

import cv2
import numpy as np

from .view import Camera, View


def crop_picture(picture: np.ndarray, camera: Camera, size: int) -> np.ndarray:
    """A (H, W, ...) picture resampled over the camera's crop box to (size, size, ...) float32; 0 outside the picture.

    uint8 pictures come out in [0, 1]. Shrinking averages, so that a large photo does not alias.
    """
    left, top, side = camera.crop_box
    values = picture.astype(np.float32) / 255 if picture.dtype == np.uint8 else picture.astype(np.float32)
    step = side / size
    if step > 2:
        factor = int(step)
        height, width = (values.shape[0] // factor * factor, values.shape[1] // factor * factor)
        values = cv2.resize(values[:height, :width], (width // factor, height // factor), interpolation=cv2.INTER_AREA)
        left, top, step = left / factor, top / factor, step / factor
    # Crop pixel centre (i + 0.5) lies at left + (i + 0.5) * step in photo pixels, whose centres are at +0.5 as well.
    matrix = np.array([[step, 0, left + 0.5 * step - 0.5], [0, step, top + 0.5 * step - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(values, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(0.0,))


def network_photo(view: View, camera: Camera, size: int) -> np.ndarray:
    """Masked sRGB and matte (size, size, 4) float32: the photo as the networks see it."""
    image = crop_picture(view.image, camera, size)
    matte = np.clip(crop_picture(view.matte, camera, size), 0, 1)
    return np.concatenate([image * matte[..., None], matte[..., None]], axis=-1)
