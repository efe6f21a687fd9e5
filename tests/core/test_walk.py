"""Lines that meet a dense surface: against the exact answer on planes, and where there are two layers or none."""

import numpy as np

from likeness.core.geometry.walk import WalkedSurface

UP = np.float32([0, 0, 1])


def sheet(height: float, cells: int = 20, down: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A square of 0.2 m at a height, uneven along itself."""
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(np.linspace(-0.1, 0.1, cells + 1), np.linspace(-0.1, 0.1, cells + 1), indexing="ij")
    inside = (np.abs(x) < 0.099) & (np.abs(y) < 0.099)
    x, y = (values + inside * rng.uniform(-0.003, 0.003, x.shape) for values in (x, y))
    vertices = np.stack([x, y, np.full_like(x, height)], axis=-1).reshape(-1, 3).astype(np.float32)
    number = np.arange(len(vertices)).reshape(x.shape)
    a, b, c, d = number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return vertices, faces[:, ::-1] if down else faces


def lines(count: int = 500, half: float = 0.08) -> tuple[np.ndarray, np.ndarray]:
    """Points around the plane z = 0, and unit directions up to 35 degrees from upwards."""
    rng = np.random.default_rng(1)
    points = np.column_stack([rng.uniform(-half, half, (count, 2)), rng.uniform(-0.004, 0.004, count)]).astype(np.float32)
    directions = UP + rng.uniform(-0.5, 0.5, (count, 3)) * [1, 1, 0]
    return points, (directions / np.linalg.norm(directions, axis=1, keepdims=True)).astype(np.float32)


def test_lines_meet_a_plane_where_they_do() -> None:
    vertices, faces = sheet(0.0)
    points, directions = lines()
    along, face, shares = WalkedSurface(vertices, faces).meet(points, directions, 0.01)
    assert np.abs(along + points[:, 2] / directions[:, 2]).max() < 5e-6, "a ten thousandth of a triangle"
    places = np.einsum("ni,nij->nj", shares, vertices[faces[face]])
    assert np.abs(places - points - along[:, None] * directions).max() < 1e-5 and shares.min() >= 0


def test_the_back_of_a_thin_sheet_is_not_met() -> None:
    (front, faces), (back, other) = sheet(0.0), sheet(-0.001, down=True)
    surface = WalkedSurface(np.concatenate([front, back]), np.concatenate([faces, other + len(front)]))
    points = lines()[0] * [1, 1, 0] - np.float32([0, 0, 0.0012])
    along, face, _ = surface.meet(points.astype(np.float32), np.tile(UP, (len(points), 1)), 0.01)
    assert np.abs(along - 0.0012).max() < 1e-6 and (face < len(faces)).all()


def test_what_is_out_of_reach_or_beside_is_not_met() -> None:
    surface = WalkedSurface(*sheet(0.0))
    points = np.float32([[0, 0, -0.02], [0, 0, -0.009], [0.15, 0, 0.001]])
    along, *_ = surface.meet(points, np.tile(UP, (3, 1)), 0.01)
    assert np.isnan(along[[0, 2]]).all() and abs(along[1] - 0.009) < 1e-6
