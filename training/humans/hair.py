"""Hair as closed locks over a closed under-volume, grown from a hairline, combed, hung, and kept out of head and shoulders."""

from dataclasses import dataclass

import numpy as np

from .bald import BaldHead, Roots, angular_uv
from .clumps import resampled, tube_uv, tube_values, tubes, unit
from .hair_curtain import CURTAIN_TRIANGLES, curtain
from .hair_styles import STYLES, Cut
from .hair_ties import tied_pieces, ties
from .noise import Noise, smoothstep
from .part import Paint, RestPart

TRIANGLES = 60_000
"""Most triangles of one head of hair."""
_STEPS = 22
_FULL = 0.055  # square metres of scalp that Cut.count is meant for
_DOWN = np.array([0.0, -1.0, 0.0])


def grow_hair(
    head: BaldHead, rng: np.random.Generator, noise: Noise, paint: Paint, name: str, cut: Cut, allowed: np.ndarray | None = None
) -> list[RestPart]:
    """Closed solid pieces of a head of hair of the style called name: under-volume, locks, and what is tied; empty when none grows.

    allowed (V,): share of hair kept at the bust's vertices, all by default; hats say where none has room.
    The pieces' values are the position along the strand, 0 at the root and 1 at the tip, and the lock's random number in [-1, 1].
    """
    mask, deep = _scalp(head, cut, noise)
    if allowed is not None:
        mask, deep = mask * allowed, deep * allowed
    share = head.area(mask) / _FULL
    if share < 0.02:
        return []
    thickness = _thickness(head, cut, noise) * deep
    vertices, faces, binding = head.shell(mask, -0.0012 + 0.0018 * mask + thickness)
    values = np.tile(np.array([[0.15, 0.0]], np.float32), (len(vertices), 1))
    uv = angular_uv(vertices, faces, head.frame.centre - [0, 0, 0.04])
    pieces = [RestPart("hair", vertices, faces, binding, paint, uv, values)]
    kind = STYLES[name].tied
    gathered = ties(head, cut, kind)
    pieces += tied_pieces(head, cut, kind, gathered, paint, rng)
    rings = round(cut.rings)
    room = (TRIANGLES - CURTAIN_TRIANGLES - sum(len(piece.faces) for piece in pieces)) / (6 * rings)
    hangs = float(smoothstep(np.array(cut.back / 0.2)))
    # Long hair from the top covers what grows below it, but for the hairline; from under a hat it hangs as densely as without.
    upper = smoothstep((head.vertices[:, 1] - head.frame.ear_top) / (0.6 * (head.frame.top - head.frame.ear_top)))
    dense = mask * (1 - 0.6 * hangs * deep * (1 - upper))
    roots = head.scatter(dense, int(min(cut.count * max(share, 0.65 * hangs), room)), rng)
    locks = _locks(head, cut, roots, roots.of(mask), roots.of(thickness), gathered, paint, rng, noise)
    return [*pieces, *curtain(head, locks.vertices, paint), locks]


def _scalp(head: BaldHead, cut: Cut, noise: Noise) -> tuple[np.ndarray, np.ndarray]:
    """Where hair grows on the bust, (V,) in [0, 1], and the same rising slowly from the hairline, for volume.

    The line has a front, temples, sideburns, the bow over the ears, and the nape; it is a height that depends on the azimuth.
    """
    f, v = head.frame, head.vertices
    high = f.top - f.brow
    ear = float(np.degrees(np.arctan2(f.ear_x, f.ear_z - f.centre[2])))
    front = f.brow + cut.front * high
    temple = front + cut.recession * high
    sideburn = f.ear_top - cut.sideburn * 0.8 * (f.ear_top - f.ear_bottom)
    nape = f.ear_bottom - cut.nape
    corner = f.brow + 0.3 * cut.front * high
    line = [
        (0, front - 0.3 * (temple - front)), (16, front), (34, temple), (46, 0.6 * temple + 0.4 * corner), (55, corner),
        (ear - 30, f.ear_top + 0.008), (ear - 26, sideburn + 0.004), (ear - 17, sideburn), (ear - 13, f.ear_top - 0.004),
        (ear, f.ear_top + 0.005), (ear + 10, f.ear_top - 0.004), (ear + 17, f.ear_bottom + 0.012), (ear + 32, nape + 0.006), (180, nape),
    ]  # fmt: skip
    azimuths, heights = np.array(line).T
    lowest = np.interp(np.abs(head.azimuth(v)), azimuths, heights) + 0.003 * noise(v, 45, 3) + 0.001 * noise(v, 180, 4)
    grows = (head.region["ears"] < 0.3) & (head.region["head"] > 0.5)
    mask = smoothstep((v[:, 1] - lowest) / 0.007 + 0.5) * grows
    deep = smoothstep((v[:, 1] - lowest) / 0.03) * grows
    if cut.wreath > 0:
        bare = f.top - cut.wreath * (f.top - f.ear_top) + 0.006 * noise(v, 20, 5) + 0.25 * np.abs(v[:, 0])
        mask, deep = mask * smoothstep((bare - v[:, 1]) / 0.015 + 0.5), deep * smoothstep((bare - v[:, 1]) / 0.03)
    return mask.astype(np.float32), deep.astype(np.float32)


