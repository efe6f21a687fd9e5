"""Procedural clothes: cuts of the cages in layers, with necklines, collars, folds and rims.

Fields and heights are functions of the place on MakeHuman's template (`Cage.at`), so that one design fits every body. All layers rise
along the same normals; each keeps above the one below, so that no cloth shows through another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import cKDTree

from .base_mesh import BaseMesh
from .bodies import HM08_COUNT, Body
from .cage import Cage, closed_shell, rim_edges
from .noise import Noise, smoothstep
from .part import Binding, Paint, RestPart

_BUST_BOTTOM = -0.42  # lower than the bust's cut on any head model
_SUNK = 0.014  # metres that covered skin is pushed in
_ROOT = 0.034  # metres below the cage that cloth reaches into the body, so that no hollow is left between them
SPAN = (5, 40)  # relaxations of tight and of loose cloth
_ARM = np.array([0.636, -0.68, 0.36])  # the template's left arm, from the shoulder
_SHOULDER = np.array([0.16, -0.2, -0.1])
WRIST = 0.405  # metres along the arm
GAP = 0.0022  # between layers


@dataclass(frozen=True)
class Outfit:
    """Pieces of cloth at rest; sunk (19158,): metres that the body's vertices are to be pushed in along their normals under it;
    stride: share of a free leg's motion that the cut allows."""

    parts: list[RestPart]
    sunk: np.ndarray
    stride: float


class Wardrobe:
    """Makes clothes; reads MakeHuman's cages once (seconds), from the training pack when there is one."""

    def __init__(self, pack: Path | None = None) -> None:
        template = BaseMesh.load(pack)
        tights = template.triangles("helper-tights")
        upper = template.vertices[tights][:, :, 1].max(1) > _BUST_BOTTOM - 0.05
        self._whole = _Cages(Cage(template.vertices, tights), template.vertices)
        self._upper = _Cages(Cage(template.vertices, tights[upper]), template.vertices)
        self._skirt = Cage(template.vertices, template.triangles("helper-skirt"))

    def dress(
        self,
        body: Body,
        rng: np.random.Generator,
        noise: Noise,
        paint_maker: Callable[[np.random.Generator], Paint],
        upper_only: bool,
        tailor: "type[Tailor] | None" = None,
    ) -> Outfit:
        """A random outfit; upper_only: what shows on a bust, with its lower end hidden below the bust's cut; tailor: another style's."""
        return (tailor or Tailor)(
            self._upper if upper_only else self._whole, self._skirt, body, rng, noise, paint_maker, upper_only
        ).outfit()


class _Cages:
    """The tights cage with the coordinates that designs use, and the cage vertex near each of the body's."""

    def __init__(self, cage: Cage, template: np.ndarray) -> None:
        self.cage = cage
        x, y, z = cage.at.T
        self.side = np.abs(x)
        mirrored = np.stack([self.side, y, z], axis=1)
        # Along the arm from the shoulder; arms lie beyond a line from the armpit down the side.
        self.along_arm = (mirrored - _SHOULDER) @ _ARM
        self.arm = (self.side > 0.155 + 0.25 * np.maximum(-0.31 - y, 0)) & (y < -0.2) & (y > -0.7)
        self.front = smoothstep((z + 0.125) / 0.05)
        # Along the surface from the line where the neck meets the torso, positive up the neck; the cage's top is a ring around it.
        top = np.unique(rim_edges(cage.faces))
        top = top[y[top] > -0.2]
        forward = (z + 0.1) / np.maximum(np.hypot(x, z + 0.1), 0.02)
        self.back = np.maximum(-forward, 0)
        self.neck = 0.058 + 0.014 * forward + 0.006 * forward**2 - cKDTree(cage.at[top]).query(cage.at)[0].astype(np.float32)
        distance, self.near = cKDTree(cage.at).query(template[:13380])
        self.close = distance < 0.025


