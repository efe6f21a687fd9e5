"""Closed lips of a registered head, moved together to where the reconstruction has the line between them.

Registration leaves the lips' rims to the smoothness of what is around them, since the surface shows nothing of what lies behind. So lips
that the photo shows closed came out three millimetres apart, with teeth between them, or met beside the surface's groove.
"""

from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.visibility import smoothstep
from ..models.head import HeadModel

_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)  # MediaPipe's landmarks of the inner lips, from corner to corner
_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
_BROWS, _CHIN = 168, 152  # between the brows; chin
_PARTED = 0.0015  # metres between fitted lips, anywhere, beyond those of the mean head at rest, from which they are not closed
_COLUMNS, _MIDDLE, _SMOOTH = 61, 7, 2.0  # places along the line; how many have one median; over how many it is evened
_BESIDE, _WAY, _DEEP = 0.001, 0.005, 0.01  # metres around each place of the line in which the groove is: across, up and down, in depth
_SLOPE = 40.0  # how much a valley is preferred for being near: a metre in depth for each squared metre up or down
_ENDS = 0.08  # share of the line, at the corners, over which it begins to move
_OPEN = 0.004  # metres of a groove's depth from which it is the opening of a mouth; between closed lips it is 0.3 to 3 mm deep
_PRESSED = 0.0004  # metres by which each rim goes beyond the groove, or the lips' quads would leave gaps between them
_AROUND = (0.003, 0.010)  # metres from a rim over which the skin goes along less and less


def close_lips(model: HeadModel, fitted: np.ndarray, skin: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """The registered skin (Vs, 3) with its lips together in the groove of a surface, points (N, 3), where those of the fitted head (Vs, 3)
    are; else as it is, also where the surface is open there. All in one frame, metres."""
    share, place, below, rest = _mouth(model)
    if (_gaps(model, fitted) - rest).max() > _PARTED:
        return skin
    upper, lower = _rims(model, skin)
    line = (upper + lower) / 2
    axes, middle = _axes(model.mediapipe.on(skin), line), line.mean(0)
    upper, lower, line = (_along((curve - middle) @ axes.T) for curve in (upper, lower, line))
    groove = _groove((surface - middle) @ axes.T, line)
    if np.median(line[:, 2] - groove[:, 2]) > _OPEN:
        return skin
    fade = np.clip(np.minimum(np.linspace(0, 1, _COLUMNS), np.linspace(1, 0, _COLUMNS)) / _ENDS, 0, 1)
    pressed = np.array([0, _PRESSED, 0])
    to_lower, to_upper = fade[:, None] * (groove + pressed - lower), fade[:, None] * (groove - pressed - upper)
    ways = np.where(below[:, None], to_lower[place], to_upper[place])
    return (skin + share[:, None] * (ways @ axes)).astype(skin.dtype)


def _rims(model: HeadModel, skin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The upper and the lower lip's inner rim (11, 3), from corner to corner."""
    points = model.mediapipe.on(skin)
    return points[list(_UPPER)], points[list(_LOWER)]


def _gaps(model: HeadModel, skin: np.ndarray) -> np.ndarray:
    """Metres (11,) between the rims. The mean head's landmarks lie three millimetres apart, though it is at rest."""
    upper, lower = _rims(model, skin)
    return np.linalg.norm(upper - lower, axis=1)


def _along(curve: np.ndarray) -> np.ndarray:
    """A curve (M, 3) at _COLUMNS places, evenly along x."""
    x = np.linspace(curve[0, 0], curve[-1, 0], _COLUMNS)
    return np.column_stack([x, *(np.interp(x, curve[:, 0], curve[:, axis]) for axis in (1, 2))])


def _axes(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """(3, 3): rows along the line of the lips, up the face, and out of it."""
    across = _unit(line[-1] - line[0])
    up = points[_BROWS] - points[_CHIN]
    up = _unit(up - (up @ across) * across)
    return np.stack([across, up, np.cross(across, up)])


def _groove(surface: np.ndarray, line: np.ndarray) -> np.ndarray:
    """The deepest places (M, 3) of a surface (N, 3), z out of the face, near a line (M, 3) across it."""
    near = surface[(np.abs(surface - line.mean(0)) < np.ptp(line, axis=0) / 2 + (_BESIDE, _WAY, _DEEP)).all(1)]
    found = line.copy()
    for row, place in enumerate(line):
        beside = near[(np.abs(near - place) < (_BESIDE, _WAY, _DEEP)).all(1)]
        if len(beside):
            price = beside[:, 2] + _SLOPE * (beside[:, 1] - place[1]) ** 2
            found[row, 1:] = beside[price.argmin(), 1:]
    for axis in (1, 2):
        found[:, axis] = gaussian_filter1d(median_filter(found[:, axis], _MIDDLE, mode="nearest"), _SMOOTH, mode="nearest")
    return found


@lru_cache(maxsize=2)
def _mouth(model: HeadModel) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """For the skin (Vs,): how far it goes along with the rims, with which of their places, and whether with the lower one, told on the mean
    head with its mouth open, in which the lips are far apart; and the gaps of that head at rest."""
    mean, opened = np.zeros(len(model.identity)), np.array([name == "jawOpen" for name in model.expression_names], float)
    skin, rest = (model.rest(mean, values)[0][: model.skin_count] for values in (opened, np.zeros_like(opened)))
    (above, upper), (beneath, lower) = (cKDTree(_along(curve)).query(skin) for curve in _rims(model, skin))
    below = beneath < above
    return 1 - smoothstep(np.minimum(above, beneath), *_AROUND), np.where(below, lower, upper), below, _gaps(model, rest)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
