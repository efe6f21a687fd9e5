"""What is true of views of known people: how they stand, and where a detector without errors would see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...core.models.body import BodyModel
from ...core.models.body_guess import HIPS, MAJOR_JOINTS, straight_ahead
from ...core.models.rotation import rotation_matrix
from ...core.models.skinning import joint_transforms
from ..humans.bodies import Bodies
from .calibrate import CARRIERS
from .poses import PhotoPoses
from .records import Records
from .skeleton import Selection
from .views import STEP, draw_camera

SHAPES = 8
"""Shapes that the network guesses."""


@dataclass(frozen=True)
class Truths:
    """N views. answers (N, 6 + 3 + 3 G + S + 14): the first parts of what the network ought to say (body_guess.Layout). marks (N, 33, 3):
    the calibrated landmarks about the root, in the frame with the root straight ahead. flat (N, 33, 2) and joints (N, 14, 2): where the
    landmarks and the major joints are seen, from the principal point, y up. All in metres, of what is seen at the root's depth.
    """

    answers: np.ndarray
    marks: np.ndarray
    flat: np.ndarray
    joints: np.ndarray


class Teacher:
    """Knows the rig, and says what is true of a pose before a camera."""

    def __init__(self, body: BodyModel, rig: Bodies) -> None:
        self._body, self.rig = body, rig
        self.selection = Selection.of(rig.bone_names, rig.bone_parents)
        places = lambda names: self.selection.bones[[self.selection.names.index(name) for name in names]]  # noqa: E731
        self._majors, self._carriers = places(MAJOR_JOINTS), places(CARRIERS)
        self._skin = np.flatnonzero(body.regions["head"] < 0.1)[::5]
        basis = body.identity[:, self._skin].reshape(len(body.identity), -1).T.astype(np.float64)
        self._solver = np.linalg.solve(basis.T @ basis + 1e-4 * np.eye(basis.shape[1]), basis.T)

    def shape(self, rest: np.ndarray) -> np.ndarray:
        """The body model's shape (SHAPES,) that is nearest to a person at rest (V, 3)."""
        return (self._solver @ (rest[self._skin] - self._body.mean[self._skin]).ravel())[:SHAPES]

    def view(
        self, bones: np.ndarray, pose: np.ndarray, groups: np.ndarray, shape: np.ndarray, turn: np.ndarray, place: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """A row of Truths: of a rig with bones (163, 3) in a pose (163, 3), whose body model's groups (G, 3) and shape (SHAPES,) are known,
        turned (3, 3) into camera axes with its root at place (3,)."""
        linear, offset = joint_transforms(bones, self.rig.bone_parents, pose)
        at = np.einsum("jab,jb->ja", linear, bones) + offset
        hung = at[self._carriers] + np.einsum("nab,nb->na", linear[self._carriers], self._body.body_landmarks.offsets) - at[0]
        majors = at[self._majors] - at[0]
        ahead = straight_ahead(place) @ turn
        root, depth = ahead @ rotation_matrix(pose[0]), majors @ ahead[2]
        answer = [root[:, 0], root[:, 1], ahead[:, 1], np.ravel(groups), shape, depth - depth[list(HIPS)].mean()]
        return np.concatenate(answer), hung @ ahead.T, _flat(hung @ turn.T, place), _flat(majors @ turn.T, place)

    def of_records(self, records: Records) -> Truths:
        """A row a view."""
        rows, known = [], {}
        for view in range(len(records)):
            key = (int(records["figure"][view]), int(records["pose_number"][view]))
            if key not in known:
                known[key] = self.selection.groups(records["pose"][view]), self.shape(records["rest"][view] * np.float32(STEP))
            of_view = (records[name][view].astype(np.float64) for name in ("turn", "place"))
            rows.append(self.view(records["bones"][view].astype(np.float64), records["pose"][view], *known[key], *of_view))
        return _stacked(rows)

    def imagined(self, assets: Path, count: int, views: int = 4, people: int = 150, seed: int = 99) -> Truths:
        """Views of poses that nobody has drawn: `views` each of `count`, of some people."""
        rng, poses = np.random.default_rng(seed), PhotoPoses(assets, self.rig)
        drawn = [self.rig.sample(rng) for _ in range(people)]
        shapes = [self.shape(body.vertices[: len(self._body.mean)]) for body in drawn]
        rows = []
        for _ in range(count):
            which = int(rng.integers(people))
            _, pose = poses.draw(drawn[which], rng)
            groups = self.selection.groups(pose)
            for _ in range(views):
                _, turn, place = draw_camera(rng)
                rows.append(self.view(drawn[which].bones.astype(np.float64), pose, groups, shapes[which], turn, place))
        return _stacked(rows)


def _flat(points: np.ndarray, place: np.ndarray) -> np.ndarray:
    there = points + place
    return there[:, :2] / -there[:, 2:] * -place[2]


def _stacked(rows: Sequence[tuple[np.ndarray, ...]]) -> Truths:
    return Truths(*(np.stack(column) for column in zip(*rows, strict=True)))
