"""How near rigged heads of synthetic people come to the truth: python benchmarks/rig_accuracy.py ASSETS [people] [seed]

Every person has eight expressions, each in another pose. The reconstructed surface is the true head as the fit's camera sees it, from the
distance that fits assume, so this measures registration, neutral and keys, not networks or the guess of the camera; every second person
has hair two centimetres thick. Millimetres:
surface: the rigged face to the surface; landmarks (of 68), aligned or not; vertices of the face; joints; expression: mean difference of
key values; neutral: between neutrals of one person, rigidly aligned and also but for the size; keys: the true expression by transferred
keys against the true change of the face.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from likeness.core.geometry.closest import ClosestSurface
from likeness.core.geometry.mesh import vertex_normals
from likeness.core.models.head import HeadModel
from likeness.core.models.joints import JAW, NECK
from likeness.core.models.skinning import skin
from likeness.core.models.view_energy import DEFAULT_DISTANCE
from likeness.core.photo.view import Camera
from likeness.core.topology.register import ReconstructedSurface
from likeness.core.topology.rig import rig_head
from likeness.core.topology.rigged import RiggedHead
from likeness.core.topology.template import Template
from likeness.training.data.simulated_fits import simulated_fit
from likeness.training.humans.bodies import Bodies
from likeness.training.humans.person import head_vertices

EXPRESSIONS: tuple[dict[str, float], ...] = (
    {},
    {"mouthSmileLeft": 0.7, "mouthSmileRight": 0.7, "cheekSquintLeft": 0.3, "cheekSquintRight": 0.3},
    {"jawOpen": 0.5},
    {"mouthSmileLeft": 0.6, "mouthSmileRight": 0.6, "jawOpen": 0.3, "mouthUpperUpLeft": 0.3, "mouthUpperUpRight": 0.3},
    {"mouthPucker": 0.7},
    {"eyeBlinkLeft": 0.9, "eyeBlinkRight": 0.9},
    {"browInnerUp": 0.7, "eyeWideLeft": 0.5, "eyeWideRight": 0.5, "jawOpen": 0.15},
    {"mouthFrownLeft": 0.5, "mouthFrownRight": 0.5, "browDownLeft": 0.6, "browDownRight": 0.6},
)
_SIZE, _PIXELS_PER_METRE = 1280, 1660.0


@dataclass(frozen=True)
class _Piece:
    vertices: np.ndarray
    faces: np.ndarray
    solid: bool = True


@dataclass(frozen=True)
class _Sitter:
    """What simulated_fit asks of a person."""

    head: np.ndarray
    rotation: np.ndarray
    parts: list[_Piece]


def measure(model: HeadModel, bodies: Bodies, seed: int, person: int, number: int) -> tuple[RiggedHead, np.ndarray, dict[str, float]]:
    """One picture: the rigged head, the truth's rest vertices (V, 3) and the errors."""
    rng = np.random.default_rng([seed, person, number])
    body = bodies.sample(np.random.default_rng([seed, person]), EXPRESSIONS[number])
    rest = head_vertices(model, body)
    rotations = np.zeros((5, 3))
    rotations[0], rotations[1] = rng.normal(0, [0.1, 0.25, 0.06]), rng.normal(0, [0.1, 0.15, 0.05])
    linear, offset = model.skeleton.transforms(body.joints, rotations)
    joints = np.einsum("jab,jb->ja", linear, body.joints) + offset
    middle = joints[3:].mean(0)
    head, joints = skin(rest, model.weights, linear, offset - middle), joints - middle
    solid = model.closed_vertices(head, joints.astype(np.float32), linear[NECK])
    if person % 2:
        solid = solid + (0.02 * model.closed_region("scalp"))[:, None] * vertex_normals(solid, model.closed_mesh.faces)
    camera = Camera((_SIZE / 2, _SIZE / 2), _PIXELS_PER_METRE, DEFAULT_DISTANCE)
    sitter: Any = _Sitter(head, linear[NECK], [_Piece(solid, model.closed_mesh.faces)])
    fit = simulated_fit(model, cast(Any, sitter), camera, _SIZE, rng)

    def seen(points: np.ndarray) -> np.ndarray:
        """True points where they appear in the camera frame that the fit, not the truth, defines."""
        flat = (camera.project(points) - fit.camera.centre) * [1, -1] / fit.camera.scale
        depth = points[:, 2:] * (camera.scale / fit.camera.scale)
        spread = 1.0 if np.isinf(fit.camera.distance) else 1 - depth / fit.camera.distance
        return np.concatenate([flat * spread, depth], axis=1)

    surface = seen(solid).astype(np.float32)
    rigged = rig_head(model, fit, ReconstructedSurface(surface, vertex_normals(surface, model.closed_mesh.faces)))
    place = lambda points: points @ fit.rotation.T + fit.joints[NECK]  # noqa: E731
    photo, truth = place(rigged.posed(rigged.key_values, rigged.rotations)), seen(head)
    count, weight = int((model.part == 0).sum()), _face_weight(model)
    marks, true_marks = model.ibug68.on(photo), model.ibug68.on(truth)
    maps = rigged.transforms(rigged.rotations)
    joint_error = _length(place(np.einsum("jab,jb->ja", maps[0], rigged.joints) + maps[1]) - seen(joints))
    values = np.array([EXPRESSIONS[number].get(name, 0.0) for name in model.expression_names])
    return (
        rigged,
        rest - body.joints[NECK],
        {
            "surface": weight @ np.abs(ClosestSurface(surface, model.closed_mesh.faces).query(photo[:count])[0]) * 1000,
            "landmarks of the fit": _length(model.ibug68.on(fit.vertices) - true_marks).mean(),
            "landmarks": _length(marks - true_marks).mean(),
            "landmarks aligned": _length(aligned(marks, true_marks, np.full(68, 1 / 68)) - true_marks).mean(),
            "vertices": weight @ _length(photo - truth)[:count],
            "neck": joint_error[NECK],
            "jaw": joint_error[JAW],
            "eyes": joint_error[3:].mean(),
            "expression": float(np.abs(rigged.key_values - values).mean()),
        },
    )


