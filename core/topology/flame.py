"""The rigged head in the topology of a user's FLAME file: FLAME's own parameters by registration, and our shape keys carried over."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.closest import closest_on_triangles
from ..geometry.mesh import face_normals, vertex_normals
from ..models.flame.model import FlameModel, FlameParameters
from ..models.joints import GLOBAL, JAW, LEFT_EYE, NECK, RIGHT_EYE
from ..models.rotation import rotation_matrix, rotation_vector, skew
from ..models.solver import Quadratic, minimise, slopes
from .rigged import RiggedHead
from .template import cotangent_laplacian

_REACHES = (0.03, 0.02, 0.015, 0.01, 0.008, 0.006, 0.005, 0.005, 0.005, 0.005)  # metres: each round's distance at which a place counts half
_RIGID_ROUNDS = 3
_NORMAL_UNIT = 0.012  # metres of distance that a difference of one between unit normals weighs as much as
_CANDIDATES = 8
_SLIDE = 0.1  # how much distance along the surface counts against distance from it
_NOISE = 0.001  # metres by which one vertex may be off
_ALIKE = 20  # neighbouring vertices that are off together
_EYES = 200  # vertices that an eye's joint weighs as much as
_OFFSET_LENGTHS = (0.01, 0.004, 0.002)  # metres: stiffness of the free offsets, in turns
_EXPRESSION_ROUNDS = 6
_JAW_PRIOR, _DELTA = 0.2, 1e-3  # radians: its deviation, and the step of numeric derivatives
_CORRECTIVE_ANGLE = 0.3  # radians of the jaw
_STRIP = 0.22  # of the UV map, for the eyes
_NOTE = "Carried over from Likeness's own head by nearest places."


@dataclass(frozen=True)
class FlameFit:
    """parameters: FLAME's own, in the upright frame of RiggedHead, with the photo's expression; head: in FLAME's topology;
    corners (V, 3), barycentric (V, 3): the vertices of our head between which each of FLAME's lies;
    residual: median distance in metres between FLAME's surface and ours by the parameters alone, without the head's free offsets."""

    parameters: FlameParameters
    head: RiggedHead
    corners: np.ndarray
    barycentric: np.ndarray
    residual: float

    def to_dict(self) -> dict[str, Any]:
        """Strict JSON: the names are those that FLAME's users know."""
        rounded = {name: np.round(getattr(self.parameters, name), 6).tolist() for name in ("shape", "expression", "translation")}
        names = ("global_pose", "neck_pose", "jaw_pose", "left_eye_pose", "right_eye_pose")
        pose = dict(zip(names, np.round(self.parameters.pose, 6).tolist(), strict=True))
        frame = "metres, y up, facing +z, x to the person's left, origin at the neck joint of the head"
        return {"model": "FLAME", "frame": frame, **rounded, **pose, "median_distance_mm": round(1000 * self.residual, 3)}


def fit_flame(model: FlameModel, ours: RiggedHead) -> FlameFit:
    """FLAME on our rigged head: shape and place from the neutral head, then free offsets, then expression and jaw from the photo's."""
    ours = _stiff(ours)
    parts, faces = model.shapes.part, model.shapes.faces
    neutral = {part: _Target(ours.neutral, ours.faces[ours.face_part == part]) for part in np.unique(parts).tolist()}
    parameters = _fit_shape(model, ours, neutral[0], parts == 0)
    plain = model.posed(parameters)[0]
    moved = _with_offsets(plain, faces, neutral[0], parts)
    places = _Places.of(neutral, moved, faces, parts)
    distance = np.linalg.norm(plain - places.interpolate(ours.neutral), axis=1)[parts == 0]
    keys = places.interpolate(ours.keys)
    head = _head(model, parameters, ours, moved, keys, places)
    offsets = (moved - plain) @ rotation_matrix(parameters.pose[0])
    photo = ours.posed(ours.key_values, _jaw_only(ours.rotations)) - ours.neutral
    parameters = _fit_expression(model, parameters, offsets, moved + places.interpolate(photo), parts == 0)
    return FlameFit(parameters, head, places.corners, places.barycentric, float(np.median(distance)))


def _jaw_only(rotations: np.ndarray) -> np.ndarray:
    kept = np.zeros_like(rotations)
    kept[JAW] = rotations[JAW]
    return kept


