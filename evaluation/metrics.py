"""Distances, normals, volumes and mesh health of one prediction against one truth. Lengths come out in millimetres.

P2S is truth to prediction, S2P prediction to truth, Chamfer half their sum; un-squared, exact point to triangle.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ..core.geometry.mesh import adjacency, face_normals, unique_edges, vertex_normals
from ..core.geometry.raster import LayeredDepth, fragments
from ..core.geometry.visibility import depth_picture, visibility
from .align import Similarity
from .case import GRID, Case
from .nearest import Closest, NearestSurface, Samples

_T = TypeVar("_T")
MM = 1000.0
F_SCORES = (1, 2, 5, 10)
_COMPLETE, _ARTEFACT = 10.0, 30.0
_VIEW = 1024
_EVEN = 1000


class MeasuredTruth:
    """A case's truth prepared for measuring; kept for all predictions of the case."""

    def __init__(self, case: Case) -> None:
        assert case.truth is not None
        self.case, self.truth = case, case.truth
        self.surface = NearestSurface(case.truth.vertices, case.truth.faces)
        self._cache: dict[tuple[object, ...], Any] = {}

    def once(self, key: tuple[object, ...], make: Callable[[], _T]) -> _T:
        """What `make` gives, made once: what measures need of the truth for every prediction again."""
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def samples(self, count: int, seed: int) -> Samples:
        """About `count` uniform samples of the judged part."""
        return self.once(("samples", count, seed), lambda: self._drawn(count, seed))

    def _drawn(self, count: int, seed: int) -> Samples:
        drawn = self.surface.sample(count, seed)
        kept = self.case.judged(drawn.position)
        # As many as asked for, however little of the subject is judged.
        if kept.mean() < 0.9:
            drawn = self.surface.sample(int(count / max(kept.mean(), 0.02)), seed)
            kept = self.case.judged(drawn.position)
        return Samples(drawn.position[kept], drawn.normal[kept], drawn.face[kept])

    @cached_property
    def observed(self) -> np.ndarray:
        """(V,) in [0, 1]: does the photo show the truth's vertices?"""
        points = self.case.unit_cube(self.truth.vertices).astype(np.float32)
        normals = vertex_normals(points, self.truth.faces)
        return visibility(points, normals, depth_picture(points, self.truth.faces, _VIEW).depth)

    def known(self, closest: Closest, cosine: np.ndarray) -> np.ndarray:
        """(N,) bool: does the truth tell anything about predicted points with these closest ones, and this cosine between both normals?

        A partial scan is silent beyond its border, far from itself, and about the other side of the head, whose nearest truth is a wall
        seen from behind.
        """
        return ~closest.on_border & (cosine > 0) & (closest.distance * MM < _ARTEFACT) if self.truth.partial else np.ones(len(cosine), bool)

    def region(self, face: np.ndarray) -> np.ndarray:
        """(N,) region ids of faces (N,)."""
        return self.truth.region[self.truth.faces[face, 0]]


@dataclass(frozen=True)
class Distances:
    """Both directions: distance in mm and cosine of the normals at samples, and where the truth's samples lie: face (N,)."""

    to_prediction: np.ndarray
    to_prediction_cosine: np.ndarray
    to_truth: np.ndarray
    to_truth_cosine: np.ndarray
    face: np.ndarray

    def summary(self) -> dict[str, float]:
        """Columns of the report; NaN where nothing could be compared."""
        there, back = self.to_prediction, self.to_truth
        row = {"p2s": _mean(there), "s2p": _mean(back)}
        row["chamfer"] = (row["p2s"] + row["s2p"]) / 2
        for name, values in (("p2s", there), ("s2p", back)):
            row[f"{name}_median"], row[f"{name}_p95"] = (float(np.percentile(values, q)) if len(values) else np.nan for q in (50, 95))
        cosines = (self.to_prediction_cosine, self.to_truth_cosine)
        row["angle"] = float(np.mean([_mean(np.degrees(np.arccos(np.clip(cosine, -1, 1)))) for cosine in cosines]))
        row["normal_consistency"] = float(np.mean([_mean(np.abs(cosine)) for cosine in cosines]))
        for limit in F_SCORES:
            recall, precision = _mean(there < limit), _mean(back < limit)
            row[f"f{limit}"] = 100 * 2 * recall * precision / max(recall + precision, 1e-9)
        return row | {"complete": 100 * _mean(there < _COMPLETE), "artefacts": 100 * _mean(back > _ARTEFACT)}


def distances(truth: MeasuredTruth, predicted: NearestSurface, motion: Similarity, count: int, seed: int) -> Distances:
    """Compare the prediction moved by `motion` at `count` samples a mesh."""
    case = truth.case
    mine = truth.samples(count, seed)
    there = predicted.closest(motion.inverse()(mine.position))
    its = predicted.sample(count, seed + 1000)
    moved = motion(its.position)
    kept = case.judged(moved)
    if kept.any():
        back = truth.surface.closest(moved[kept])
        cosine = np.einsum("ij,ij->i", its.normal[kept] @ motion.rotation.T, back.normal)
        known = truth.known(back, cosine)
        to_truth, cosine = back.distance[known] * MM, cosine[known]
    else:
        to_truth, cosine = np.zeros(0), np.zeros(0)
    return Distances(
        there.distance * motion.scale * MM,
        np.einsum("ij,ij->i", there.normal @ motion.rotation.T, mine.normal),
        to_truth,
        cosine,
        mine.face,
    )


