"""All measures of one prediction of one case, as one row of named numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch

from ..core.geometry.raster import rasterize
from ..core.photo.crop import crop_picture
from .align import Similarity, align_surface
from .case import Case
from .faces import face_errors, landmark_error, start_from_landmarks
from .methods import Prediction
from .metrics import Distances, MeasuredTruth, as_icon, as_icpr2020, as_sith, distances, mesh_health, volumes
from .nearest import NearestSurface
from .pictures import colour_errors, normal_error

ALIGNMENTS = ("A0", "A1", "A2")
"""None; rigid; similarity."""
_ICP_POINTS, _DRAWN = 2000, 20_000
_STEADY = ("face", "ears")
_PICTURE = 512
_LEAST = 50  # samples of a region


@dataclass(frozen=True)
class SamplingBudget:
    """How much is spent: samples a mesh, how many seeds the distances are averaged over, how many cases of a set (None: all), which
    alignments, and whether the measures of other papers (theirs and NoW's face) are taken too: they are half of the time."""

    samples: int = 100_000
    seeds: int = 5
    cases: int | None = None
    alignments: tuple[str, ...] = ALIGNMENTS
    published: bool = True


SMALL = SamplingBudget(samples=10_000, seeds=1, cases=8)


@dataclass(frozen=True)
class Score:
    """values: the row; face_errors: mm of the samples of the face, with scale ("now") and without ("now_metric")."""

    values: dict[str, float]
    face_errors: dict[str, np.ndarray] = field(default_factory=dict)


def score(case: Case, truth: MeasuredTruth | None, prediction: Prediction, budget: SamplingBudget) -> Score:
    """Everything that the case allows. Raises ReconstructionError for a mesh that cannot be measured."""
    values = {"seconds": prediction.seconds, **mesh_health(prediction.vertices, prediction.faces)}
    if prediction.memory_mb is not None:
        values["memory_mb"] = prediction.memory_mb
    if case.mask is not None:
        values["silhouette_iou"] = silhouette_iou(case.mask, prediction)
    values |= landmark_error(case, prediction.landmarks, prediction.camera)
    if truth is None:
        return Score(values)
    vertices, landmarks = (in_true_frame(case, prediction, points) for points in (prediction.vertices, prediction.landmarks))
    predicted = NearestSurface(vertices, prediction.faces)
    faces: dict[str, np.ndarray] = {}
    for name, motion in motions(truth, predicted, landmarks, budget.alignments).items():
        moved = motion(vertices)
        measured = [distances(truth, predicted, motion, budget.samples, seed) for seed in range(budget.seeds)]
        values |= {f"{name}.{key}": value for key, value in _over_seeds(measured).items()}
        values |= {f"{name}.{key}": value for key, value in _by_region(truth, measured[0]).items()}
        values |= {f"{name}.{key}": value for key, value in volumes(truth, moved, prediction.faces).items()}
        if name == "A0" and prediction.colours is not None:
            values |= colour_errors(truth, moved, prediction.faces, prediction.colours)
        if name == "A0" and budget.published:
            values |= as_icpr2020(truth, moved, measured[0]) | as_icon(truth, predicted, motion, seed=0)
            values["normal_l2"] = normal_error(truth, moved, prediction.faces)
        if name == "A2" and budget.published:
            values |= as_sith(truth, predicted, motion, budget.samples, seed=0)
    if case.landmarks is not None and budget.published:
        faces = {name: face_errors(truth, predicted, landmarks, scaled) for name, scaled in (("now", True), ("now_metric", False))}
        values |= {f"{name}_median": float(np.median(errors)) for name, errors in faces.items() if len(errors)}
    return Score(values, faces)


def in_true_frame(case: Case, prediction: Prediction, points: np.ndarray) -> np.ndarray:
    """Points (N, 3) of the prediction's camera frame in the truth's: same place in the photo, same depth. Nothing is scaled but bodies,
    whose size and distance no photo tells: they are as large as the true camera shows them with the root joint at its true depth."""
    own, true = prediction.camera, case.camera
    if true is None:
        return points
    if case.subject == "body":
        flat = (own.project(points) - true.centre) * [1 / true.scale, -1 / true.scale]
        return true.unfold_perspective(np.column_stack([flat, points[:, 2] * (own.scale / true.scale)]))
    column, row = np.subtract(own.centre, true.centre) / true.scale
    return points + np.array([column, -row, 0.0])


def motions(
    truth: MeasuredTruth, predicted: NearestSurface, landmarks: np.ndarray, alignments: Sequence[str] = ALIGNMENTS
) -> dict[str, Similarity]:
    """How each alignment moves the prediction, (468, 3) its landmarks, to the truth."""

    def found(name: str) -> Similarity:
        if name == "A0":
            return Similarity.identity()
        scaled = name == "A2"
        start = start_from_landmarks(truth.case, landmarks, scaled)
        motion = align_surface(_steady(truth), predicted, start, scaled).inverse()
        # Without landmarks the rounds may lead astray: a limb onto the trunk, a figure into a skirt.
        stays = truth.case.subject == "body" and _apart(truth, predicted, start) < _apart(truth, predicted, motion)
        return start if stays else motion

    return {name: found(name) for name in alignments}


def _apart(truth: MeasuredTruth, predicted: NearestSurface, motion: Similarity) -> float:
    """Metres between the surfaces, in both directions, after a motion of the prediction to the truth."""
    there = predicted.closest(motion.inverse()(truth.samples(_DRAWN, seed=7).position[:_ICP_POINTS])).distance.mean() * motion.scale
    back = truth.surface.closest(motion(predicted.sample(_ICP_POINTS, seed=7).position)).distance.mean()
    return float(there + back)


def _steady(truth: MeasuredTruth) -> np.ndarray:
    """Points (N, 3) of the truth that an alignment rests on: of heads the skin of face and ears, because hair and clothes, which lie
    centimetres off, would turn the face out of its place; else everything."""
    ids = [truth.truth.region_names.index(name) for name in _STEADY if name in truth.truth.region_names]
    samples = truth.samples(_DRAWN, seed=7)
    chosen = np.isin(truth.region(samples.face), ids)
    if truth.case.subject != "head" or chosen.sum() < _LEAST:
        return samples.position[:_ICP_POINTS]
    return samples.position[chosen][:_ICP_POINTS]


def silhouette_iou(mask: np.ndarray, prediction: Prediction) -> float:
    """Of the mesh in its own camera and the subject's mask (H, W), inside the photo and the prediction's crop, on 512 x 512 pixels."""
    box = prediction.framing.crop_box(prediction.camera)
    points = torch.from_numpy(prediction.framing.to_crop(prediction.vertices, prediction.camera).astype(np.float32))
    drawn = rasterize(points, torch.from_numpy(np.asarray(prediction.faces, np.int64)), _PICTURE).mask.numpy()
    there = crop_picture(np.ones(mask.shape, np.float32), box, _PICTURE) > 0.5
    person = (crop_picture(np.ascontiguousarray(mask, np.float32), box, _PICTURE) > 0.5) & there
    # Only the piece of the mask that the head belongs to: other people in the picture are nobody's error.
    _, pieces = cv2.connectedComponents(person.astype(np.uint8))
    hit = np.bincount(pieces[drawn & person], minlength=1)
    if hit.sum():
        person = pieces == hit.argmax()
    union = (drawn & there) | person
    return float((drawn & person).sum() / max(union.sum(), 1))


def _over_seeds(measured: list[Distances]) -> dict[str, float]:
    rows = [one.summary() for one in measured]
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return means | ({"chamfer_sd": float(np.std([row["chamfer"] for row in rows]))} if len(rows) > 1 else {})


def _by_region(truth: MeasuredTruth, measured: Distances) -> dict[str, float]:
    """Truth to prediction by region, and by whether the photo shows it."""
    region = truth.region(measured.face)
    seen = truth.observed[truth.truth.faces[measured.face]].mean(1) > 0.5
    parts = {name: region == index for index, name in enumerate(truth.truth.region_names)} | {"observed": seen, "hidden": ~seen}
    return {f"p2s_{name}": float(measured.to_prediction[chosen].mean()) for name, chosen in parts.items() if chosen.sum() >= _LEAST}
