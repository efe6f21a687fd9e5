"""The arms of glasses, which a photo from the front does not show."""

import numpy as np
import pytest

from likeness.core.geometry.mesh import vertex_normals
from likeness.core.models.head import HeadModel
from likeness.core.models.prior import PriorSurface
from likeness.core.photo.framing import HEAD
from likeness.core.photo.parsing import CLASSES
from likeness.core.surface.glasses import GlassesArms
from likeness.core.surface.refine import refine

MODEL = HeadModel.load()
SURFACE = PriorSurface.of(MODEL, (MODEL.closed_rest / HEAD.half).astype(np.float32), HEAD)
NORMALS = vertex_normals(SURFACE.vertices, SURFACE.faces)
UP = np.array([0.0, 1.0, 0.0])
SKIN, FRAME = (0.8, 0.6, 0.5), (0.1, 0.1, 0.3)
SIZE = 256
AXIS = (np.arange(SIZE) + 0.5) * 2 / SIZE - 1
EYES = float(SURFACE.vertices[MODEL.closed_region("eyes") > 0.5, 1].mean())


def arms(width: float = 0.31, sides: tuple[int, ...] = (-1, 1), height: float = 0.03, over: float = 0.0) -> GlassesArms | None:
    """Of a bar of a frame before the eyes, or over them, so wide and high, crop units."""
    across, up = np.meshgrid(AXIS, -AXIS)
    bar = (np.abs(up - EYES - over) < height / 2) & (np.abs(across) < width) & np.isin(np.sign(across), sides)
    parsing = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    parsing[..., CLASSES.index("glasses")] = bar
    parsing[..., CLASSES.index("skin")] = ~bar
    return GlassesArms.of(SURFACE, UP, np.where(bar[..., None], FRAME, SKIN).astype(np.float32), parsing)


def test_who_wears_no_glasses_has_no_arms() -> None:
    assert arms(0.0) is None
    assert arms(0.03) is None, "what is on the nose alone is no frame"
    assert arms(over=0.08) is None, "these are brows"


def test_arms_go_from_the_temples_to_the_ears() -> None:
    found = arms()
    assert found is not None and found.colour == pytest.approx(FRAME, abs=0.01)
    ears = [SURFACE.vertices[mask > 0.99] for mask in MODEL.ears]
    for start, end, ear, side in zip(found.start, found.end, ears, (-1, 1), strict=True):
        assert side * start[0] > 0.25 and start[1] == pytest.approx(EYES, abs=0.04)
        assert side * end[0] > 0.3 and end[1] == pytest.approx(ear[:, 1].max(), abs=0.05) and end[2] < start[2] - 0.2
        places = np.stack([start + 0.3 * (end - start), start + 1.3 * (end - start), start + 0.05 * UP])
        assert found.share(places) == pytest.approx([1, 0, 0])


def test_a_side_that_is_not_seen_has_one_too() -> None:
    found = arms(sides=(1,))
    assert found is not None and found.start[0, 0] == pytest.approx(-found.start[1, 0], abs=0.02)


def test_arms_are_as_high_as_the_frames_end_suggests() -> None:
    thin, thick = arms(height=0.01), arms(height=0.06)
    assert thin is not None and thick is not None and thick.high > 1.5 * thin.high


def test_arms_are_painted_where_skin_is_bare_and_the_photo_does_not_look() -> None:
    found, colours = arms(), np.full_like(SURFACE.vertices, 0.7)
    assert found is not None
    all_, none = np.ones(len(colours)), np.zeros(len(colours))
    on = found.share(SURFACE.vertices) > 0.99
    painted = found.painted(colours, SURFACE.vertices, NORMALS, none, all_)
    assert on.any() and np.allclose(painted[on], found.colour) and (painted != colours).any(1).mean() < 0.05
    assert (found.painted(colours, SURFACE.vertices, NORMALS, none, none) == colours).all(), "hair lies over them"
    front = np.tile([0.0, 0.0, 1.0], (len(colours), 1))
    assert (found.painted(colours, SURFACE.vertices, front, all_, all_) == colours).all()


def test_the_mesh_is_fine_where_arms_lie() -> None:
    found = arms()
    assert found is not None
    dense = refine(SURFACE.vertices, SURFACE.faces, np.ones(len(SURFACE.vertices), bool), 2e-3 / HEAD.half)
    vertices, faces = found.prepared(*dense)
    on = found.share(vertices) > 0.5
    edges = np.linalg.norm(vertices[faces[on[faces].all(1)]] - vertices[np.roll(faces[on[faces].all(1)], 1, axis=1)], axis=-1)
    assert edges.max() * HEAD.half < 0.9e-3
