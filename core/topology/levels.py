"""The rigged head with fewer quads, ended along the cut at which the reconstructed one ends."""

from dataclasses import replace

import numpy as np

from ..geometry.closest import ClosestSurface
from ..geometry.mesh import adjacency, boundary_loops, vertex_normals
from ..models.head_levels import RINGS, HeadLevel
from ..models.joints import NECK
from ..surface.cut import below_cut
from .rigged import RiggedHead
from .transfer import Transfer

_ROUNDS, _STEP, _SLOPE = 12, 0.01, 1e-4  # of walking to the cut: rounds; metres a round at most; metres between heights that tell a slope
_FADE = 4  # rings of vertices over which the skin slides along with its border
_SPREAD = 200  # steps of spreading the sliding among them
_SMOOTHED = 12  # times that a border is averaged with its neighbours: over five edges, of some 2 cm
_FARTHEST = 0.05  # metres that a border slides at most


def on_cut(rigged: RiggedHead, cut: str) -> tuple[RiggedHead, Transfer]:
    """A rigged head of the bundled model whose skin has slid along itself, so that the path of a cut of RINGS lies where the neutral head
    is cut; and the places of its vertices on the given one. All that vertices have goes along but for the UV map. Any other cut alters
    nothing."""
    count = int(rigged.faces[rigged.face_part == 0].max()) + 1
    corners = np.repeat(np.arange(len(rigged.neutral))[:, None], 3, axis=1)
    shares = np.tile(np.array([1, 0, 0], np.float32), (len(corners), 1))
    places = Transfer(corners, shares, np.zeros(len(corners), np.float32))
    if cut not in RINGS:
        return rigged, places
    faces, skin = rigged.faces[rigged.face_part == 0], rigged.neutral[:count]
    surface = ClosestSurface(skin, faces)
    path = HeadLevel.load("full").path(cut)
    move = np.zeros((count, 3), np.float32)
    move[path] = _to_cut(skin[path], surface, faces, skin, rigged.joints[NECK], cut) - skin[path]
    moved = np.flatnonzero(_spread(move, path, faces) > 0)
    _, face, shared = surface.query((skin + move)[moved])
    corners[moved], shares[moved] = faces[face], shared
    carried = {name: places(getattr(rigged, name)).astype(np.float32) for name in ("neutral", "weights", "correspondence")}
    keys, correctives = (
        np.stack([places(one) for one in many]).astype(np.float32) if len(many) else many for many in (rigged.keys, rigged.correctives)
    )
    return replace(rigged, **carried, keys=keys, correctives=correctives), places


def with_fair_border(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Vertices (V, 3) with the loop that the faces (F, 3) end in smoothed along itself, and what is around it going along. Where skin
    was drawn onto a surface that ends there too, some of its border has found the surface's side and some its underside."""
    loop = max(boundary_loops(faces), key=lambda loop: np.linalg.norm(np.diff(vertices[loop], axis=0), axis=1).sum())
    points = vertices[loop]
    for _ in range(_SMOOTHED):
        points = (np.roll(points, 1, axis=0) + 2 * points + np.roll(points, -1, axis=0)) / 4
    move = np.zeros_like(vertices)
    move[loop] = points - vertices[loop]
    _spread(move, loop, faces)
    return vertices + move


def _to_cut(points: np.ndarray, surface: ClosestSurface, faces: np.ndarray, skin: np.ndarray, origin: np.ndarray, cut: str) -> np.ndarray:
    """Points (N, 3) of the skin, walked along it to the cut by the steepest way."""
    normals, start = vertex_normals(skin, faces), points
    for _ in range(_ROUNDS):
        _, face, shares = surface.query(points)
        normal = surface.interpolate(normals, face, shares)
        height = below_cut(points - origin, cut)
        around = [below_cut(points + _SLOPE * axis - origin, cut) for axis in np.eye(3)]
        slope = (np.stack(around, axis=1) - height[:, None]) / _SLOPE
        slope -= (slope * normal).sum(1, keepdims=True) * normal
        step = -height[:, None] * slope / np.maximum((slope**2).sum(1, keepdims=True), 0.1)
        step *= np.minimum(1, _STEP / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9))
        _, face, shares = surface.query((points + step).astype(np.float32))
        points = surface.interpolate(skin, face, shares)
    move = points - start
    return start + move * np.minimum(1, _FARTHEST / np.maximum(np.linalg.norm(move, axis=1, keepdims=True), 1e-9))


def _spread(move: np.ndarray, path: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Give the vertices around a path their share in its move (V, 3), in place; how far each one moves (V,)."""
    neighbours = adjacency(faces, len(move))
    mean = neighbours.multiply(1 / np.maximum(np.diff(neighbours.indptr), 1)[:, None]).tocsr()
    near = np.zeros(len(move), bool)
    near[path] = True
    for _ in range(_FADE):
        near |= neighbours @ near > 0
    near[path] = False
    free = np.flatnonzero(near)
    rows = mean[free]
    for _ in range(_SPREAD):
        move[free] = rows @ move
    return np.linalg.norm(move, axis=1)


def at_level(rigged: RiggedHead, detail: str, cut: str) -> RiggedHead:
    """A rigged head of the bundled model in quads of one of RIG_DETAILS, without what lies outside a cut of RINGS. Its vertices are some of
    the given one's, with all that they have."""
    level = HeadLevel.load(detail).inside(cut)
    used = np.unique(level.quads)
    number = np.zeros(len(rigged.neutral), np.int32)
    number[used] = np.arange(len(used))
    part = np.zeros(len(rigged.neutral), np.int32)
    part[rigged.faces] = rigged.face_part[:, None]
    halves = lambda quads: quads[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)  # noqa: E731
    some = {name: getattr(rigged, name)[used] for name in ("neutral", "weights", "correspondence")}
    return replace(
        rigged,
        **some,
        keys=rigged.keys[:, used],
        correctives=rigged.correctives[:, used],
        faces=number[halves(level.quads)],
        faces_uv=halves(level.quads_uv).astype(np.int32),
        face_part=np.repeat(part[level.quads[:, 0]], 2),
        split=1,
    )
