"""Tied hair: ponytails, buns and braids, hanging from where the locks are gathered."""

import numpy as np

from .bald import BaldHead
from .clumps import ellipsoid, tube_uv, tube_values, tubes, unit
from .hair_styles import Cut
from .noise import smoothstep
from .part import Paint, RestPart

_HANG = 16
_Piece = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Vertices, faces, corner uv and values."""


def ties(head: BaldHead, cut: Cut, kind: str) -> np.ndarray:
    """Where hair is gathered, (T, 3): nowhere, at the back, or at both sides of it."""
    if not kind:
        return np.zeros((0, 3))
    angle = np.radians(cut.tie)
    sides = (0.0,) if kind in ("tail", "bun") else (1.0, -1.0)
    directions = unit(np.array([[0.75 * side * np.cos(angle), np.sin(angle), -np.cos(angle)] for side in sides]))
    scalp = np.flatnonzero((head.region["scalp"] > 0.5) & (head.region["ears"] < 0.1))
    away = unit(head.vertices[scalp] - head.frame.centre)
    skin = scalp[(away @ directions.T).argmax(0)]
    return head.vertices[skin] + (0.7 * cut.volume + 0.004) * head.normals[skin]


def tied_pieces(head: BaldHead, cut: Cut, kind: str, gathered: np.ndarray, paint: Paint, rng: np.random.Generator) -> list[RestPart]:
    """What hangs from the gathering points (T, 3)."""
    make = {"tail": _tail, "tails": _tail, "braids": _braid, "bun": _bun}
    pieces = []
    for point in gathered:
        vertices, faces, uv, values = make[kind](head, cut, point, rng)
        pieces.append(RestPart("hair", vertices, faces, head.bound(np.tile(point, (1, 1)), vertices), paint, uv, values))
    return pieces


def _tail(head: BaldHead, cut: Cut, point: np.ndarray, rng: np.random.Generator) -> _Piece:
    count, rings = 80, _HANG
    out = unit(point - head.frame.centre)
    spread = rng.normal(size=(count, 3)) * 0.006
    paths = _hang(
        head, point + spread - 0.012 * out, out + 20 * spread + 0.12 * rng.normal(size=(count, 3)), cut.tail * rng.uniform(0.75, 1, count)
    )
    bulge = np.sin(np.pi * np.linspace(0, 1, rings) ** 0.7)[None, :, None]
    paths = paths + bulge * spread[:, None] * 1.8
    radius = rng.uniform(0.005, 0.009, (count, 1)) * np.interp(np.linspace(0, 1, rings), [0, 0.15, 0.7, 1], [0.6, 1, 0.9, 0])
    vertices, faces = tubes(paths, radius, np.broadcast_to(spread[:, None], paths.shape), 0.6)
    return vertices, faces, tube_uv(count, rings, 3), tube_values(count, rings, 3, rng)


def _braid(head: BaldHead, cut: Cut, point: np.ndarray, rng: np.random.Generator) -> _Piece:
    rings, sides, strand = 40, 6, np.arange(3) * 2 * np.pi / 3
    out = unit(point - head.frame.centre)
    guide = _hang(head, point[None] - 0.01 * out, out[None], np.array([cut.tail]))[0]
    at = np.linspace(0, 1, rings)
    guide = np.stack([np.interp(at, np.linspace(0, 1, _HANG), guide[:, axis]) for axis in range(3)], axis=1)
    across = unit(np.cross(np.gradient(guide, axis=0), out))
    ahead = unit(np.cross(across, np.gradient(guide, axis=0)))
    narrow = np.interp(at, [0, 0.1, 0.85, 1], [0.6, 1, 0.7, 0.3])
    phase = at * cut.tail / 0.055 * 2 * np.pi + strand[:, None]
    weave = 0.009 * np.sin(phase)[..., None] * across + 0.0045 * np.sin(2 * phase)[..., None] * ahead
    paths = guide + narrow[None, :, None] * weave
    radius = 0.0095 * narrow * np.interp(at, [0, 0.97, 1], [1, 0.8, 0])
    vertices, faces = tubes(paths, np.tile(radius, (3, 1)), np.broadcast_to(ahead, paths.shape), 0.8, sides)
    return vertices, faces, tube_uv(3, rings, sides), tube_values(3, rings, sides, rng)


def _bun(head: BaldHead, cut: Cut, point: np.ndarray, rng: np.random.Generator) -> _Piece:
    """A ball with locks wound around it."""
    count, rings, size = 70, 12, cut.tail
    out = unit(point - head.frame.centre)
    centre = point + 0.55 * size * out
    core, core_faces = ellipsoid(centre, np.full(3, 0.85 * size))
    axis = unit(out + 0.45 * rng.normal(size=(count, 3)))
    one = unit(np.cross(axis, rng.normal(size=(count, 3))))
    two = np.cross(axis, one)
    angle = np.linspace(0, 1, rings) * rng.uniform(2, 5, (count, 1))
    latitude = rng.uniform(-0.9, 0.9, (count, 1)) + 0.3 * np.linspace(-1, 1, rings)
    around = np.cos(latitude)[..., None] * (np.cos(angle)[..., None] * one[:, None] + np.sin(angle)[..., None] * two[:, None])
    sphere = around + np.sin(latitude)[..., None] * axis[:, None]
    paths = centre + size * rng.uniform(0.85, 1.02, (count, 1, 1)) * sphere
    radius = rng.uniform(0.004, 0.007, (count, 1)) * np.interp(np.linspace(0, 1, rings), [0, 0.2, 0.8, 1], [0.3, 1, 1, 0])
    vertices, faces = tubes(paths, radius, sphere, 0.6)
    values = np.concatenate([np.tile(np.array([[0.3, 0]], np.float32), (len(core), 1)), tube_values(count, rings, 3, rng)])
    uv = np.concatenate([np.zeros((len(core_faces), 3, 2), np.float32), tube_uv(count, rings, 3)])
    return np.concatenate([core, vertices]), np.concatenate([core_faces, faces + len(core)]), uv, values


def _hang(head: BaldHead, start: np.ndarray, direction: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Paths (N, M, 3) that leave in a direction (N, 3), then hang, outside of head, neck and back."""
    position, direction, step = start, unit(direction), (length / (_HANG - 1))[:, None]
    paths = [position]
    for k in range(1, _HANG):
        heavy = 0.2 + 0.35 * smoothstep(k * step / 0.1)
        direction = unit((1 - heavy) * direction + heavy * np.array([0.0, -1.0, 0.0]))
        position = position + step * direction
        height, normal = head.skin(position)
        low = smoothstep((head.frame.chin + 0.03 - position[:, 1]) / 0.05)
        position = position + np.maximum(0.01 + 0.012 * low - height, 0)[:, None] * normal * (k > 2)
        direction = unit(position - paths[-1])
        paths.append(position)
    return np.stack(paths, axis=1)
