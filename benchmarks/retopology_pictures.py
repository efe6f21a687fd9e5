"""Retopo meshes of a result as pictures: the reconstruction, the template over all, the skin with hair and clothes as separate parts, and
free quads, from the front and from the side. QuadriFlow runs in a process of its own, whose Python needs bpy."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ..core.result import Result
from ..core.topology.quads import QuadMesh
from ..core.topology.retopology import template_mesh

_SIZE, _FINE = 420, 2  # pixels a side; how many times as large pictures are drawn at first
_SCRIPT = Path(__file__).parents[1] / "scene" / "quadriflow.py"
_COLOURS = {"skin": (226, 190, 168), "hair": (150, 118, 96), "clothes": (146, 166, 205), "clay": (205, 203, 198)}
_BACK, _LINES = (236, 236, 238), (70, 66, 64)
_TURNS = (0.0, 55.0)  # degrees to the person's left
_LIGHT = np.array([-0.35, 0.45, 0.82])
_QUADS = 5000
Part = tuple[np.ndarray, np.ndarray, str]
"""Vertices (V, 3), faces (F, 3 or 4), a name of _COLOURS."""


def sheet(result: Result) -> np.ndarray:
    """(H, W, 3) uint8."""
    surface, nothing = result.surface, lambda share: None
    skin = template_mesh(result, cover=False, inner=False, progress=nothing)
    parts = [(skin, "skin"), *((free_quads(result, _QUADS, name), name) for name in ("hair", "clothes"))]
    columns: list[list[Part]] = [
        [(surface.vertices, surface.faces, "clay")],
        [_part(template_mesh(result, cover=True, inner=False, progress=nothing), "skin")],
        [_part(quads, name) for quads, name in parts if quads is not None],
        [_part(quads, "clay") for quads in [free_quads(result, _QUADS)] if quads is not None],
    ]
    middle, half = (surface.vertices.max(0) + surface.vertices.min(0)) / 2, 0.53 * np.ptp(surface.vertices, axis=0).max()
    rows = [[picture(parts, turn, middle, half, lines=number > 0) for number, parts in enumerate(columns)] for turn in _TURNS]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


def free_quads(result: Result, count: int, part: str = "") -> QuadMesh | None:
    """QuadriFlow's quads of a part of a result or all of it; None where there are none."""
    surface, anatomy, more = result.surface, result.anatomy, {}
    if part and anatomy is not None:
        shares = {name: anatomy.parts[anatomy.part_names.index(name.capitalize())] for name in ("hair", "clothes", "head")}
        more = {"part": np.array(part), **shares}
    with tempfile.TemporaryDirectory() as name:
        here, there = Path(name) / "surface.npz", Path(name) / "quads.npz"
        np.savez(here, vertices=surface.vertices, faces=surface.faces, colours=surface.colours, observed=surface.observed, **more)
        subprocess.run([sys.executable, str(_SCRIPT), "--", here, there, str(count)], check=False, stdout=subprocess.DEVNULL)
        return QuadMesh.load(there) if there.is_file() else None


def picture(parts: Sequence[Part], degrees: float, middle: np.ndarray, half: float, lines: bool) -> np.ndarray:
    """(_SIZE, _SIZE, 3) uint8 of meshes, the farthest faces first; what is seen from inside is darker."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn, size = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]]), _SIZE * _FINE
    image = Image.new("RGB", (size, size), _BACK)
    draw, drawn = ImageDraw.Draw(image), []
    for vertices, faces, name in parts:
        seen = ((vertices - middle) @ turn.T) / half
        normals = np.cross(seen[faces[:, 1]] - seen[faces[:, 0]], seen[faces[:, 2]] - seen[faces[:, 0]])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
        lit = np.where(normals[:, 2] > 0, 0.35 + 0.65 * np.clip(normals @ _LIGHT, 0, 1), 0.3)
        places = (np.stack([1 + seen[:, 0], 1 - seen[:, 1]], axis=1) * size / 2).tolist()
        for face, depth, light in zip(faces.tolist(), seen[faces[:, :3], 2].mean(1).tolist(), lit.tolist(), strict=True):
            colour = tuple(int(light * value) for value in _COLOURS[name])
            drawn.append((depth, [tuple(places[vertex]) for vertex in face if vertex >= 0], colour))
    for _, corners, colour in sorted(drawn, key=lambda item: item[0]):
        draw.polygon(corners, fill=colour, outline=_LINES if lines else colour)
    return np.asarray(image.resize((_SIZE, _SIZE), Image.Resampling.LANCZOS))


def _part(quads: QuadMesh, name: str) -> Part:
    return quads.vertices, quads.faces, name
