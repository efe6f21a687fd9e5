"""Beards, moustaches and brows as short closed locks; stubble is a matter of paint."""

from dataclasses import dataclass

import numpy as np

from .bald import BaldHead, angular_uv
from .clumps import tube_uv, tube_values, tubes, unit
from .hair_styles import Ranges
from .noise import Noise, smoothstep
from .part import Paint, RestPart

_STEPS = 8


@dataclass(frozen=True)
class Beard:
    """One beard; lengths in metres, 0 where none grows: on the upper lip, on the chin, along cheeks and jaw. high: how far up the cheeks,
    in metres; wide: half width of the chin's part; curl: how much the moustache's ends lift; mess: disorder."""

    lip: float = 0.0
    chin: float = 0.0
    cheek: float = 0.0
    high: float = 0.0
    wide: float = 0.03
    curl: float = 0.0
    mess: float = 0.25


@dataclass(frozen=True)
class BeardStyle:
    """How likely, what ranges, and whether training or only evaluation shows it."""

    weight: float
    ranges: Ranges
    split: str = "training"


BEARDS: dict[str, BeardStyle] = {
    "short": BeardStyle(4, {"lip": (0.005, 0.01), "chin": (0.006, 0.016), "cheek": (0.004, 0.01), "high": (-0.004, 0.012)}),
    "full": BeardStyle(3, {"lip": (0.008, 0.014), "chin": (0.02, 0.05), "cheek": (0.01, 0.025), "high": (0, 0.015), "mess": (0.2, 0.45)}),
    "long": BeardStyle(0.7, {"lip": (0.01, 0.018), "chin": (0.07, 0.14), "cheek": (0.02, 0.04), "high": (0, 0.012)}),
    "goatee": BeardStyle(1.5, {"lip": (0.005, 0.01), "chin": (0.008, 0.03), "wide": (0.022, 0.032)}),
    "moustache": BeardStyle(1.5, {"lip": (0.007, 0.015)}),
    "handlebar": BeardStyle(0.5, {"lip": (0.018, 0.026), "curl": (0.6, 1.4), "mess": (0.05, 0.1)}, "evaluation"),
    "chin": BeardStyle(0.7, {"chin": (0.01, 0.06), "wide": (0.012, 0.026)}, "evaluation"),
    "collar": BeardStyle(0.7, {"chin": (0.015, 0.04), "cheek": (0.01, 0.025), "high": (-0.008, 0.004)}, "evaluation"),
}


def draw_beard(rng: np.random.Generator, split: str = "training", name: str | None = None) -> Beard:
    """A random beard of a style drawn from a split, unless named."""
    if name is None:
        names = [name for name, style in BEARDS.items() if style.split == split]
        weights = np.array([BEARDS[name].weight for name in names])
        name = str(rng.choice(names, p=weights / weights.sum()))
    return Beard(**{key: float(rng.uniform(*span)) for key, span in BEARDS[name].ranges.items()})


def grow_beard(head: BaldHead, rng: np.random.Generator, noise: Noise, paint: Paint, beard: Beard) -> list[RestPart]:
    """Closed solid pieces of kind "beard": an under-volume and locks; values as those of grow_hair."""
    f, v = head.frame, head.vertices
    lips = v[head.region["lips"] > 0.5]
    upper, lower, wide = lips[:, 1].max(), lips[:, 1].min(), np.abs(lips[:, 0]).max()
    x, y = np.abs(v[:, 0]), v[:, 1] + 0.002 * noise(v, 60, 30)
    degrees = np.abs(head.azimuth(v))
    below_nose = f.nose[1] - 0.009
    corner = (upper + lower) / 2
    top = np.interp(degrees, [0, 17, 26, 40, 56, 66, 73, 82],
                    [below_nose, below_nose, corner + 0.006, corner - 0.01,
            f.ear_bottom - 0.012, f.ear_bottom + 0.01, f.ear_top, f.ear_top])  # fmt: skip
    top = top + beard.high * np.interp(degrees, [14, 30, 60, 70], [0, 1, 1, 0])
    bottom = np.interp(degrees, [0, 30, 60, 82], [f.chin - 0.006, f.chin, f.chin + 0.02, f.ear_bottom - 0.03])
    inside = smoothstep((top - y) / 0.006 + 0.5) * smoothstep((y - bottom) / 0.01 + 0.5) * smoothstep((80 - degrees) / 4)
    mouth = (x < wide + 0.001) & (y < upper) & (y > lower)
    inside = inside * (head.region["lips"] < 0.3) * (head.region["ears"] < 0.1) * ~mouth
    on_lip = smoothstep((y - corner) / 0.006 + 0.5) * smoothstep((wide + 0.007 - x) / 0.006)
    on_chin = (1 - on_lip) * smoothstep((beard.wide - x) / 0.008 + 0.5) * smoothstep((wide + 0.006 - x) / 0.006 + (corner - y) / 0.01)
    short = 0.2 + 0.8 * smoothstep((lower - 0.004 - y) / 0.03)  # under the lower lip
    length = beard.lip * on_lip + beard.chin * on_chin * short + beard.cheek * np.clip(1 - on_lip - on_chin, 0, 1)
    mask = (inside * smoothstep(length / 0.003)).astype(np.float32)
    if head.area(mask) < 1e-4:
        return []
    thick = np.minimum(0.35 * length, 0.012) * smoothstep((mask - 0.3) / 0.7)
    vertices, faces, binding = head.shell(mask, -0.001 + 0.0014 * mask + thick, 0.003)
    values = np.tile(np.array([[0.1, 0.0]], np.float32), (len(vertices), 1))
    under = RestPart("beard", vertices, faces, binding, paint, angular_uv(vertices, faces, f.centre), values)
    roots = head.scatter(mask, int(np.clip(60_000 * head.area(mask), 80, 900)), rng)
    side = np.sign(roots.points[:, 0] + 1e-9)
    whisker = roots.of(on_lip)[:, None]
    out = np.stack([side, -0.45 + np.zeros_like(side), 0.1 * side**2], axis=1)
    down = np.stack([0.15 * side - 4 * roots.points[:, 0] * roots.of(on_chin), np.full_like(side, -1), 0.25 + 0 * side], axis=1)
    lengths = roots.of(length) * rng.uniform(0.7, 1.15, len(side))
    jitter = (beard.mess / (1 + lengths / 0.05))[:, None] * (
        rng.normal(size=(len(side), 3)) + np.stack([noise(roots.points, 60, 31 + i) for i in range(3)], axis=1)
    )
    wish = unit(whisker * out + (1 - whisker) * down + jitter)
    lift = whisker * np.array([0, beard.curl, 0])
    locks = _short_locks(
        head,
        roots.points,
        roots.normals,
        wish,
        lift,
        lengths,
        roots.of(thick),
        rng.uniform(0.0018, 0.0032, len(side)) * (1 + lengths / 0.1),
    )
    return [under, _part(head, "beard", roots.points, *locks, paint, rng)]


