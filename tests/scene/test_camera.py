"""The Blender camera sees what Result.camera projects: the silhouettes drawn by Blender and by core overlap."""

import bpy
import numpy as np
import pytest

LONG_SIDE = 256


def _rendered_mask(folder, width: int, height: int) -> np.ndarray:
    scene = bpy.context.scene
    render = scene.render
    render.engine = "BLENDER_WORKBENCH"
    render.film_transparent = True
    scene.display.render_aa = "OFF"
    render.resolution_x, render.resolution_y = width, height
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGBA"
    render.filepath = str(folder / "mask.png")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(render.filepath)
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(height, width, 4)[::-1, :, 3] > 0.5


def _projected_mask(result, width: int, height: int) -> np.ndarray:
    torch = pytest.importorskip("torch")
    raster = pytest.importorskip("likeness.core.geometry.raster")
    flat = result.camera.project(result.vertices.astype(np.float64)) / max(result.photo.shape[:2]) * 2
    square = np.stack([flat[:, 0] - 1, 1 - flat[:, 1], result.vertices[:, 2]], axis=1)
    mask = raster.rasterize(torch.from_numpy(square).float(), torch.from_numpy(result.faces), LONG_SIDE).mask
    return mask.numpy()[:height, :width]


@pytest.mark.parametrize(
    ("distance", "size"),
    [(0.45, (96, 128)), (0.6, (160, 100)), (np.inf, (96, 128)), (np.inf, (160, 100))],
    ids=["near, landscape", "portrait", "orthographic, landscape", "orthographic, portrait"],
)
def test_silhouettes_overlap(part, make_result, tmp_path, distance, size):
    result = make_result(distance=distance, size=size)
    part("scene.build").build_result(bpy.context, result)
    height, width = (round(side * LONG_SIDE / max(size)) for side in size)
    rendered, projected = _rendered_mask(tmp_path, width, height), _projected_mask(result, width, height)
    overlap = (rendered & projected).sum() / (rendered | projected).sum()
    assert projected.mean() > 0.02
    assert overlap >= 0.98
