"""What lies between hanging locks and the neck: a closed sheet behind them, so that long hair is one solid and not a fence."""

import numpy as np
from scipy.spatial import cKDTree

from .bald import BaldHead, angular_uv
from .clumps import slab
from .noise import smoothstep
from .part import Paint, RestPart

_COLUMNS, _ROWS = 56, 14
CURTAIN_TRIANGLES = 4 * _COLUMNS * _ROWS
"""Most triangles of a curtain."""
_SPAN = 0.09  # metres a radian of azimuth counts for, when locks near a place are looked for
_THICK = 0.014


def curtain(head: BaldHead, locks: np.ndarray, paint: Paint) -> list[RestPart]:
    """At most one closed solid behind locks whose vertices (N, 3) hang around the neck from ear to ear; none where fewer do."""
    f = head.frame
    axis = np.array([0, 0, f.ear_z - 0.012])
    low = locks[(locks[:, 1] < f.ear_top) & (locks[:, 1] > f.chin - 0.06)]
    if len(low) < 400:
        return []
    away = low - axis
    azimuth, radius = np.arctan2(away[:, 0], -away[:, 2]), np.hypot(away[:, 0], away[:, 2])  # 0 at the back
    tree = cKDTree(np.stack([_SPAN * azimuth, low[:, 1]], axis=1))
    columns = np.linspace(-2.4, 2.4, _COLUMNS)
    heights = np.linspace(f.ear_top + 0.01, f.chin - 0.02, _ROWS)
    place = np.stack(np.meshgrid(_SPAN * columns, heights), axis=-1)
    far = tree.query(place, k=4)[0][..., -1] > 0.011
    far[:3] = False  # up there the scalp's own under-volume takes over
    present = ~far[2:7].any(0)
    middle = _COLUMNS // 2
    if not present[middle - 2 : middle + 3].all():
        return []
    first = middle - int(np.argmin(np.append(present[middle::-1], False))) + 2
    last = middle + int(np.argmin(np.append(present[middle:], False))) - 2
    if last - first < 12:
        return []
    # Every column ends where its locks end.
    filled = np.where(far.any(0), far.argmax(0), _ROWS)[first:last]
    end = np.array([np.median(filled[max(i - 3, 0) : i + 4]) for i in range(len(filled))]) - 2.5
    share = np.linspace(1, 0, _ROWS)[:, None]
    y = heights[0] + (heights[-1] - heights[0]) * share * np.clip(end, 4, _ROWS - 1) / (_ROWS - 1)
    where = np.stack([np.broadcast_to(_SPAN * columns[first:last], y.shape), y], axis=-1)
    reach = np.quantile(radius[tree.query(where, k=10)[1]], 0.5, axis=-1)
    for _ in range(3):
        reach[1:-1] = 0.5 * reach[1:-1] + 0.25 * (reach[:-2] + reach[2:])
        reach[:, 1:-1] = 0.5 * reach[:, 1:-1] + 0.25 * (reach[:, :-2] + reach[:, 2:])
    edge = smoothstep(np.minimum(np.arange(last - first), np.arange(last - first)[::-1]) / 3.0)
    outer = reach - 0.003 - 0.004 * (1 - edge)
    thick = _THICK * (0.35 + 0.65 * edge) * (0.5 + 0.5 * smoothstep((1 - share) * 4))
    at = lambda r: axis + np.stack([np.sin(columns[first:last]) * r, y, -np.cos(columns[first:last]) * r], axis=-1)  # noqa: E731
    vertices, faces = slab(at(outer)[:, ::-1], at(np.maximum(outer - thick, 0.02))[:, ::-1], around=False)
    values = np.tile(np.array([[0.5, 0.0]], np.float32), (len(vertices), 1))
    back = np.array([[0, f.ear_top, f.centre[2] - f.half_depth]])
    return [RestPart("hair", vertices, faces, head.bound(back, vertices), paint, angular_uv(vertices, faces, axis), values)]
