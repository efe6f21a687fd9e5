"""Points that hang on a body's joints: where a shape and a pose put them, with exact derivatives."""

from dataclasses import dataclass

import numpy as np

from .body import BodyModel
from .rotation import rotation_matrix, skew


class Articulation:
    """A body model as a fit sees it: its first `count` shapes, and only joints that turn with a group; the others are stiff.

    shares (G, J), parents (J,): of the joints that are left; joints (J, 3) and joint_shapes (K, J, 3) at rest, the first at the origin.
    """

    def __init__(self, body: BodyModel, count: int) -> None:
        turning = body.pose.shares.sum(0) > 0
        turning[body.MAIN_JOINT] = True
        kept, all_parents = np.flatnonzero(turning), body.skeleton.parents
        self._owner = np.zeros(len(turning), np.int64)
        for joint, parent in enumerate(all_parents):
            self._owner[joint] = np.searchsorted(kept, joint) if turning[joint] else self._owner[parent]
        self.body, self.count = body, count
        self.parents = np.array([-1 if all_parents[joint] < 0 else self._owner[all_parents[joint]] for joint in kept])
        self.shares = body.pose.shares[:, kept].astype(np.float64)
        self._root = body.skeleton.joints[0].astype(np.float64)
        self._root_shapes = body.skeleton.identity[:count, 0].astype(np.float64)
        self.joints = body.skeleton.joints[kept] - self._root
        self.joint_shapes = body.skeleton.identity[:count, kept] - self._root_shapes[:, None]
        self._below = np.eye(len(kept))  # [a, j]: does joint j hang on a?
        for joint, parent in enumerate(self.parents):
            while parent >= 0:
                self._below[parent, joint] = 1
                parent = self.parents[parent]

    def on_joints(self, joints: np.ndarray, offsets: np.ndarray) -> "JointPoints":
        """Points at offsets (N, 3), rest axes, from joints (N,) of the body model."""
        skeleton = self.body.skeleton
        weights = np.eye(len(self.parents))[self._owner[joints]]
        return JointPoints(self, skeleton.joints[joints] + offsets - self._root, self._centred(skeleton.identity[:, joints]), weights)

    def on_vertices(self, ids: np.ndarray) -> "JointPoints":
        """Vertices (N,) of the body model."""
        weights = np.zeros((len(ids), len(self.parents)))
        np.add.at(weights.T, self._owner, self.body.weights[ids].T)
        return JointPoints(self, self.body.mean[ids] - self._root, self._centred(self.body.identity[:, ids]), weights)

    def _centred(self, shapes: np.ndarray) -> np.ndarray:
        return shapes[: self.count] - self._root_shapes[:, None]

    def placed(self, shape: np.ndarray, groups: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Joints at rest (J, 3), their turns (J, 3, 3) and places (J, 3) for a shape (K,), group rotation vectors (G, 3) and the root's
        rotation (3, 3), about the root."""
        rest = self.joints + np.tensordot(shape, self.joint_shapes, 1)
        local = rotation_matrix(self.shares.T @ groups)
        turns, places = np.empty_like(local), np.zeros_like(rest)
        turns[0] = root
        for joint in range(1, len(rest)):
            parent = self.parents[joint]
            turns[joint] = turns[parent] @ local[joint]
            places[joint] = places[parent] + turns[parent] @ (rest[joint] - rest[parent])
        return rest, turns, places


@dataclass(frozen=True)
class JointPoints:
    """Points with places at rest (N, 3) about the root, changes by shape (K, N, 3) and weights of joints (N, J)."""

    frame: Articulation
    rest: np.ndarray
    shapes: np.ndarray
    weights: np.ndarray

    def at(self, shape: np.ndarray, groups: np.ndarray, root: np.ndarray) -> np.ndarray:
        """Where they are (N, 3), camera axes about the root, metres."""
        rest, turns, places = self.frame.placed(shape, groups, root)
        maps = np.concatenate([turns, (places - np.einsum("jab,jb->ja", turns, rest))[..., None]], axis=2).reshape(len(rest), 12)
        each = (self.weights @ maps).reshape(-1, 3, 4)
        return np.einsum("nab,nb->na", each[..., :3], self._shaped(shape)) + each[..., 3]

    def _shaped(self, shape: np.ndarray) -> np.ndarray:
        return self.rest + np.tensordot(shape, self.shapes, 1)

    def moves(self, shape: np.ndarray, groups: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where they are (N, 3), and the derivative (N, 3, K + 3 G + 3) by shape, groups and a rotation vector applied on the left of the
        root's rotation."""
        frame = self.frame
        rest, turns, places = frame.placed(shape, groups, root)
        shaped, count = self._shaped(shape), len(self.rest)
        carried = np.einsum("jab,nb->nja", turns, shaped) + (places - np.einsum("jab,jb->ja", turns, rest))
        weighted = self.weights[..., None] * carried
        points = weighted.sum(1)
        moved = np.zeros((frame.count, len(rest), 3))
        for joint in range(1, len(rest)):
            parent = frame.parents[joint]
            along = frame.joint_shapes[:, joint] - frame.joint_shapes[:, parent]
            moved[:, joint] = moved[:, parent] + along @ turns[parent].T
        moved -= np.einsum("jab,kjb->kja", turns, frame.joint_shapes)
        linear = np.tensordot(self.weights, turns, 1)
        by_shape = np.einsum("nab,knb->nak", linear, self.shapes, optimize=True)
        by_shape += np.tensordot(self.weights, moved, (1, 1)).transpose(0, 2, 1)
        # A turn of joint a moves each point about the joint by what hangs below it of the point.
        below = np.einsum("aj,njc->nac", frame._below, weighted, optimize=True)
        arms = below - (self.weights @ frame._below.T)[..., None] * places
        parents = turns[np.maximum(frame.parents, 0)]
        axes = parents @ left_jacobian(frame.shares.T @ groups)
        turned = np.cross(axes.transpose(0, 2, 1)[None], arms[:, :, None])  # (N, J, 3 of the vector, 3 of space)
        by_group = np.tensordot(turned, frame.shares, (1, 1)).transpose(0, 2, 3, 1).reshape(count, 3, -1)
        return points, np.concatenate([by_shape, by_group, -skew(points)], axis=2)


def left_jacobian(vectors: np.ndarray) -> np.ndarray:
    """(N, 3, 3): how the rotation of rotation vectors (N, 3) turns, as a vector applied on the left, when they change."""
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    cross, safe = skew(vectors), np.maximum(angle, 1e-6)
    second = np.where(angle < 1e-3, 1 / 6, (safe - np.sin(safe)) / safe**3)
    return np.eye(3) + 0.5 * np.sinc(angle / 2 / np.pi) ** 2 * cross + second * (cross @ cross)
