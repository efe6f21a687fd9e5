"""What the renderer shows: transparency, relief, light, shadow; and that every device shows the same."""

import numpy as np
import pytest
import torch

from likeness.training.humans.part import PlainPaint, Shade, SurfacePoints
from likeness.training.render.buffers import Buffers, blur, render
from likeness.training.render.lighting import Light, irradiance, key_shadow, photograph
from likeness.training.render.scene import Scene

from .shapes import GREEN, RED, ball, scene_of

FRONT = np.array([0.0, 0.0, 1.0])


def test_what_is_in_front_hides_what_is_behind() -> None:
    found = render(scene_of(ball(0.3, (0, 0, 0.5), RED), ball(0.6, (0, 0, -0.3), GREEN)), 2)
    assert torch.allclose(found.albedo[32, 32], torch.tensor(RED.colour), atol=1e-5)
    assert torch.allclose(found.albedo[32, 48], torch.tensor(GREEN.colour), atol=1e-5)
    assert found.depth[32, 32].item() == pytest.approx(0.8, abs=0.01)
    assert found.back_depth[32, 32].item() == pytest.approx(-0.9, abs=0.01)
    assert found.coverage[0, 0] == 0 and found.coverage[32, 32] == pytest.approx(1, abs=1e-5)


def test_a_lens_tints_what_lies_behind_it_and_leaves_the_labels_alone() -> None:
    bare = render(scene_of(ball(0.6, (0, 0, -0.3), GREEN)), 2)
    lens = ball(0.2, (0, 0, 0.6), PlainPaint((0.0, 0.0, 0.0), "gloss", 0.25), solid=False)
    tinted = render(scene_of(lens, ball(0.6, (0, 0, -0.3), GREEN)), 2)
    # Two of its surfaces lie in front: 0.75 squared.
    assert torch.allclose(tinted.albedo[32, 32], torch.tensor(GREEN.colour) * 0.75**2, atol=1e-3)
    assert torch.equal(tinted.depth, bare.depth)
    assert torch.equal(tinted.normal, bare.normal)


def test_fine_relief_tilts_normals_by_its_slope() -> None:
    class Ridges:
        def __call__(self, points: SurfacePoints) -> Shade:
            plain = GREEN(points)
            return Shade(plain.albedo, plain.material, height=0.2 * 0.3 * points.anchor[:, 0])

    smooth, rough = render(scene_of(ball(0.6, (0, 0, 0), GREEN, 6)), 1), render(scene_of(ball(0.6, (0, 0, 0), Ridges(), 6)), 1)
    assert smooth.normal[64, 64, 2] > 0.99
    slope = -rough.normal[64, 64, 0] / rough.normal[64, 64, 2]
    assert slope.item() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_light_comes_from_its_direction(seed: int) -> None:
    light = Light.random(np.random.default_rng(seed), FRONT[None])
    towards, away = torch.tensor([[[0.0, 0, 1]]]), torch.tensor([[[0.0, 0, -1]]])
    lit = irradiance(light, towards, 1.0, 1.0)
    assert (lit > 0).all()
    assert (irradiance(light, towards, 1.0, torch.zeros(1, 1)) < lit).all()
    assert torch.isfinite(irradiance(light, away, 1.0, 1.0)).all()


def test_a_ball_in_the_light_casts_a_shadow_on_the_one_behind() -> None:
    scene = scene_of(ball(0.15, (0, 0, 0.6), RED), ball(0.5, (0, 0, -0.4), GREEN))
    found = render(scene, 2)
    from_the_side = np.array([0.6, 0, 0.8])
    shadow = key_shadow(scene, found.depth, from_the_side)
    green = found.albedo[..., 1] > 0.5
    assert shadow[green].min() < 0.1 and shadow[green].mean() > 0.6
    darkest = torch.nonzero((shadow < 0.1) & green).float().mean(0)
    assert darkest[1] < 30, "the shadow falls on the side away from the light"


def test_blurring_keeps_the_mean_and_flattens() -> None:
    picture = torch.rand(1, 64, 64)
    for sigma in (1.0, 10.0):
        soft = blur(picture, sigma)
        assert soft.mean().item() == pytest.approx(picture.mean().item(), abs=0.02)
        assert soft.std() < 0.4 * picture.std()


def _photo(device: str) -> tuple[Scene, Buffers, torch.Tensor]:
    scene = scene_of(ball(0.3, (0.2, 0, 0.4), RED), ball(0.6, (0, 0, -0.3), GREEN), device=device)
    found = render(scene, 2)
    key = np.array([0.3, 0.5, 0.81])
    light = Light.random(np.random.default_rng(0), key[None], device)
    one = lambda picture: picture[None]  # noqa: E731
    shadow = key_shadow(scene, found.depth, key)
    return scene, found, photograph(light, one(found.albedo), one(found.normal), one(found.ambient), one(shadow), one(found.material))[0]


def test_rendering_twice_gives_the_same_picture() -> None:
    assert torch.equal(_photo("cpu")[2], _photo("cpu")[2])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_cpu_and_cuda_agree() -> None:
    (_, here, photo_here), (_, there, photo_there) = _photo("cpu"), _photo("cuda")
    for name in ("albedo", "normal", "coverage", "ambient", "back_normal"):
        difference = (getattr(here, name) - getattr(there, name).cpu()).abs()
        assert difference.quantile(0.999) < 1e-3, name
    assert (photo_here - photo_there.cpu()).abs().mean() < 1e-3
