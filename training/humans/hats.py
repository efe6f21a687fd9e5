"""Hats, caps, turbans, hoods and scarves as closed solids fitted over one head, and where they leave room for hair."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from .bald import BaldHead
from .clumps import slab
from .hair_styles import Cut
from .noise import Noise, smoothstep
from .part import Paint, RestPart

_AROUND, _ROWS = 48, 16
HATS = {
    "beanie": "training",
    "cap": "training",
    "brimmed": "training",
    "headband": "training",
    "hijab": "training",
    "turban": "training",
    "hood": "training",
    "bucket": "evaluation",
    "scarf": "evaluation",
}
"""Kinds, and whether training or only evaluation shows them."""


@dataclass(frozen=True)
class Hat:
    """parts: closed solids of kind "hat"; allowed (V,): where on the bust hair still has room, for grow_hair."""

    parts: list[RestPart]
    allowed: np.ndarray


def flattened(cut: Cut) -> Cut:
    """The cut as worn under a hat: flat, hanging from the rim, and tied low."""
    return replace(
        cut, lift=min(cut.lift, 0.1), volume=min(cut.volume, 0.008), hug=max(cut.hug, 0.7), tie=min(cut.tie, -15.0), whorl=1.0,
        aside=0.2 * cut.aside, backward=0.2 * cut.backward, forward=0.2 * cut.forward,
        drop=min(cut.drop, 0.04) if cut.tail == 0 else cut.drop, curl=min(cut.curl, 0.05 * cut.back),
    )  # fmt: skip


def draw_hat(rng: np.random.Generator, split: str = "training") -> str:
    """A kind of hat of a split."""
    return str(rng.choice([kind for kind, owner in HATS.items() if owner == split]))


def make_hat(head: BaldHead, rng: np.random.Generator, noise: Noise, kind: str, paint: Paint) -> Hat:
    """A hat of a kind in HATS; raises KeyError for others."""
    maker = {
        "beanie": _beanie, "cap": _cap, "brimmed": _brimmed, "bucket": _brimmed, "headband": _headband, "turban": _turban,
        "scarf": _wrapped, "hijab": _wrapped, "hood": _wrapped,
    }[kind]  # fmt: skip
    return maker(head, rng, noise, kind, paint)


class _Crown:
    """The head as distances from a centre, on a grid of azimuths (A,) and of rows between two heights."""

    def __init__(self, head: BaldHead, ears: bool) -> None:
        f = head.frame
        used = (head.region["head"] > 0.5) & (ears | (head.region["ears"] < 0.05)) & (head.vertices[:, 2] > f.centre[2] - 0.2)
        self.centre = f.centre + np.array([0, 0.02, -0.004])
        away = head.vertices[used] - self.centre
        self._radius = np.linalg.norm(away, axis=1)
        self._tree = cKDTree(away / self._radius[:, None])
        self.azimuth = 2 * np.pi * np.arange(_AROUND) / _AROUND

    def radius(self, directions: np.ndarray) -> np.ndarray:
        """Distance (N,) of the skin along unit directions (N, 3)."""
        return self._radius[self._tree.query(directions, k=4)[1]].mean(-1)

    def directions(self, elevation: np.ndarray) -> np.ndarray:
        """Unit directions (R, A, 3) for elevations (R, A), radians."""
        flat, up = np.cos(elevation), np.sin(elevation)
        return np.stack([flat * np.sin(self.azimuth), up, flat * np.cos(self.azimuth)], axis=-1)

    def elevation(self, height: np.ndarray) -> np.ndarray:
        """Elevations (A,) at which the skin has these heights (A,)."""
        elevation = np.zeros(_AROUND)
        for _ in range(5):
            radius = self.radius(self.directions(elevation[None])[0])
            elevation = np.arcsin(np.clip((height - self.centre[1]) / radius, -0.9, 0.99))
        return elevation

    def sheet(self, low: np.ndarray, high: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Directions (R, A, 3) from the heights low (A,) up to high (A,), or the pole, and the skin's smoothed distance (R, A) there."""
        first = self.elevation(low)
        last = np.full(_AROUND, np.pi / 2) if high is None else self.elevation(high)
        share = np.linspace(0, 1, _ROWS)[:, None]
        directions = self.directions(first * (1 - share) + last * share)
        radius = self.radius(directions.reshape(-1, 3)).reshape(_ROWS, _AROUND)
        radius = _smooth(radius, 3)
        if high is None:
            radius[-1] = radius[-1].mean()
        return directions, radius


