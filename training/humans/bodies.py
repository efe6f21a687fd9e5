"""Random bodies from anny (Apache-2.0 code, CC0 MakeHuman data) on the hm08 mesh, in the head model's frame."""

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

INTEROCULAR = 0.063
HM08_COUNT = 19_158
JOINT_BONES = ("neck01", "jaw", "eye.L", "eye.R")
"""Bones at whose heads the joints neck, jaw, left eye and right eye sit; the joint *global* shares the neck's place."""
_FACE_WORDS = ("cheek", "chin", "ear-", "eyebrows", "eye-", "forehead", "head-", "mouth", "neck", "nose")
_NEVER = ("mouthClose", "tongueOut", "jawForward")
_PAIRED_SHAPES = (
    ("mouthSmileLeft", "mouthSmileRight", 0.45, 0.9),
    ("eyeBlinkLeft", "eyeBlinkRight", 0.3, 0.7),
    ("browDownLeft", "browDownRight", 0.2, 0.8),
    ("mouthFrownLeft", "mouthFrownRight", 0.12, 0.8),
    ("cheekSquintLeft", "cheekSquintRight", 0.2, 0.8),
)


@dataclass(frozen=True)
class Body:
    """One person at rest. vertices (19158, 3): metres, y up, facing +z, origin between the eyes' joints, 63 mm between them.

    joints (5, 3): global, neck, jaw, left eye, right eye. gender, age in [0, 1] (0 female, 1 male; .5 is about 25 years).
    expression: shape name -> weight. bones (163, 3): rest heads of `Bodies.bone_names`. phenotype: anny's name -> value in [0, 1].
    """

    vertices: np.ndarray
    joints: np.ndarray
    bones: np.ndarray
    gender: float
    age: float
    expression: dict[str, float]
    phenotype: dict[str, float]


class Bodies:
    """Draws bodies. Building anny's model takes minutes once and then loads from its cache (ANNY_CACHE_DIR)."""

    @cached_property
    def _model(self) -> Any:
        import anny

        logging.getLogger("warp").setLevel(logging.ERROR)
        return anny.Anny(rig="makehuman", topology="makehuman", phenotypes="all", local_changes="default", facial_actions="all").to(
            torch.float32
        )

    @cached_property
    def bone_names(self) -> list[str]:
        """Names of the 163 bones of MakeHuman's default rig, parents before children."""
        return list(self._model.bone_labels)

    @cached_property
    def bone_parents(self) -> np.ndarray:
        """(163,) int64 parent of every bone, -1 at the root."""
        return np.array(self._model.bone_parents, np.int64)

    @cached_property
    def bone_weights(self) -> sp.csr_matrix:
        """(19158, 163) float32 skinning weights of hm08, rows sum to 1."""
        index, weight = self._model.vertex_bone_indices.numpy(), self._model.vertex_bone_weights.numpy()
        row = np.repeat(np.arange(HM08_COUNT), index.shape[1])
        matrix = sp.coo_matrix((weight.ravel(), (row, index.ravel())), shape=(HM08_COUNT, len(self.bone_names))).tocsr()
        matrix.eliminate_zeros()
        return (sp.diags(1 / np.asarray(matrix.sum(1)).ravel()) @ matrix).astype(np.float32).tocsr()

    @cached_property
    def weights(self) -> np.ndarray:
        """(19158, 5) skinning weights of hm08 collapsed to the head model's joints."""
        owner = np.zeros(len(self.bone_names), np.int64)
        for bone, (name, parent) in enumerate(zip(self.bone_names, self.bone_parents, strict=True)):
            owner[bone] = JOINT_BONES.index(name) + 1 if name in JOINT_BONES else owner[parent] if parent >= 0 else 0
        collapse = (owner[:, None] == np.arange(5)).astype(np.float32)
        return np.asarray(self.bone_weights @ collapse)

    def sample(self, rng: np.random.Generator) -> Body:
        """One random body with a random expression."""
        phenotype, local = _sample_identity(rng, self._model.local_change_labels)
        actions = _sample_expression(rng, self._model.facial_action_labels)
        wrap = lambda values: {k: torch.tensor([v], dtype=torch.float32) for k, v in values.items()}  # noqa: E731
        with torch.no_grad():
            output = self._model(
                pose_parameters=None,
                phenotype_kwargs=wrap(phenotype),
                local_changes_kwargs=wrap({k: v for k, v in local.items() if v}),
                facial_actions=wrap(actions),
            )
        vertices = _upright(output["rest_vertices"][0].numpy())
        heads = _upright(output["rest_bone_heads"][0].numpy())
        joints = heads[[self.bone_names.index(name) for name in (JOINT_BONES[0], *JOINT_BONES)]]
        middle = joints[3:].mean(0)
        scale = INTEROCULAR / np.linalg.norm(joints[3] - joints[4])
        place = lambda points: ((points - middle) * scale).astype(np.float32)  # noqa: E731
        return Body(place(vertices), place(joints), place(heads), phenotype["gender"], phenotype["age"], actions, phenotype)


