"""Joints and inner parts of one person: eyeballs at the eyes' joints with lids around them, teeth and tongue in the mouth."""

from functools import lru_cache

import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..models.head import HeadModel
from ..models.joints import JAW, LEFT_EYE, RIGHT_EYE
from ..models.teeth import MOUTH_PARTS
from .template import Template

_EYES = ((LEFT_EYE, 1, "left_eye"), (RIGHT_EYE, 2, "right_eye"))
_TONGUE = 5
_TONGUE_LEVEL = 0.75  # of the jaw's turn that the tongue does not follow; at 1 its root goes through the mouth's floor
_AROUND = {JAW: 0.08, LEFT_EYE: 0.04, RIGHT_EYE: 0.04}  # metres around a joint in which the skin tells where it is
_WITNESSES = 150
_CLEARANCE = 0.0003  # metres that lids lie before the eyeball


def moved_joints(model: HeadModel, joints: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Joints (J, 3) after the skin around them moved by change (Vs, 3); the neck's, which is the frame's origin, stays.

    The weights are those with which the skin around a joint best tells its place over the model's identities (ridge regression).
    """
    moved = np.array(joints, np.float64)
    for joint, (witness, weight) in _regressors(model).items():
        moved[joint] += weight @ change[witness]
    return moved.astype(np.float32)


@lru_cache(maxsize=2)
def _regressors(model: HeadModel) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    follow = Template.of(model).follow
    found = {}
    for joint, radius in _AROUND.items():
        distance = np.linalg.norm(model.mean[: len(follow)] - model.skeleton.joints[joint], axis=1)
        near = np.flatnonzero((distance < radius + distance.min()) & (follow > 0.2))
        witness = near[np.linspace(0, len(near) - 1, min(_WITNESSES, len(near))).astype(int)]
        shapes = model.identity[:, witness].transpose(0, 2, 1).reshape(-1, len(witness)).astype(np.float64)
        wanted = model.skeleton.identity[:, joint].reshape(-1).astype(np.float64)
        even = np.full(len(witness), 1 / len(witness))
        ridge = (shapes**2).sum() / len(witness)
        normal = shapes.T @ shapes + ridge * np.eye(len(witness)) + 1e3 * ridge * np.ones((len(witness),) * 2)
        weight = even + np.linalg.solve(normal, shapes.T @ (wanted - shapes @ even))
        found[joint] = witness, weight / weight.sum()
    return found


def follow_parts(model: HeadModel, rest: np.ndarray, change: np.ndarray, joints_change: np.ndarray, drop: float = 0.0) -> np.ndarray:
    """All vertices (V, 3) of a person: the model's rest ones, (V, 3), with the skin moved by change (Vs, 3), each eyeball with its joint,
    and teeth and tongue with the mouth's inside around them, and `drop` metres lower; each part moves as one and keeps its shape."""
    moved = np.array(rest, np.float64)
    moved[: len(change)] += change
    for joint, part, _ in _EYES:
        moved[model.part == part] += joints_change[joint]
    inside = model.closed_mesh.cavities["mouth"]
    inside = inside[inside < len(change)]
    tree = cKDTree(model.mean[inside])
    for part in MOUTH_PARTS:
        members = model.part == part
        if members.any():
            near = inside[tree.query(model.mean[members])[1]]
            moved[members] += change[near].mean(0) - (0, drop, 0)
    return moved


def settle_tongue(model: HeadModel, vertices: np.ndarray, opened: np.ndarray) -> np.ndarray:
    """The offsets opened (V, 3) of the jawOpen shape with the tongue lying on the mouth's floor.

    Carried by the jaw alone it tips forward, and its back fills the open mouth. Here it goes down with its tip and keeps most of its level.
    """
    settled, tongue = opened.copy(), np.flatnonzero(model.part == _TONGUE)
    if len(tongue):
        tip = tongue[vertices[tongue, 2].argmax()]
        settled[tongue] += _TONGUE_LEVEL * (opened[tip] - opened[tongue])
    return settled


def clear_eyeballs(model: HeadModel, vertices: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Vertices (V, 3) with the skin around the eyes pushed out of the eyeballs at joints (J, 3), nowhere farther than the model's is."""
    cleared = vertices.copy()
    count = model.skin_count
    for joint, part, _ in _EYES:
        if not (model.part == part).any():
            continue
        centre, radius = joints[joint], _radius(vertices[model.part == part], joints[joint])
        usual_radius = _radius(model.mean[model.part == part], model.skeleton.joints[joint])
        usual = np.linalg.norm(model.mean[:count] - model.skeleton.joints[joint], axis=1) / usual_radius
        ray = vertices[:count] - centre
        distance = np.linalg.norm(ray, axis=1)
        least = np.minimum(radius + _CLEARANCE, usual * radius)
        inside = (distance < least) & (usual < 1.3)
        cleared[:count][inside] = centre + ray[inside] * (least / np.maximum(distance, 1e-6))[inside, None]
    return cleared


def _radius(eyeball: np.ndarray, centre: np.ndarray) -> float:
    return float(np.linalg.norm(eyeball - centre, axis=1).max())
