"""A result made ready for 3D printing: in millimetres at a chosen height, on a flat base, hollow if wanted, and never open."""

from dataclasses import dataclass

import manifold3d
import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from .errors import InputError
from .geometry.closest import ClosestSurface
from .result import Result
from .surface.extract import check_manifold, extract_components
from .surface.solid import ClosedSurface, from_solid, largest_part, to_solid

_LEVELS = np.linspace(0.01, 0.3, 30)  # shares of the height at which the base may be cut
_BASE = 0.4  # share of the widest of these cross-sections that the base must have
_PLINTH_HEIGHT, _PLINTH_ROOM, _PLINTH_SIDES = 0.08, 1.08, 128  # shares of the height and of the base's half width; corners
_FLOOR, _FLOOR_ROOM = 0.01, 0.002  # shares of the height: of what closes pits in the base, and how far it goes into their sides
_THICKER = (1.0, 1.15, 1.3, 1.5)  # of the walls: hollows that run around something are tried again with thicker ones
_OVERLAP = 0.1  # mm by which what is joined overlaps
_CELLS = 64  # along the hollow
_DRAIN = 3.5, 0.3  # mm: radius of the hole through which resin or powder leaves; and at most this share of the base's half width
_FINE = 0.8  # mm between vertices, below which large faces are not divided to find distances
_SAMPLES = 4000  # faces at which the thickness is measured
_SEED = 3
TO_PRINTER = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""From a result's axes to a printer's: z up, the face towards -y."""


@dataclass(frozen=True)
class Printing:
    """height: of the whole print, mm. wall: thickness of the walls of a hollow print, mm; 0 makes it solid. plinth: stand it on a disc."""

    height: float = 120.0
    wall: float = 0.0
    plinth: bool = False


@dataclass(frozen=True)
class PrintModel:
    """A closed solid for a printer: vertices (V, 3) mm, z up, standing on z = 0 about the origin; faces (F, 3) outward; colours (V, 3) sRGB
    in [0, 1]; volume in mm³; thinnest: the least thickness that was measured, mm; handles: how many holes go through it."""

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray
    volume: float
    thinnest: float
    handles: int = 0

    @property
    def summary(self) -> str:
        """One sentence for the user."""
        size = " x ".join(f"{length:.0f}" for length in np.ptp(self.vertices, axis=0))
        holes = f", with {self.handles} hole{'s' * (self.handles > 1)} through it" if self.handles else ""
        return f"{size} mm, {self.volume / 1000:.0f} cm³, at its thinnest {self.thinnest:.1f} mm{holes}"


def print_model(result: Result, printing: Printing) -> PrintModel:
    """A result's surface as a printer takes it. Raises InputError for walls that leave nothing hollow, ReconstructionError when the surface
    is not closed."""
    mesh = result.surface
    solid = _on_base(to_solid(ClosedSurface(mesh.vertices @ TO_PRINTER.T, mesh.faces, mesh.colours)))
    if printing.plinth:
        solid = _on_plinth(solid)
    low, high = _box(solid)
    scale = printing.height / float(high[2] - low[2])
    middle = _middle(solid, low[2] + 0.01 * (high[2] - low[2]))
    solid = solid.translate((-float(middle[0]), -float(middle[1]), -float(low[2]))).scale((scale, scale, scale))
    if printing.wall:
        solid = _hollowed(solid, printing.wall)
    surface, unknown = from_solid(solid)
    check_manifold(surface.vertices, surface.faces)
    colours = np.clip(surface.values, 0, 1)
    known = np.setdiff1d(np.arange(len(colours)), unknown)
    # What was cut or added has the colour of what is nearest.
    colours[unknown] = colours[known[cKDTree(surface.vertices[known]).query(surface.vertices[unknown])[1]]]
    return PrintModel(surface.vertices, surface.faces, colours, float(solid.volume()), _thinnest(solid, surface), solid.genus())


def _box(solid: manifold3d.Manifold) -> np.ndarray:
    return np.reshape(solid.bounding_box(), (2, 3))


def _middle(solid: manifold3d.Manifold, level: float) -> np.ndarray:
    """The middle (2,) of the cross-section's box at a height."""
    return np.reshape(solid.slice(level).bounds(), (2, 2)).mean(0)


def _on_base(solid: manifold3d.Manifold) -> manifold3d.Manifold:
    """Cut flat below, no higher than it takes for a base to stand on."""
    low, high = _box(solid)[:, 2]
    levels = low + _LEVELS * (high - low)
    areas = np.array([solid.slice(float(level)).area() for level in levels])
    level = float(levels[np.argmax(areas >= _BASE * areas.max())])
    part = largest_part(solid.trim_by_plane((0, 0, 1), level))
    return part if part.genus() == 0 else _without_pits(part, level, float(high - low))


