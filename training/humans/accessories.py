"""Glasses, earrings: closed solids fitted to one head, and thin lenses that are drawn only."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from .bald import BaldHead
from .clumps import ellipsoid, loops, tubes, unit
from .hair_styles import Ranges
from .noise import smoothstep
from .part import Paint, PlainPaint, RestPart

_LOOP = 36
_EYES_APART = 0.063


@dataclass(frozen=True)
class Frame:
    """A pair of glasses, metres. wide, tall: half sizes of a lens; square: exponent of its outline, 2 an ellipse; drop: how far the lower
    outer part hangs; cat: how far the upper outer corner rises; rim: radius of the rims, 0 without; lower: radius of their lower half as a
    share of the upper's; tint: darkness of the lenses, 0 clear; high: place of the temples, share of `tall`."""

    wide: float = 0.025
    tall: float = 0.019
    square: float = 2.5
    drop: float = 0.0
    cat: float = 0.0
    rim: float = 0.001
    lower: float = 1.0
    tint: float = 0.0
    high: float = 0.35


@dataclass(frozen=True)
class FrameStyle:
    """What ranges frames are drawn from, and whether training or only evaluation shows them."""

    ranges: Ranges
    split: str = "training"


FRAMES: dict[str, FrameStyle] = {
    "round": FrameStyle({"wide": (0.021, 0.025), "tall": (0.02, 0.024), "square": (2, 2.1), "rim": (0.0007, 0.0016)}),
    "oval": FrameStyle({"wide": (0.023, 0.027), "tall": (0.014, 0.018), "square": (2, 2.4), "rim": (0.0007, 0.0014)}),
    "rectangle": FrameStyle({"wide": (0.025, 0.028), "tall": (0.013, 0.017), "square": (3.5, 6), "rim": (0.0008, 0.002)}),
    "square": FrameStyle({"wide": (0.023, 0.027), "tall": (0.019, 0.023), "square": (3, 5), "rim": (0.001, 0.002), "drop": (0, 0.002)}),
    "thick": FrameStyle({"wide": (0.023, 0.027), "tall": (0.017, 0.022), "square": (2.6, 5), "rim": (0.0022, 0.0034), "high": (0.4, 0.7)}),
    "rimless": FrameStyle({"wide": (0.023, 0.027), "tall": (0.014, 0.019), "square": (2.2, 4), "rim": (0, 0)}),
    "half": FrameStyle({"wide": (0.024, 0.027), "tall": (0.015, 0.019), "square": (2.6, 4), "rim": (0.0012, 0.0022), "lower": (0.2, 0.3)}),
    "sun": FrameStyle({"wide": (0.026, 0.031), "tall": (0.02, 0.026), "square": (2.2, 4), "rim": (0.001, 0.003), "tint": (0.6, 1),
        "drop": (0, 0.004)}),
    "aviator": FrameStyle({"wide": (0.027, 0.03), "tall": (0.021, 0.025), "square": (2.2, 2.6), "drop": (0.004, 0.007),
        "rim": (0.0006, 0.001), "tint": (0, 1), "high": (0.6, 0.75)}, "evaluation"),
    "cat_eye": FrameStyle({"wide": (0.025, 0.028), "tall": (0.016, 0.02), "square": (2.2, 2.8), "cat": (0.004, 0.008),
        "rim": (0.0014, 0.0026), "high": (0.6, 0.8)}, "evaluation"),
}  # fmt: skip


def draw_frame(rng: np.random.Generator, split: str = "training", name: str | None = None) -> Frame:
    """Random glasses of a kind drawn from a split, unless named; one clear pair in eight is tinted."""
    if name is None:
        name = str(rng.choice([name for name, style in FRAMES.items() if style.split == split]))
    drawn = {key: float(rng.uniform(*span)) for key, span in FRAMES[name].ranges.items()}
    if "tint" not in drawn and rng.random() < 0.12:
        drawn["tint"] = float(rng.uniform(0.3, 1))
    return Frame(**drawn)