def _smooth(radius: np.ndarray, times: int) -> np.ndarray:
    """A sheet of distances (R, A), cyclic along A, without its bumps."""
    for _ in range(times):
        radius = 0.4 * radius + 0.3 * (np.roll(radius, 1, axis=1) + np.roll(radius, -1, axis=1))
        radius[1:-1] = 0.4 * radius[1:-1] + 0.3 * (radius[:-2] + radius[2:])
    return radius


def _rim(head: BaldHead, crown: _Crown, front: float, side: float, back: float) -> np.ndarray:
    """Heights (A,) of a rim, given those in front, at the ears and at the back."""
    degrees = np.abs(np.degrees(np.arctan2(np.sin(crown.azimuth), np.cos(crown.azimuth))))
    heights = np.interp(degrees, [0, 30, 85, 110, 180], [front, front, side, 0.5 * (side + back), back])
    return (np.roll(heights, 1) + 2 * heights + np.roll(heights, -1)) / 4


def _allowed(head: BaldHead, crown: _Crown, low: np.ndarray) -> np.ndarray:
    around = np.arctan2(head.vertices[:, 0] - crown.centre[0], head.vertices[:, 2] - crown.centre[2]) % (2 * np.pi)
    rim = np.interp(around, crown.azimuth, low, period=2 * np.pi)
    return smoothstep((rim + 0.006 - head.vertices[:, 1]) / 0.008).astype(np.float32)


def _part(head: BaldHead, top: np.ndarray, bottom: np.ndarray, paint: Paint, around: bool = True) -> RestPart:
    vertices, faces = slab(top, bottom, around)
    crown = head.frame.centre[None] + np.array([[0, 0.1, 0]])
    return RestPart("hat", vertices, faces, head.bound(crown, vertices), paint)


def _beanie(head: BaldHead, rng: np.random.Generator, noise: Noise, kind: str, paint: Paint) -> Hat:
    f = head.frame
    high, covers = f.top - f.brow, rng.random() < 0.6
    crown = _Crown(head, covers)
    side = f.ear_top + (-0.035 if covers else 0.004)
    low = _rim(head, crown, f.brow + rng.uniform(0.15, 0.5) * high, side, f.ear_top - rng.uniform(0.02, 0.05))
    directions, radius = crown.sheet(low, None)
    share = np.linspace(0, 1, _ROWS)[:, None]
    slouch = rng.uniform(0, 0.035) * share**2
    place = crown.centre + directions * radius[..., None]
    folds = 0.0015 * noise(place.reshape(-1, 3) * [1, 0.4, 1], 40, 40).reshape(radius.shape)
    brim = rng.uniform(0.003, 0.006) * (share < rng.uniform(0.2, 0.35)) * (rng.random() < 0.7)
    thick = rng.uniform(0.008, 0.012) + slouch + folds * (1 - share) + brim
    outer = crown.centre + directions * (radius + thick)[..., None] - slouch[..., None] * np.array([0, 0, rng.uniform(0, 0.8)])
    parts = [_part(head, outer, crown.centre + directions * (radius - 0.004)[..., None], paint)]
    return Hat(parts, _allowed(head, crown, low))


