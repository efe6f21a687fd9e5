"""Loose clothes: what hangs from the waist or stands off the body, so that people are not always as wide as their limbs.

A skirt with a bell, pleats and hanging folds is one solid from the cloth inwards: the legs within are not told apart. Open coats are
two-sided cloth.
"""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from .cage import rim_edges
from .garments import GAP, SPAN, WRIST, Outfit, Tailor
from .noise import smoothstep
from .part import Binding, Paint, RestPart

_KINDS = ("open coat", "closed coat", "long skirt", "pleated skirt", "dress", "wide trousers", "robe")
_WOMEN, _MEN = (0.18, 0.12, 0.17, 0.13, 0.2, 0.14, 0.06), (0.28, 0.22, 0.0, 0.02, 0.0, 0.35, 0.13)
_STRIDE = {"open coat": 0.7, "closed coat": 0.4, "wide trousers": 1.0}
_WAIST = -0.62  # y on the template


class LooseTailor(Tailor):
    """Dresses one body in coats, wide skirts, dresses, robes and wide trousers."""

    def outfit(self) -> Outfit:
        rng = self._rng
        kind = str(rng.choice(_KINDS, p=_WOMEN if self._body.gender < 0.5 else _MEN))
        waist = _WAIST + rng.uniform(-0.03, 0.03)
        if kind == "wide trousers":
            self._wide_trousers(waist)
            self._loose_top(rng.uniform(-0.84, -0.72), rng.uniform(0.014, 0.04), rng.uniform(0, 0.03), self._paint_maker(rng))
        elif kind in ("open coat", "closed coat"):
            self._top(str(rng.choice(["tee", "turtle", "shirt", "sweater"])), -0.72, tucked=True)
            self._trousers("trousers", waist)
            self._coat(waist, kind == "open coat")
        elif kind in ("long skirt", "pleated skirt"):
            self._top(str(rng.choice(["tee", "tank", "turtle", "shirt", "sweater"])), -0.68, tucked=True)
            pleats = int(rng.integers(14, 30)) if kind == "pleated skirt" else 0
            hem = rng.uniform(-1.2, -0.95) if pleats else rng.uniform(-1.48, -1.15)
            self._bell(waist + 0.03, hem, rng.uniform(0.08, 0.32), pleats, None, self._paint_maker(rng))
        else:
            robe = kind == "robe"
            paint = self._paint_maker(rng)
            self._loose_top(-0.68, rng.uniform(0.015, 0.04) if robe else rng.uniform(0.003, 0.016), 0.06 if robe else 0.0, paint)
            hem = rng.uniform(-1.49, -1.38) if robe else rng.uniform(-1.47, -0.98)
            self._bell(waist + 0.05, hem, rng.uniform(0.1, 0.26) if robe else rng.uniform(0.08, 0.34), 0, None, paint)
        if rng.random() < 0.2:
            self._scarf()
            self._scarf_ends()
        return Outfit(self._parts, self._sunk, _STRIDE.get(kind, 0.35))

    def _wide_trousers(self, waist: float) -> None:
        rng, c, y = self._rng, self._c, self._at[:, 1]
        # Wide outside and behind; between the legs cloth meets cloth.
        outward = smoothstep((np.abs(self._base[:, 0]) - 0.06) / 0.08) * 0.7 + 0.3
        wide = rng.uniform(0.035, 0.085) * smoothstep((-0.72 - y) / 0.6) * outward
        edge = np.where(c.arm, -1, np.minimum(waist - y, y - rng.uniform(-1.5, -1.4)))
        self._sew(edge, self._drape(rng.uniform(0.01, 0.03), 0.003, 0.6) + wide, 0.0025, self._paint_maker(rng))

    def _loose_top(self, hem: float, looseness: float, sleeves: float, paint: Paint) -> None:
        """A top that stands off the trunk, more towards its hem, with sleeves wider by `sleeves` metres at the wrist."""
        rng, c = self._rng, self._c
        flare = looseness * smoothstep((-0.3 - self._at[:, 1]) / 0.4) * ~c.arm
        wide = (looseness * 0.5 + sleeves * smoothstep(c.along_arm / WRIST)) * c.arm
        height = self._drape(looseness, 0.0035, rng.uniform(0.5, 1)) + flare + wide * smoothstep(c.along_arm / 0.1)
        scoop = rng.uniform(0, 1) ** 2
        neckline = self._neckline(rng.uniform(0, 0.01) + 0.03 * scoop, 0.08 * scoop, 0.11, 2.0)
        edge = np.minimum(np.minimum(neckline, self._sleeves(rng.uniform(0.15, WRIST))), self._hem(hem))
        self._sew(edge, height, 0.0025, paint)

    def _coat(self, waist: float, is_open: bool) -> None:
        rng, c, y = self._rng, self._c, self._at[:, 1]
        gap = rng.uniform(0.015, 0.09) if is_open else -0.1
        opening = c.side - gap * smoothstep((y + 0.95) / -0.35 + 1.2) + 0.3 * (1 - c.front)
        opening = np.minimum(opening, c.side - 0.06 * np.clip((y + 0.45) / 0.25, 0, 1) + 0.3 * (1 - c.front))
        edge = np.minimum(np.minimum(np.minimum(opening, 0.008 - c.neck), self._sleeves(WRIST - 0.005)), self._hem(waist - 0.06))
        paint = self._paint_maker(rng)
        height = self._drape(rng.uniform(0.018, 0.04), 0.005, rng.uniform(0.4, 1))
        self._sew(edge, height, 0.004, paint)
        collar = np.minimum(0.045 - c.neck, c.neck + rng.uniform(0.02, 0.045))
        self._sew(np.minimum(collar, opening - 0.004), self._floor + 0.008, 0.004, paint)
        self._bell(waist, rng.uniform(-1.42, -1.0), rng.uniform(0.06, 0.22), 0, gap if is_open else None, paint)

    def _scarf_ends(self) -> None:
        rng, c, y = self._rng, self._c, self._at[:, 1]
        x = self._at[:, 0] * rng.choice([-1, 1])
        middle, half = rng.uniform(0.05, 0.09), rng.uniform(0.035, 0.055)
        edge = np.minimum(np.minimum(half - np.abs(x - middle), y - rng.uniform(-0.72, -0.5)), np.minimum(0.02 - c.neck, c.front - 0.5))
        waves = np.cos((x - middle) / half * 5 + rng.uniform(0, 6))
        self._sew(np.where(c.arm, -1, edge), self._floor + 0.009 + 0.004 * waves, 0.006, self._paint_maker(rng))

    def _bell(self, top: float, hem: float, flare: float, pleats: int, gap: float | None, paint: Paint) -> None:
        """Cloth from the waist to a hem, `flare` metres wider there, hanging in folds or in pleats; gap: half width of the front's opening
        in metres, None for a closed and solid skirt."""
        rng, cage = self._rng, self._skirt
        base, normals, _ = cage.surface(self._body.vertices, SPAN)
        x, y, z = cage.at.T
        angle = np.arctan2(x, z + 0.1)
        below = np.clip((top - y) / (top - hem), 0, 1)
        around = np.stack([np.sin(angle), below * 0.35, np.cos(angle)], axis=1)
        wander = self._noise(around, rng.uniform(1.2, 2.2), int(rng.integers(1, 60)))
        if pleats:
            waves = np.abs(((angle * pleats / np.pi + 0.15 * wander) % 2) - 1) * 2 - 1
            deep = 0.006 + 0.022 * below * min(1.0, 20 / pleats)
        else:
            count = int(rng.integers(5, 13))
            waves = np.sin(angle * count + 2.2 * wander) * (0.7 + 0.5 * np.sin(angle * 2 + rng.uniform(0, 6)))
            deep = (0.012 + 0.16 * flare) * smoothstep(below * 1.1) * rng.uniform(0.6, 1.2)
        height = 0.008 + flare * below ** rng.uniform(0.8, 1.3) + waves * deep * smoothstep(below * 5) + 0.012 * wander * below
        distance, near = cKDTree(self._base).query(base)
        beside = np.einsum("ij,ij->i", base - self._base[near], self._normals[near])
        least = np.where(distance < 0.12, self._floor[near] + 0.004 + GAP - beside, -1)
        height = np.maximum(least, np.where(y > top - 0.08, least + (height - least) * smoothstep((top - y) / 0.08), height))
        for _ in range(2):
            height = cage.smooth @ height
        edge = np.minimum(top - y, y - hem)
        if gap is None:
            self._solid(base + normals * height[:, None], edge, paint)
        else:
            opening = np.abs(x) - gap * (1 + 1.2 * below) + 2 * (z < -0.1)
            self._close(cage, base, normals, np.minimum(edge, opening), height, height - 0.004, paint)

    def _solid(self, vertices: np.ndarray, edge: np.ndarray, paint: Paint) -> None:
        """Adds the part of the skirt's cage where edge is positive, its openings closed."""
        cut = self._skirt.cut(edge)
        if len(cut.faces):
            binding = self._skirt.binding(cut)
            self._parts.append(capped("cloth", self._skirt.take(cut, vertices.astype(np.float32)), cut.faces, binding, paint))


