"""Whole clothed figures from Microsoft Rocketbox (Gonzalez-Franco et al. 2020, MIT): closed, posed and painted at random."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from ...core.geometry.mesh import adjacency, boundary_loops, signed_volume
from ...core.models.rotation import rotation_matrix
from ...core.models.skinning import joint_transforms, skin
from .assets import SPLITS
from .avatar_paint import AvatarAppearance, regions
from .bodies import INTEROCULAR
from .part import Part, RestPart

HELD_OUT = (
    "Business_Female_03", "Business_Male_04", "Female_Adult_06", "Female_Adult_11", "Female_Party_02", "Male_Adult_06",
    "Male_Adult_15", "Male_Child_02", "Sports_Male_03", "Wood_Male_01",
)  # fmt: skip
"""Avatars that only evaluation figures come from."""
_CARDS = "hair_cards"  # open sheets for alpha textures that nobody has


@dataclass(frozen=True)
class Avatar:
    """One figure at rest, frame of `bodies.Body`: vertices (V, 3), outward closed faces (F, 3), joints (80, 3), weights (V, 80).

    kind (V,): what material the vertex belongs to: body, head, body_head or extra:<thing>; equal places of two kinds are two vertices.
    """

    name: str
    gender: str
    age_group: str
    vertices: np.ndarray
    faces: np.ndarray
    kind: np.ndarray
    joints: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class AvatarFigure:
    """A posed avatar. parts in the camera frame: metres, origin between the eyes' joints; rotation (3, 3) of the head; yaw as in
    `figure.Figure`; pelvis (3,): its joint."""

    name: str
    parts: list[Part]
    rotation: np.ndarray
    yaw: float
    pelvis: np.ndarray


class Avatars:
    """The avatars of one split of the asset pack."""

    def __init__(self, assets_root: Path, split: str = "training") -> None:
        if split not in SPLITS:
            raise ValueError(f"Choose one of the splits {', '.join(SPLITS)} instead of {split}.")
        self._path = assets_root / "avatars" / "avatars.npz"
        self.names = [name for name in self._table["names"].tolist() if (name in HELD_OUT) == (split == "evaluation")]

    @cached_property
    def _table(self) -> dict[str, np.ndarray]:
        with np.load(self._path, allow_pickle=False) as data:
            return dict(data)

    @cached_property
    def bones(self) -> list[str]:
        """The 80 bones, parents before children."""
        return self._table["bones"].tolist()

    @property
    def parents(self) -> np.ndarray:
        """(80,) parent of each bone, -1 at the root."""
        return self._table["parents"].astype(np.int64)

    def load(self, name: str) -> Avatar:
        """One avatar, closed and scaled to INTEROCULAR; hair cards are left out. Raises KeyError for one of another split."""
        if name not in self.names:
            raise KeyError(f"There is no avatar {name} in this split.")
        table, row = self._table, self._table["names"].tolist().index(name)
        part = lambda key, ends: table[key][slice(*table[ends][row : row + 2])]  # noqa: E731
        kind = table["material_kind"][row][part("tri_material", "tri_ptr")]
        faces = part("tris", "tri_ptr").astype(np.int64)
        # The source splits vertices where its pictures have seams.
        places, first, place = np.unique(part("verts_q", "vert_ptr"), axis=0, return_index=True, return_inverse=True)
        faces, kind = place.ravel()[faces[kind != _CARDS]], kind[kind != _CARDS]
        real = (faces != np.roll(faces, 1, axis=1)).all(1)
        faces, kind = faces[real], kind[real]
        vertices = places * table["vert_step"] + table["vert_origin"]
        weights = np.zeros((len(places), len(self.bones)), np.float32)
        bone, weight = (part(key, "vert_ptr")[first] for key in ("weight_bone", "weight"))
        np.add.at(weights, (np.arange(len(places))[:, None], bone), weight / np.float32(255))
        loops = boundary_loops(faces)
        vertices, weights = (np.concatenate([each, *(each[loop].mean(0, keepdims=True) for loop in loops)]) for each in (vertices, weights))
        faces, caps = capped(faces, loops, len(places))
        touching = dict(zip(faces.ravel().tolist(), np.repeat(kind, 3).tolist(), strict=False))
        kind = np.append(kind, [touching[vertex] for vertex in caps])
        closed = in_closed_piece(faces, len(vertices))
        faces, kind = outward(vertices, faces[closed]), kind[closed]
        faces, origin, kind = split_by(faces, kind)

        joints = table["joints"][row].astype(np.float64)
        eyes = joints[[self.bones.index(eye) for eye in ("LEye", "REye")]]
        scale = INTEROCULAR / np.linalg.norm(eyes[0] - eyes[1])
        place_at = lambda points: ((points - eyes.mean(0)) * scale).astype(np.float32)  # noqa: E731
        return Avatar(
            name, str(table["gender"][row]), str(table["age_group"][row]), place_at(vertices[origin]), faces, kind,
            place_at(joints), weights[origin],
        )  # fmt: skip

    def make(self, rng: np.random.Generator) -> AvatarFigure:
        """One random avatar in a random pose and random colours, as often from the front as from anywhere."""
        return self.posed(str(rng.choice(self.names)), rng)

    def posed(self, name: str, rng: np.random.Generator, yaw: float | None = None) -> AvatarFigure:
        """One avatar in a random pose and random colours; yaw: radians, or a random one. Raises KeyError for one of another split."""
        avatar = self.load(name)
        appearance = AvatarAppearance(rng, avatar.gender)
        values = regions(avatar.vertices, avatar.kind, avatar.weights, avatar.joints, self.bones, rng)
        rest = RestPart("body", avatar.vertices, avatar.faces, None, appearance.paint(avatar.joints, self.bones), values=values)
        # The eyes' distance stays, or every measure in the head would be of another scale.
        stretch = np.array([1, *rng.uniform(0.95, 1.05, 2)])
        linear, offset = joint_transforms(avatar.joints * stretch, self.parents, random_pose(rng, self.bones, avatar.joints))
        if yaw is None:
            yaw = float(rng.uniform(-np.pi, np.pi) if rng.random() < 0.5 else np.clip(rng.normal(0, 0.5), -np.pi, np.pi))
        camera = rotation_matrix(np.array([rng.normal(0, 0.06), 0, rng.normal(0, 0.03)])) @ rotation_matrix(np.array([0, yaw, 0]))
        head = self.bones.index("Head")
        linear, offset = camera @ linear, (offset - offset[head]) @ camera.T  # the eyes' midpoint is the rest pose's origin
        posed = skin(avatar.vertices * stretch, avatar.weights, linear, offset)
        pelvis = self.bones.index("Pelvis")
        return AvatarFigure(
            avatar.name, [Part.of(rest, posed)], linear[head], yaw, linear[pelvis] @ (avatar.joints[pelvis] * stretch) + offset[pelvis]
        )


def capped(faces: np.ndarray, loops: list[np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Faces (F, 3) with a fan over every boundary loop, around centre vertices count, count + 1, …; and a neighbour of each new face."""
    fans = [np.stack([np.roll(loop, -1), loop, np.full(len(loop), count + i)], axis=1) for i, loop in enumerate(loops)]
    return np.concatenate([faces, *fans]), np.concatenate([*loops, np.zeros(0, np.int64)])


