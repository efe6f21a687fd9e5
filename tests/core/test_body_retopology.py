"""The body model's quads on a known reconstruction: a posed body in clothes of 2 cm, of another size than the model."""

import numpy as np
import pytest

from likeness.core.errors import InputError
from likeness.core.geometry.closest import ClosestSurface
from likeness.core.geometry.mesh import vertex_normals
from likeness.core.models.body import BodyModel
from likeness.core.models.parametric import Parameters
from likeness.core.photo.pose import Pose
from likeness.core.photo.view import Camera
from likeness.core.result import Mesh, Result, ResultView
from likeness.core.topology.quads import QuadMesh
from likeness.core.topology.retopology import template_mesh

CLOTHES, SCALE = 0.02, 1.1


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="module")
def result(body: BodyModel) -> Result:
    identity = np.random.default_rng(1).normal(0, 0.5, len(body.identity))
    rotations = np.zeros((len(body.skeleton.parents), 3))
    rotations[body.joint("upperarm01.L")] = (0, 0, -0.4)
    posed, root = body.posed(Parameters(identity, np.zeros(0), rotations)), np.array([0.1, -0.05, 0.0])
    pose = Pose(np.eye(3), np.array([0.0, -0.9, 0.0]))
    vertices = pose.to_upright((posed.vertices - posed.joints[body.MAIN_JOINT] + root) * SCALE)
    dressed = (body.regions["torso"] + body.regions["upper_legs"]).clip(0, 1)
    vertices = (vertices + CLOTHES * dressed[:, None] * vertex_normals(vertices, body.faces)).astype(np.float32)
    faces = body.faces.astype(np.int32)
    colours = np.stack([vertices[:, 0] > 0, dressed > 0.5, np.ones(len(vertices))], axis=1).astype(np.float32)
    surface = Mesh(vertices, faces, vertex_normals(vertices, faces), colours, np.ones(len(vertices), np.float32))
    view = ResultView(np.zeros((64, 64, 3), np.uint8), Camera((32, 32), 30.0 / SCALE, 4.0 * SCALE), pose)
    fit = {
        "identity": identity.tolist(),
        "rotations": dict(zip(body.skeleton.names, rotations.tolist(), strict=True)),
        "root": root.tolist(),
        "camera": {"centre": [32, 32], "scale": 30.0, "distance": 4.0},
    }
    return Result("Bo", {"surface": surface}, (view,), {"fit": fit})


def distance(quads: QuadMesh, result: Result) -> np.ndarray:
    return np.abs(ClosestSurface(result.surface.vertices, result.surface.faces).query(quads.vertices)[0])


def test_quads_lie_on_the_clothes_or_below_them(body: BodyModel, result: Result) -> None:
    covering, bare = (template_mesh(result, cover, False, lambda share: None) for cover in (True, False))
    dressed = body.regions["torso"] > 0.99
    for quads in (covering, bare):
        assert quads.faces.shape == (13_378, 4) and (quads.faces >= 0).all() and len(quads.uv) == len(body.uv)
        assert distance(quads, result)[body.regions["lower_legs"] > 0.99].mean() < 0.001
    assert np.median(distance(covering, result)[dressed]) < 0.003 and covering.wrapped[dressed].mean() > 0.8
    assert np.median(distance(bare, result)[dressed]) > 0.6 * CLOTHES and bare.wrapped[dressed].mean() < 0.4
    inside = np.concatenate(list(body.closed_mesh.cavities.values()))
    assert (covering.wrapped[inside] == 0).all()
    clear = (np.abs(covering.vertices[:, 0]) > 0.02) & (covering.wrapped > 0.9)
    assert np.array_equal(covering.colours[clear, 0] > 0.5, covering.vertices[clear, 0] > 0)


@pytest.mark.parametrize("change", [{"root": None}, {"identity": [1.0]}, {"rotations": {"root": [0, 0, 0]}}, {"camera": {}}])
def test_results_without_a_fit_are_refused(result: Result, change: dict) -> None:
    broken = Result(result.name, result.meshes, result.views, {"fit": result.report["fit"] | change})
    with pytest.raises(InputError, match="which body was fitted"):
        template_mesh(broken, True, False, lambda share: None)
