"""Backgrounds that the portraits lack: rooms as rectangles and lines, flags, leaves, grass, lights out of focus, clouds and bark."""

import cv2
import numpy as np


def blocks(rng: np.random.Generator, size: int) -> np.ndarray:
    """(N, N, 3) float32 in [0, 1]: shelves, windows, stripes, as upright rectangles and lines in a few colours."""
    picture = np.full((size, size, 3), rng.random(3), np.float32)
    palette = rng.random((4, 3))
    for _ in range(int(rng.integers(3, 40))):
        start = rng.uniform(-0.2, 1, 2) * size
        end = start + rng.exponential(0.25, 2) * size
        colour = tuple(map(float, palette[rng.integers(4)] * rng.uniform(0.7, 1.2)))
        corners = tuple(map(int, start)), tuple(map(int, end))
        if rng.random() < 0.7:
            cv2.rectangle(picture, *corners, colour, -1, cv2.LINE_AA)
        else:
            cv2.line(picture, *corners, colour, int(rng.integers(1, 9)), cv2.LINE_AA)
    return picture


def flags(rng: np.random.Generator, size: int) -> np.ndarray:
    """(N, N, 3) float32 in [0, 1]: stripes and a field of stars on cloth that hangs in folds, as behind officials."""
    rows, columns = np.mgrid[:size, :size].astype(np.float32) / size
    lean, bend, pitch = rng.normal(0, 0.3), rng.uniform(0, 0.06), rng.uniform(0.1, 0.5)
    phase = 2 * np.pi * (columns + lean * rows) / pitch + rng.uniform(0, 2 * np.pi)
    along = (columns * np.sin(lean) + rows * np.cos(lean)) if rng.random() < 0.4 else columns * np.cos(lean) + 0.3 * rows
    along = along + bend * np.sin(phase)
    palette = np.clip(rng.random((4, 3)) ** rng.uniform(0.4, 2, (4, 1)), 0, 1)
    if rng.random() < 0.5:
        palette[:2] = [[0.7, 0.1, 0.15], [0.92, 0.9, 0.88]]
    colours = int(rng.integers(2, 5))
    picture = palette[(along / rng.uniform(0.03, 0.2)).astype(int) % colours].astype(np.float32)
    if rng.random() < 0.5:
        edge = rng.uniform(0.2, 0.8)
        canton = (along - edge) * rng.choice([-1, 1]) > 0
        spacing = rng.uniform(0.04, 0.1)
        stars = np.hypot((columns / spacing + bend * np.sin(phase)) % 1 - 0.5, (rows / spacing) % 1 - 0.5) < 0.28
        picture[canton] = np.where(stars[canton, None], palette[1], rng.uniform(0, 0.4, 3) * [0.6, 0.7, 1.5])
    shade = 1 + rng.uniform(0.1, 0.6) * np.cos(phase + 0.7) * (0.6 + 0.4 * np.sin(2.3 * phase))
    return np.clip(picture * shade[..., None].astype(np.float32), 0, 1)


def outdoors(rng: np.random.Generator, size: int) -> np.ndarray:
    """(N, N, 3) float32 in [0, 1]: what parks and streets put behind a head."""
    picture = _clouds(rng, size)
    kind = rng.choice(["clouds", "leaves", "grass", "lights"], p=[0.3, 0.35, 0.2, 0.15])
    if kind == "leaves":
        palette = _natural(rng, 5)
        for _ in range(int(rng.integers(80, 500))):
            place = tuple(map(int, rng.uniform(-0.05, 1.05, 2) * size))
            axes = tuple(map(int, size * rng.uniform(0.004, 0.035) * np.array([1, rng.uniform(0.3, 1)]) + 1))
            colour = tuple(map(float, palette[rng.integers(5)] * rng.uniform(0.4, 1.5)))
            cv2.ellipse(picture, place, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
    elif kind == "grass":
        palette, lean = _natural(rng, 4), rng.normal(0, 0.3)
        for _ in range(int(rng.integers(150, 600))):
            start = rng.uniform(0, 1, 2) * size
            end = start + size * rng.uniform(0.02, 0.12) * np.array([lean + rng.normal(0, 0.3), -1])
            colour = tuple(map(float, palette[rng.integers(4)] * rng.uniform(0.5, 1.5)))
            cv2.line(picture, tuple(map(int, start)), tuple(map(int, end)), colour, int(rng.integers(1, 4)), cv2.LINE_AA)
    elif kind == "lights":
        for _ in range(int(rng.integers(8, 50))):
            shine = np.zeros_like(picture)
            place = tuple(map(int, rng.uniform(0, 1, 2) * size))
            cv2.circle(shine, place, int(size * rng.uniform(0.01, 0.06)) + 1, tuple(map(float, rng.uniform(0, 0.6, 3))), -1, cv2.LINE_AA)
            picture += shine
    return np.clip(picture, 0, 1)


def _clouds(rng: np.random.Generator, size: int) -> np.ndarray:
    """Noise at all scales between two natural colours, as steep as a random power."""
    fall, height, cells = rng.uniform(0.4, 1.1), np.zeros((size, size), np.float32), 2
    while cells < size:
        octave = rng.normal(0, 1, (cells, max(1, int(cells * rng.uniform(0.5, 1.2))))).astype(np.float32)
        height += cv2.resize(octave, (size, size), interpolation=cv2.INTER_CUBIC) * cells**-fall
        cells *= 2
    share = 1 / (1 + np.exp(-3 * height / max(float(height.std()), 1e-6)))[..., None]
    low, high = _natural(rng, 2)
    return (low + (high - low) * share).astype(np.float32)


def _natural(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, 3) sRGB: greens, browns, greys and blues, mostly dull."""
    kinds = np.array([[0.35, 0.45, 0.2], [0.45, 0.35, 0.25], [0.5, 0.5, 0.5], [0.55, 0.65, 0.8], [0.7, 0.6, 0.4], [0.15, 0.2, 0.12]])
    return np.clip(kinds[rng.integers(0, len(kinds), count)] * rng.uniform(0.3, 1.5, (count, 1)) + rng.normal(0, 0.06, (count, 3)), 0, 1)
