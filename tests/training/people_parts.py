"""What the tests of hair and accessories share: a bald bust of the mean head, and what every closed piece must satisfy."""

from functools import cache

import numpy as np

from likeness.core.geometry.mesh import signed_volume
from likeness.core.models.head import HeadModel
from likeness.training.humans.bald import BaldHead
from likeness.training.humans.part import PlainPaint, RestPart

PAINT = PlainPaint((0.1, 0.05, 0.02), "hair")


@cache
def bald_head() -> BaldHead:
    """The mean head; hm08 has only the vertices that the head model knows."""
    model = HeadModel.load()
    body = np.full((19_158, 3), 9.0, np.float32)
    known = model.hm08 >= 0
    body[model.hm08[known]] = model.mean[known]
    return BaldHead.of(model, model.mean, model.skeleton.joints, body)


def check_piece(part: RestPart) -> None:
    """Closed, outward, bound."""
    faces, count = part.faces, len(part.vertices)
    assert np.isfinite(part.vertices).all()
    assert faces.min() >= 0 and faces.max() < count
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    codes, backwards = np.sort(directed @ [count, 1]), np.sort(directed @ [1, count])
    assert np.array_equal(codes, backwards), f"{part.kind} has open edges"
    assert signed_volume(part.vertices, faces) > 0
    assert part.binding.ref.shape == part.binding.weight.shape == (count, 3)
    assert np.allclose(part.binding.weight.sum(1), 1, atol=1e-5) and part.binding.weight.min() >= 0
    assert part.values is None or len(part.values) == count
    assert part.corner_uv is None or part.corner_uv.shape == (len(faces), 3, 2)
