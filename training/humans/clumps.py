"""Closed tapered tubes, of which locks of hair and the rims and temples of glasses are made."""

import numpy as np


def tubes(
    paths: np.ndarray, radius: np.ndarray, outward: np.ndarray, flatness: float = 1.0, sides: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Closed tubes along paths (N, K, 3) with radius (N, K), pointed at their last point and flat at the first.

    outward (N, K, 3): the side a tube's ridge looks at; flatness: thickness over width. Returns vertices (N * (sides (K - 1) + 1), 3),
    tube by tube and ring by ring, and outward faces.
    """
    count, rings = paths.shape[0], paths.shape[1] - 1
    around = _rings(paths, radius, outward, np.gradient(paths, axis=1), flatness, sides)[:, :-1]
    vertices = np.concatenate([around.reshape(count, -1, 3), paths[:, -1:]], axis=1)
    faces = _tube_faces(rings, sides)
    per = rings * sides + 1
    everyone = (faces[None] + (np.arange(count) * per)[:, None, None]).reshape(-1, 3)
    return vertices.reshape(-1, 3).astype(np.float32), everyone


def ellipsoid(centre: np.ndarray, radii: np.ndarray, rings: int = 8, sides: int = 14) -> tuple[np.ndarray, np.ndarray]:
    """Closed ellipsoid (V, 3) with axes along x, y, z, and outward faces."""
    latitude = np.linspace(-np.pi / 2, np.pi / 2, rings + 2)[1:-1]
    angle = 2 * np.pi * np.arange(sides) / sides
    ring = np.stack(
        [np.outer(np.cos(latitude), np.sin(angle)), np.tile(np.sin(latitude)[:, None], sides), np.outer(np.cos(latitude), np.cos(angle))],
        axis=-1,
    )
    vertices = np.concatenate([ring.reshape(-1, 3), [[0, 1, 0], [0, -1, 0]]]) * radii + centre
    side = np.arange(sides)
    bottom = np.stack([(side + 1) % sides, side, np.full(sides, rings * sides + 1)], axis=1)
    faces = _tube_faces(rings, sides)
    return vertices.astype(np.float32), np.concatenate([faces[: -(sides - 2)], bottom])


def loops(
    paths: np.ndarray, radius: np.ndarray, outward: np.ndarray, flatness: float = 1.0, sides: int = 6
) -> tuple[np.ndarray, np.ndarray]:
    """Closed rings along cyclic paths (N, K, 3) with radius (N, K); otherwise as `tubes`. Vertices (N * K * sides, 3)."""
    count, rings = paths.shape[:2]
    tangent = np.roll(paths, -1, axis=1) - np.roll(paths, 1, axis=1)
    around = _rings(paths, radius, outward, tangent, flatness, sides)
    ring, side = np.meshgrid(np.arange(rings), np.arange(sides), indexing="ij")
    beside, ahead = (side + 1) % sides, (ring + 1) % rings
    quads = np.stack([ring * sides + side, ring * sides + beside, ahead * sides + beside, ahead * sides + side], axis=-1).reshape(-1, 4)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    everyone = (faces[None] + (np.arange(count) * rings * sides)[:, None, None]).reshape(-1, 3)
    return around.reshape(-1, 3).astype(np.float32), everyone


def slab(top: np.ndarray, bottom: np.ndarray, around: bool) -> tuple[np.ndarray, np.ndarray]:
    """The closed solid between two sheets (R, C, 3) of points, closed along the columns when `around`. Vertices (2 R C, 3), top first.

    Seen from the top's outside, columns run to the right as rows run up.
    """
    rows, columns = top.shape[:2]
    place = np.arange(rows * columns).reshape(rows, columns)
    grid = np.concatenate([place, place[:, :1]], axis=1) if around else place
    a, b, c, d = (corner.ravel() for corner in (grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]))
    sheet = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
    edges = [grid[0], grid[-1, ::-1]] if around else [np.concatenate([grid[0, :-1], grid[:-1, -1], grid[-1, :0:-1], grid[::-1, 0]])]
    rim = np.concatenate([np.stack([edge[:-1], edge[1:]], axis=1) for edge in edges])
    count = rows * columns
    wall = np.concatenate([np.column_stack([rim[:, ::-1], rim[:, 0] + count]), np.column_stack([rim[:, 1], rim + count])])
    vertices = np.concatenate([top.reshape(-1, 3), bottom.reshape(-1, 3)]).astype(np.float32)
    return vertices, np.concatenate([sheet, sheet[:, ::-1] + count, wall])


def tube_values(count: int, points: int, sides: int, rng: np.random.Generator) -> np.ndarray:
    """Values (V, 2) for paints of `tubes`: position along the tube, 0 to 1, and the tube's own random number in [-1, 1]."""
    along = np.append(np.repeat(np.linspace(0, 1, points)[:-1], sides), 1.0)
    return np.stack([np.tile(along, count), np.repeat(rng.uniform(-1, 1, count), len(along))], axis=1).astype(np.float32)


def tube_uv(count: int, points: int, sides: int) -> np.ndarray:
    """Corner coordinates (F, 3, 2) for the faces of `tubes`: u once around, v along."""
    rings = points - 1
    ring, side = (axis.ravel() for axis in np.meshgrid(np.arange(rings - 1), np.arange(sides), indexing="ij"))
    a, b, c, d = ((side, ring), (side + 1, ring), (side + 1, ring + 1), (side, ring + 1))
    quads = [np.stack([np.stack(corner, axis=-1) for corner in triangle], axis=1) for triangle in ((a, b, c), (a, c, d))]
    end = np.arange(sides)[:, None] + np.array([0, 1, 0.5])
    tip = np.stack([end, np.broadcast_to([rings - 1.0, rings - 1.0, rings], end.shape)], axis=-1)
    one = np.concatenate([*quads, tip, np.zeros((sides - 2, 3, 2))]) / [sides, rings]
    return np.tile(one.astype(np.float32), (count, 1, 1))


def resampled(paths: np.ndarray, end: np.ndarray, points: int) -> np.ndarray:
    """Paths (N, M, 3), cut at the share `end` (N,) of their points, with as many points as asked: (N, points, 3)."""
    where = np.linspace(0, 1, points) * (np.clip(end, 0.02, 1) * (paths.shape[1] - 1))[:, None]
    low = np.minimum(where.astype(int), paths.shape[1] - 2)
    rows, share = np.arange(len(paths))[:, None], (where - low)[..., None]
    return paths[rows, low] * (1 - share) + paths[rows, low + 1] * share


def _rings(paths: np.ndarray, radius: np.ndarray, outward: np.ndarray, tangent: np.ndarray, flatness: float, sides: int) -> np.ndarray:
    """Cross-sections (N, K, sides, 3)."""
    across = unit(np.cross(outward, tangent))
    up = unit(np.cross(tangent, across))
    angle = np.pi / 2 + 2 * np.pi * np.arange(sides) / sides
    shape = np.cos(angle)[:, None] * across[:, :, None] + flatness * np.sin(angle)[:, None] * up[:, :, None]
    return paths[:, :, None] + radius[:, :, None, None] * shape


def _tube_faces(rings: int, sides: int) -> np.ndarray:
    ring, side = np.meshgrid(np.arange(rings - 1), np.arange(sides), indexing="ij")
    here, beside = ring * sides + side, ring * sides + (side + 1) % sides
    quads = np.stack([here, beside, beside + sides, here + sides], axis=-1).reshape(-1, 4)
    side = np.arange(sides)
    last = (rings - 1) * sides
    tip = np.stack([last + side, last + (side + 1) % sides, np.full(sides, rings * sides)], axis=1)
    fan = np.arange(1, sides - 1)
    root = np.stack([np.zeros_like(fan), fan + 1, fan], axis=1)
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]], tip, root])


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) of length one."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
