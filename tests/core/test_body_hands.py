"""The fitted hands take the place of the field's where the photo has hands there."""

import numpy as np

from likeness.core.body_hands import with_hands
from likeness.core.geometry.closest import ClosestSurface
from likeness.core.models.body import BodyModel
from likeness.core.models.body_fit import BodyViewFit
from likeness.core.models.parametric import Parameters
from likeness.core.photo.parsing import CLASSES, Parsing
from likeness.core.photo.view import Camera
from likeness.core.surface.extract import extract_surface

SIZE = 64


def parsed(name: str) -> Parsing:
    """Of one class all over."""
    shares = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    shares[..., CLASSES.index(name)] = 1
    return Parsing(shares, (0, 0, 1000))


def fitted(body: BodyModel) -> BodyViewFit:
    parameters = Parameters(np.zeros(len(body.identity)), np.zeros(0), np.zeros((len(body.skeleton.names), 3)))
    posed = body.posed(parameters)
    camera = Camera((500.0, 500.0), 400.0, 4.0)
    return BodyViewFit(parameters, np.eye(3), camera, posed.vertices, posed.joints, np.array([0.0, 1, 0]), 1.7, 0.0)


def test_a_coarse_body_gets_the_fitted_fingers_where_skin_is_seen() -> None:
    body = BodyModel.load()
    fit = fitted(body)
    closed = body.closed_vertices(fit.vertices, fit.joints, fit.rotation)
    closest = ClosestSurface(closed, body.closed_mesh.faces)
    middle, half = closed.mean(0), 1.05 * float(np.abs(closed - closed.mean(0)).max())
    vertices, faces = extract_surface(lambda points: closest.query(middle + half * points)[0] / half, None, 128)
    coarse = (middle + half * vertices).astype(np.float32)
    tips = fit.joints[[body.joint(f"finger{finger}-3.{side}") for finger in (2, 3, 4) for side in "LR"]]
    found = {
        name: with_hands(body, fit, None if name == "none" else parsed(name), coarse, faces)[0] for name in ("none", "skin", "clothes")
    }
    apart = {name: np.mean([np.linalg.norm(points - tip, axis=1).min() for tip in tips]) for name, points in found.items()}
    assert apart["skin"] == apart["none"] < 0.02
    assert len(found["clothes"]) == len(coarse) and len(found["skin"]) > len(coarse) + 1000