def make_glasses(head: BaldHead, rng: np.random.Generator, frame: Frame, paint: Paint) -> list[RestPart]:
    """Solid pieces of kind "glasses" painted as asked, and two thin lenses of kind "lens"; they touch the nose and the ears' roots only."""
    outline = _outline(frame)
    both = np.stack([outline * [1, 1], outline * [-1, 1]])
    both[:, :, 0] += np.array([[1], [-1]]) * max(_EYES_APART / 2, frame.wide + 0.0085)
    both[:, :, 1] -= 0.003 + 0.1 * frame.tall
    depth = _stand_off(head, both, max(frame.rim, 0.001))
    rims = np.concatenate([both, depth(both)[..., None]], axis=-1)
    solids: list[tuple[np.ndarray, np.ndarray]] = []
    forward = np.broadcast_to(np.array([0, 0, 1.0]), rims.shape)
    if frame.rim > 0:
        upper = smoothstep(outline[:, 1] / frame.tall * 2 + 0.8)
        radius = frame.rim * (frame.lower + (1 - frame.lower) * upper) * (1 + 0.25 * upper)
        solids.append(loops(rims, np.tile(radius, (2, 1)), forward, 0.8, 6))
    solids.append(_bridge(head, rims, frame))
    solids += [_temple(head, rims[row], frame, side) for row, side in enumerate((1.0, -1.0))]
    solids += _pads(head, rims)
    vertices = np.concatenate([piece[0] for piece in solids])
    starts = np.cumsum([0] + [len(piece[0]) for piece in solids[:-1]])
    faces = np.concatenate([piece[1] + start for piece, start in zip(solids, starts, strict=True)])
    nose = head.frame.nose[None] * np.array([0, 0, 1.0])
    parts = [RestPart("glasses", vertices, faces, head.bound(nose, vertices), paint)]
    dark, red = rng.uniform(0.005, 0.04), rng.uniform(1, 1.6)
    if frame.tint:
        glass = PlainPaint((red * dark, dark, dark), opacity=0.35 + 0.6 * frame.tint)
    else:
        glass = PlainPaint((0.25, 0.28, 0.32), opacity=float(rng.uniform(0.03, 0.12)))
    for rim in rims:
        lens, lens_faces = _lens(rim)
        parts.append(RestPart("lens", lens, lens_faces, head.bound(nose, lens), glass, solid=False))
    return parts


def _outline(frame: Frame) -> np.ndarray:
    """The left lens's rim (K, 2) about its centre, counter-clockwise from its outer end seen from the front with x to the right."""
    angle = 2 * np.pi * np.arange(_LOOP) / _LOOP
    cosine, sine = np.cos(angle), np.sin(angle)
    power = 2 / frame.square
    x, y = frame.wide * np.sign(cosine) * np.abs(cosine) ** power, frame.tall * np.sign(sine) * np.abs(sine) ** power
    lower, outer = np.clip(-y / frame.tall, 0, 1), np.clip(x / frame.wide, -1, 1)
    x = x * (1 - 0.12 * lower) - np.where(outer < 0, 0.0025 * lower * outer * -1, 0)
    y = y - frame.drop * lower * (0.6 + 0.4 * outer) + frame.cat * np.clip(y / frame.tall, 0, 1) * smoothstep((outer - 0.2) / 0.8)
    return np.stack([x, y], axis=1)


def _stand_off(head: BaldHead, rims: np.ndarray, gap: float) -> Callable[[np.ndarray], np.ndarray]:
    """How far in front (N,) any point (N, 2) of the glasses' curved front lies, such that the front clears the face by a gap."""
    front = head.vertices[(head.region["head"] > 0.5) & (head.normals[:, 2] > 0.1) & (head.vertices[:, 2] > -0.06)]
    near = cKDTree(front[:, :2])
    curve = lambda points: -1.6 * points[..., 0] ** 2 + 0.12 * points[..., 1]  # noqa: E731 - wrapped around the face, leaning forward
    centre = rims.mean(1, keepdims=True)
    probe = (centre + (rims - centre) * np.array([1.0, 0.6, 0.2])[:, None, None, None]).reshape(-1, 2)
    skin = front[near.query(probe, k=3)[1], 2].max(1)
    offset = float((skin - curve(probe)).max()) + gap + 0.0015
    return lambda points: offset + curve(points)