class Tailor:
    """Dresses one body."""

    def __init__(
        self,
        cages: _Cages,
        skirt: Cage,
        body: Body,
        rng: np.random.Generator,
        noise: Noise,
        paint_maker: Callable[[np.random.Generator], Paint],
        upper_only: bool,
    ) -> None:
        self._c, self._skirt, self._body, self._rng, self._noise = cages, skirt, body, rng, noise
        self._paint_maker, self._upper_only = paint_maker, upper_only
        self._at = cages.cage.at
        self._base, self._normals, (tight, loose) = cages.cage.surface(body.vertices, SPAN)
        above = lambda points: np.maximum(np.einsum("ij,ij->i", points - self._base, self._normals), 0)  # noqa: E731
        self._spans = above(tight), above(loose)
        # Between the legs nothing could rise: there the body's furrow is left out at once.
        furrow = np.exp(-((cages.side / 0.035) ** 2) - ((self._at[:, 1] + 0.84) / 0.07) ** 2)
        self._base += furrow[:, None] * (loose - self._base)
        self._hung = self._hanging()
        # Cloth rests on the shoulders and hangs free elsewhere.
        self._free = (1 - 0.85 * smoothstep((self._normals[:, 1] + 0.1) / 0.7)) * smoothstep(-cages.neck / 0.07)
        self._floor = np.zeros(len(self._base), np.float32)
        self._parts: list[RestPart] = []
        self._sunk = np.zeros(HM08_COUNT, np.float32)

    def outfit(self) -> Outfit:
        rng = self._rng
        female = self._body.gender < 0.5
        below = str(rng.choice(["trousers", "shorts", "skirt", "dress"], p=[0.5, 0.15, 0.2, 0.15] if female else [0.77, 0.23, 0, 0]))
        kind = str(rng.choice(["tee", "tank", "turtle", "shirt", "sweater", "hoodie"], p=[0.3, 0.08, 0.12, 0.22, 0.14, 0.14]))
        waist, length, hem = rng.uniform(-0.66, -0.6), rng.uniform(-1.45, -0.92), rng.uniform(-0.81, -0.7)
        if self._upper_only:
            hem = _BUST_BOTTOM
            self._top(kind, hem, tucked=False)
        elif below in ("skirt", "dress"):
            kind = kind if kind in ("tee", "tank", "turtle") else "tee" if below == "dress" else "shirt"
            paint = self._top(kind, -0.68, tucked=True)
            self._hang_skirt(waist + 0.03, length, paint if below == "dress" else self._paint_maker(rng))
            hem = waist + 0.02
        elif kind not in ("sweater", "hoodie") and rng.random() < 0.4:
            self._top(kind, -0.72, tucked=True)
            self._trousers(below, waist)
        else:
            self._trousers(below, waist)
            self._top(kind, hem + 0.02, tucked=False)
        if kind not in ("tank", "hoodie") and rng.random() < 0.35:
            self._jacket(hem)
        if rng.random() < 0.05:
            self._scarf()
        return Outfit(self._parts, self._sunk, 0.3 if below in ("skirt", "dress") else 1.0)

    def _trousers(self, kind: str, waist: float) -> None:
        rng, c, y = self._rng, self._c, self._at[:, 1]
        looseness = rng.uniform(0.003, 0.016)
        wide = rng.uniform(0, 0.03) * rng.random()
        hem = rng.uniform(-1.19, -0.98) if kind == "shorts" else rng.uniform(-1.47, -1.44)
        edge = np.where(c.arm, -1, np.minimum(waist - y, y - hem))
        height = self._drape(looseness, 0.003, 0.3) + wide * smoothstep((-0.85 - y) / 0.5)
        self._sew(edge, height + 0.0015 * smoothstep((0.04 - (waist - y)) / 0.008), 0.0025, self._paint_maker(rng))
        if rng.random() < 0.4:
            belt = np.where(c.arm, -1, np.minimum(waist - 0.006 - y, y - waist + rng.uniform(0.03, 0.045)))
            self._sew(belt, self._floor, 0.002, self._paint_maker(rng))

    def _hang_skirt(self, top: float, hem: float, paint: Paint) -> None:
        rng = self._rng
        base, normals, _ = self._skirt.surface(self._body.vertices, SPAN)
        y = self._skirt.at[:, 1]
        below = np.clip((top - y) / (top - hem), 0, 1)
        pleats = _crease(self._noise(base * [1, 0.12, 1], rng.uniform(25, 60), int(rng.integers(1, 60))))
        height = 0.006 + below * (rng.uniform(-0.01, 0.05) + rng.uniform(0.004, 0.02) * pleats)
        # Outside whatever is worn, and around the waist right on it.
        distance, near = cKDTree(self._base).query(base)
        beside = np.einsum("ij,ij->i", base - self._base[near], self._normals[near])
        least = np.where(distance < 0.12, self._floor[near] + 0.0025 + GAP - beside, -1)
        height = np.maximum(least, np.where(y > top - 0.1, least + (height - least) * smoothstep((top - y) / 0.1), height))
        for _ in range(4):
            height = self._skirt.smooth @ height
        edge = np.minimum(top - y, y - hem)
        self._close(self._skirt, base, normals, edge, height, height - 0.0025, paint)

    def _top(self, kind: str, hem: float, tucked: bool) -> Paint:
        rng, c = self._rng, self._c
        looseness = {"tank": 0.005, "turtle": 0.006, "shirt": 0.012, "sweater": 0.016, "hoodie": 0.02}.get(kind, 0.01) * rng.uniform(
            0.5, 1.6
        )
        thickness = {"sweater": 0.0035, "hoodie": 0.004, "turtle": 0.003}.get(kind, 0.002)
        hanging = rng.uniform(0.2, 1) * (smoothstep((self._at[:, 1] + 0.64) / 0.16) if tucked else 1)
        height = self._drape(looseness, 0.0028 + (0.002 if kind in ("sweater", "hoodie") else 0), hanging)
        if kind == "tank":
            neckline = self._neckline(rng.uniform(0.008, 0.022), rng.uniform(0.04, 0.09), 0.085, 2.2)
        elif kind == "turtle":
            neckline = rng.choice([rng.uniform(0.015, 0.025), 0.038]) - c.neck
        elif kind == "shirt":
            neckline = self._neckline(-0.004, rng.uniform(0.005, 0.1), rng.uniform(0.04, 0.06), 1.0)
        elif rng.random() < 0.3 and kind == "tee":
            neckline = self._neckline(rng.uniform(0, 0.015), rng.uniform(0.05, 0.1), rng.uniform(0.06, 0.085), 1.0)
        else:
            scoop = rng.uniform(0, 1) ** 3 if kind == "tee" else 0
            neckline = self._neckline(rng.uniform(-0.004, 0.006) + 0.035 * scoop, 0.09 * scoop, 0.11, 2.0)
        if kind == "tank":
            sleeve = self._armholes()
        else:
            short = rng.uniform(0.1, 0.2)
            sleeve = self._sleeves(short if kind == "tee" and rng.random() < 0.75 else WRIST)
        edge = np.minimum(np.minimum(neckline, sleeve), self._hem(hem))
        # Hems and ribs are two layers of cloth, and necklines stand off a little.
        rib = smoothstep((rng.uniform(0.012, 0.022) - neckline) / 0.006)
        height = height + rib * rng.uniform(0.0005, 0.0022) + 0.004 * rng.random() * smoothstep(1 - neckline / 0.02)
        if kind == "turtle":
            fold = rng.uniform(0.02, 0.03)
            height = height + smoothstep((fold - neckline) / 0.006) * rng.uniform(0.002, 0.007)
        paint = self._paint_maker(rng)
        self._sew(edge, height, thickness, paint)
        if kind == "shirt":
            self._shirt_collar(neckline, paint)
        if kind == "hoodie":
            self._hood(paint)
        return paint

    def _jacket(self, hem: float) -> None:
        rng, c = self._rng, self._c
        y = self._at[:, 1]
        height = self._drape(rng.uniform(0.008, 0.022), 0.004, rng.uniform(0.3, 1))
        button = rng.uniform(-0.62, -0.38)
        rise = (y - button) / (-0.2 - button)
        spread = rng.uniform(0.04, 0.075) * np.clip(rise, 0, 1) + rng.choice([-0.01, rng.uniform(0.01, 0.05)])
        opening = c.side - spread + 0.3 * (1 - c.front)
        neckline = rng.uniform(0.0, 0.012) - c.neck
        edge = np.minimum(np.minimum(np.minimum(opening, neckline), self._sleeves(WRIST - 0.01)), self._hem(hem))
        paint = self._paint_maker(rng)
        self._sew(edge, height, 0.003, paint)
        lapel = rng.uniform(0.03, 0.07) * smoothstep(rise * 3) * (1 + 0.3 * np.clip(rise, 0, 1))
        collar = c.neck + rng.uniform(0.035, 0.05)
        notch_at = rng.uniform(0.23, 0.27)
        wedge = rng.uniform(0.15, 0.5) * (opening - rng.uniform(0.01, 0.025))
        notch = np.where((y < -0.2) & (wedge > 0) & (opening < 0.12), np.abs(y + notch_at - 0.5 * (c.side - 0.08)) - wedge, 1)
        leaf = np.minimum(np.maximum(collar, lapel - opening), notch)
        self._sew(np.minimum(leaf, np.minimum(opening, neckline)), self._floor + 0.004, 0.0025, paint)

    def _shirt_collar(self, neckline: np.ndarray, paint: Paint) -> None:
        rng, c = self._rng, self._c
        fold, leaf = rng.uniform(0.018, 0.032), rng.uniform(0.014, 0.03)
        gap = rng.uniform(0.002, 0.012) + rng.uniform(0.2, 0.9) * np.maximum(fold - c.neck, 0)
        point = rng.uniform(0, 0.03) * np.exp(-(((c.side - 0.05) / 0.03) ** 2)) * c.front
        edge = np.minimum(fold - c.neck, c.neck + leaf + point)
        edge = np.minimum(edge, c.side - gap + (1 - c.front))
        # The stand leans away from the neck; the leaf leaves the shirt by the fold's thickness.
        down = smoothstep((fold - c.neck) / (fold + leaf))
        height = np.maximum(self._floor, 0.004) + 0.004 + 0.006 * np.sin(np.pi * np.clip(down * 0.8, 0, 1)) * rng.uniform(0.5, 1.4)
        self._sew(edge, height, 0.002, paint)

    def _hood(self, paint: Paint) -> None:
        rng, c = self._rng, self._c
        reach = 0.025 + rng.uniform(0.06, 0.09) * c.back
        top = 0.014 + 0.014 * c.back
        gap = 0.01 + 0.6 * np.maximum(top - c.neck, 0)
        edge = np.minimum(np.minimum(top - c.neck, c.neck + reach), c.side - gap + (1 - c.front))
        middle = np.clip((c.neck + reach) / (top + reach), 0, 1)
        bulge = np.sin(np.pi * np.sqrt(middle)) * (0.008 + rng.uniform(0.02, 0.035) * c.back)
        height = self._floor + 0.005 + bulge * (1 + 0.35 * self._noise(self._base * [1, 1.5, 1], 30, 11))
        self._sew(edge, height, 0.004, paint)

    def _scarf(self) -> None:
        rng, c = self._rng, self._c
        low, high = rng.uniform(0.02, 0.05), rng.uniform(0.02, 0.035)
        middle = np.clip((c.neck + low) / (low + high), 0, 1)
        wraps = self._noise(np.stack([c.side * 0.4, c.neck * 3, self._at[:, 2] * 0.4], 1), 28, 12)
        height = self._floor + 0.004 + np.sin(np.pi * middle) * rng.uniform(0.012, 0.025) * (1 + 0.4 * wraps)
        self._sew(np.minimum(high - c.neck, c.neck + low), height, 0.008, self._paint_maker(rng))

    def _neckline(self, wide: float, deep: float, width: float, power: float) -> np.ndarray:
        """Distance below an opening `wide` metres off the neck, in front deeper: width and power shape that, 1 a V, 2 round."""
        c = self._c
        across = np.clip(1 - (c.side / width) ** power, 0, 1) * smoothstep(c.front * 2 - 0.6)
        return (-c.neck - wide - deep * across) / (1 + (np.hypot(1, deep / width) - 1) * smoothstep(across * 4))

    def _sleeves(self, length: float) -> np.ndarray:
        return np.where(self._c.arm, length - self._c.along_arm, 1.0)

    def _armholes(self) -> np.ndarray:
        c, y = self._c, self._at[:, 1]
        radius = np.hypot((c.side - 0.2) / self._rng.uniform(0.06, 0.078), (y + 0.2) / self._rng.uniform(0.1, 0.12))
        return np.where(c.arm & (y < -0.25), np.minimum(0.03 - c.along_arm, (radius - 1) * 0.08), (radius - 1) * 0.08)

    def _hem(self, hem: float) -> np.ndarray:
        return np.where(self._c.arm & (not self._upper_only), 1.0, self._at[:, 1] - hem)

    def _drape(self, looseness: float, clearance: float, hanging: float | np.ndarray) -> np.ndarray:
        """Height (V,) of one garment before ribs and hems: what it spans, how loose it is, its folds; hanging in [0, 1]: how freely."""
        tight, loose = self._spans
        # Even tight cloth spans the furrows of the middle.
        share = np.maximum(np.clip(looseness / 0.02, 0, 1), np.exp(-((self._c.side / 0.05) ** 2)))
        span = (1 - share) * tight + share * loose
        hung = hanging * np.clip(looseness / 0.012, 0, 1) * self._hung
        raised = np.maximum(span * smoothstep(-self._c.neck / 0.1), hung)
        return clearance + raised + self._free * looseness + self._folds(looseness)

    def _hanging(self) -> np.ndarray:
        """How far (V,) over the cage cloth falls that hangs from chest, belly and seat rather than clings below them."""
        c, y = self._c, self._at[:, 1]
        trunk = np.flatnonzero(~c.arm & (y < -0.24) & (y > -0.86))
        away = self._base[trunk][:, [0, 2]] - self._base[trunk][:, [0, 2]].mean(0)
        radius = np.hypot(*away.T)
        around = np.arctan2(away[:, 0], away[:, 1]) * (24 / (2 * np.pi)) % 24
        level = (-0.24 - y[trunk]) / 0.02
        widest = np.zeros((32, 24), np.float32)
        np.maximum.at(widest, (level.astype(int), around.astype(int) % 24), radius)
        for row in range(1, len(widest)):
            widest[row] = np.maximum(widest[row], widest[row - 1] - 0.004)
        widest = gaussian_filter(widest, 1.2, mode=("nearest", "wrap"))
        outer = map_coordinates(widest, [level - 0.5, around - 0.5], order=1, mode="grid-wrap")
        facing = np.einsum("ij,ij->i", self._normals[trunk][:, [0, 2]], away) / np.maximum(radius, 1e-6)
        result = np.zeros(len(y), np.float32)
        result[trunk] = np.maximum(outer - radius, 0) * np.maximum(facing, 0) * smoothstep((level - 1) / 4)
        return result

    def _folds(self, looseness: float) -> np.ndarray:
        rng, noise, c = self._rng, self._noise, self._c
        p = self._base
        shift = int(rng.integers(1, 60))
        warped = p + 0.02 * np.stack([noise(p, 18, shift + k) for k in (1, 2, 3)], axis=1)
        hanging = _crease(noise(warped * [1, 0.22, 1], rng.uniform(30, 50), shift + 4))
        small = noise(warped, rng.uniform(60, 90), shift + 5)
        # Cloth is pulled from the armpits across chest and back, and gathers around elbows.
        away = np.stack([c.side - 0.16, self._at[:, 1] + 0.3], axis=1)
        radius = np.hypot(*away.T)
        rays = np.stack([np.arctan2(away[:, 1], away[:, 0]) * 0.12, radius * 0.25, np.sign(p[:, 0]) * 0.2 + self._at[:, 2] * 0.3], axis=1)
        pulled = _crease(noise(rays, rng.uniform(45, 70), shift + 6)) * np.exp(-((radius / 0.11) ** 2))
        rings = np.stack([p[:, 0] * 0.25, c.along_arm, p[:, 2] * 0.25], axis=1)
        bent = np.exp(-(((c.along_arm - 0.22) / 0.08) ** 2)) * c.arm
        gathered = _crease(noise(rings, 60, shift + 7)) * np.where(c.arm, 0.25 + bent, 0)
        # Legs gather around knees and on the feet.
        y = self._at[:, 1]
        bends = np.exp(-(((y + 1.2) / 0.06) ** 2)) + np.exp(-(((y + 1.45) / 0.07) ** 2)) + 0.7 * np.exp(-(((y + 0.86) / 0.05) ** 2))
        gathered = gathered + _crease(noise(warped * [0.3, 1, 0.3], rng.uniform(40, 60), shift + 8)) * bends
        size = rng.uniform(0.4, 1.1) * (0.003 + 0.3 * looseness)
        return size * (self._free * (hanging * ~c.arm + 0.15 * small) + 0.8 * pulled + 0.8 * gathered)

    def _sew(self, edge: np.ndarray, height: np.ndarray, thickness: float, paint: Paint) -> None:
        """Cuts and closes one piece, puts it over what is worn, and hides the body under it."""
        c, cage = self._c, self._c.cage
        height = np.maximum(height, 0.003 + thickness)
        height = np.maximum(height, self._floor + thickness + GAP)
        for _ in range(3):
            height = cage.smooth @ height
        # Away from its edges cloth reaches into the body.
        inner = height - thickness - (height - thickness + _ROOT) * smoothstep((edge - 0.004) / 0.025)
        self._close(cage, self._base, self._normals, edge, height, inner, paint)
        self._floor = np.maximum(self._floor, height * smoothstep((edge + 0.025) / 0.02)).astype(np.float32)
        depth = _SUNK * smoothstep((edge - 0.012) / 0.02)
        self._sunk[:13380] = np.maximum(self._sunk[:13380], depth[c.near] * c.close)

    def _close(
        self, cage: Cage, base: np.ndarray, normals: np.ndarray, edge: np.ndarray, outer: np.ndarray, inner: np.ndarray, paint: Paint
    ) -> None:
        """Adds the part of a cage where edge is positive, between two heights (V,) over it."""
        cut = cage.cut(edge)
        if not len(cut.faces):
            return
        stacked = np.concatenate([base, normals, outer[:, None], inner[:, None]], axis=1).astype(np.float32)
        base, normals, high, low = np.split(cage.take(cut, stacked), [3, 6, 7], axis=1)
        vertices, faces, source = closed_shell(base + normals * high, base + normals * low, cut.faces)
        binding = cage.binding(cut)
        self._parts.append(RestPart("cloth", vertices, faces, Binding(binding.ref[source], binding.weight[source]), paint))


def _crease(values: np.ndarray) -> np.ndarray:
    """Smooth noise turned into rounded folds with sharp valleys, mean about zero."""
    return np.sqrt(values**2 + 0.03) - 0.8