def aligned(points: np.ndarray, target: np.ndarray, weight: np.ndarray, sized: bool = False) -> np.ndarray:
    """Points (N, 3) after the rigid motion, and scaling if asked, that brings them nearest to their targets; weights (N,) sum to 1."""
    a, b = points - weight @ points, target - weight @ target
    left, values, right = np.linalg.svd((b * weight[:, None]).T @ a)
    sign = np.diag([1, 1, np.linalg.det(left @ right)])
    scale = (values @ np.diag(sign)) / (weight @ (a**2).sum(1)) if sized else 1.0
    return scale * a @ (left @ sign @ right).T + weight @ target


def _length(offsets: np.ndarray) -> np.ndarray:
    return np.linalg.norm(offsets, axis=1) * 1000


def _face_weight(model: HeadModel) -> np.ndarray:
    template = Template.of(model)
    weight = template.face * template.hairless * template.mass
    return weight / weight.sum()


def main(assets: Path, people: int = 2, seed: int = 3) -> None:
    """Print the mean of every error, and how much neutrals and keys of one person agree."""
    model, bodies = HeadModel.load(), Bodies(assets)
    weight = _face_weight(model)
    count = len(weight)
    rows, neutral, sized, keys = [], [], [], []
    for person in range(people):
        results = [measure(model, bodies, seed, person, number) for number in range(len(EXPRESSIONS))]
        rows += [row for _, _, row in results]
        heads = [rigged.neutral[:count] for rigged, _, _ in results]
        for i in range(1, len(heads)):
            for found, free in ((neutral, False), (sized, True)):
                found.append(np.mean([weight @ _length(aligned(heads[j], heads[i], weight, free) - heads[i]) for j in range(i)]))
            change = (results[i][1] - results[0][1])[:count]
            moving = weight * (_length(change) > 1)
            values = np.array([EXPRESSIONS[i].get(name, 0.0) for name in model.expression_names])
            keys.append(moving @ _length(np.tensordot(values, results[0][0].keys[:, :count], 1) - change) / moving.sum())
        print(f"person {person}: " + ", ".join(f"{name} {np.mean([r[name] for _, _, r in results]):.2f}" for name in rows[0]), flush=True)
    for name in rows[0]:
        values = [row[name] for row in rows]
        print(f"{name:22} mean {np.mean(values):6.3f}   worst {np.max(values):6.3f}")
    for name, values in (("neutral", neutral), ("neutral but for size", sized), ("keys", keys)):
        print(f"{name:22} mean {np.mean(values):6.3f}   worst {np.max(values):6.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(value) for value in sys.argv[2:]))
