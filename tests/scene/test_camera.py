"""The Blender camera sees what a view's camera projects: the silhouettes drawn by Blender and by core overlap."""

import dataclasses

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


def _projected_mask(surface, view, width: int, height: int) -> np.ndarray:
    torch = pytest.importorskip("torch")
    raster = pytest.importorskip("likeness.core.geometry.raster")
    points = view.pose.to_camera(surface.vertices.astype(np.float64))
    flat = view.camera.project(points) / max(view.photo.shape[:2]) * 2
    square = np.stack([flat[:, 0] - 1, 1 - flat[:, 1], points[:, 2]], axis=1)
    mask = raster.rasterize(torch.from_numpy(square).float(), torch.from_numpy(surface.faces), LONG_SIDE).mask
    return mask.numpy()[:height, :width]


@pytest.mark.parametrize(
    ("distance", "size"),
    [(0.45, (96, 128)), (0.6, (160, 100)), (np.inf, (96, 128)), (np.inf, (160, 100))],
    ids=["near, landscape", "portrait", "orthographic, landscape", "orthographic, portrait"],
)
def test_silhouettes_overlap(part, make_result, tmp_path, distance, size):
    result = make_result(distance=distance, size=size)
    part("scene.build").build_result(bpy.context, result)
    _assert_overlay(tmp_path, result.surface, result.views[0], size)


def test_each_view_has_a_camera_that_shows_the_head_as_its_photo_does(part, make_result, tmp_path):
    size, result = (96, 128), make_result()
    from_the_side = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    pose = part("core.photo.pose").Pose(from_the_side, np.array([0.05, -0.12, 0.02]))
    other = dataclasses.replace(result.views[0], pose=pose, photo=255 - result.views[0].photo)
    result = dataclasses.replace(result, views=(*result.views, other))
    part("scene.build").build_result(bpy.context, result)
    first, second = bpy.data.objects["Ada Camera"], bpy.data.objects["Ada Camera.001"]
    assert bpy.context.scene.camera == first
    for camera, view in ((first, result.views[0]), (second, other)):
        part("scene.camera").use_camera(bpy.context.scene, camera)
        _assert_overlay(tmp_path, result.surface, view, size)
        stored = part("scene.photo").pixels(camera.data.background_images[0].image)
        assert np.array_equal(stored[..., :3], view.photo)


def _assert_overlay(folder, surface, view, size):
    height, width = (round(side * LONG_SIDE / max(size)) for side in size)
    rendered, projected = _rendered_mask(folder, width, height), _projected_mask(surface, view, width, height)
    overlap = (rendered & projected).sum() / (rendered | projected).sum()
    assert projected.mean() > 0.02
    assert overlap >= 0.98