def _without_pits(solid: manifold3d.Manifold, level: float, height: float) -> manifold3d.Manifold:
    """With a floor in what goes down through its base, as between a neck and a wide collar."""
    section = solid.slice(level + 1e-4 * height)
    outline = manifold3d.CrossSection([ring for ring in section.to_polygons() if _turns_left(ring)])
    pits = (outline - section).offset(_FLOOR_ROOM * height, manifold3d.JoinType.Round)
    floor = manifold3d.Manifold.extrude(pits ^ outline, _FLOOR * height)
    return largest_part(solid + floor.translate((0, 0, level)))


def _turns_left(ring: np.ndarray) -> bool:
    """Whether a polygon (N, 2) goes around what is inside, and not around a hole."""
    after = np.roll(ring, -1, axis=0)
    return float((ring[:, 0] * after[:, 1] - ring[:, 1] * after[:, 0]).sum()) > 0


def _on_plinth(solid: manifold3d.Manifold) -> manifold3d.Manifold:
    """With an elliptic disc below that holds its base."""
    low, high = _box(solid)
    thick = _PLINTH_HEIGHT * float(high[2] - low[2])
    left, right = np.reshape(solid.slice(float(low[2]) + 1e-3 * thick).bounds(), (2, 2))
    half, (across, along) = _PLINTH_ROOM * (right - left) / 2, (left + right) / 2
    overlap = _OVERLAP * 1e-3
    disc = manifold3d.Manifold.cylinder(thick + overlap, 1, 1, _PLINTH_SIDES).scale((float(half[0]), float(half[1]), 1))
    return solid + disc.translate((float(across), float(along), float(low[2]) - thick))


def _hollowed(solid: manifold3d.Manifold, wall: float) -> manifold3d.Manifold:
    """With a cavity whose walls are so thick, or somewhat thicker where it would run around something, and a hole through the base."""
    hollows = (_drained(solid, share * wall) for share in _THICKER)
    first = next(hollows)
    return first if first.genus() == 0 else next((hollow for hollow in hollows if hollow.genus() == 0), first)


def _drained(solid: manifold3d.Manifold, wall: float) -> manifold3d.Manifold:
    cavity = _cavity(solid, wall)
    low = _box(cavity)[0, 2]
    base = solid.slice(0.01)
    half = float(np.ptp(np.reshape(base.bounds(), (2, 2)), axis=0).min()) / 2
    place = _middle(cavity, low + 0.05 * float(np.ptp(_box(cavity)[:, 2])))
    radius = min(_DRAIN[0], _DRAIN[1] * half)
    drain = manifold3d.Manifold.cylinder(float(low) + 2 * wall + 1, radius, radius, 48)
    return largest_part(solid - cavity - drain.translate((float(place[0]), float(place[1]), -1)))


def _cavity(solid: manifold3d.Manifold, wall: float) -> manifold3d.Manifold:
    """All that is deeper than the wall below the surface, its largest part. Raises InputError when that is nothing."""
    surface, _ = from_solid(solid.refine_to_length(_FINE))
    low, high = _box(solid)
    middle, half = (low + high) / 2, 0.52 * float((high - low).max())
    closest = ClosestSurface(surface.vertices, surface.faces)

    def inside(points: np.ndarray) -> np.ndarray:
        return ((closest.query((middle + half * points).astype(np.float32))[0] + wall) / half).astype(np.float32)

    if inside(np.stack(np.meshgrid(*[np.linspace(-1, 1, 33)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)).min() >= 0:
        raise InputError(f"Walls of {wall:g} mm leave nothing hollow; make them thinner, or the print taller.")
    vertices, faces = extract_components(inside, None, _CELLS)
    return largest_part(to_solid(ClosedSurface(middle + half * vertices, faces, np.zeros((len(vertices), 3)))))


def _thinnest(solid: manifold3d.Manifold, surface: ClosedSurface) -> float:
    """The least distance from a face straight inwards to the other side, of many faces by their areas; mm."""
    corners = surface.vertices[surface.faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normals, axis=1)
    chosen = np.random.default_rng(_SEED).choice(len(area), _SAMPLES, p=area / area.sum())
    far = float(np.ptp(surface.vertices, axis=0).max())
    thinnest = far
    for start, inwards in zip(corners[chosen].mean(1), -normals[chosen] / area[chosen, None], strict=True):
        hits = solid.ray_cast(tuple(start + 1e-3 * inwards), tuple(start + far * inwards))
        if hits:
            thinnest = min(thinnest, far * hits[0].distance)  # the first hit
    return thinnest
