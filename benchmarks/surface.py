"""Time and peak memory of surface extraction and colour for an analytic head: python benchmarks/surface.py [resolution ...]

Each resolution runs in a process of its own, so that peak memory is its own. The field costs next to nothing here; the number of points
asked, divided by a network's points a second, is what reconstruction adds.
"""

import resource
import subprocess
import sys
import time

import numpy as np

from likeness.core.colour.fill import colour_vertices
from likeness.core.colour.kinds import Places
from likeness.core.geometry.mesh import vertex_normals
from likeness.core.surface.detail import displace_front
from likeness.core.surface.extract import extract_surface

_POINTS_A_SECOND = 40_000  # of the reference networks on two cores


def head(points: np.ndarray) -> np.ndarray:
    """Signed distance, roughly, of an egg-shaped head with wavy hair, a nose, a neck and shoulders cut by the crop."""
    x, y, z = points.T
    skull = 0.5 * np.sqrt((x / 0.8) ** 2 + ((y - 0.2) / 1.1) ** 2 + (z / 0.95) ** 2) * 1.9 - 0.55
    skull += 0.012 * np.sin(40 * x) * np.sin(35 * z) * (y > 0.2)
    nose = np.sqrt((x / 0.5) ** 2 + ((y - 0.05) / 1.2) ** 2 + (z - 0.52) ** 2) - 0.1
    neck = np.maximum(np.hypot(x, z + 0.1) - 0.25, np.abs(y + 0.6) - 0.4)
    shoulders = np.sqrt((x / 2.2) ** 2 + (y + 1.15) ** 2 + (z + 0.1) ** 2) - 0.5
    return np.minimum(np.minimum(skull, nose), np.minimum(neck, shoulders))


def _guess(points: np.ndarray) -> tuple[np.ndarray, Places]:
    nothing = np.zeros(len(points), np.float32)
    return np.full_like(points, 0.5), Places((points + 1) / 2, nothing, nothing, nothing, nothing)


def measure(resolution: int) -> str:
    asked = 0

    def field(points: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(points)
        return head(points)

    imported = _peak()
    times = [time.perf_counter()]
    vertices, faces = extract_surface(field, None, resolution)
    times.append(time.perf_counter())
    extracted = _peak()
    normals = vertex_normals(vertices, faces)
    flat = np.tile(np.array([0, 0, 1], np.float32), (256, 256, 1))
    vertices = displace_front(vertices, faces, normals, flat, np.ones((256, 256), bool))
    times.append(time.perf_counter())
    photo = np.random.default_rng(0).uniform(size=(1024, 1024, 3)).astype(np.float32)
    matte = np.ones((1024, 1024), np.float32)
    colour_vertices(vertices, faces, normals, photo, matte, _guess)
    times.append(time.perf_counter())
    surface, detail, colour = np.diff(times)
    return (
        f"{resolution:4}³ | {len(vertices):8,} vertices | {asked:9,} points asked, {asked / (resolution + 1) ** 3:.2%} of dense, "
        f"{asked / _POINTS_A_SECOND:5.1f} s at {_POINTS_A_SECOND:,}/s | surface {surface:5.2f} s | detail {detail:5.2f} s | "
        f"colour {colour:5.2f} s | peak {imported} MB imported, {extracted} MB after surface, {_peak()} MB after colour"
    )


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    if len(sys.argv) == 2:
        print(measure(int(sys.argv[1])))
    else:
        for wanted in sys.argv[1:] or ["256", "512"]:
            subprocess.run([sys.executable, __file__, wanted], check=True)
