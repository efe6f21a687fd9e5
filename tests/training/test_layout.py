"""The head model's UV map: islands are relaxed without flips, with the face magnified, and packed without overlaps."""

import numpy as np

from likeness.training.head_model.layout import lay_out, relaxed

_SIDE = 12


def grid(side: int = _SIDE) -> tuple[np.ndarray, np.ndarray]:
    """A square of points (side squared, 2) in [0, 1] and its triangles, counter-clockwise."""
    across, up = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    number = np.arange(side * side).reshape(side, side)
    a, b, c, d = (number[rows, columns].ravel() for rows in (slice(-1), slice(1, None)) for columns in (slice(-1), slice(1, None)))
    return np.stack([across.ravel(), up.ravel()], 1), np.concatenate([np.stack([a, b, d], 1), np.stack([a, d, c], 1)])


def head() -> dict[str, np.ndarray]:
    """A flat square with a hole, a mouth, whose inside is laid over it when it is closed, a second island of skin and an eye."""
    points, faces = grid()
    holed = faces[~((np.abs(points[faces].mean(1) - 0.5) < [0.2, 0.06]).all(1))]
    small, few = grid(_SIDE // 2)
    count = len(points), len(small)
    everything = np.concatenate([holed, few + count[0], few + sum(count)])
    part = np.repeat([0, 0, 1], [len(holed), len(few), len(few)])
    mouth = np.zeros((5, count[0] + 2 * count[1], 3))
    return {
        "mean": np.pad(np.concatenate([0.2 * points, 0.1 * small, 0.02 * small]), [(0, 0), (0, 1)]),
        "faces": everything, "faces_uv": everything, "face_part": part,
        "makehuman_uv": np.concatenate([0.05 * points[:, ::-1] * [-1, 1], small + 2, small + 4]),
        "expression": mouth,
        "expression_names": np.array(
            ["jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight"]
        ),
        "regions": np.concatenate([(np.linalg.norm(points - 0.5, axis=1) < 0.3).astype(float), np.zeros(2 * count[1])])[None],
        "region_names": np.array(["face"]),
    }  # fmt: skip


def areas(uv: np.ndarray, faces: np.ndarray) -> np.ndarray:
    return np.linalg.det(np.stack([uv[faces[:, 1]] - uv[faces[:, 0]], uv[faces[:, 2]] - uv[faces[:, 0]]], -1)) / 2


def test_a_distorted_map_becomes_true_to_size():
    flat, faces = grid()
    begun = flat**1.8 @ np.array([[1.0, 0.4], [0.3, 0.8]])
    found = relaxed(np.pad(flat, [(0, 0), (0, 1)])[faces], begun, faces)
    assert np.allclose(areas(found, faces), areas(flat, faces), rtol=1e-2)
    lengths = [np.linalg.norm(points[faces[:, 1]] - points[faces[:, 0]], axis=1) for points in (found, flat)]
    assert np.allclose(*lengths, rtol=1e-2)


def test_the_face_is_magnified_and_the_inside_of_its_hole_is_not():
    arrays = head()
    uv, faces = lay_out(arrays), arrays["faces"]
    size = areas(uv, faces) / np.linalg.norm(np.cross(*(arrays["mean"][faces[:, i]] - arrays["mean"][faces[:, 0]] for i in (1, 2))), axis=1)
    first = np.arange(len(faces)) < (arrays["faces"] < _SIDE**2).all(1).sum()
    middle = np.linalg.norm(arrays["mean"][faces].mean(1)[:, :2] - 0.1, axis=1)
    around, outer, hole = first & (middle > 0.045) & (middle < 0.055), first & (middle > 0.1), first & (middle < 0.025)
    assert np.median(size[around]) > 2 * np.median(size[outer]) and np.median(size[hole]) < np.median(size[around]) / 2
    eye, shoulders = arrays["face_part"] == 1, ~first & (arrays["face_part"] == 0)
    assert np.median(size[eye]) > 4 * np.median(size[shoulders])


def test_the_islands_lie_beside_each_other_in_the_square():
    arrays = head()
    uv, faces = lay_out(arrays), arrays["faces"]
    assert (areas(uv, faces) > 0).all() and uv.min() > 0 and uv.max() < 1
    boxes = [(points.min(0), points.max(0)) for points in np.split(uv, [_SIDE**2, _SIDE**2 + (_SIDE // 2) ** 2])]
    for number, (low, high) in enumerate(boxes):
        for other_low, other_high in boxes[number + 1 :]:
            assert (low > other_high).any() or (high < other_low).any()