def _thickness(head: BaldHead, cut: Cut, noise: Noise) -> np.ndarray:
    """Metres (V,) of the under-volume."""
    v = head.vertices
    most = 0.6 * _lengths(head, cut, v) if cut.lift < 2.5 else np.inf
    uneven = 1 + cut.lumps * (noise(v, 55, 9) + 0.5 * noise(v, 130, 10))
    return np.minimum(cut.under * cut.volume, most) * np.clip(uneven, 0.4, 2)


def _lengths(head: BaldHead, cut: Cut, roots: np.ndarray) -> np.ndarray:
    f = head.frame
    upper = smoothstep((roots[:, 1] - f.ear_top - 0.25 * (f.top - f.ear_top)) / (0.35 * (f.top - f.ear_top)))
    behind = smoothstep((np.abs(head.azimuth(roots)) - 95) / 35)
    low = cut.side * (1 - behind) + cut.back * behind
    return low * (1 - upper) + cut.top * upper


@dataclass(frozen=True)
class _Combing:
    """Where the locks (N) of one head want to go: side of the parting (N,), +-1; whether they hang over the forehead (N,);
    how far behind the parting their root lies (N,), 0 to 1; the whorl (3,); where they are gathered (N, 3), or None."""

    cut: Cut
    side: np.ndarray
    fringe: np.ndarray
    behind: np.ndarray
    whorl: np.ndarray
    goal: np.ndarray | None

    def wish(self, position: np.ndarray, normal: np.ndarray) -> np.ndarray:
        """Unit directions (N, 3) along the skin."""
        cut, zero = self.cut, np.zeros(len(position))
        if self.goal is not None:
            wish = unit(self.goal - position)
        else:
            aside = cut.aside * (1 - self.behind)
            wish = (cut.whorl + cut.aside * self.behind)[:, None] * unit(position - self.whorl)
            wish = wish + np.stack([aside * self.side, -0.2 * aside - 0.2 * cut.backward - 0.2 * cut.forward, zero], axis=1)
            wish = wish + np.array([0, 0, cut.forward - cut.backward])
            onto = np.stack([0.25 * position[:, 0] / 0.05, zero - 0.3, zero + 1], axis=1)
            wish = np.where(self.fringe[:, None], onto, wish)
        return unit(wish - np.einsum("ni,ni->n", wish, normal)[:, None] * normal)


def _locks(
    head: BaldHead, cut: Cut, scattered: Roots, weight: np.ndarray, thickness: np.ndarray, gathered: np.ndarray, paint: Paint,
    rng: np.random.Generator, noise: Noise,
) -> RestPart:  # fmt: skip
    f, roots = head.frame, scattered.points
    count, rings = len(roots), round(cut.rings)
    combing = _Combing(
        cut,
        side=np.where(roots[:, 0] + 0.003 * rng.normal(size=count) > cut.part, 1.0, -1.0),
        fringe=(np.abs(head.azimuth(roots)) < cut.fringe_wide) & (roots[:, 2] > f.ear_z + 0.055) & (roots[:, 1] > f.brow),
        behind=smoothstep((f.ear_z + 0.02 - 0.55 * (roots[:, 1] - f.ear_top) - roots[:, 2]) / 0.045),
        whorl=np.array([rng.uniform(-0.012, 0.012), f.top - 0.012, f.centre[2] - 0.55 * f.half_depth]),
        goal=gathered[np.linalg.norm(roots[:, None] - gathered[None], axis=2).argmin(1)] if len(gathered) else None,
    )
    length = _lengths(head, cut, roots) * rng.uniform(0.8, 1.1, count) * (0.45 + 0.55 * weight)
    paths, outward = _comb(head, combing, scattered, length, weight, thickness, rng, noise)
    end = _ends(head, cut, combing, paths, rng)
    paths, outward, length = resampled(paths, end, rings), resampled(outward, end, rings), length * end
    paths = paths + _waves(cut, paths, outward, length, roots, rng, noise)
    profile = np.interp(np.linspace(0, 1, rings), [0, 0.2, cut.blade, 1], [0.75, 1.0, 0.95, 0.0])
    size = cut.radius * (0.5 + 0.5 * weight) * rng.uniform(0.65, 1.3, count)
    vertices, faces = tubes(paths, size[:, None] * profile, outward, cut.flat)
    return RestPart(
        "hair", vertices, faces, head.bound(roots, vertices), paint, tube_uv(count, rings, 3), tube_values(count, rings, 3, rng)
    )


