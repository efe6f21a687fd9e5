"""A small stand-in for a reconstruction. Used by conftest.py and by the stub worker, which load it by path."""

import dataclasses
from typing import Any

import numpy as np

_NECK = np.array([0.0, -0.12, -0.08])
"""From the middle of the ellipsoid, in its own axes."""


def mesh() -> dict:
    """Arguments of Mesh: an ellipsoid with a nose, random colours."""
    return fine_surface(25)


def fine_surface(rows: int) -> dict:
    """That mesh of so many rows of vertices."""
    vertices, faces = _head(rows)
    return {
        "vertices": (vertices - _NECK).astype(np.float32),
        "faces": faces,
        "normals": (vertices / np.linalg.norm(vertices, axis=1, keepdims=True)).astype(np.float32),
        "colours": np.random.default_rng(0).random(vertices.shape, np.float32),
        "observed": np.linspace(0, 1, len(vertices), dtype=np.float32),
    }


def result(modules: Any, name: str = "Ada", size: tuple[int, int] = (96, 128), distance: float = 0.6) -> Any:
    """A Result of that mesh and one view, in which the head is turned; the photo is noise. modules(name): a module of the package."""
    types, rotation = modules("core.result"), _turn(0.3, -0.2, 0.1)
    view = types.ResultView(
        np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8),
        # Off the photo's centre, so that a wrong shift shows.
        modules("core.photo.view").Camera((size[1] * 0.55, size[0] * 0.4), size[0] * 2.2, distance),
        modules("core.photo.pose").Pose(rotation, rotation @ _NECK),
    )
    return types.Result(name, {"surface": types.Mesh(**mesh())}, (view,), _report())


def _report() -> dict:
    return {
        "settings": {"quality": "draft"},
        "version": "0.1.0",
        "weights": {"head_model.npz": "00"},
        "silhouette_iou": 0.97,
        "landmark_error": 0.012,
        "observed_share": 0.5,
        "timings": {"photo": 1.0, "surface": 4.2},
        "warnings": ["The photo is small; the result may lack detail."],
    }


def _head(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """A closed ellipsoid in the head's own frame (x left, y up, z forward): 0.16 m wide, 0.26 m high, with a nose."""
    columns = 2 * rows
    polar = np.linspace(0, np.pi, rows)[1:-1, None]
    round_ = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    ring = np.stack([np.sin(polar) * np.sin(round_), np.cos(polar) + 0 * round_, np.sin(polar) * np.cos(round_)], axis=-1)
    vertices = np.concatenate([ring.reshape(-1, 3), [[0, 1, 0]], [[0, -1, 0]]]) * [0.08, 0.13, 0.1]
    vertices[:, 2] += 0.03 * np.exp(-((vertices[:, 0] ** 2 + (vertices[:, 1] + 0.03) ** 2) / 0.0004)) * (vertices[:, 2] > 0)
    here = np.arange(columns)
    there = (here + 1) % columns
    faces = []
    for row in range(rows - 3):
        a, b = row * columns + here, row * columns + there
        faces += [np.stack([a, a + columns, b + columns], 1), np.stack([a, b + columns, b], 1)]
    top, bottom = len(vertices) - 2, len(vertices) - 1
    last = (rows - 3) * columns
    faces += [np.stack([np.full(columns, top), here, there], 1), np.stack([np.full(columns, bottom), last + there, last + here], 1)]
    return vertices, np.concatenate(faces).astype(np.int32)


def _turn(yaw: float, pitch: float, roll: float) -> np.ndarray:
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(angle), np.sin(angle)) for angle in (yaw, pitch, roll))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


JOINTS = {
    "root": (None, (0, 0.95, 0)),
    "upperleg01.L": ("root", (0.1, 0.9, 0)),
    "lowerleg01.L": ("upperleg01.L", (0.12, 0.5, 0.02)),
    "foot.L": ("lowerleg01.L", (0.12, 0.08, 0)),
    "toe1-1.L": ("foot.L", (0.12, 0.02, 0.12)),
    "spine05": ("root", (0, 1.0, 0.02)),
    "head": ("spine05", (0, 1.5, 0.02)),
    "finger2-1.R": ("head", (-0.3, 1.2, 0)),
}
"""Some of the body model's, upright frame."""


def standing(modules: Any, head: Any) -> Any:
    """That result as a body of 1.7 m whose feet stand on the ground, with an armature."""
    mesh = head.surface
    low = mesh.vertices[:, 1].min()
    vertices = ((mesh.vertices - [0, low, 0]) * 1.7 / np.ptp(mesh.vertices[:, 1])).astype(np.float32)
    names, count = tuple(JOINTS), len(vertices)
    places = np.array([place for _, place in JOINTS.values()], np.float32)
    nearest = np.argsort(np.linalg.norm(vertices[:, None] - places, axis=2), axis=1)[:, :4].astype(np.int32)
    turns = np.zeros((len(names), 3), np.float32)
    turns[1] = [0.5, 0, 0]
    rig = modules("core.topology.body_rig").BodyRig(
        names,
        np.array([-1 if parent is None else names.index(parent) for parent, _ in JOINTS.values()], np.int32),
        places,
        turns,
        nearest,
        np.tile(np.float32([0.5, 0.3, 0.15, 0.05]), (count, 1)),
        ("Head", "Clothes"),
        np.stack([vertices[:, 1] > 1.4, vertices[:, 1] < 1.4]).astype(np.float32),
    )
    pose = modules("core.photo.pose").Pose(np.eye(3), np.array([0.0, -0.9, 0.0]))
    framing = modules("core.photo.framing").Framing(1.0, (0.0, 0.0, 0.0))
    view = modules("core.result").ResultView(
        np.zeros((200, 150, 3), np.uint8), modules("core.photo.view").Camera((75.0, 100.0), 90.0, 4.0), pose, framing
    )
    meshes = {"surface": dataclasses.replace(mesh, vertices=vertices)}
    return dataclasses.replace(head, meshes=meshes, views=(view,), body=rig)
