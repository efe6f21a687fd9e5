"""A mesh cut along a level of values at its vertices, through the triangles, so that its border is even."""

import numpy as np

_LEAST = 0.1  # share of an edge that is left on either side of a cut: no slivers


def part_above(faces: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The part of triangles (F, 3) in which values (V,) are above zero: faces (G, 3), in which numbers from V on are those of new vertices
    on edges (E, 2), at shares (E,) of the way from the first end to the second."""
    above = values > 0
    inside = above[faces].sum(1)
    whole = faces[inside == 3]
    tips, rests = (_turned(faces[inside == count], above, count == 1) for count in (1, 2))
    cut = np.concatenate([tips[:, [0, 1]], tips[:, [0, 2]], rests[:, [0, 1]], rests[:, [0, 2]]])
    edges, number = np.unique(np.sort(cut, axis=1), axis=0, return_inverse=True)
    first, second, third, fourth = np.split(number.ravel() + len(values), np.cumsum([len(tips), len(tips), len(rests)]))
    made = [
        np.stack([tips[:, 0], first, second], axis=1),
        np.stack([rests[:, 1], rests[:, 2], fourth], axis=1),
        np.stack([rests[:, 1], fourth, third], axis=1),
    ]
    begin, end = values[edges].T
    shares = np.clip(begin / np.where(begin == end, 1, begin - end), _LEAST, 1 - _LEAST)
    return np.concatenate([whole, *made]).astype(faces.dtype), edges, shares


def _turned(faces: np.ndarray, above: np.ndarray, wanted: bool) -> np.ndarray:
    """Triangles (F, 3) of which one corner is above, or not, begun with that one."""
    first = (above[faces] == wanted).argmax(1)
    return np.take_along_axis(faces, (first[:, None] + np.arange(3)) % 3, axis=1)