def in_closed_piece(faces: np.ndarray, count: int) -> np.ndarray:
    """(F,) bool: every edge of the face's connected piece is walked as often in one direction as in the other."""
    half = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    walked = sp.coo_matrix((np.ones(len(half), np.int64), (half[:, 0], half[:, 1])), shape=(count, count)).tocsr()
    _, piece = connected_components(walked, directed=False)
    unbalanced = np.unique(piece[(walked - walked.T).nonzero()[0]])
    return ~np.isin(piece[faces[:, 0]], unbalanced)


def outward(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Closed faces (F, 3), every connected piece turned so that it encloses a positive volume."""
    _, piece = connected_components(adjacency(faces, len(vertices)), directed=False)
    of_face, result = piece[faces[:, 0]], faces.copy()
    for label in np.unique(of_face):
        here = of_face == label
        if signed_volume(vertices, faces[here]) < 0:
            result[here] = faces[here][:, ::-1]
    return result


def split_by(faces: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gives every vertex one label (F,) of its faces: faces (F, 3) of new ids, the old id (V,) and the label (V,) of the new vertices."""
    names, number = np.unique(label, return_inverse=True)
    pairs, inverse = np.unique(faces * len(names) + number[:, None], return_inverse=True)
    return inverse.reshape(faces.shape), pairs // len(names), names[pairs % len(names)]


def random_pose(rng: np.random.Generator, bones: list[str], joints: np.ndarray) -> np.ndarray:
    """Rotation vectors (80, 3), model axes, relative to the parents: a person who stands about, within the limits of the joints."""
    pose = np.zeros((len(bones), 3))
    turn = lambda name, *spread: np.clip(rng.normal(0, spread), -2 * np.array(spread), 2 * np.array(spread))  # noqa: E731
    row = bones.index
    for name, spread in _SPREAD.items():
        pose[row(name)] = turn(name, *spread)
    for side, sign in (("L", 1), ("R", -1)):
        shoulder, elbow, wrist = (joints[row(f"{side} {name}")] for name in ("UpperArm", "Forearm", "Hand"))
        hinge = np.cross(elbow - shoulder, wrist - elbow)
        lift = rng.uniform(-0.55, 0.1) if rng.random() < 0.75 else rng.uniform(-0.2, 0.7)
        pose[row(f"{side} UpperArm")] += [0, 0, sign * lift]
        pose[row(f"{side} Forearm")] += hinge / np.linalg.norm(hinge) * np.clip(rng.normal(0.15, 0.45), -0.35, 1.5)
        pose[row(f"{side} Thigh")] += [0, 0, sign * rng.uniform(-0.04, 0.1)]
        pose[row(f"{side} Calf"), 0] = np.clip(abs(rng.normal(0, 0.15)) - pose[row(f"{side} Thigh"), 0] * 0.5, 0, 0.9)
        # The collarbones hang on the neck in this skeleton; shoulders stay when the neck turns.
        pose[row(f"{side} Clavicle")] -= pose[row("Neck")]
    return pose


_SPREAD = {
    "Spine1": (0.06, 0.07, 0.04), "Spine2": (0.06, 0.09, 0.04), "Neck": (0.06, 0.12, 0.04), "Head": (0.08, 0.16, 0.06),
    **{f"{side} {name}": spread for side in "LR" for name, spread in {
        "Clavicle": (0, 0.04, 0.05), "UpperArm": (0.2, 0.2, 0.05), "Hand": (0.12, 0.12, 0.12), "Thigh": (0.16, 0.06, 0.03),
        "Foot": (0.05, 0.05, 0.0),
    }.items()},
}  # fmt: skip
"""Radians about x, y, z by which a joint strays, one standard deviation; twice that is the most."""