def _cap(head: BaldHead, rng: np.random.Generator, noise: Noise, kind: str, paint: Paint) -> Hat:
    f = head.frame
    high, crown = f.top - f.brow, _Crown(head, False)
    front = f.brow + rng.uniform(0.25, 0.45) * high
    low = _rim(head, crown, front, f.ear_top + rng.uniform(0.006, 0.02), f.ear_top - rng.uniform(0, 0.025))
    directions, radius = crown.sheet(low, None)
    share = np.linspace(0, 1, _ROWS)[:, None]
    tall = rng.uniform(0.004, 0.02) * np.sin(np.pi * np.minimum(share, 0.8)) * np.clip(np.cos(crown.azimuth), 0, 1)
    seam = 0.0008 * np.abs(np.sin(3 * crown.azimuth)) ** 0.2 * np.sin(np.pi * share)
    outer = crown.centre + directions * (radius + 0.008 + tall + seam)[..., None]
    parts = [_part(head, outer, crown.centre + directions * (radius - 0.004)[..., None], paint)]
    reach, bend, slope = rng.uniform(0.06, 0.078), rng.uniform(0.1, 0.9), rng.uniform(-0.1, 0.45)
    backwards = rng.random() < 0.12
    span, out = np.radians(np.linspace(-58, 58, 23)), np.linspace(0, 1, 7)[:, None]
    angle = span[None] + (np.pi if backwards else 0)
    edge = np.stack([np.interp(angle[0], crown.azimuth, outer[0, :, axis], period=2 * np.pi) for axis in range(3)], axis=-1)
    ahead = reach * out * np.sqrt(np.clip(1 - (span / span[-1]) ** 2, 0, 1))[None]
    sideways = edge[None, :, 0] * (1 + 0.04 * out)
    droop = -slope * ahead - 6 * bend * sideways**2 * out
    top = np.stack([sideways, edge[None, :, 1] + 0.003 + droop, edge[None, :, 2] + (-1 if backwards else 1) * (ahead - 0.006)], axis=-1)
    parts.append(_part(head, top[::-1], top[::-1] - [0, 0.003, 0], paint, around=False))
    return Hat(parts, _allowed(head, crown, low))


def _brimmed(head: BaldHead, rng: np.random.Generator, noise: Noise, kind: str, paint: Paint) -> Hat:
    f = head.frame
    high, crown = f.top - f.brow, _Crown(head, False)
    low = _rim(
        head, crown, f.brow + rng.uniform(0.22, 0.45) * high, f.ear_top + rng.uniform(0.006, 0.02), f.ear_top + rng.uniform(-0.01, 0.015)
    )
    directions, radius = crown.sheet(low, None)
    inner = crown.centre + directions * (radius - 0.004)[..., None]
    outer = crown.centre + directions * (radius + 0.007)[..., None]
    # A hat's crown stands straighter than the skull: a cylinder over the rim with a rounded lid.
    share = np.linspace(0, 1, _ROWS)[:, None]
    wall = np.clip(share / 0.6, 0, 1)
    lid = 1 - np.clip((share - 0.6) / 0.4, 0, 1)
    tall = f.top + (rng.uniform(0.008, 0.015) if kind == "bucket" else rng.uniform(0.012, 0.045))
    flat = np.stack([np.sin(crown.azimuth), np.zeros(_AROUND), np.cos(crown.azimuth)], axis=1)
    away = np.linalg.norm((outer - crown.centre) * [1, 0, 1], axis=-1)
    ring = _smooth(np.broadcast_to(away.max(0), (3, _AROUND)).copy(), 2)[0]
    taper = 1 - rng.uniform(0, 0.08) * wall
    stiff = crown.centre + flat * (ring * taper * lid ** (0.5 if kind == "bucket" else 0.35))[..., None]
    dent = rng.uniform(0, 0.02) * (kind == "brimmed") * np.clip(share - 0.7, 0, 1)
    stiff[..., 1] = outer[0, :, 1] * (1 - wall) + tall * wall + 0.012 * (1 - lid**2) * wall - dent
    outer = stiff
    parts = [_part(head, outer, inner, paint)]
    if kind == "bucket":
        width = rng.uniform(0.045, 0.06)
        slope = min(rng.uniform(0.5, 1.1), (outer[0, 0, 1] - 0.015) / width)  # above the eyes
    else:
        width, slope = rng.uniform(0.045, 0.09), rng.uniform(-0.1, 0.3)
    out = np.linspace(0, 1, 6)[::-1, None]
    wave = 0.012 * rng.uniform(0, 1) * np.cos(2 * crown.azimuth + rng.choice([0, np.pi])) * out**2
    brim = outer[0][None] + flat[None] * (width * out - 0.012)[..., None]
    brim[..., 1] += -slope * width * out + wave + 0.003
    parts.append(_part(head, brim, brim - [0, 0.0035, 0], paint))
    return Hat(parts, _allowed(head, crown, low))


