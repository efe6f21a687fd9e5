"""Each term of the fit makes heads that were seen with noise come out better than the fit does without it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from likeness.core.geometry.mesh import vertex_normals
from likeness.core.geometry.raster import interpolate, rasterize
from likeness.core.models import face_shapes, normal_term, view_energy
from likeness.core.models.fit import ViewFit, fit_head, refine_by_normals
from likeness.core.models.head import HeadModel
from likeness.core.models.joints import NECK
from likeness.core.models.normal_term import NormalPicture
from likeness.core.models.observation import Observation
from likeness.core.models.parametric import Parameters, Posed
from likeness.core.models.rotation import rotation_matrix, rotation_vector
from likeness.core.models.torso import usual_neck
from likeness.core.photo.landmarks import MEDIAPIPE
from likeness.core.photo.view import Camera, View

MODEL = HeadModel.load()
FACE = MODEL.regions["face"] > 0.5
NAMES = MODEL.expression_names
LEFT = [index for index, name in enumerate(NAMES) if name.endswith("Left") and not name.startswith("eyeLook")]
RIGHT = [NAMES.index(NAMES[index].removesuffix("Left") + "Right") for index in LEFT]
SIZE = 512


@dataclass(frozen=True)
class Person:
    """A head of the model, and its landmarks as a detector with noise sees them."""

    view: View
    posed: Posed
    expression: np.ndarray


def person(seed: int, outliers: int = 0) -> Person:
    """A symmetric expression, the head half turned; noise of 1.5 mm, and 2 cm more in one direction at some landmarks."""
    rng = np.random.default_rng(seed)
    expression = np.zeros(52)
    expression[NAMES.index("jawOpen")] = rng.uniform(0, 0.5)
    for name in ("mouthSmile", "browDown", "eyeSquint"):
        expression[[NAMES.index(name + side) for side in ("Left", "Right")]] = rng.uniform(0, 0.7)
    rotations = np.zeros((5, 3))
    rotations[0] = rotation_vector(rotation_matrix(np.array([0.1, 0.3, 0.05])))
    identity = np.clip(rng.normal(0, 0.8, len(MODEL.identity)), -2, 2)
    posed = MODEL.posed(Parameters(identity, expression, rotations))
    points = MODEL.mediapipe.on(posed.vertices) + MODEL.mediapipe.bias @ posed.rotation.T
    points = points + rng.normal(0, 0.0015, points.shape)
    points[rng.choice(len(points), outliers, replace=False)] += [0.02, 0, 0]
    camera = Camera((260.0, 200.0), 1200.0, 1.5)
    landmarks = np.concatenate([camera.project(points), points[:, 2:] * camera.scale], axis=1)
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    return Person(View(picture, np.ones((SIZE, SIZE), np.float32), {MEDIAPIPE: landmarks}, None, "synthetic"), posed, expression)


def mean(measure: Callable[[Person, ViewFit], float], outliers: int = 0) -> float:
    people = [person(seed, outliers) for seed in range(6)]
    return float(np.mean([measure(one, fit_head(MODEL, Observation.of(one.view))) for one in people]))


def face_error(truth: Person, fit: ViewFit) -> float:
    return 1000 * float(np.linalg.norm(fit.vertices - truth.posed.vertices, axis=1)[FACE].mean())


def expression_error(truth: Person, fit: ViewFit) -> float:
    return float(np.abs(fit.expression - truth.expression).mean())


def unlike_sides(truth: Person, fit: ViewFit) -> float:
    return float(np.abs(fit.expression[LEFT] - fit.expression[RIGHT]).mean())


def strangeness(truth: Person, fit: ViewFit) -> float:
    return float(np.abs(fit.identity).max())


@pytest.mark.parametrize(
    ("term", "off", "measure", "outliers", "share"),
    [
        ("_DEPTH_TRUST", 0.0, face_error, 0, 0.97),
        ("_TIE_PRIOR", 0.0, unlike_sides, 0, 0.5),
        ("_TIE_PRIOR", 0.0, expression_error, 0, 0.97),
        ("_EXPRESSION_PRIOR", 0.001, expression_error, 0, 0.7),
        ("_IDENTITY_PRIOR", 0.0001, strangeness, 0, 0.7),
        ("_ROBUST", 100.0, face_error, 60, 0.9),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value),
)
def test_without_the_term_heads_come_out_worse(
    monkeypatch: pytest.MonkeyPatch, term: str, off: float, measure: Callable[[Person, ViewFit], float], outliers: int, share: float
) -> None:
    with_term = mean(measure, outliers)
    module = view_energy if hasattr(view_energy, term) else face_shapes
    monkeypatch.setattr(module, term, off)
    assert with_term < share * mean(measure, outliers)


@pytest.mark.parametrize("turn", [(0.0, 0.6, 0.0), (0.3, 0.0, 0.0), (0.0, 0.0, -0.4)])
def test_a_neck_whose_shoulders_are_out_of_the_photo_bends_as_necks_do(turn: tuple[float, float, float]) -> None:
    rotations = np.zeros((5, 3))
    rotations[0] = turn
    posed = MODEL.posed(replace(MODEL.neutral(), rotations=rotations))
    camera = Camera((256.0, 200.0), 1000.0, 1.5)
    points = MODEL.mediapipe.on(posed.vertices) + MODEL.mediapipe.bias @ posed.rotation.T
    landmarks = np.concatenate([camera.project(points), points[:, 2:] * camera.scale], axis=1)
    matte = (np.hypot(*(np.mgrid[:300, :SIZE] - np.array([200, 256])[:, None, None])) < 110).astype(np.float32)
    fit = fit_head(MODEL, Observation({MEDIAPIPE: landmarks}, matte, None, "synthetic"))
    usual = usual_neck(fit.rotation)
    assert np.linalg.norm(usual) > 0.1
    assert np.linalg.norm(fit.rotations[NECK] - usual) < 0.1 * np.linalg.norm(usual)


def normals_of(one: Person, camera: Camera) -> NormalPicture:
    """The person's normals as a perfect network sees them in the whole photo."""
    flat = camera.project(one.posed.closed_vertices) * 2 / SIZE - 1
    points = np.stack([flat[:, 0], -flat[:, 1], one.posed.closed_vertices[:, 2]], axis=1).astype(np.float32)
    faces = torch.from_numpy(np.asarray(MODEL.closed_mesh.faces, np.int64))
    raster = rasterize(torch.from_numpy(points), faces, SIZE)
    values = vertex_normals(one.posed.closed_vertices, MODEL.closed_mesh.faces).astype(np.float32)
    normals = interpolate(raster, faces, torch.from_numpy(values)).numpy()
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
    return NormalPicture(normals, raster.mask.numpy().astype(np.float32), (0.0, 0.0, float(SIZE)))


def shape_error(truth: Person, fit: ViewFit) -> float:
    """Millimetres on the face after the best shift."""
    apart = (fit.vertices - truth.posed.vertices)[FACE]
    return 1000 * float(np.linalg.norm(apart - apart.mean(0), axis=1).mean())


def test_normals_bring_the_face_nearer(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [person(seed) for seed in range(3)]
    seen = [Observation.of(one.view) for one in people]
    fits = [fit_head(MODEL, one) for one in seen]
    pictures = [normals_of(one, Camera((260.0, 200.0), 1200.0, 1.5)) for one in people]

    def error() -> float:
        refined = [refine_by_normals(MODEL, *parts) for parts in zip(seen, fits, pictures, strict=True)]
        return float(np.mean([shape_error(one, fit) for one, fit in zip(people, refined, strict=True)]))

    before, after = float(np.mean([shape_error(one, fit) for one, fit in zip(people, fits, strict=True)])), error()
    print(f"{before:.2f} mm by landmarks, {after:.2f} mm with normals")
    assert after < 0.7 * before
    monkeypatch.setattr(normal_term, "_WEIGHT", 0.0)
    assert after < 0.7 * error()
