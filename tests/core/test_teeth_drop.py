"""A smiling mouth with a bright row of teeth of known height below the upper lip, the rest of it dark."""

import numpy as np
import pytest

from likeness.core.models.fit import ViewFit
from likeness.core.models.head import HeadModel
from likeness.core.models.parametric import Parameters
from likeness.core.models.teeth import MOUTH_PARTS, UPPER_TEETH, teeth_drop
from likeness.core.photo.parsing import CLASSES, Parsing
from likeness.core.photo.view import Camera, View
from likeness.core.topology.eyes_teeth import follow_parts

SIZE = 640
CAMERA = Camera((SIZE / 2, SIZE / 2), SIZE / 0.3)
SKIN, TEETH, DARK = 150, 190, 25


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


@pytest.fixture(scope="module")
def fit(model: HeadModel) -> ViewFit:
    expression = np.zeros(len(model.expression))
    for name, value in (("jawOpen", 0.4), ("mouthUpperUpLeft", 0.5), ("mouthUpperUpRight", 0.5)):
        expression[model.expression_names.index(name)] = value
    posed = model.posed(Parameters(np.zeros(len(model.identity)), expression, model.neutral().rotations))
    return ViewFit(
        np.zeros(len(model.identity)), expression, model.neutral().rotations, posed.rotation, CAMERA, 0.01,
        posed.vertices, posed.joints, posed.closed_vertices, posed.closed_normals,
    )  # fmt: skip


def usual_edge(model: HeadModel, fit: ViewFit) -> float:
    """The model's incisors, metres below the upper lip."""
    lip, teeth = model.mediapipe.on(fit.vertices)[13], fit.vertices[model.part == UPPER_TEETH]
    return float(lip[1] - teeth[teeth[:, 2] > teeth[:, 2].max() - 0.006, 1].min())


def photo(model: HeadModel, fit: ViewFit, height: float, light: int = TEETH) -> View:
    lip = CAMERA.project(model.mediapipe.on(fit.vertices))
    row = round(lip[[81, 82, 13, 312, 311], 1].mean())
    left, right, bottom = int(lip[78, 0]), int(lip[308, 0]), int(lip[14, 1])
    image, shares = np.full((SIZE, SIZE, 3), SKIN, np.uint8), np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    image[row - 4 : bottom, left:right] = DARK
    image[row - 4 : row + round(height * CAMERA.scale), left:right] = light
    shares[..., CLASSES.index("skin")] = 1
    shares[row - 4 : bottom, left:right] = np.eye(len(CLASSES))[CLASSES.index("teeth")]
    return View(image, np.ones((SIZE, SIZE), np.float32), {}, None, "Ada", parsing=Parsing(shares, (0, 0, SIZE)))


@pytest.mark.parametrize("lower", [-0.001, 0.001, 0.003])
def test_teeth_reach_as_low_as_the_photo_shows(model: HeadModel, fit: ViewFit, lower: float) -> None:
    view = photo(model, fit, usual_edge(model, fit) + lower)
    assert teeth_drop(model, fit, view) == pytest.approx(lower, abs=0.0007)


def test_teeth_stay_near_everybodys(model: HeadModel, fit: ViewFit) -> None:
    assert teeth_drop(model, fit, photo(model, fit, 0.0005)) >= -0.002
    assert teeth_drop(model, fit, photo(model, fit, usual_edge(model, fit) + 0.008)) <= 0.004


def test_a_mouth_without_teeth_says_nothing(model: HeadModel, fit: ViewFit) -> None:
    usual = teeth_drop(model, fit, View(np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), np.float32), {}, None, "Ada"))
    assert 0.001 < usual < 0.002, "the drawn mean's teeth lie too high"
    assert teeth_drop(model, fit, photo(model, fit, 0.009, light=60)) == usual


def test_what_lies_apart_from_the_upper_lip_is_not_the_upper_row(model: HeadModel, fit: ViewFit) -> None:
    view = photo(model, fit, 0.007)
    first = np.flatnonzero((view.image[..., 0] == TEETH).any(1))[0]
    view.image[first : first + int(0.0055 * CAMERA.scale)] = np.minimum(view.image[first : first + int(0.0055 * CAMERA.scale)], DARK)
    assert teeth_drop(model, fit, view) == teeth_drop(model, fit, photo(model, fit, 0.009, light=60))


def test_teeth_and_tongue_go_down_as_one(model: HeadModel) -> None:
    none, joints = np.zeros((model.skin_count, 3)), np.zeros_like(model.skeleton.joints)
    moved = follow_parts(model, model.mean, none, joints, 0.002) - follow_parts(model, model.mean, none, joints)
    inside = np.isin(model.part, MOUTH_PARTS)
    assert np.allclose(moved[inside], (0, -0.002, 0)) and not moved[~inside].any()
