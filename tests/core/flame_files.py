"""FLAME-shaped files made here from our own head model: 5,023 vertices, 9,976 faces, 300 + 100 components, 5 joints. No FLAME data."""

import pickle  # noqa: TID251 - writes what the reader must read
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from likeness.core.models.head import HeadModel

VERTICES, FACES = 5023, 9976


def flame_table(seed: int = 0) -> dict[str, Any]:
    """A made-up head with the arrays of a FLAME file: our mean head's skin and eyeballs, resampled, with smooth random components."""
    model = HeadModel.load()
    rng = np.random.default_rng(seed)
    # The head and as much of the neck as the number allows, eyeballs always.
    height = np.where(model.part > 0, 1.0, model.mean[:, 1])
    chosen = np.sort(np.flatnonzero(model.part <= 2)[np.argsort(-height[model.part <= 2], kind="stable")[:VERTICES]])
    # Another head in another place, so that no vertex lies on one of ours.
    stretch, shift = np.array([1.05, 0.97, 1.03]), np.array([0.01, 0.02, 0.05])
    vertices, weights = model.mean[chosen] * stretch + shift, model.weights[chosen]
    place = np.full(len(model.mean), -1)
    place[chosen] = np.arange(VERTICES)
    faces = place[model.faces]
    faces = faces[(faces >= 0).all(1)]
    faces = np.concatenate([faces, np.tile(faces[-1:], (max(FACES - len(faces), 0), 1))])[-FACES:]
    centre, extent = vertices.mean(0), np.ptp(vertices, axis=0).max()
    unit = (vertices - centre) / extent

    def components(count: int, size: float, mask: np.ndarray | float) -> np.ndarray:
        waves = rng.normal(0, 1, (count, 3, 3)) * (2 + 5 * np.arange(count)[:, None, None] / count)
        phase = rng.uniform(0, 2 * np.pi, (count, 3))
        values = np.sin(np.einsum("vc,kcd->vdk", unit, waves) + phase.T[None])
        return values * (size / (1 + 0.1 * np.arange(count))) * np.reshape(mask, (-1, 1, 1))

    front, below = vertices[:, 2] - shift[2], shift[1] + 0.02 - vertices[:, 1]
    face = np.clip(front / 0.03, 0, 1) * np.clip(below / 0.04, 0, 1)
    shapes = np.concatenate([components(300, 0.004, 1.0), components(100, 0.003, face)], axis=2)
    joints = np.array([[0, -0.13, -0.06], [0, -0.10, -0.06], *model.skeleton.joints[2:]]) * stretch + shift
    regressor = np.zeros((5, len(vertices)))
    for joint, place in enumerate(joints):
        distance = np.linalg.norm(vertices - place, axis=1)
        near = np.argsort(distance)[:40]
        # Weights of the nearest vertices that reproduce the place and add up to one.
        system = np.concatenate([vertices[near].T, np.ones((1, len(near)))])
        regressor[joint, near] = np.linalg.lstsq(system, np.append(place, 1), rcond=None)[0]
    return {
        "v_template": vertices.astype(np.float64),
        "f": faces.astype(np.uint32),
        "shapedirs": shapes,
        "posedirs": components(36, 0.002, face),
        "J_regressor": sp.csc_matrix(regressor),
        "kintree_table": np.array([[4294967295, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.int64),
        "weights": weights.astype(np.float64),
        "bs_type": "lrotmin",
    }


def write_npz(table: dict[str, Any], path: Path) -> Path:
    dense = {key: value.toarray() if sp.issparse(value) else value for key, value in table.items()}
    np.savez(path, **dense)
    return path


def write_pkl(table: dict[str, Any], path: Path, protocol: int = 2) -> Path:
    """As FLAME's own: chumpy arrays for what was optimised, a SciPy matrix, Python 2's classes."""
    table = dict(table)
    module = types.ModuleType("chumpy.ch")

    class Ch:
        def __init__(self, x: np.ndarray) -> None:
            self.x, self._dirty_vars, self._itr = x, set(), None

    Ch.__module__, Ch.__qualname__, module.Ch = "chumpy.ch", "Ch", Ch  # pyright: ignore[reportAttributeAccessIssue]
    sys.modules["chumpy"], sys.modules["chumpy.ch"] = types.ModuleType("chumpy"), module
    try:
        for key in table.keys() & {"v_template", "shapedirs", "weights"}:
            table[key] = Ch(table[key])
        path.write_bytes(pickle.dumps(table, protocol))
    finally:
        del sys.modules["chumpy"], sys.modules["chumpy.ch"]
    return path