def _bridge(head: BaldHead, rims: np.ndarray, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    inner = rims[0, np.argmin(np.abs(np.arange(_LOOP) - _LOOP * 0.44))]
    x = np.linspace(1, -1, 11) * (inner[0] + 0.001)
    arch = 0.003 * (1 - (x / x[0]) ** 2)
    y = inner[1] + arch
    middle = head.vertices[(np.abs(head.vertices[:, 0]) < 0.012) & (head.region["face"] > 0.5)]
    skin = middle[cKDTree(middle[:, :2]).query(np.stack([x, y], axis=1), k=2)[1], 2].max(1)
    radius = max(frame.rim, 0.0008) * 1.1
    path = np.stack([x, y, np.maximum(inner[2] + 0.4 * arch, skin + radius + 0.0005)], axis=1)
    size = np.append(np.full(10, radius), 0.3 * radius)
    return tubes(path[None], size[None], np.broadcast_to(np.array([0, 0, 1.0]), (1, 11, 3)), 1.0, 6)


def _temple(head: BaldHead, rim: np.ndarray, frame: Frame, side: float) -> tuple[np.ndarray, np.ndarray]:
    """From the hinge at the rim's outer end over the root of this side's ear and down behind it."""
    ears = head.vertices[(head.region["ears"] > 0.5) & (head.vertices[:, 0] * side > 0)]
    top = ears[:, 1].max()
    high = ears[ears[:, 1] > top - 0.012]
    root = np.array([np.abs(high[:, 0]).min() * side, top + 0.001, high[:, 2].mean()])
    hinge = rim[np.argmin(np.abs(np.arange(_LOOP) / _LOOP * 2 * np.pi - frame.high))] + np.array([0.001 * side, 0, 0])
    behind = ears[:, 2].min() - 0.004
    corner = hinge + np.array([0.005 * side, 0, -0.008])
    corner[0] = side * max(abs(corner[0]), abs(root[0]) - 0.008)
    elbow = (hinge + corner) / 2 + np.array([0.002 * side, 0, 0.002])
    hook = np.array([[root[0], root[1] - 0.012, behind], [root[0] * 0.97, top - 0.035, behind - 0.004]])
    knots = np.concatenate([[hinge, elbow, corner, root], hook])
    at = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1))])
    where = np.linspace(0, at[-1], 22)
    path = np.stack([np.interp(where, at, knots[:, axis]) for axis in range(3)], axis=1)
    radius = max(0.0011, 0.9 * frame.rim)
    skull = ~((head.region["ears"] > 0.3) | (head.normals[:, 0] * side < 0.05))
    tree, points, normals = cKDTree(head.vertices[skull]), head.vertices[skull], head.normals[skull]
    for _ in range(3):
        near = tree.query(path)[1]
        height = np.einsum("ni,ni->n", path - points[near], normals[near])
        push = np.maximum(radius + 0.0008 - height, 0) * (np.arange(22) > 2)
        path = path + (push * side)[:, None] * np.array([1.0, 0, 0])
        path[3:-1] = 0.5 * path[3:-1] + 0.25 * (path[2:-2] + path[4:])
    out = np.broadcast_to(np.array([side, 0, 0]), (1, 22, 3))
    taper = np.append(np.full(21, radius), 0.4 * radius)
    vertices, faces = tubes(path[None], taper[None] * 1.5, out, 0.6, 6)
    return vertices, faces


def _pads(head: BaldHead, rims: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Two pads that bridge the gap between rims and nose."""
    pads = []
    for rim, side in zip(rims, (1.0, -1.0), strict=True):
        inner = rim[int(_LOOP * 0.56)]
        nose = inner.copy()
        for _ in range(3):
            height, normal = head.skin(nose[None])
            nose = nose - height[0] * normal[0]
        steps = np.linspace(0, 1, 5)[:, None]
        path = (inner * (1 - steps) + (nose + np.array([0.001 * side, 0, 0.0005])) * steps)[None]
        if np.linalg.norm(inner - nose) < 0.012:
            pads.append(tubes(path, np.full((1, 5), 0.0014), np.broadcast_to(np.array([0, 1.0, 0]), path.shape), 1.0, 5))
            pads.append(ellipsoid(nose, np.array([0.0014, 0.004, 0.0024]), 4, 8))
    return pads


def _lens(rim: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A thin closed lens in a rim (K, 3)."""
    count = len(rim)
    centre = rim.mean(0)
    vertices = np.concatenate([rim, centre[None] + np.array([[0, 0, 0.0012], [0, 0, -0.0004]])]).astype(np.float32)
    here, beside = np.arange(count), (np.arange(count) + 1) % count
    front, back = np.full(count, count), np.full(count, count + 1)
    faces = np.concatenate([np.stack([here, beside, front], axis=1), np.stack([beside, here, back], axis=1)])
    turns_left = np.cross(rim[1] - centre, rim[2] - centre)[2] > 0
    return vertices, faces if turns_left else faces[:, ::-1]


def make_earrings(head: BaldHead, rng: np.random.Generator, paint: Paint) -> list[RestPart]:
    """A stud, a drop or a hoop at each lobe."""
    kind, size, parts = rng.integers(3), rng.uniform(0.002, 0.004), []
    for side in (1.0, -1.0):
        ear = head.vertices[(head.region["ears"] > 0.7) & (head.vertices[:, 0] * side > 0)]
        lobe = ear[ear[:, 1] < ear[:, 1].min() + 0.006]
        place = lobe.mean(0) + np.array([0.002 * side, 0.001, 0.001])
        if kind == 2:
            radius, angle = 3.5 * size, 2 * np.pi * np.arange(24) / 24
            ring = place + np.stack([0 * angle, radius * np.sin(angle) - radius, radius * np.cos(angle)], axis=1)
            vertices, faces = loops(ring[None], np.full((1, 24), 0.3 * size), unit(ring - ring.mean(0))[None], 1.0, 5)
        else:
            stretch = np.array([1, 1 + 3 * kind, 1])
            vertices, faces = ellipsoid(place - [0, size * stretch[1] * kind, 0], size * stretch)
        parts.append(RestPart("glasses", vertices, faces, head.bound(place[None], vertices), paint))
    return parts