def volumes(truth: MeasuredTruth, vertices: np.ndarray, faces: np.ndarray) -> dict[str, float]:
    """What the solids have in common in the judged cube, on 128 cells a side; vertices (V, 3) camera frame, moved. NaN without true cells.

    iou: intersection over union. behind: what the prediction has behind the back of the truth, along the truth's columns of depth, as a
    share of the truth: hair that hangs where none is. A photo shows none of it.
    """
    if truth.truth.cells is None:
        return {"iou": float("nan"), "behind": float("nan")}
    cells = truth.truth.cells, occupied_cells(truth.case.unit_cube(vertices), faces)
    mine, its = (np.unpackbits(packed).view(bool).reshape(GRID * GRID, GRID) for packed in cells)
    behind = its & ~np.logical_or.accumulate(mine, axis=1) & mine.any(1)[:, None]
    true = max(mine.sum(), 1)
    return {"iou": float((mine & its).sum() / max((mine | its).sum(), 1)), "behind": float(behind.sum() / true)}


def occupied_cells(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Packed bits (GRID**3 / 8,): which cells of [-1, 1]^3 have centres within a union of closed meshes, points (V, 3), faces (F, 3)?"""
    depth = LayeredDepth(fragments(torch.from_numpy(points.astype(np.float32)), torch.from_numpy(np.asarray(faces, np.int64)), GRID))
    pixel = torch.arange(GRID * GRID).repeat_interleave(GRID)
    level = ((torch.arange(GRID) + 0.5) / GRID * 2 - 1).repeat(GRID * GRID)
    return np.packbits((depth.winding(pixel, level).abs() > 0.5).numpy())


def mesh_health(vertices: np.ndarray, faces: np.ndarray) -> dict[str, float]:
    """Triangles, connected pieces, edges with one triangle (open) and with more than two (non-manifold); bend: the mean angle between
    neighbouring triangles in degrees, which grows with roughness and falls with the size of the triangles."""
    edges, face_edges = unique_edges(faces)
    sharing = np.bincount(face_edges.ravel(), minlength=len(edges))
    normals = face_normals(vertices.astype(np.float64), faces)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    order = np.argsort(face_edges.ravel(), kind="stable")
    paired = order[sharing[face_edges.ravel()[order]] == 2].reshape(-1, 2) // 3
    cosine = np.einsum("ij,ij->i", normals[paired[:, 0]], normals[paired[:, 1]])
    used = np.unique(faces)
    pieces = connected_components(adjacency(faces, len(vertices))[used][:, used], directed=False)[0]
    return {
        "triangles": float(len(faces)),
        "components": float(pieces),
        "open_edges": float((sharing == 1).sum()),
        "bad_edges": float((sharing > 2).sum()),
        "bend": _mean(np.degrees(np.arccos(np.clip(cosine, -1, 1)))),
    }


def as_icpr2020(truth: MeasuredTruth, vertices: np.ndarray, measured: Distances) -> dict[str, float]:
    """P2S of predicted *vertices* to the truth (mm) and squared Chamfer (mm^2) as in Li et al. 2020; vertices (V, 3) moved."""
    closest = truth.surface.closest(vertices[truth.case.judged(vertices)])
    known = truth.known(closest, np.ones(len(closest.distance)))
    squared = (_mean(measured.to_prediction**2) + _mean(measured.to_truth**2)) / 2
    return {"icpr_p2s": _mean(closest.distance[known]) * MM, "icpr_chamfer": squared}


def as_icon(truth: MeasuredTruth, predicted: NearestSurface, motion: Similarity, seed: int) -> dict[str, float]:
    """ICON's evaluator: 1,000 evenly spread samples a mesh, truth to prediction and half the sum of both, in cm."""
    there, back = truth.once(("even", seed), lambda: _even_samples(truth.surface, seed)), _even_samples(predicted, seed)
    there, back = there[truth.case.judged(there)], motion(back)
    back = back[truth.case.judged(back)]
    p2s = _mean(predicted.closest(motion.inverse()(there)).distance) * motion.scale
    s2p = _mean(truth.surface.closest(back).distance) if len(back) else float("nan")
    return {"icon_p2s": 100 * p2s, "icon_chamfer": 50 * (p2s + s2p)}


def _even_samples(surface: NearestSurface, seed: int) -> np.ndarray:
    import trimesh

    return trimesh.sample.sample_surface_even(trimesh.Trimesh(surface.vertices, surface.faces, process=False), _EVEN, seed=seed)[0]


def as_sith(truth: MeasuredTruth, predicted: NearestSurface, motion: Similarity, count: int, seed: int) -> dict[str, float]:
    """SiTH's evaluator: nearest sample to sample, mm; consistency of normals without sign; F-score at 10 mm, %."""
    mine, its = truth.samples(count, seed), predicted.sample(count, seed + 1000)
    moved, turned = motion(its.position), its.normal @ motion.rotation.T
    kept = truth.case.judged(moved)
    moved, turned = moved[kept], turned[kept]
    if not len(moved):
        return dict.fromkeys(("sith_p2s", "sith_s2p", "sith_nc", "sith_f"), float("nan"))
    there, near = cKDTree(moved).query(mine.position)
    back, far = cKDTree(mine.position).query(moved)
    consistency = [np.abs(np.einsum("ij,ij->i", *pair)) for pair in ((mine.normal, turned[near]), (turned, mine.normal[far]))]
    recall, precision = _mean(there < 0.01), _mean(back < 0.01)
    return {
        "sith_p2s": _mean(there) * MM,
        "sith_s2p": _mean(back) * MM,
        "sith_nc": (_mean(consistency[0]) + _mean(consistency[1])) / 2,
        "sith_f": 200 * recall * precision / max(recall + precision, 1e-9),
    }


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