def _headband(head: BaldHead, rng: np.random.Generator, noise: Noise, kind: str, paint: Paint) -> Hat:
    f, width = head.frame, rng.uniform(0.02, 0.055)
    crown, front = _Crown(head, False), f.brow + rng.uniform(0.3, 0.5) * (f.top - f.brow)
    low = _rim(head, crown, front, f.ear_top + 0.006, f.ear_top - 0.03)
    directions, radius = crown.sheet(low, low + width)
    round_edges = 0.004 * np.sin(np.pi * np.linspace(0, 1, _ROWS))[:, None]
    outer = crown.centre + directions * (radius + 0.012 + round_edges)[..., None]
    parts = [_part(head, outer, crown.centre + directions * (radius - 0.003)[..., None], paint)]
    return Hat(parts, np.ones(len(head.vertices), np.float32))


@dataclass(frozen=True)
class _Wrap:
    """A cloth over hair, ears and neck. opening: degrees from the front at which its edge leaves the forehead, passes the temple and the
    cheek; then ranges to draw from: forehead, share of the way from brow to top; thick, drop below the chin, ring around the neck, metres;
    and how far the ring lies below the cheeks' edge."""

    opening: tuple[float, float, float]
    forehead: tuple[float, float]
    thick: tuple[float, float]
    drop: tuple[float, float]
    ring: tuple[float, float]
    low: float = 0.0


_WRAPS = {
    "scarf": _Wrap((30, 46, 58), (0.3, 0.5), (0.014, 0.02), (0.07, 0.1), (0.009, 0.016)),
    "hijab": _Wrap((26, 42, 52), (0.18, 0.35), (0.008, 0.012), (0.1, 0.16), (0.014, 0.026)),
    "hood": _Wrap((38, 58, 70), (0.4, 0.55), (0.02, 0.04), (0.06, 0.09), (0.02, 0.035), 0.035),
}


