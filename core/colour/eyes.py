"""Clean eyes of the seen colour: photographed eyes hold lids, lashes and a gaze that would stick to the eyeball when it turns."""

import numpy as np

from ..geometry.visibility import smoothstep

_IRIS = 0.0059  # metres, the radius; alike in all adults
_PUPIL = 0.38  # of the iris's radius
_BROWN = np.array([0.30, 0.19, 0.12], np.float32)
_WHITE = np.array([0.86, 0.84, 0.82], np.float32)
_DARKEST_WHITE = 0.62
_STEPS = 7


def seen_colours(photo: np.ndarray, opening: np.ndarray, centre: np.ndarray, metre: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Colours (3,) of iris and white of one eye in a picture, None when it is too small, closed or unclear.

    photo (S, S, 3) sRGB; opening (S, S) bool: pixels of the eyeball; centre (2,): column and row of its middle; metre: pixels a metre.
    The iris is the disc of known size that is darkest against what surrounds it.
    """
    radius = _IRIS * metre
    rows, columns = np.nonzero(opening)
    if len(rows) < 12 or radius < 2:
        return None
    values = photo[rows, columns]
    light = values @ np.array([0.3, 0.59, 0.11])
    best, found = 0.04, None
    for across in np.linspace(-1, 1, 2 * _STEPS - 1):
        for down in np.linspace(-0.5, 0.5, _STEPS):
            distance = np.hypot(columns + 0.5 - centre[0] - across * radius, rows + 0.5 - centre[1] - down * radius) / radius
            inside, outside = distance < 1, (distance > 1.15) & (distance < 2)
            if inside.sum() < 8 or outside.sum() < 4:
                continue
            contrast = float(np.median(light[outside]) - light[inside].mean())
            if contrast > best:
                best, found = contrast, distance
    if found is None:
        return None
    ring = values[(found > 0.4) & (found < 0.85)]
    # Neither the reflected window nor the lashes' shadow is the iris's colour.
    level = ring @ np.array([0.3, 0.59, 0.11])
    middle = np.median(ring[level <= np.percentile(level, 75)], axis=0)
    white = values[(found > 1.15) & (light >= np.percentile(light[found > 1.15], 60))]
    return middle.astype(np.float32), np.median(white, axis=0).astype(np.float32)


def paint_eye(points: np.ndarray, iris: np.ndarray | None, white: np.ndarray | None) -> np.ndarray:
    """Colours (N, 3) float32 sRGB of points (N, 3) of an eyeball at rest: metres, centre at the origin, looking along +z.

    iris and white (3,): the seen colours, or None for usual ones.
    """
    iris = _BROWN if iris is None else iris
    radius = float(np.median(np.linalg.norm(points, axis=1)))
    unit = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
    across = np.where(unit[:, 2] > 0, np.hypot(unit[:, 0], unit[:, 1]), 2.0) * radius / _IRIS
    around = np.arctan2(unit[:, 1], unit[:, 0])
    fibres = 0.5 * np.sin(31 * around + 3 * np.sin(5 * around)) + 0.5 * np.sin(53 * around + 9 * across)
    shade = 1.15 + 0.10 * fibres - 0.35 * smoothstep(across, 0.75, 1.0) - 0.25 * smoothstep(-across, -0.55, -0.38)
    colours = iris * shade[:, None]
    colours = colours * smoothstep(across, _PUPIL - 0.04, _PUPIL + 0.04)[:, None] + 0.02
    pale = _WHITE if white is None else _lightened(white)
    back = smoothstep(-unit[:, 2], -0.75, 0.2)[:, None]
    around_iris = pale * (1 - back * np.array([0.02, 0.14, 0.14]))
    edge = smoothstep(across, 0.93, 1.07)[:, None]
    return np.clip(colours + edge * (around_iris - colours), 0, 1).astype(np.float32)


def _lightened(white: np.ndarray) -> np.ndarray:
    """Half way from the seen white to its own grey, never darker than an eye in good light: lids shade what is seen of it."""
    grey = float(white.mean())
    return (0.5 * white + 0.5 * grey) * (max(grey, _DARKEST_WHITE) / max(grey, 1e-3))