def _upright(points: np.ndarray) -> np.ndarray:
    """anny's z-up, facing -y, to y-up, facing +z."""
    return np.stack([points[:, 0], points[:, 2], -points[:, 1]], axis=1)


def _sample_identity(rng: np.random.Generator, labels: list[str]) -> tuple[dict[str, float], dict[str, float]]:
    young = rng.random() < 0.12
    phenotype = {
        "gender": float(np.clip(rng.choice([0.08, 0.92]) + rng.normal(0, 0.1), 0, 1)),
        "age": float(rng.uniform(0.3, 0.55) if young else rng.uniform(0.55, 1.0)),
        "muscle": float(np.clip(rng.normal(0.5, 0.2), 0, 1)),
        "weight": float(np.clip(rng.normal(0.5, 0.22), 0, 1)),
        "height": float(np.clip(rng.normal(0.5, 0.18), 0, 1)),
        "proportions": float(rng.uniform(0.3, 0.9)),
        "cupsize": float(np.clip(rng.normal(0.5, 0.2), 0, 1)),
        "firmness": float(np.clip(rng.normal(0.5, 0.2), 0, 1)),
    }
    races = rng.dirichlet([0.6, 0.6, 0.6])
    phenotype.update(zip(("african", "asian", "caucasian"), map(float, races), strict=True))
    local: dict[str, float] = {}
    for name in labels:
        if not any(word in name for word in _FACE_WORDS) or name.startswith("measure"):
            continue
        partner = "l-" + name[2:]
        if name.startswith("r-") and partner in local:
            value = local[partner] + rng.normal(0, 0.04)
        else:
            # 0.19 keeps faces plausible; wider independent changes look caricatured.
            value = rng.normal(0, 0.19)
        local[name] = float(np.clip(value, -1, 1))
    return phenotype, local


def _sample_expression(rng: np.random.Generator, labels: list[str]) -> dict[str, float]:
    actions: dict[str, float] = {}
    for name in rng.choice(labels, rng.integers(0, 6), replace=False):
        weight = float(rng.beta(1, 2))
        actions[str(name)] = weight
        other = name.replace("Left", "Right") if "Left" in name else name.replace("Right", "Left")
        if other != name and "Look" not in name and rng.random() < 0.8:
            actions[str(other)] = weight
    for left, right, chance, most in _PAIRED_SHAPES:
        if rng.random() < chance:
            weight = rng.uniform(0.05, most)
            actions[left], actions[right] = float(weight), float(np.clip(weight + rng.normal(0, 0.08), 0, 1))
    actions["jawOpen"] = float(rng.beta(1.2, 4)) if rng.random() < 0.35 else 0.0
    return {name: weight for name, weight in actions.items() if name not in _NEVER and not name.startswith("eyeLook")}