def _wrapped(head: BaldHead, rng: np.random.Generator, noise: Noise, kind: str, paint: Paint) -> Hat:
    """A scarf, hijab or hood over hair, ears and neck that leaves the face free; it falls on the shoulders."""
    f, crown, wrap = head.frame, _Crown(head, True), _WRAPS[kind]
    degrees = np.abs(np.degrees(np.arctan2(np.sin(crown.azimuth), np.cos(crown.azimuth))))
    forehead = f.brow + rng.uniform(*wrap.forehead) * (f.top - f.brow)
    start, temple, cheek = wrap.opening
    first = np.interp(degrees, [0, start, temple, cheek, 180], [0, 0, -0.3, -1.15, -1.15])
    first = first + crown.elevation(np.full(_AROUND, forehead)) * np.interp(degrees, [start, cheek], [1, 0])
    share = np.linspace(0, 1, 2 * _ROWS)[:, None]
    directions = crown.directions(first * (1 - share) + np.pi / 2 * share)
    radius = crown.radius(directions.reshape(-1, 3)).reshape(len(share), _AROUND)
    radius = _smooth(radius, 6)
    thick = rng.uniform(*wrap.thick) + _folds(crown.centre + directions * radius[..., None], noise, 0.002)
    hood = _part(
        head, crown.centre + directions * (radius + thick)[..., None], crown.centre + directions * (radius - 0.006)[..., None], paint
    )
    top = f.chin + np.interp(degrees, [0, 35, 60, 180], [0.008, 0.02, 0.06, 0.07]) - wrap.low
    heights = (f.chin - rng.uniform(*wrap.drop)) * (1 - share) + top * share
    used = (head.region["head"] > 0.3) | (head.region["neck"] > 0.3)
    x, y, z = (head.vertices[used] - [0, 0, f.ear_z]).T
    tree = cKDTree(np.stack([0.07 * np.sin(np.arctan2(x, z)), 0.07 * np.cos(np.arctan2(x, z)), y], axis=1))
    around = np.stack(
        [np.broadcast_to(np.sin(crown.azimuth), heights.shape), np.broadcast_to(np.cos(crown.azimuth), heights.shape)], axis=-1
    )
    near = tree.query(np.concatenate([0.07 * around, heights[..., None]], axis=-1), k=5)[1]
    radius = np.minimum(np.hypot(x, z)[near].max(-1), 0.12 + 0.1 * (1 - share)) + 0.03 * (1 - share) ** 2
    radius = _smooth(radius, 6)
    place = lambda r: np.stack([around[..., 0] * r, heights, around[..., 1] * r + f.ear_z], axis=-1)  # noqa: E731
    outer = radius + rng.uniform(*wrap.ring) + _folds(place(radius), noise, 0.005)
    return Hat([hood, _part(head, place(outer), place(radius - 0.012), paint)], np.zeros(len(head.vertices), np.float32))


def _turban(head: BaldHead, rng: np.random.Generator, noise: Noise, kind: str, paint: Paint) -> Hat:
    """Bands of cloth, wound so that they rise towards the middle of the forehead and cross there."""
    f, crown = head.frame, _Crown(head, True)
    covers = rng.random() < 0.7
    side = f.ear_top + (rng.uniform(-0.03, -0.005) if covers else 0.005)
    low = _rim(head, crown, f.brow + rng.uniform(0.15, 0.4) * (f.top - f.brow), side, f.ear_top - rng.uniform(0.03, 0.06))
    directions, radius = crown.sheet(low, None)
    share = np.linspace(0, 1, _ROWS)[:, None]
    around = np.arctan2(np.sin(crown.azimuth), np.cos(crown.azimuth))
    turn = share * rng.uniform(3, 6) - rng.uniform(0.5, 1.5) * (1 - share) * np.abs(around) / np.pi * rng.choice([1, -1])
    bands = rng.uniform(0.003, 0.008) * np.abs(np.sin(np.pi * turn)) ** 0.6 * (1 - share**2)
    bulge = rng.uniform(0.012, 0.045) * np.sin(np.pi * (0.15 + 0.6 * share)) * (1 + rng.uniform(-0.25, 0.25) * np.cos(around))
    thick = 0.008 + bulge + bands + _folds(crown.centre + directions * radius[..., None], noise, 0.0015) * (1 - share)
    outer = crown.centre + directions * (radius + thick)[..., None]
    parts = [_part(head, outer, crown.centre + directions * (radius - 0.004)[..., None], paint)]
    return Hat(parts, _allowed(head, crown, low))


def _folds(place: np.ndarray, noise: Noise, size: float) -> np.ndarray:
    """Metres (R, C) of folds that run around, on places (R, C, 3)."""
    flat = place.reshape(-1, 3)
    return size * (noise(flat * [0.5, 1.5, 0.5], 45, 41) + 0.5 * noise(flat * [0.6, 2, 0.6], 80, 42)).reshape(place.shape[:2])