def _comb(
    head: BaldHead, combing: _Combing, scattered: Roots, length: np.ndarray, weight: np.ndarray, thickness: np.ndarray,
    rng: np.random.Generator, noise: Noise,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Paths (N, M, 3) of the locks and the skin's directions (N, M, 3) along them."""
    f, cut, roots, normals, count = head.frame, combing.cut, scattered.points, scattered.normals, len(length)
    step = (length / (_STEPS - 1))[:, None]
    # Hair that roots higher lies over hair that roots lower.
    rank = smoothstep((roots[:, 1] - f.ear_bottom) / (f.top - f.ear_bottom))
    layer = thickness + (1 - cut.under) * cut.volume * (0.6 * rank + 0.4 * rng.random(count)) * weight
    jitter = cut.mess * (np.stack([noise(roots, 40, 11 + i) for i in range(3)], axis=1) + 0.5 * rng.normal(size=(count, 3)))
    jitter = np.where(rng.random(count)[:, None] < 0.015, 2.5 * jitter, jitter)  # few stray
    apart = np.where(roots[:, 2] > f.ear_z - 0.01, 1.0, -1.0)[:, None] * np.array([0, 0, 1.0])
    short = np.minimum(length / 0.12, 1)
    position, normal = roots + (0.7 * thickness - 0.002)[:, None] * normals, normals
    height = np.zeros(count)
    direction = unit(combing.wish(position, normal) + cut.lift * normal + jitter)
    paths, outward = [position], [normals]
    for k in range(1, _STEPS):
        gone = k * step[:, 0]
        hangs = (smoothstep(gone / cut.drop) * short)[:, None]
        # On the shoulders hair slides to the chest or to the back.
        low = smoothstep((f.chin + 0.04 - position[:, 1]) / 0.06)[:, None]
        touching = smoothstep((0.04 - height) / 0.03)[:, None]
        inward = (f.centre - position) * np.array([1, 0, 1]) / 0.08
        fall = _DOWN + 0.3 * jitter + cut.inward * inward + 0.5 * low * touching * apart
        direction = unit(0.6 * direction + 0.4 * ((1 - hangs) * (combing.wish(position, normal) + jitter) + hangs * fall))
        direction = direction * (1 - low * touching * np.array([0.8, 0, 0]))
        previous = position
        position = position + step * direction
        height, normal = head.skin(position)
        clear = layer * smoothstep(gone / np.minimum(0.35 * length, 0.02)) - 0.002 * (k < 2) + 0.012 * low[:, 0]
        on_head = smoothstep((position[:, 1] - f.ear_bottom) / 0.03)
        above = cut.hug * on_head * np.maximum(height - clear * 1.2 - 0.001, 0) * (k > 2)
        sliding = unit(normal * (1 - low * np.array([1.0, 0, 0])) + 0.4 * low * apart)
        position = position + np.clip(np.maximum(clear - height, 0) - above, -0.03, 0.03)[:, None] * sliding
        position = np.where(combing.fringe[:, None], position, _off_face(head, position, combing.side))
        direction = unit(position - previous)
        paths.append(position)
        outward.append(normal)
    return np.stack(paths, axis=1), np.stack(outward, axis=1)


def _off_face(head: BaldHead, position: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Hair that hangs below the brows parts to the sides of the face."""
    f = head.frame
    front = smoothstep((position[:, 2] - f.ear_z - 0.02) / 0.03) * smoothstep((f.brow + 0.06 - position[:, 1]) / 0.05)
    x = position[:, 0] * side
    moved = x + 0.6 * front * np.maximum(0.85 * f.ear_x * front - x, 0)
    return np.stack([moved * side, position[:, 1], position[:, 2]], axis=1)


def _waves(
    cut: Cut, path: np.ndarray, outward: np.ndarray, length: np.ndarray, roots: np.ndarray, rng: np.random.Generator, noise: Noise
) -> np.ndarray:
    """What waves and curls add to paths (N, K, 3); neighbours wave together."""
    if cut.wave + cut.curl == 0:
        return np.zeros_like(path)
    across = unit(np.cross(outward, np.gradient(path, axis=1)))
    gone = np.linspace(0, 1, path.shape[1]) * length[:, None]
    phase = 2 * np.pi * gone / cut.wavelength + (1.2 * noise(roots, 25, 20) + 0.5 * rng.normal(size=len(roots)))[:, None]
    sine, cosine = np.sin(phase)[..., None], np.cos(phase)[..., None]
    grown = smoothstep(gone / (0.3 * length[:, None] + 0.01))[..., None]
    return grown * (cut.wave * sine * (0.8 * across + 0.2 * outward) + cut.curl * (cosine * across + (1 + sine) * outward))


def _ends(head: BaldHead, cut: Cut, combing: _Combing, paths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The share (N,) of each path that is left: up to where it is tied, or hangs below the blunt line or over the eyes."""
    ragged = 0.008 * rng.normal(size=len(paths))
    level = np.where(combing.fringe, head.frame.brow + cut.fringe + 0.4 * ragged, head.frame.chin + cut.blunt + ragged)
    over = paths[:, :, 1] < level[:, None]
    if combing.goal is not None:
        over |= np.linalg.norm(paths - combing.goal[:, None], axis=2) < 0.016
    return np.where(over.any(1), over.argmax(1) / (_STEPS - 1), 1.0)