def capped(kind: str, vertices: np.ndarray, faces: np.ndarray, binding: Binding, paint: Paint) -> RestPart:
    """An open mesh closed by a fan over every opening."""
    edges, count = rim_edges(faces), len(vertices)
    graph = coo_matrix((np.ones(len(edges)), edges.T), shape=(count, count))
    loop = connected_components(graph, directed=False)[1][edges[:, 0]]
    more, fans, ref, weight = [], [], [binding.ref], [binding.weight]
    for place, name in enumerate(np.unique(loop)):
        rim = edges[loop == name]
        more.append(vertices[rim[:, 0]].mean(0))
        fans.append(np.column_stack([rim[:, ::-1], np.full(len(rim), count + place)]))
        # The middle follows three points of the rim.
        at = rim[:, 0][np.argsort(np.arctan2(*(vertices[rim[:, 0]] - more[-1])[:, [0, 2]].T))][[0, len(rim) // 3, 2 * len(rim) // 3]]
        ref.append(binding.ref[at, binding.weight[at].argmax(1)][None])
        weight.append(np.full((1, 3), 1 / 3, np.float32))
    joined = Binding(np.concatenate(ref), np.concatenate(weight).astype(np.float32))
    return RestPart(kind, np.concatenate([vertices, np.array(more, np.float32)]), np.concatenate([faces, *fans]), joined, paint)