def _stiff(head: RiggedHead) -> RiggedHead:
    """The same head, whose torso turns with it in the photo: with a neck that is not bent, and eyes straight ahead."""
    neck, rotations = rotation_matrix(head.rotations[NECK]), _jaw_only(head.rotations)
    rotations[GLOBAL] = rotation_vector(rotation_matrix(head.rotations[GLOBAL]) @ neck)
    moved = ((neck.T - np.eye(3)) @ head.joints[NECK]).astype(np.float32)  # now that the head turns about the origin alone
    return replace(head, neutral=head.neutral + moved, joints=head.joints + moved, rotations=rotations)


class _Target:
    """Closest places on one part of our head, by position and normal: lips that touch are not taken for each other."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        self.faces = faces.astype(np.int64)
        self.corners = vertices[self.faces].astype(np.float64)
        normals = face_normals(vertices.astype(np.float64), self.faces)
        self.normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
        self._tree = cKDTree(np.concatenate([self.corners.mean(1), _NORMAL_UNIT * self.normals], axis=1))

    def query(self, points: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Face (N,) and barycentrics (N, 3) for points and unit normals (N, 3)."""
        _, near = self._tree.query(np.concatenate([points, _NORMAL_UNIT * normals], axis=1), k=_CANDIDATES, workers=-1)
        flat = near.ravel()
        repeated = np.repeat(points, _CANDIDATES, axis=0)
        barycentric = closest_on_triangles(repeated, self.corners[flat])
        offset = repeated - np.einsum("nij,ni->nj", self.corners[flat], barycentric)
        turn = np.repeat(normals, _CANDIDATES, axis=0) - self.normals[flat]
        cost = ((offset**2).sum(1) + _NORMAL_UNIT**2 * (turn**2).sum(1)).reshape(near.shape)
        best = cost.argmin(1)
        rows = np.arange(len(points))
        return near[rows, best], barycentric.reshape(*near.shape, 3)[rows, best]

    def places(self, points: np.ndarray, normals: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Closest places (N, 3), their normals (N, 3), and how much each counts (N,) in [0, 1]."""
        face, barycentric = self.query(points, normals)
        found = np.einsum("nij,ni->nj", self.corners[face], barycentric)
        squared = ((found - points) ** 2).sum(1)
        agree = np.clip(((normals * self.normals[face]).sum(1) - 0.4) / 0.4, 0, 1)
        return found, self.normals[face], agree / (1 + squared / reach**2) ** 2


@dataclass(frozen=True)
class _Places:
    """Where each FLAME vertex lies on our head: vertex ids (V, 3) and barycentrics (V, 3)."""

    corners: np.ndarray
    barycentric: np.ndarray

    @classmethod
    def of(cls, targets: dict[int, _Target], vertices: np.ndarray, faces: np.ndarray, parts: np.ndarray) -> "_Places":
        normals = vertex_normals(vertices, faces)
        corners, barycentric = np.zeros((len(vertices), 3), np.int64), np.zeros((len(vertices), 3))
        for part, target in targets.items():
            chosen = parts == part
            face, barycentric[chosen] = target.query(vertices[chosen], normals[chosen])
            corners[chosen] = target.faces[face]
        return cls(corners, barycentric)

    def interpolate(self, attributes: np.ndarray) -> np.ndarray:
        """Values (..., V, C) of our vertices at FLAME's."""
        return np.einsum("...vic,vi->...vc", attributes[..., self.corners, :], self.barycentric)


def _fit_shape(model: FlameModel, ours: RiggedHead, target: _Target, skin: np.ndarray) -> FlameParameters:
    """Shape, turn and place: Gauss-Newton on distances from the tangent planes at the closest places, with the shape's normal prior."""
    shapes, eye_joints = model.shapes, [LEFT_EYE, RIGHT_EYE]
    eyes = ours.joints[eye_joints].astype(np.float64)
    eye_basis = shapes.skeleton.identity[:, eye_joints].transpose(1, 2, 0)
    basis = shapes.identity[:, skin].transpose(1, 2, 0).copy()

    def motions(points: np.ndarray, root: np.ndarray, rotation: np.ndarray, changes: np.ndarray) -> np.ndarray:
        """(N, 3, 6 + count): turning about the root joint, shifting, and the shapes' changes (N, 3, count)."""
        shift = np.broadcast_to(np.eye(3), (len(points), 3, 3))
        return np.concatenate([-skew(points - root), shift, rotation.astype(changes.dtype) @ changes], axis=2)

    def linearise(parameters: FlameParameters, stage: tuple[float, int]) -> Quadratic:
        reach, count = stage
        vertices, joints = model.posed(parameters)
        points, rotation = vertices[skin], rotation_matrix(parameters.pose[0])
        found, plane, weight = target.places(points, vertex_normals(vertices, shapes.faces)[skin], reach)
        motion = motions(points, joints[0], rotation, basis[..., :count]).astype(np.float32)
        across = (plane.astype(np.float32)[:, None] @ motion)[:, 0]
        error, weight = (found - points).astype(np.float32), weight.astype(np.float32)
        matrix = (across.T @ (weight[:, None] * across)).astype(np.float64)
        right = across.T @ (weight * (plane * error).sum(1).astype(np.float32))
        flat, weights = motion.reshape(-1, 6 + count), np.repeat(_SLIDE**2 * weight, 3)
        matrix += flat.T @ (weights[:, None] * flat)
        right += flat.T @ (weights * error.ravel())
        flat = motions(joints[eye_joints], joints[0], rotation, eye_basis[..., :count]).reshape(-1, 6 + count)
        matrix += _EYES * flat.T @ flat
        right += _EYES * flat.T @ (eyes - joints[eye_joints]).ravel()
        prior = _ALIKE * _NOISE**2 * np.r_[np.full(6, 1e-6), np.ones(count)]
        return Quadratic(matrix + np.diag(prior), right - prior * np.r_[np.zeros(6), parameters.shape[:count]])

    def move(parameters: FlameParameters, step: np.ndarray) -> FlameParameters:
        pose, shape = parameters.pose.copy(), parameters.shape.copy()
        pose[0] = rotation_vector(rotation_matrix(step[:3]) @ rotation_matrix(pose[0]))
        shape[: len(step) - 6] += step[6:]
        return replace(parameters, pose=pose, shape=shape, translation=parameters.translation + step[3:6])

    start = FlameParameters()
    start = replace(start, translation=eyes.mean(0) - model.posed(start)[1][eye_joints].mean(0))
    stages = [(_REACHES[0], 0)] * _RIGID_ROUNDS + [(reach, len(shapes.identity)) for reach in _REACHES]
    return minimise(start, linearise, move, stages)


def _with_offsets(vertices: np.ndarray, faces: np.ndarray, target: _Target, parts: np.ndarray) -> np.ndarray:
    """Vertices (V, 3) moved onto our skin smoothly; what has no place there follows, and eyeballs follow as a whole."""
    stiffness, mass = cotangent_laplacian(vertices, faces[(parts[faces] == 0).all(1)])
    mass = np.maximum(mass, 1e-9)
    moved = vertices.copy()
    for length in _OFFSET_LENGTHS:
        found, plane, weight = target.places(moved, vertex_normals(moved, faces), 0.005)
        # Along the surface nothing is known.
        wanted = moved + ((found - moved) * plane).sum(1)[:, None] * plane - vertices
        data = mass * weight * (parts == 0)
        bending = stiffness @ sp.diags(length**4 / mass) @ stiffness
        system = (sp.diags(data + 1e-4 * mass) + bending).tocsc()
        moved = vertices + splu(system).solve(data[:, None] * wanted)
    for part in (1, 2):
        lids = cKDTree(vertices[parts == 0]).query(vertices[parts == part].mean(0), k=60)[1]
        moved[parts == part] = vertices[parts == part] + np.median((moved - vertices)[parts == 0][lids], axis=0)
    return moved


def _fit_expression(
    model: FlameModel, parameters: FlameParameters, offsets: np.ndarray, wanted: np.ndarray, skin: np.ndarray
) -> FlameParameters:
    """Expression and jaw that bring the skin to the wanted places (V, 3) of its vertices: Gauss-Newton, the jaw's derivatives numeric."""
    count = len(model.shapes.expression)
    rotation = rotation_matrix(parameters.pose[0])
    basis = model.shapes.expression[:, skin].transpose(1, 2, 0).astype(np.float64)
    prior = _ALIKE * _NOISE**2 * np.r_[np.ones(count), np.full(3, 1 / _JAW_PRIOR**2)]

    def move(parameters: FlameParameters, step: np.ndarray) -> FlameParameters:
        pose = parameters.pose.copy()
        pose[JAW] += step[count:]
        return replace(parameters, expression=parameters.expression + step[:count], pose=pose)

    def linearise(parameters: FlameParameters, _: int) -> Quadratic:
        here = model.posed(parameters, offsets)[0][skin]
        turned = lambda jaw: model.posed(move(parameters, np.r_[np.zeros(count), jaw]), offsets)[0][skin].ravel()  # noqa: E731
        jaw = slopes(turned, np.zeros(3), here.ravel(), _DELTA)
        flat, error = np.concatenate([(rotation @ basis).reshape(-1, count), jaw], axis=1), (wanted[skin] - here).ravel()
        current = np.r_[parameters.expression, parameters.pose[JAW]]
        return Quadratic(flat.T @ flat + np.diag(prior), flat.T @ error - prior * current)

    return minimise(parameters, linearise, move, range(_EXPRESSION_ROUNDS))


def _head(
    model: FlameModel,
    parameters: FlameParameters,
    ours: RiggedHead,
    neutral: np.ndarray,
    keys: np.ndarray,
    places: _Places,
) -> RiggedHead:
    shapes, parts = model.shapes, model.shapes.part
    joints = model.posed(parameters)[1]
    joints[0] = 0
    jaw = np.zeros_like(joints)
    jaw[JAW, 0] = _CORRECTIVE_ANGLE
    corrective = model.pose_offsets(jaw) @ rotation_matrix(parameters.pose[0]).T
    uv, faces_uv = _layout(neutral, shapes.faces, parts)
    return RiggedHead(
        neutral=neutral.astype(np.float32),
        faces=shapes.faces.astype(np.int32),
        face_part=shapes.face_part.astype(np.int32),
        uv=uv,
        faces_uv=faces_uv,
        correspondence=np.where((parts == 0)[:, None], places.interpolate(ours.correspondence), 0).astype(np.float32),
        joints=joints.astype(np.float32),
        parents=shapes.skeleton.parents.astype(np.int32),
        weights=shapes.weights,
        keys=keys.astype(np.float32),
        key_names=ours.key_names,
        key_quality=(0.9 * ours.key_quality).astype(np.float32),
        key_notes=tuple(f"{note} {_NOTE}".strip() for note in ours.key_notes),
        key_values=ours.key_values,
        rotations=ours.rotations,
        correctives=corrective[None].astype(np.float32),
        corrective_angles=np.array([_CORRECTIVE_ANGLE], np.float32),
    )


def _layout(vertices: np.ndarray, faces: np.ndarray, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """UVs (U, 2) and faces_uv (F, 3), since FLAME's model files hold none: around the vertical axis, cut at the back, above a strip with
    the eyes as seen from the front."""
    centre = (vertices.min(0) + vertices.max(0)) / 2
    around = np.arctan2(vertices[:, 0] - centre[0], vertices[:, 2] - centre[2]) / (2 * np.pi) + 0.5
    height = _STRIP + (1 - _STRIP) * (vertices[:, 1] - vertices[:, 1].min()) / np.ptp(vertices[:, 1])
    across = np.ptp(around[faces], axis=1) > 0.5
    # No more than a quarter: the crown's faces reach all around.
    corner = across[:, None] & (around[faces] < 0.25) & (parts[faces] == 0)
    again = np.unique(faces[corner])
    second = np.full(len(vertices), -1)
    second[again] = len(vertices) + np.arange(len(again))
    uv = np.concatenate([np.stack([around, height], axis=1), np.stack([around[again] + 1, height[again]], axis=1)])
    uv[:, 0] /= max(uv[:, 0].max(), 1)
    for part in (1, 2):
        eye = np.flatnonzero(parts == part)
        flat = vertices[eye, :2] - vertices[eye, :2].min(0)
        uv[eye] = flat / max(flat.max(initial=0), 1e-9) * (0.9 * _STRIP) + [_STRIP * part, 0.05 * _STRIP]
    return uv.astype(np.float32), np.where(corner, second[faces], faces).astype(np.int32)