def grow_brows(head: BaldHead, rng: np.random.Generator, paint: Paint) -> list[RestPart]:
    """Brows of kind "brow": closed solid locks that lie on the skin; values as those of grow_hair."""
    mask = smoothstep((head.region["brows"] - rng.uniform(0.35, 0.6)) / 0.3).astype(np.float32)
    roots = head.scatter(mask, int(rng.uniform(180, 320)), rng)
    side = np.sign(roots.points[:, 0] + 1e-9)
    inner = np.clip((0.03 - np.abs(roots.points[:, 0])) / 0.02, 0, 1)
    level = np.interp(np.abs(roots.points[:, 0]), [0.01, 0.04, 0.055], [0.5, 0.05, -0.4])
    wish = unit(np.stack([side * (1 - 0.5 * inner), level + 0.5 * inner, 0 * side], axis=1) + 0.15 * rng.normal(size=(len(side), 3)))
    length = rng.uniform(0.006, 0.009) * rng.uniform(0.7, 1.2, len(side))
    locks = _short_locks(
        head, roots.points, roots.normals, wish, np.zeros((1, 3)), length, np.zeros(len(side)), rng.uniform(0.0005, 0.0009, len(side))
    )
    return [_part(head, "brow", roots.points, *locks, paint, rng)]


def _short_locks(
    head: BaldHead,
    roots: np.ndarray,
    normals: np.ndarray,
    wish: np.ndarray,
    lift: np.ndarray,
    length: np.ndarray,
    thick: np.ndarray,
    radius: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Locks that leave along wish (N, 3), bend by lift (N, 3) towards their tips, hang, and stay out of the skin."""
    along = unit(wish - 0.8 * np.einsum("ni,ni->n", wish, normals)[:, None] * normals)
    position, direction, step = (
        roots + (0.8 * thick - 0.001)[:, None] * normals,
        unit(along + 0.35 * normals),
        (length / (_STEPS - 1))[:, None],
    )
    paths, outward = [position], [normals]
    for k in range(1, _STEPS):
        hang = np.minimum(k * step / 0.03, 1) * np.array([0, -0.5, 0])
        direction = unit(0.6 * direction + 0.4 * (along + hang) + lift * k / _STEPS)
        position = position + step * direction
        height, normal = head.skin(position)
        position = position + np.clip(thick * min(1, k / 2) + 0.0012 - height, 0, 0.01)[:, None] * normal
        paths.append(position)
        outward.append(normal)
    path, outward = np.stack(paths, axis=1)[:, ::2], np.stack(outward, axis=1)[:, ::2]
    profile = np.interp(np.linspace(0, 1, path.shape[1]), [0, 0.3, 0.7, 1], [0.8, 1, 0.8, 0])
    return tubes(path, radius[:, None] * profile, outward, 0.6)


def _part(
    head: BaldHead, kind: str, roots: np.ndarray, vertices: np.ndarray, faces: np.ndarray, paint: Paint, rng: np.random.Generator
) -> RestPart:
    return RestPart(
        kind,
        vertices,
        faces,
        head.bound(roots, vertices),
        paint,
        tube_uv(len(roots), _STEPS // 2, 3),
        tube_values(len(roots), _STEPS // 2, 3, rng),
    )
