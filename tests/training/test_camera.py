"""Faults of cameras and mattes stay what they say."""

import cv2
import numpy as np
import skimage.data
import torch

from likeness.training.render.camera import camera_faults, jpeg


def test_the_block_transform_errs_as_jpeg_does() -> None:
    picture = cv2.resize(skimage.data.astronaut()[:256, 100:356], (128, 128))
    for quality in (30, 80):
        coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        truth = cv2.imdecode(coded, cv2.IMREAD_COLOR).astype(np.float32)
        ours = jpeg(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255, quality)[0].permute(1, 2, 0).numpy() * 255
        error = lambda shown: np.abs(shown - picture).mean()  # noqa: E731
        assert abs(error(ours) - error(truth)) < 0.35 * error(truth)
        assert np.abs(ours - truth).mean() < error(truth)


def test_network_inputs_are_masked_and_in_range() -> None:
    torch.manual_seed(0)
    picture, mask = torch.rand(6, 64, 64, 3), torch.zeros(6, 64, 64)
    mask[:, 16:48, 16:48] = 1
    for seed in range(4):
        found = camera_faults(picture, mask, np.random.default_rng(seed))
        assert found.shape == (6, 4, 64, 64)
        assert found.min() >= 0 and found.max() <= 1
        assert found[:, :, :8].abs().max() == 0, "the background is black"
        assert (found[:, :3] <= found[:, 3:] + 1e-6).all(), "colours never exceed the matte"
