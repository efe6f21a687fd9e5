"""Small painted shapes for tests of the renderer."""

import numpy as np
import trimesh

from likeness.training.humans.part import Paint, Part, PlainPaint, RestPart
from likeness.training.render.scene import Scene

RED, GREEN = PlainPaint((0.8, 0.1, 0.1), "cloth"), PlainPaint((0.1, 0.8, 0.1), "cloth")


def ball(
    radius: float, centre: tuple[float, float, float], paint: Paint, subdivisions: int = 4, solid: bool = True, kind: str = "cloth"
) -> Part:  # fmt: skip
    """A painted sphere in the crop frame."""
    mesh = trimesh.creation.icosphere(subdivisions, radius)
    vertices = np.asarray(mesh.vertices + centre, np.float32)
    return Part.of(RestPart(kind, vertices, np.asarray(mesh.faces, np.int64), None, paint, solid=solid), vertices)


def scene_of(*parts: Part, size: int = 128, device: str = "cpu") -> Scene:
    """The parts as they are, in a crop."""
    return Scene.of(parts, lambda points: points, size, 0.2, device)
